"""Learns how likely a bar line is the beginning of a section: ``python -m training.borders FOLDER ... --held FOLDER``.

The folders hold pieces as :mod:`training.dataset` keeps them, and ``--demos`` adds songs by the demo's composer, whose
sections are short and plainly orchestrated; of every piece its true bars are learned from, and of every second also
the bars that are heard, whole and as a clip of some seconds, for people render clips too. What was learned is written
to ``lib_music/analysis/weights/borders.npz``, with how often a border of given evidence was right in the unseen pieces
of ``--held``, with the bars heard there.

Conventions: neighbouring sections of the same letter are one section, whose repeats the network learns as a second
answer beside borders; the bar line nearest to a true border is one, if it is less than about half a bar away; a border
that was found is right within half a second.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from lib_music.analysis import beats, borders, network, units
from lib_music.analysis.confidence import monotone
from lib_music.analysis.features import FINE_FLOOR_DB, FINE_STEP_DB, RATE, Features, extract
from lib_music.analysis.sections import bar_confidence, merge_alike, name_sections
from lib_music.analysis.traits import traits
from lib_music.analysis.types import Beats
from lib_music.audio import open_audio
from lib_music.demo import compose as demo
from training import dataset

WITHIN, NEAREST, BARS = 0.5, 0.5, 0.55
WIDTH, DILATIONS, DROPPED = 32, (1, 2, 4, 8), 0.3
EPOCHS, BATCH, RATE_OF_LEARNING, DECAY = 15, 16, 3e-3, 1e-2
RIDGE, STEPS = 3.0, 60
# Seconds of the clips; a piece is cut that is so many times as long.
CLIP, CUT = (14.0, 45.0), 1.2
# What a section of the demo's composer is followed by, how many bars it has and how likely that is.
FOLLOWS = {
    "": ("intro", "verse", "break"), "intro": ("verse", "build", "chorus"), "verse": ("chorus", "build", "break"),
    "build": ("drop", "chorus"), "chorus": ("verse", "break", "drop", "outro"),
    "drop": ("break", "chorus", "verse", "outro"), "break": ("build", "chorus", "drop", "verse"),
}
FIRST_DEMO = 5000  # no demo and no test is of these seeds
BARS_EACH, CHANCES = (4, 8, 16), (0.5, 0.42, 0.08)


@dataclass(frozen=True, eq=False)
class Known:
    """A piece's features, bars and true sections (start, end, letter) in seconds."""

    features: Features
    downbeats: np.ndarray
    sections: tuple[tuple[float, float, str], ...]
    duration: float

    @property
    def truth(self) -> np.ndarray:
        """Where a letter follows another [shape=(k,)] s."""
        starts = [b[0] for a, b in pairwise(self.sections) if a[2] != b[2]]
        return np.array([t for t in starts if t < self.duration - 1])


@dataclass(frozen=True, eq=False)
class Lesson:
    """A piece as the network meets it, one row per edge."""

    traits: np.ndarray
    border: np.ndarray
    repeat: np.ndarray
    counts: np.ndarray


def known(folder: Path) -> Iterator[Known]:
    """The pieces of a folder that have beats and sections."""
    for path in sorted(folder.glob("[0-9]*.npz")):
        item = dataset.load(path)
        if item.truth.beats.size < 8 or not item.truth.sections:
            continue
        loudest = FINE_FLOOR_DB + FINE_STEP_DB * item.fine.max(axis=1).astype(np.float32)
        features = dataset.features(item)
        object.__setattr__(features, "level", (10 ** (loudest / 20)).astype(np.float32))
        downbeats = item.truth.beats[item.truth.positions == 1]
        yield Known(features, downbeats, item.truth.sections, item.fine.shape[0] / RATE)


def heard(one: Known) -> Beats:
    """Its beats, as the product hears them."""
    onset = units.rises(one.features.fine).mean(axis=1)
    return beats.find_beats(network.listen(one.features), onset, one.features.level, one.duration)[0]


def demos(first: int, count: int) -> Iterator[Known]:
    """Songs by the demo's composer, in three and four at 70 to 175 BPM, of 16 s to some minutes."""
    for seed in range(first, first + count):
        rng = np.random.default_rng([5, seed])
        bpm, beats_per_bar = float(rng.uniform(70, 175)), int(rng.choice([4, 4, 4, 4, 3]))
        song = demo.compose(seed, bpm=bpm, plan=_plan(rng, 60 * beats_per_bar / bpm), beats_per_bar=beats_per_bar)
        with tempfile.TemporaryDirectory() as folder:
            audio = open_audio(demo.write(song, Path(folder) / "song.wav"))
            features = extract(audio)
        sections = tuple((section.start, section.end, section.name) for section in song.sections)
        yield Known(features, song.downbeats[:-1], sections, audio.duration)


