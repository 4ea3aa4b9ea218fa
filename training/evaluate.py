"""How well the listener hears pieces it was not trained on.

``python -m training.evaluate WEIGHTS --held FOLDER`` judges composed pieces by style, ``--corpus FOLDER`` songs with
an ``INDEX.json`` and ``NAME.truth.json`` (beats, downbeats) by kind. Peaks of the activations are taken as they are:
what the bar-pointer model makes of them is judged by ``benchmarks/hearing.py``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis import network
from lib_music.analysis.features import RATE, extract
from training import dataset

#: A beat may lie this far from where it belongs, s.
WINDOW = 0.07


def peaks(activation: np.ndarray, least: float = 0.35) -> np.ndarray:
    """Times of maxima within 70 ms either side that reach ``least``, s."""
    around = round(WINDOW * RATE)
    padded = np.pad(activation, around)
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1).max(axis=1)
    found = np.flatnonzero((activation == highest) & (activation >= least))
    return found[np.append(True, np.diff(found) > around)] / RATE if found.size else np.zeros(0)


def f_measure(truth: np.ndarray, found: np.ndarray) -> float:
    """F of times matched one to one within 70 ms, without the first five seconds."""
    truth, found = truth[truth >= 5], found[found >= 5]
    if not truth.size or not found.size:
        return float(truth.size == found.size)
    i = j = hits = 0
    while i < truth.size and j < found.size:
        if abs(truth[i] - found[j]) <= WINDOW:
            hits, i, j = hits + 1, i + 1, j + 1
        elif truth[i] < found[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / (truth.size + found.size)


def judge(heard: network.Activations, truth: dataset.Truth) -> dict[str, float]:
    """Figures of one piece."""
    beats = peaks(heard.beat)
    seconds = heard.beat.size / RATE
    if not truth.beats.size:
        return {"false a minute": 60 * beats.size / seconds, "false pulse": float(heard.pulse.mean())}
    out = {"beat F": f_measure(truth.beats, beats)}
    if (truth.positions == 1).any():
        out["downbeat F"] = f_measure(truth.beats[truth.positions == 1], peaks(heard.downbeat, 0.3))
    times = (np.arange(heard.pulse.size) + 0.5) / network.PULSE_RATE
    tempo = dataset.local_tempo(truth.beats, times)
    known = tempo > 0
    guess = network.TEMPI[heard.tempo.argmax(axis=1)]
    octaves = np.log2(guess[known] / tempo[known])
    out["tempo"] = float((np.abs(octaves) < 0.08).mean())
    out["octave"] = float((np.abs(octaves - np.round(octaves)) < 0.08).mean())
    out["pulse"] = float(heard.pulse[known].mean())
    near = beats[np.abs(beats[:, None] - truth.beats[None]).min(axis=1) < WINDOW] if beats.size else beats
    if near.size:
        away = truth.beats[np.abs(near[:, None] - truth.beats[None]).argmin(axis=1)]
        out["late ms"] = float(1000 * np.median(near - away))
    return out


def pieces(weights: Path, items: Iterable[dataset.Item]) -> list[tuple[dict[str, Any], dict[str, float]]]:
    """What each piece is, and its figures."""
    return [({"style": item.truth.style, "drums": item.truth.drums, "seed": item.seed},
             judge(network.listen(dataset.features(item), weights), item.truth)) for item in items]


def songs(weights: Path, corpus: Path) -> list[tuple[dict[str, Any], dict[str, float]]]:
    """The same for songs in files."""
    from lib_music.audio import open_audio

    rows = []
    for entry in json.loads((corpus / "INDEX.json").read_text("utf-8"))["pieces"]:
        told = json.loads((corpus / f"{entry['id']}.truth.json").read_text("utf-8"))
        beats, first = np.array(told["beats"], float), np.array(told.get("downbeats") or [], float)
        is_first = np.isin(np.round(beats, 3), np.round(first, 3)).astype(np.int64)
        if first.size:
            is_first[np.abs(beats[:, None] - first[None]).argmin(axis=0)] = 1
        truth = dataset.Truth(beats, is_first, np.zeros((0, 2)))
        heard = network.listen(extract(open_audio(corpus / entry["file"])), weights)
        rows.append(({"kind": entry["kind"], "drums": bool(entry["drums"]), "id": entry["id"]}, judge(heard, truth)))
    return rows


def table(rows: Sequence[tuple[dict[str, Any], dict[str, float]]], by: Sequence[str]) -> str:
    """Means of all rows and by each value of the named properties."""
    groups: dict[str, list[dict[str, float]]] = {"all": [figures for _, figures in rows]}
    for name in by:
        for value in sorted({str(what[name]) for what, _ in rows}):
            groups[f"{name} {value}"] = [figures for what, figures in rows if str(what[name]) == value]
    columns = list(dict.fromkeys(key for _, figures in rows for key in figures))
    lines = [f"{'':24s}    n " + " ".join(f"{c:>14s}" for c in columns)]
    for name, members in groups.items():
        cells = []
        for column in columns:
            values = [figures[column] for figures in members if column in figures]
            cells.append(f"{np.mean(values):14.3f}" if values else f"{'-':>14s}")
        lines.append(f"{name[:24]:24s} {len(members):4d} " + " ".join(cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="?", default=network.WEIGHTS)
    parser.add_argument("--held", type=Path)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--limit", type=int, default=10**9)
    args = parser.parse_args()
    if args.held:
        items = [dataset.load(path) for path in sorted(args.held.glob("[0-9]*.npz"))[: args.limit]]
        print(table(pieces(args.weights, items), by=("drums", "style")))
    if args.corpus:
        print(table(songs(args.weights, args.corpus), by=("kind", "drums")))


if __name__ == "__main__":
    main()
