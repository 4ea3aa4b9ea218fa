"""Pins and formulas: a person's own word over any curve.

Conventions
-----------
A **formula** gives a parameter's value at every moment, in the sections it is for; elsewhere the curve stays. A **pin**
gives it at one moment: the curve leaves for it ``beats`` local beats before and is back as long after; between two pins
of a parameter that are nearer than that it runs straight from one to the other. Pins come after formulas, and both
after everything else: intensity, stillness before a drop and the rule of diffusions per second do not touch them.

Values are as :mod:`lib_music.schedule.parameters` says: of a rate they are per second, whatever the fps, so that what a
formula moves over a stretch is the same at any rate. A formula knows the names of :data:`VARIABLES`, times in seconds
of the song, and is evaluated by :mod:`lib_music.formula` and nothing else. What it gives beyond a parameter's bounds
is kept within them, and said; what cannot be computed is refused, with the frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import CURVES, ROLES, Role
from lib_music.errors import InputError, SettingsError
from lib_music.formula import MAX_LENGTH, FormulaError, check, evaluate_many
from lib_music.schedule.cadence import snap
from lib_music.schedule.parameters import Parameter, parameter_of
from lib_music.schedule.routes import rate_grid, shared
from lib_music.schedule.score import Score
from lib_music.schedule.timebase import Timebase

Array = npt.NDArray[np.float64]

#: The latest moment of a pin, s, and the longest way to one, beats.
MAX_TIME, MAX_BEATS = 3 * 3600.0, 64.0
#: How many pins a song may have, and how many formulas: each is computed over the whole song.
MOST_PINS, MOST_FORMULAS = 500, 40

#: How many flashes a second nobody is harmed by; and at which value each curve flashes, and is back.
MOST_FLASHES = 3
_FLASHES: Mapping[str, tuple[float, float]] = {"strength_schedule": (0.3, 0.5), "contrast_schedule": (0.85, 0.95)}

_HEARD = {
    "onset": "how much begins to sound", "low": "bass", "mid": "middle", "high": "treble", "kick": "bass drum",
    "snare": "snare drum", "hat": "hi-hat",
}  # fmt: skip
#: What a formula may name, in words.
VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "t": "seconds of the song",
        "beat": "beats passed, with their fraction: 0 at the first",
        "beat_phase": "how far into the beat, 0 to 1",
        "bar": "bars passed, with their fraction: 0 at the first downbeat",
        "bar_phase": "how far into the bar, 0 to 1",
        "section": "number of the section, from 1",
        "section_phase": "how far into the section, 0 to 1",
        "energy": "how loud the section is within the song, 0 to 1",
        **{name: f"{_HEARD.get(name, name)}, 0 to 1" for name in CURVES},
        "bpm": "tempo of the song; 0 without one",
        "duration": "seconds of the whole song",
    }
)


@dataclass(frozen=True)
class Pin:
    """A moment at which a parameter has a value. ``time`` s of the song, ``beats`` the way there and back."""

    time: float
    parameter: str
    value: float
    beats: float = 1.0
    on: bool = True

    def __post_init__(self) -> None:
        parameter = parameter_of(self.parameter)
        _in(self.time, 0.0, MAX_TIME, "time", "s of the song")
        _in(self.beats, 0.0, MAX_BEATS, "the way to a pin", "beats")
        _in(self.value, parameter.low, parameter.high, parameter.key, f"({parameter.unit})")


@dataclass(frozen=True)
class Formula:
    """A parameter's value at every moment of its sections."""

    parameter: str
    text: str
    sections: frozenset[Role] = frozenset(ROLES)
    on: bool = True

    def __post_init__(self) -> None:
        parameter_of(self.parameter)
        if not isinstance(self.text, str):
            raise InputError(f"{self.parameter}: a formula is text", "write for example 1 + 0.1 * sin(pi * beat)")
        if self.sections - set(ROLES):
            raise InputError(f"{self.parameter}: there is no such role", f"one of {', '.join(ROLES)}")
        if len(self.text) > MAX_LENGTH:
            raise SettingsError(f"{self.parameter}: {len(self.text):,} characters", f"keep it to {MAX_LENGTH:,}")
        try:
            check(self.text, VARIABLES)
        except SettingsError as error:
            raise SettingsError(f"{self.parameter}: {error.message}", error.fix) from error


@dataclass(frozen=True)
class Overrides:
    """All of a song's; raises InputError for more than ``MOST_PINS`` or ``MOST_FORMULAS``."""

    pins: tuple[Pin, ...] = ()
    formulas: tuple[Formula, ...] = ()

    def __post_init__(self) -> None:
        for found, most, name in ((self.pins, MOST_PINS, "pins"), (self.formulas, MOST_FORMULAS, "formulas")):
            if len(found) > most:
                raise InputError(f"{len(found):,} {name} are too many", f"delete some: {most} are computed")

    def parameters(self, *kinds: str) -> tuple[Parameter, ...]:
        """Those of these kinds that something leads to now, each once."""
        named = [formula.parameter for formula in self.formulas if formula.on]
        named += [pin.parameter for pin in self.pins if pin.on]
        return tuple(p for p in map(parameter_of, dict.fromkeys(named)) if p.kind in kinds)


