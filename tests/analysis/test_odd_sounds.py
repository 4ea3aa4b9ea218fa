"""Sounds that are as songs should not be: narrow, wide, faint, clipped, off zero, short; heard like the plain one."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import Analysis, analyse
from lib_music.audio import open_audio
from lib_music.demo.compose import compose

RATE = 48000
PLAN = (("intro", 4), ("verse", 4), ("chorus", 4), ("drop", 4))


def write(path: Path, samples: np.ndarray, rate: int) -> Path:
    """16-bit wav of (n,) or (n, 2) samples; what is beyond full scale is clipped."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def song() -> np.ndarray:
    return compose(21, bpm=122.0, plan=PLAN, sr=RATE).samples


@pytest.fixture(scope="module")
def plain(song: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyse(open_audio(write(tmp_path_factory.mktemp("plain") / "plain.wav", song, RATE)))


def at_rate(samples: np.ndarray, rate: int) -> np.ndarray:
    """Resampled in the spectrum."""
    n = round(len(samples) * rate / RATE)
    spectrum = np.fft.rfft(samples, axis=0)
    size = n // 2 + 1
    padded = np.zeros((size, *spectrum.shape[1:]), np.complex128)
    padded[: min(size, len(spectrum))] = spectrum[:size]
    return np.fft.irfft(padded, n, axis=0) * n / len(samples)


def faint(song: np.ndarray) -> np.ndarray:
    """-52 dBFS at its peak."""
    return song / np.abs(song).max() * 10 ** (-52 / 20)


ODD = {
    "telephone": (lambda song: at_rate(song.mean(axis=1), 8000), 8000),
    "wide": (lambda song: at_rate(song, 96000), 96000),
    "faint": (faint, RATE),
    "clipped": (lambda song: 12 * song, RATE),
    "off zero": (lambda song: 0.5 * song + 0.4, RATE),
    "one side": (lambda song: np.stack([song[:, 0], np.zeros(len(song))], axis=1), RATE),
    "against each other": (lambda song: np.stack([song[:, 0], -0.8 * song[:, 0]], axis=1), RATE),
    "upside down": (lambda song: np.stack([song[:, 0], -song[:, 0]], axis=1), RATE),
}


@pytest.mark.parametrize("kind", list(ODD))
def test_an_odd_sound_is_heard_like_the_plain_one(kind: str, song: np.ndarray, plain: Analysis, tmp_path: Path) -> None:
    change, rate = ODD[kind]
    heard = analyse(open_audio(write(tmp_path / "odd.wav", change(song), rate)))
    assert plain.beats.times.size > 40
    apart = np.abs(plain.beats.times[:, None] - heard.beats.times).min(axis=1)
    assert (apart < 0.03).mean() > 0.9
    assert abs(heard.beats.times.size - plain.beats.times.size) <= 4
    assert heard.beats.tempo == pytest.approx(plain.beats.tempo, rel=0.01)
    assert (heard.key, heard.mode) == (plain.key, plain.mode)
    if kind == "faint":
        peak = 20 * np.log10(np.abs(song).max())
        assert heard.loudness_lufs == pytest.approx(max(-70, plain.loudness_lufs - 52 - peak), abs=0.3)
    if kind == "one side":
        assert heard.loudness_lufs == pytest.approx(plain.loudness_lufs - 3, abs=1.5)


@pytest.mark.parametrize("seconds", [0.02, 0.3, 1.0])
def test_a_moment(seconds: float, song: np.ndarray, tmp_path: Path) -> None:
    heard = analyse(open_audio(write(tmp_path / "moment.wav", song[: int(seconds * RATE)], RATE)))
    assert len(heard.sections) == 1 and heard.duration == pytest.approx(seconds, abs=1e-3)
    assert all(np.isfinite(curve.values).all() for curve in heard.envelopes.values())