def _plan(rng: np.random.Generator, bar: float) -> tuple[tuple[str, int], ...]:
    """Sections and their numbers of bars, each of ``bar`` seconds."""
    wanted, seconds, plan = rng.uniform(16, 150), 0.0, [("", 0)]
    while seconds < wanted and plan[-1][0] != "outro":
        bars = int(rng.choice(BARS_EACH, p=CHANCES))
        bars *= 1 if bars * bar > units.MIN_SECONDS else 2
        plan.append((str(rng.choice(FOLLOWS[plan[-1][0]])), bars))
        seconds += bars * bar
    return tuple(plan[1:]) if len(plan) > 2 else (("verse", 8), ("chorus", 8))


def lessons_of(one: Known, downbeats: np.ndarray, rng: np.random.Generator | None = None) -> Iterator[Lesson]:
    """What is to be learned from a piece with bars that begin at ``downbeats``, a span at a time; and, with ``rng``,
    from a clip of it."""
    edges, firm = units.unit_edges(downbeats, one.duration, units.silences(one.features.level))
    counts = firm & (edges <= units.music_ends(one.features.level) - units.MIN_SECONDS)
    counts[[0, -1]] = False
    if edges.size < 4 or not counts.any():
        return
    places, marks = np.flatnonzero(counts), np.zeros((2, edges.size), bool)
    close = max(NEAREST, BARS * float(np.median(np.diff(edges))))
    for before, after in pairwise(one.sections):
        nearest = places[np.abs(edges[places] - after[0]).argmin()]
        if abs(edges[nearest] - after[0]) < close:
            marks[int(before[2] == after[2]), nearest] = True
    sound = units.sampled(one.features, edges, firm)
    clips = [] if rng is None else clip(edges, rng)
    for first, last in [*borders.spans(edges), *clips]:
        span = slice(first, last + 1)
        if counts[span][1:-1].any():
            yield Lesson(traits(sound.part(first, last)), marks[0][span], (marks[1] & ~marks[0])[span], counts[span])


def clip(edges: np.ndarray, rng: np.random.Generator) -> list[tuple[int, int]]:
    """First and last edge of a clip somewhere in a piece, or nothing where that is short itself."""
    seconds = rng.uniform(*CLIP)
    if edges[-1] < CUT * seconds:
        return []
    first = int(rng.integers(0, np.searchsorted(edges, edges[-1] - seconds) + 1))
    last = min(int(np.searchsorted(edges, edges[first] + seconds)), edges.size - 1)
    return [(first, last)] if last - first > 4 else []


def lessons(pieces: Iterable[Known], seed: int = 0) -> Iterator[Lesson]:
    """What is to be learned from all pieces."""
    rng = np.random.default_rng(seed)
    for number, one in enumerate(pieces):
        ways = [one.downbeats] if number % 2 else [one.downbeats, heard(one).downbeats]
        for downbeats in ways:
            yield from lessons_of(one, downbeats, rng)


def learn(pieces: Sequence[Lesson], epochs: int = EPOCHS, seed: int = 0) -> dict[str, np.ndarray]:
    """The network of :class:`borders.Judge`, trained.

    Parameters
    ----------
    pieces : sequence of Lesson, at least BATCH
    """
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)
    every = np.concatenate([piece.traits for piece in pieces])
    centre, spread = every.mean(axis=0), every.std(axis=0) + 1e-3
    net = _net(every.shape[1])
    steps = epochs * (len(pieces) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE_OF_LEARNING, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE_OF_LEARNING, total_steps=steps + 1)
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        order, losses = rng.permutation(len(pieces)), []
        for first in range(0, len(order) - BATCH + 1, BATCH):
            x, there, wanted, counts = _batch([pieces[i] for i in order[first : first + BATCH]], centre, spread)
            loss = functional.binary_cross_entropy_with_logits(net(x, there), wanted, reduction="none").sum(dim=2)
            loss = (loss * counts).sum() / counts.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {epochs}: {np.mean(losses):.4f}", flush=True)
    return _weights(net) | {"centre": centre, "spread": spread}


def _batch(pieces: Sequence[Lesson], centre: np.ndarray, spread: np.ndarray):
    """Traits, where there are any, what is wanted and what counts, as tensors [shape=(pieces, edges, ...)]."""
    import torch

    longest, width = max(len(piece.traits) for piece in pieces), centre.size
    x = np.zeros((len(pieces), longest, width), np.float32)
    there, counts = (np.zeros((len(pieces), longest), np.float32) for _ in range(2))
    wanted = np.zeros((len(pieces), longest, 2), np.float32)
    for k, piece in enumerate(pieces):
        n = len(piece.traits)
        x[k, :n] = np.clip((piece.traits - centre) / spread, -borders.FARTHEST, borders.FARTHEST)
        there[k, :n], counts[k, :n] = 1, piece.counts
        wanted[k, :n, 0], wanted[k, :n, 1] = piece.border, piece.repeat
    return tuple(torch.from_numpy(values) for values in (x, there, wanted, counts))


