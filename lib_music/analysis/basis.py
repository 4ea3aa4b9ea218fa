"""What a person had before them when they corrected: the beats and sections as they were heard then.

Conventions: it is kept with the corrections themselves, so that they can be replayed on what a better ear hears even
after the file has been copied to another project; times are seconds of the range that was heard, which began at
``start`` of the file; numbers are written as one line of text, four decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lib_music.analysis.types import Analysis, Beats, Sections

#: More beats, or sections, than any song has.
MOST_BEATS, MOST_SECTIONS = 200_000, 5_000


@dataclass(frozen=True, eq=False)
class Basis:
    """Beats and sections as an ear heard them; ``start`` is where the range begins in the file, s."""

    beats: Beats
    sections: Sections
    start: float = 0.0

    @classmethod
    def of(cls, heard: Analysis) -> Basis:
        """The part of an analysis that a person corrects."""
        return cls(heard.beats, heard.sections, heard.start)

    def same_as(self, heard: Analysis) -> bool:
        """Whether this is what was heard, as far as it is written here."""
        mine, theirs = (self.beats, self.sections), (heard.beats, heard.sections)
        return (
            abs(self.start - heard.start) < 1e-3
            and _near(mine[0].times, theirs[0].times)
            and np.array_equal(mine[0].positions, theirs[0].positions)
            and _near(mine[1].intervals, theirs[1].intervals)
            and (mine[1].labels, mine[1].roles) == (theirs[1].labels, theirs[1].roles)
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        sections = self.sections
        return {
            "start": round(self.start, 4),
            "duration": round(sections.duration, 6),
            "tempo": round(self.beats.tempo, 4),
            "beats_per_bar": self.beats.beats_per_bar,
            "beats": " ".join(f"{t:.4f}" for t in self.beats.times.tolist()),
            "positions": " ".join(str(p) for p in self.beats.positions.tolist()),
            "sections": [[round(s.start, 4), s.label, s.role] for s in sections],
        }

    @classmethod
    def from_dict(cls, found: Any) -> Basis:
        """Read what :meth:`to_dict` wrote; raises ValueError, TypeError or KeyError."""
        times = np.array([float(t) for t in str(found["beats"]).split()[: MOST_BEATS + 1]])
        positions = np.array([int(p) for p in str(found["positions"]).split()[: MOST_BEATS + 1]], np.int64)
        rows = found["sections"]
        if times.size > MOST_BEATS or not isinstance(rows, list) or not 0 < len(rows) <= MOST_SECTIONS:
            raise ValueError("made_on holds no song")
        edges = np.array([*(float(row[0]) for row in rows), float(found["duration"])])
        bar = int(found["beats_per_bar"])
        if not 0 <= bar <= 64:
            raise ValueError(f"made_on: {bar} beats in a bar")
        start, tempo = float(found["start"]), float(found["tempo"])
        if not (np.isfinite(edges).all() and np.isfinite([start, tempo]).all() and start >= 0 and tempo >= 0):
            raise ValueError("made_on: times must be seconds")
        nothing = np.zeros(len(rows), np.float32)
        return cls(
            Beats(times, positions, np.ones(times.size, np.float32), tempo, (), bar),
            Sections(
                np.stack([edges[:-1], edges[1:]], axis=1), tuple(str(row[1]) for row in rows),
                tuple(row[2] for row in rows), nothing, nothing,
            ),
            start,
        )  # fmt: skip


def _near(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=0, atol=2e-4))