def variables(score: Score, times: Array) -> dict[str, Array]:
    """What a formula knows at ``times`` s, by name."""
    beat, bar = _counted(score, times)
    section = score.section_at(times)
    begin, end = score.analysis.sections.intervals.T
    envelopes = score.analysis.envelopes
    found: dict[str, npt.ArrayLike] = {
        "t": times,
        "beat": beat,
        "beat_phase": beat - np.floor(beat),
        "bar": bar,
        "bar_phase": bar - np.floor(bar),
        "section": section + 1,
        "section_phase": np.clip((times - begin[section]) / (end - begin)[section], 0.0, 1.0),
        "energy": score.analysis.sections.energy[section],
        "bpm": np.full(times.size, score.analysis.beats.tempo),
        "duration": np.full(times.size, score.analysis.duration),
        **{name: envelopes[name].at(times) for name in CURVES},
    }
    return {name: np.asarray(found[name], np.float64) for name in VARIABLES}


def _counted(score: Score, times: Array) -> tuple[Array, Array]:
    """Beats and bars passed; where none were heard, beats of half a second in bars of four."""
    beats = score.analysis.beats
    length = 60.0 / beats.tempo if beats.tempo > 0 else 0.5
    beat = _passed(beats.times, times, length)
    downbeats = beats.downbeats
    if downbeats.size:
        return beat, _passed(downbeats, times, length * (beats.beats_per_bar or 4))
    return beat, beat / (beats.beats_per_bar or 4)


def _passed(marks: Array, times: Array, length: float) -> Array:
    """Marks before each moment, with the fraction of the way to the next; ``length`` s apart beyond either end."""
    if not marks.size:
        return times / length
    inside = np.interp(times, marks, np.arange(marks.size))
    before, after = np.minimum(times - marks[0], 0.0), np.maximum(times - marks[-1], 0.0)
    return np.asarray(inside + (before + after) / length, np.float64)


def given(
    score: Score,
    formula: Formula,
    heard: Mapping[str, Array],
    timebase: Timebase,
    notes: list[str] | None = None,
) -> Array:
    """What a formula gives within its parameter's bounds; NaN outside its sections.

    ``heard`` is what :func:`variables` says: the same for all formulas over the same moments.

    Raises
    ------
    SettingsError
        It cannot be computed somewhere: with the parameter, the formula, the place in it, and the frame.
    """
    parameter = parameter_of(formula.parameter)
    times = heard["t"]
    inside = np.array([role in formula.sections for role in score.roles], bool)[heard["section"].astype(np.int64) - 1]
    values = np.full(times.size, np.nan)
    if not inside.any():
        return values
    at = times[inside]
    try:
        found = evaluate_many(formula.text, {name: known[inside] for name, known in heard.items()})
    except FormulaError as error:
        where = f" at frame {timebase.frame(at[error.moment])} ({at[error.moment]:.2f} s)" if error.moment >= 0 else ""
        raise SettingsError(f"{parameter.key}{where}: {error.message}", error.fix) from error
    kept = np.clip(found, parameter.low, parameter.high)
    if notes is not None and (kept != found).any():
        worst = int(np.abs(found - kept).argmax())
        notes.append(
            f"{parameter.label}: {_short(formula.text)} gives {found[worst]:.4g} at frame {timebase.frame(at[worst])} "
            f"({at[worst]:.2f} s); it is kept within {parameter.low:g} to {parameter.high:g}"
        )
    values[inside] = kept
    return values


def pinned(score: Score, pins: Sequence[Pin], timebase: Timebase, cadence: int) -> tuple[Array, Array]:
    """How much of each frame is the pins' of one parameter, and which value they give it [both shape=(n_frames,)].

    A level is only read at diffused frames: there a pin lies on the one that shows its moment.
    """
    n, fps = timebase.n_frames, float(timebase.fps)
    level = parameter_of(pins[0].parameter).kind == "level"
    places: dict[int, tuple[float, float]] = {}
    for pin in pins:
        frame = timebase.frame(pin.time)
        beat = float(score.beat_length(np.array([pin.time]))[0])
        places[snap(frame, cadence) if level else frame] = (pin.value, pin.beats * beat * fps)
    frames = np.array(sorted(places), np.float64)
    values, ways = np.array([places[int(frame)] for frame in frames]).T
    at = np.arange(n, dtype=np.float64)
    weight = np.zeros(n)
    for frame, way in zip(frames, ways, strict=True):
        away = np.abs(at - frame)
        weight = np.maximum(weight, np.where(away < 0.5, 1.0, np.maximum(0.0, 1.0 - away / max(way, 1e-9))))
    for i in np.flatnonzero(np.diff(frames) <= ways[:-1] + ways[1:]).tolist():
        weight[int(frames[i]) : int(frames[i + 1]) + 1] = 1.0
    return weight, np.interp(at, frames, values)


