"""Which pulse: the same music read at several tempi, and how likely each reading is.

Conventions: time is frames of ``features.RATE`` Hz, tempo BPM. Music that is beaten at 80 can be beaten at 160 as
well: the tempo is first followed through the song wherever it goes, then its half, double, thirds and so on are
decoded beside it, bars and all, and what tells them apart is weighed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lib_music.analysis import confidence, pointer
from lib_music.analysis.bars import Bars, decode_bars
from lib_music.analysis.features import RATE
from lib_music.analysis.network import PULSE_RATE, TEMPI, Activations
from lib_music.analysis.types import Floats, Ints

Values = npt.NDArray[np.float64]

SLOWEST, FASTEST = 38.0, 250.0
#: Tempi that are tried, relative to the one first followed.
FACTORS = (1.0, 2.0, 0.5, 1.5, 2 / 3, 3.0, 1 / 3)
#: What a beat gains over an ordinary frame, whatever sounds on it, and the most that a frame can say (log-odds).
BONUS, SURE = 1.5, 3.0
#: How much of a beat is plain onset strength: it errs elsewhere than the network does.
ONSET_SHARE = 0.15
#: So many even intervals in a row, of so many seconds each, are a metronome.
TICKS, TICK = 8, (0.24, 1.7)
#: The bonus of the first beat of a bar.
BAR_BONUS = 0.2
#: An unchanging grid is looked for in so many beats or more; it is believed when its beats sound this share as much
#: like beats as those of the free path, and then earns this much.
GRID_BEATS, GRID_SHARE, GRID_BONUS = 24, 0.8, 3.0
#: Steps of `pointer.STEP` by which a reading may stray from the tempo that is followed.
STRAY = 8
#: The usual tempo of music people tap to (Parncutt 1994; Moelants 2002), and how far it spreads, octaves.
USUAL_BPM, SPREAD = 112.0, 0.75
#: How much that counts while the tempo is first followed, per beat.
PRIOR = 0.4
#: A tempo that changes by more than this from one stretch to the next (natural log), each judged by so many beats,
#: may have changed its level in the bar: it has where one of these ratios is as near as this.
_LEAP, _NEAR, _LEVELS, _LEVEL_WITHIN = 0.36, 6, (2.0, 0.5, 3.0, 1 / 3), 0.25
#: What a second inside a pulse gains where the network is sure that there is one (log-odds times this).
PULSE = 1.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """What beats are decoded from, frame by frame.

    Attributes
    ----------
    beat, downbeat : [shape=(m,)]
        Probability-like: what the network hears.
    pulse : [shape=(m,)]
        The same for beats, with a share of plain onset strength: what beats are found by.
    inside : [shape=(m,)]
        What each frame gains by lying inside a pulse, natural log.
    tempo : [shape=(p, TEMPI.size)]
        Log-probability of the local tempo at ``PULSE_RATE``.
    """

    beat: Values
    downbeat: Values
    pulse: Values
    inside: Values
    tempo: Values

    @property
    def size(self) -> int:
        """Frames."""
        return int(self.beat.size)

    def cut(self, first: int, stop: int) -> Evidence:
        """The stretch from frame ``first`` to ``stop``."""
        rows = slice(int(first * PULSE_RATE / RATE), int(np.ceil(stop * PULSE_RATE / RATE)))
        frames = slice(first, stop)
        return Evidence(self.beat[frames], self.downbeat[frames], self.pulse[frames], self.inside[frames],
                        self.tempo[rows])


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to beat a song.

    Attributes
    ----------
    factor : float
        Its tempo relative to the one that was first followed.
    frames : [shape=(n,)]
        Beats.
    fresh : [shape=(n,)] bool
        Beats at which a pulse begins.
    bars : Bars
    traits : [shape=(4,)]
        What beats and bars gain a second, what the network thinks of the tempo, how unusual it is.
    """

    factor: float
    frames: Ints
    fresh: pointer.Flags
    bars: Bars
    traits: Values

    @property
    def bpm(self) -> float:
        """Usual tempo."""
        return RATE * 60 / usual_period(self.frames)


def usual_period(frames: Ints | Values) -> float:
    """Median interval, measured over four beats, because one is coarse; 0 without two beats."""
    if frames.size < 2:
        return 0.0
    span = min(4, frames.size - 1)
    return float(np.median(frames[span:] - frames[:-span])) / span


def log_odds(probability: Values, most: float = SURE) -> Values:
    """Natural log of p / (1 - p), no frame impossible, none certain."""
    edge = 1 / (1 + np.exp(most))
    p = np.clip(probability, edge, 1 - edge)
    return np.asarray(np.log(p / (1 - p)))


