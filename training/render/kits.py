"""Drum kits made by formula: acoustic-like and electronic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.render.effects import band
from training.score import Random, Sound

KINDS = ("acoustic", "rock", "metal", "tr808", "tr909", "electro", "lofi", "jazz")


def _noise(rng: Random, count: int, rate: int, low: float, high: float) -> np.ndarray:
    return band(rng.normal(0, 1, count).astype(np.float32), rate, low, high)


def _sweep(rate: int, seconds: float, top: float, base: float, fall: float, decay: float) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    phase = base * t + (top - base) * fall * (1 - np.exp(-t / fall))
    return np.sin(2 * np.pi * phase) * np.exp(-t / decay)


def _decay(samples: np.ndarray, rate: int, seconds: float) -> np.ndarray:
    return samples * np.exp(-np.arange(len(samples)) / rate / seconds)


def _metal(rng: Random, rate: int, count: int, low: float) -> np.ndarray:
    """Inharmonic partials and noise: the body of cymbals."""
    t = np.arange(count) / rate
    partials = np.zeros(count)
    for f in rng.uniform(low, 0.45 * rate, 14):
        partials += np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) * np.exp(-t * rng.uniform(0.5, 3.0))
    return 0.25 * partials + _noise(rng, count, rate, low, 0.48 * rate)


def kick(rng: Random, rate: int, kind: str) -> np.ndarray:
    if kind == "tr808":
        return _sweep(rate, 0.7, rng.uniform(90, 140), rng.uniform(40, 55), 0.02, rng.uniform(0.15, 0.35))
    if kind in ("tr909", "electro"):
        body = _sweep(
            rate, 0.35, rng.uniform(200, 400), rng.uniform(45, 58), rng.uniform(0.015, 0.035), rng.uniform(0.09, 0.2)
        )
        click = _decay(_noise(rng, len(body), rate, 2000, 9000), rate, 0.003)
        return np.tanh(1.6 * body) + rng.uniform(0.1, 0.4) * click
    click_level = {"metal": 0.9, "rock": 0.4, "acoustic": 0.25, "jazz": 0.12}.get(kind, 0.2)
    body = _sweep(rate, 0.3, rng.uniform(110, 200), rng.uniform(48, 75), 0.02, rng.uniform(0.05, 0.13))
    click = _decay(_noise(rng, len(body), rate, rng.uniform(1500, 3000), 7000), rate, 0.005)
    thud = _decay(_noise(rng, len(body), rate, 60, 400), rate, 0.03)
    return body + click_level * click + 0.3 * thud


def snare(rng: Random, rate: int, kind: str) -> np.ndarray:
    count = round(0.35 * rate)
    low = rng.uniform(160, 230)
    tone = _sweep(rate, 0.35, low * 1.3, low, 0.01, rng.uniform(0.04, 0.1))
    tone += 0.6 * _sweep(rate, 0.35, low * 1.9, low * 1.65, 0.01, 0.05)
    top = {"tr808": 6500, "lofi": 4500, "jazz": 7000}.get(kind, 9500)
    wires = _decay(_noise(rng, count, rate, rng.uniform(800, 2000), top), rate, rng.uniform(0.05, 0.14))
    crack = _decay(_noise(rng, count, rate, 1500, 9000), rate, 0.004)
    return 0.6 * tone + rng.uniform(0.5, 1.0) * wires + 0.6 * crack


def cymbal(rng: Random, rate: int, seconds: float, decay: float, low: float) -> np.ndarray:
    return _decay(_metal(rng, rate, round(seconds * rate), low), rate, decay)


def drum(rng: Random, rate: int, key: int, kind: str) -> np.ndarray:
    """One stroke of a General MIDI drum key."""
    if key in (35, 36):
        return kick(rng, rate, kind)
    if key in (38, 40):
        return 0.9 * snare(rng, rate, kind)
    if key == 39:  # clap: a burst of bursts
        hit = _noise(rng, round(0.2 * rate), rate, 900, 5000)
        level = np.zeros(len(hit))
        for start, fall in ((0.0, 0.006), (0.010, 0.006), (0.021, 0.06)):
            at = round(start * rate)
            level[at:] += np.exp(-np.arange(len(hit) - at) / rate / fall)
        return 0.7 * hit * level
    if key == 37:
        return 0.8 * (
            _sweep(rate, 0.08, 1700, 1650, 0.01, 0.012)
            + _decay(_noise(rng, round(0.08 * rate), rate, 400, 6000), rate, 0.006)
        )
    if key in (42, 44):
        return 0.55 * cymbal(rng, rate, 0.12, rng.uniform(0.012, 0.035), 5500 if kind != "lofi" else 4000)
    if key == 46:
        return 0.5 * cymbal(rng, rate, 0.5, rng.uniform(0.08, 0.2), 5000)
    if key in (49, 57, 52, 55):
        return 0.6 * cymbal(rng, rate, 1.8, rng.uniform(0.35, 0.8) if key != 52 else 0.25, rng.uniform(2200, 3500))
    if key in (51, 59, 53):
        ping = _sweep(rate, 0.6, 3300, 3250, 0.01, 0.08)
        return 0.3 * cymbal(rng, rate, 0.6, rng.uniform(0.1, 0.25), 4500) + (0.25 if key == 53 else 0.1) * ping
    if key in (50, 48, 47, 45, 43, 41):
        base = {50: 190, 48: 160, 47: 140, 45: 120, 43: 100, 41: 80}[key] * rng.uniform(0.85, 1.15)
        body = _sweep(rate, 0.45, base * 1.5, base, 0.03, rng.uniform(0.08, 0.18))
        return 0.8 * (body + 0.2 * _decay(_noise(rng, len(body), rate, 200, 3000), rate, 0.02))
    if key in (54, 70, 69, 82):
        return 0.45 * _decay(
            _noise(rng, round(0.12 * rate), rate, 4500, 0.48 * rate), rate, 0.02 if key != 54 else 0.04
        )
    if key == 56:
        return 0.4 * (_sweep(rate, 0.25, 545, 540, 0.01, 0.06) + _sweep(rate, 0.25, 815, 810, 0.01, 0.05))
    if key == 75:
        return 0.6 * _sweep(rate, 0.1, 2500, 2480, 0.01, 0.02)
    base = {62: 330, 63: 300, 64: 210, 60: 420, 61: 310}.get(key, 300)
    return 0.6 * (
        _sweep(rate, 0.3, base * 1.2, base, 0.02, 0.07)
        + 0.2 * _decay(_noise(rng, round(0.3 * rate), rate, 500, 5000), rate, 0.008)
    )


class Kit:
    """A drum kit: each key made three times over, so that no two strokes in a row are the same."""

    def __init__(self, kind: str, rate: int, rng: Random) -> None:
        self.kind, self.rate, self.rng = kind, rate, rng
        self._strokes: dict[int, list[np.ndarray]] = {}
        self.level = {key: float(np.exp(rng.normal(0, 0.22))) for key in range(30, 90)}

    def strokes(self, key: int) -> list[np.ndarray]:
        if key not in self._strokes:
            copies = 1 if self.kind in ("tr808", "tr909", "electro") else 3
            # The same drum each time: the same draws, but for the noise.
            seed = int(self.rng.integers(1 << 31))
            made = [
                drum(np.random.default_rng([seed, 0 if copies == 1 else i]), self.rate, key, self.kind)
                for i in range(copies)
            ]
            if copies > 1 and key in (36, 38, 50, 48, 45, 41):  # keep the tuning, mix in another stroke's noise
                size = min(len(m) for m in made)
                made = [made[0][:size] * 0.8 + 0.2 * m[:size] for m in made]
            self._strokes[key] = [m.astype(np.float32) for m in made]
        return self._strokes[key]

    def play(self, sounds: Sequence[Sound], seconds: float) -> np.ndarray:
        out = np.zeros(round(seconds * self.rate) + 2 * self.rate, dtype=np.float32)
        for sound in sounds:
            strokes = self.strokes(sound.pitch)
            wave = strokes[int(self.rng.integers(len(strokes)))]
            at = round(sound.start * self.rate)
            if at + len(wave) < len(out):
                out[at : at + len(wave)] += self.level.get(sound.pitch, 1.0) * sound.velocity**1.6 * wave
        return out[: round(seconds * self.rate)]
