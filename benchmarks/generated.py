"""Music with exact truth that no training has heard, rendered once into the cache for the benchmark of hearing.

``python -m benchmarks.generated --count 200`` makes it ahead; what is there is not made again.

Conventions: the pieces are those of :mod:`training.pieces` with ``split="test"`` and seeds from three million on,
which training never draws, and by which nothing was watched, chosen or calibrated; every fourth is two and a half
minutes long, so that there are sections to find, the others one minute. A file of truth is written last: a piece is
there when that is. The folder's name holds a digest of the generator's code: another generator's pieces are not mixed
with these.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from lib_music.files import read_json, write_json

FIRST_SEED = 3_000_000
SHORT, LONG, EVERY = 60.0, 150.0, 4
ROOT = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """Where the pieces of this generator lie: below ``$MUSIC_VISUALIZER_BENCH``, or the user's cache folder."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "training").rglob("*.py")):
        # Only what makes the music: the network's own scripts change nothing in it.
        if path.parent.name != "training" or path.stem not in _NO_MUSIC:
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    chosen = os.environ.get("MUSIC_VISUALIZER_BENCH")
    base = Path(chosen) if chosen else user_cache_path("music-visualizer", appauthor=False) / "bench"
    return base / f"pieces-{digest.hexdigest()[:12]}"


#: Scripts that learn from the music: none of them is imported where it is made.
_NO_MUSIC = {"borders", "calibrate", "dataset", "evaluate", "model", "train"}


def make(seed: int, into: Path) -> str:
    """Render one piece and write its truth; returns the name of its sound."""
    from scipy.io import wavfile

    from training.pieces import piece

    name, truth = f"{seed}.wav", into / f"{seed}.truth.json"
    if truth.is_file() and (into / name).is_file():
        return name
    made = piece(seed, seconds=LONG if seed % EVERY == 0 else SHORT, split="test")
    aside = into / f".{seed}-{os.getpid()}.part.wav"
    wavfile.write(aside, made.rate, np.rint(32767 * np.clip(made.samples, -1, 1)).astype(np.int16))
    aside.replace(into / name)
    write_json(
        truth,
        {
            "beats": [round(float(t), 5) for t in made.beats],
            "downbeats": [round(float(t), 5) for t in made.beats[made.positions == 1]],
            "tempo": round(float(made.tempo), 4),
            "sections": [{"start": a, "end": b, "label": label} for a, b, label in made.sections],
            "beat_spans": [[a, b] for a, b in made.beat_spans],
            "style": made.style,
            "drums": bool(made.meta.get("drums", False)),
            "duration": made.samples.size / made.rate,
        },
    )
    return name


def pieces(count: int, workers: int = 1) -> list[dict[str, Any]]:
    """The first ``count`` pieces, made where they are missing, as the benchmark takes them."""
    into = folder()
    into.mkdir(parents=True, exist_ok=True)
    seeds = range(FIRST_SEED, FIRST_SEED + count)
    missing = [seed for seed in seeds if not (into / f"{seed}.truth.json").is_file()]
    if missing and workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            _exhaust(pool.map(partial(make, into=into), missing))
    else:
        _exhaust(map(partial(make, into=into), missing))
    return [
        {"id": f"{(truth := read_json(into / f'{seed}.truth.json'))['style']} {seed}", "file": into / f"{seed}.wav",
         "truth": truth, "kind": "generated", "drums": truth["drums"], "style": truth["style"]}
        for seed in seeds
    ]  # fmt: skip


def _exhaust(names: Iterable[str]) -> None:
    for number, _ in enumerate(names, 1):
        if number % 20 == 0:
            print(f"{number} pieces made", flush=True)


def main() -> None:
    """Make the pieces."""
    parser = argparse.ArgumentParser(description="Make the generated pieces of the benchmark of hearing.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    pieces(given.count, given.workers)
    print(folder())


if __name__ == "__main__":
    main()
