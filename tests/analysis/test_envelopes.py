"""Features and curves: shape, range, place in time, independence of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis.envelopes import envelopes, onset_bands
from lib_music.analysis.features import HOP, RATE, SAMPLE_RATE, extract
from tests.analysis.sounds import SR, Floats, Sound, drums, sound


@dataclass(frozen=True)
class Ragged(Sound):
    """The same sound in blocks of other sizes."""

    step: int = 1000

    def blocks(self, sr: int, seconds: float = 10.0, *, channels: Literal[1, 2] = 1) -> Iterator[Floats]:
        for start in range(0, self.samples.size, self.step):
            yield self.samples[start : start + self.step]


def tone(hz: float, seconds: float, gain: float = 0.5) -> np.ndarray:
    return gain * np.sin(2 * np.pi * hz * np.arange(round(seconds * SR)) / SR)


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 40000), st.integers(1, 60000))
def test_blocks_do_not_matter(step: int, n: int) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, n).astype(np.float32)
    whole = extract(sound(samples))
    base = sound(samples)
    parts = extract(Ragged(base.path, base.content_hash, 0.0, base.duration, base.total, SR,
                           channels=1, samples=samples, step=step))
    assert np.array_equal(whole.mel, parts.mel)
    assert np.allclose(whole.chroma, parts.chroma, atol=1e-4)
    assert whole.mel.shape[0] == -(-n // HOP)


def test_curves_follow_what_sounds() -> None:
    samples = np.concatenate([tone(60, 4), tone(800, 4), tone(7000, 4), np.zeros(4 * SR)])
    features = extract(sound(samples))
    curves = envelopes(features, onset_bands(features))
    assert set(curves) == {"onset", "low", "mid", "high", "loudness"}
    middle = np.array([2.0, 6.0, 10.0, 14.0])
    for name, place in (("low", 0), ("mid", 1), ("high", 2)):
        levels = curves[name].at(middle)
        assert levels.argmax() == place and levels[place] > 0.9
        assert np.delete(levels, place).max() < 0.2
    assert (curves["loudness"].at(middle)[:3] > 0.8).all() and curves["loudness"].at(14.0) < 0.01
    for curve in curves.values():
        assert curve.rate == RATE >= 86 and curve.values.min() >= 0 and curve.values.max() <= 1


def test_onset_peaks_stand_at_the_hits() -> None:
    hits = np.array([0.5, 1.31, 2.222, 3.7])
    features = extract(sound(drums([(hits, "snare", 1.0)], 4.5)))
    onset = envelopes(features, onset_bands(features))["onset"]
    for hit in hits:
        near = np.abs(np.arange(onset.values.size) / RATE - hit) < 0.2
        peak = np.flatnonzero(near)[onset.values[near].argmax()] / RATE
        assert abs(peak - hit) < 0.02


def test_level_is_rms() -> None:
    features = extract(sound(tone(440, 3, gain=0.5)))
    assert features.level[50:-50] == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


def test_silence_gives_zeros() -> None:
    features = extract(sound(np.zeros(SAMPLE_RATE)))
    assert all(curve.values.max() == 0 for curve in envelopes(features, onset_bands(features)).values())
