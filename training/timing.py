"""Tempo curves: how long each beat of a composition lasts."""

from __future__ import annotations

import numpy as np

from training.score import Random


def steady(count: int, tempo: float) -> np.ndarray:
    return np.full(count, 60.0 / tempo)


def drifting(rng: Random, count: int, tempo: float, spread: float = 0.015) -> np.ndarray:
    """A band without a click: the tempo wanders slowly and each beat is a little off."""
    walk = np.cumsum(rng.normal(0.0, 1.0, count))
    walk -= np.linspace(0.0, 0.8 * walk[-1], count)
    smooth = np.convolve(walk, np.ones(8) / 8, mode="same")
    smooth = (smooth - smooth.mean()) / max(1e-6, np.abs(smooth - smooth.mean()).max())
    return 60.0 / (tempo * (1.0 + spread * smooth + rng.normal(0.0, 0.002, count)))


def ramp(rng: Random, count: int, tempo: float, widest: float = 0.25) -> np.ndarray:
    """An accelerando or ritardando over a long stretch, holding before and after it."""
    factor = 1.0 + rng.uniform(0.06, widest) * rng.choice([-1, 1])
    a, b = sorted(rng.uniform(0.0, 1.0, 2))
    curve = np.interp(np.linspace(0, 1, count), [a, max(b, a + 0.2)], [1.0, factor])
    return 60.0 / (tempo * curve)


def steps(rng: Random, count: int, tempo: float, borders: list[int]) -> np.ndarray:
    """Another tempo in each section (`borders` are the first beats of sections)."""
    out = np.full(count, 60.0 / tempo)
    for border in borders[1:]:
        if rng.random() < 0.7:
            out[border:] = 60.0 / (tempo * rng.uniform(0.82, 1.22))
    return out


def leaps(rng: Random, count: int, tempo: float, borders: list[int]) -> np.ndarray:
    """A quite other tempo from the second section on and in some later ones: up to twice or half the first."""
    out = np.full(count, 60.0 / tempo)
    for number, border in enumerate(borders[1:]):
        if number == 0 or rng.random() < 0.5:
            near = float(rng.choice([0.5, rng.uniform(0.5, 0.8), rng.uniform(1.25, 2.0), 2.0]))
            # Where nobody would count so slowly or so fast, the leap goes the other way.
            now = tempo * near if 42 <= tempo * near <= 210 else tempo / near
            out[border:] = 60.0 / (tempo if number and rng.random() < 0.4 else now)
    return out


def small_steps(rng: Random, count: int, tempo: float) -> np.ndarray:
    """Many small tempo events, as sequencer files have them."""
    out = np.full(count, 60.0 / tempo)
    beat = int(rng.integers(4, 16))
    while beat < count:
        kind = rng.random()
        if kind < 0.5:  # a ritardando written beat by beat, then a tempo
            span = int(rng.integers(2, 6))
            down = np.linspace(1.0, rng.uniform(0.7, 0.92), span)[: count - beat]
            out[beat : beat + span] = out[beat : beat + span] / down
        elif kind < 0.85:
            out[beat:] = 60.0 / (tempo * rng.uniform(0.93, 1.07))
        else:
            out[beat:] = 60.0 / (tempo * rng.uniform(0.8, 1.3))
        beat += int(rng.integers(6, 40))
    return out


def rubato(rng: Random, count: int, tempo: float, phrase: int, depth: float) -> np.ndarray:
    """Expressive timing: each phrase of `phrase` beats swells to its middle and slows at its end (Todd 1992).

    `depth` is the spread of the tempo, 0.05 (chorale) to 0.3 (romantic piano). The piece ends with a ritardando.
    """
    position = np.arange(count)
    level = np.zeros(count)
    first = 0
    while first < count:
        span = phrase if rng.random() < 0.8 else max(2, phrase // 2)
        x = (position[first : first + span] - first) / max(1, span - 1)
        peak = rng.uniform(0.35, 0.65)
        arch = np.where(x < peak, 1 - ((x - peak) / peak) ** 2, 1 - ((x - peak) / (1 - peak)) ** 2)
        level[first : first + span] = (arch - 0.55) * depth * rng.uniform(0.4, 1.3)
        if rng.random() < 0.35:  # the phrase's last beat waits
            level[min(count, first + span) - 1] -= depth * rng.uniform(0.2, 1.2)
        first += span
    walk = np.cumsum(rng.normal(0, 1, count))
    walk = np.convolve(walk - walk.mean(), np.ones(12) / 12, mode="same")
    level += 0.35 * depth * walk / max(1.0, np.abs(walk).max())
    level += rng.normal(0.0, 0.12 * depth, count)
    final = min(count, int(rng.integers(2, 7)))
    if rng.random() < 0.7:
        level[-final:] -= np.linspace(0, rng.uniform(0.1, 0.45), final)
    return 60.0 / (tempo * np.clip(1.0 + level, 0.4, 1.8))


def fermatas(rng: Random, durations: np.ndarray, phrase: int, chance: float) -> np.ndarray:
    """Holds the last beat of some phrases for a half to twice its length more."""
    out = durations.copy()
    for beat in range(phrase - 1, len(out), phrase):
        if rng.random() < chance:
            out[beat] *= rng.uniform(1.3, 2.4)
    return out


def timing(rng: Random, kind: str, count: int, tempo: float, phrase: int, borders: list[int]) -> np.ndarray:
    """Durations in seconds of `count` beats by one of the named kinds."""
    if kind == "steady":
        return steady(count, tempo)
    if kind == "drift":
        return drifting(rng, count, tempo, rng.uniform(0.004, 0.035))
    if kind == "ramp":
        return ramp(rng, count, tempo)
    if kind == "steps":
        return steps(rng, count, tempo, borders)
    if kind == "leaps":
        return leaps(rng, count, tempo, borders)
    if kind == "events":
        return small_steps(rng, count, tempo)
    if kind == "gentle":
        return fermatas(rng, rubato(rng, count, tempo, phrase, rng.uniform(0.03, 0.1)), phrase, 0.08)
    if kind == "rubato":
        return fermatas(rng, rubato(rng, count, tempo, phrase, rng.uniform(0.08, 0.22)), phrase, 0.12)
    if kind == "free":
        return fermatas(rng, rubato(rng, count, tempo, phrase, rng.uniform(0.18, 0.38)), phrase, 0.2)
    raise ValueError(f"No timing is called {kind!r}")
