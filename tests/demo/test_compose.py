"""The demo song is checked by listening to its samples: what the truth claims must be heard there."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt, stft
from tinytag import TinyTag

from lib_music.audio import open_audio
from lib_music.demo.compose import PEAK, Composition, compose, write
from lib_music.demo.score import LEAD_IN, STYLES, TAIL, TONICS, write_score
from lib_music.errors import AudioError, ProjectError, RangeError

ALL = [("intro", 4), ("verse", 4), ("build", 4), ("drop", 4), ("break", 4), ("chorus", 4), ("outro", 4)]


@pytest.fixture(scope="module")
def song() -> Composition:
    return compose()


def stretch(song: Composition, start: float, end: float) -> np.ndarray:
    return song.samples[round(start * song.sr) : round(end * song.sr)]


def decibels(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


def flux(song: Composition) -> np.ndarray:
    """Log spectral flux every 220 samples (5 ms); value i is what rises around sample ``220 * i``."""
    _, _, spectrum = stft(song.samples.mean(axis=1), song.sr, nperseg=1024, noverlap=1024 - 220)
    level = np.log1p(1000 * np.abs(spectrum))
    return np.maximum(np.diff(level, axis=1, prepend=level[:, :1]), 0).sum(axis=0)


def test_the_demo_is_thirty_to_forty_seconds_of_five_sections(song: Composition) -> None:
    assert 30 <= song.duration <= 40
    assert [s.name for s in song.sections] == ["intro", "verse", "chorus", "drop", "chorus"]
    assert song.sections[0].start == 0 and song.sections[-1].end == song.duration
    assert all(a.end == b.start for a, b in pairwise(song.sections))
    assert all(s.end - s.start >= 4 for s in song.sections)
    assert all(np.abs(song.downbeats - s.start).min() < 1e-9 for s in song.sections[1:])


@pytest.mark.parametrize("seed", [0, 1])
def test_beats_are_where_the_attacks_are_heard(seed: int, song: Composition) -> None:
    song = song if seed == 0 else compose(seed, bpm=97)
    onsets = flux(song)
    loud = [s for s in song.sections if s.name in ("chorus", "drop")]
    inside = np.concatenate([song.beats[(song.beats >= s.start) & (song.beats < s.end)] for s in loud])
    frames = np.round(inside * song.sr / 220).astype(int)
    comb = [onsets[frames + lag].mean() for lag in range(-20, 21)]
    # The beats meet the attacks best where they are, within 10 ms (a window of 23 ms hears early).
    assert abs(int(np.argmax(comb)) - 20) <= 2
    near = np.stack([onsets[frames + lag] for lag in range(-3, 4)]).max(axis=0)
    assert np.mean(near > 2 * np.median(onsets)) >= 0.95


def test_truth_is_the_tempo(song: Composition) -> None:
    assert np.diff(song.beats) == pytest.approx(60 / 126)
    assert song.beats[0] == LEAD_IN and np.array_equal(song.downbeats, song.beats[::4])
    assert song.duration == pytest.approx(song.beats[-1] + TAIL, abs=0.001)


def test_the_master_neither_clips_nor_clicks(song: Composition) -> None:
    samples = song.samples
    assert np.isfinite(samples).all() and np.abs(samples).max() == pytest.approx(PEAK, abs=1e-4)
    assert np.abs(samples.mean(axis=0)).max() < 0.01
    assert np.abs(samples[:200]).max() < 0.01 and np.abs(samples[-50:]).max() < 0.005
    # In the pads of the intro nothing steps: a click would be far above the steepest of their partials.
    assert np.abs(np.diff(sosfilt(butter(4, 3000, fs=song.sr, output="sos"), samples[:, 0]))).max() < 0.35
    assert np.mean(np.abs(samples) > 0.98 * PEAK) < 1e-3


def test_sections_differ_and_the_drop_is_prepared_by_silence(song: Composition) -> None:
    intro, verse, chorus, drop, again = (decibels(stretch(song, s.start, s.end - 1.5)) for s in song.sections)
    assert intro + 4 < verse < chorus and verse < drop and again == pytest.approx(chorus, abs=0.7)
    start, beat = song.sections[3].start, 60 / song.bpm
    held = decibels(stretch(song, start - 0.7 * beat, start - 0.01))
    assert held < chorus - 18
    assert decibels(stretch(song, start, start + beat)) > held + 18


def test_a_chorus_returns_with_the_same_material(song: Composition) -> None:
    first, other, drop = song.sections[2].start, song.sections[4].start, song.sections[3].start
    bar = 240 / song.bpm

    def likeness(a: float, b: float) -> float:
        x, y = stretch(song, a, a + 2 * bar).mean(axis=1), stretch(song, b, b + 2 * bar).mean(axis=1)
        n = min(len(x), len(y))
        return float(np.corrcoef(x[:n], y[:n])[0, 1])

    assert likeness(first, other) > 0.9
    assert likeness(first, drop) < 0.75


def test_the_key_is_the_one_that_sounds() -> None:
    steps = {"minor": {0, 2, 3, 5, 7, 8, 10}, "major": {0, 2, 4, 5, 7, 9, 11}}
    for seed in range(12):
        score = write_score(seed, [("chorus", 8)], 120, 4)
        pitches = [n.pitch for n in score.notes if n.voice in ("bass", "pad", "lead", "pluck", "stab")]
        assert {(p - TONICS.index(score.key)) % 12 for p in pitches} <= steps[score.mode]
        first = min((n for n in score.notes if n.voice == "bass"), key=lambda n: n.time)
        assert first.pitch % 12 == TONICS.index(score.key)


def test_the_same_seed_is_the_same_song_and_others_are_others(song: Composition) -> None:
    plan = [("verse", 3), ("chorus", 3)]
    one, same, other = (compose(seed, plan=plan, sr=22050) for seed in (3, 3, 4))
    assert np.array_equal(one.samples, same.samples) and one.title == same.title
    assert len(one.samples) == len(other.samples) and not np.allclose(one.samples, other.samples, atol=0.05)
    assert len({(s.key, s.mode) for s in (write_score(k, plan, 126, 4) for k in range(30))}) >= 10


@pytest.mark.parametrize(("bpm", "beats_per_bar", "sr"), [(84.0, 3, 32000), (174.0, 4, 22050), (100.0, 5, 22050)])
def test_other_plans_tempos_and_metres(bpm: float, beats_per_bar: int, sr: int) -> None:
    song = compose(5, bpm=bpm, plan=ALL, sr=sr, beats_per_bar=beats_per_bar)
    assert np.array_equal(song.downbeats, song.beats[::beats_per_bar])
    assert len(song.downbeats) == sum(bars for _, bars in ALL) + 1
    assert np.abs(song.samples).max() == pytest.approx(PEAK, abs=1e-4)
    level = {s.name: decibels(stretch(song, s.start, s.end - 1.5)) for s in song.sections}
    assert level["break"] < level["chorus"] - 3 and level["intro"] < level["verse"]


PLANS = st.lists(st.tuples(st.sampled_from(sorted(STYLES)), st.integers(4, 9)), min_size=1, max_size=6)


@settings(max_examples=40)
@given(st.integers(0, 10**6), PLANS, st.floats(60, 200), st.integers(3, 5))
def test_every_note_lies_in_the_song_and_none_in_a_silence(
        seed: int, plan: list[tuple[str, int]], bpm: float, beats: int) -> None:
    if any(bars * beats * 60 / bpm < 4 for _, bars in plan):
        with pytest.raises(RangeError):
            write_score(seed, plan, bpm, beats)
        return
    score = write_score(seed, plan, bpm, beats)
    assert all(LEAD_IN - 1e-9 <= n.time < score.duration and n.length > 0 for n in score.notes)
    assert all(24 <= n.pitch <= 108 for n in score.notes if n.voice in ("bass", "pad", "lead", "pluck", "stab"))
    assert not any(a + 1e-5 < n.time < b - 1e-5 for n in score.notes for a, b in score.silences)
    drops = sum(a != "drop" and b == "drop" for (a, _), (b, _) in pairwise(plan))
    assert len(score.silences) == drops


@pytest.mark.parametrize("arguments", [
    {"bpm": 10}, {"bpm": float("nan")}, {"beats_per_bar": 1}, {"plan": []}, {"plan": [("solo", 4)]},
    {"plan": [("verse", 1)]}, {"plan": [("verse", 0)]}, {"sr": 8}])
def test_what_cannot_be_played_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(RangeError) as caught:
        compose(0, **arguments)  # type: ignore[arg-type]
    assert caught.value.fix


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus"])
def test_written_files_carry_the_song_and_its_tags(song: Composition, tmp_path: Path, suffix: str) -> None:
    path = write(song, tmp_path / f"a name with 'quotes' %03d{suffix}")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    audio = open_audio(path)
    assert audio.duration == pytest.approx(song.duration, abs=0.03)
    tag = TinyTag.get(str(path))
    assert (tag.title, tag.artist) == (song.title, song.artist)
    heard = np.concatenate(list(audio.blocks(song.sr)))
    n = min(len(heard), len(song.samples))
    mono = song.samples[:n].mean(axis=1)
    # Not late by a sample that matters: the codecs' delay is taken off by the decoder.
    window = slice(20 * song.sr, 21 * song.sr)
    lags = range(-400, 401, 20)
    best = max(lags, key=lambda lag: float(np.dot(np.roll(heard[:n], -lag)[window], mono[window])))
    assert abs(best) <= 60


def test_the_same_song_is_the_same_bytes(tmp_path: Path) -> None:
    song = compose(1, plan=[("verse", 3)], sr=22050)
    one, two = write(song, tmp_path / "a" / "one.ogg"), write(song, tmp_path / "two.ogg")
    assert one.read_bytes() == two.read_bytes()


def test_a_place_or_a_kind_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    song = compose(1, plan=[("break", 3)], sr=16000)
    (tmp_path / "file").write_text("")
    for name, error in (("song.xyz", AudioError), ("song", AudioError), ("file/song.wav", ProjectError)):
        with pytest.raises(error):
            write(song, tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
