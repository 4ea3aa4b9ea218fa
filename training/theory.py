"""Chords, progressions, voicings and melodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.score import Random

QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "M7": (0, 4, 7, 11),
    "d": (0, 3, 6),
    "d7": (0, 3, 6, 9),
    "h7": (0, 3, 6, 10),
    "5": (0, 7, 12),
    "s": (0, 5, 7),
    "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "a": (0, 4, 8),
    "13": (0, 4, 10, 14, 21),
    "M9": (0, 4, 7, 11, 14),
}
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "majpent": (0, 2, 4, 7, 9),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}
#: Progressions: scale, then chords as semitones above the tonic with a quality; `|` parts bars.
PROGRESSIONS: dict[str, tuple[str, ...]] = {
    "pop": (
        "major: 0|7|9m|5",
        "major: 9m|5|0|7",
        "major: 0|9m|5|7",
        "major: 5|7|0|9m",
        "major: 0|5|9m|7",
        "major: 0|4m|5|7",
        "minor: 0m|8|3|10",
        "minor: 0m|5m|8|10",
        "major: 0|2m7|5|7s 7",
        "major: 0 7|9m 5",
        "major: 0|0|5|5|9m|9m|7|7",
        "minor: 0m|10|8|7",
        "major: 5M7|7|4m7|9m7",
        "major: 0|7|2m|5|0|7|5|7",
    ),
    "rock": (
        "mixolydian: 0|10|5|0",
        "major: 0|5|7|5",
        "minor: 0m|10|8|10",
        "major: 0|0|5|7",
        "minor: 0m|3|10|5",
        "mixolydian: 0|0|10|5",
        "major: 0|9m|5|7",
        "minor: 0m|8|10|0m",
        "pentatonic: 0|3|5|0",
        "major: 0 5|7 5",
        "minor: 0m 10|8 10",
    ),
    "metal": (
        "phrygian: 0|0|1|0",
        "minor: 0|0|8|10",
        "phrygian: 0|1|0|10",
        "harmonic: 0|8|7|0",
        "minor: 0|3|10|8",
        "phrygian: 0|0|0|1 3",
        "minor: 0|6|5|3",
        "minor: 0|0|0|0|8|8|10|10",
        "minor: 0|5|8|7",
    ),
    "blues": (
        "blues: 07|07|07|07|57|57|07|07|77|57|07|77",
        "blues: 07|57|07|07|57|57|07|07|77|57|07 57|07 77",
        "blues: 0m7|0m7|0m7|0m7|5m7|5m7|0m7|0m7|87|77|0m7|77",
        "blues: 07|07|57|07|77|57|07|77",
    ),
    "jazz": (
        "major: 2m7|77|0M7|9m7",
        "major: 0M7 9m7|2m7 77",
        "major: 0M7|27|2m7|77",
        "minor: 0m7|2h7|77|0m7",
        "major: 4m7|97|2m7|77",
        "major: 2m7|77|0M7|0M7|2m7|77|0M7|97",
        "dorian: 0m7|0m7|5m7|5m7",
        "major: 0M7|0d7|2m7|77",
        "major: 5M7|5m6|0M7|97 2m7|77",
        "minor: 5m7|107|3M7|8M7|2h7|77|0m6|0m6",
    ),
    "folk": (
        "major: 0|0|5|7",
        "major: 0|5|0|7",
        "mixolydian: 0|10|0|10",
        "dorian: 0m|10|0m|7m",
        "major: 0|7|7|0",
        "major: 0|9m|5|7|0|5|0 7|0",
        "dorian: 0m|0m|10|10|3|10|0m|0m",
        "major: 0|0|7|7|7|7|0|0",
    ),
    "classical": (
        "major: 0|7|0|7",
        "major: 0|57 0|2m 7|0",
        "minor: 0m|7|0m|7",
        "major: 0|5|7|0",
        "major: 0|9m|2m|7",
        "minor: 0m|5m|7|0m",
        "major: 0 7|9m 4m|5 0|5 7",
        "minor: 0m|2d|7|0m|8|5m|7|0m",
        "major: 0|0|77|77|77|77|0|0",
        "major: 0|2|7|7|2m|7|0|0",
        "minor: 0m 5m|10 3|8 2d|7 0m",
    ),
    "modal": (
        "dorian: 0m7|5",
        "dorian: 0m9|0m9|5|5",
        "minor: 0m7|8M7",
        "phrygian: 0m|1",
        "minor: 0m|0m|0m|10",
        "minor: 0m|0m|8|10",
        "dorian: 0m7|0m7|0m7|0m7",
        "minor: 0m9|5m9|8M7|10",
    ),
    "trance": (
        "minor: 0m|8|3|10",
        "minor: 0m|0m|8|10",
        "minor: 8|10|0m|0m",
        "phrygian: 0m|0m|0m|1",
        "minor: 0m|0m|0m|0m",
        "minor: 0m|5m|8|10",
    ),
    "latin": (
        "minor: 0m7|5m7|77|0m7",
        "major: 0|5|7|5",
        "minor: 0m|10|8|7",
        "major: 0M7|97|2m7|77",
        "dorian: 0m7|57",
        "major: 0M7|0M7|27|27|2m7|17|0M7|17",
        "minor: 0m|77|77|0m",
    ),
    "reggae": ("major: 0|5", "minor: 0m|10", "major: 0|7|9m|5", "minor: 0m|0m|5m|5m", "major: 0|2m", "minor: 0m|8 10"),
    "western": (
        "minor: 0m|10|8|10",
        "minor: 0m|0m|3|10|0m|8|10|0m",
        "major: 0|5|0|7",
        "major: 0|10|5|0",
        "minor: 0m|5|0m|10",
        "major: 0|0|5|0|7|5|0|7",
    ),
}


@dataclass(frozen=True)
class Chord:
    """A chord in a key: absolute root (pitch class), intervals above it, and the scale it stands in."""

    root: int
    intervals: tuple[int, ...]
    scale: tuple[int, ...]

    def tones(self) -> tuple[int, ...]:
        return tuple((self.root + i) % 12 for i in self.intervals)


def parse(text: str, key: int) -> tuple[str, list[list[Chord]]]:
    """A progression's scale name and its bars, each a list of chords that share the bar equally."""
    name, _, body = text.partition(": ")
    scale = tuple((key + s) % 12 for s in SCALES[name])
    bars = []
    for cell in body.split("|"):
        chords = []
        for word in cell.split():
            # The root takes two digits only where they are 10 or 11, so that "77" is a seventh on the fifth.
            size = 2 if word[:2] in ("10", "11") else 1
            chords.append(Chord((key + int(word[:size])) % 12, QUALITIES[word[size:]], scale))
        bars.append(chords)
    return name, bars


