"""Beats: on synthesised drums with known truth, to a few milliseconds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Beats, analyse
from lib_music.analysis.beats import decode
from tests.analysis.sounds import Times, drums, rock, sound, waltz

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


@pytest.mark.parametrize("bpm", [60.0, 77.3, 97.1, 123.7, 151.0, 180.0])
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
    beats = heard(drums(rock(truth), 30.3))
    assert f_measure(truth, beats.times) > 0.97
    assert errors(truth[1:-1], beats.times).max() < EXACT
    assert beats.beats_per_bar == 4
    # With drums alone the one and the three are alike: either is right, a snare is not.
    kicks = truth[::2]
    assert all(errors(beats.downbeats[beats.downbeats < 29.5], kicks) < EXACT)


@pytest.mark.parametrize("bpm", [96.0, 120.0, 160.0])
def test_waltz_has_bars_of_three(bpm: float) -> None:
    truth = np.arange(0.5, 32, 60 / bpm)
    beats = heard(drums(waltz(truth), 32.3))
    assert beats.beats_per_bar == 3
    assert f_measure(truth[::3], beats.downbeats) > 0.9


def test_tempo_that_runs_up_is_followed() -> None:
    bpm = np.linspace(95, 140, 96)
    truth = 0.3 + np.concatenate([[0], np.cumsum(60 / bpm)])
    beats = heard(drums(rock(truth), truth[-1] + 0.5))
    assert f_measure(truth, beats.times) > 0.93
    steady = np.diff(beats.times)
    assert 60 / np.median(steady[:8]) < 105 < 130 < 60 / np.median(steady[-8:])


def test_tempo_that_jumps_is_followed() -> None:
    first = 0.3 + np.arange(40) * 60 / 110
    second = first[-1] + 60 / 110 + np.arange(40) * 60 / 128
    truth = np.concatenate([first, second])
    beats = heard(drums(rock(truth), truth[-1] + 0.5))
    assert f_measure(truth, beats.times) > 0.93


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


def test_level_does_not_matter() -> None:
    truth = np.arange(0.25, 25, 60 / 112)
    samples = drums(rock(truth), 25.3, noise=0.0)
    loud, quiet = heard(samples), heard(samples * 0.02)
    assert loud.times.size == quiet.times.size
    assert np.abs(loud.times - quiet.times).max() < 0.005


def test_beats_reach_from_the_first_to_the_last_hit_and_not_into_silence() -> None:
    truth = 6.0 + np.arange(50) * 0.5
    beats = heard(drums(rock(truth), truth[-1] + 8.0, noise=0.0))
    assert abs(beats.times[0] - truth[0]) < EXACT
    assert abs(beats.times[-1] - truth[-1]) < EXACT


def test_a_stop_of_one_beat_keeps_the_count() -> None:
    truth = 0.3 + np.arange(60) * 0.5
    played = rock(truth)
    samples = drums(played, truth[-1] + 0.5, noise=0.0)
    samples[round(22050 * 15.2) : round(22050 * 15.75)] = 0
    assert f_measure(truth, heard(samples).times) > 0.97


def test_noise_and_drones_are_not_sure_of_a_beat() -> None:
    rng = np.random.default_rng(3)
    noise = analyse(sound(rng.normal(0, 0.1, 22050 * 30)))
    assert noise.beat_presence.values.mean() < 0.4
    drone = 0.3 * np.sin(2 * np.pi * 110 * np.arange(22050 * 20) / 22050)
    assert analyse(sound(drone)).beat_presence.values.mean() < 0.5
    kicks = analyse(sound(drums(rock(np.arange(0.2, 25, 0.5)), 25.0)))
    assert np.median(kicks.beat_presence.values) > 0.8


@settings(max_examples=25, deadline=None)
@given(st.integers(24, 60), st.integers(0, 20), st.integers(5, 12))
def test_decoding_finds_any_regular_pulse(interval: int, phase: int, count: int) -> None:
    truth = phase + interval * np.arange(count)
    onset = np.zeros(int(truth[-1]) + interval // 2, np.float32)
    onset[truth] = 1.0
    intervals = np.arange(22, 62)
    prior = -0.5 * (np.log(intervals / interval) / 0.1) ** 2
    assert set(truth) <= set(decode(onset, intervals, prior))
