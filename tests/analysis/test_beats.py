"""Beats and bars, heard in sounds with known truth, by the whole analysis."""

from __future__ import annotations

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import Analysis, Beats, analyse
from lib_music.analysis.features import RATE
from lib_music.audio import open_audio
from tests.analysis.sounds import SR, Floats, Times, chord, drums, rock, sound, waltz

EXACT = 0.020


def heard(samples: np.ndarray) -> Beats:
    return analyse(sound(samples)).beats


def f_measure(truth: Times, found: Times, window: float = 0.07) -> float:
    near = np.abs(truth[:, None] - found).min(axis=1) <= window if found.size else np.zeros(truth.size, bool)
    hits = int(near.sum())
    return 2 * hits / (truth.size + found.size)


def errors(truth: Times, found: Times) -> Times:
    """Distance of each true beat to the nearest found one, s."""
    return np.asarray(np.abs(truth[:, None] - found).min(axis=1))


def with_chords(samples: Floats, downbeats: Times) -> Floats:
    """The samples, and a chord from each downbeat to the next."""
    out = samples.copy()
    edges = np.append(downbeats, samples.size / SR)
    for i, (a, b) in enumerate(pairwise(edges)):
        tone = chord((220.0, 174.6, 130.8, 196.0)[i % 4], b - a, minor=i % 4 == 0)
        first = round(a * SR)
        stop = min(out.size, first + tone.size)
        out[first:stop] += tone[: stop - first]
    return np.clip(out, -1, 1)


def grooves(beats: Times, metre: int) -> list[tuple[Times, str, float]]:
    """Kick on the one, snare in the middle of the bar, hi-hat on each beat and between."""
    middle = metre // 2 + metre % 2
    eighths = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    return [(beats[::metre], "kick", 1.0), (beats[middle::metre], "snare", 0.8), (eighths, "hat", 0.25)]


def triplets(beats: Times) -> list[tuple[Times, str, float]]:
    """A compound metre: three hi-hats to the beat, kick and snare in turn."""
    parts = np.diff(beats, append=2 * beats[-1] - beats[-2]) / 3
    thirds = np.sort(np.concatenate([beats, beats + parts, beats + 2 * parts]))
    return [(beats[::2], "kick", 1.0), (beats[1::2], "snare", 0.8), (thirds, "hat", 0.3)]


@pytest.mark.parametrize("bpm", [77.3, 97.1, 123.7, 151.0])
def test_clicks_are_found_to_a_few_milliseconds(bpm: float) -> None:
    truth = np.arange(0.37, 28, 60 / bpm)
    beats = heard(drums([(truth, "click", 1.0)], 28.5))
    assert f_measure(truth, beats.times) > 0.97
    assert np.median(errors(truth, beats.times)) < 0.008
    assert errors(truth, beats.times).max() < EXACT
    assert beats.tempo == pytest.approx(bpm, rel=0.005)


@pytest.mark.parametrize("bpm", [84.0, 100.0, 118.0, 133.0, 150.0])
def test_rock_beats_and_bars(bpm: float) -> None:
    truth = np.arange(0.21, 30, 60 / bpm)
    beats = heard(with_chords(drums(rock(truth), 30.3), truth[::4]))
    assert f_measure(truth, beats.times) > 0.97
    assert errors(truth[1:-1], beats.times).max() < EXACT
    assert beats.beats_per_bar == 4
    assert f_measure(truth[::4], beats.downbeats) > 0.9
    assert beats.confidence.mean() > 0.7


def test_swing() -> None:
    truth = np.arange(0.3, 30, 60 / 128)
    swung = np.sort(np.concatenate([truth, truth[:-1] + 0.66 * 60 / 128]))
    parts = [(truth[::4], "kick", 1.0), (truth[2::4], "kick", 0.8), (truth[1::2], "snare", 0.7), (swung, "hat", 0.4)]
    beats = heard(with_chords(drums(parts, 30.3), truth[::4]))
    assert f_measure(truth, beats.times) > 0.95


@pytest.mark.parametrize("metre", [3, 5])
def test_odd_metres(metre: int) -> None:
    truth = np.arange(0.5, 40, 60 / 132)
    parts = waltz(truth) if metre == 3 else grooves(truth, metre)
    beats = heard(with_chords(drums(parts, 40.2), truth[::metre]))
    assert f_measure(truth, beats.times) > 0.95
    assert beats.beats_per_bar == metre
    assert f_measure(truth[::metre], beats.downbeats) > 0.85


