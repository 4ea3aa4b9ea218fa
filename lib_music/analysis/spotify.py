"""Spotify's audio-analysis as another ear: its JSON read as data, and moved to where the given file has the song.

Conventions: the JSON is foreign, from the Web API or a saved file: what is not a finite number in its range is left
out, lists are sorted, what is absurd is refused. Its times are seconds of Spotify's own master (see the Web API's
reference), which no other rip or upload shares; they are moved by an offset that the onsets of both agree on, and
refused where they do not. Low, mid and high, of which Spotify says nothing, stay as our own ear heard them.
"""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.analysis.align import AGREE, LEAD, MATCH, Alignment, align
from lib_music.analysis.beats import confident_presence, usual_tempo
from lib_music.analysis.harmony import KEYS
from lib_music.analysis.roles import Traits, find_roles
from lib_music.analysis.sections import MIN_SECONDS, distances, name_by
from lib_music.analysis.types import Analysis, Beats, Envelope, Floats, Ints, Sections, Times, frozen
from lib_music.audio import LIMIT
from lib_music.errors import AnalysisError

#: The largest file that is read, bytes, and the most entries that one list may have.
MAX_BYTES, MAX_ENTRIES = 10_000_000, 100_000
#: How much longer or shorter than Spotify's master a file may be, seconds.
MAX_DIFFERENCE = 14.0
_MOST_SECTIONS = 24
# Mean distance of their segments under which two sections are the same material.
_SAME = 0.35
_SAVED = "save Spotify's answer as it is"
_OWN = "leave Spotify's analysis out: the file's own is used"
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Master:
    """What Spotify heard in its own master, cleaned. All times increase; all lists may be empty but the segments.

    Attributes
    ----------
    duration : float
        Seconds.
    beats, bars, sections, segments : mapping of field to [shape=(n,)]
        "start" s and "confidence" in [0, 1]; of sections also "loudness" dB, "tempo" BPM, "key" and "mode" (-1
        unknown); of segments "loudness_start", "loudness_max" dB and "loudness_max_time" s after the start.
    colours : [shape=(segments, 24)]
        Pitches and timbre of the segments, 0 where unknown.
    key, mode : int
        -1 unknown; 0 = C, 0 = minor.
    key_confidence : float in [0, 1]
    time_signature : int
        Beats in a bar, 0 unknown.
    tempo, tempo_confidence : float
        BPM, 0 unknown; in [0, 1].
    """

    duration: float
    beats: Mapping[str, Times]
    bars: Mapping[str, Times]
    sections: Mapping[str, Times]
    segments: Mapping[str, Times]
    colours: Values
    key: int
    mode: int
    key_confidence: float
    time_signature: int
    tempo: float
    tempo_confidence: float


#: Fields: what stands for one that is missing or no number, the least and the most.
_EVENT = {"start": (math.nan, 0.0, LIMIT), "confidence": (0.5, 0.0, 1.0)}
_SECTION = {**_EVENT, "loudness": (-20.0, -100.0, 20.0), "tempo": (0.0, 0.0, 500.0), "key": (-1.0, -1.0, 11.0),
            "mode": (-1.0, -1.0, 1.0)}  # fmt: skip
_SEGMENT = {**_EVENT, "loudness_start": (-60.0, -100.0, 20.0), "loudness_max": (-60.0, -100.0, 20.0),
            "loudness_max_time": (0.0, 0.0, 60.0)}  # fmt: skip


def read_master(path: Path | str) -> Master:
    """Read a saved audio-analysis; raises AnalysisError when it is none."""
    path = Path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise AnalysisError(f"{path.name} is no file of at most {MAX_BYTES // 10**6} MB", "give the saved JSON")
        with path.open("rb") as file:
            data = json.loads(file.read(MAX_BYTES + 1))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON"
        raise AnalysisError(f"cannot read {path.name}: {reason}", _SAVED) from error
    return parse_master(data)


