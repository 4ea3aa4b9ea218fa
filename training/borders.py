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
from typing import Any

import numpy as np

from lib_music.analysis import beats, borders, network
from lib_music.analysis.confidence import monotone
from lib_music.analysis.features import RATE, Features
from lib_music.analysis.sections import bar_confidence
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


def fit_borders(rows: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
    """As :func:`fit`, where no change may speak against a border: the other scales of a novelty would outweigh it in
    music unlike what was composed."""
    used = np.ones(rows.shape[1], bool)
    while True:
        some, bias = fit(rows[:, used], right)
        weights = np.zeros(rows.shape[1])
        weights[used] = some
        against = (weights < 0) & (np.arange(weights.size) < weights.size - 1)  # the breath before it may be a rest
        if not against.any():
            return weights, bias
        used &= ~against


def near(edges: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.abs(edges[:, None] - truth).min(axis=1) < WITHIN if truth.size else np.zeros(edges.size, bool)


def measure(one: Known) -> tuple[np.ndarray, np.ndarray]:
    """Evidence of the borders found with the bars that are heard, and whether each was right."""
    onset = borders.rises(one.features.fine).mean(axis=1)
    heard, _ = beats.find_beats(network.listen(one.features), onset, one.features.level, one.duration)
    material = borders.describe(one.features, heard.downbeats, one.duration)
    cuts = borders.find_borders(material)
    inner = material.edges[cuts[1:-1]]
    return borders.evidence(material, cuts, bar_confidence(heard, inner)), near(inner, one.truth)


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
    weights, bias = fit_borders(np.concatenate(rows), np.concatenate(right).astype(float))
    model: dict[str, Any] = {"weights": weights.tolist(), "bias": bias}
    borders._found = lambda: model  # what was just fitted, before it is written
    measured = [measure(one) for one in known(given.held, given.count)]
    evidence, found = np.concatenate([m[0] for m in measured]), np.concatenate([m[1] for m in measured]).astype(float)
    sure, _ = fit(evidence, found)
    table = monotone(evidence @ sure, found)
    model["confidence"] = {"weights": sure.tolist(), "raw": table[0].tolist(), "right": table[1].tolist()}
    OUT.write_text(json.dumps(model, indent=1) + "\n", "utf-8")
    print(f"{len(rows)} pieces, {int(np.concatenate(right).sum())} borders; in {len(measured)} held-out pieces "
          f"{found.size} found, {found.mean():.0%} right; confidence {np.round(table[1], 2).tolist()}")


if __name__ == "__main__":
    main()
