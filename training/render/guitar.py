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


def contour(
    sounds: Sequence[Sound], seconds: float, rate: int, rng: Random, *, wild: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    """Frequency and loudness of one voice over time: slides, scoops, vibrato and falls, the more the wilder (0-1).

    Where notes overlap, the later one takes over.
    """
    count = round(seconds * rate)
    step = 64  # control values at this many samples
    size = count // step + 1
    pitch, level = np.full(size, 60.0), np.zeros(size)
    before, until = None, -1.0
    for s in sorted(sounds):
        a, b = round(s.start * rate / step), min(size, round((s.start + s.length) * rate / step))
        if b - a < 2:
            continue
        t = (np.arange(b - a) * step) / rate
        slide = float(rng.uniform(0.02, 0.06 + 0.15 * wild))
        if before is not None and s.start - until < 0.08:
            origin = float(before)
        else:
            origin = s.pitch - float(rng.exponential(0.5 + 2.5 * wild))
        line = s.pitch + (origin - s.pitch) * np.exp(-t / (0.4 * slide))
        depth = float(rng.uniform(0.05, 0.4 + 1.2 * wild))
        line += depth * np.sin(2 * np.pi * rng.uniform(4.5, 7.0) * t) * np.clip((t - 0.15) / 0.3, 0, 1)
        if rng.random() < 0.15 + 0.4 * wild:  # it falls, or rises, as it ends
            line += rng.normal(-2.0, 4.0) * wild * np.clip((t - 0.6 * s.length) / (0.4 * s.length + 1e-3), 0, 1) ** 2
        pitch[a:b] = line
        shape = np.minimum(1.0, t / float(rng.uniform(0.008, 0.06))) * np.minimum(1.0, (t[-1] - t) / 0.03 + 0.05)
        level[a:b] = s.velocity * shape * (0.75 + 0.25 * np.exp(-t / 0.25))
        pitch[b:] = line[-1]
        before, until = s.pitch, s.start + s.length
    spots = np.arange(size) * step
    at = np.arange(count)
    frequency = 440.0 * 2 ** ((np.interp(at, spots, pitch) - 69) / 12)
    return frequency, np.interp(at, spots, level)


def buzz(frequency: np.ndarray, rate: int, rng: Random, rough: float = 0.0) -> np.ndarray:
    """A sawtooth of a varying frequency; `rough` 0-1 makes its cycles irregular."""
    if rough:
        wander = np.repeat(rng.normal(0, 1, len(frequency) // 200 + 1), 200)[: len(frequency)]
        frequency = frequency * (1 + 0.12 * rough * wander)
    return (2 * np.mod(np.cumsum(frequency) / rate, 1.0) - 1).astype(np.float32)


def lead_guitar(sounds: Sequence[Sound], seconds: float, rate: int, rng: Random) -> np.ndarray:
    """A distorted solo: bends, vibrato, some pick noise."""
    frequency, level = contour(sounds, seconds, rate, rng, wild=float(rng.uniform(0.1, 0.8)))
    wave = buzz(frequency, rate, rng) * (level > 0.01) * np.minimum(1, 3 * level)
    wave = np.tanh(float(rng.uniform(2, 10)) * band(wave, rate, 150, 3500))
    return peak(band(wave * (0.4 + 0.6 * level), rate, 150, float(rng.uniform(3000, 5500)), 3), rate, 1400, 4.0)


def voiced(sounds: Sequence[Sound], seconds: float, rate: int, rng: Random, *, scream: float = 0.0) -> np.ndarray:
    """A singer: a buzzing source with slides and vibrato, a vowel and now and then a consonant for each note.

    `scream` 0-1 turns the source into distorted noise with wild slides.
    """
    frequency, level = contour(sounds, seconds, rate, rng, wild=0.2 + 0.8 * scream)
    source = buzz(frequency, rate, rng, 0.1 + 0.9 * scream)
    if scream:
        growl = rng.normal(0, 1, len(source)).astype(np.float32)
        source = np.tanh(2.5 * (source * (1 - 0.5 * scream) + 0.8 * scream * growl * (1 + source)))
    source = (source * level).astype(np.float32)
    out = np.zeros(round(seconds * rate), dtype=np.float32)
    hiss = np.zeros_like(out)
    vowels = np.zeros((len(VOWELS), len(out) // 64 + 2), dtype=np.float32)
    for s in sounds:
        first = max(0, round((s.start - 0.03) * rate / 64))
        chosen = int(rng.integers(len(VOWELS)))
        vowels[:, first:] = 0
        vowels[chosen, first:] = 1
        at = round((s.start - 0.04) * rate)
        size = min(round(rng.uniform(0.03, 0.09) * rate), len(out) - at)
        if at > 0 and size > 8 and rng.random() < 0.5:
            hiss[at : at + size] += 0.12 * s.velocity * rng.normal(0, 1, size) * np.hanning(size)
    spots = np.arange(vowels.shape[1]) * 64
    scale = float(rng.uniform(0.85, 1.2))
    for vowel, formants in enumerate(VOWELS):
        if not vowels[vowel].any():
            continue
        shape = np.convolve(vowels[vowel], np.ones(12) / 12, mode="same")
        mine = source * np.interp(np.arange(len(out)), spots, shape).astype(np.float32)
        for formant, gain in zip(formants, (1.0, 0.6, 0.35), strict=True):
            out += gain * band(mine, rate, 0.85 * scale * formant, 1.15 * scale * formant)
    return 1.5 * out + 0.1 * source + band(hiss, rate, 2500, 0)