def parse_master(data: object) -> Master:
    """Clean the answer of Spotify's audio-analysis; raises AnalysisError when it is none."""
    if not isinstance(data, dict) or not isinstance(data.get("segments"), list):
        raise AnalysisError("this is no audio-analysis of Spotify's: it has no segments", _SAVED)
    found = data.get("track")
    track: dict[str, Any] = found if isinstance(found, dict) else {}
    segments = _rows(data, "segments", _SEGMENT)
    if segments["start"].size < 12:
        raise AnalysisError(f"Spotify's analysis has only {segments['start'].size} usable segments", _OWN)
    last = float(segments["start"][-1])
    duration = _number(track.get("duration"), last, 0.0, LIMIT)
    return Master(
        duration=max(duration, last) if duration > 0 else last,
        beats=_rows(data, "beats", _EVENT), bars=_rows(data, "bars", _EVENT),
        sections=_rows(data, "sections", _SECTION), segments=segments, colours=_colours(data, segments["index"]),
        key=int(_number(track.get("key"), -1, -1, 11)), mode=int(_number(track.get("mode"), -1, -1, 1)),
        key_confidence=_number(track.get("key_confidence"), 0.0, 0.0, 1.0),
        time_signature=int(_number(track.get("time_signature"), 0, 3, 7)),
        tempo=_number(track.get("tempo"), 0.0, 20.0, 400.0),
        tempo_confidence=_number(track.get("tempo_confidence"), 0.0, 0.0, 1.0),
    )  # fmt: skip


def import_master(master: Master, heard: Analysis, *, total: float) -> tuple[Analysis, Alignment]:
    """Spotify's ear for a file, in the file's own time.

    Parameters
    ----------
    master : Master
    heard : Analysis
        What our own ear heard in the file, or in a range of it.
    total : float
        Seconds of the whole file.

    Returns
    -------
    analysis : Analysis
        With ``ear`` "spotify".
    alignment : Alignment
        The offset is in seconds of the file: what was added to Spotify's times.

    Raises
    ------
    AnalysisError
        The lengths differ too much, or the onsets do not agree on one place.
    """
    if abs(total - master.duration) > MAX_DIFFERENCE:
        raise AnalysisError(f"Spotify's master is {master.duration:.1f} s long, the file {total:.1f} s: "
                            "another version?", _OWN)
    found = align(master.segments["start"], onset_weights(master), heard.envelopes["onset"], centre=-heard.start)
    if found is None or not found.sure:
        raise AnalysisError(_why(found), _OWN)
    return _moved(master, heard, found.offset), replace(found, offset=found.offset + heard.start)


def onset_weights(master: Master) -> Times:
    """How strong the attack of each segment is, > 0 [shape=(n,)]."""
    rise = np.clip(master.segments["loudness_max"] - master.segments["loudness_start"], 0, 30)
    return np.asarray((0.1 + rise / 15) * (0.2 + master.segments["confidence"]), np.float64)


def _why(found: Alignment | None) -> str:
    """Why an alignment cannot be applied."""
    if found is None:
        return "there are too few attacks to compare Spotify's analysis with the file"
    if found.match >= MATCH and found.lead >= LEAD and found.agreement >= AGREE:
        return f"the file plays at another speed than Spotify's master ({found.drift * 1000:+.0f} ms from end to end)"
    if found.match > 2 * MATCH and found.lead < LEAD:
        return "Spotify's analysis fits the file at several places alike: a song that repeats itself, or another song"
    return "Spotify's analysis does not fit the file: another recording, another speed, or cut differently"


def _moved(master: Master, heard: Analysis, offset: float) -> Analysis:
    """Spotify's hearing in the time of what was heard."""
    beats = _beats(master, offset, heard.duration)
    envelopes = {**heard.envelopes, **_curves(master, heard, offset)}
    key = KEYS[master.key] if master.key >= 0 else ""
    smooth = np.convolve(np.pad(beats.confidence, 4, mode="edge"), np.ones(9) / 9, "valid") if beats.times.size else \
        beats.confidence
    return Analysis(
        heard.duration, beats, _sections(master, envelopes, offset, heard.duration),
        confident_presence(beats.times, np.clip(smooth, 0, 1).astype(np.float32), beats.tempo, heard.duration),
        envelopes,
        key, {0: "minor", 1: "major"}.get(master.mode, "") if key else "", master.key_confidence if key else 0.0,
        heard.content_hash, heard.start, heard.version, "spotify", heard.loudness_lufs, heard.loudness_range,
    )  # fmt: skip


