"""Small values for tests: an Analysis with exact truth, made without hearing anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lib_music.analysis.types import CURVES, Analysis, Beats, Envelope, Role, Sections


def song(
    *,
    bpm: float = 120.0,
    plan: Sequence[tuple[str, Role, int]] = (
        ("A", "verse", 4),
        ("B", "chorus", 4),
        ("A", "verse", 4),
        ("C", "drop", 4),
    ),
    beats_per_bar: int = 4,
    start: float = 0.0,
    presence: float = 1.0,
) -> Analysis:
    """A song of whole bars: ``plan`` is (label, role, bars); the first beat is at ``start`` s."""
    beat = 60.0 / bpm
    n = sum(bars for _, _, bars in plan) * beats_per_bar
    times = start + beat * np.arange(n)
    duration = start + n * beat
    edges = start + beat * beats_per_bar * np.cumsum([0] + [bars for _, _, bars in plan])
    edges[0], edges[-1] = 0.0, duration
    roles = tuple(role for _, role, _ in plan)
    energy = [{"drop": 1.0, "chorus": 0.9, "verse": 0.5, "build": 0.6, "break": 0.2}.get(role, 0.3) for role in roles]
    hum = Envelope(0.5 + 0.5 * np.sin(np.arange(int(duration * 100)) / 50), 100.0)
    return Analysis(
        duration,
        Beats(times, np.arange(n) % beats_per_bar + 1, np.ones(n), bpm, (), beats_per_bar),
        Sections(
            np.column_stack((edges[:-1], edges[1:])),
            tuple(label for label, _, _ in plan),
            roles,
            np.array(energy),
            np.ones(len(plan)),
        ),
        Envelope(np.full(2, presence), 1.0),
        dict.fromkeys(CURVES, hum),
        content_hash="0" * 64,
    )
