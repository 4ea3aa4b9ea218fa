"""What happens to music on its way to a listener: rooms, telephones, codecs, noise, clipping, varispeed.

Each step is drawn with a chance of its own; only `varispeed` moves the truth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.negatives import crowd, noise
from training.render import effects
from training.score import Random


def equalised(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    for _ in range(int(rng.integers(1, 4))):
        samples = effects.peak(
            samples,
            rate,
            float(np.exp(rng.uniform(np.log(60), np.log(9000)))),
            float(rng.uniform(-10, 8)),
            float(rng.uniform(0.4, 1.5)),
        )
    return samples


def narrowed(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    """A telephone, a small loudspeaker, a low sampling rate, or no bass."""
    low, high = [(300.0, 3400.0), (0.0, 3900.0), (150.0, 6000.0), (0.0, 7500.0), (250.0, 0.0), (0.0, 5200.0)][
        int(rng.integers(6))
    ]
    return effects.band(samples, rate, low, high, 4)


def roomy(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    return effects.room(
        samples, rate, rng, float(rng.uniform(0.3, 2.8)), float(rng.uniform(0.15, 0.8)), float(rng.uniform(0.001, 0.03))
    )


def noisy(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    return samples + float(10 ** rng.uniform(-2.6, -0.9)) * noise(rng, len(samples) / rate, rate)[: len(samples)]


def live(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    """A concert: a hall and its audience."""
    people = crowd(rng, len(samples) / rate, rate)
    people = people[: len(samples)] / (np.abs(people).max() + 1e-9)
    return roomy(samples, rate, rng) + float(rng.uniform(0.03, 0.25)) * people


def crackling(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    """An old record."""
    count = int(len(samples) / rate * rng.uniform(2, 20))
    out = samples.copy()
    spots = rng.integers(0, len(out) - 8, count)
    for k, fall in enumerate((1.0, -0.6, 0.3, -0.1)):
        out[spots + k] += fall * rng.exponential(0.08, count).astype(np.float32)
    return out


def combed(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    """Two channels that cancel each other in part."""
    shift = int(rng.uniform(0.0003, 0.02) * rate) + 1
    out = samples.copy()
    out[shift:] += float(rng.choice([-1, 1]) * rng.uniform(0.3, 0.9)) * samples[:-shift]
    return out


def coded(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    """What a miserly codec does: weak partials are dropped, others rounded, block by block."""
    from scipy.signal import istft, stft

    size = 1024
    _, _, bins = stft(samples, rate, nperseg=size, boundary="zeros", padded=True)
    level = np.abs(bins)
    floor = level.max(axis=0, keepdims=True) * float(10 ** rng.uniform(-2.6, -1.4))
    bins[level < floor] = 0
    _, out = istft(bins, rate, nperseg=size)
    return np.asarray(out[: len(samples)], dtype=np.float32)


def clipped(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    top = float(np.percentile(np.abs(samples[::11]), 99)) or 1.0
    return np.clip(samples * float(rng.uniform(1.0, 3.5)) / top, -1, 1)


def squashed(samples: np.ndarray, rate: int, rng: Random) -> np.ndarray:
    """Radio loudness: heavy compression with audible pumping."""
    return effects.compressed(
        samples, rate, float(rng.uniform(0.05, 0.2)), float(rng.uniform(4, 12)), 0.01, float(rng.uniform(0.05, 0.4))
    )


STEPS: tuple[tuple[float, Callable[[np.ndarray, int, Random], np.ndarray]], ...] = (
    (0.35, equalised),
    (0.12, roomy),
    (0.04, live),
    (0.08, squashed),
    (0.1, combed),
    (0.12, noisy),
    (0.03, crackling),
    (0.12, narrowed),
    (0.07, coded),
    (0.07, clipped),
)


def varispeed(samples: np.ndarray, factor: float) -> np.ndarray:
    """The sound played `factor` times as fast."""
    count = int(len(samples) / factor)
    return np.interp(np.arange(count) * factor, np.arange(len(samples)), samples).astype(np.float32)


def augment(samples: np.ndarray, rate: int, rng: Random) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """The sound after some of the steps, the factor by which its times are to be divided, the steps' names."""
    names: list[str] = []
    factor = 1.0
    if rng.random() < 0.12:
        factor = float(np.exp(rng.uniform(-0.1, 0.1)))
        samples = varispeed(samples, factor)
        names.append("varispeed")
    for chance, step in STEPS:
        if rng.random() < chance:
            top = float(np.abs(samples).max())
            samples = step(samples / top if top > 0.01 else samples, rate, rng).astype(np.float32)
            names.append(step.__name__)
    top = float(np.abs(samples).max())
    if top > 0.01:  # silence stays what it is
        level = 0.95 if rng.random() < 0.7 else float(10 ** rng.uniform(-2.2, 0))
        samples = samples * (level / top)
    return samples.astype(np.float32), factor, tuple(names)