def gather(heard: Activations, onset: Floats) -> Evidence:
    """The evidence in what the network hears, and in ``onset`` strength [shape=(m,)], about 1 at a clear attack."""
    m = heard.beat.size
    pulse = log_odds(heard.pulse.astype(np.float64), 4.0) * (PULSE / RATE)
    centres = (np.arange(pulse.size) + 0.5) * (RATE / PULSE_RATE)
    inside = np.interp(np.arange(m), centres, pulse) if m else np.zeros(0)
    downbeat = heard.downbeat.astype(np.float64)
    beat = np.maximum(heard.beat, downbeat)
    attacks = np.clip(onset[:m], 0, 1).astype(np.float64)
    mixed = (1 - ONSET_SHARE) * beat + ONSET_SHARE * attacks
    ticking = ticks(attacks) & (inside < 0)
    mixed, inside = np.where(ticking, np.maximum(mixed, attacks), mixed), np.where(ticking, 0.0, inside)
    return Evidence(beat, downbeat, mixed, inside, np.log(np.maximum(heard.tempo, 1e-4)))


def ticks(onset: Values) -> pointer.Flags:
    """Frames in which attacks follow each other evenly and alone, as of a metronome [shape=(m,)].

    The network learned music; a bare click is none, and yet a beat.
    """
    inside = np.zeros(onset.size, bool)
    if onset.size < 13:
        return inside
    around = np.lib.stride_tricks.sliding_window_view(np.pad(onset, 6), 13).max(axis=1)
    at = np.flatnonzero((onset == around) & (onset > 0.5))
    gaps = np.diff(at)
    slow = (gaps > TICK[0] * RATE) & (gaps < TICK[1] * RATE)
    alike = np.abs(np.diff(np.log(np.maximum(gaps, 1)))) < 0.08
    even = np.concatenate([[False], slow[1:] & slow[:-1] & alike, [False]])
    edges = np.flatnonzero(np.diff(even.astype(np.int64)))
    for first, stop in edges.reshape(-1, 2):
        if stop - first >= TICKS:
            inside[at[first] : at[min(stop + 1, at.size - 1)] + 1] = True
    return inside


def near(curve: Values | Floats, frames: Ints, reach: int = 3) -> Values:
    """The largest value within ``reach`` frames of each of ``frames`` [shape=(n,)]."""
    last = curve.size - 1
    return np.asarray(np.max([curve[np.clip(frames + j, 0, last)] for j in range(-reach, reach + 1)], axis=0), float)


def _preference(period: Values) -> Values:
    """Log-preference for a tempo."""
    return np.asarray(-0.5 * (np.log2(RATE * 60 / period / USUAL_BPM) / SPREAD) ** 2)


def find_readings(evidence: Evidence) -> list[Reading]:
    """The song's readings, in the order of ``FACTORS``; none where nothing beats.

    Parameters
    ----------
    evidence : Evidence
    """
    if evidence.size < 3 * RATE * 60 / FASTEST:
        return []
    gain = log_odds(evidence.pulse) + BONUS
    first = _follow(evidence, gain)
    if first.frames.size < 4:
        return []
    period = track(first, evidence.size)
    usual = float(np.median(period[first.frames]))
    factors = [f for f in FACTORS if SLOWEST * 0.95 <= f * RATE * 60 / usual <= FASTEST * 1.05]
    stray = np.exp(pointer.STEP * np.arange(-STRAY, STRAY + 1))
    scale = np.stack([stray / f for f in factors])
    bands = pointer.Bands(period, scale, np.zeros(scale.shape))
    # Where there is no pulse, no grid goes on.
    steady = np.where(evidence.inside > 0, steady_grid(evidence.pulse, first.frames), 0.0)
    paths = pointer.decode(gain + steady, evidence.inside, bands)
    return [_reading(evidence, gain, factor, path) for factor, path in zip(factors, paths, strict=True)
            if path.frames.size > 3]


def _follow(evidence: Evidence, gain: Values) -> pointer.Path:
    """The pulse at whichever tempo is easiest to follow."""
    shortest, longest = RATE * 60 / FASTEST, RATE * 60 / SLOWEST
    scale = np.exp(np.arange(np.log(shortest), np.log(longest), pointer.STEP))[None]
    bands = pointer.Bands(np.ones(evidence.size), scale, PRIOR * _preference(scale))
    return pointer.decode(gain, evidence.inside, bands)[0]


def track(path: pointer.Path, m: int) -> Values:
    """The local period of a pulse at each frame [shape=(m,)], smoothed over some beats.

    A pulse that goes on at about twice or half its tempo, after a stop or a change, has not changed so much: the
    other level of the same bar has been taken up, and the period is told at the first level.
    """
    gaps = np.diff(path.frames).astype(np.float64)
    cuts = [0, *np.flatnonzero((path.fresh | path.turned)[1:-1]) + 1, gaps.size]
    level, last, smooth = 1.0, 0.0, gaps.copy()
    for a, b in pairwise(cuts):
        part = gaps[a:b]
        # The last gap before a fresh start is the rest.
        part[-1] = part[-2] if b < gaps.size and path.fresh[b] and b - a > 1 else part[-1]
        here = float(np.median(part[:_NEAR])) / level
        if last and abs(np.log(here / last)) > _LEAP:
            fold = min(_LEVELS, key=lambda fold: abs(np.log(here / last / fold)))
            # A step by a half lies between: it is a step.
            level *= fold if abs(np.log(here / last / fold)) < _LEVEL_WITHIN else 1.0
        smooth[a:b] = _smooth(part / level)
        last = float(np.median(part[-_NEAR:])) / level
    return np.asarray(np.interp(np.arange(m), (path.frames[:-1] + path.frames[1:]) / 2, smooth))


