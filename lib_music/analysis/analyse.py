"""The whole of hearing: sound in, :class:`Analysis` out.

Conventions: pure but for the cache; the same sound, range and ``ANALYSIS_VERSION`` always give the same values.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lib_music.analysis import beats, envelopes, harmony, network, store
from lib_music.analysis.beat_this import hear_beats
from lib_music.analysis.features import extract
from lib_music.analysis.sections import find_sections
from lib_music.analysis.types import Analysis, Ear, Floats
from lib_music.audio import Audio
from lib_music.errors import ProjectError

ANALYSIS_VERSION = 4


def analyse(
    audio: Audio, *, ear: Ear = "own", cache: Path | None = None, progress: Callable[[float], None] | None = None
) -> Analysis:
    """Hear a song.

    Parameters
    ----------
    audio : Audio
    ear : "own" or "beat_this"
        Who hears the beats; see :mod:`lib_music.analysis.beat_this` for what the other needs.
    cache : Path, optional
        Folder in which the result is kept and found again.
    progress : callable, optional
        Told the fraction done, 0 to 1.

    Raises
    ------
    EarError
        The ear that was asked for cannot be had here.
    """
    kept = None if cache is None else store.cache_path(
        cache, audio.content_hash, audio.start, audio.duration, ANALYSIS_VERSION, ear)
    if kept is not None and (known := store.find_cached(kept, audio.content_hash, ANALYSIS_VERSION, ear)) is not None:
        return known
    analysis = _analyse(audio, ear, progress)
    if kept is not None:
        # A cache that cannot be written costs time the next time, not the result.
        with suppress(ProjectError):
            store.save_analysis(kept, analysis)
    return analysis


def _analyse(audio: Audio, ear: Ear, progress: Callable[[float], None] | None) -> Analysis:
    features = extract(audio, progress)
    bands = envelopes.onset_bands(features)
    if ear == "beat_this":
        found = hear_beats(audio)
        presence = beats.confident_presence(found.times, found.confidence, found.tempo, audio.duration)
    else:
        onset = beats.attacks(envelopes.local_scale(bands))
        found, presence = beats.find_beats(network.listen(features), onset, features.level, audio.duration)
    parts = find_sections(features, bands, found, audio.duration)
    return Analysis(
        audio.duration, found, parts, presence, envelopes.envelopes(features, bands),
        *harmony.find_key(features.chroma, features.bass, parts.intervals[:, 0]),
        loudness_lufs=features.loudness, loudness_range=features.loudness_range,
        content_hash=audio.content_hash, start=audio.start, version=ANALYSIS_VERSION, ear=ear,
    )


def analysis_to_dict(analysis: Analysis) -> dict[str, Any]:
    """What ``music-visualizer analyze --json`` prints: plain floats, seconds, four decimals."""
    found = analysis.beats

    def mean(values: Floats) -> float:
        return round(float(values.mean()), 4) if values.size else 0.0

    def each(values: Any) -> list[float]:
        return [round(float(value), 4) for value in values]

    return {
        "beats": each(found.times),
        "downbeats": each(found.downbeats),
        "positions": found.positions.tolist(),
        "beat_confidence": each(found.confidence),
        "downbeat_confidence": each(found.downbeat_confidence),
        "beats_per_bar": found.beats_per_bar,
        "tempo": round(found.tempo, 4),
        "tempo_alternatives": [{"bpm": round(b, 4), "weight": round(w, 4)} for b, w in found.alternatives],
        "beat_presence": {"rate": analysis.beat_presence.rate, "values": each(analysis.beat_presence.values)},
        "sections": [
            {"start": round(s.start, 4), "end": round(s.end, 4), "label": s.label, "role": s.role,
             "energy": round(s.energy, 4), "confidence": round(float(c), 4)}
            for s, c in zip(analysis.sections, analysis.sections.confidence, strict=True)
        ],
        "key": analysis.key,
        "mode": analysis.mode,
        "loudness_lufs": round(analysis.loudness_lufs, 2),
        "loudness_range": round(analysis.loudness_range, 2),
        "duration": round(analysis.duration, 4),
        "confidence": {
            "beats": mean(found.confidence), "downbeats": round(found.bar_confidence, 4),
            "sections": mean(analysis.sections.confidence[1:]), "key": round(analysis.key_confidence, 4),
        },
        "ear": analysis.ear,
        "version": analysis.version,
    }
