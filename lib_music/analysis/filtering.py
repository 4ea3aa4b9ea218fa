"""Linear filters over a stream of samples, to another rate if need be, by overlap and save.

Conventions: blocks are [shape=(c, n)] float32; a response is given over frequencies in Hz and may have any phase; what
comes out is exactly in time: output sample ``i`` is the sound at ``i / out`` s, filtered, with silence before the
start. A few hundredths of a second at each seam are computed twice, so that no seam can be heard: the response to one
sample must have faded within ``lasts`` s after it and :data:`AFTER` s before it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Response = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.complex128]]

AFTER = 0.02
# Samples per transform, and transforms at once: they fit into the processor's cache and its wide registers.
_SIZE, _ROWS = 1 << 14, 16
# The smallest whole steps that two rates have in common may be so long; past it the decoder must change the rate.
LONGEST_STEP = 4096


def fits(rate: int, out: int) -> bool:
    """Whether :class:`StreamFilter` can go from ``rate`` to ``out`` Hz."""
    return rate // gcd(rate, out) <= LONGEST_STEP


class StreamFilter:
    """A filter that is fed block by block.

    Parameters
    ----------
    response : callable
        Frequencies in Hz -> complex gain.
    rate : int
        Hz of what is fed.
    out : int
        Hz of what comes out; where it is lower, ``response`` must keep what lies above ``out / 2`` away.
    channels : int
    lasts : float
        Seconds in which what a sample rings fades.
    """

    def __init__(self, response: Response, rate: int, out: int, channels: int = 1, *, lasts: float = AFTER) -> None:
        common = gcd(rate, out)
        self._step_in, self._step_out = rate // common, out // common
        self._before = -(-int(lasts * rate) // self._step_in)
        self._after = -(-int(AFTER * rate) // self._step_in)
        kept = max(3 * (self._before + self._after), _SIZE // self._step_in - self._before - self._after)
        steps = _smooth(kept + self._before + self._after)
        self._kept = steps - self._before - self._after
        self._size, self._size_out = steps * self._step_in, steps * self._step_out
        bins = min(self._size, self._size_out) // 2 + 1
        gain = response(np.arange(bins) * rate / self._size) * (self._size_out / self._size)
        self._gain = np.asarray(gain, np.complex64)
        self._held = np.zeros((channels, self._before * self._step_in), np.float32)
        self._fed = self._given = 0
        self._rate, self._out = rate, out

    def feed(self, block: Samples) -> Samples:
        """Take ``block`` [shape=(c, n)], return what is ready [shape=(c, m)], m >= 0."""
        self._fed += block.shape[1]
        held = np.concatenate([self._held, block], axis=1)
        hop = self._kept * self._step_in
        n = max(0, (held.shape[1] - self._size) // hop + 1)
        self._held = held[:, n * hop :]
        out = np.empty((len(held), n * self._kept * self._step_out), np.float32)
        rows = np.lib.stride_tricks.sliding_window_view(held, self._size, axis=1)[:, ::hop] if n else held[:, None]
        for first in range(0, n, _ROWS):
            part = self._filtered(rows[:, first : min(n, first + _ROWS)])
            out[:, first * part.shape[2] :][:, : part.shape[1] * part.shape[2]] = part.reshape(len(held), -1)
        self._given += out.shape[1]
        return out

    def finish(self) -> Samples:
        """The rest, once all is fed: together ``ceil(fed * out / rate)`` samples."""
        total = -(-self._fed * self._out // self._rate)
        wanted = total - self._given
        pieces = [np.zeros((len(self._held), 0), np.float32)]
        while sum(p.shape[1] for p in pieces) < wanted:
            pieces.append(self.feed(np.zeros((len(self._held), self._size), np.float32)))
        return np.concatenate(pieces, axis=1)[:, :wanted]

    def _filtered(self, parts: Samples) -> Samples:
        """What is kept of each part [shape=(c, k, size)], filtered."""
        from scipy import fft

        spectrum = fft.rfft(parts, axis=2)[:, :, : self._gain.size]
        spectrum *= self._gain
        whole = fft.irfft(spectrum, self._size_out, axis=2)
        first = self._before * self._step_out
        return np.asarray(whole[:, :, first : first + self._kept * self._step_out], np.float32)


def _smooth(n: int) -> int:
    """The next number of steps that transforms are fast at: only factors 2, 3 and 5."""
    best = 1 << (n - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            two = 1 << max(0, (-(-n // three) - 1).bit_length())
            best = min(best, three * two) if three * two >= n else best
            three *= 3
        five *= 5
    return best


def low_pass(out: int, rate: int) -> Response:
    """All below 0.9 of what both rates can hold, nothing above, no delay."""
    top = min(out, rate) / 2

    def response(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
        across = np.clip((hertz / top - 0.9) / 0.1, 0, 1)
        return np.asarray(0.5 + 0.5 * np.cos(np.pi * across), np.complex128)

    return response
