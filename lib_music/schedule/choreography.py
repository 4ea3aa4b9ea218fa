"""From what was heard and what is to be painted to one Animation.

Conventions: everything is seconds until the Timebase; zoom is composed as a logarithm and written as a factor per
frame; curves are thinned with the bounds of ``TOLERANCE``: largest error of the rate, largest error of the running
sum over the song. For 2D motion the second keeps the accumulated picture within 1 % in zoom, 1 degree, and 1 % of the
width, however long the song.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Analysis
from lib_music.prompts.storyboard import SectionPrompt, prompt_keys
from lib_music.schedule.animation import Animation, Border, Mode, SectionCue
from lib_music.schedule.cadence import block_extreme, snap, strength_at
from lib_music.schedule.overrides import Overrides, override_levels, override_rates
from lib_music.schedule.parameters import MOTION, PARAMETERS
from lib_music.schedule.presets import Preset, get_preset
from lib_music.schedule.routes import EVENTS, Route, integrate, nod_positions, pulses, rate_grid, scaled
from lib_music.schedule.schedules import Schedule, thin
from lib_music.schedule.score import MIN_BEAT_PRESENCE, Score
from lib_music.schedule.timebase import Timebase

Array = npt.NDArray[np.float64]

#: Per parameter: (largest error of the rate, per second; largest error of the running sum). Travel in picture widths,
#: or Deforum's units in 3D, see :func:`tolerance`. Levels do not accumulate: their first bound is a diffused frame's.
TOLERANCE: Mapping[str, tuple[float, float]] = {p.key: p.tolerance for p in PARAMETERS.values()}
#: Deforum's 3D units that move the picture by its width: 0.9 px each at 256 px.
UNITS_PER_WIDTH = 256 / 0.9
#: Deforum's planar zoom for one unit of translation_z at fov 70, per frame.
ZOOM_PER_UNIT_Z = 0.008
#: How diffusion paints when the person does not say.
DEFAULT_SAMPLER, DEFAULT_STEPS = "Euler a", 20


@dataclass(frozen=True)
class Look:
    """What the person chose about the picture.

    ``intensity`` scales all speeds and nods, 0 to 2: at 0 the picture stands, and only what is painted answers.
    """

    width: int = 512
    height: int = 512
    mode: Mode = "2D"
    border: Border = "replicate"
    cadence: int | None = None
    seed: int = 1
    sampler: str = DEFAULT_SAMPLER
    steps: int = DEFAULT_STEPS
    intensity: float = 1.0


def choose_preset(name: str, analysis: Analysis) -> Preset:
    """The named preset, or for ``auto`` the one that fits what was heard."""
    if name != "auto":
        return get_preset(name)
    present = analysis.beat_presence.at(np.linspace(0, analysis.duration, 200)) >= MIN_BEAT_PRESENCE
    if not analysis.beats.times.size or present.mean() < 0.5:
        return get_preset("ambient")
    return get_preset("hip-hop" if analysis.beats.tempo < 108 else "four-on-the-floor")


def animate(
    analysis: Analysis,
    section_prompts: Sequence[SectionPrompt],
    *,
    preset: Preset,
    fps: Fraction,
    look: Look,
    base_settings: Mapping[str, Any] | None = None,
    driven: frozenset[str] = frozenset(),
    overrides: Overrides | None = None,
    under: Mapping[str, Array] | None = None,
) -> Animation:
    """Choreograph a song.

    Parameters
    ----------
    analysis : Analysis
        With corrections applied.
    section_prompts : one per section
    preset : Preset
    fps : Fraction
    look : Look
    base_settings, driven
        The person's own Deforum settings and the keys we may write.
    overrides : Overrides
        The person's own word over any curve.
    under : mapping of parameter to array [shape=(n_frames,)]
        Curves that lie under that word where no route leads: those of the person's own settings.

    Returns
    -------
    Animation

    Raises
    ------
    SettingsError
        A formula that cannot be computed at some frame.
    """
    timebase = Timebase.for_duration(analysis.duration, fps)
    cadence = look.cadence or preset.cadence
    score = Score(analysis, preset.hits)
    hits = tuple(sorted(set(timebase.frames(score.hits.times).tolist())))
    cues, section_prompts = _cues(score, timebase, section_prompts)
    routes, overrides = tuple(route for route in preset.routes if route.on), overrides or Overrides()
    starts = [(snap(cue.start, cadence), cue.end) for cue in cues]
    schedules = _schedules(_motion(score, routes, timebase, look, overrides), look, timebase)
    schedules["seed_schedule"] = _seeds(section_prompts, starts, timebase.n_frames)
    levels = _levels(score, routes, timebase, cadence)
    if any(parameter.key == "seed_schedule" for parameter in overrides.parameters("level")):
        levels["seed_schedule"] = schedules["seed_schedule"].sample(timebase.n_frames)
    said = override_levels(score, levels, timebase, cadence, overrides, under or {})
    schedules |= _schedules(said, look, timebase, cadence)
    diffused = range(0, timebase.n_frames, cadence)
    prompts, negatives = prompt_keys(section_prompts, starts, diffused, timebase.n_frames - 1)
    return Animation(
        timebase, look.mode, look.border, look.width, look.height, cadence, schedules, prompts, negatives, cues,
        hits=hits, sampler=look.sampler, steps=look.steps, seed=look.seed,
        sound_start=analysis.start, sound_duration=analysis.duration,
        base_settings=base_settings or {}, driven=driven,
    )  # fmt: skip


def _schedules(curves: Mapping[str, Array], look: Look, timebase: Timebase, cadence: int = 1) -> dict[str, Schedule]:
    """Curves as keys; only diffused frames are ever asked for a level, so it has one key for each at most."""
    found: dict[str, Schedule] = {}
    for name, values in curves.items():
        step = 1 if PARAMETERS[name].kind == "pose" else cadence
        keys = thin(values[::step], *tolerance(name, look, timebase.fps))
        found[name] = Schedule(name, tuple((frame * step, value) for frame, value in keys))
    return found


def tolerance(parameter: str, look: Look, fps: Fraction) -> tuple[float, float]:
    """Both bounds of a parameter in its own unit, the first one for one frame at this rate."""
    frame, total = TOLERANCE[parameter]
    if np.isinf(total):
        return frame, total
    if parameter in ("translation_x", "translation_y"):
        width = look.width if look.mode == "2D" else UNITS_PER_WIDTH
        frame, total = frame * width, total * width
    return frame / float(fps), total


def _cues(
    score: Score, timebase: Timebase, prompts: Sequence[SectionPrompt]
) -> tuple[tuple[SectionCue, ...], tuple[SectionPrompt, ...]]:
    """Sections in frames with their prompts; one that is shorter than a frame is left out."""
    edges = [0, *timebase.frames(score.borders.times).tolist(), timebase.n_frames]
    kept: list[tuple[SectionCue, SectionPrompt]] = []
    for section, prompt, start, end in zip(score.analysis.sections, prompts, edges, edges[1:], strict=False):
        if start < end:
            kept.append((SectionCue(start, end, section.label, section.role, prompt.positive.text), prompt))
    cues, its_prompts = zip(*kept, strict=True)
    return cues, its_prompts


def _seeds(prompts: Sequence[SectionPrompt], starts: Sequence[tuple[int, int]], n_frames: int) -> Schedule:
    """Section's seed + frame within the section, explicit, so that a resume paints what it would have painted.

    A fixed seed etches patterns. The quarter keeps Deforum's ``int()`` of an interpolated value on its own integer.
    """
    keys: dict[int, float] = {}
    edges = [start for start, _ in starts] + [n_frames]
    for prompt, start, end in zip(prompts, edges, edges[1:], strict=False):
        if start < end:
            keys[start] = prompt.seed + 0.25
            keys[end - 1] = prompt.seed + (end - 1 - start) + 0.25
    return Schedule("seed_schedule", tuple(sorted(keys.items())))


def _motion(
    score: Score, routes: Sequence[Route], timebase: Timebase, look: Look, overrides: Overrides
) -> dict[str, Array]:
    """Per-frame motion values of every parameter that a rate, a nod, a pin or a formula drives."""
    grid = rate_grid(timebase)
    gain = np.ones(grid.size)
    rates: dict[str, list[Route]] = defaultdict(list)
    position: dict[str, Array] = defaultdict(lambda: np.zeros(timebase.n_frames))
    for route in (scaled(route, look.intensity) for route in routes):
        if route.parameter == MOTION:
            gain += (route.hit - route.rest) * pulses(score, route, grid, grid[1])
        elif route.shape == "rate":
            rates[route.parameter].append(route)
        elif route.shape == "nod":
            position[route.parameter] += nod_positions(score, route, timebase)
    steps: dict[str, Array] = {}
    for name in dict.fromkeys([*rates, *position]):
        travelled = integrate(score, rates[name], timebase, gain)
        steps[name] = travelled + np.diff(position[name], prepend=position[name][:1])
    if look.mode == "3D":
        # What a person says of the 3D camera's own curves is said over what zoom and turn make of them.
        for name, twin, unit in (("translation_z", "zoom", ZOOM_PER_UNIT_Z), ("rotation_3d_z", "angle", 1.0)):
            if twin in steps and any(parameter.key == name for parameter in overrides.parameters("rate")):
                steps.setdefault(name, steps[twin] / unit)
    steps = override_rates(score, steps, timebase, overrides)
    return _in_3d(steps) if look.mode == "3D" else _in_2d(steps, look.width, timebase.n_frames)


def _in_2d(steps: dict[str, Array], width: int, n_frames: int) -> dict[str, Array]:
    """Natural units to Deforum's 2D values: factor, degrees, pixels per frame."""
    out = {name: values * width if name in ("translation_x", "translation_y") else values
           for name, values in steps.items()}  # fmt: skip
    out["zoom"] = np.exp(steps["zoom"]) if "zoom" in steps else np.ones(n_frames)
    return out


