"""The sections of a song: where they begin, which of them are the same material, how full and loud they are.

Conventions: borders come from :mod:`lib_music.analysis.borders`; letters in order of appearance, the same letter is the
same material; energy is relative to the song's fullest section.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from lib_music.analysis import borders as lines
from lib_music.analysis import roles, units
from lib_music.analysis.bars import means_between
from lib_music.analysis.borders import Material, Matrix, usual_length
from lib_music.analysis.features import RATE, SILENCE, Features
from lib_music.analysis.types import Beats, Floats, Ints, Sections, Times

MIN_SECONDS = units.MIN_SECONDS
# Distance under which two sections are the same material; how many usual lengths a joined one may have.
SAME_MATERIAL, JOINED = 0.12, 2.1


def find_sections(features: Features, bands: Floats, beats: Beats, duration: float) -> Sections:
    """Sections with labels, roles and energy; a silent song is one section.

    Parameters
    ----------
    features : Features
    bands : [shape=(m, b)]
        Onset strength as it is, not locally scaled: how busy a section is belongs to it.
    beats : Beats
    duration : float
        Seconds.
    """
    if features.level.max() < SILENCE:
        nothing = np.zeros(1, np.float32)
        return Sections(np.array([[0.0, duration]]), ("A",), ("break",), nothing, nothing)
    material = lines.describe(features, beats.downbeats, duration)
    cuts = lines.find_borders(material)
    cuts, labels = merge_alike(material, cuts, name_sections(material, cuts))
    edges = material.edges[cuts]
    busy = _energy(features, bands, np.round(material.edges * RATE).astype(np.int64))
    level = np.array([busy[a:b].mean() for a, b in pairwise(cuts)])
    energy = level / max(float(level.max()), 1e-9)
    rise = np.zeros(len(labels))
    for i, (a, b) in enumerate(pairwise(cuts)):
        quarter = max(1, (b - a) // 4)
        rise[i] = busy[b - quarter : b].mean() - busy[a : a + quarter].mean()
    frames = np.round(edges * RATE).astype(np.int64)
    bass = means_between(10 ** (features.mel[:, :4].astype(np.float32) / 20), frames).mean(axis=1)
    traits = roles.Traits(labels, np.diff(edges), energy, rise, bass.astype(np.float64))
    sure = lines.border_confidence(lines.evidence(material, cuts, bar_confidence(beats, edges[1:-1])))
    confidence = np.concatenate([[1.0], sure])  # a song begins where it begins
    return Sections(np.stack([edges[:-1], edges[1:]], axis=1), labels, roles.find_roles(traits),
                    energy.astype(np.float32), confidence.astype(np.float32))


def bar_confidence(beats: Beats, times: Times) -> Floats:
    """How surely the bar lines around ``times`` s are where they are [shape=(k,)] in [0, 1]; 0 without beats."""
    if not beats.times.size:
        return np.zeros(times.size, np.float32)
    near = [beats.downbeat_confidence[np.abs(beats.times - t) < 5.0] for t in times]
    return np.array([part.mean() if part.size else 0.0 for part in near], np.float32)


def _energy(features: Features, bands: Floats, edges: Ints) -> Matrix:
    """How full, loud, deep and busy each unit is, as one number in [0, 1] [shape=(n,)].

    Full is the mean over mel bands, which favours what fills the spectrum over what is only loud in the bass.
    Amplitudes count to the power 0.6, as loudness grows (Stevens); attacks count as they are.
    """
    mel = means_between(features.mel, edges).astype(np.float64)
    mel = np.maximum(mel, mel.max() - 70.0)
    full = (10 ** (mel / 20)).mean(axis=1) ** 0.6
    loud = means_between(features.level[:, None], edges)[:, 0].astype(np.float64) ** 0.6
    deep = np.sqrt((10 ** (mel[:, :4] / 10)).mean(axis=1)) ** 0.6
    busy = means_between(bands, edges).mean(axis=1).astype(np.float64)
    parts = ((0.4, full), (0.15, loud), (0.15, deep), (0.3, busy))
    total = np.zeros(full.size)
    for weight, part in parts:
        total += weight * part / max(float(np.percentile(part, 95)), 1e-9)
    return np.clip(total, 0, 1)


def name_sections(material: Material, cuts: Ints) -> tuple[str, ...]:
    """Letters of sections by what their units sound like on the whole."""
    means = np.array([material.rows[a:b].mean(axis=0) for a, b in pairwise(cuts)])
    square = (means**2).sum(axis=1)
    return name_by(np.maximum(square[:, None] + square - 2 * means @ means.T, 0))


def name_by(apart: Matrix, same: float = SAME_MATERIAL) -> tuple[str, ...]:
    """Letters in order of appearance by average-linkage clustering [shape=(n, n)] -> n letters.

    The closest two groups are joined (Lance & Williams 1967) until they are further apart than ``same``.
    """
    n = len(apart)
    gap = apart.astype(np.float64)
    np.fill_diagonal(gap, np.inf)
    size, group = np.ones(n), np.arange(n)
    while n > 1:
        x, y = sorted(np.unravel_index(int(gap.argmin()), gap.shape))
        if not gap[x, y] <= same:
            break
        gap[x] = (size[x] * gap[x] + size[y] * gap[y]) / (size[x] + size[y])
        gap[:, x] = gap[x]
        gap[x, x] = np.inf
        gap[y] = gap[:, y] = np.inf
        size[x] += size[y]
        group[group == group[y]] = group[x]
    order: dict[int, str] = {}
    return tuple(order.setdefault(int(g), letters(len(order))) for g in group)


def letters(number: int) -> str:
    """A, B, ... Z, AA, AB, ... for 0, 1, ..."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def merge_alike(material: Material, cuts: Ints, labels: tuple[str, ...]) -> tuple[Ints, tuple[str, ...]]:
    """Join neighbours of the same material while both together are no longer than two usual sections, or if the border
    between them is less likely than not."""
    usual = usual_length(float(material.edges[-1]))
    kept, names = [int(cuts[0])], [labels[0]]
    for i in range(1, len(labels)):
        seconds = material.edges[cuts[i + 1]] - material.edges[kept[-1]]
        if labels[i] == names[-1] and (seconds <= JOINED * usual or material.likely[cuts[i]] < 0):
            continue
        kept.append(int(cuts[i]))
        names.append(labels[i])
    return np.array([*kept, int(cuts[-1])]), tuple(names)


def distances(rows: Matrix) -> Matrix:
    """Squared distances between rows, scaled to a mean of 1 [shape=(n, n)]."""
    rows = rows - rows.mean(axis=0)
    square = (rows**2).sum(axis=1)
    distance = np.maximum(square[:, None] + square[None] - 2 * rows @ rows.T, 0)
    np.fill_diagonal(distance, 0)
    mean = distance.mean()
    return np.asarray(distance / mean if mean > 1e-9 else np.zeros_like(distance))
