"""Spotify's audio-analysis as another ear: its offset against synthesised sound with known truth, and hostile JSON."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.analysis import Analysis, analyse, load_analysis, save_analysis
from lib_music.analysis.spotify import Master, import_master, parse_master, read_master
from lib_music.analysis.store import find_cached
from lib_music.errors import AnalysisError
from tests.analysis.sounds import SR, Floats, Times, drums, sound

BEAT, SECONDS = 0.5, 64.0


@lru_cache
def attacks(seed: int = 0) -> Times:
    """Attacks on a grid of eighths, not all of them, so that one place alone fits; bars of 2 s from 0.25 s on."""
    rng = np.random.default_rng(seed)
    grid = 0.25 + BEAT / 2 * np.arange(int((SECONDS - 0.5) / (BEAT / 2)))
    return np.asarray(grid[rng.random(grid.size) < 0.55], np.float64)


def played(times: Times, duration: float, *, seed: int = 0, noise: float = 0.003) -> Floats:
    kinds = [(times[::3], "kick", 1.0), (times[1::3], "snare", 0.8), (times[2::3], "click", 0.6)]
    return drums(kinds, duration, noise=noise, seed=seed)  # type: ignore[arg-type]


def answer(times: Times, duration: float = SECONDS, **more: Any) -> dict[str, Any]:
    """What Spotify would say of a master with these attacks: 4/4 at 120 BPM, four sections, A minor."""
    beats = np.arange(0.25, duration, BEAT)
    ends = np.append(times[1:], duration)
    loud = (-18.0, -8.0, -18.0, -8.0)
    span = duration / 4

    def loudness(t: float) -> float:
        return loud[min(3, int(t / span))]

    return {
        "meta": {"analyzer_version": "4.0.0", "status_code": 0},
        "track": {"duration": duration, "tempo": 120.0, "tempo_confidence": 0.9, "time_signature": 4, "key": 9,
                  "mode": 0, "key_confidence": 0.7, "loudness": -9.0},
        "bars": [{"start": t, "duration": 2.0, "confidence": 0.8} for t in beats[::4]],
        "beats": [{"start": t, "duration": BEAT, "confidence": 0.6} for t in beats],
        "tatums": [],
        "sections": [{"start": i * span, "duration": span, "confidence": 0.9, "loudness": loud[i], "tempo": 120.0,
                      "key": 9 if i % 2 else 4, "mode": 0} for i in range(4)],
        "segments": [{"start": t, "duration": e - t, "confidence": 0.9, "loudness_start": loudness(t) - 20,
                      "loudness_max": loudness(t), "loudness_max_time": 0.02, "loudness_end": -60,
                      "pitches": [1.0 if k == (9 if loudness(t) > -10 else 4) else 0.1 for k in range(12)],
                      "timbre": [50 + loudness(t)] + [0.0] * 11}
                     for t, e in zip(times.tolist(), ends.tolist(), strict=True)],
        **more,
    }  # fmt: skip


def master(times: Times | None = None, **more: Any) -> Master:
    return parse_master(json.loads(json.dumps(answer(attacks() if times is None else times, **more))))


def file_with(offset: float, *, speed: float = 1.0, noise: float = 0.003, times: Times | None = None) -> Analysis:
    """A file in which the master's start lies at ``offset`` s (its head cut off when negative)."""
    at = (attacks() if times is None else times) * speed + offset
    duration = SECONDS * speed + offset
    return analyse(sound(played(at[at > 0], duration, noise=noise), f"file {offset} {speed} {noise} {at.size} {at[0]}"))


@lru_cache
def plain() -> Analysis:
    return file_with(0.0)


# --- where it lies


@pytest.mark.parametrize("offset", [0.0, 0.05, -0.05, 0.0137, 1.0, -0.5, 2.0, -3.21, 7.777, 12.0, -12.0])
def test_the_offset_is_found_within_ten_milliseconds(offset: float) -> None:
    heard = file_with(offset)
    analysis, found = import_master(master(), heard, total=SECONDS + offset)
    assert found.offset == pytest.approx(offset, abs=0.01)
    beats = 0.25 + BEAT * np.arange(128) + offset
    kept = beats[(beats > 0.1) & (beats < SECONDS + offset - 0.1)]
    assert np.abs(analysis.beats.times[:, None] - kept).min(axis=0).max() <= 0.01
    bars = 0.25 + 4 * BEAT * np.arange(32) + offset
    kept = bars[(bars > 0.1) & (bars < SECONDS + offset - 0.1)]
    assert np.abs(analysis.beats.downbeats[:, None] - kept).min(axis=0).max() <= 0.01
    assert abs(analysis.beats.downbeats.size - kept.size) <= 1


