"""What a person changed about an analysis: a small overlay that survives re-runs.

Conventions: the analysis itself is never changed; an empty ``Corrections`` is the identity. They are edits
(:mod:`lib_music.analysis.edits`) that know what they were made on: on another hearing they are replayed
(:mod:`lib_music.analysis.replay`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis.basis import Basis
from lib_music.analysis.edits import Edits
from lib_music.analysis.replay import Conflict, replay
from lib_music.analysis.taps import runs_of
from lib_music.analysis.types import Analysis, Envelope
from lib_music.errors import ProjectError
from lib_music.files import write_bytes

FORMAT = "music-visualizer corrections"


@dataclass(frozen=True)
class Corrections(Edits):
    """The edits of one song, as they are applied and kept."""

    def apply(self, analysis: Analysis) -> Analysis:
        """The analysis as the person wants it; what was made on another hearing is replayed on this one."""
        now, _ = self.on(analysis)
        if now == Corrections():
            return analysis
        beats = now.corrected_beats(analysis.beats, analysis.envelopes.get("onset"), analysis.duration)
        sections = now.corrected_sections(analysis.sections, beats)
        return replace(analysis, beats=beats, sections=sections, beat_presence=now._present(analysis.beat_presence))

    def on(self, analysis: Analysis) -> tuple[Corrections, tuple[Conflict, ...]]:
        """These corrections as they are on ``analysis``, and what could not be replayed on it, or need not be."""
        if self == Corrections() or self.made_on is None or self.made_on.same_as(analysis):
            return self, ()
        return replay(self, self.made_on, analysis)

    def _present(self, presence: Envelope) -> Envelope:
        """Where a person taps there is a beat."""
        values = presence.values.copy()
        for run in runs_of(self.taps):
            first, last = np.searchsorted(np.arange(values.size) / presence.rate, run.times[[0, -1]] + self.nudge)
            values[max(0, first - 1) : last + 1] = 1.0
        return Envelope(values, presence.rate)

    def to_json(self) -> str:
        """As text for the project folder."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "made_on"}
        basis = {"made_on": self.made_on.to_dict()} if self.made_on is not None and self != Corrections() else {}
        return json.dumps({"format": FORMAT, **said, **basis}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Corrections:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ProjectError
            When the text is no such thing; the message says which value.
        """
        fix = "mend the value or delete the file"
        try:
            found = json.loads(text)
            if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
                raise ValueError("not a corrections file")
            if unknown := set(found) - {f.name for f in fields(cls)}:
                raise ValueError(f"unknown entries {sorted(unknown)}")
            return cls(**{name: _typed(name, value) for name, value in found.items()})
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
            raise ProjectError(f"corrections cannot be used: {error}", fix) from error


def _typed(name: str, value: Any) -> Any:
    """One entry of the file as the type its field has."""
    if name in ("tempo_factor", "nudge"):
        return _number(name, value)
    if name == "downbeat_shift":
        return value
    if name == "made_on":
        return None if value is None else Basis.from_dict(value)
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list, not {value!r}")
    if name == "taps":
        return tuple(_number(name, t) for t in value)
    if any(not isinstance(pair, list) or len(pair) != 2 for pair in value):
        raise ValueError(f"{name} must hold pairs")
    if name == "borders":
        return tuple((_number(name, a), _number(name, b)) for a, b in value)
    return tuple((_number(name, t), str(word)) for t, word in value)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name}: {value!r} is not a number")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(f"{name}: a number of hundreds of digits is out of range") from error


def read_corrections(path: Path) -> Corrections:
    """Read a corrections file. Raises ProjectError when it cannot be used."""
    try:
        return Corrections.from_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"cannot read {path}: {error}", "mend or delete the file") from error


def write_corrections(path: Path, corrections: Corrections) -> None:
    """Write a corrections file by renaming."""
    write_bytes(path, corrections.to_json().encode())