def _net(width: int):
    """The network that :class:`borders.Judge` runs, for torch."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(width, WIDTH), nn.Linear(WIDTH, 2)
            self.body = nn.ModuleList([nn.Conv1d(WIDTH, WIDTH, 3, padding=d, dilation=d) for d in DILATIONS])

        def forward(self, x, there):
            hidden = torch.relu(self.first(functional.dropout(x, 0.1, self.training))) * there[..., None]
            hidden = hidden.transpose(1, 2)
            for layer in self.body:
                fresh = torch.relu(layer(functional.dropout(hidden, DROPPED, self.training)))
                hidden = (hidden + fresh) * there[:, None]
            return self.last(hidden.transpose(1, 2))

    return Net()


def _weights(net) -> dict[str, np.ndarray]:
    """The weights under the names by which :class:`borders.Judge` knows them."""
    arrays = {name: value.detach().numpy() for name, value in net.named_parameters()}
    out = {f"{name}.w": arrays[f"{name}.weight"].T for name in ("first", "last")}
    out |= {f"{name}.b": arrays[f"{name}.bias"] for name in ("first", "last")}
    for i in range(len(DILATIONS)):
        kernel = arrays[f"body.{i}.weight"].transpose(2, 1, 0)  # before, at and after the edge; in; out
        out |= {f"body{i}.w": kernel.reshape(-1, WIDTH), f"body{i}.b": arrays[f"body.{i}.bias"]}
    return out | {"dilations": np.array(DILATIONS)}


def fit(rows: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
    """Ridge logistic regression by Newton's method: weights for raw traits, and the bias."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    design = np.hstack([(rows - mean) / spread, np.ones((len(rows), 1))])
    weights = np.zeros(design.shape[1])
    ridge = np.append(np.full(rows.shape[1], RIDGE), 0.0)
    for _ in range(STEPS):
        odds = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (odds - right) + ridge * weights
        weights -= np.linalg.solve((design * (odds * (1 - odds))[:, None]).T @ design + np.diag(ridge), slope)
    return weights[:-1] / spread, float(weights[-1] - (weights[:-1] * mean / spread).sum())


def near(edges: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.abs(edges[:, None] - truth).min(axis=1) < WITHIN if truth.size else np.zeros(edges.size, bool)


def measure(one: Known) -> tuple[np.ndarray, np.ndarray]:
    """Evidence of the borders found with the bars that are heard, and whether each was right."""
    found = heard(one)
    material = borders.describe(one.features, found.downbeats, one.duration)
    cuts = borders.find_borders(material)
    cuts, _ = merge_alike(material, cuts, name_sections(material, cuts))
    inner = material.edges[cuts[1:-1]]
    return borders.evidence(material, cuts, bar_confidence(found, inner)), near(inner, one.truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--held", type=Path, nargs="+", required=True)
    parser.add_argument("--demos", type=int, default=190, help="songs by the demo's composer")
    given = parser.parse_args()
    pieces = chain(*(known(folder) for folder in given.folders), demos(FIRST_DEMO, given.demos))
    model = learn(list(lessons(pieces)))
    write(model)
    measured = [measure(one) for folder in given.held for one in known(folder)]
    evidence, right = np.concatenate([m[0] for m in measured]), np.concatenate([m[1] for m in measured]).astype(float)
    write(model | stated(evidence, right))
    print(f"in {len(measured)} held-out pieces {right.size} found, {right.mean():.0%} right")


def stated(evidence: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    """The table by which evidence becomes a confidence."""
    weights, _ = fit(evidence, right)
    raw, share = monotone(evidence @ weights, right)
    return {"sure.weights": weights, "sure.raw": raw, "sure.right": share}


def write(model: dict[str, np.ndarray]) -> None:
    """Keep the model where the product reads it."""
    unsure = {"sure.weights": np.zeros(3), "sure.raw": np.zeros(1), "sure.right": np.zeros(1)}
    values = {name: np.asarray(value, np.int64 if name == "dilations" else np.float32)
              for name, value in (unsure | model).items()}
    aside = borders.MODEL.with_name(f".{borders.MODEL.name}")  # ends in .npz, as numpy wants it
    np.savez(aside, **values, format=np.array(borders.FORMAT))
    aside.replace(borders.MODEL)
    borders.judge.cache_clear()


if __name__ == "__main__":
    main()
