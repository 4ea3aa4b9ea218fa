"""Where the beats are: each likely tempo decoded by a hidden Markov model, the best one kept and refined.

Conventions: onset strength comes as (m, bands) at ``features.RATE`` Hz; beat times are seconds, refined below a
frame to the attack itself; confidence lies in [0, 1].

The state space is Krebs, Böck & Widmer's (ISMIR 2015): place in the beat times tempo, where tempo changes only on
a beat. Inside a beat such a model has no choice, so a whole beat is decoded as one step whose score is the sum of
its frames' scores (a difference of two running sums), and only one back-pointer per frame and tempo is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib_music.analysis import tempo
from lib_music.analysis.features import RATE, SILENCE
from lib_music.analysis.types import Floats, Ints, Times

# Log-probability lost when the tempo changes by a factor e from one beat to the next.
STIFFNESS = 40.0
# What a beat gains over an ordinary frame, whatever sounds on it: without it fewer beats always win.
BONUS = 2.0
# How far a song's tempo may stray from its usual one, and how far it usually does (natural log); while tempi are
# tried, less, and only in the middle of the song.
REACH, STRAY = 0.34, 0.25
TRIAL_REACH, TRIAL_STRAY, TRIAL_SECONDS = 0.1, 0.1, 150.0
# An unchanging grid is believed when its beats are worth this share of the free path's, and then earns this much;
# it is not looked for in recordings longer than this, which hold more than one song.
GRID_SHARE, GRID_BONUS, GRID_SECONDS = 0.74, 0.9, 1200.0
# Clarity (see `clarity`) that counts as none and as full, and over how many beats it is judged.
UNCLEAR, CLEAR = 0.47, 0.85
# A steady grid holds unclear beats too if the song as a whole is this clear.
HELD = 0.4
NEAR_BEATS, LONG_BEATS = 16, 48
# Beats of silence that are a gap in the music.
LONG_REST = 3

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pulse:
    """A decoded pulse: ``times`` [shape=(n,)] s, ``confidence`` [shape=(n,)], ``tempi`` (BPM, weight) best first."""

    times: Times
    confidence: Floats
    tempi: tuple[tuple[float, float], ...]


def log_odds(onset: Floats) -> Values:
    """What each frame gains by being a beat [shape=(m,)], natural log."""
    act = _activation(onset)
    near = np.convolve(act, (0.25, 0.5, 0.25), mode="same")
    return np.asarray(BONUS + np.log(near) - np.log(1 - near))


def _activation(onset: Floats) -> Values:
    """Probability-like strength in [0.03, 0.9]: no frame is ever impossible, none certain."""
    return np.clip(0.03 + 0.62 * onset.astype(np.float64), 0.03, 0.9)


def decode(onset: Floats, intervals: Ints, log_prior: Values, favour: Values | float = 0.0) -> Ints:
    """The most likely beats, as frames [shape=(n,)].

    Parameters
    ----------
    onset : [shape=(m,)]
        From :func:`lib_music.analysis.tempo.combine`.
    intervals : [shape=(k,)]
        Intervals allowed, in frames, increasing.
    log_prior : [shape=(k,)]
        Log-preference for each interval per half second of music.
    favour : [shape=(m,)], optional
        What a beat at each frame gains besides.

    Notes
    -----
    As many frames as the shortest interval are decoded at once: none of them depends on another. Time O(m k^2),
    memory m k bytes.
    """
    m, k, longest, shortest = onset.size, intervals.size, int(intervals[-1]), int(intervals[0])
    odds = (log_odds(onset) + favour)[:, None]
    size = intervals / (RATE / 2)
    root, prior = np.sqrt(size), log_prior * size
    # passed[t + longest]: log-probability of no beat in any frame up to t. Before the song all starts are free.
    passed = np.concatenate([np.zeros(longest), np.cumsum(np.log(1 - _activation(onset)))])
    jump = -STIFFNESS * np.abs(np.log(intervals[:, None] / intervals[None, :]))  # [to, from]
    back = np.zeros((m, k), np.uint8)
    final = np.full((longest, k), -np.inf)
    # held[i]: best score of a beat `longest - i` frames before the block, by the interval that follows it.
    held = np.zeros((longest, k))
    column = np.arange(k)
    origin = np.arange(shortest)[:, None] - intervals + longest
    for start in range(0, m, shortest):
        n = min(shortest, m - start)
        since = passed[start + longest : start + longest + n, None] - passed[start:][origin[:n]]
        score = held[origin[:n], column] + since + odds[start : start + n] * root + prior
        ways = score[:, None, :] + jump
        back[start : start + n] = ways.argmax(axis=2)
        held = np.concatenate([held[n:], ways.max(axis=2)])
        if start + n > m - longest:
            tail = np.arange(max(start, m - longest), start + n)
            final[tail - m + longest] = score[tail - start] + (passed[-1] - passed[tail + longest])[:, None]
    # The last beat lies within one interval of the end.
    final[np.arange(longest)[:, None] + intervals < longest] = -np.inf
    return _trace(back, intervals, m, final)


def _trace(back: npt.NDArray[np.uint8], intervals: Ints, m: int, final: Values) -> Ints:
    """Walk the back-pointers from the best last beat to the start."""
    row, state = (int(i) for i in np.unravel_index(int(final.argmax()), final.shape))
    frame = m - final.shape[0] + row
    frames = []
    while frame >= 0:
        frames.append(frame)
        frame -= int(intervals[state])
        if frame >= 0:
            state = int(back[frame, state])
    return np.array(frames[::-1], np.int64)


def _near(interval: int, reach: float, stray: float) -> tuple[Ints, Values]:
    """The intervals within ``reach`` of one, and their log-prior."""
    distance = np.log(tempo.INTERVALS / interval)
    allowed = np.abs(distance) <= reach
    return tempo.INTERVALS[allowed], -0.5 * (distance[allowed] / stray) ** 2


def find_beats(bands: Floats, level: Floats) -> Pulse:
    """The pulse of a song.

    Parameters
    ----------
    bands : [shape=(m, b)]
        Locally scaled onset strength.
    level : [shape=(m,)]
        RMS amplitude, to know silence.

    Returns
    -------
    Pulse
        Empty where nothing repeats or the song is shorter than three beats.
    """
    nothing = Pulse(np.empty(0), np.empty(0, np.float32), ())
    salience = tempo.tempogram(bands)
    tried = tempo.candidates(salience)
    if not tried.size or bands.shape[0] < 3 * tempo.LONGEST:
        return nothing
    onset = tempo.combine(bands)
    middle = _middle(onset.size)
    trials = [decode(onset[middle], *_near(int(interval), TRIAL_REACH, TRIAL_STRAY)) for interval in tried]
    relative = salience[tried - tempo.INTERVALS[0]] / salience.max()
    portraits = [tempo.portrait(bands[middle], frames, float(share))
                 for frames, share in zip(trials, relative, strict=True)]
    weights = tempo.choose(np.array(portraits))
    order = np.argsort(-weights, kind="stable")
    best = int(order[0])
    favour = steady_grid(onset, trials[best] + middle.start)
    frames = decode(onset, *_near(int(tried[best]), REACH, STRAY), favour)
    clear = clarity(onset, frames, float(salience.max()))
    kept = _sounding(level, frames)
    if not favour.any() or clear.mean() < HELD:
        kept &= _smooth(clear, LONG_BEATS) > UNCLEAR
    frames, clear = frames[kept], clear[kept]
    times = refine(onset, frames)
    rising = np.diff(times, prepend=-1.0) > 0.05
    confidence = np.clip((_smooth(clear, NEAR_BEATS) - UNCLEAR) / (CLEAR - UNCLEAR), 0, 1)
    tempi = tuple((RATE * 60 / float(tried[i]), float(weights[i])) for i in order)
    return Pulse(times[rising], confidence[rising].astype(np.float32), tempi)


def _middle(m: int) -> slice:
    """The stretch of a song of ``m`` frames in which tempi are tried."""
    n = min(m, round(TRIAL_SECONDS * RATE))
    return slice((m - n) // 2, (m - n) // 2 + n)


def _smooth(values: Values, width: int) -> Values:
    """Running mean over ``width`` beats."""
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(values, width, mode="nearest")) if values.size else values


def _sounding(level: Floats, frames: Ints) -> npt.NDArray[np.bool_]:
    """Which beats belong to the music [shape=(n,)]: not those in the silence before, after, or of a long rest.

    A rest of a beat or two is part of the music; the beat goes on through it.
    """
    from scipy.ndimage import binary_closing, maximum_filter1d

    loud = maximum_filter1d(level, 2 * round(0.1 * RATE) + 1, mode="nearest") > SILENCE
    # Closing fills gaps that are shorter than its length; the padding keeps the ends as they are.
    around = np.pad(loud[frames], LONG_REST)
    return np.asarray(binary_closing(around, np.ones(LONG_REST))[LONG_REST:-LONG_REST])


def clarity(onset: Floats, frames: Ints, salience: float) -> Values:
    """How much clearer a beat is than any moment of its surroundings [shape=(n,)]; about 0.45 by chance, 1 if clear.

    Where the onset strength at the beat lies between the local mean (0) and the local mean of peaks (1), lowered
    for curves that are too flat to hold attacks and corrected by how periodic the song is.
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    reach = round(4 * RATE)
    near = maximum_filter1d(onset, 3)
    usual = uniform_filter1d(near, reach)
    peak = uniform_filter1d(maximum_filter1d(onset, round(0.4 * RATE)), reach)
    contrast = (near - usual)[frames] / np.maximum(peak - usual, 0.05)[frames]
    flat = np.clip(uniform_filter1d(near[frames], NEAR_BEATS, mode="nearest") / 0.3, 0, 1)
    return np.asarray((contrast + 0.3 * (min(salience, 0.3) - 0.15)) * flat, np.float64)


