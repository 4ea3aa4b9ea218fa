"""Decoding: from what a network might hear to beats, bars, tempi and presence, with known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Beats, Envelope
from lib_music.analysis.bars import position_odds
from lib_music.analysis.beats import find_beats
from lib_music.analysis.confidence import monotone, stated
from lib_music.analysis.features import RATE
from lib_music.analysis.network import Activations
from lib_music.analysis.readings import ticks
from tests.analysis.activations import Times, activations
from tests.analysis.test_beats import f_measure

LOUD = 0.1


def decode(heard: Activations, level: float = LOUD) -> tuple[Beats, Envelope]:
    m = heard.beat.size
    onset = np.where(heard.beat > 0.25, heard.beat, 0).astype(np.float32)
    return find_beats(heard, onset, np.full(m, level, np.float32), m / RATE)


def steady(bpm: float, seconds: float, start: float = 0.4) -> Times:
    return np.arange(start, seconds - 0.1, 60 / bpm)


def within(truth: Times, found: Times) -> Times:
    """What was found from the first to the last true beat."""
    return found[(found > truth[0] - 0.07) & (found < truth[-1] + 0.07)]


def bars(n: int, metre: int, first: int = 1) -> np.ndarray:
    return (np.arange(n) + first - 1) % metre + 1


@settings(max_examples=12, deadline=None)
@given(st.floats(55, 195), st.integers(1, 4), st.floats(0.05, 1.0), st.integers(0, 10**6))
def test_any_steady_pulse_is_found(bpm: float, first: int, start: float, seed: int) -> None:
    truth = steady(bpm, 30.0, start)
    found, presence = decode(activations(truth, bars(truth.size, 4, first), 30.0, misses=0.05, off_beats=0.3,
                                         jitter=0.005, seed=seed))
    assert f_measure(truth, within(truth, found.times)) > 0.97
    beyond = (found.times - start) * bpm / 60  # in beats: the sound goes on, so the pulse may too
    assert np.abs(beyond - np.round(beyond)).max() * 60 / bpm < 0.07
    assert found.tempo == pytest.approx(bpm, rel=0.01)
    assert f_measure(truth[bars(truth.size, 4, first) == 1], found.downbeats) > 0.9
    assert 60 <= presence.values.size <= 61 and np.median(presence.values) > 0.5
    weights = [weight for _, weight in found.alternatives]
    assert all(0 < w <= 1 for w in weights) and sum(weights) < 0.5


@pytest.mark.parametrize("metre", [2, 3, 4, 5, 6, 7])
def test_metres(metre: int) -> None:
    truth = steady(120.0, 40.0)
    positions = bars(truth.size, metre, 2)
    found, _ = decode(activations(truth, positions, 40.0, off_beats=0.2, jitter=0.004))
    assert found.beats_per_bar == metre
    assert f_measure(truth[positions == 1], found.downbeats) > 0.95
    assert found.positions[np.abs(found.times - truth[0]).argmin()] == 2, "it begins with a pick-up"


def test_metre_that_changes() -> None:
    truth = steady(126.0, 60.0)
    positions = np.concatenate([bars(48, 4), bars(36, 3), bars(truth.size - 84, 4)])
    found, _ = decode(activations(truth, positions, 60.0))
    assert f_measure(truth[positions == 1], found.downbeats) > 0.95


@pytest.mark.parametrize("bpm", [(90.0, 130.0), (150.0, 100.0), (70.0, 58.0)])
def test_ramp(bpm: tuple[float, float]) -> None:
    truth = 0.3 + np.cumsum(60 / np.linspace(*bpm, 90))
    found, _ = decode(activations(truth, bars(90, 4), truth[-1] + 0.5, off_beats=0.3, misses=0.05))
    assert f_measure(truth, found.times) > 0.95
    assert 60 / np.median(np.diff(found.times[:8])) == pytest.approx(bpm[0], rel=0.1)
    assert 60 / np.median(np.diff(found.times[-8:])) == pytest.approx(bpm[1], rel=0.1)


@pytest.mark.parametrize("step", [0.8, 1.12, 1.3, 1.5])
def test_tempo_step(step: float) -> None:
    intervals = np.repeat([0.5, 0.5 / step], 48)
    truth = 0.3 + np.cumsum(intervals)
    found, _ = decode(activations(truth, bars(96, 4), truth[-1] + 0.5, off_beats=0.3))
    assert f_measure(truth, found.times) > 0.96


def test_expressive_timing() -> None:
    rng = np.random.default_rng(4)
    intervals = 0.7 * np.exp(0.1 * np.sin(np.arange(80) / 5) + 0.02 * rng.normal(size=80))
    truth = 0.4 + np.cumsum(intervals)
    found, _ = decode(activations(truth, bars(80, 3), truth[-1] + 0.5, off_beats=0.3, misses=0.05))
    assert f_measure(truth, found.times) > 0.95
    assert f_measure(truth[::3], found.downbeats) > 0.85


def test_a_gap_restarts_the_phase_and_the_bar() -> None:
    first = steady(124.0, 20.0)
    second = first[-1] + 4.37 + np.arange(40) * 60 / 124
    truth = np.concatenate([first, second])
    positions = np.concatenate([bars(first.size, 4), bars(40, 4)])
    pause = (first[-1] + 0.6, second[0] - 0.3)
    found, presence = decode(activations(truth, positions, truth[-1] + 0.4, pauses=(pause,)))
    assert f_measure(truth, found.times) > 0.98
    assert not ((found.times > pause[0]) & (found.times < pause[1])).any(), "no beats are forced into the gap"
    assert f_measure(truth[positions == 1], found.downbeats) > 0.95
    assert presence.at([(pause[0] + pause[1]) / 2])[0] < 0.1


def test_a_quiet_passage_keeps_its_grid() -> None:
    truth = steady(110.0, 45.0)
    loud = activations(truth, bars(truth.size, 4), 45.0)
    beat = loud.beat.copy()
    beat[round(18 * RATE) : round(26 * RATE)] *= 0.3
    found, _ = decode(Activations(beat, loud.downbeat, loud.pulse, loud.tempo))
    assert f_measure(truth, found.times) > 0.97


def test_a_break_on_the_off_beats_does_not_turn_a_steady_song() -> None:
    truth = steady(128.0, 60.0)
    heard = activations(truth, bars(truth.size, 4), 60.0)
    off = activations(truth + 30 / 128, np.zeros(truth.size), 60.0, sure=0.7)
    inside = slice(round(24 * RATE), round(33 * RATE))
    beat, downbeat = heard.beat.copy(), heard.downbeat.copy()
    beat[inside], downbeat[inside] = off.beat[inside], 0.02
    found, _ = decode(Activations(beat, downbeat, heard.pulse, heard.tempo))
    assert f_measure(truth, found.times) > 0.97


def test_nothing_is_forced_where_nothing_beats() -> None:
    rng = np.random.default_rng(0)
    m = round(60 * RATE)
    flat = activations(np.zeros(0), [], 60.0, pauses=((0.0, 60.0),))
    assert decode(flat)[0].times.size == 0
    # Speech: stresses now and then, no pulse.
    beat = flat.beat.copy()
    for at in np.cumsum(rng.uniform(0.15, 0.9, 90)):
        beat[min(m - 1, int(at * RATE))] = rng.uniform(0.2, 0.8)
    found, presence = decode(Activations(beat, flat.downbeat, flat.pulse, flat.tempo))
    assert found.times.size <= 10
    assert presence.values.mean() < 0.2


def test_a_metronome_is_a_pulse_whatever_the_network_says() -> None:
    frames = np.rint((0.4 + 0.5 * np.arange(40)) * RATE).astype(int)
    onset = np.zeros(2000)
    onset[frames] = 1.0
    assert ticks(onset)[frames[0] : frames[-1]].all() and not ticks(onset)[frames[-1] + 1 :].any()
    uneven = np.zeros(4000)
    uneven[np.cumsum(np.random.default_rng(1).uniform(22, 120, 50)).astype(int)] = 1.0
    assert not ticks(uneven).any()


def test_silence_holds_no_beats() -> None:
    truth = steady(120.0, 30.0)
    found, presence = decode(activations(truth, bars(truth.size, 4), 30.0), level=0.0)
    assert found.times.size == 0 and found.tempo == 0 and not presence.values.any()


def test_both_readings_of_an_ambiguous_pulse_are_told() -> None:
    truth = steady(80.0, 50.0)
    found, _ = decode(activations(truth, bars(truth.size, 4), 50.0, off_beats=0.7))
    tempi = [found.tempo, *(bpm for bpm, _ in found.alternatives)]
    for bpm in (80.0, 160.0):
        assert min(abs(tempo - bpm) for tempo in tempi) < 2


def test_long_recordings_are_read_in_stretches_that_agree() -> None:
    parts = [steady(120.0, 400.0), 402.0 + np.arange(700) * 60 / 128]
    truth = np.concatenate(parts)
    positions = np.concatenate([bars(part.size, 4) for part in parts])
    found, _ = decode(activations(truth, positions, truth[-1] + 1.0, misses=0.1, off_beats=0.3, jitter=0.005))
    assert f_measure(truth, found.times) > 0.98
    assert np.diff(found.times).min() > 0.3, "no beat is found twice where stretches meet"


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.5, 1.5, 3.0])
def test_short_clips(seconds: float) -> None:
    truth = steady(120.0, seconds, 0.1)
    found, presence = decode(activations(truth, bars(truth.size, 4), seconds))
    assert found.times.size in (0, truth.size)
    assert found.times.size or seconds < 3
    assert 2 * seconds - 1 <= presence.values.size <= 2 * seconds + 1


def test_same_evidence_same_beats() -> None:
    truth = steady(97.0, 30.0)
    heard = activations(truth, bars(truth.size, 4), 30.0, misses=0.2, off_beats=0.5, sure=0.5)
    one, two = decode(heard)[0], decode(heard)[0]
    assert np.array_equal(one.times, two.times) and np.array_equal(one.confidence, two.confidence)


def test_an_unsure_ear_says_so() -> None:
    truth = steady(104.0, 40.0)
    clear = decode(activations(truth, bars(truth.size, 4), 40.0, sure=0.9))[0]
    vague = decode(activations(truth, bars(truth.size, 4), 40.0, sure=0.35, misses=0.3, off_beats=0.3))[0]
    assert clear.confidence.mean() > vague.confidence.mean() + 0.05
    assert clear.downbeat_confidence.mean() > vague.downbeat_confidence.mean()


def test_bars_are_surer_the_less_else_they_could_be() -> None:
    clear = np.where(bars(64, 4) == 1, 2.0, -2.5)
    halves = np.where(bars(64, 4) == 3, 0.5, clear)  # might be bars of two
    nothing = np.full(64, -1.0)
    odds = [position_odds(gain, np.zeros(64, bool), bars(64, 4)) for gain in (clear, halves, nothing)]
    assert odds[0].min() > 3 and np.median(odds[0]) > 5, "sure to better than 99 in 100"
    assert (odds[1] < odds[0] - 0.1).all() and np.median(odds[1]) < np.median(odds[0]) - 2 and odds[1].min() > 0
    assert odds[2].max() < 0, "any of four beats may be the first"
    wrong = position_odds(clear, np.zeros(64, bool), bars(64, 4, 2))
    assert wrong.max() < -4


def test_a_fresh_pulse_forgets_the_bar_before() -> None:
    fresh = np.zeros(64, bool)
    fresh[33] = True
    positions = np.concatenate([bars(33, 4), bars(31, 4)])
    gain = np.where(positions == 1, 2.0, -2.5)
    assert position_odds(gain, fresh, positions).min() > 3
    assert position_odds(gain, np.zeros(64, bool), positions)[30:36].max() < 2, "a beat lost needs a reason"
    assert position_odds(np.zeros(0), np.zeros(0, bool), np.zeros(0, np.int64)).size == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=300))
def test_a_table_never_falls(rows: list[tuple[float, bool]]) -> None:
    raw, right = np.array([r for r, _ in rows]), np.array([float(b) for _, b in rows])
    scores, shares = monotone(raw, right)
    assert (np.diff(scores) >= 0).all() and (np.diff(shares) > 0).all()
    assert 0 <= shares.min() <= shares.max() <= 1


@pytest.mark.parametrize("kind", ["beat", "downbeat", "presence"])
def test_stated_confidence_rises_with_the_score(kind: str) -> None:
    values = stated(kind, np.linspace(-2, 2, 50))  # type: ignore[arg-type]
    assert values.dtype == np.float32 and (np.diff(values) >= 0).all() and 0 <= values[0] < values[-1] <= 1
