"""What sections of one letter share, and the chord of each moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from training import drums, patterns, theory


@dataclass
class Material:
    """What sections of one letter share: chords, patterns, themes and who plays."""

    bars: list[list[theory.Chord]]
    comp: list[list[list[patterns.Event]]]
    bass: list[list[patterns.Event]]
    guitar: list[list[patterns.Event]]
    drums: drums.Pattern | None
    feel: drums.Pattern | None
    theme: list[tuple[float, float, float]]
    sung: list[tuple[float, float, int]] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    early: set[str] = field(default_factory=set)
    upbeat: int = 0


class Harmony:
    """The chord of each moment."""

    def __init__(self, chords: Sequence[tuple[float, float, theory.Chord]]) -> None:
        self.chords = list(chords)
        self._starts = [c[0] for c in self.chords]

    def at(self, beat: float) -> theory.Chord:
        return self.chords[max(0, bisect_right(self._starts, beat + 1e-6) - 1)][2]

    def changes(self, start: float, stop: float) -> list[float]:
        return [s for s in self._starts if start - 1e-6 <= s < stop - 1e-6]
