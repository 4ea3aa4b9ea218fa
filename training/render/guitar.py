"""Distorted guitars (sawtooth strings into an amplifier and a cabinet) and voices (sung and screamed)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.render.effects import band, peak
from training.render.synths import Instrument, Patch
from training.score import Random, Sound

OPEN = Patch("saw", 2, 0.05, 0.002, 1.5, 0.75, 0.04, 0.5, 0.5, 14)
MUTED = Patch("saw", 1, 0.0, 0.002, 0.05, 0.02, 0.02, 0.5, 0.03, 5)


def distorted(
    sounds: Sequence[Sound],
    seconds: float,
    rate: int,
    rng: Random,
    *,
    muted: bool = False,
    gain: float = 12.0,
    takes: int = 2,
) -> np.ndarray:
    """Rhythm guitar: each take played anew (other timing, tuning), through the amplifier, added up."""
    out = np.zeros(round(seconds * rate), dtype=np.float32)
    tone = rng.uniform(3000, 5200)
    for _ in range(takes):
        shift = rng.normal(0, 0.004, len(sounds))
        moved = [s._replace(start=max(0.0, s.start + float(d))) for s, d in zip(sounds, shift, strict=True)]
        wave = Instrument(MUTED if muted else OPEN, rate, rng).play(moved, seconds)
        for s in moved:  # the pick
            at = round(s.start * rate)
            size = min(120, len(wave) - at)
            if size > 0:
                wave[at : at + size] += 0.25 * s.velocity * rng.normal(0, 1, size) * np.exp(-np.arange(size) / 25.0)
        wave = band(wave, rate, 90, 0)
        wave = np.tanh(gain * wave)
        wave = np.tanh(1.5 * (wave - 0.1))
        wave = band(wave, rate, 85, tone * rng.uniform(0.9, 1.1), 4)
        out += peak(peak(wave, rate, rng.uniform(1500, 3000), 5.0), rate, rng.uniform(90, 160), 4.0)
    return out / takes


def overdriven(samples: np.ndarray, rate: int, rng: Random, gain: float) -> np.ndarray:
    """A clean instrument through a small amplifier."""
    level = float(np.abs(samples).max()) or 1.0
    wave = np.tanh(gain * band(samples, rate, 100, 0) / level)
    return band(wave, rate, 90, rng.uniform(3500, 6000), 3)


VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))


def voiced(sounds: Sequence[Sound], seconds: float, rate: int, rng: Random, *, scream: float = 0.0) -> np.ndarray:
    """A singer: a buzzing source with vibrato, a vowel and now and then a consonant for each note.

    `scream` 0-1 turns the source into distorted noise.
    """
    patch = Patch("saw", 1, 0.0, 0.03, 0.4, 0.85, 0.06, 0.5, 0.5, 20, vibrato=0.35)
    out = np.zeros(round(seconds * rate), dtype=np.float32)
    chosen = rng.integers(0, len(VOWELS), len(sounds))
    hiss = np.zeros_like(out)
    for s in sounds:
        at = round((s.start - 0.04) * rate)
        if at > 0 and rng.random() < 0.5:
            size = min(round(rng.uniform(0.03, 0.09) * rate), len(out) - at)
            if size > 8:
                hiss[at : at + size] += 0.12 * s.velocity * rng.normal(0, 1, size) * np.hanning(size)
    instrument = Instrument(patch, rate, rng)
    for vowel, formants in enumerate(VOWELS):
        mine = [s for s, c in zip(sounds, chosen, strict=True) if c == vowel]
        if not mine:
            continue
        source = instrument.play(mine, seconds)
        if scream:
            noise = rng.normal(0, 1, len(source)).astype(np.float32)
            source = np.tanh(
                3.0 * source * (1 - 0.6 * scream) + scream * noise * np.abs(band(np.abs(source), rate, 0, 20)) * 4
            )
        for formant, level in zip(formants, (1.0, 0.6, 0.35), strict=True):
            out += level * band(source, rate, 0.85 * formant, 1.15 * formant)
    return 1.5 * out + band(hiss, rate, 2500, 0)