def steady_grid(onset: Floats, frames: Ints) -> Values:
    """A bonus near the beats of an unchanging pulse [shape=(m,)], zeros where the song has none.

    Most music made with a machine, and much that was played to a click, keeps one tempo and one phase from end to
    end. If such a grid explains the music nearly as well as the free path ``frames`` [shape=(n,)] does, it is
    believed: off-beat introductions and rests then cannot pull the beat away, yet a real change still can.
    """
    m = onset.size
    nothing = np.zeros(m)
    if frames.size < 16 or m > GRID_SECONDS * RATE:
        return nothing
    period, phase = _fold(onset, float(np.median(np.diff(frames))))
    odds = log_odds(onset)
    grid = np.arange(phase, m, period)
    grid = grid[(grid >= frames[0] - period) & (grid <= frames[-1] + period)]

    def worth(at: Values) -> float:
        rows = [odds[np.clip(np.round(at).astype(np.int64) + j, 0, m - 1)] for j in (-1, 0, 1)]
        return float(np.max(rows, axis=0).mean())

    if worth(grid) < GRID_SHARE * worth(frames.astype(np.float64)):
        return nothing
    distance = np.abs((np.arange(m) - phase + period / 2) % period - period / 2)
    return np.asarray(GRID_BONUS * np.maximum(0.0, 1 - distance / 3))