def _smooth(gaps: Values) -> Values:
    """Gaps as a tempo that changes slowly."""
    usual = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(gaps, 2, mode="edge"), 5), axis=1)
    window = np.hanning(11)[1:-1]
    calm = np.pad(np.clip(gaps, 0.93 * usual, 1.07 * usual), 4, mode="edge")
    return np.asarray(np.convolve(calm, window / window.sum(), mode="valid"))


def steady_grid(beat: Values, frames: Ints) -> Values:
    """What a beat gains besides, near the beats of an unchanging pulse [shape=(m,)]; nothing if the song has none.

    Most music made with a machine, and much that was played to a click, keeps one tempo and one phase from end to
    end. If such a grid explains the music nearly as well as the free path ``frames`` [shape=(n,)] does, it is
    believed: off-beat introductions and breaks then cannot pull the beat away, yet a real change still can.
    """
    m = beat.size
    nothing = np.zeros(m)
    if frames.size < GRID_BEATS:
        return nothing
    period, phase = _fold(beat, usual_period(frames))
    odds = log_odds(beat)
    grid = np.arange(phase, m, period)
    grid = grid[(grid >= frames[0] - period) & (grid <= frames[-1] + period)]
    at = np.clip(np.rint(grid).astype(np.int64), 0, m - 1)
    if near(odds, at).mean() + SURE < GRID_SHARE * (near(odds, frames).mean() + SURE):
        return nothing
    distance = np.abs((np.arange(m) - phase + period / 2) % period - period / 2)
    return np.asarray(GRID_BONUS * np.clip(1.5 - distance / 3, 0, 1))


def _fold(beat: Values, period: float) -> tuple[float, float]:
    """The period near ``period`` and the phase, in frames, under which the song's beats fall together best."""
    bins = 48
    at = np.flatnonzero(beat > 0.15)
    strength = beat[at]
    # Steps of a seventh of a beat over the whole song.
    stretch = np.exp(np.arange(-0.015, 0.015, 0.15 * period / beat.size))
    best = (-1.0, period, 0)
    for candidate in period * stretch:
        histogram = np.bincount((at * (bins / candidate)).astype(np.int64) % bins, strength, bins)
        histogram = histogram + np.roll(histogram, 1) + np.roll(histogram, -1)
        top = int(histogram.argmax())
        best = max(best, (float(histogram[top]), float(candidate), top))
    return best[1], (best[2] + 0.5) / bins * best[1]


def _reading(evidence: Evidence, gain: Values, factor: float, path: pointer.Path) -> Reading:
    """A path with its bars and traits."""
    frames = path.frames
    period = usual_period(frames)
    found = decode_bars(bar_gain(evidence, frames), path.fresh)
    seconds = evidence.size / RATE
    octaves = float(np.log2(RATE * 60 / period / USUAL_BPM))
    traits = np.array([
        float(near(gain, frames, 1).sum()) * np.sqrt(period / pointer.USUAL_PERIOD) / seconds, found.worth / seconds,
        _tempo_worth(evidence, frames), octaves**2,
    ])
    return Reading(factor, frames, path.fresh, found, traits)


def bar_gain(evidence: Evidence, frames: Ints) -> Values:
    """What each beat gains by being the first of a bar [shape=(n,)]."""
    beat, downbeat = near(evidence.beat, frames), near(evidence.downbeat, frames)
    return log_odds(downbeat / np.maximum(np.maximum(beat, downbeat), 0.3)) + BAR_BONUS


def _tempo_worth(evidence: Evidence, frames: Ints) -> float:
    """Mean log-probability that the network gives the tempo of these beats."""
    gaps = np.diff(frames)
    at = np.interp(np.log(RATE * 60 / gaps), np.log(TEMPI), np.arange(TEMPI.size))
    span = np.clip((frames[:-1] * PULSE_RATE / RATE).astype(np.int64), 0, evidence.tempo.shape[0] - 1)
    rows = np.clip(np.rint(at).astype(np.int64)[:, None] + (-1, 0, 1), 0, TEMPI.size - 1)
    return float(np.median(evidence.tempo[span[:, None], rows].max(axis=1)))


def weigh(readings: list[Reading], weights: Values | None = None) -> Values:
    """How likely each reading is [shape=(n,)], summing to 1: a conditional logit over their traits.

    ``weights`` are those that ``python -m training.calibrate`` fitted, unless given.
    """
    chosen = confidence.weights("reading") if weights is None else weights
    score = np.array([reading.traits @ chosen for reading in readings])
    share = np.exp(score - score.max())
    return np.asarray(share / share.sum())
