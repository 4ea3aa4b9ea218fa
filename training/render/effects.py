"""Filters, rooms, compressors and delays over whole tracks."""

from __future__ import annotations

import numpy as np

from training.score import Random


def band(samples: np.ndarray, rate: int, low: float = 0.0, high: float = 0.0, order: int = 2) -> np.ndarray:
    """What lies between two frequencies (0: no bound)."""
    from scipy.signal import butter, sosfilt

    top = 0.49 * rate
    out = samples
    if low > 0:
        out = sosfilt(butter(order, min(low, 0.95 * top), "highpass", fs=rate, output="sos"), out)
    if 0 < high < top:
        out = sosfilt(butter(order, high, "lowpass", fs=rate, output="sos"), out)
    return np.asarray(out, dtype=np.float32)


def peak(samples: np.ndarray, rate: int, centre: float, gain_db: float, width: float = 1.0) -> np.ndarray:
    """A bell equaliser (Bristow-Johnson)."""
    from scipy.signal import lfilter

    a = 10 ** (gain_db / 40)
    w = 2 * np.pi * min(centre, 0.45 * rate) / rate
    alpha = np.sin(w) / (2 * width)
    b = [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a]
    c = [1 + alpha / a, -2 * np.cos(w), 1 - alpha / a]
    return np.asarray(lfilter(np.array(b) / c[0], np.array(c) / c[0], samples), dtype=np.float32)


def room(samples: np.ndarray, rate: int, rng: Random, seconds: float, wet: float, early: float = 0.012) -> np.ndarray:
    """Reverberation: noise that dies away by 60 dB in `seconds`, darker as it does."""
    from scipy.signal import oaconvolve

    count = round(min(seconds, 3.0) * rate)
    t = np.arange(count) / rate
    tail = rng.normal(0, 1, count) * np.exp(-6.9 * t / seconds)
    tail = band(tail.astype(np.float32), rate, 150, rng.uniform(2500, 7000), 1)
    tail *= np.minimum(1.0, t / max(1e-3, early))
    tail /= np.sqrt(np.sum(tail**2)) + 1e-9
    return (samples + wet * oaconvolve(samples, tail)[: len(samples)]).astype(np.float32)


def envelope(samples: np.ndarray, rate: int, attack: float, release: float) -> np.ndarray:
    """Loudness that follows the sound, at 1 ms steps, spread back to samples."""
    from scipy.signal import lfilter

    hop = max(1, rate // 1000)
    count = len(samples) // hop
    blocks = np.abs(samples[: count * hop]).reshape(count, hop).max(axis=1)
    slow = lfilter([1 - np.exp(-0.001 / release)], [1, -np.exp(-0.001 / release)], blocks)
    fast = lfilter([1 - np.exp(-0.001 / attack)], [1, -np.exp(-0.001 / attack)], blocks)
    level = np.maximum(fast, slow)
    return np.interp(np.arange(len(samples)), np.arange(count) * hop, level).astype(np.float32)


def compressed(
    samples: np.ndarray, rate: int, threshold: float, ratio: float, attack: float = 0.005, release: float = 0.12
) -> np.ndarray:
    """`threshold` is relative to the track's loudest moment."""
    level = envelope(samples, rate, attack, release)
    top = float(level.max()) or 1.0
    over = np.maximum(1.0, level / (threshold * top))
    return (samples * over ** (1.0 / ratio - 1.0)).astype(np.float32)


def limited(samples: np.ndarray, drive: float) -> np.ndarray:
    """A mastering limiter: loud, its peaks rounded."""
    loud = float(np.percentile(np.abs(samples[::7]), 99.5)) or 1.0
    return np.tanh(samples * (drive / loud)).astype(np.float32)


def ducked(samples: np.ndarray, rate: int, hits: np.ndarray, depth: float, seconds: float) -> np.ndarray:
    """Pumping: quieter at each kick, back after `seconds`."""
    shape = 1.0 - depth * (1 - np.minimum(1, np.arange(round(seconds * rate)) / (seconds * rate)) ** 1.5)
    gain = np.ones(len(samples) + len(shape), dtype=np.float32)
    for hit in hits:
        at = max(0, round(hit * rate))
        if at < len(samples):
            gain[at : at + len(shape)] = np.minimum(gain[at : at + len(shape)], shape)
    return samples * gain[: len(samples)]


def echoes(samples: np.ndarray, rate: int, delay: float, feedback: float, count: int = 4) -> np.ndarray:
    out = samples.copy()
    for i in range(1, count + 1):
        shift = round(i * delay * rate)
        if shift < len(out):
            out[shift:] += feedback**i * samples[:-shift]
    return out


def flanged(samples: np.ndarray, rate: int, speed: float, depth: float) -> np.ndarray:
    """The sound and itself a little late, by a delay that sways: a flanger or a chorus."""
    at = np.arange(len(samples), dtype=np.float64)
    delay = depth * rate * (1.0 + np.sin(2 * np.pi * speed * at / rate)) + 2
    index = np.maximum(0, (at - delay)).astype(np.int64)
    return (0.75 * samples + 0.65 * samples[index]).astype(np.float32)


def rms(samples: np.ndarray) -> float:
    """Loudness of the parts that sound."""
    if not len(samples):
        return 0.0
    hop = 2048
    blocks = samples[: len(samples) // hop * hop].reshape(-1, hop)
    level = np.sqrt(np.mean(blocks.astype(np.float64) ** 2, axis=1)) if len(blocks) else np.zeros(1)
    loud = level[level > 0.1 * max(1e-9, float(level.max()))]
    return float(loud.mean()) if len(loud) else 0.0
