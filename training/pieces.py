"""One piece of music, speech or noise with its truth, made from a seed.

`python -m training.pieces --seed 5 --out x.wav --clicks` writes one to listen to.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from training import chamber, negatives
from training.arrange import arrange
from training.augment import augment
from training.render.mix import render
from training.score import Score
from training.styles import STYLES, Style

RATE = 22050


@dataclass(frozen=True, eq=False)
class Piece:
    """Sound with exact truth.

    Parameters
    ----------
    samples:
        Mono float32 sound at `rate` samples a second.
    beats, positions:
        Times of the beats in seconds, strictly increasing, and where each stands in its bar (1 is the downbeat).
    sections:
        (start, end, label) in seconds, one after another; the same material has the same label.
    tempo:
        Median tempo in beats a minute; 0 where there is no beat.
    beat_spans:
        (start, end) in seconds where a beat is present at all.
    """

    samples: np.ndarray
    rate: int
    beats: np.ndarray
    positions: np.ndarray
    sections: tuple[tuple[float, float, str], ...]
    tempo: float
    beat_spans: tuple[tuple[float, float], ...]
    style: str
    seed: int
    meta: Mapping[str, object]


def spans(score: Score, beats: np.ndarray, limit: float) -> tuple[tuple[float, float], ...]:
    """Stretches between silences that have beats."""
    line = score.timeline
    edges = [0, *sorted(line.gaps), len(line.durations)]
    out = []
    for first, last in itertools.pairwise(edges):
        start, stop = float(line.starts[first]), float(line.starts[last - 1] + line.durations[last - 1])
        stop = min(stop, limit)
        if np.count_nonzero((beats >= start - 1e-6) & (beats < stop)) >= 2:
            out.append((start, stop))
    return tuple(out)


#: How chamber music is mixed: as it is.
CHAMBER = Style("chamber", 0.0, (50, 150), own=0.2, loud=(0.4, 1.6))
#: Shares of arranged music, chamber music, music between sounds without a beat, and such sounds alone.
SHARES = {"arranged": 0.665, "chamber": 0.21, "joined": 0.035, "negative": 0.09}


def _weighted(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    values = np.array(list(weights.values()), dtype=float)
    return list(weights)[int(rng.choice(len(values), p=values / values.sum()))]


def styles() -> tuple[str, ...]:
    """Names of all styles, chamber music and sounds without a beat included."""
    return (*STYLES, *chamber.KINDS, *negatives.KINDS)


def _music(rng: np.random.Generator, name: str, seconds: float, seed: int) -> Piece:
    """A piece of music in a style, from its beginning."""
    style = STYLES.get(name, CHAMBER)
    score = arrange(rng, style, seconds) if name in STYLES else chamber.chamber(rng, name, seconds)
    length = min(seconds, score.timeline.end + 0.8)
    samples, made = render(score, style, rng, RATE, length)
    beats, positions = score.beats()
    keep = beats < length - 0.02
    beats, positions = beats[keep], positions[keep]
    line = score.timeline
    starts = line.at(np.array([score.bars[s.first].start for s in score.sections], dtype=float))
    ends = np.append(starts[1:], line.end)
    sections = tuple(
        (float(a), float(min(b, length)), s.label)
        for a, b, s in zip(starts, ends, score.sections, strict=True)
        if a < length - 0.5
    )
    tempo = float(60.0 / np.median(line.durations))
    return Piece(
        samples,
        RATE,
        beats,
        positions,
        sections,
        tempo,
        spans(score, beats, length),
        name,
        seed,
        {**score.meta, **made},
    )


def _beatless(rng: np.random.Generator, name: str, seconds: float, seed: int) -> Piece:
    samples = negatives.negative(rng, name, seconds, RATE)
    return Piece(
        samples, RATE, np.zeros(0), np.zeros(0, dtype=int), (), 0.0, (), name, seed, {"drums": False, "tempo": 0.0}
    )


def _moved(made: Piece, samples: np.ndarray, offset: float, factor: float, more: Mapping[str, object]) -> Piece:
    """The piece with other sound, its truth `offset` seconds later and then `factor` times as fast."""

    def when(t: float) -> float:
        return (t + offset) / factor

    return replace(
        made,
        samples=samples,
        beats=(made.beats + offset) / factor,
        tempo=made.tempo * factor,
        sections=tuple((when(a), when(b), label) for a, b, label in made.sections),
        beat_spans=tuple((when(a), when(b)) for a, b in made.beat_spans),
        meta={**made.meta, **more},
    )


def _joined(rng: np.random.Generator, name: str, seconds: float, seed: int) -> Piece:
    """Music after (and perhaps before) something without a beat, as on the radio."""
    before = float(rng.uniform(4.0, 0.35 * seconds)) if rng.random() < 0.8 else 0.0
    after = float(rng.uniform(4.0, 0.35 * seconds)) if rng.random() < 0.5 or not before else 0.0
    music = _music(rng, name, seconds - before - after, seed)
    parts = []
    for length in (before, after):
        kind = _weighted(rng, {**negatives.WEIGHTS, "speech": 1.0, "silence": 0.3})
        parts.append(
            float(rng.uniform(0.2, 0.8)) * negatives.negative(rng, kind, length, RATE)
            if length
            else np.zeros(0, np.float32)
        )
    return _moved(
        music, np.concatenate([parts[0], music.samples, parts[1]]).astype(np.float32), before, 1.0, {"joined": True}
    )


def piece(seed: int, *, seconds: float = 60.0, split: str = "train", style: str = "", augmented: bool = True) -> Piece:
    """The piece of a seed: always the same for the same arguments.

    `split` "test" draws other random numbers than "train". A style's name makes it one of that style;
    `augmented=False` leaves the sound as it was mixed.
    """
    if split not in ("train", "test"):
        raise ValueError(f'split is {split!r}; it is "train" or "test"')
    if style and style not in styles():
        raise ValueError(f"No style is called {style!r}; there are {', '.join(styles())}")
    rng = np.random.default_rng([seed, 7 if split == "train" else 11])
    share = _weighted(rng, SHARES)
    if not style:
        weights = {"chamber": chamber.WEIGHTS, "negative": negatives.WEIGHTS}.get(
            share, {n: s.weight for n, s in STYLES.items()}
        )
        style = _weighted(rng, weights)
    elif share != "joined" or style in negatives.KINDS:
        share = "negative" if style in negatives.KINDS else "music"
    make = {"joined": _joined, "negative": _beatless}.get(share, _music)
    made = make(rng, style, seconds, seed)
    if not augmented:
        return _moved(made, made.samples, 0.0, 1.0, {"split": split})
    samples, factor, steps = augment(made.samples, made.rate, rng)
    return _moved(made, samples, 0.0, factor, {"split": split, "augmentations": steps})


def clicked(made: Piece) -> np.ndarray:
    """The piece with clicks on its beats, higher on downbeats."""
    out = 0.6 * made.samples.copy()
    t = np.arange(round(0.03 * made.rate)) / made.rate
    for time, position in zip(made.beats, made.positions, strict=True):
        click = 0.4 * np.sin(2 * np.pi * (1760 if position == 1 else 1175) * t) * np.exp(-t / 0.008)
        at = round(float(time) * made.rate)
        size = min(len(click), len(out) - at)
        if size > 0:
            out[at : at + size] += click[:size]
    return out


def main() -> None:
    from scipy.io import wavfile

    parser = argparse.ArgumentParser(description="Write one generated piece to listen to.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--split", choices=("train", "test"), default="train")
    parser.add_argument("--style", choices=["", *styles()], default="")
    parser.add_argument("--out", required=True)
    parser.add_argument("--clicks", action="store_true", help="with clicks on the beats")
    given = parser.parse_args()
    made = piece(given.seed, seconds=given.seconds, split=given.split, style=given.style)
    samples = clicked(made) if given.clicks else made.samples
    wavfile.write(given.out, made.rate, np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16))
    print(
        f"{given.out}: {made.style}, {made.tempo:.1f} BPM, {len(made.beats)} beats, {len(made.sections)} sections, "
        f"{dict(made.meta)}"
    )


if __name__ == "__main__":
    main()
