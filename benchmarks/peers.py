"""Other programs' answers to the same files, in one process each: what is imported and compiled once stays so.

``python -m benchmarks.peers NAME`` reads a path a line and prints a JSON object a line.

Conventions: each is called plainly, as its own documentation does; only what is installed is asked.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Any

import numpy as np

Found = dict[str, Any]
Method = Callable[[str], Found]


def _librosa() -> Method:
    """Beat tracker; agglomerative sections over chroma with k = length / 18 s."""
    import librosa

    def answer(path: str) -> Found:
        samples, rate = librosa.load(path, sr=22050)
        tempo, beats = librosa.beat.beat_track(y=samples, sr=rate, units="time")
        chroma = librosa.feature.chroma_stft(y=samples, sr=rate)
        seconds = samples.size / rate
        edges = librosa.segment.agglomerative(chroma, max(2, round(seconds / 18)))
        starts = [*librosa.frames_to_time(edges, sr=rate), seconds]
        sections = [{"start": float(a), "end": float(b)} for a, b in pairwise(starts) if b > a]
        return {"beats": beats.tolist(), "tempo": float(np.atleast_1d(tempo)[0]), "sections": sections}

    return answer


def _madmom() -> Method:
    """The recurrent networks with the bar pointer model."""
    from madmom.features.downbeats import DBNDownBeatTrackingProcessor, RNNDownBeatProcessor

    decode, listen = DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=100), RNNDownBeatProcessor()

    def answer(path: str) -> Found:
        found = decode(listen(path))
        return _timed(found[:, 0].tolist(), found[found[:, 1] == 1, 0].tolist())

    return answer


def _beat_this() -> Method:
    """The network with its own plain picking."""
    from beat_this.inference import File2Beats

    tracker = File2Beats()

    def answer(path: str) -> Found:
        beats, downbeats = tracker(path)
        return _timed(list(map(float, beats)), list(map(float, downbeats)))

    return answer


def _aubio() -> Method:
    """``aubiotrack``'s defaults."""
    import aubio

    def answer(path: str) -> Found:
        source = aubio.source(path, 0, 512)
        tracker = aubio.tempo("default", 1024, 512, source.samplerate)
        beats = []
        while True:
            samples, read = source()
            if tracker(samples):
                beats.append(tracker.get_last_s())
            if read < 512:
                return _timed(beats)

    return answer


def _essentia() -> Method:
    """``RhythmExtractor2013``, multifeature."""
    from essentia import standard

    def answer(path: str) -> Found:
        samples = standard.MonoLoader(filename=path)()
        tempo, beats, *_ = standard.RhythmExtractor2013(method="multifeature")(samples)
        return {"beats": [float(t) for t in beats], "tempo": float(tempo)}

    return answer


def _timed(beats: list[float], downbeats: list[float] | None = None) -> Found:
    gaps = np.diff(beats)
    found: Found = {"beats": beats, "tempo": float(60 / np.median(gaps)) if gaps.size else 0.0}
    return found if downbeats is None else {**found, "downbeats": downbeats}


PEERS: dict[str, Callable[[], Method]] = {
    "librosa": _librosa,
    "madmom": _madmom,
    "beat_this": _beat_this,
    "aubio": _aubio,
    "essentia": _essentia,
}


def installed() -> dict[str, str]:
    """The peers that are there, with their version."""
    found = {}
    for name in PEERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Answer for each line of stdin."""
    warnings.filterwarnings("ignore")
    answer = PEERS[sys.argv[1]]()
    for line in sys.stdin:
        try:
            found = answer(line.rstrip("\n"))
        except Exception as error:  # a foreign program fails as it likes; the others' figures still count
            found = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
