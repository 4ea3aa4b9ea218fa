"""The whole of hearing: odd sounds, the cache, the dictionary, and the corpus where there is one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Analysis, analyse, analysis_to_dict
from lib_music.audio import open_audio
from tests.analysis.sounds import SR, Sound, chord, drums, rock, sound


def check(heard: Analysis) -> None:
    """What holds for every song; the types check the rest themselves."""
    n, spans = len(heard.sections), np.diff(heard.sections.intervals, axis=1)[:, 0]
    assert 1 <= n <= 1 + heard.duration / 4 and (n == 1 or spans.min() >= 4 - 1e-9)
    if heard.duration >= 8 and heard.beats.times.size:
        assert n >= 2
    if heard.duration >= 16 and heard.beats.downbeats.size >= 8:
        borders = heard.sections.intervals[1:, 0]
        assert np.abs(borders[:, None] - heard.beats.downbeats).min(axis=1).max() < 60 / heard.beats.tempo
    assert json.loads(json.dumps(analysis_to_dict(heard))) == analysis_to_dict(heard)


def test_silence_has_no_beats_and_one_section() -> None:
    heard = analyse(sound(np.zeros(SR * 20)))
    check(heard)
    assert heard.beats.times.size == 0 and heard.beats.tempo == 0 and len(heard.sections) == 1
    assert (heard.key, heard.mode, heard.key_confidence) == ("", "", 0.0)


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.3, 1.0, 3.9, 7.9, 8.1])
def test_short_clips(seconds: float) -> None:
    heard = analyse(sound(np.random.default_rng(0).normal(0, 0.1, max(1, int(SR * seconds)))))
    check(heard)
    assert len(heard.sections) == 1 or seconds >= 8


def test_speech_like_sound_is_heard_without_certainty() -> None:
    rng = np.random.default_rng(2)
    t = np.arange(SR * 25) / SR
    syllables = np.repeat(rng.random(25 * 9) > 0.35, SR // 9)[: t.size].astype(float)
    voice = np.convolve(syllables, np.hanning(900) / 450, mode="same") * rng.normal(0, 0.1, syllables.size)
    heard = analyse(sound(voice))
    check(heard)
    assert heard.beats.confidence.size == 0 or heard.beats.confidence.mean() < 0.7


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 14), st.floats(0, 1))
def test_any_noise_gives_valid_values(seed: int, seconds: float, density: float) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 0.3, max(1, int(SR * seconds))) * (rng.random(max(1, int(SR * seconds))) < density)
    check(analyse(sound(samples)))


@pytest.fixture(scope="module")
def tune() -> Sound:
    beats = np.arange(0.2, 24, 0.5)
    harmony = np.concatenate([chord(hz, 2.0) for hz in (220.0, 174.6, 130.8, 196.0) * 3])
    return sound(drums(rock(beats), 24.0) + harmony)


def test_same_sound_same_values(tune: Sound) -> None:
    assert analysis_to_dict(analyse(tune)) == analysis_to_dict(analyse(tune))


def test_dictionary_for_the_command_line(tune: Sound) -> None:
    found = analysis_to_dict(analyse(tune))
    assert list(found) == [
        "beats", "downbeats", "positions", "beat_confidence", "downbeat_confidence", "beats_per_bar", "tempo",
        "tempo_alternatives", "beat_presence", "sections", "key", "mode", "loudness_lufs", "loudness_range", "duration",
        "confidence", "ear", "version"]
    assert len(found["beats"]) == len(found["positions"]) == len(found["beat_confidence"])
    assert -40 < found["loudness_lufs"] < 0
    assert set(found["downbeats"]) <= set(found["beats"])
    assert found["tempo"] == pytest.approx(120, rel=0.005)
    assert list(found["sections"][0]) == ["start", "end", "label", "role", "energy", "confidence"]
    assert found["sections"][-1]["end"] == found["duration"] == 24.0
    assert set(found["confidence"]) == {"beats", "downbeats", "sections", "key"}
    assert all(0 <= value <= 1 for value in found["confidence"].values())


def test_cache_is_used_and_a_damaged_one_is_made_anew(tmp_path: Path, tune: Sound) -> None:
    seen: list[float] = []
    first = analyse(tune, cache=tmp_path, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1.0)
    again: list[float] = []
    assert analysis_to_dict(analyse(tune, cache=tmp_path, progress=again.append)) == analysis_to_dict(first)
    assert not again
    for file in tmp_path.glob("*.json"):
        file.write_text("{")
    assert analysis_to_dict(analyse(tune, cache=tmp_path)) == analysis_to_dict(first)


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path, tune: Sound) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert analysis_to_dict(analyse(tune, cache=blocked)) == analysis_to_dict(analyse(tune))


def test_steady_pieces_of_the_corpus() -> None:
    """Two pieces with drums and a steady tempo: the whole corpus is the benchmark's (benchmarks/hearing.py)."""
    root = os.environ.get("MUSIC_VISUALIZER_CORPUS")
    if not root:
        pytest.skip("MUSIC_VISUALIZER_CORPUS is not set: no recorded music to hear")
    for name in ("proc_rock132", "lm_mauiwowi"):
        heard = analyse(open_audio(Path(root) / f"{name}.ogg"))
        check(heard)
        truth = np.array(json.loads((Path(root) / f"{name}.truth.json").read_text())["beats"])
        hits = (np.abs(truth[:, None] - heard.beats.times).min(axis=1) < 0.07).sum()
        assert 2 * hits / (truth.size + heard.beats.times.size) > 0.85