def nearest(pitch: float, classes: Sequence[int]) -> int:
    """The pitch nearest to `pitch` whose class is one of `classes`."""
    base = round(pitch)
    for distance in range(7):
        for candidate in (base + distance, base - distance):
            if candidate % 12 in classes:
                return candidate
    return base


def voicing(chord: Chord, centre: float, size: int, before: Sequence[int] | None = None) -> list[int]:
    """`size` chord tones around `centre`, near the voicing before."""
    tones = list(chord.tones())
    if len(tones) > size:  # the fifth may go first, then the root
        tones = [t for i, t in enumerate(tones) if i != 2][:size] if size >= 3 else tones[:size]
    if before and len(before) == size:
        voices: list[int] = []
        for pitch in before:
            free = [t for t in tones if t not in {v % 12 for v in voices}] or tones
            voices.append(nearest(pitch + 0.15 * (centre - pitch), free))
        return sorted(voices)
    low = centre - 2.2 * size
    out = []
    pitch = nearest(low, tones)
    while len(out) < size:
        out.append(pitch)
        pitch = next(p for p in range(pitch + 3, pitch + 16) if p % 12 in tones)
    return out


def rhythm(rng: Random, beats: int, sub: int, density: float, syncopation: float) -> list[tuple[float, float]]:
    """Onsets and lengths of a melodic cell of `beats` beats.

    `sub` is 2 or 4 (duple) or 3 (compound). Density 0-1; syncopation 0 puts notes on beats, 1 mostly beside them.
    """
    step = 1.0 / sub
    onsets = []
    for i in range(beats * sub):
        place = i % sub
        if place == 0:
            weight = (0.95 if (i // sub) % 2 == 0 else 0.75) * (1 - 0.75 * syncopation)
        elif sub == 4 and place in (1, 3):
            weight = 0.3 * (0.4 + syncopation)
        else:
            weight = 0.6 * (0.6 + 0.8 * syncopation)
        if rng.random() < weight * (0.35 + 1.1 * density):
            onsets.append(i * step)
    if not onsets:
        onsets = [0.0 if syncopation < 0.5 else step]
    ends = [*onsets[1:], float(beats)]
    out = []
    for start, stop in zip(onsets, ends, strict=True):
        length = stop - start
        if length > 1.0 and rng.random() < 0.4:
            length = float(rng.choice([0.5, 1.0])) if sub != 3 else 1.0
        out.append((start, length * (0.95 if rng.random() < 0.7 else 0.55)))
    return out


def phrase(
    rng: Random,
    bars: int,
    beats: int,
    sub: int,
    density: float,
    syncopation: float,
) -> list[tuple[float, float, float]]:
    """A theme of `bars` bars as (onset, length, contour step): cells that come back, an open and a closed ending."""
    span = int(rng.choice([1, 2])) if beats >= 3 else 2
    span = min(span, bars)
    cells = {
        name: [
            (
                s,
                d,
                float(rng.choice([-2, -1, -1, 0, 1, 1, 2, 3, -3], p=[0.1, 0.2, 0.1, 0.15, 0.1, 0.15, 0.1, 0.05, 0.05])),
            )
            for s, d in rhythm(rng, beats * span, sub, density, syncopation)
        ]
        for name in "abc"
    }
    plan = str(rng.choice(["aaab", "abac", "aabb", "abab", "aabc", "abcb"]))
    out: list[tuple[float, float, float]] = []
    count = max(1, bars // span)
    for i in range(count):
        cell = cells[plan[i % 4]]
        offset = i * span * beats
        closing = i == count - 1 or (i % 4 == 3 and rng.random() < 0.6)
        for start, length, move in cell:
            if closing and start > beats * (span - 1) + 0.5 * beats:
                continue
            out.append((offset + start, length, move))
        if closing and rng.random() < 0.7 and out:
            start, _, move = out[-1]
            out[-1] = (start, max(0.5, offset + beats * span - start - float(rng.choice([0, 0.5, 1]))), move)
    return out


#: Rhythms of a beat or two with their weights; negative lengths are rests.
CELLS: dict[int, tuple[tuple[tuple[float, ...], float], ...]] = {
    2: (
        ((1.0,), 3.0),
        ((0.5, 0.5), 3.0),
        ((0.75, 0.25), 1.3),
        ((0.25,) * 4, 1.0),
        ((0.5, 0.25, 0.25), 0.9),
        ((0.25, 0.25, 0.5), 0.6),
        ((1 / 3,) * 3, 0.4),
        ((1.5, 0.5), 1.3),
        ((2.0,), 1.3),
        ((0.5, 1.0, 0.5), 0.6),
        ((-1.0,), 0.5),
        ((-0.5, 0.5), 0.7),
        ((1.75, 0.25), 0.4),
    ),
    3: (
        ((1.0,), 2.0),
        ((1 / 3,) * 3, 3.0),
        ((2 / 3, 1 / 3), 3.0),
        ((0.5, 1 / 6, 1 / 3), 0.8),
        ((1 / 6,) * 6, 0.6),
        ((2.0,), 1.0),
        ((-1 / 3, 1 / 3, 1 / 3), 0.6),
        ((1 + 2 / 3, 1 / 3), 0.8),
        ((-1.0,), 0.4),
    ),
}


def celled(rng: Random, bars: int, beats: int, sub: int) -> list[tuple[float, float, float]]:
    """A classical theme: a few rhythmic cells that come back, and a long note at the end."""
    pool = CELLS[3 if sub == 3 else 2]
    weights = np.array([w for _, w in pool]) * rng.exponential(1.0, len(pool))  # each theme likes some of them
    weights /= weights.sum()
    lines = []
    for _ in range(3):
        line: list[float] = []
        while (filled := sum(abs(x) for x in line)) < beats - 1e-6:
            cell = pool[int(rng.choice(len(pool), p=weights))][0]
            if filled + sum(abs(x) for x in cell) <= beats + 1e-6:
                line += cell
            elif rng.random() < 0.2:
                line.append(1.0)
        lines.append(line)
    plan = str(rng.choice(["aaba", "abab", "aabc", "abac", "abcb", "aaaa"]))
    out: list[tuple[float, float, float]] = []
    for bar in range(bars):
        at = float(bar * beats)
        if bar == bars - 1 and rng.random() < 0.75:
            out.append((at, beats * float(rng.choice([0.5, 0.75, 1.0])), 0.0))
            break
        for length in lines["abc".index(plan[bar % 4])]:
            if length > 0:
                out.append((at, 0.92 * length, float(rng.choice([-2, -1, -1, 0, 1, 1, 1, 2]))))
            at += abs(length)
    return out or [(0.0, float(beats), 0.0)]


def sung(
    rng: Random,
    theme: Sequence[tuple[float, float, float]],
    chord_at,
    low: int,
    high: int,
    ornament: float = 0.0,
) -> list[tuple[float, float, int]]:
    """Pitches for a theme: steps in the scale, chord tones where it matters, within a range."""
    middle = 0.5 * (low + high)
    pitch = float(nearest(middle, chord_at(0.0).tones()))
    out: list[tuple[float, float, int]] = []
    for start, length, move in theme:
        chord = chord_at(start)
        target = pitch + 1.8 * move
        if target > high or target < low:
            target = pitch - 1.8 * move
        target += 0.08 * (middle - target)
        strong = abs(start - round(start)) < 1e-3 or length >= 1.0
        pitch = nearest(target, chord.tones() if strong and rng.random() < 0.8 else chord.scale)
        if ornament and length >= 0.75 and rng.random() < ornament:
            upper = next(p for p in range(int(pitch) + 1, int(pitch) + 4) if p % 12 in chord.scale or p == pitch + 3)
            out += [(start, 0.125, upper), (start + 0.125, length - 0.125, int(pitch))]
        else:
            out.append((start, length, int(pitch)))
    return out


def random_progression(rng: Random, family: str, key: int) -> tuple[str, list[list[Chord]]]:
    texts = PROGRESSIONS[family]
    return parse(texts[int(rng.integers(len(texts)))], key)


def chord_track(
    bars: Sequence[Sequence[Chord]],
    starts: Sequence[int],
    sizes: Sequence[int],
) -> list[tuple[float, float, Chord]]:
    """(start, stop, chord) in beats for bars that start at `starts` and have `sizes` beats."""
    out = []
    for chords, start, size in zip(bars, starts, sizes, strict=True):
        edges = np.round(np.linspace(0, size, len(chords) + 1))
        out += [(start + float(a), start + float(b), c) for a, b, c in zip(edges, edges[1:], chords, strict=False)]
    return out
