"""Why a run of Deforum failed, in one line with what to do about it.

Conventions: Deforum hardly ever raises. It returns a text, prints a traceback, or silently paints less; ``said`` is
the text it returned, ``printed`` the end of what it wrote to the console meanwhile. Both are found text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lib_music.errors import DeforumError, InputError, SettingsError
from lib_music.render.deforum_defaults import NUMBER_SCHEDULES, TEXT_SCHEDULES
from lib_music.render.deforum_grammar import read_prompts, read_schedule, read_text_schedule
from lib_music.render.deforum_runs import AGAIN

_BACKTICKS = re.compile(r"`(.*?)`", re.DOTALL)
#: What Deforum wraps around the exception's own text.
_WRAPPING = re.compile(
    r"^\s*Error:\s*'?(.*?)'?\.?\s*(?:Before reporting, |Please, )?\s*(?:please )?check your .*$", re.DOTALL
)


@dataclass(frozen=True)
class _Known:
    """A cause that can be told by its words."""

    words: re.Pattern[str]
    what: str
    fix: str
    in_files: bool = False  # the names of the files that a traceback goes through tell it, too


def _known(words: str, what: str, fix: str, *, in_files: bool = False) -> _Known:
    return _Known(re.compile(words, re.IGNORECASE), what, fix, in_files)


#: Looked for in order in what Deforum returned and in the tracebacks it printed.
_CAUSES = (
    _known(
        r"DefaultCPUAllocator|can't allocate memory|\bMemoryError",
        "the machine is out of memory",
        "close other programs or choose a smaller size; " + AGAIN,
    ),
    _known(
        r"out of memory|OutOfMemoryError|not enough (GPU )?memory",
        "the GPU is out of memory",
        "choose a smaller size, or start the WebUI with --medvram; close what else uses the GPU; " + AGAIN,
    ),
    _known(r"no space left|disk quota|\[Errno 28\]", "the disk is full", "free some space; " + AGAIN),
    _known(
        r"'DepthModel' object|dpt_(large|beit|hybrid)|depth_(midas|zoe|leres|adabins|anything\w*)\.py",
        "the depth model for 3D cannot be loaded",
        # Forge's Deforum loads it for every run by keyframes, a flat one too.
        "put it into models/Deforum (one 3D run in Deforum's own tab downloads it), or choose 2D; where Cadence is "
        "unticked under Base settings, tick it",
        in_files=True,
    ),
    _known(
        r"NansException|tensor with (all )?NaNs",
        "the model produces no picture (NaN)",
        "start the WebUI with --no-half-vae or --no-half, or take another checkpoint or VAE",
    ),
    _known(
        r"cn_\d+_\w+",
        "Deforum stumbles over ControlNet's settings",
        "update Deforum and ControlNet, or switch ControlNet off under Extensions",
    ),
    _known(
        r"'DiffusionFrameData' object has no attribute 'strength'",
        "this Deforum cannot paint by keyframes with its legacy colour match",
        "set legacy_colormatch to false in your settings file, or tick Cadence under Base settings",
    ),
    _known(
        r"No checkpoints? found|NoneType' object has no attribute '(sd_checkpoint_info|is_sdxl|forge_objects|"
        r"cond_stage_model|first_stage_model|lowvram)|You do not have any model",
        "no checkpoint is loaded",
        "put one into models/Stable-diffusion and choose it on top of the page",
    ),
    _known(r"Unknown checkpoint", "a checkpoint of the settings is not here", "correct checkpoint_schedule"),
    _known(
        r"Sampler name '.*' is invalid|bad sampler name",
        "a sampler of the settings is not here",
        "correct the sampler or sampler_schedule",
    ),
    _known(
        r"size mismatch|shapes cannot be multiplied|Sizes of tensors must match",
        "a LoRA, an embedding or a ControlNet does not fit the checkpoint",
        "take one that is made for this kind of checkpoint",
    ),
)


def failure(
    said: str, printed: str, settings: Mapping[str, Any], count: int, n_frames: int, *, begun: bool
) -> DeforumError:
    """The error to show for a run that failed after ``count`` of ``n_frames`` frames."""
    where = f" at frame {count} of {n_frames}" if begun else " before the first frame"
    raised, files = _tracebacks(printed)
    words = "\n".join((said, *raised))
    # A KeyError's text is a bare name; the traceback also says what kind of error it is.
    text = raised[-1].strip()[:200] if raised else _short(said)
    for cause in _CAUSES:
        if cause.words.search(words) or (cause.in_files and cause.words.search(files)):
            return DeforumError(f"{cause.what}{where}: {text}", cause.fix)
    wrong = schedule_error(settings)
    if wrong is not None:
        return DeforumError(f"Deforum cannot read a schedule: {wrong.message}", wrong.fix)
    return DeforumError(
        f"Deforum failed{where}: {text or 'it does not say why'}",
        f"the WebUI's console tells more{'; ' + AGAIN if begun else ''}",
    )


def schedule_error(settings: Mapping[str, Any]) -> SettingsError | None:
    """The first schedule or formula that Deforum cannot read, with its parameter and frame; None: all can be."""
    return next(_schedule_errors(settings), None)


def _schedule_errors(settings: Mapping[str, Any]) -> Iterator[SettingsError]:
    n, seed = settings["max_frames"], settings["seed"]
    for key, value in settings.items():
        text_schedule = key in TEXT_SCHEDULES
        number_schedule = key in NUMBER_SCHEDULES or (key.endswith("_schedule") and not text_schedule)
        if not isinstance(value, str) or not (text_schedule or number_schedule):
            continue
        try:
            if text_schedule or '"' in value:
                read_text_schedule(value, n, parameter=key, seed=seed)
            else:
                read_schedule(value, n, parameter=key, seed=seed)
        except SettingsError as error:
            yield error
    yield from _prompt_errors(settings)


def _prompt_errors(settings: Mapping[str, Any]) -> Iterator[SettingsError]:
    from lib_music.formula import evaluate

    try:
        known = float(settings["max_frames"]) if settings.get("animation_mode") == "Interpolation" else None
        prompts = read_prompts(settings["prompts"], known)
    except SettingsError as error:
        yield error
        return
    for frame, prompt in prompts.items():
        for formula in _BACKTICKS.findall(prompt):
            try:
                evaluate(formula, {"t": float(frame), "max_f": float(settings["max_frames"] - 1)})
            except InputError as error:
                yield SettingsError(f"prompts at frame {frame}: {error.message}", error.fix)


def _tracebacks(printed: str) -> tuple[list[str], str]:
    """The lines that name the exceptions, and those that name the files; all else it prints is its settings."""
    raised, files, inside = [], [], False
    for line in printed.splitlines():
        if line.startswith("Traceback (most recent call last)"):
            inside = True
        elif inside and line.lstrip().startswith('File "'):
            files.append(line)
        elif inside and line and not line[0].isspace():
            raised.append(line)
            inside = False
    return raised, "\n".join(files)


def _short(text: str) -> str:
    """The exception's own text: without what Deforum wraps around it, or the last line of a traceback."""
    found = _WRAPPING.match(text)
    lines = (found[1] if found else text).strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""