def _fold(onset: Floats, period: float) -> tuple[float, float]:
    """The period near ``period`` and the phase, in frames, under which the song's attacks fall together best."""
    bins = 64
    at = np.flatnonzero(onset > 0.15)
    strength = onset[at]
    # Steps of a seventh of a beat over the whole song.
    stretch = np.exp(np.arange(-0.02, 0.02, 0.15 * period / onset.size))
    best = (-1.0, period, 0)
    for candidate in period * stretch:
        histogram = np.bincount((at / candidate % 1 * bins).astype(np.int64), strength, bins)
        histogram = histogram + np.roll(histogram, 1) + np.roll(histogram, -1)
        top = int(histogram.argmax())
        best = max(best, (float(histogram[top]), float(candidate), top))
    return best[1], (best[2] + 0.5) / bins * best[1]


def refine(onset: Floats, frames: Ints) -> Times:
    """Move each beat to the attack it belongs to, below a frame.

    The strongest frame within 35 ms is the attack, its parabola's top the moment; a beat with no attack of its own
    stays on the grid of its neighbours.
    """
    reach = 3
    last = onset.size - 1
    near = np.stack([onset[np.clip(frames + j, 0, last)] for j in range(-reach - 1, reach + 2)], axis=1)
    prefer = 1 - 0.08 * np.abs(np.arange(-reach, reach + 1))
    top = (near[:, 1:-1] * prefer).argmax(axis=1) + 1
    row = np.arange(frames.size)
    left, peak, right = near[row, top - 1], near[row, top], near[row, top + 1]
    curve = left - 2 * peak + right
    shift = np.where(curve < -1e-6, 0.5 * (left - right) / np.where(curve < -1e-6, curve, 1), 0.0)
    away = top - reach - 1 + np.clip(shift, -0.5, 0.5)
    sure = np.clip((peak - 0.1) / 0.3, 0, 1)
    times = (frames + sure * away) / RATE
    return np.asarray(np.maximum.accumulate(np.maximum(times, 0.0)))