@pytest.mark.parametrize("per_bar", [2, 4], ids=["6/8", "12/8"])
def test_compound_metres_are_beaten_in_dotted_beats(per_bar: int) -> None:
    truth = np.arange(0.4, 40, 60 / 84)
    beats = heard(with_chords(drums(triplets(truth), 40.2), truth[::per_bar]))
    found = [beats.tempo, *(bpm for bpm, _ in beats.alternatives)]
    assert min(abs(bpm - 84) for bpm in found) < 1
    assert f_measure(truth, beats.times) > 0.9


def test_a_pick_up_is_not_the_first_bar() -> None:
    truth = np.arange(0.3, 32, 60 / 120)
    played = [(truth[:1], "snare", 0.6), *rock(truth[1:])]
    beats = heard(with_chords(drums(played, 32.3), truth[1::4]))
    assert f_measure(truth, beats.times) > 0.96
    assert f_measure(truth[1::4], beats.downbeats) > 0.9


def test_tempo_that_runs_up_is_followed() -> None:
    bpm = np.linspace(95, 140, 96)
    truth = 0.3 + np.concatenate([[0], np.cumsum(60 / bpm)])
    beats = heard(with_chords(drums(rock(truth), truth[-1] + 0.5), truth[::4]))
    assert f_measure(truth, beats.times) > 0.93
    steady = np.diff(beats.times)
    assert 60 / np.median(steady[:8]) < 105 < 130 < 60 / np.median(steady[-8:])


def test_tempo_that_jumps_is_followed() -> None:
    first = 0.3 + np.arange(40) * 60 / 110
    second = first[-1] + 60 / 110 + np.arange(40) * 60 / 128
    truth = np.concatenate([first, second])
    beats = heard(with_chords(drums(rock(truth), truth[-1] + 0.5), truth[::4]))
    assert f_measure(truth, beats.times) > 0.93


def test_a_gap_restarts_the_phase_and_holds_no_beats() -> None:
    first = 0.3 + np.arange(40) * 60 / 124
    second = first[-1] + 4.37 + np.arange(40) * 60 / 124
    truth = np.concatenate([first, second])
    samples = drums([*rock(first), *rock(second)], truth[-1] + 0.5, noise=0.0)
    found = analyse(sound(with_gap(with_chords(samples, truth[::4]), first[-1] + 0.5, second[0])))
    assert f_measure(truth, found.beats.times) > 0.95
    assert not ((found.beats.times > first[-1] + 0.7) & (found.beats.times < second[0] - 0.1)).any()
    assert found.beat_presence.at([(first[-1] + second[0]) / 2 + 0.2])[0] < 0.2


def with_gap(samples: Floats, start: float, stop: float) -> Floats:
    out = samples.copy()
    out[round(start * SR) : round(stop * SR) - 10] = 0
    return out


def test_song_that_starts_off_the_beat() -> None:
    beat = 60 / 124
    truth = 0.2 + beat / 2 + beat * np.arange(60)
    pickup = np.array([0.2])
    beats = heard(drums([*rock(truth), (pickup, "hat", 0.5)], truth[-1] + 0.4))
    assert f_measure(truth, beats.times) > 0.95
    assert errors(truth, beats.times).max() < EXACT


def test_off_beat_cymbals_do_not_take_the_beat() -> None:
    truth = np.arange(0.2, 40, 60 / 126)
    parts = [(truth, "kick", 1.0), (truth[1::2], "snare", 0.5), (truth + 30 / 126, "hat", 0.5)]
    assert f_measure(truth, heard(drums(parts, 40.3)).times) > 0.95


def test_half_and_double_time_are_both_told() -> None:
    truth = np.arange(0.3, 40, 60 / 82)
    beats = heard(drums(rock(truth), 40.3))
    found = [beats.tempo, *(bpm for bpm, _ in beats.alternatives)]
    assert min(abs(bpm - 82) for bpm in found) < 1 and min(abs(bpm - 164) for bpm in found) < 2
    assert sum(weight for _, weight in beats.alternatives) <= 1


@pytest.fixture(scope="module")
def song() -> tuple[Times, Floats]:
    truth = np.arange(0.25, 25, 60 / 112)
    return truth, with_chords(drums(rock(truth), 25.3, noise=0.0), truth[::4])


