"""Loudness: against the standard's own values, another meter, and what cannot matter."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis import analyse
from lib_music.analysis.filtering import StreamFilter, fits, low_pass
from lib_music.analysis.loudness import GATE, LoudnessMeter, k_weighting
from lib_music.audio import open_audio
from lib_music.ffmpeg import ffmpeg_exe

Samples = npt.NDArray[np.float32]


def tone(level: float, seconds: float, rate: int = 48000, hz: float = 997.0) -> Samples:
    """A sine of ``level`` dBFS on both sides."""
    one = 10 ** (level / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.stack([one, one]).astype(np.float32)


def measure(samples: Samples, rate: int = 48000, step: int = 10**6) -> tuple[float, float]:
    meter = LoudnessMeter(rate, len(samples))
    for first in range(0, samples.shape[1], step):
        meter.feed(samples[:, first : first + step])
    return meter.finish()


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_a_sine_of_997_hz_is_as_loud_as_its_level(rate: int) -> None:
    loudness, spread = measure(tone(-23.0, 20, rate), rate)
    assert loudness == pytest.approx(-23.0, abs=0.1)
    assert spread == pytest.approx(0, abs=0.1)
    assert measure(tone(-23.0, 20, rate)[:1], rate)[0] == pytest.approx(-26.0, abs=0.1)


# EBU Tech 3341, cases 3 to 5, and Tech 3342, cases 1 to 4: (dBFS, seconds) one after another.
@pytest.mark.parametrize(
    ("parts", "loudness"),
    [
        (((-36, 10), (-23, 60), (-36, 10)), -23.0),
        (((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),
        (((-26, 20), (-20, 20.1), (-26, 20)), -23.0),
    ],
)
def test_the_gates(parts: tuple[tuple[float, float], ...], loudness: float) -> None:
    assert measure(np.hstack([tone(*part) for part in parts]))[0] == pytest.approx(loudness, abs=0.1)


@pytest.mark.parametrize(
    ("levels", "spread"), [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)]
)
def test_the_range(levels: tuple[float, ...], spread: float) -> None:
    assert measure(np.hstack([tone(level, 20) for level in levels]))[1] == pytest.approx(spread, abs=1.0)


def test_the_weighting_is_the_published_one() -> None:
    """The coefficients of BS.1770-4, tables 1 and 2, at 48 kHz."""
    hertz = np.array([20.0, 60.0, 200.0, 1000.0, 3000.0, 12000.0])
    z = np.exp(-2j * np.pi * hertz / 48000)
    shelf = np.polyval([1.19839281085285, -2.69169618940638, 1.53512485958697], z)
    shelf /= np.polyval([0.73248077421585, -1.69065929318241, 1.0], z)
    high_pass = np.polyval([1.0, -2.0, 1.0], z) / np.polyval([0.99007225036621, -1.99004745483398, 1.0], z)
    assert np.abs(k_weighting(48000)(hertz) / (shelf * high_pass) - 1).max() < 1e-4


def test_silence_and_a_moment() -> None:
    assert measure(np.zeros((2, 48000 * 5), np.float32)) == (GATE, 0.0)
    assert measure(np.zeros((1, 1), np.float32)) == (GATE, 0.0)
    assert measure(np.zeros((2, 0), np.float32)) == (GATE, 0.0)
    assert measure(tone(-23, 0.25))[0] == pytest.approx(-23, abs=0.6)


def theirs(path: Path) -> tuple[float, float]:
    """What ffmpeg's own meter says."""
    said = subprocess.run([ffmpeg_exe(), "-nostdin", "-hide_banner", "-i", str(path), "-af", "ebur128", "-f", "null",
                           "-"], capture_output=True, text=True, check=True).stderr
    summary = said[said.rindex("Summary:") :]
    loudness, spread = (re.search(rf"\b{name}:\s+(-?[\d.]+)", summary) for name in ("I", "LRA"))
    assert loudness and spread
    return float(loudness[1]), float(spread[1])


def made(kind: str) -> str:
    """ffmpeg sources of different spectra, levels and widths."""
    return {
        "noise and tone": "aevalsrc=0.4*random(0)*gt(mod(t\\,6)\\,3)+0.05*sin(500*t)|0.2*sin(18850*t):s=44100:d=30",
        "mono bursts": "aevalsrc=0.7*sin(55*2*PI*t)*lt(mod(t\\,0.5)\\,0.2)+0.1*random(1):s=22050:d=20",
        "soft": "aevalsrc=0.002*random(0)|0.002*random(1):s=48000:d=20",
        "fading": "aevalsrc=exp(-t/8)*(random(0)-0.5)|exp(-t/8)*(random(1)-0.5):s=96000:d=30",
    }[kind]


@pytest.mark.parametrize("kind", ["noise and tone", "mono bursts", "soft", "fading"])
def test_another_meter_says_the_same(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "sound.flac"
    subprocess.run([ffmpeg_exe(), "-nostdin", "-v", "error", "-f", "lavfi", "-i", made(kind), "-sample_fmt", "s32",
                    str(path)], check=True)
    heard = analyse(open_audio(path))
    loudness, spread = theirs(path)
    assert heard.loudness_lufs == pytest.approx(loudness, abs=0.2)
    assert heard.loudness_range == pytest.approx(spread, abs=0.5)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 60000), st.integers(1, 100000), st.sampled_from([11025, 44100, 96000]), st.integers(0, 1000))
def test_blocks_do_not_matter(step: int, n: int, rate: int, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.2, (2, n)).astype(np.float32)
    assert measure(samples, rate, step) == pytest.approx(measure(samples, rate), abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([8000, 16000, 22050, 32000, 44100, 48000, 96000, 192000, 12345]),
       st.lists(st.integers(0, 50000), max_size=5), st.floats(0, 6))
def test_another_rate_keeps_the_time(rate: int, cuts: list[int], phase: float) -> None:
    """A tone at a new rate is the tone, to the sample, wherever blocks begin."""
    n = rate + 321
    samples = np.sin(phase + 2 * np.pi * 700 * np.arange(n) / rate)[None].astype(np.float32)
    thin = StreamFilter(low_pass(22050, rate), rate, 22050)
    edges = sorted({0, n, *(c for c in cuts if c < n)})
    out = np.hstack([thin.feed(samples[:, a:b]) for a, b in pairwise(edges)] + [thin.finish()])[0]
    assert out.size == -(-n * 22050 // rate)
    truth = np.sin(phase + 2 * np.pi * 700 * np.arange(out.size) / 22050)
    assert np.abs(out - truth)[500:-500].max() < 1e-3


def test_nothing_above_half_the_rate_folds_down() -> None:
    samples = np.sin(2 * np.pi * 15000 * np.arange(96000) / 48000)[None].astype(np.float32)
    thin = StreamFilter(low_pass(22050, 48000), 48000, 22050)
    out = np.hstack([thin.feed(samples), thin.finish()])
    assert np.abs(out[:, 1000:-1000]).max() < 1e-4
    assert not fits(44101, 22050)
