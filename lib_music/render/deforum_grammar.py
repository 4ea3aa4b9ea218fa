"""Read a schedule exactly as Deforum will.

Deforum splits a schedule at every comma and each part at its colon, without looking at brackets::

    0:(1.000000),12:(1.040000),13:(1.0+0.1*sin(t/5))

Conventions
-----------
- A value that is a plain number, ``[+-]?digits[.digits]`` after quotes and parentheses are taken away, is a
  key: values run linearly from key to key and hold after the last one. **Anything else is a formula**, worked
  out afresh at every frame until the next key; ``1e-3``, ``5.`` and ``( 1 )`` are formulas in this sense.
- Formulas know ``t`` (the frame), ``max_f`` (the last frame) and ``s`` (the seed), and contain no comma. They
  are evaluated by :mod:`lib_music.formula` and by nothing else.
- Frame 0 must have a key. Keys outside the video are dropped, without a ramp towards them; of two keys at one
  frame the last one holds; the order is free.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lib_music.errors import InputError, SettingsError

_NUMBER = re.compile(r"(?=.)[+-]?[0-9]*(\.[0-9]+)?", re.ASCII)
#: Longer than any video: no key lies outside.
ANY_LENGTH = 10_000_000
_STRIPPED = str.maketrans("", "", "'\"()")


def is_number(text: str) -> bool:
    """Whether Deforum takes ``text`` for a number."""
    return _NUMBER.fullmatch(text) is not None


def read_schedule(
    text: str, n_frames: int, *, parameter: str = "schedule", seed: int = 0, strict: bool = False
) -> npt.NDArray[np.float64]:
    """The value that Deforum will use at each frame.

    Parameters
    ----------
    text : str
        The schedule as it stands in the settings file.
    n_frames : int
        Deforum's ``max_frames``, >= 1.
    parameter : str
        The key it stands under, for the error text.
    seed : int
        What ``s`` means in formulas.
    strict : bool
        Also refuse what Deforum quietly drops or holds: keys outside the video, out of order or given twice,
        and formulas. Everything this program writes is strict.

    Returns
    -------
    values : [shape=(n_frames,)]
        Finite.

    Raises
    ------
    SettingsError
        Where Deforum would fail, naming the parameter and the frame.
    """
    values = np.full(n_frames, np.nan)
    keys = split_keys(text, n_frames, parameter=parameter, seed=seed, strict=strict)
    formula = ""
    for frame in range(n_frames):
        if frame in keys:
            word = keys[frame].translate(_STRIPPED)
            if is_number(word):
                values[frame], formula = _number(word, parameter, frame), ""
            else:
                formula = keys[frame]
                if strict:
                    raise _wrong(parameter, frame, f"{formula!r} is not a plain number", "write digits only")
        if formula:
            variables = {"t": float(frame), **_variables(n_frames, seed)}
            values[frame] = _evaluate(formula, variables, parameter, frame)
    known = np.flatnonzero(~np.isnan(values))
    return np.asarray(np.interp(np.arange(n_frames), known, values[known]), np.float64)


def read_text_schedule(text: str, n_frames: int, *, parameter: str = "schedule", seed: int = 0) -> list[str]:
    """The word that Deforum will use at each frame, for samplers, masks and checkpoints.

    Quotes and parentheses are taken away; the word holds until the next key. Raises SettingsError as
    :func:`read_schedule` does.
    """
    keys = split_keys(text, n_frames, parameter=parameter, seed=seed)
    words: list[str] = []
    for frame in range(n_frames):
        words.append(keys[frame].translate(_STRIPPED) if frame in keys else words[-1])
    return words


def split_keys(
    text: str, n_frames: int, *, parameter: str = "schedule", seed: int = 0, strict: bool = False
) -> dict[int, str]:
    """The keys inside the video and their values as text, in order of frame; 0 is always among them."""
    if not text.strip():
        raise _wrong(parameter, 0, "the schedule is empty", 'write at least "0:(value)"')
    keys: dict[int, str] = {}
    last = -1
    for part in text.split(","):
        pieces = part.split(":")
        if len(pieces) != 2 or not pieces[1].strip():
            raise _wrong(
                parameter, max(last, 0), f"{part.strip()!r} is not frame:(value)",
                "separate keys by single commas and use no comma or colon inside a value",
            )
        frame = _frame(pieces[0], n_frames, seed, parameter, last)
        if strict and not last < frame < n_frames:
            raise _wrong(parameter, frame, "the key is out of order or outside the video", "sort the keys")
        if 0 <= frame < n_frames:
            keys[frame] = pieces[1].strip()
        last = frame
    if 0 not in keys:
        raise _wrong(parameter, 0, "there is no key at frame 0", 'begin with "0:(value)"')
    return dict(sorted(keys.items()))


def read_prompts(prompts: Mapping[str, object], max_f: float | None = None) -> dict[int, str]:
    """The prompts by frame, as Deforum reads them: digits, or a constant formula.

    ``max_f`` is what that name means there; Deforum knows it in its mode Interpolation alone, in the others such a
    frame stops it. Raises SettingsError for an empty mapping, a key Deforum cannot read and a prompt that is not text.
    """
    if not prompts:
        raise SettingsError("prompts is empty", 'give at least {"0": "a prompt"}')
    read: dict[int, str] = {}
    for key, prompt in prompts.items():
        if not isinstance(prompt, str):
            raise SettingsError(f"prompts[{key!r}] is {type(prompt).__name__}, not text", "quote the prompt")
        if key.isascii() and key.isdigit():
            frame = int(key)
        else:
            frame = int(_evaluate(key, {} if max_f is None else {"max_f": max_f}, "prompts", 0))
        read[frame] = prompt
    return dict(sorted(read.items()))


def check_schedule(text: str, *, parameter: str = "schedule") -> None:
    """Refuse a schedule that the grammar or the formula allow-list refuses, whatever the video's length.

    Each formula is worked out once, at the frame of its key; words (samplers, masks) are not formulas: check
    those with :func:`split_keys`. Raises SettingsError.
    """
    for frame, value in split_keys(text, ANY_LENGTH, parameter=parameter).items():
        if not is_number(value.translate(_STRIPPED)):
            _evaluate(value, {"t": float(frame), **_variables(ANY_LENGTH, 1)}, parameter, frame)


def _frame(piece: str, n_frames: int, seed: int, parameter: str, last: int) -> int:
    word = piece.strip().translate(_STRIPPED)
    if not is_number(word):
        inner = piece.strip().strip("'\"")
        return int(_evaluate(inner, _variables(n_frames, seed), parameter, max(last, 0)))
    try:
        return int(word)
    except ValueError as error:
        raise _wrong(
            parameter, max(last, 0), f"{piece.strip()!r} is not a whole frame", "round the frame"
        ) from error


def _number(word: str, parameter: str, frame: int) -> float:
    try:
        return float(word)
    except ValueError as error:  # a lone sign passes Deforum's pattern and fails at the same place
        raise _wrong(parameter, frame, f"{word!r} is not a number", "write digits") from error


def _variables(n_frames: int, seed: int) -> dict[str, float]:
    return {"max_f": float(n_frames - 1), "s": float(seed)}


def _evaluate(formula: str, variables: Mapping[str, float], parameter: str, frame: int) -> float:
    from lib_music.formula import evaluate

    try:
        value = float(evaluate(formula, variables))
    except InputError as error:
        raise _wrong(parameter, frame, error.message, error.fix) from error
    if not np.isfinite(value):
        raise _wrong(parameter, frame, f"{formula!r} is {value}", "keep the formula finite")
    return value


def _wrong(parameter: str, frame: int, what: str, fix: str) -> SettingsError:
    return SettingsError(f"{parameter} at frame {frame}: {what}", fix)
