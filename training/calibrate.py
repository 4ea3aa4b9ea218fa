"""Measures how far the decoder may trust what it hears, on composed pieces that nothing was trained on.

``python -m training.calibrate FOLDER --first 1500000 --count 200`` composes what is missing in the folder, reads all
that lie there at their tempi, fits the weights by which readings are chosen, then the tables of stated confidence, and
writes both to ``lib_music/analysis/weights/calibration.json``. Half of the pieces are fitted on and the other half
judged; what is written is fitted on all.

Conventions: a beat is right within 70 ms; a stated confidence is compared with the share that was right.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lib_music.analysis import bars, beats, confidence, envelopes, network, readings
from lib_music.analysis.features import FINE_FLOOR_DB, FINE_STEP_DB, FLOOR_DB, N_MELS, RATE
from training import dataset

WINDOW = 0.07
KINDS = ("beat", "downbeat", "presence")
#: The scarcest statements whose truth is measured apart are one in so many; most presence is beyond doubt.
POOL = {"beat": 70, "downbeat": 70, "presence": 250}


@dataclass(frozen=True, eq=False)
class Heard:
    """A piece, heard and read: readings, and how well each fits (F)."""

    truth: dataset.Truth
    heard: network.Activations
    evidence: readings.Evidence
    found: list[readings.Reading]
    fits: np.ndarray


def hits(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Which of ``found`` lie within the window of a time of ``truth``."""
    if not truth.size or not found.size:
        return np.zeros(found.size, bool)
    at = np.clip(np.searchsorted(truth, found)[:, None] + (-1, 0), 0, truth.size - 1)
    return np.asarray(np.abs(truth[at] - found[:, None]).min(axis=1) <= WINDOW)


def f_measure(truth: np.ndarray, found: np.ndarray) -> float:
    """F of beats within the window."""
    right = min(int(hits(truth, found).sum()), int(hits(found, truth).sum()))
    return 2 * right / max(1, truth.size + found.size)


def level(fine: np.ndarray) -> np.ndarray:
    """RMS amplitude of each frame, roughly."""
    power = 10 ** ((FINE_FLOOR_DB + FINE_STEP_DB * np.arange(256)) / 10)
    return np.sqrt(power[fine].sum(axis=1))


def onset(item: dataset.Item) -> np.ndarray:
    """Onset strength, with each of the wider bands made of two fine ones."""
    decibel = FINE_FLOOR_DB + FINE_STEP_DB * item.fine.astype(np.float32)
    power = (10 ** (decibel / 10)).reshape(decibel.shape[0], N_MELS, -1).mean(axis=2)
    heard = dataset.features(item)
    object.__setattr__(heard, "mel", np.maximum(10 * np.log10(power), FLOOR_DB).astype(np.float16))
    return beats.attacks(envelopes.local_scale(envelopes.onset_bands(heard)))


def hear(path: Path, weights: Path = network.WEIGHTS) -> Heard:
    """One piece of the folder, heard with a listener's ``weights``."""
    item = dataset.load(path)
    heard = network.listen(dataset.features(item), weights)
    evidence = beats.hush(readings.gather(heard, onset(item)), level(item.fine))
    found = readings.find_readings(evidence)
    fits = np.array([f_measure(item.truth.beats, reading.frames / RATE) for reading in found])
    return Heard(item.truth, heard, evidence, found, fits)


def fit_weights(pieces: Sequence[Heard], ridge: float = 0.02) -> np.ndarray:
    """Weights of the traits: those under which the readings that fit the truth best are the likeliest."""
    from scipy.optimize import minimize

    cases = [(np.array([r.traits for r in p.found]), p.fits >= p.fits.max() - 0.05) for p in pieces
             if len(p.found) > 1 and p.fits.max() > 0.7]
    spread = np.concatenate([traits for traits, _ in cases]).std(axis=0) + 1e-6

    def loss(w: np.ndarray) -> float:
        total = 0.0
        for traits, best in cases:
            score = traits @ (w / spread)
            total -= np.logaddexp.reduce(score[best]) - np.logaddexp.reduce(score)
        return total / len(cases) + ridge * float(w @ w)

    return np.asarray(minimize(loss, np.zeros(spread.size), method="L-BFGS-B").x / spread)