def _beats(master: Master, offset: float, duration: float) -> Beats:
    """Beats with their places counted from the bars, as far as they lie in the file."""
    times = master.beats["start"] + offset
    positions, meter = _positions(master)
    inside = (times >= 0) & (times <= duration)
    times = times[inside]
    tempo = usual_tempo(times)
    others = ((master.tempo, master.tempo_confidence),) if abs(master.tempo - tempo) > 0.03 * tempo > 0 else ()
    sure = float(master.bars["confidence"].mean()) if positions.any() else 0.0
    return Beats(times, positions[inside], master.beats["confidence"][inside].astype(np.float32), tempo,
                 others if master.tempo else (), meter, sure)


def _positions(master: Master) -> tuple[Ints, int]:
    """Each beat's place in its bar [shape=(n,)], 0 unknown, and the usual number of beats in one."""
    beats, bars = master.beats["start"], master.bars["start"]
    positions = np.zeros(beats.size, np.int64)
    if beats.size < 2 or not bars.size:
        return positions, master.time_signature
    close = np.abs(beats[np.clip(np.searchsorted(beats, bars)[:, None] + (-1, 0), 0, beats.size - 1)] - bars[:, None])
    nearest = np.clip(np.searchsorted(beats, bars) - 1 + close.argmin(axis=1), 0, beats.size - 1)
    firsts = np.unique(nearest[close.min(axis=1) <= 0.25 * float(np.median(np.diff(beats)))])
    if not firsts.size:
        return positions, master.time_signature
    lengths = np.diff(firsts)
    usual = int(np.bincount(lengths[lengths <= 12]).argmax()) if (lengths <= 12).any() else 0
    meter = usual or master.time_signature or 4
    index = np.arange(beats.size)
    before = np.searchsorted(firsts, index, side="right") - 1
    positions = np.where(before >= 0, index - firsts[np.maximum(before, 0)], (index - firsts[0]) % meter) + 1
    # Where a bar is missing the count goes on from one.
    positions = np.where(positions > 12, (positions - 1) % meter + 1, positions)
    return positions.astype(np.int64), meter


def _curves(master: Master, heard: Analysis, offset: float) -> dict[str, Envelope]:
    """Loudness and onset as the segments tell them, at the rate of our own."""
    rate, size = heard.envelopes["onset"].rate, heard.envelopes["onset"].values.size
    at = np.arange(size) / rate - offset
    starts, rows = master.segments["start"], master.segments
    ends = np.append(starts[1:], max(master.duration, float(starts[-1]) + 0.1))
    tops = starts + np.minimum(rows["loudness_max_time"], 0.9 * (ends - starts))
    points = np.stack([starts, tops], axis=1).ravel()
    decibel = np.stack([rows["loudness_start"], rows["loudness_max"]], axis=1).ravel()
    level = np.interp(at, points, decibel, left=-100.0, right=-100.0)
    level[at > master.duration] = -100.0
    loud = np.where(level > -60, 10 ** (0.6 * level / 20), 0.0)
    weights = onset_weights(master)
    last = np.searchsorted(starts, at, side="right") - 1
    since = at - starts[np.maximum(last, 0)]
    onset = np.where((last >= 0) & (since < 0.25), weights[np.maximum(last, 0)] * np.exp(-since / 0.05), 0.0)
    return {"loudness": Envelope(_unit(loud), rate), "onset": Envelope(_unit(onset), rate)}


def _unit(values: Values) -> Floats:
    """Scaled so that the loudest 1 % lie at 1."""
    peak = float(np.percentile(values, 99)) or float(values.max(initial=0.0))
    return np.asarray(np.clip(values / peak, 0, 1) if peak > 1e-9 else np.zeros(values.size), np.float32)


