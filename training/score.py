"""Notes, tracks and the timeline of a composition: what composers write and renderers read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

Random = np.random.Generator


class Note(NamedTuple):
    """One note: start and length in beats, MIDI pitch (the General MIDI key on drum tracks), velocity (0, 1]."""

    start: float
    length: float
    pitch: int
    velocity: float


@dataclass
class Track:
    """What one player plays.

    Parameters
    ----------
    role:
        "drums", "bass", "comp", "pad", "lead", "guitar", "voice" or "perc".
    program:
        General MIDI program (0-127), the drum kit's bank 128 program on drum tracks.
    patch:
        Name of one of our own synths; empty means that the track is played by the soundfont.
    swing:
        Where the second eighth falls in its beat: 0.5 is straight, 0.667 a triplet. `swing_unit` 0.5 swings sixteenths.
    balance:
        Factors of the velocities of single pitches: how loud each drum of a kit is.
    voices:
        The chord played last, from which the next one moves.
    lag, jitter:
        Constant lateness and its random spread, in seconds.
    """

    role: str
    program: int = 0
    patch: str = ""
    gain: float = 1.0
    swing: float = 0.5
    swing_unit: float = 1.0
    lag: float = 0.0
    jitter: float = 0.004
    balance: dict[int, float] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    voices: list[int] = field(default_factory=list)

    def add(self, start: float, length: float, pitch: float, velocity: float) -> None:
        loud = velocity * self.balance.get(int(pitch), 1.0)
        self.notes.append(Note(start, length, int(pitch), min(1.0, max(0.03, loud))))


class Timeline:
    """Beats to seconds: each beat has its own start and duration, and there may be silence between two beats."""

    def __init__(
        self, durations: Sequence[float] | np.ndarray, *, start: float = 0.0, gaps: Mapping[int, float] | None = None
    ) -> None:
        """Durations of the beats in seconds; `gaps` are seconds of silence before the beat of that number."""
        self.durations = np.asarray(durations, dtype=float)
        pause = np.zeros(len(self.durations))
        for beat, seconds in (gaps or {}).items():
            if 0 < beat < len(pause):
                pause[beat] = seconds
        self.gaps = {int(b): float(pause[b]) for b in np.flatnonzero(pause)}
        self.starts = start + np.cumsum(pause) + np.concatenate([[0.0], np.cumsum(self.durations)[:-1]])

    @property
    def end(self) -> float:
        return float(self.starts[-1] + self.durations[-1])

    def at(self, beats: np.ndarray | float) -> np.ndarray:
        """Seconds of positions in beats; before the first and after the last beat their tempo goes on."""
        position = np.asarray(beats, dtype=float)
        index = np.clip(np.floor(position).astype(int), 0, len(self.durations) - 1)
        return self.starts[index] + (position - index) * self.durations[index]

    def last_before(self, beat: float) -> int:
        """The next beat after `beat` that follows a silence, or the number of beats."""
        after = [b for b in self.gaps if b > beat + 1e-6]
        return min(after, default=len(self.durations))


class Bar(NamedTuple):
    """A bar: its first beat, how many beats it has, and the position of its first beat (not 1 in a pick-up)."""

    start: int
    beats: int
    position: int = 1

    @property
    def stop(self) -> int:
        return self.start + self.beats - (self.position - 1)


class Section(NamedTuple):
    """A part of the form: first and last + 1 bar, label by material, energy in 0-1."""

    first: int
    last: int
    label: str
    energy: float


@dataclass
class Score:
    """A whole composition before it sounds."""

    tracks: list[Track]
    timeline: Timeline
    bars: list[Bar]
    sections: list[Section]
    subdivision: int = 2
    room: float = 0.2
    sweeps: list[tuple[float, float]] = field(default_factory=list)
    meta: dict[str, object] = field(default_factory=dict)

    def beats(self) -> tuple[np.ndarray, np.ndarray]:
        """Times in seconds and positions in the bar of all beats."""
        numbers = [(b, b - bar.start + bar.position) for bar in self.bars for b in range(bar.start, bar.stop)]
        index = np.array([n for n, _ in numbers], dtype=int)
        return self.timeline.at(index), np.array([p for _, p in numbers], dtype=int)


class Sound(NamedTuple):
    """A note in seconds, ready for a renderer."""

    start: float
    length: float
    pitch: int
    velocity: float


def swung(position: np.ndarray, ratio: float, unit: float) -> np.ndarray:
    """Positions in beats with the second half of each unit of `unit` beats pushed to `ratio`."""
    if abs(ratio - 0.5) < 1e-3:
        return position
    whole = np.floor(position / unit)
    part = position / unit - whole
    part = np.where(part < 0.5, part * 2 * ratio, ratio + (part - 0.5) * 2 * (1 - ratio))
    return (whole + part) * unit


def sounds(track: Track, timeline: Timeline, rng: Random) -> list[Sound]:
    """A track's notes in seconds, swung and humanised; no note sounds into a silence of the timeline."""
    if not track.notes:
        return []
    notes = sorted(track.notes)
    start = np.array([n.start for n in notes])
    length = np.array([n.length for n in notes])
    begin = timeline.at(swung(start, track.swing, track.swing_unit))
    limit = np.array([timeline.last_before(s) for s in start], dtype=float) if timeline.gaps else None
    stop = swung(start + length, track.swing, track.swing_unit)
    if limit is not None:
        stop = np.minimum(stop, limit - 1e-6)
    end = timeline.at(stop)
    # Notes of one chord are played by one hand: they share their jitter.
    _, chord = np.unique(np.round(start, 4), return_inverse=True)
    moved = rng.normal(0.0, 1.0, chord.max() + 1)[chord] + 0.25 * rng.normal(0.0, 1.0, len(notes))
    begin = begin + track.lag + np.clip(moved, -2.5, 2.5) * track.jitter
    duration = np.maximum(0.03, end - begin)
    return [
        Sound(max(0.0, float(b)), float(d), n.pitch, n.velocity) for b, d, n in zip(begin, duration, notes, strict=True)
    ]