def _in_3d(steps: dict[str, Array]) -> dict[str, Array]:
    """The same motion for Deforum's 3D camera: zoom as translation_z, angle as rotation_3d_z."""
    out = {"translation_z": steps["zoom"] / ZOOM_PER_UNIT_Z} if "zoom" in steps else {}
    if "angle" in steps:
        out["rotation_3d_z"] = steps["angle"]
    # Deforum's 3D x points the other way, and its unit is 1/200 of the scene: 0.9 px at 256 px width.
    for name, sign in (("translation_x", -1.0), ("translation_y", 1.0)):
        if name in steps:
            out[name] = sign * steps[name] * UNITS_PER_WIDTH
    return out | {k: v for k, v in steps.items() if k.startswith("rotation_3d") or k == "translation_z"}


def _levels(score: Score, routes: Sequence[Route], timebase: Timebase, cadence: int) -> dict[str, Array]:
    """Values that diffusion samples, true at diffused frames: each stands for its whole cadence block."""
    times = timebase.times()
    step = float(1 / timebase.fps)
    sections = score.section_at(times)
    out: dict[str, Array] = {}
    leading = [route for route in routes if route.shape == "level" and route.parameter != MOTION]
    # What is steady lies under what follows loudness, and that under what events pull at, in whatever order they are.
    for route in sorted(leading, key=lambda route: 0 if route.source == "steady" else 1 + (route.source in EVENTS)):
        parameter = PARAMETERS[route.parameter]
        inside = np.array([role in route.sections for role in score.roles], bool)[sections]
        if route.source == "steady":
            out.setdefault(route.parameter, np.full(times.size, route.rest))[inside] = route.rest
            continue
        values = out.setdefault(route.parameter, np.full(times.size, parameter.rest))
        if route.source in score.analysis.envelopes:
            envelope = score.analysis.envelopes[route.source].at(times).astype(np.float64)
            values[inside] = (route.rest + (route.hit - route.rest) * envelope)[inside]
        else:
            weight = pulses(score, route, times, step)
            weight = block_extreme(weight, cadence) if parameter.kind == "level" else weight
            out[route.parameter] = values + weight * (route.hit - values)
    if "strength_schedule" in out:
        out["strength_schedule"] = strength_at(out["strength_schedule"], float(timebase.fps) / cadence)
    return out
