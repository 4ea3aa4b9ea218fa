"""One piece of music, speech or noise with its truth, made from a seed.

`python -m training.pieces --seed 5 --out x.wav --clicks` writes one to listen to.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.arrange import arrange
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
    for first, last in zip(edges, edges[1:], strict=False):
        start, stop = float(line.starts[first]), float(line.starts[last - 1] + line.durations[last - 1])
        stop = min(stop, limit)
        if np.count_nonzero((beats >= start - 1e-6) & (beats < stop)) >= 2:
            out.append((start, stop))
    return tuple(out)


def compose(rng: np.random.Generator, style: Style, seconds: float) -> Score:
    return arrange(rng, style, seconds)


def chosen_style(rng: np.random.Generator) -> Style:
    names = list(STYLES)
    weights = np.array([STYLES[n].weight for n in names])
    return STYLES[names[int(rng.choice(len(names), p=weights / weights.sum()))]]


def piece(seed: int, *, seconds: float = 60.0, split: str = "train", style: str = "") -> Piece:
    """The piece of a seed: the same for the same seed, length, split and style.

    `split` "test" draws from other random numbers than "train". A style's name makes it one of that style.
    """
    if split not in ("train", "test"):
        raise ValueError(f'split is {split!r}; it is "train" or "test"')
    rng = np.random.default_rng([seed, 7 if split == "train" else 11])
    chosen = STYLES[style] if style else chosen_style(rng)
    score = compose(rng, chosen, seconds)
    length = min(seconds, score.timeline.end + 0.8)
    samples, made = render(score, chosen, rng, RATE, length)
    beats, positions = score.beats()
    keep = beats < length - 0.02
    beats, positions = beats[keep], positions[keep]
    line = score.timeline
    starts = line.at(np.array([score.bars[s.first].start for s in score.sections], dtype=float))
    ends = np.append(starts[1:], line.end)
    sections = tuple((float(a), float(min(b, length)), s.label) for a, b, s in zip(starts, ends, score.sections, strict=True)
                     if a < length - 0.5)
    tempo = float(60.0 / np.median(line.durations))
    return Piece(samples, RATE, beats, positions, sections, tempo, spans(score, beats, length), chosen.name, seed,
                 {**score.meta, **made, "split": split})


def clicked(made: Piece) -> np.ndarray:
    """The piece with clicks on its beats, higher on downbeats."""
    out = 0.6 * made.samples.copy()
    t = np.arange(round(0.03 * made.rate)) / made.rate
    for time, position in zip(made.beats, made.positions, strict=True):
        click = 0.4 * np.sin(2 * np.pi * (1760 if position == 1 else 1175) * t) * np.exp(-t / 0.008)
        at = round(float(time) * made.rate)
        size = min(len(click), len(out) - at)
        if size > 0:
            out[at:at + size] += click[:size]
    return out


def main() -> None:
    from scipy.io import wavfile

    parser = argparse.ArgumentParser(description="Write one generated piece to listen to.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--split", choices=("train", "test"), default="train")
    parser.add_argument("--style", choices=["", *STYLES], default="")
    parser.add_argument("--out", required=True)
    parser.add_argument("--clicks", action="store_true", help="with clicks on the beats")
    given = parser.parse_args()
    made = piece(given.seed, seconds=given.seconds, split=given.split, style=given.style)
    samples = clicked(made) if given.clicks else made.samples
    wavfile.write(given.out, made.rate, np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16))
    print(f"{given.out}: {made.style}, {made.tempo:.1f} BPM, {len(made.beats)} beats, {len(made.sections)} sections, {dict(made.meta)}")


if __name__ == "__main__":
    main()
