"""Fits how likely a bar line is the beginning of a section: ``python -m training.borders FOLDER``.

FOLDER holds pieces as :mod:`training.dataset` keeps them. Bars are the true ones. What was fitted is written to
``lib_music/analysis/weights/borders.json``, with how often a border of given odds was right on the unseen pieces in
``--held``, with the bars that are heard there.

Conventions: neighbouring sections of the same letter are one; a border is right within half a second.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from lib_music.analysis import beats, borders, network
from lib_music.analysis.confidence import monotone
from lib_music.analysis.features import RATE, Features
from training import dataset

RIDGE, STEPS = 3.0, 60
WITHIN = 0.5
OUT = Path(borders.__file__).with_name("weights") / "borders.json"


@dataclass(frozen=True, eq=False)
class Known:
    """A piece's features, bars and true borders [shape=(k,)] in seconds."""

    features: Features
    downbeats: np.ndarray
    truth: np.ndarray
    duration: float


def known(folder: Path, count: int) -> Iterator[Known]:
    """The pieces of a folder that have beats and sections."""
    for path in sorted(folder.glob("[0-9]*.npz"))[:count]:
        item = dataset.load(path)
        named = item.truth.sections
        if item.truth.beats.size < 8 or not named:
            continue
        duration = item.fine.shape[0] / RATE
        truth = np.array([b[0] for a, b in pairwise(named) if a[2] != b[2] and b[0] < duration - 1])
        loudest = borders.FINE_FLOOR_DB + borders.FINE_STEP_DB * item.fine.max(axis=1).astype(np.float32)
        features = dataset.features(item)
        object.__setattr__(features, "level", (10 ** (loudest / 20)).astype(np.float32))
        yield Known(features, item.truth.beats[item.truth.positions == 1], truth, duration)


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


def measure(pieces_known: list[Known], *, own_beats: bool) -> tuple[np.ndarray, np.ndarray]:
    """Log odds of the borders found, and whether each was right; with the bars that are heard, or the true ones."""
    raw, right = [], []
    for one in pieces_known:
        downbeats = one.downbeats
        if own_beats:
            onset = borders.rises(one.features.fine).mean(axis=1)
            heard, _ = beats.find_beats(network.listen(one.features), onset, one.features.level, one.duration)
            downbeats = heard.downbeats
        material = borders.describe(one.features, downbeats, one.duration)
        cuts = borders.find_borders(material)[1:-1]
        raw.append(material.likely[cuts])
        right.append(near(material.edges[cuts], one.truth))
    return np.concatenate(raw), np.concatenate(right).astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--count", type=int, default=600)
    given = parser.parse_args()
    rows, right = [], []
    for one in known(given.folder, given.count):
        edges, firm = borders.unit_edges(one.downbeats, one.duration, borders.silences(one.features.level))
        keep = firm.copy()
        keep[[0, -1]] = False
        rows.append(borders.traits(one.features, edges)[keep])
        right.append(near(edges, one.truth)[keep])
    weights, bias = fit(np.concatenate(rows), np.concatenate(right).astype(float))
    model = {"weights": weights.tolist(), "bias": bias, "confidence": {"raw": [-9.0, 9.0], "right": [0.0, 1.0]}}
    OUT.write_text(json.dumps(model), "utf-8")
    borders._model.cache_clear()
    raw, right_found = measure(list(known(given.held, given.count)), own_beats=True)
    table = monotone(raw, right_found)
    model["confidence"] = {"raw": table[0].tolist(), "right": table[1].tolist()}
    OUT.write_text(json.dumps(model, indent=1), "utf-8")
    print(f"{len(rows)} pieces, {int(np.concatenate(right).sum())} borders; "
          f"{raw.size} found in held-out pieces, {right_found.mean():.0%} right")


if __name__ == "__main__":
    main()
