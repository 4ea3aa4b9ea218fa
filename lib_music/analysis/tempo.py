"""Which tempo: candidates from periodicity, and the choice between them once each has been tried.

Conventions: intervals are whole feature frames (``features.RATE`` Hz); onset strength comes as (m, bands);
tempo is BPM. Choosing is a matter of octaves and thirds: every candidate is decoded first, and what is compared
is how its beats, their halves, thirds and quarters sound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lib_music.analysis.features import RATE
from lib_music.analysis.types import Floats, Ints

SLOWEST, FASTEST = 50.0, 230.0
SHORTEST, LONGEST = int(RATE * 60 / FASTEST), int(np.ceil(RATE * 60 / SLOWEST))
INTERVALS: Ints = np.arange(SHORTEST, LONGEST + 1)
# Cymbals and the snare keep time; the bass is where music is syncopated.
BAND_WEIGHTS = np.array([0.16, 0.14, 0.2, 0.2, 0.3], np.float32)
# The usual tempo of music people tap to (Parncutt 1994; Moelants 2002).
USUAL_BPM = 120.0
MAX_CANDIDATES = 5
SUBDIVISIONS = (0.25, 1 / 3, 0.5, 2 / 3, 0.75)

Values = npt.NDArray[np.float64]


def combine(bands: Floats) -> Floats:
    """One onset curve [shape=(m,)] of locally scaled bands [shape=(m, b)]: about 1 at a clear attack."""
    return np.asarray(np.minimum(bands, 1.5) @ BAND_WEIGHTS, np.float32)


def tempogram(bands: Floats) -> Values:
    """How strongly the song repeats at each interval [shape=(INTERVALS.size,)], in [0, 1].

    The bands' autocorrelations are summed, so that an off-beat hi-hat and a kick on the beat both speak for the
    beat; a comb over the first four multiples, each at its best within about 1 %, favours a pulse over its
    overtones. Correlation is taken over stretches of a minute and a half, because tempo is a local matter.
    """
    from scipy import fft

    span, block = 4 * LONGEST + 8, 1 << 13
    curve = np.minimum(bands, 1.5)
    curve = curve - curve.mean(axis=0)
    total = np.zeros(span)
    for start in range(0, curve.shape[0], block):
        part = curve[start : start + block]
        n = fft.next_fast_len(part.shape[0] + span, real=True)
        power = np.square(np.abs(fft.rfft(part, n, axis=0))) @ BAND_WEIGHTS
        total += fft.irfft(power, n)[:span]
    if total[0] <= 1e-12:
        return np.zeros(INTERVALS.size)
    correlation = total / total[0]
    salience = np.zeros(INTERVALS.size)
    for multiple, weight in ((1, 0.4), (2, 0.3), (3, 0.1), (4, 0.2)):
        slack = multiple // 2 + 1
        reach = [correlation[multiple * INTERVALS + j] for j in range(-slack, slack + 1)]
        salience += weight * np.max(reach, axis=0)
    return np.asarray(np.clip(salience, 0, 1))


def candidates(salience: Values) -> Ints:
    """Up to MAX_CANDIDATES intervals in frames, the most salient near the usual tempo first.

    Parameters
    ----------
    salience : [shape=(INTERVALS.size,)]
        From :func:`tempogram`.
    """
    octaves = np.log2(RATE * 60 / INTERVALS / USUAL_BPM)
    wanted = salience * np.exp(-0.5 * octaves**2)
    around = np.pad(salience, 1, constant_values=-1.0)
    peak = (salience >= around[:-2]) & (salience >= around[2:]) & (salience > 0)
    chosen: list[int] = []
    for i in np.argsort(-wanted, kind="stable"):
        if peak[i] and all(abs(np.log(INTERVALS[i] / other)) > 0.08 for other in chosen):
            chosen.append(int(INTERVALS[i]))
        if len(chosen) == MAX_CANDIDATES:
            break
    return np.array(chosen, np.int64)


def strength_at(bands: Floats, frames: Values) -> Floats:
    """Onset strength of each band within a frame of ``frames`` [shape=(n, b)]."""
    at = np.round(frames).astype(np.int64)
    last = bands.shape[0] - 1
    return np.asarray(np.max([bands[np.clip(at + j, 0, last)] for j in (-1, 0, 1)], axis=0), np.float32)


def portrait(bands: Floats, frames: Ints, salience: float) -> Values:
    """What a pulse sounds like, as the numbers that tell the beat from its double and its half [shape=(8,)].

    Parameters
    ----------
    bands : [shape=(m, b)]
        Locally scaled onset strength.
    frames : [shape=(n,)]
        The pulse, n >= 3.
    salience : float
        Of its interval, relative to the song's most salient.

    Returns
    -------
    values
        Strength on the beat; relative to it the strength at halves, thirds (both must sound) and quarters; how
        much kick and snare alternate from beat to beat; distance from the usual tempo in octaves, squared;
        salience; if the pulse is slow, how alike beats and halves sound in all bands.
    """
    start = frames[:-1].astype(np.float64)
    step = np.diff(frames).astype(np.float64)
    on = strength_at(bands, start)
    between = {part: strength_at(bands, start + part * step) for part in SUBDIVISIONS}
    level = max(float(on.mean(axis=0) @ BAND_WEIGHTS), 1e-6)
    share = {part: float(rows.mean(axis=0) @ BAND_WEIGHTS) / level for part, rows in between.items()}
    quarter = float(between[0.25].mean() + between[0.75].mean()) / 2 / level
    # Kick on one beat and snare on the next: the low bands lead on one side, the middle ones on the other.
    lead = on[:, :2].mean(axis=1) - on[:, 2:4].mean(axis=1)
    sides = (float(lead[::2].mean()), float(lead[1::2].mean())) if lead.size > 1 else (0.0, 0.0)
    alternation = max(0.0, min(max(sides), -min(sides))) / level
    octaves = float(np.log2(RATE * 60 / np.median(step) / USUAL_BPM))
    apart = float(np.abs(on.mean(axis=0) - between[0.5].mean(axis=0)) @ BAND_WEIGHTS) / level
    alike = max(0.0, 1 - apart) ** 2 * (octaves < 0)
    return np.array([level, share[0.5], min(share[1 / 3], share[2 / 3]), quarter, alternation, octaves**2, salience,
                     alike])


# Weights of the portrait: a logistic choice between the candidates of a song, fitted with a ridge on music with
# known beats: recorded, rendered and composed. Positive speaks for a pulse.
PORTRAIT_WEIGHTS = np.array([5.6, 2.1, -2.5, -2.3, 4.5, -2.7, 3.4, -3.1])


def choose(portraits: Values) -> Values:
    """The weight of each candidate [shape=(n,)], summing to 1, of their portraits [shape=(n, 8)]."""
    score = portraits @ PORTRAIT_WEIGHTS
    weight = np.exp(score - score.max())
    return np.asarray(weight / weight.sum())
