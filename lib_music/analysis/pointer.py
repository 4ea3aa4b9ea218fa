"""The pulse as a hidden Markov model: where in the beat, how fast, or no beat at all.

Conventions: time is frames of ``features.RATE`` Hz; worths are natural logs, 0 for "as likely as not". Paths are
kept in bands: a band is a range of periods around a centre that may move with time, and paths do not leave theirs.

The state space is Krebs, Böck & Widmer's (ISMIR 2015): place in the beat times tempo, where tempo changes only on a
beat, with a further state for stretches that hold no pulse (as in Srinivasamurthy et al., ISMIR 2017). Inside a beat
such a model has no choice, so a whole beat is decoded as one step, and one byte per frame and tempo is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Ints

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Frames by which a beat may come early or late of its tempo, and how far it usually does (share of the period).
JITTER, USUAL_JITTER = 3, 0.035
#: Steps of the period (see `STEP`) that the tempo may change by from one beat to the next, and what a step costs.
BEND, BEND_COST = 3, 0.9
#: Ratio of neighbouring periods (natural log).
STEP = 0.02
#: What it costs to take up another tempo, to begin a pulse where there is none, and to leave it.
JUMP_COST, START_COST, STOP_COST = 9.0, 5.0, 3.0

#: The period of a beat that counts once, frames: 120 BPM. Longer ones stand for more music.
USUAL_PERIOD = 43.0

_JUMP, _START = 2 * BEND + 1, 2 * BEND + 2
_RING = 4096


@dataclass(frozen=True, eq=False)
class Bands:
    """The periods that are allowed.

    Attributes
    ----------
    centre : [shape=(m,)]
        Period around which all bands lie at each frame, frames.
    scale : [shape=(g, k)]
        Each band's periods relative to the centre, increasing by ``STEP`` (log).
    prior : [shape=(g, k)]
        What a beat of this period gains by itself.
    """

    centre: Values
    scale: Values
    prior: Values


@dataclass(frozen=True, eq=False)
class Path:
    """The best path of a band.

    Attributes
    ----------
    frames : [shape=(n,)]
        Beats.
    fresh, turned : [shape=(n,)] bool
        Beats at which a pulse begins, and those at which it takes up another tempo.
    worth : float
        Of the path against no pulse.
    """

    frames: Ints
    fresh: Flags
    turned: Flags
    worth: float


def decode(gain: Values, inside: Values, bands: Bands) -> list[Path]:
    """The best path of each band.

    Parameters
    ----------
    gain : [shape=(m,)]
        What a beat at each frame gains.
    inside : [shape=(m,)]
        What each frame gains by lying inside a pulse.
    bands : Bands

    Notes
    -----
    As many frames as the shortest period are decoded at once: none of them depends on another. Time O(m g k),
    memory m g k bytes.
    """
    return _Decoder(gain, inside, bands).run()


class _Decoder:
    """One run of the Viterbi algorithm; scores are relative to lying inside a pulse, but not on a beat."""

    def __init__(self, gain: Values, inside: Values, bands: Bands) -> None:
        self.gain, self.bands, self.m = gain, bands, gain.size
        self.since = np.cumsum(inside)
        self.g, self.k = bands.scale.shape
        states = self.g * self.k
        self.scale, self.prior, self.column = bands.scale.ravel(), bands.prior.ravel(), np.arange(states)
        # For each frame and state: how a beat there was left (times 8), and how late it came.
        self.codes = np.zeros((self.m, states), np.uint8)
        self.best = np.zeros((self.m, self.g), np.uint8)
        self.rested = np.full((self.m, self.g), -1, np.int32)
        # Rows of the rings: what a beat's departure is worth, and the same with jitter allowed; row 0 is `base`.
        self.reach = int(np.ceil(bands.centre.max() * bands.scale.max())) + JITTER + 2
        self.base = -self.reach
        self.departed = np.full((self.reach + _RING, states), -np.inf)
        self.smeared = np.full((self.reach + _RING, states), -np.inf)
        self.late = np.zeros((self.reach + _RING, states), np.uint8)
        # Best score of resting, plus `since`, and the last beat before it.
        self.rest, self.rest_from = np.zeros(self.g), np.full(self.g, -1)
        self.final, self.last = np.full(self.g, -np.inf), [(-1, 0)] * self.g

    def run(self) -> list[Path]:
        t = 0
        shortest = self.scale.min()
        while t < self.m:
            # Half a second ahead the centre may be smaller, but not by much: see `Bands`.
            ahead = float(self.bands.centre[t : t + self.reach].min() * shortest)
            n = max(1, min(self.m - t, int(ahead) - JITTER - 1))
            if t + n - self.base > self.departed.shape[0]:
                self._turn(t)
            self._block(t, n)
            t += n
        return [self._trace(band) for band in range(self.g)]

    def _turn(self, t: int) -> None:
        """Move the rows that are still needed to the front of the rings."""
        shift = t - self.reach - self.base
        for ring in (self.departed, self.smeared, self.late):
            ring[: self.reach] = ring[shift : shift + self.reach].copy()
        self.base += shift

    def _block(self, t: int, n: int) -> None:
        period = self.bands.centre[t : t + n, None] * self.scale
        lag = np.rint(period).astype(np.int64)
        weight = np.sqrt(period / USUAL_PERIOD)
        worth = weight * (self.gain[t : t + n, None] + self.prior)
        at = (np.arange(t - self.base, t - self.base + n)[:, None] - lag) * self.column.size + self.column
        arrived = (self.smeared.ravel().take(at) + worth).reshape(n, self.g, self.k)
        peak = arrived.max(axis=2)
        self.best[t : t + n] = arrived.argmax(axis=2)
        start = self.rest - self.since[t : t + n, None] - START_COST
        leave, code = _leave(arrived, peak - JUMP_COST, start[:, :, None] + worth.reshape(arrived.shape))
        self.rested[t : t + n] = self.rest_from
        self.codes[t : t + n] = code.reshape(n, -1) * 8 + self.late.ravel().take(at)
        self._smear(t, n, leave.reshape(n, -1), period[0])
        self._stop(t, peak)
        if t + n > self.m - self.reach:
            self._finish(t, arrived, lag)

    def _smear(self, t: int, n: int, leave: Values, period: Values) -> None:
        """Enter departures into the rings, and how a beat `lag` later sees them: some frames early or late."""
        row = t - self.base
        self.departed[row : row + n] = leave
        best = self.departed[row - JITTER : row + n - JITTER].copy()
        late = np.full(best.shape, JITTER, np.uint8)
        for away in range(1, JITTER + 1):
            cost = 0.5 * (away / (USUAL_JITTER * period)) ** 2
            for side in (-away, away):
                way = self.departed[row - JITTER + side : row + n - JITTER + side] - cost
                better = way > best
                np.copyto(best, way, where=better)
                np.copyto(late, np.uint8(JITTER + side), where=better)
        self.smeared[row - JITTER : row + n - JITTER] = best
        self.late[row - JITTER : row + n - JITTER] = late

    def _stop(self, t: int, peak: Values) -> None:
        """Let pulses end in this block, for those that begin in a later one."""
        ended = peak + self.since[t : t + peak.shape[0], None] - STOP_COST
        row = ended.argmax(axis=0)
        worth = ended[row, np.arange(self.g)]
        self.rest_from = np.where(worth > self.rest, t + row, self.rest_from)
        self.rest = np.maximum(worth, self.rest)

    def _finish(self, t: int, arrived: Values, lag: Ints) -> None:
        """Remember the best last beat within one period of the end."""
        near = np.arange(t, t + arrived.shape[0])[:, None] + lag + JITTER >= self.m
        score = np.where(near.reshape(arrived.shape), arrived, -np.inf)
        for band in range(self.g):
            row, state = divmod(int(score[:, band].argmax()), self.k)
            if score[row, band, state] > self.final[band]:
                self.final[band], self.last[band] = score[row, band, state], (t + row, state)

    def _trace(self, band: int) -> Path:
        """Walk the back-pointers from the end to the start."""
        rested = float(self.rest[band] - self.since[-1])
        worth = max(rested, float(self.final[band])) + float(self.since[-1])
        frame, state = self.last[band]
        if rested >= self.final[band]:
            frame = int(self.rest_from[band])
            state = int(self.best[frame, band]) if frame >= 0 else 0
        # Beats from the last to the first, each with the way it was left.
        beats: list[tuple[int, int]] = []
        left = BEND
        while frame >= 0:
            beats.append((frame, left))
            column = band * self.k + state
            lag = int(np.rint(self.bands.centre[frame] * self.scale[column]))
            frame += int(self.codes[frame, column]) % 8 - JITTER - lag
            left = int(self.codes[frame, column]) // 8
            if left == _START:
                beats.append((frame, left))
                frame, left = int(self.rested[frame, band]), BEND
                state = int(self.best[frame, band])
            elif left == _JUMP:
                state = int(self.best[frame, band])
            else:
                state += left - BEND
        frames, codes = np.array(beats[::-1], np.int64).reshape(-1, 2).T
        return Path(frames, codes == _START, codes == _JUMP, worth)


def _leave(arrived: Values, jump: Values, start: Values) -> tuple[Values, npt.NDArray[np.uint8]]:
    """How a beat is best left at each tempo: what it is worth, and the code of where it came from.

    Parameters
    ----------
    arrived, start : [shape=(n, g, k)]
        Worth of having come to this beat at each tempo, and of its being the first.
    jump : [shape=(n, g)]
        Worth of having come at any tempo and taking up another.
    """
    k = arrived.shape[2]
    wide = np.full((*arrived.shape[:2], k + 2 * BEND), -np.inf)
    wide[:, :, BEND:-BEND] = arrived
    leave, code = arrived.copy(), np.full(arrived.shape, BEND, np.uint8)
    ways = [(BEND + side, wide[:, :, BEND + side : BEND + side + k] - BEND_COST * abs(side))
            for step in range(1, BEND + 1) for side in (-step, step)]
    for number, way in (*ways, (_JUMP, jump[:, :, None]), (_START, start)):
        better = way > leave
        np.copyto(leave, way, where=better)
        np.copyto(code, np.uint8(number), where=better)
    return leave, code