@pytest.mark.parametrize("gain", [0.0025, 0.02, 12.0], ids=["-52 dBFS", "-34 dBFS", "clipped"])
def test_level_does_not_matter(song: tuple[Times, Floats], gain: float) -> None:
    truth, samples = song
    assert f_measure(truth, heard(samples * gain).times) > 0.96


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (48000, 2), (96000, 1)])
def test_rates_and_channels(tmp_path: Path, song: tuple[Times, Floats], rate: int, channels: int) -> None:
    truth, samples = song
    at = np.arange(0, samples.size / SR - 0.01, 1 / rate)
    played = np.interp(at, np.arange(samples.size) / SR, samples)
    path = tmp_path / "song.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(np.round(played * 32000).astype("<i2"), channels).tobytes())
    beats = analyse(open_audio(path)).beats
    assert f_measure(truth, beats.times) > 0.95
    assert np.median(errors(truth, beats.times)) < 0.012


def test_beats_reach_from_the_first_to_the_last_hit_and_not_into_silence() -> None:
    truth = 6.0 + np.arange(50) * 0.5
    beats = heard(drums(rock(truth), truth[-1] + 8.0, noise=0.0))
    assert abs(beats.times[0] - truth[0]) < EXACT
    assert abs(beats.times[-1] - truth[-1]) < EXACT


def test_a_stop_of_one_beat_keeps_the_count() -> None:
    truth = 0.3 + np.arange(60) * 0.5
    samples = with_gap(drums(rock(truth), truth[-1] + 0.5, noise=0.0), 15.2, 15.75)
    assert f_measure(truth, heard(samples).times) > 0.97


def syllables(seconds: float, seed: int = 2) -> Floats:
    """Babble: voiced syllables of changing length and pitch, with pauses."""
    rng = np.random.default_rng(seed)
    out, t = np.zeros(round(seconds * SR)), 0.2
    while t < seconds - 1:
        length = rng.uniform(0.08, 0.35)
        n = round(length * SR)
        pitch = 120 * np.exp(rng.normal(0, 0.15)) * np.linspace(1.05, 0.95, n)
        phase = 2 * np.pi * np.cumsum(pitch) / SR
        voice = sum(np.sin(k * phase) / k * np.exp(-0.5 * ((k * 120 - rng.uniform(300, 900)) / 400) ** 2)
                    for k in range(1, 20))
        first = round(t * SR)
        out[first : first + n] += rng.uniform(0.1, 0.4) * voice * np.hanning(n)
        t += length + (rng.uniform(0.3, 1.2) if rng.random() < 0.2 else rng.uniform(0.0, 0.08))
    return (out + rng.normal(0, 0.001, out.size)).astype(np.float32)


def drone(seconds: float) -> Floats:
    """Slow swells of a few tones."""
    t = np.arange(round(seconds * SR)) / SR
    tones = [np.sin(2 * np.pi * hz * t) * (0.6 + 0.4 * np.sin(2 * np.pi * t / slow))
             for hz, slow in ((110.0, 17.0), (164.8, 23.0), (220.5, 13.0))]
    return (0.1 * np.sum(tones, axis=0)).astype(np.float32)


@pytest.mark.parametrize("kind", ["silence", "noise", "drone", "speech"])
def test_no_beats_are_forced_on_what_has_none(kind: str) -> None:
    seconds = 45.0
    made = {
        "silence": np.zeros(round(seconds * SR)),
        "noise": np.random.default_rng(3).normal(0, 0.1, round(seconds * SR)),
        "drone": drone(seconds),
        "speech": syllables(seconds),
    }[kind]
    found = analyse(sound(made))
    assert found.beats.times.size * 60 / seconds <= 10
    assert found.beat_presence.values.mean() < 0.2


def test_a_clip_of_three_seconds(song: tuple[Times, Floats]) -> None:
    truth, samples = song
    beats = heard(samples[: 3 * SR])
    assert f_measure(truth[truth < 3], beats.times) > 0.7


def test_same_sound_same_beats(song: tuple[Times, Floats]) -> None:
    one, two = (analyse(sound(song[1][: 12 * SR])) for _ in range(2))
    assert isinstance(one, Analysis) and np.array_equal(one.beats.times, two.beats.times)
    assert np.array_equal(one.beats.confidence, two.beats.confidence)


def test_no_beat_is_told_where_the_sound_has_ended() -> None:
    beats = np.arange(0.0, 29.9, 0.5)
    found = heard(with_chords(drums(rock(beats), 30.0), beats[::4]))
    assert found.times.size and found.times[-1] < 30.0 - 1 / RATE
    assert found.times[-1] == pytest.approx(29.5, abs=0.07)
