"""The motion as a document of Parseq (sd-parseq), which its importer opens and Deforum's Parseq adapter paints.

Conventions: a keyframe of Parseq holds *absolute* values: motion that Deforum is given per frame (``zoom``,
``angle``, translations, rotations) is summed up, and Parseq takes differences again (``*_delta``; of zoom, one plus
the difference). Keyframes are thinned within :data:`TOLERANCES` of those sums; ``rendered_frames`` hold every frame,
so that the file can be given to Deforum as it is. Beats, downbeats and sections stand in a keyframe's ``info``, where
Parseq's ``info_match_*`` functions find them. Text between ``${`` and ``}`` is an expression there: ours is no such
thing, so the mark is broken up.

Source: github.com/rewbs/sd-parseq (``parseq-loader.ts``, ``parseq-renderer.ts``) and ``parseq_adapter.py`` of Deforum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.export.markers import Marker
from lib_music.render.deforum_settings import SEED_MODULUS
from lib_music.schedule.animation import Animation
from lib_music.schedule.schedules import thin

#: Deforum's parameters by Parseq's name for them; the others are called alike, without ``_schedule``.
_NAMES = {
    "cfg_scale_schedule": "scale",
    "kernel_schedule": "antiblur_kernel",
    "sigma_schedule": "antiblur_sigma",
    "amount_schedule": "antiblur_amount",
    "threshold_schedule": "antiblur_threshold",
}
#: What is moved by so much a frame, and how far the thinned sum may be off (a share of size, degrees, pixels, ...).
TOLERANCES: Mapping[str, float] = {
    "zoom": 0.001,
    "angle": 0.02,
    "translation_x": 0.1,
    "translation_y": 0.1,
    "translation_z": 0.02,
    "rotation_3d_x": 0.02,
    "rotation_3d_y": 0.02,
    "rotation_3d_z": 0.02,
    "perspective_flip_theta": 0.02,
    "perspective_flip_phi": 0.02,
    "perspective_flip_gamma": 0.02,
}
#: The tempo that Parseq is told where none was heard; it refuses none.
NO_TEMPO = 120.0
_NEGATIVE = "--neg"
Values = npt.NDArray[np.float64]


def parseq_document(
    animation: Animation, settings: Mapping[str, Any], markers: Sequence[Marker], *, name: str, tempo: float
) -> dict[str, Any]:
    """A Parseq document that moves as ``settings`` do.

    Parameters
    ----------
    animation : Animation
    settings : mapping
        What :func:`lib_music.render.deforum_settings.build_settings` made of it: how many frames Deforum is to paint,
        and the prompts as it is given them.
    markers : sequence of Marker
        What the keyframes' ``info`` names.
    name : str
        The document's name.
    tempo : float
        BPM; 0 where none was heard.

    Returns
    -------
    dict
        Finite numbers and text; also the frames that Deforum paints from, ``rendered_frames``.
    """
    n = max(2, int(settings["max_frames"]))
    curves = _curves(animation, n)
    prompts = _prompts(settings["prompts"], n) if _is_driven(animation, "prompts") else []
    shown = [field for field in ("strength", "noise", "zoom", "angle", "translation_z") if field in curves]
    return {
        "meta": {"generated_by": "music-visualizer", "version": "1", "docName": name},
        "options": {
            "input_fps": float(animation.timebase.fps),
            "output_fps": float(animation.timebase.fps),
            "bpm": round(tempo, 3) or NO_TEMPO,
            "cadence": animation.cadence,
        },
        "managedFields": list(curves),
        "displayedFields": shown or list(curves)[:5],
        "timeSeries": [],
        "keyframeLock": "frames",
        "reverseRender": False,
        "prompts": _prompt_list(prompts, n),
        "keyframes": _keyframes(curves, markers, n),
        "rendered_frames": _frames(curves, prompts, n),
        "rendered_frames_meta": {field: _meta(_absolute(field, values)) for field, values in curves.items()},
    }


def _is_driven(animation: Animation, key: str) -> bool:
    return not animation.driven or key in animation.driven


def _curves(animation: Animation, n: int) -> dict[str, Values]:
    """Each driven parameter as Deforum is given it, by Parseq's name [shape=(n,)]; seeds last and whole.

    Without a schedule of their own seeds count up by one a frame, as in the settings file.
    """
    curves = {}
    for key, schedule in animation.schedules.items():
        if key != "seed_schedule" and _is_driven(animation, key):
            curves[_NAMES.get(key, key.removesuffix("_schedule"))] = schedule.sample(n)
    if _is_driven(animation, "seed_schedule"):
        seeds = animation.schedules.get("seed_schedule")
        wanted = seeds.sample(n) if seeds else np.arange(n) + float(animation.seed)
        curves["seed"] = np.round(wanted) % SEED_MODULUS
    return curves


def _absolute(field: str, values: Values) -> Values:
    """What Parseq calls the value: the sum of what moves by so much a frame."""
    if field not in TOLERANCES:
        return values
    steps = np.array(values)
    steps[1:] -= field == "zoom"
    return np.asarray(np.cumsum(steps))


def _keyframes(curves: Mapping[str, Values], markers: Sequence[Marker], n: int) -> list[dict[str, Any]]:
    """Rows by frame: values where a curve bends, ``info`` where something happens."""
    rows: dict[int, dict[str, Any]] = {0: {"frame": 0}, n - 1: {"frame": n - 1}}
    for field, values in curves.items():
        if field == "seed":
            for frame, value, between in _seed_keys(values):
                rows.setdefault(frame, {"frame": frame}).update({field: value, f"{field}_i": between})
            continue
        absolute = _absolute(field, values)
        allowed = TOLERANCES.get(field, max(1e-4, 0.002 * float(np.ptp(absolute))))
        for frame, value in thin(absolute, allowed, allowed * n):
            rows.setdefault(frame, {"frame": frame})[field] = _number(value)
    for marker in markers:
        if marker.frame < n:
            row = rows.setdefault(marker.frame, {"frame": marker.frame})
            words = f"section {marker.name}" if marker.kind == "section" else marker.kind
            row["info"] = f"{row['info']}, {words}" if "info" in row else words
    return [rows[frame] for frame in sorted(rows)]


def _seed_keys(values: Values) -> list[tuple[int, float, str]]:
    """Keys of the seeds: (frame, value, Parseq's word for what follows: held, or counting up by one a frame).

    What counts up is the held value plus the frame's number, so that number is taken off the value.
    """
    keys: list[tuple[int, float, str]] = []
    for frame, value in enumerate(values.tolist()):
        held, between = (keys[-1][1], keys[-1][2]) if keys else (None, "")
        follows = held is not None and value == held + (frame if between == "S+f" else 0)
        # The second frame of a run tells which of the two it is.
        if not follows and held is not None and keys[-1] == (frame - 1, value - 1, "S"):
            keys[-1] = (frame - 1, held - (frame - 1), "S+f")
        elif not follows:
            keys.append((frame, value, "S"))
    return keys


def _prompts(prompts: Mapping[str, str], n: int) -> list[tuple[int, int, str, str]]:
    """(first frame, last frame, positive, negative) of each prompt, without gaps."""
    starts = sorted(int(frame) for frame in prompts)
    found = []
    for first, after in zip(starts, [*starts[1:], n], strict=True):
        positive, _, negative = prompts[str(first)].partition(_NEGATIVE)
        if first < n:
            found.append((first, min(after, n) - 1, _plain(positive), _plain(negative)))
    return found


def _plain(text: str) -> str:
    """Text that Parseq does not take for an expression."""
    while "${" in text:
        text = text.replace("${", "$ {")
    return " ".join(text.split())


def _prompt_list(prompts: Sequence[tuple[int, int, str, str]], n: int) -> dict[str, Any]:
    """Parseq's second format of prompts; switched off where the prompts are not ours to drive."""

    def one(name: str, first: int, last: int, positive: str, negative: str, everywhere: bool = False) -> dict[str, Any]:
        overlap = {"type": "none", "inFrames": 0, "outFrames": 0, "custom": "prompt_weight_1"}
        return {"enabled": True, "name": name, "from": first, "to": last, "allFrames": everywhere,
                "positive": positive, "negative": negative, "overlap": overlap}  # fmt: skip

    listed = [one(f"Prompt {i}", *prompt) for i, prompt in enumerate(prompts, 1)]
    return {
        "format": "v2",
        "enabled": bool(listed),
        "commonPromptPos": "append",
        "commonPrompt": one("Common", 0, n - 1, "", "", everywhere=True),
        "promptList": listed or [one("Prompt 1", 0, n - 1, "", "")],
    }


def _frames(curves: Mapping[str, Values], prompts: Sequence[tuple[int, int, str, str]], n: int) -> list[dict[str, Any]]:
    """Every frame with every value, as Deforum's adapter reads them."""
    columns: dict[str, list[Any]] = {}
    for field, values in curves.items():
        whole = field == "seed"
        columns[field] = [int(v) if whole else _number(v) for v in _absolute(field, values).tolist()]
        if field in TOLERANCES:
            # Deforum paints from the difference, which is the schedule itself: no digit of it is lost to the sum.
            columns[f"{field}_delta"] = [_number(v) for v in values.tolist()]
        if whole:
            columns["subseed"], columns["subseed_strength"] = columns[field], [0] * n
    texts = [""] * n
    for first, last, positive, negative in prompts:
        text = f"{positive} {_NEGATIVE} {negative}" if negative else positive
        texts[first : last + 1] = [text] * (last + 1 - first)
    if prompts:
        columns["deforum_prompt"] = texts
    return [{"frame": i, **{field: column[i] for field, column in columns.items()}} for i in range(n)]


def _meta(values: Values) -> dict[str, Any]:
    low, high = float(values.min()), float(np.abs(values).max())
    return {"max": _number(high), "min": _number(low), "isFlat": low == high}


def _number(value: float) -> float:
    """Six decimals, as in the settings file, and no negative zero."""
    return round(float(value), 6) + 0.0
