"""The whole of hearing: sound in, :class:`Analysis` out.

Conventions: pure but for the cache; the same sound, range and ``ANALYSIS_VERSION`` always give the same values.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis import bars, beats, envelopes, harmony, roles, sections
from lib_music.analysis.features import RATE, Features, extract
from lib_music.analysis.types import Analysis, Beats, Envelope, Floats, Sections
from lib_music.audio import Audio

ANALYSIS_VERSION = 1


def analyse(
    audio: Audio, *, cache: Path | None = None, progress: Callable[[float], None] | None = None
) -> Analysis:
    """Hear a song.

    Parameters
    ----------
    audio : Audio
    cache : Path, optional
        Folder in which the result is kept and found again.
    progress : callable, optional
        Told the fraction done, 0 to 1.
    """
    features = extract(audio, progress)
    bands = envelopes.onset_bands(features)
    scaled = envelopes.local_scale(bands)
    found = _beats(features, scaled, audio.duration)
    return Analysis(
        audio.duration, found, _sections(features, scaled, found, audio.duration),
        Envelope(np.full(2, 1.0 if found.times.size else 0.0, np.float32), 1.0),
        envelopes.envelopes(features, bands), *harmony.find_key(features.chroma),
        content_hash=audio.content_hash, start=audio.start, version=ANALYSIS_VERSION,
    )


def _beats(features: Features, bands: Floats, duration: float) -> Beats:
    salience = beats.tempogram(bands)
    if salience.max() <= 0 or duration < 2.0:
        return Beats(np.empty(0), np.empty(0), np.empty(0))
    prior = 1.0 * np.log(np.maximum(salience, 0.02) * beats.tempo_prior(beats.INTERVALS))
    pulse = beats.decode(beats.combine(bands), prior)
    times = pulse.times[pulse.times <= duration]
    positions, meter, _ = bars.decode_bars(bars.evidence(features, bands, times))
    tempo = 60 / float(np.median(np.diff(times))) if times.size > 1 else 0.0
    return Beats(times, positions, np.full(times.size, 0.5), tempo, beats_per_bar=meter)


def _sections(features: Features, bands: Floats, found: Beats, duration: float) -> Sections:
    material = sections.describe(features, bands, sections.unit_edges(found.downbeats, duration))
    borders, fresh = sections.find_borders(material)
    labels = sections.name_sections(material, borders)
    edges = material.edges[borders]
    energy = np.array([material.energy[a:b].mean() for a, b in zip(borders, borders[1:], strict=False)])
    energy = np.clip(energy / max(float(energy.max()), 1e-9), 0, 1)
    rise = np.zeros(len(labels))
    for i, (a, b) in enumerate(zip(borders, borders[1:], strict=False)):
        quarter = max(1, (b - a) // 4)
        rise[i] = material.energy[b - quarter : b].mean() - material.energy[a : a + quarter].mean()
    frames = np.round(edges * RATE).astype(np.int64)
    low = bars.means_between(10 ** (features.mel[:, :4].astype(np.float32) / 20), frames).mean(axis=1)
    parts = roles.find_roles(labels, np.diff(edges), energy, rise, low.astype(np.float64))
    confidence = np.clip(fresh[borders[:-1]], 0, 1)
    return Sections(np.stack([edges[:-1], edges[1:]], axis=1), labels, parts, energy, confidence)


def analysis_to_dict(analysis: Analysis) -> dict[str, Any]:
    """What ``music-visualizer analyze --json`` prints: plain floats, seconds, four decimals."""
    found = analysis.beats

    def mean(values: Floats) -> float:
        return round(float(values.mean()), 4) if values.size else 0.0

    return {
        "beats": [round(float(t), 4) for t in found.times],
        "downbeats": [round(float(t), 4) for t in found.downbeats],
        "tempo": round(found.tempo, 4),
        "sections": [
            {"start": round(s.start, 4), "end": round(s.end, 4), "label": s.label, "role": s.role,
             "energy": round(s.energy, 4), "confidence": round(float(c), 4)}
            for s, c in zip(analysis.sections, analysis.sections.confidence, strict=True)
        ],
        "key": analysis.key,
        "mode": analysis.mode,
        "duration": round(analysis.duration, 4),
        "confidence": {
            "beats": mean(found.confidence), "downbeats": 0.0,
            "sections": mean(analysis.sections.confidence[1:]), "key": round(analysis.key_confidence, 4),
        },
    }
