"""The values that hearing produces.

Conventions: times are seconds from the start of the analysed range; arrays are read-only; positions in
the bar count from 1, 0 means unknown; confidences lie in [0, 1]. Empty music is a normal value: no
beats, one section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Role = Literal["intro", "verse", "build", "chorus", "drop", "break", "outro"]
ROLES: tuple[Role, ...] = get_args(Role)
Ear = Literal["own", "beat_this", "spotify"]
EARS: tuple[Ear, ...] = get_args(Ear)
#: The curves every analysis has.
CURVES = ("onset", "low", "mid", "high", "kick", "snare", "hat", "loudness")
Times = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def frozen(values: Any, dtype: Any) -> npt.NDArray[Any]:
    """A read-only copy of ``values`` as an array of ``dtype``."""
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Envelope:
    """A curve over time: ``values`` [shape=(m,)] float32 in [0, 1], sample i at ``i / rate`` s; ``rate`` Hz."""

    values: Floats
    rate: float

    def __post_init__(self) -> None:
        values = frozen(self.values, np.float32)
        if values.ndim != 1 or not self.rate > 0:
            raise ValueError(f"Envelope needs (m,) values, a rate > 0 Hz; got {values.shape}, {self.rate!r}")
        if values.size and not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise ValueError("Envelope.values must be finite and lie in [0, 1]; normalise first")
        object.__setattr__(self, "values", values)

    def at(self, times: npt.ArrayLike) -> Floats:
        """Linear interpolation at ``times`` s [shape=(n,)]; held at the ends; zeros when empty."""
        times = np.asarray(times, np.float64)
        if not self.values.size:
            return np.zeros(times.shape, np.float32)
        return np.interp(times * self.rate, np.arange(self.values.size), self.values).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Beats:
    """Beats and where they stand in their bar.

    Attributes
    ----------
    times : [shape=(n,)] float64 s, strictly increasing, >= 0.
    positions : [shape=(n,)] int, 1 = downbeat, 0 = unknown.
    confidence : [shape=(n,)] float32 in [0, 1].
    tempo : float
        BPM of the whole; 0 when there are no beats.
    alternatives : tuple of (BPM, weight)
        Other readings (double, half), weights in [0, 1]; what is missing to 1 is the weight of ``tempo``.
    beats_per_bar : int
        The usual number of beats in a bar; 0 unknown.
    bar_confidence : float
        How surely position 1 is the downbeat, in [0, 1].
    downbeat_confidence : [shape=(n,)] float32 in [0, 1], optional
        The same for each beat: how surely it stands where ``positions`` says. Not given (empty), it is
        ``bar_confidence``, and 0 where the position is unknown.
    """

    times: Times
    positions: Ints
    confidence: Floats
    tempo: float = 0.0
    alternatives: tuple[tuple[float, float], ...] = ()
    beats_per_bar: int = 4
    bar_confidence: float = 0.0
    downbeat_confidence: Floats = field(default_factory=lambda: np.empty(0, np.float32))

    def __post_init__(self) -> None:
        times, positions = frozen(self.times, np.float64), frozen(self.positions, np.int64)
        confidence = frozen(self.confidence, np.float32)
        if not 0 <= self.bar_confidence <= 1:
            raise ValueError(f"Beats.bar_confidence is {self.bar_confidence!r}; it must lie in [0, 1]")
        given = np.size(self.downbeat_confidence) > 0
        downbeat = frozen(
            self.downbeat_confidence if given else np.where(positions > 0, self.bar_confidence, 0.0), np.float32)
        if not (times.ndim == 1 and times.shape == positions.shape == confidence.shape == downbeat.shape):
            raise ValueError("Beats: times, positions, confidence and downbeat_confidence must be (n,) alike, "
                             f"got {times.shape}, {positions.shape}, {confidence.shape}, {downbeat.shape}")
        if times.size and (not np.isfinite(times).all() or times[0] < 0 or (np.diff(times) <= 0).any()):
            raise ValueError("Beats.times must be finite, >= 0 and strictly increasing; are they seconds?")
        if positions.size and positions.min() < 0:
            raise ValueError("Beats.positions count from 1 (0 = unknown)")
        named = (("confidence", confidence), ("downbeat_confidence", downbeat))
        for name, values in named:
            if values.size and not (values.min() >= 0 and values.max() <= 1):
                raise ValueError(f"Beats.{name} must lie in [0, 1]")
        for name, value in (("times", times), ("positions", positions), *named):
            object.__setattr__(self, name, value)

    @property
    def downbeats(self) -> Times:
        """Times of the beats at position 1: a subset of ``times`` by construction."""
        return np.asarray(self.times[self.positions == 1], np.float64)


@dataclass(frozen=True)
class Section:
    """One section, as a row: seconds, label (same material, same label), role, energy in [0, 1]."""

    id: int
    start: float
    end: float
    label: str
    role: Role
    energy: float


@dataclass(frozen=True, eq=False)
class Sections:
    """The song cut into contiguous sections that cover it.

    Attributes
    ----------
    intervals : [shape=(n, 2)] s, contiguous, first starts at 0, n >= 1.
    labels : tuple of str
        "A", "B", ...: the same label is the same material.
    roles : tuple of Role
    energy : [shape=(n,)] in [0, 1], relative within the song.
    confidence : [shape=(n,)] in [0, 1], of the border at each section's start.
    """

    intervals: Times
    labels: tuple[str, ...]
    roles: tuple[Role, ...]
    energy: Floats
    confidence: Floats

    def __post_init__(self) -> None:
        intervals, energy = frozen(self.intervals, np.float64), frozen(self.energy, np.float32)
        confidence = frozen(self.confidence, np.float32)
        n = len(self.labels)
        if intervals.shape != (n, 2) or n < 1 or not len(self.roles) == len(energy) == len(confidence) == n:
            raise ValueError(f"Sections: {n} labels, {intervals.shape} intervals, {len(self.roles)} roles")
        if intervals[0, 0] != 0 or (intervals[:, 1] <= intervals[:, 0]).any():
            raise ValueError("Sections must start at 0 s and each end after it starts")
        if not np.array_equal(intervals[1:, 0], intervals[:-1, 1]):
            raise ValueError("Sections must be contiguous: each starts where the one before ends")
        for unit in (energy, confidence):
            if not (unit.min() >= 0 and unit.max() <= 1):
                raise ValueError("Sections: energy and confidence must lie in [0, 1]")
        if unknown := set(self.roles) - set(ROLES):
            raise ValueError(f"Sections: unknown role {unknown}")
        for name, value in (("intervals", intervals), ("energy", energy), ("confidence", confidence)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Section]:
        for i, label in enumerate(self.labels):
            start, end = (float(t) for t in self.intervals[i])
            yield Section(i, start, end, label, self.roles[i], float(self.energy[i]))

    @property
    def duration(self) -> float:
        """Seconds covered."""
        return float(self.intervals[-1, 1])


@dataclass(frozen=True, eq=False)
class Analysis:
    """All that was heard in one stretch of sound; immutable, cached by content hash and version.

    Attributes
    ----------
    duration : float
        Seconds.
    beats, sections
    beat_presence : Envelope
        How surely there is a beat, over time.
    envelopes : mapping of name to Envelope
        At least those of CURVES.
    key : str
        "C", "C#", ... "B", or "" when unknown.
    mode : str
        "major", "minor" or "".
    key_confidence : float in [0, 1]
    content_hash : str
        Of the audio; with ``start``, ``duration`` and ``version`` the cache's key.
    start : float
        Where the range starts in the file, s.
    version : int
        Of the analyser.
    ear : "own", "beat_this" or "spotify"
        Who heard it: we, in the very file; the program beat_this, the beats there, and we all else; or Spotify, in its
        own master, moved to where the file has it.
    loudness_lufs : float
        Programme loudness, LUFS (ITU-R BS.1770-4); -70 is the floor, and silence.
    loudness_range : float
        LU between soft and loud passages (EBU Tech 3342), >= 0.
    """

    duration: float
    beats: Beats
    sections: Sections
    beat_presence: Envelope
    envelopes: Mapping[str, Envelope] = field(default_factory=dict)
    key: str = ""
    mode: str = ""
    key_confidence: float = 0.0
    content_hash: str = ""
    start: float = 0.0
    version: int = 0
    ear: Ear = "own"
    loudness_lufs: float = -70.0
    loudness_range: float = 0.0

    def __post_init__(self) -> None:
        if self.ear not in EARS:
            raise ValueError(f"Analysis.ear is {self.ear!r}; it must be one of {EARS}")
        if not self.duration > 0:
            raise ValueError(f"Analysis.duration is {self.duration!r}; it must be seconds > 0")
        if abs(self.sections.duration - self.duration) > 1e-6:
            raise ValueError(f"sections cover {self.sections.duration} s of {self.duration} s")
        if self.beats.times.size and self.beats.times[-1] > self.duration:
            raise ValueError(f"last beat {self.beats.times[-1]} s lies after the end, {self.duration} s")
        if not (self.loudness_lufs >= -70 and self.loudness_range >= 0):
            raise ValueError(f"loudness is {self.loudness_lufs!r} LUFS, range {self.loudness_range!r} LU; "
                             "they must be >= -70 and >= 0")
        if missing := set(CURVES) - set(self.envelopes):
            raise ValueError(f"Analysis.envelopes lacks {sorted(missing)}")
        object.__setattr__(self, "envelopes", MappingProxyType(dict(self.envelopes)))
