"""The pulse of a song: its beats, bars, tempi, and where there is none.

Conventions: times are seconds, refined below a frame to the attack itself; frames are those of ``features.RATE``.
A long recording is heard in stretches of minutes, each read on its own; neighbours agree on how to beat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lib_music.analysis import confidence, readings
from lib_music.analysis.bars import Bars, decode_bars, position_odds
from lib_music.analysis.features import RATE, SILENCE
from lib_music.analysis.network import PULSE_RATE, Activations
from lib_music.analysis.readings import Evidence, Reading
from lib_music.analysis.types import Beats, Envelope, Floats, Ints, Times

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PRESENCE_RATE = 2.0
#: How the onset bands share in what an attack is: cymbals and the snare keep time.
BAND_WEIGHTS = np.array([0.16, 0.14, 0.2, 0.2, 0.3], np.float32)
#: Seconds of a recording that are read as one, and that neighbours have in common.
STRETCH, COMMON = 300.0, 20.0
#: What neighbours lose by beating at different levels, in the log-weights of their readings.
DISAGREE = 3.0
#: Other tempi of less weight are not worth telling.
LEAST_WEIGHT = 0.005
#: Silence that is a gap in the music, not a rest within it, s; and what a second of it costs a pulse.
GAP, GAP_COST = 1.2, 12.0
#: RMS amplitude that is silence whatever else there is, and that is silence beside the loudest frame.
NOTHING, SOFT = 2e-5, 3e-3
#: Beats over which confidence is judged.
AROUND = 8


@dataclass(frozen=True, eq=False)
class Course:
    """One way through the whole recording: ``frames``, ``fresh`` (a pulse begins) and ``weight`` of the reading that
    each beat comes from [shape=(n,)]; ``tempi``: other tempi relative to its own, and their weights."""

    frames: Ints
    fresh: Flags
    weight: Values
    tempi: tuple[tuple[float, float], ...]


def find_beats(heard: Activations, onset: Floats, level: Floats, duration: float) -> tuple[Beats, Envelope]:
    """Beats with their places in the bar, and beat presence twice a second.

    Parameters
    ----------
    heard : Activations
    onset : [shape=(m,)]
        Onset strength, about 1 at a clear attack.
    level : [shape=(m,)]
        RMS amplitude, to know silence.
    duration : float
        Of the song, s.
    """
    evidence = hush(readings.gather(heard, onset), level)
    course = follow(evidence)
    times = refine(onset, course.frames)
    # The grid may meet the very end, where nothing sounds any more.
    kept = (np.diff(times, prepend=-1.0) > 0.05) & (times < duration - 1 / RATE)
    course = Course(course.frames[kept], course.fresh[kept], course.weight[kept], course.tempi)
    times = times[kept]
    gain = readings.bar_gain(evidence, course.frames)
    found = decode_bars(gain, course.fresh)
    traits = beat_traits(heard, evidence, course)
    sure = confidence.stated("beat", traits @ confidence.weights("beat"))
    odds = position_odds(gain, course.fresh, found.positions)
    placed = confidence.stated("downbeat", downbeat_traits(traits, odds, found) @ confidence.weights("downbeat"))
    tempo = usual_tempo(times)
    result = Beats(
        times, found.positions, sure, tempo, tuple((tempo * ratio, weight) for ratio, weight in course.tempi),
        int(np.bincount(found.metres).argmax()) if times.size else 0,
        float(placed[found.positions == 1].mean()) if (found.positions == 1).any() else 0.0, placed,
    )
    return result, presence(heard, times, duration)


def hush(evidence: Evidence, level: Floats) -> Evidence:
    """The evidence, with a cost for a pulse that would go on through silence."""
    m = evidence.size
    # What is nothing beside a record is music in a file that is soft throughout.
    loudest = float(level.max(initial=0.0))
    loud = np.flatnonzero(level[:m] > max(NOTHING, min(SILENCE, SOFT * loudest)))
    edges = np.concatenate([[-1], loud, [m]])
    inside = evidence.inside.copy()
    for i in np.flatnonzero(np.diff(edges) > GAP * RATE):
        inside[edges[i] + 1 : edges[i + 1]] -= GAP_COST / RATE
    return replace(evidence, inside=inside)


def follow(evidence: Evidence, weights: Values | None = None) -> Course:
    """The best course through a recording; ``weights`` as in :func:`lib_music.analysis.readings.weigh`."""
    m, size, common = evidence.size, round(STRETCH * RATE), round(COMMON * RATE)
    count = max(1, round((m - common) / (size - common)))
    edges = np.linspace(0, m, count + 1).astype(np.int64)
    found = []
    for a, b in pairwise(edges.tolist()):
        first, stop = max(0, a - common // 2), min(m, b + common // 2)
        part = readings.find_readings(evidence.cut(first, stop))
        found.append((a, b, first, part))
    return _join([row for row in found if row[3]], weights)


def _join(found: list[tuple[int, int, int, list[Reading]]], given: Values | None) -> Course:
    """Choose a reading of each stretch, and put their beats together."""
    if not found:
        nothing = np.zeros(0, np.int64)
        return Course(nothing, nothing.astype(bool), nothing.astype(float), ())
    weights = [readings.weigh(part, given) for *_, part in found]
    chosen = _agree([part for *_, part in found], weights)
    frames, fresh, weight = [], [], []
    last = -RATE
    for (a, b, first, part), choice, share in zip(found, chosen, weights, strict=True):
        at = part[choice].frames + first
        # The seam lies between two beats; a beat that both stretches found is counted once.
        kept = (at >= a) & (at < b) & (at > last + 0.5 * readings.usual_period(part[choice].frames))
        frames.append(at[kept])
        fresh.append(part[choice].fresh[kept])
        weight.append(np.full(int(kept.sum()), share[choice]))
        last = int(at[kept][-1]) if kept.any() else last
    stretches = [(b - a, part, choice) for (a, b, _, part), choice in zip(found, chosen, strict=True)]
    return Course(np.concatenate(frames), np.concatenate(fresh), np.concatenate(weight),
                  _other_tempi(stretches, weights))


def _other_tempi(
    stretches: list[tuple[int, list[Reading], int]], weights: list[Values]
) -> tuple[tuple[float, float], ...]:
    """Tempi relative to the chosen ones, with their weights over all stretches (frames, readings, choice)."""
    shares: dict[float, float] = {}
    total = sum(size for size, *_ in stretches)
    for (size, part, choice), share in zip(stretches, weights, strict=True):
        for reading, weight in zip(part, share, strict=True):
            ratio = round(reading.factor / part[choice].factor, 3)
            shares[ratio] = shares.get(ratio, 0.0) + float(weight) * size / total
    others = [(ratio, weight) for ratio, weight in shares.items() if ratio != 1.0 and weight >= LEAST_WEIGHT]
    return tuple(sorted(others, key=lambda way: -way[1]))


def _agree(parts: list[list[Reading]], weights: list[Values]) -> list[int]:
    """Which reading of each stretch: the likeliest, where neighbours of like tempo count for each other."""
    score = np.log(np.maximum(weights[0], 1e-6))
    back = []
    for i in range(1, len(parts)):
        before = np.log([reading.bpm for reading in parts[i - 1]])
        here = np.log([reading.bpm for reading in parts[i]])
        ways = score[None, :] - DISAGREE * (np.abs(here[:, None] - before[None, :]) > 0.36)
        back.append(ways.argmax(axis=1))
        score = ways.max(axis=1) + np.log(np.maximum(weights[i], 1e-6))
    chosen = [int(score.argmax())]
    for came in back[::-1]:
        chosen.append(int(came[chosen[-1]]))
    return chosen[::-1]


def usual_tempo(times: Times) -> float:
    """Usual tempo in BPM; 0 without beats."""
    period = readings.usual_period(times)
    return 60 / period if period else 0.0


def _around(values: Values, width: int = AROUND) -> Values:
    """Running mean over ``width`` beats to either side."""
    if not values.size:
        return values
    total = np.concatenate([[0.0], np.cumsum(values)])
    i = np.arange(values.size)
    a, b = np.maximum(0, i - width), np.minimum(values.size, i + width + 1)
    return np.asarray((total[b] - total[a]) / (b - a))


def beat_traits(heard: Activations, evidence: Evidence, course: Course) -> Values:
    """What speaks for each beat [shape=(n, 6)]: 1; its activation; that of the beats around; by how much it exceeds
    that between beats; the weight of the reading (log); whether the network hears a pulse."""
    frames = course.frames
    if not frames.size:
        return np.zeros((0, 6))
    own = readings.near(evidence.beat, frames)
    middles = np.rint(frames + np.diff(frames, append=2 * frames[-1] - frames[-min(2, frames.size)]) / 2)
    between = readings.near(evidence.beat, middles.astype(np.int64))
    pulse = np.interp(frames / RATE, (np.arange(heard.pulse.size) + 0.5) / PULSE_RATE, heard.pulse)
    return np.stack([np.ones(frames.size), own, _around(own), _around(own - between),
                     np.log(np.maximum(course.weight, 0.05)), pulse], axis=1)


def downbeat_traits(beats: Values, odds: Values, found: Bars) -> Values:
    """What speaks for each beat's place in its bar [shape=(n, 6)]: 1; its ``odds`` beside all other bars; activation
    of the beats around; the reading's weight; whether these are bars of two, and of neither two nor four, which are
    more often wrong.

    Parameters
    ----------
    beats : [shape=(n, 6)]
        :func:`beat_traits`.
    odds : [shape=(n,)]
        :func:`lib_music.analysis.bars.position_odds`.
    """
    two, other = found.metres == 2, (found.metres != 2) & (found.metres != 4)
    return np.stack([beats[:, 0], odds, beats[:, 2], beats[:, 4], two, other], axis=1)


def presence(heard: Activations, times: Times, duration: float) -> Envelope:
    """How surely there is a beat, twice a second, 0 where none was found."""
    at = np.arange(0.0, duration, 1 / PRESENCE_RATE)
    close, traits = presence_traits(heard, times, at)
    sure = confidence.stated("presence", traits @ confidence.weights("presence"))
    return Envelope(np.where(close, sure, 0), PRESENCE_RATE)


def presence_traits(heard: Activations, times: Times, at: Times) -> tuple[Flags, Values]:
    """Whether beats were found around the moments ``at``, and what speaks for there being any [shape=(n, 3)]: 1;
    whether the network hears a pulse (log-odds); whether this is before the first or after the last beat."""
    if not heard.pulse.size or not times.size:
        return np.zeros(at.size, bool), np.zeros((at.size, 3))
    centres = (np.arange(heard.pulse.size) + 0.5) / PULSE_RATE
    pulse = readings.log_odds(np.interp(at, centres, heard.pulse.astype(np.float64)), 7.0)
    beyond = (at < times[0]) | (at > times[-1])
    return _near(times, at, usual_tempo(times)), np.stack([np.ones(at.size), pulse, beyond], axis=1)


def confident_presence(times: Times, sure: Floats, tempo: float, duration: float) -> Envelope:
    """How surely there is a beat where another ear found ``times``: the confidence of the beats around, 0 far away."""
    at = np.arange(0.0, duration, 1 / PRESENCE_RATE)
    curve = np.where(_near(times, at, tempo), np.interp(at, times, sure) if times.size else 0.0, 0.0)
    return Envelope(curve.astype(np.float32), PRESENCE_RATE)


def _near(times: Times, at: Times, tempo: float) -> Flags:
    """Whether a beat lies within one and a half of the moments ``at`` [shape=(n,)]."""
    if not times.size:
        return np.zeros(at.size, bool)
    beside = np.clip(np.searchsorted(times, at)[:, None] + (-1, 0), 0, times.size - 1)
    return np.asarray(np.abs(times[beside] - at[:, None]).min(axis=1) <= 1.5 * 60 / max(tempo, 40.0))


def attacks(bands: Floats) -> Floats:
    """One onset curve [shape=(m,)] of locally scaled bands [shape=(m, b)]: about 1 at a clear attack."""
    return np.asarray(np.minimum(bands, 1.5) @ BAND_WEIGHTS, np.float32)


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