def _sections(master: Master, envelopes: Mapping[str, Envelope], offset: float, duration: float) -> Sections:
    """Spotify's sections, joined where too short, with labels by likeness and our roles."""
    starts = master.sections["start"] + offset
    least = max(MIN_SECONDS, duration / _MOST_SECTIONS)
    edges, chosen = [0.0], [max(0, int(np.searchsorted(starts, 0.0, side="right")) - 1)]
    for i, start in enumerate(starts):
        if start >= edges[-1] + least and start <= duration - least:
            edges.append(float(start))
            chosen.append(i)
    edges.append(duration)
    borders = np.array(edges)
    labels = _labels(master, borders - offset, chosen)
    level = np.array([[float(curve.at(np.arange(a, b, 0.1)).mean()) for a, b in pairwise(edges)]
                      for name in ("mid", "high", "loudness", "low", "onset") for curve in (envelopes[name],)])
    total = np.array((0.2, 0.2, 0.15, 0.15, 0.3)) @ level
    energy = np.clip(total / max(float(total.max()), 1e-9), 0, 1)
    quarters = [(a + (b - a) / 4, b - (b - a) / 4) for a, b in pairwise(edges)]
    loud = envelopes["loudness"]
    rise = np.array([float(loud.at(np.arange(d, b, 0.1)).mean() - loud.at(np.arange(a, c, 0.1)).mean())
                     for (a, b), (c, d) in zip(pairwise(edges), quarters, strict=True)])
    sure = master.sections["confidence"]
    confidence = np.array([float(sure[i]) if i < sure.size else 0.0 for i in chosen])
    roles = find_roles(Traits(labels, np.diff(borders), energy, rise, level[3]))
    return Sections(np.stack([borders[:-1], borders[1:]], axis=1), labels, roles, energy.astype(np.float32),
                    confidence.astype(np.float32))


def _labels(master: Master, edges: Times, chosen: list[int]) -> tuple[str, ...]:
    """Letters by likeness of harmony, timbre and loudness in the segments, key and tempo as Spotify names them."""
    n = len(chosen)
    if n == 1:
        return ("A",)
    starts, rows = master.segments["start"], master.sections
    means = np.zeros((n, 25))
    for i, (a, b) in enumerate(pairwise(edges)):
        inside = slice(*np.searchsorted(starts, (a, b)))
        if inside.stop > inside.start:
            means[i, :24] = master.colours[inside].mean(axis=0)
            means[i, 24] = master.segments["loudness_max"][inside].mean()
    named = np.zeros((n, 4))
    if rows["start"].size:
        key, mode, tempo = (rows[name][chosen] for name in ("key", "mode", "tempo"))
        fifths = 2 * np.pi * 7 * key / 12
        known = key >= 0
        named = np.stack([known * np.cos(fifths), known * np.sin(fifths), 0.5 * mode, np.log2(np.maximum(tempo, 1))], 1)
    blocks = ((means[:, :12], 1.0), (means[:, 12:24], 1.0), (means[:, 24:], 0.6), (named, 0.4))
    apart = sum((weight * distances(block) for block, weight in blocks), np.zeros((n, n)))
    off = apart.sum() / (n * n - n)
    return name_by(apart / max(off, 1e-9), _SAME)


def _number(value: object, missing: float, least: float, most: float) -> float:
    """A finite number in its range, else what stands for a missing one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return missing
    return float(value) if least <= value <= most else missing


def _rows(data: Mapping[str, Any], name: str, fields: Mapping[str, tuple[float, float, float]]) -> dict[str, Times]:
    """One of the lists as columns, sorted by start, each start once; "index" says which entries they were."""
    entries = data.get(name)
    entries = entries if isinstance(entries, list) else []
    if len(entries) > MAX_ENTRIES:
        raise AnalysisError(f"Spotify's analysis has {len(entries)} {name}, more than any song", _OWN)
    table = [[float(i), *(_number(entry.get(field), *limits) for field, limits in fields.items())]
             for i, entry in enumerate(entries) if isinstance(entry, dict)]
    rows = np.array(table, np.float64).reshape(-1, 1 + len(fields))
    rows = rows[np.isfinite(rows).all(axis=1)]
    rows = rows[np.argsort(rows[:, 1], kind="stable")]
    rows = rows[np.concatenate([[True], np.diff(rows[:, 1]) > 1e-3])] if len(rows) else rows
    return {field: frozen(rows[:, i], np.float64) for i, field in enumerate(("index", *fields))}


def _colours(data: Mapping[str, Any], index: Times) -> Values:
    """Pitches (0..1) and timbre (in hundreds) of the segments kept [shape=(n, 24)]."""
    colours = np.zeros((index.size, 24))
    for row, i in enumerate(index):
        for column, name, scale, most in ((0, "pitches", 1.0, 1.0), (12, "timbre", 100.0, 1e4)):
            values = data["segments"][int(i)].get(name)
            if isinstance(values, list) and len(values) == 12:
                colours[row, column : column + 12] = [_number(value, 0.0, -most, most) / scale for value in values]
    return colours