def samples(piece: Heard, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Traits, and whether each statement was right, by kind [shape=(n, traits + 1)]."""
    duration = piece.evidence.size / RATE
    at = np.arange(0.0, duration, 1 / beats.PRESENCE_RATE)
    course = beats.follow(piece.evidence, weights)
    times = course.frames / RATE
    close, found_there = beats.presence_traits(piece.heard, times, at)
    inside = np.zeros(at.size, bool)
    for a, b in piece.truth.spans:
        inside |= (at >= a) & (at <= b)
    there = np.column_stack([found_there, inside])[close]
    gain = readings.bar_gain(piece.evidence, course.frames)
    found = bars.decode_bars(gain, course.fresh)
    traits = beats.beat_traits(piece.heard, piece.evidence, course)
    ones = found.positions == 1
    firsts = hits(piece.truth.beats[piece.truth.positions == 1], times)[ones]
    odds = bars.position_odds(gain, course.fresh, found.positions)
    placed = beats.downbeat_traits(traits, odds, found)[ones]
    return {"beat": np.column_stack([traits, hits(piece.truth.beats, times)]),
            "downbeat": np.column_stack([placed, firsts]), "presence": there}


def pooled(pieces: Sequence[Heard], weights: np.ndarray) -> dict[str, np.ndarray]:
    """The samples of all pieces."""
    rows = [samples(piece, weights) for piece in pieces]
    return {kind: np.concatenate([row[kind] for row in rows]) for kind in KINDS}


def logit(rows: np.ndarray, ridge: float = 1e-3) -> np.ndarray:
    """Weights of a logistic regression of the last column on the others."""
    from scipy.optimize import minimize

    traits, right = rows[:, :-1], rows[:, -1]

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        score = traits @ w
        share = 1 / (1 + np.exp(-score))
        return (float((np.logaddexp(0, score) - right * score).mean() + ridge * (w @ w)),
                traits.T @ (share - right) / right.size + 2 * ridge * w)

    return np.asarray(minimize(loss, np.zeros(traits.shape[1]), jac=True, method="L-BFGS-B").x)


def tables(rows: dict[str, np.ndarray]) -> dict[str, dict[str, list[float]]]:
    """Weights and table of each kind."""
    made: dict[str, dict[str, list[float]]] = {}
    for kind, values in rows.items():
        weights = logit(values).round(4)
        # Beats of a piece are right or wrong together: it takes many to know of many pieces.
        least = max(40, values.shape[0] // POOL[kind])
        raw, right = confidence.monotone(values[:, :-1] @ weights, values[:, -1], least=least)
        made[kind] = {"weights": weights.tolist(), "raw": raw.round(4).tolist(), "right": right.round(4).tolist()}
    return made


def report(rows: dict[str, np.ndarray], made: dict[str, dict[str, list[float]]]) -> None:
    """Print stated confidence against what was right, by tenths."""
    for kind, values in rows.items():
        table = made[kind]
        stated = np.interp(values[:, :-1] @ np.array(table["weights"]), table["raw"], table["right"])
        print(f"{kind}: stated, right, n")
        for low in np.arange(0, 1, 0.1):
            inside = (stated >= low) & (stated < low + 0.1 + (low > 0.85))
            if inside.sum() >= 20:
                print(f"  {stated[inside].mean():.2f}  {values[inside, -1].mean():.2f}  {int(inside.sum())}")


def accuracy(pieces: Sequence[Heard], weights: np.ndarray) -> str:
    """How well the chosen readings do, and how well the best would."""
    rows = [(p.fits[int((np.array([r.traits for r in p.found]) @ weights).argmax())], p.fits.max())
            for p in pieces if p.found and p.truth.beats.size > 3]
    chosen, best = np.array(rows).T
    return f"F {chosen.mean():.3f}, of the best reading {best.mean():.3f}, {chosen.size} pieces"


def main() -> None:
    parser = argparse.ArgumentParser(description="measure and write the decoder's weights and tables")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=1_500_000)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--weights", type=Path, default=network.WEIGHTS, help="the listener's")
    parser.add_argument("--out", type=Path, default=confidence.CALIBRATION)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    jobs = [(seed, args.seconds, args.folder) for seed in range(args.first, args.first + args.count)]
    with multiprocessing.Pool(args.workers) as pool:
        pool.starmap(dataset.render, jobs, chunksize=1)
        paths = sorted(args.folder.glob("[0-9]*.npz"))
        pieces = pool.starmap(hear, [(path, args.weights) for path in paths], chunksize=1)
    print("as it is:", accuracy(pieces, confidence.weights("reading")))
    one, other = pieces[::2], pieces[1::2]
    weights = fit_weights(one)
    print("fitted on half, judged on the other:", accuracy(other, weights))
    report(pooled(other, weights), tables(pooled(one, weights)))
    weights = fit_weights(pieces)
    kept = json.loads(args.out.read_text("utf-8")) if args.out.exists() else {}
    kept |= tables(pooled(pieces, weights)) | {"reading": {"weights": weights.round(4).tolist()}}
    args.out.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