def override_rates(
    score: Score, steps: Mapping[str, Array], timebase: Timebase, overrides: Overrides
) -> dict[str, Array]:
    """What each rate adds within each frame, with formulas and pins over it; a zoom's is a logarithm."""
    out, grid = dict(steps), rate_grid(timebase)
    heard = _heard(score, overrides, "rate", np.minimum(grid, score.analysis.duration))
    for parameter in overrides.parameters("rate"):
        values = out.get(parameter.key, np.zeros(timebase.n_frames))
        for formula in overrides.formulas:
            if formula.on and formula.parameter == parameter.key:
                rate = given(score, formula, heard, timebase)
                inside = ~np.isnan(rate)
                ours = shared(np.where(inside, _added(parameter, rate), 0.0), score, timebase)
                part = shared(inside.astype(np.float64), score, timebase)
                whole = shared(np.ones(grid.size), score, timebase)
                values = ours + values * (1.0 - np.divide(part, whole, out=np.zeros(part.size), where=whole > 0))
        if pins := [pin for pin in overrides.pins if pin.on and pin.parameter == parameter.key]:
            weight, target = pinned(score, pins, timebase, 1)
            values = values * (1 - weight) + weight * _added(parameter, target) / float(timebase.fps)
        out[parameter.key] = values
    return out


def override_levels(
    score: Score,
    levels: Mapping[str, Array],
    timebase: Timebase,
    cadence: int,
    overrides: Overrides,
    under: Mapping[str, Array],
) -> dict[str, Array]:
    """The value of each level and pose at each frame, with formulas and pins over it, and over ``under`` at last."""
    out, heard = dict(levels), _heard(score, overrides, "pose level", timebase.times())
    for parameter in overrides.parameters("pose", "level"):
        rest = np.full(timebase.n_frames, parameter.rest)
        values = out.get(parameter.key, under.get(parameter.key, rest))
        for formula in overrides.formulas:
            if formula.on and formula.parameter == parameter.key:
                found = given(score, formula, heard, timebase)
                values = np.where(np.isnan(found), values, found)
        if pins := [pin for pin in overrides.pins if pin.on and pin.parameter == parameter.key]:
            weight, target = pinned(score, pins, timebase, cadence)
            values = values * (1 - weight) + weight * target
        out[parameter.key] = values
    return {key: parameter_of(key).settled(values) for key, values in out.items()}


def _heard(score: Score, overrides: Overrides, kinds: str, times: Array) -> dict[str, Array]:
    """What the formulas over parameters of these kinds know, computed once; nothing where there are none."""
    led = {formula.parameter for formula in overrides.formulas if formula.on}
    return variables(score, times) if any(parameter_of(key).kind in kinds.split() for key in led) else {}


def _added(parameter: Parameter, values: Array) -> Array:
    """A rate as it adds up: a zoom as a logarithm, everything else as it is."""
    return np.log(values) if parameter.key == "zoom" else values


def flash_notes(overrides: Overrides, curves: Mapping[str, Array], fps: float) -> tuple[str, ...]:
    """See :func:`flashes`: of every curve that a pin or a formula is said over, given at the diffused frames."""
    said = [p.key for p in overrides.parameters("level") if p.key in _FLASHES and p.key in curves]
    return tuple(note for key in said if (note := flashes(key, curves[key], fps)))


def notes_of(score: Score, overrides: Overrides, timebase: Timebase) -> tuple[str, ...]:
    """What is to be said of a song's pins and formulas; raises SettingsError as :func:`given` does."""
    notes: list[str] = []
    heard = _heard(score, overrides, "rate pose level", timebase.times())
    for formula in overrides.formulas:
        if formula.on:
            given(score, formula, heard, timebase, notes)
    late = [pin for pin in overrides.pins if pin.on and pin.time >= score.analysis.duration]
    notes += [f"{parameter_of(pin.parameter).label}: the pin at {pin.time:.2f} s lies past the end" for pin in late]
    return tuple(dict.fromkeys(notes))


def flashes(parameter: str, values: Array, fps: float) -> str:
    """A word of warning where a curve of one's own would make the picture flash; empty where it does not.

    ``values`` are those of the diffused frames, ``fps`` how many of them there are a second. More than three flashes
    within a second can harm photosensitive people (WCAG 2.2, 2.3.1); a flash is a deep dip and the way back.
    """
    deep, back = _FLASHES[parameter]
    # +1 where it is back, -1 where it has dipped; what lies between belongs to the one before.
    side = np.where(values <= deep, -1, np.where(values >= back, 1, 0))
    marked = np.flatnonzero(side)
    turns = marked[1:][np.diff(side[marked]) < 0] / fps
    if turns.size <= MOST_FLASHES or not (close := turns[MOST_FLASHES:] - turns[:-MOST_FLASHES] < 1.0 - 1e-6).any():
        return ""
    at = float(turns[int(np.argmax(close))])
    return (
        f"{parameter_of(parameter).label}: more than {MOST_FLASHES} deep dips within a second from {at:.1f} s on; "
        "the picture flashes, which can harm photosensitive people"
    )


def _in(value: object, low: float, high: float, name: str, unit: str) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise InputError(f"{name} {str(value)[:20]} is out of range", f"give {low:g} to {high:g} {unit}")


def _short(text: str) -> str:
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}…`"
