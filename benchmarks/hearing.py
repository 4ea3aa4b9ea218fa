"""How well and how fast the analyser hears, beside librosa on the same music.

``python -m benchmarks.hearing`` scores every piece with known truth under ``$MUSIC_VISUALIZER_CORPUS`` (its
``INDEX.json`` and ``*.truth.json``) with mir_eval and writes ``benchmarks/results/hearing.md``.

Conventions: beat F at 70 ms with the first 5 s trimmed, CMLt and AMLt (Davies et al. 2009), downbeat F at 70 ms,
tempo right within 4 %, section borders at 0.5 s and 3 s without the song's ends. "Steady drums" are the pieces
with drums whose true beats keep their distance within 5 %. Speed is the median ratio of alternated pairs.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.rendering import paired
from lib_music.analysis import analyse, analysis_to_dict
from lib_music.audio import open_audio
from lib_music.demo.compose import compose, write

Found = dict[str, Any]
COLUMNS = ("F", "CMLt", "AMLt", "downbeat F", "tempo", "borders 0.5 s", "borders 3 s")
RESULTS = Path(__file__).parent / "results" / "hearing.md"
LONG_PLAN = (
    ("intro", 8),
    ("verse", 16),
    ("chorus", 16),
    ("verse", 16),
    ("chorus", 16),
    ("break", 12),
    ("build", 4),
    ("drop", 24),
    ("chorus", 12),
    ("outro", 4),
)


def ours(path: Path) -> Found:
    """The analyser's answer, as ``music-visualizer analyze --json`` prints it."""
    return analysis_to_dict(analyse(open_audio(path)))


def librosas(path: Path) -> Found:
    """librosa's beat tracker, onset strength, chroma and agglomerative sections, called plainly (k = length / 18 s)."""
    import librosa

    samples, rate = librosa.load(path, sr=22050)
    tempo, beats = librosa.beat.beat_track(y=samples, sr=rate, units="time")
    librosa.onset.onset_strength(y=samples, sr=rate)
    chroma = librosa.feature.chroma_stft(y=samples, sr=rate)
    seconds = samples.size / rate
    edges = librosa.segment.agglomerative(chroma, max(2, round(seconds / 18)))
    starts = [*librosa.frames_to_time(edges, sr=rate), seconds]
    sections = [{"start": float(a), "end": float(b)} for a, b in pairwise(starts)]
    return {"beats": beats.tolist(), "tempo": float(np.atleast_1d(tempo)[0]), "sections": sections}


def score(truth: Found, found: Found) -> dict[str, float]:
    """The figures of one piece; those without truth are absent. Music without beats gives how many were claimed."""
    import mir_eval

    def times(name: str, of: Found) -> npt.NDArray[np.float64]:
        return np.sort(np.array(of.get(name) or [], np.float64))

    trim = mir_eval.beat.trim_beats
    true_beats = times("beats", truth)
    if not true_beats.size:
        return {"false beats": float(times("beats", found).size)}
    a, b = trim(true_beats), trim(times("beats", found))
    b = b[(b >= a[0] - 1) & (b <= a[-1] + 1)]
    continuity = mir_eval.beat.continuity(a, b) if b.size > 1 else (0.0, 0.0, 0.0, 0.0)
    out = {
        "F": mir_eval.beat.f_measure(a, b),
        "CMLt": continuity[1],
        "AMLt": continuity[3],
        "tempo": float(abs(found["tempo"] / truth["tempo"] - 1) <= 0.04),
    }
    if truth.get("downbeats") and "downbeats" in found:
        a, b = trim(times("downbeats", truth)), trim(times("downbeats", found))
        out["downbeat F"] = mir_eval.beat.f_measure(a, b[(b >= a[0] - 1) & (b <= a[-1] + 1)])
    if truth.get("sections"):
        intervals = [np.array([[s["start"], s["end"]] for s in of["sections"]]) for of in (truth, found)]
        for window in (0.5, 3):
            out[f"borders {window} s"] = mir_eval.segment.detection(*intervals, window=window, trim=True)[2]
    return out


def is_steady(beats: list[float]) -> bool:
    """Whether true beats keep their distance within 5 %."""
    gaps = np.diff(beats)
    return bool(gaps.size and np.percentile(gaps, 99) / np.percentile(gaps, 1) < 1.05 and gaps.max() < 1.5 * gaps.min())


def table(corpus: Path, methods: dict[str, Callable[[Path], Found]]) -> str:
    """Every piece under every method, and the means, as Markdown."""
    pieces = json.loads((corpus / "INDEX.json").read_text("utf-8"))["pieces"]
    lines, groups = [], {name: {"all": [], "steady drums": [], "without drums": []} for name in methods}
    for piece in pieces:
        truth = json.loads((corpus / f"{piece['id']}.truth.json").read_text("utf-8"))
        for name, method in methods.items():
            figures = score(truth, method(corpus / piece["file"]))
            lines.append(_row(f"{piece['id']} | {name}", figures))
            groups[name]["all"].append(figures)
            if piece["drums"] and is_steady(truth["beats"]):
                groups[name]["steady drums"].append(figures)
            elif not piece["drums"]:
                groups[name]["without drums"].append(figures)
    means = [
        _row(f"{group} ({len(rows)}) | {name}", _mean(rows))
        for name, sets in groups.items()
        for group, rows in sets.items()
    ]
    head = "| music | method | " + " | ".join(COLUMNS) + " |\n" + "|---" * (2 + len(COLUMNS)) + "|"
    return "\n".join(
        [
            "# Hearing",
            "",
            __doc__.split("Conventions: ")[1].strip() if __doc__ else "",
            "",
            head,
            *means,
            "",
            "## Each piece",
            "",
            head,
            *lines,
            "",
        ]
    )


def _row(start: str, figures: dict[str, float]) -> str:
    cells = [f"{figures[c]:.3f}" if c in figures else "–" for c in COLUMNS]
    return f"| {start} | " + " | ".join(cells) + " |"


def _mean(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    rows = list(rows)
    return {c: float(np.mean([r[c] for r in rows if c in r])) for c in COLUMNS if any(c in r for r in rows)}


def analysis_speed(pairs: int = 5) -> tuple[float, float, float]:
    """Seconds of ours, seconds of librosa's, and the median ratio, for four minutes of stereo in a warm process."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(compose(3, bpm=128.0, plan=LONG_PLAN), Path(folder) / "four.wav")
        audio = open_audio(path)
        runs = (lambda: analyse(audio), lambda: librosas(path))
        for run in runs:
            run()

        def seconds(run: Callable[[], object]) -> float:
            start = time.perf_counter()
            run()
            return time.perf_counter() - start

        return paired(lambda: seconds(runs[0]), lambda: seconds(runs[1]), pairs)


def speed_rows() -> list[tuple[str, str, str, str]]:
    """The row of ``make bench``."""
    own, other, ratio = analysis_speed()
    return [
        (
            "analysis of a 4-minute stereo file, warm process",
            "librosa beat_track + onset + chroma + agglomerative",
            f"{ratio:.2f} ({own:.2f} s / {other:.2f} s)",
            "<= 0.5",
        )
    ]


def main() -> None:
    """Score the corpus and write the table."""
    corpus = os.environ.get("MUSIC_VISUALIZER_CORPUS")
    if not corpus:
        raise SystemExit("MUSIC_VISUALIZER_CORPUS is not set: no music to score")
    warnings.filterwarnings("ignore")
    text = table(Path(corpus), {"ours": ours, "librosa": librosas})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
