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
from lib_music.analysis.types import CURVES
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
    assert set(curves) == set(CURVES)
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


def hits_of(kind: str, variant: int, rng: np.random.Generator) -> np.ndarray:
    """One drum: booms that glide down, noise over a body, thin noise; each in three makes."""
    t = np.arange(int(0.3 * SR)) / SR
    noise = rng.normal(0, 1, t.size)
    thin = np.diff(noise, n=3, prepend=np.zeros(3)) / 3
    if kind == "kick":
        end, glide, fade = ((50, 3, 14), (60, 8, 20), (45, 3, 8))[variant]
        return np.sin(2 * np.pi * (end * t + glide * (1 - np.exp(-t * 30)))) * np.exp(-t * fade)
    if kind == "snare":
        hertz, body, fade = ((190, 0.4, 25), (220, 0.3, 20), (180, 0.1, 15))[variant]
        return (0.4 * noise + body * np.sin(2 * np.pi * hertz * t)) * np.exp(-t * fade)
    return 0.4 * thin * np.exp(-t * (80, 30, 100)[variant])


def strike(parts: list[tuple[np.ndarray, np.ndarray, float]], seconds: float, rng: np.random.Generator) -> np.ndarray:
    out = rng.normal(0, 0.001, round(seconds * SR))
    for times, drum, gain in parts:
        for first in np.round(times * SR).astype(int):
            out[first : first + drum.size] += gain * drum
    return np.clip(out, -1, 1)


def nearest_peaks(curve: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights and frames of the highest value within 70 ms of each time."""
    middle = np.round(times * RATE).astype(int)
    spans = [curve[m - 6 : m + 7] for m in middle]
    frames = middle - 6 + np.array([s.argmax() for s in spans])
    return np.array([s.max() for s in spans]), frames


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_each_drum_has_its_curve(variant: int) -> None:
    """No two drums sound together: a hit is up in its own curve within one hop, and down in the others."""
    rng = np.random.default_rng(variant)
    grid = 0.5 + 0.37 * np.arange(48)
    places = {"kick": grid[::3], "snare": grid[1::3], "hat": grid[2::3]}
    gains = {"kick": 0.6, "snare": 0.5, "hat": 0.3}
    features = extract(sound(strike([(places[k], hits_of(k, variant, rng), gains[k]) for k in places], 19, rng)))
    curves = envelopes(features, onset_bands(features))
    for drum, times in places.items():
        height, frame = nearest_peaks(curves[drum].values, times)
        assert height.min() > 0.8
        assert np.abs(frame - times * RATE).max() <= 1
        for other in set(places) - {drum}:
            assert nearest_peaks(curves[other].values, times)[0].mean() < 0.35


def test_drums_are_heard_through_a_bass_line_and_chords() -> None:
    rng = np.random.default_rng(5)
    beats = 0.5 + 0.5 * np.arange(32)
    t = np.arange(17 * SR) / SR
    pad = sum(np.sign(np.sin(2 * np.pi * hz * t)) for hz in (220, 277, 330)) / 40
    pad = pad + 0.2 * np.sin(2 * np.pi * 55 * t)
    parts = [(beats[::2], hits_of("kick", 0, rng), 0.6), (beats[1::2], hits_of("snare", 0, rng), 0.5),
             (beats[:-1] + 0.25, hits_of("hat", 0, rng), 0.3)]
    features = extract(sound(strike(parts, 17, rng) + pad))
    curves = envelopes(features, onset_bands(features))
    for drum, own, other in (("kick", beats[::2], beats[1::2]), ("snare", beats[1::2], beats[::2])):
        up, down = (nearest_peaks(curves[drum].values, times)[0].mean() for times in (own, other))
        assert up > 0.6 and down < 0.3
    assert nearest_peaks(curves["hat"].values, beats[:-1] + 0.25)[0].mean() > 0.5


def test_music_without_drums_strikes_none() -> None:
    t = np.arange(20 * SR) / SR
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * t / 4)
    chords = sum(np.sin(2 * np.pi * hz * t) for hz in (110, 220, 277, 330, 660, 1320)) * 0.1 * swell
    features = extract(sound(chords))
    curves = envelopes(features, onset_bands(features))
    assert all(curves[drum].values[50:].mean() < 0.05 for drum in ("kick", "snare", "hat"))


def test_onset_strength_is_on_time() -> None:
    """Its peaks lie within one hop of the attacks, and on the whole on them."""
    rng = np.random.default_rng(7)
    for kind in ("kick", "snare", "hat"):
        hits = np.cumsum(rng.uniform(0.3, 0.6, 40))
        features = extract(sound(strike([(hits, hits_of(kind, 0, rng), 0.5)], 26, rng)))
        onset = envelopes(features, onset_bands(features))["onset"]
        assert onset.rate >= 86
        height, frame = nearest_peaks(onset.values, hits)
        late = frame - np.round(hits * SR) / SR * RATE
        assert height.min() > 0.6
        assert np.abs(late).max() <= 1.01 and abs(late.mean()) < 0.4
