"""The pulse as a hidden Markov model: where in the beat, how fast, or no beat at all.

Conventions: time is frames of ``features.RATE`` Hz; worths are natural logs, 0 for "as likely as not". Paths are
kept in bands: a band is a range of periods around a centre that may move with time, and paths do not leave theirs.

The state space is Krebs, Böck & Widmer's (ISMIR 2015): place in the beat times tempo, where tempo changes only on a
beat, with a further state for stretches that hold no pulse (as in Srinivasamurthy et al., ISMIR 2017). Inside a beat
such a model has no choice, so a whole beat is decoded as one step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Floats, Ints

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

_BENT, _JUMPED, _BEGAN = range(3)
_NEVER = np.float32(-1e9)


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
    memory 24 m g k bytes: long songs come in stretches.
    """
    return _Decoder(gain, inside, bands).run()


class _Decoder:
    """One run of the Viterbi algorithm; scores are relative to lying inside a pulse, but not on a beat.

    Rows of the score arrays are frames, ``reach`` rows of the impossible before the first; columns are the periods of
    all bands side by side. What the best way to a score was is told when the path is traced, not kept.
    """

    def __init__(self, gain: Values, inside: Values, bands: Bands) -> None:
        # Some columns of the impossible keep bands (and rows) apart, so that all can be shifted at once.
        scale = np.pad(bands.scale, ((0, 0), (0, BEND)), mode="edge")
        prior = np.pad(bands.prior, ((0, 0), (0, BEND)), constant_values=_NEVER).ravel()
        self.m, self.shape = gain.size, scale.shape
        scale, states = scale.ravel(), scale.size
        period = bands.centre[:, None] * scale
        self.reach = int(period.max()) + 2 * JITTER + 1
        self.lag = np.rint(period).astype(np.int32)
        self.ahead = self.lag.min(axis=1)
        # A beat of a long period stands for more music than one of a short.
        self.worth = (np.sqrt(period / USUAL_PERIOD) * (gain[:, None] + prior)).astype(np.float32)
        self.early = 0.5 / np.square(USUAL_JITTER * period).astype(np.float32)
        self.since = np.cumsum(inside).astype(np.float32)
        rows = self.reach + self.m
        self.arrived = np.full((rows, states), _NEVER, np.float32)
        self.left = np.full((rows, states), _NEVER, np.float32)
        self.smeared = np.full((rows, states), _NEVER, np.float32)
        # Best score of resting from the block on, plus `since`, and the last beat before it, by frame and band.
        self.rest = np.zeros((self.m, self.shape[0]), np.float32)
        self.rest_from = np.full((self.m, self.shape[0]), -1, np.int32)

    def run(self) -> list[Path]:
        t, (g, k) = 0, self.shape
        column = np.arange(g * k)
        rest, rest_from = np.zeros(g, np.float32), np.full(g, -1)
        while t < self.m:
            n = max(1, min(self.m - t, int(self.ahead[t : t + 40].min()) - JITTER))
            row = self.reach + t
            source = (np.arange(row, row + n)[:, None] - self.lag[t : t + n]) * column.size + column
            arrived = self.smeared.ravel().take(source)
            arrived += self.worth[t : t + n]
            self.arrived[row : row + n] = arrived
            grouped = arrived.reshape(n, g, k)
            peak = grouped.max(axis=2)
            since = self.since[t : t + n, None]
            left = self.left[row : row + n].reshape(n, g, k)  # a view
            np.add(self.worth[t : t + n].reshape(n, g, k), (rest - since - START_COST)[:, :, None], out=left)
            np.maximum(left, (peak - JUMP_COST)[:, :, None], out=left)
            _bend(grouped, left)
            self._smear(row, n, self.early[t])
            self.rest[t : t + n], self.rest_from[t : t + n] = rest, rest_from
            ended = peak + since - STOP_COST
            rest_from = np.where(ended.max(axis=0) > rest, t + ended.argmax(axis=0), rest_from)
            rest = np.maximum(ended.max(axis=0), rest)
            t += n
        return [self._trace(band, float(rest[band]), int(rest_from[band])) for band in range(g)]

    def _smear(self, row: int, n: int, early: Floats) -> None:
        """How a beat ``lag`` later sees the departures of a block: some frames early or late."""
        first, stop = row - JITTER, row + n - JITTER
        out = self.smeared[first:stop]
        out[:] = self.left[first:stop]
        for away in range(1, JITTER + 1):
            near = np.maximum(self.left[first - away : stop - away], self.left[first + away : stop + away])
            near -= early * (away * away)
            np.maximum(out, near, out=out)

    def _trace(self, band: int, rest: float, rest_from: int) -> Path:
        """Walk from the end to the start."""
        k = self.shape[1]
        columns = slice(band * k, (band + 1) * k)
        # The last beat lies within one period of the end, or there is a rest.
        tail = max(0, self.m - self.reach)
        near = np.arange(tail, self.m)[:, None] + self.lag[tail:, columns] + JITTER >= self.m
        final = np.where(near, self.arrived[self.reach + tail :, columns], _NEVER)
        row, state = divmod(int(final.argmax()), k)
        frame, total = tail + row, float(final[row, state])
        if rest - self.since[-1] >= total:
            frame, total = rest_from, float(rest - self.since[-1])
            state = self._best(frame, columns)
        # Beats from the last to the first, each with the way it was left.
        beats: list[tuple[int, int]] = []
        way = _BENT
        while frame >= 0:
            beats.append((frame, way))
            frame = self._before(frame, columns.start + state)
            way, state = self._way(frame, columns, state)
            if way == _BEGAN:
                beats.append((frame, way))
                frame, way = int(self.rest_from[frame, band]), _BENT
                state = self._best(frame, columns)
        frames, ways = np.array(beats[::-1], np.int64).reshape(-1, 2).T
        return Path(frames, ways == _BEGAN, ways == _JUMPED, total + float(self.since[-1]))

    def _best(self, frame: int, columns: slice) -> int:
        """The state in which a beat at ``frame`` is best reached."""
        return int(self.arrived[self.reach + frame, columns].argmax()) if frame >= 0 else 0

    def _before(self, frame: int, column: int) -> int:
        """The beat before one at ``frame``."""
        middle = frame - int(self.lag[frame, column])
        around = np.arange(-JITTER, JITTER + 1)
        # The cost is that of the block which the row was smeared in: nearly that of the row itself.
        row = self.reach + middle
        return middle + int(around[(self.left[row + around, column] - around**2 * self.early[
            max(0, middle), column]).argmax()])

    def _way(self, frame: int, columns: slice, state: int) -> tuple[int, int]:
        """How the beat at ``frame`` came to be left in ``state``, and the state in which it was reached."""
        band, row = columns.start // self.shape[1], self.reach + frame
        arrived = self.arrived[row, columns]
        steps = np.abs(np.arange(arrived.size) - state)
        bent = np.where(steps <= BEND, arrived - BEND_COST * steps, _NEVER)
        jumped = float(arrived.max()) - JUMP_COST
        rested = float(self.rest[frame, band] - self.since[frame]) - START_COST
        began = rested + float(self.worth[frame, columns.start + state])
        if began > max(jumped, float(bent.max())):
            return _BEGAN, state
        if jumped > bent.max():
            return _JUMPED, int(arrived.argmax())
        return _BENT, int(bent.argmax())


def _bend(arrived: Floats, left: Floats) -> None:
    """Raise ``left`` to what beats are worth that are left at a tempo some steps from theirs."""
    source, target = arrived.ravel(), left.reshape(-1)
    np.maximum(target, source, out=target)
    for step in range(1, BEND + 1):
        bent = source - np.float32(BEND_COST * step)
        np.maximum(target[step:], bent[:-step], out=target[step:])
        np.maximum(target[:-step], bent[step:], out=target[:-step])
