"""Analyses as files: JSON for what a person may read, an npz beside it for the curves; and the cache of them.

Conventions: both files are written aside and renamed, curves first; the JSON names the curves' sha256, so that a
pair torn by a crash is known for what it is. A file that cannot be read is an error when it was asked for, and
merely a miss in the cache. Cache names hold the content hash, the range in milliseconds, the version and whose ear.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis.types import Analysis, Beats, Ear, Envelope, Sections
from lib_music.errors import ProjectError
from lib_music.files import write_bytes

FORMAT = "music-visualizer analysis"
PRESENCE = "beat presence"
# What stands in for the drums in an analysis of version 1, which had no curves for them: the bands they lie in.
_BEFORE_DRUMS = {"kick": "low", "snare": "mid", "hat": "high"}


def save_analysis(path: Path, analysis: Analysis) -> None:
    """Write ``analysis`` to ``path`` (JSON) and its curves beside it (``.npz``), each by renaming.

    Raises
    ------
    ProjectError
        When the folder cannot be written.
    """
    curves = {**analysis.envelopes, PRESENCE: analysis.beat_presence}
    packed = io.BytesIO()
    np.savez(packed, **{name: curve.values for name, curve in curves.items()})  # type: ignore[arg-type]
    blob = packed.getvalue()
    beats, sections = analysis.beats, analysis.sections
    text = json.dumps(
        {
            "format": FORMAT,
            "version": analysis.version,
            "ear": analysis.ear,
            "content_hash": analysis.content_hash,
            "start": analysis.start,
            "duration": analysis.duration,
            "key": analysis.key,
            "mode": analysis.mode,
            "key_confidence": analysis.key_confidence,
            "loudness_lufs": analysis.loudness_lufs,
            "loudness_range": analysis.loudness_range,
            "beats": {
                "times": beats.times.tolist(),
                "positions": beats.positions.tolist(),
                "confidence": beats.confidence.tolist(),
                "tempo": beats.tempo,
                "alternatives": beats.alternatives,
                "beats_per_bar": beats.beats_per_bar,
                "bar_confidence": beats.bar_confidence,
                "downbeat_confidence": beats.downbeat_confidence.tolist(),
            },
            "sections": {
                "intervals": sections.intervals.tolist(),
                "labels": sections.labels,
                "roles": sections.roles,
                "energy": sections.energy.tolist(),
                "confidence": sections.confidence.tolist(),
            },
            "rates": {name: curve.rate for name, curve in curves.items()},
            "curves_sha256": hashlib.sha256(blob).hexdigest(),
        }
    )
    write_bytes(path.with_suffix(".npz"), blob)
    write_bytes(path, text.encode())


def load_analysis(path: Path) -> Analysis:
    """Read what :func:`save_analysis` wrote.

    Raises
    ------
    ProjectError
        When a file is missing, damaged, or not an analysis.
    """
    try:
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError("not an analysis")
        blob = path.with_suffix(".npz").read_bytes()
        if hashlib.sha256(blob).hexdigest() != found["curves_sha256"]:
            raise ValueError("the curves beside it are not its own")
        return _from_dict(found, blob)
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror}", "run the analysis again") from error
    except (ValueError, KeyError, TypeError, RecursionError, zipfile.BadZipFile) as error:
        raise ProjectError(f"{path} is damaged: {error}", "delete it and run the analysis again") from error


def _from_dict(found: dict[str, Any], blob: bytes) -> Analysis:
    with np.load(io.BytesIO(blob), allow_pickle=False) as packed:
        curves = {name: Envelope(packed[name], float(rate)) for name, rate in found["rates"].items()}
    presence = curves.pop(PRESENCE)
    curves = {**{drum: curves[band] for drum, band in _BEFORE_DRUMS.items()}, **curves}
    beats, sections = found["beats"], found["sections"]
    return Analysis(
        duration=float(found["duration"]),
        beats=Beats(
            np.array(beats["times"], np.float64),
            np.array(beats["positions"], np.int64),
            np.array(beats["confidence"], np.float32),
            float(beats["tempo"]),
            tuple((float(bpm), float(weight)) for bpm, weight in beats["alternatives"]),
            int(beats["beats_per_bar"]),
            float(beats["bar_confidence"]),
            # Version 1 had one confidence for all bars: `Beats` fills it in.
            np.array(beats.get("downbeat_confidence", ()), np.float32),
        ),
        sections=Sections(
            np.array(sections["intervals"], np.float64),
            tuple(str(label) for label in sections["labels"]),
            tuple(sections["roles"]),
            np.array(sections["energy"], np.float32),
            np.array(sections["confidence"], np.float32),
        ),
        beat_presence=presence,
        envelopes=curves,
        key=str(found["key"]),
        mode=str(found["mode"]),
        key_confidence=float(found["key_confidence"]),
        loudness_lufs=float(found.get("loudness_lufs", -70.0)),
        loudness_range=float(found.get("loudness_range", 0.0)),
        content_hash=str(found["content_hash"]),
        start=float(found["start"]),
        version=int(found["version"]),
        ear=found.get("ear", "own"),
    )


def cache_path(
    folder: Path, content_hash: str, start: float, duration: float, version: int, ear: Ear = "own"
) -> Path:
    """Where the analysis of a stretch of sound is cached; the hash is reduced to hex digits."""
    name = "".join(c for c in content_hash if c in "0123456789abcdef")[:40] or "unknown"
    ears = "" if ear == "own" else f"-{ear}"
    return folder / f"{name}-{round(start * 1000)}-{round(duration * 1000)}-v{version}{ears}.json"


def find_cached(path: Path, content_hash: str, version: int, ear: Ear = "own") -> Analysis | None:
    """The cached analysis, or None when there is none that can be used."""
    if not path.is_file():
        return None
    try:
        found = load_analysis(path)
    except ProjectError:
        return None
    return found if (found.content_hash, found.version, found.ear) == (content_hash, version, ear) else None
