"""How loud a song is: programme loudness after ITU-R BS.1770-4, loudness range after EBU Tech 3342.

Conventions: LUFS (dB, where a stereo sine of 997 Hz at -23 dBFS is -23.0 LUFS); measured on the file's own channels at
its own rate; power is kept per tenth of a second, 40 bytes a second of song. Gates: 400 ms blocks with 75 % overlap,
-70 LUFS, then 10 LU under the mean of what is left; the range is that of 3 s windows between the 10th and 95th
percentile, gated 20 LU under their mean.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lib_music.analysis.filtering import Response, Samples, StreamFilter

Values = npt.NDArray[np.float64]

#: What the absolute gate lets nothing through below; the loudness of silence is said to be this.
GATE = -70.0
TICK = 0.1
_BLOCK, _SHORT_TERM = 4, 30
_RELATIVE, _RANGE_RELATIVE = -10.0, -20.0
# BS.1770's two filters as analogue ones (their published digital forms hold at 48 kHz only): Hz, Q, and the shelf's dB.
_SHELF_HZ, _SHELF_Q, _SHELF_DB = 1681.974450955533, 0.7071752369554196, 3.999843853973347
_PASS_HZ, _PASS_Q = 38.13547087602444, 0.5003270373238773
# Seconds until the high-pass has rung out to one part in 10^7.
_RINGS = 0.085


def k_weighting(rate: int) -> Response:
    """The K-weighting at a sample rate: a shelf (the head) and a high-pass (RLB)."""

    def response(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
        z = np.exp(-2j * np.pi * hertz / rate)
        total = np.ones(hertz.shape, np.complex128)
        for b, a in _biquads(rate):
            total *= np.polyval(b[::-1], z) / np.polyval(a[::-1], z)
        return total

    return response


def _biquads(rate: int) -> tuple[tuple[Values, Values], tuple[Values, Values]]:
    """Numerators and denominators in powers of 1/z, by the bilinear transform; at 48 kHz the published ones."""
    k = np.tan(np.pi * _SHELF_HZ / rate)
    high = 10 ** (_SHELF_DB / 20)
    middle = high**0.4996667741545416
    down = 1 + k / _SHELF_Q + k * k
    shelf = np.array([high + middle * k / _SHELF_Q + k * k, 2 * (k * k - high), high - middle * k / _SHELF_Q + k * k])
    shelf_below = np.array([down, 2 * (k * k - 1), 1 - k / _SHELF_Q + k * k])
    k = np.tan(np.pi * _PASS_HZ / rate)
    down = 1 + k / _PASS_Q + k * k
    below = np.array([1.0, 2 * (k * k - 1) / down, (1 - k / _PASS_Q + k * k) / down])
    return (shelf / shelf_below[0], shelf_below / shelf_below[0]), (np.array([1.0, -2.0, 1.0]), below)


class LoudnessMeter:
    """Collects the K-weighted power of a song while it streams by.

    Parameters
    ----------
    rate : int
        Hz.
    channels : int
        Each counts as much as the other: left and right, or one.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._filter = StreamFilter(k_weighting(rate), rate, rate, channels, lasts=_RINGS)
        self._rate = rate
        self._fed = self._seen = 0
        self._open = 0.0
        self._power: list[Values] = []

    def feed(self, block: Samples) -> None:
        """Take ``block`` [shape=(channels, n)] float32."""
        self._fed += block.shape[1]
        self._take(self._filter.feed(block))

    def finish(self) -> tuple[float, float]:
        """(loudness in LUFS, range in LU) of what was fed."""
        self._take(self._filter.finish())
        ticks = np.concatenate(self._power) if self._power else np.zeros(0)
        if ticks.size < _BLOCK:  # shorter than one block: as it is
            return max(GATE, _lufs((float(ticks.sum()) * TICK * self._rate + self._open) / max(1, self._fed))), 0.0
        return programme_loudness(ticks), loudness_range(ticks)

    def _take(self, filtered: Samples) -> None:
        """Sum power into tenths of a second, which need not be whole numbers of samples."""
        if not filtered.shape[1]:
            return
        square = np.einsum("ij,ij->j", filtered, filtered)
        first, self._seen = self._seen, self._seen + square.size
        tick = self._rate * TICK
        a, b = int(first / tick) + 1, int(self._seen / tick)
        edges = np.round(np.arange(a, b + 1) * tick).astype(np.int64) - first
        edges = edges[(edges > 0) & (edges <= square.size)]
        sums = np.add.reduceat(square, np.concatenate([[0], edges[edges < square.size]]), dtype=np.float64)
        if edges.size and edges[-1] == square.size:
            sums = np.append(sums, 0.0)
        sums[0] += self._open
        self._open = float(sums[-1])
        if sums.size > 1:
            self._power.append(sums[:-1] / tick)


def _lufs(power: float) -> float:
    return float(-0.691 + 10 * np.log10(max(power, 1e-30)))


def _windows(ticks: Values, length: int) -> Values:
    """Mean power of windows of ``length`` ticks, one per tick."""
    total = np.concatenate([[0.0], np.cumsum(ticks)])
    return np.asarray(np.maximum(total[length:] - total[:-length], 0) / length)


def _above(power: Values, lufs: float) -> Values:
    return power[power >= 10 ** ((lufs + 0.691) / 10)]


def programme_loudness(ticks: Values) -> float:
    """LUFS of a song by its power per tenth of a second [shape=(n,)]; ``GATE`` when nothing passes the gate."""
    loud = _above(_windows(ticks, _BLOCK), GATE)
    if not loud.size:
        return GATE
    loud = _above(loud, _lufs(float(loud.mean())) + _RELATIVE)
    return max(GATE, _lufs(float(loud.mean())))


def loudness_range(ticks: Values) -> float:
    """LU between soft and loud passages; 0 for what is shorter than 3 s or silent."""
    loud = _above(_windows(ticks, _SHORT_TERM), GATE)
    if loud.size < 2:
        return 0.0
    loud = _above(loud, _lufs(float(loud.mean())) + _RANGE_RELATIVE)
    low, high = np.percentile(10 * np.log10(loud), (10, 95))
    return float(high - low)