def test_the_offset_is_found_under_noise_and_with_a_third_of_the_attacks_wrong() -> None:
    rng = np.random.default_rng(5)
    truth = attacks()
    kept = truth[rng.random(truth.size) < 0.8] + 0
    wrong = np.sort(np.concatenate([kept, rng.uniform(0, SECONDS, truth.size // 5)]))
    wrong = wrong[np.append(True, np.diff(wrong) > 0.02)] + 0
    _, found = import_master(master(wrong), file_with(2.5, noise=0.05), total=SECONDS + 2.5)
    assert found.offset == pytest.approx(2.5, abs=0.01)


def test_an_excerpt_of_the_file_is_placed_in_the_file() -> None:
    whole = played(attacks() + 1.5, SECONDS + 1.5)
    heard = replace(analyse(sound(whole[20 * SR : 50 * SR], "excerpt")), start=20.0)
    analysis, found = import_master(master(), heard, total=SECONDS + 1.5)
    assert found.offset == pytest.approx(1.5, abs=0.01)
    # a beat of the master lies at 18.75 s, so at 20.25 s of the file
    assert analysis.beats.times[0] == pytest.approx(0.25, abs=0.01) and analysis.start == 20.0


@pytest.mark.parametrize(
    "case", ["another song", "faster", "slower", "periodic", "noise", "silence", "cut", "cut late", "reversed"])
def test_what_does_not_fit_is_refused(case: str) -> None:
    said, heard = master(), plain()
    if case == "another song":
        said = master(attacks(7))
    elif case in ("faster", "slower"):
        heard = file_with(0.5, speed=0.996 if case == "faster" else 1.002)
    elif case == "periodic":
        grid = np.arange(0.25, SECONDS - 0.3, BEAT)
        said, heard = master(grid), file_with(1.0, times=grid)
    elif case == "noise":
        heard = analyse(sound(np.random.default_rng(1).normal(0, 0.2, int(SECONDS * SR)), "noise"))
    elif case == "silence":
        heard = analyse(sound(np.zeros(int(SECONDS * SR)), "silence"))
    elif case in ("cut", "cut late"):
        times, at = attacks(), 32.0 if case == "cut" else 45.0
        heard = file_with(0.0, times=np.concatenate([times[times < at], times[times >= at + 3] - 3.0]))
    else:
        said = master(np.sort(SECONDS - attacks()))
    with pytest.raises(AnalysisError) as caught:
        import_master(said, heard, total=heard.duration)
    assert "file's own is used" in caught.value.fix


def test_a_small_drift_is_named() -> None:
    heard = file_with(0.0, speed=1.0008)
    with pytest.raises(AnalysisError, match="another speed"):
        import_master(master(), heard, total=heard.duration)


@pytest.mark.parametrize("total", [SECONDS + 14.5, SECONDS - 14.5, 600.0])
def test_another_length_is_refused_with_both_lengths(total: float) -> None:
    with pytest.raises(AnalysisError, match=rf"64\.0 s long, the file {total:.1f} s"):
        import_master(master(), plain(), total=total)


# --- what it becomes


def test_it_becomes_an_analysis_marked_as_spotifys(tmp_path: Path) -> None:
    heard = plain()
    analysis, _ = import_master(master(), heard, total=SECONDS)
    assert (heard.ear, analysis.ear) == ("own", "spotify")
    assert (analysis.key, analysis.mode, analysis.key_confidence) == ("A", "minor", 0.7)
    assert analysis.beats.tempo == pytest.approx(120, abs=0.5) and analysis.beats.beats_per_bar == 4
    assert analysis.content_hash == heard.content_hash and analysis.duration == heard.duration
    for name in ("low", "mid", "high"):
        assert analysis.envelopes[name] is heard.envelopes[name]
    loud, attack = (analysis.envelopes[name].at(attacks() + 0.03) for name in ("loudness", "onset"))
    assert loud[(attacks() > 18) & (attacks() < 30)].mean() > 1.5 * loud[attacks() < 14].mean()
    assert attack.mean() > 4 * analysis.envelopes["onset"].at(attacks() - 0.01).mean()
    assert analysis.beat_presence.at([10.0, 50.0]).tolist() == pytest.approx([0.6, 0.6])
    path = tmp_path / "spotify.json"
    save_analysis(path, analysis)
    kept = load_analysis(path)
    assert kept.ear == "spotify" and np.array_equal(kept.beats.times, analysis.beats.times)
    assert find_cached(path, kept.content_hash, kept.version) is None  # never mistaken for our own ear's


def test_like_sections_share_a_letter_and_the_loud_ones_are_the_chorus() -> None:
    sections = import_master(master(), plain(), total=SECONDS)[0].sections
    assert sections.labels == ("A", "B", "A", "B")
    assert sections.intervals[1:, 0].tolist() == pytest.approx([16, 32, 48], abs=0.01)
    assert [role in ("chorus", "drop") for role in sections.roles] == [False, True, False, True]
    assert sections.confidence.tolist() == pytest.approx([0.9] * 4)


@pytest.mark.parametrize(("meter", "pickup"), [(3, 0), (4, 2), (7, 0), (5, 3)])
def test_places_are_counted_from_the_bars(meter: int, pickup: int) -> None:
    data = answer(attacks())
    data["bars"] = [{"start": beat["start"] + 0.03, "confidence": 0.5} for beat in data["beats"][pickup::meter]]
    positions = import_master(parse_master(data), plain(), total=SECONDS)[0].beats.positions
    assert positions.tolist() == [(i - pickup) % meter + 1 for i in range(positions.size)]


@pytest.mark.parametrize("without", ["beats", "bars", "sections", "track", "meta", "tatums"])
def test_what_is_missing_is_unknown(without: str) -> None:
    data = answer(attacks())
    del data[without]
    analysis, found = import_master(parse_master(data), plain(), total=SECONDS)
    assert found.offset == pytest.approx(0, abs=0.01)
    assert (analysis.beats.times.size == 0) == (without == "beats")
    assert analysis.beats.positions.any() == (without not in ("beats", "bars"))
    assert (len(analysis.sections) == 1) == (without == "sections")
    assert (analysis.key == "") == (without == "track")


def test_order_and_repetition_do_not_matter() -> None:
    data = answer(attacks())
    for name in ("beats", "bars", "sections", "segments"):
        data[name] = [*data[name][::-1], *data[name][:5], None, {}, "x", {"start": "0"}, {"start": float("nan")}]
    one, other = (import_master(parse_master(d), plain(), total=SECONDS)[0] for d in (data, answer(attacks())))
    assert np.array_equal(one.beats.times, other.beats.times)
    assert np.array_equal(one.sections.intervals, other.sections.intervals)


# --- what is foreign

NUMBERS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.floats(), max_size=12))
ENTRY = st.one_of(st.none(), st.dictionaries(st.sampled_from(
    ["start", "duration", "confidence", "loudness", "tempo", "key", "mode", "pitches"]), NUMBERS))  # fmt: skip
TIMED = st.builds(lambda start, more: {**more, "start": start}, st.floats(-5, 80), st.dictionaries(
    st.sampled_from(["confidence", "loudness", "tempo", "key", "mode"]), NUMBERS))


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_becomes_an_analysis_or_a_refusal(data: st.DataObject) -> None:
    said = answer(attacks())
    for name in data.draw(st.sets(st.sampled_from(["beats", "bars", "sections", "track"]), min_size=1)):
        if name == "track":
            said[name] = data.draw(st.one_of(NUMBERS, st.dictionaries(st.sampled_from(
                ["key", "mode", "tempo", "time_signature", "key_confidence", "duration"]), NUMBERS)))  # fmt: skip
        else:
            said[name] = data.draw(st.one_of(NUMBERS, st.lists(st.one_of(ENTRY, TIMED), max_size=40)))
    said["segments"] += data.draw(st.lists(ENTRY, max_size=5))
    try:
        analysis, _ = import_master(parse_master(said), plain(), total=SECONDS)
    except AnalysisError:
        return
    assert analysis.ear == "spotify" and analysis.sections.duration == analysis.duration


@pytest.mark.parametrize("data", [
    None, 7, "x", [], {}, {"segments": None}, {"segments": []}, {"segments": [None] * 50}, {"error": {"status": 403}},
    {"segments": [{"start": float("nan")}] * 50}, {"segments": [{"start": 1.0}] * 50},
    {"segments": [{"start": -1}] * 50},
])  # fmt: skip
def test_what_is_no_analysis_is_said(data: object) -> None:
    with pytest.raises(AnalysisError):
        parse_master(data)


def test_a_million_entries_are_refused_at_once() -> None:
    before = time.process_time()
    for name in ("segments", "beats", "sections"):
        with pytest.raises(AnalysisError, match="1000000"):
            parse_master({**answer(attacks()), name: [{"start": 1.0}] * 1_000_000})
    assert time.process_time() - before < 2


def test_files_are_read_within_bounds(tmp_path: Path) -> None:
    path = tmp_path / "analysis.json"
    path.write_text(json.dumps(answer(attacks())))
    assert read_master(path).segments["start"].size == attacks().size
    for content in (b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"segments": ' + b" " * 10_000_000 + b"[]}"):
        path.write_bytes(content)
        with pytest.raises(AnalysisError):
            read_master(path)
    for odd in (tmp_path, tmp_path / "none", Path("/dev/zero")):
        with pytest.raises(AnalysisError):
            read_master(odd)
