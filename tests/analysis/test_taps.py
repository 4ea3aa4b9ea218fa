"""Taps of a sloppy hand pull the beats to where they are; nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import Corrections, analyse
from lib_music.analysis.taps import pulled, retapped, runs_of
from lib_music.analysis.types import Beats, Envelope
from lib_music.audio import open_audio
from tests.music import song

N, START = 64, 0.5
#: The tapped stretch, as numbers of beats.
TAPPED = slice(16, 48)


def beats_at(times: np.ndarray, bar: int = 4) -> Beats:
    tempo = 60 / float(np.median(np.diff(times))) if times.size > 1 else 0.0
    return Beats(times, np.arange(times.size) % bar + 1, np.ones(times.size), tempo, (), bar)


def onsets(times: np.ndarray) -> Envelope:
    """Attacks on the beats, weaker ones between."""
    values = np.zeros(int(100 * times[-1]) + 200)
    for spots, strength in (((times[1:] + times[:-1]) / 2, 0.5), (times, 1.0)):
        at = np.rint(100 * spots).astype(int)
        values[at], values[at - 1], values[at + 1] = strength, 0.3 * strength, 0.5 * strength
    return Envelope(values, 100.0)


def sloppy(times: np.ndarray, seed: int, late: float = -0.02) -> tuple[float, ...]:
    """Taps on these times: 40 ms off either way, all a little early, some missing, some struck twice."""
    rng = np.random.default_rng(seed)
    taps = times + late + rng.uniform(-0.04, 0.04, times.size)
    taps = taps[rng.random(taps.size) > 0.12]
    taps = np.sort(np.concatenate([taps, taps[rng.random(taps.size) < 0.1] + 0.08]))
    return tuple(taps[np.concatenate([[True], np.diff(taps) > 0.05])].tolist())


def error(found: np.ndarray, true: np.ndarray) -> float:
    """The farthest that one of either lies from the nearest of the other, s."""
    apart = np.abs(found[:, None] - true[None, :])
    return float(max(apart.min(axis=0).max(), apart.min(axis=1).max()))


def heard_as(kind: str, true: np.ndarray) -> np.ndarray:
    between = (true[1:] + true[:-1]) / 2
    step = float(true[1] - true[0])
    return {
        "right": true, "double": np.sort(np.concatenate([true, between])), "half": true[::2], "other half": true[1::2],
        "off-beats": between, "4 % too slow": true[0] + 1.04 * step * np.arange(N - 4), "nothing": np.empty(0),
        "bars of three": true[::3],
    }[kind]  # fmt: skip


@pytest.mark.parametrize("bpm", [70, 100, 128, 160])
@pytest.mark.parametrize(
    "kind", ["right", "double", "half", "other half", "off-beats", "4 % too slow", "nothing", "bars of three"]
)
def test_sloppy_taps_find_the_beat(kind: str, bpm: float) -> None:
    true = START + 60 / bpm * np.arange(N)
    heard = beats_at(heard_as(kind, true))
    good = 0
    for seed in range(8):
        taps = sloppy(true[TAPPED], seed)
        done = pulled(heard, taps, onsets(true)).times
        low, high = taps[0] - 0.1, taps[-1] + 0.1
        inside = error(done[(done > low) & (done < high)], true[(true > low) & (true < high)])
        good += inside < 0.02
        far = (heard.times < low - 60 / bpm) | (heard.times > high + 60 / bpm)
        assert set(heard.times[far]) <= set(done)
    assert good >= 7


@pytest.mark.parametrize("late", [-0.06, 0.0, 0.07])
def test_right_beats_stay_as_they_are(late: float) -> None:
    true = START + 0.5 * np.arange(N)
    for seed in range(6):
        done = pulled(beats_at(true), sloppy(true[TAPPED], seed, late), onsets(true))
        assert np.array_equal(done.times, true) and np.array_equal(done.positions, beats_at(true).positions)


def test_a_ramp_is_followed() -> None:
    true = START + np.cumsum(np.linspace(0.6, 0.4, N))
    done = pulled(beats_at(true[::2]), sloppy(true[TAPPED], 3), onsets(true)).times
    assert error(done[(done > true[17]) & (done < true[46])], true[18:46]) < 0.02


@pytest.mark.parametrize("n", [4, 5, 6])
def test_few_taps_are_enough(n: int) -> None:
    true = START + 0.5 * np.arange(N)
    off = np.array([0.03, -0.02, 0.01, -0.035, 0.02, 0.0])[:n]
    done = pulled(beats_at((true[1:] + true[:-1]) / 2), tuple((true[20 : 20 + n] + off).tolist()), onsets(true)).times
    for beat in true[21 : 19 + n]:
        assert np.abs(done - beat).min() < 0.02
    assert np.diff(done).min() > 0.2


def test_double_and_half_go_for_their_stretch_only_and_bars_go_on() -> None:
    true = START + 0.5 * np.arange(N)
    heard = beats_at(true)
    half = pulled(heard, sloppy(true[16:48:2], 1), onsets(true))
    region = (half.times > true[15]) & (half.times < true[45])
    assert half.times[region].tolist() == true[16:46:2].tolist()
    assert half.positions[region].tolist() == (np.arange(15) % 4 + 1).tolist()
    assert half.tempo == 120
    double = pulled(beats_at(true[::2]), sloppy(true[TAPPED], 1), onsets(true))
    assert set(beats_at(true[::2]).downbeats) <= set(double.times)


def test_two_stretches_with_a_rest_between() -> None:
    true = START + 0.5 * np.arange(120)
    off = (true[1:] + true[:-1]) / 2
    taps = (*sloppy(true[10:30], 1), *sloppy(true[80:100], 2))
    done = pulled(beats_at(off), taps, onsets(true)).times
    assert len(runs_of(taps)) == 2
    assert set(off[(off > true[32]) & (off < true[78])]) <= set(done)
    for part in (true[12:28], true[82:98]):
        assert np.abs(done[:, None] - part).min(axis=0).max() < 0.02


@pytest.mark.parametrize("seed", range(8))
def test_taps_that_follow_no_pulse_change_nothing(seed: int) -> None:
    """Fingers drumming on the table; while a poor hand, 45 ms off on the whole, still counts."""
    true = START + 0.5 * np.arange(N)
    rng = np.random.default_rng(seed)
    aimless = tuple(np.cumsum(rng.uniform(0.1, 1.5, 40)).tolist())
    assert pulled(beats_at(true), aimless, onsets(true)).times.tolist() == true.tolist()
    poor = np.sort(true[::2] + rng.normal(0, 0.045, N // 2))
    assert pulled(beats_at(true), tuple(poor.tolist()), onsets(true)).times.size < 0.6 * N


def test_where_one_taps_there_is_a_beat() -> None:
    quiet = song(bpm=120, presence=0.0)
    quiet = Corrections(taps=tuple(8 + 0.5 * k for k in range(12))).apply(quiet)
    assert quiet.beat_presence.values.max() == 1.0


def test_taps_for_twice_and_half_the_beats() -> None:
    taps = (1.0, 1.52, 2.49, 3.0, 3.51, 3.98)
    double = retapped(taps, 2.0)
    assert set(taps) <= set(double) and np.diff(double).max() < 0.3
    assert set(retapped(double, 0.5)) >= set(taps)


def test_on_real_sound_a_wrong_octave_is_tapped_right(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from lib_music.demo.compose import compose, write

    heard = analyse(open_audio(write(compose(3), tmp_path / "song.wav")))
    true = heard.beats.times
    stretch = true[16:40]
    done = Corrections(taps=sloppy(stretch[::2], 5)).apply(heard).beats.times
    inside = done[(done > stretch[2]) & (done < stretch[-3])]
    assert inside.tolist() == [t for t in stretch[::2].tolist() if stretch[2] < t < stretch[-3]]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0, 60), max_size=60).map(sorted),
    st.lists(st.floats(0, 60), max_size=40, unique=True).map(sorted),
)
def test_any_taps_on_any_beats_give_beats(taps: list[float], found: list[float]) -> None:
    kept = [t for i, t in enumerate(found) if i == 0 or t - found[i - 1] > 1e-6]
    done = pulled(beats_at(np.array(kept)), tuple(taps))
    assert set(done.downbeats) <= set(done.times)
