"""How well the product hears, beside the trackers people use, on music with known truth.

``python -m benchmarks.hearing`` scores ``music-visualizer analyze FILE --json``, run as a command for every file, and
librosa and whatever other peers are installed, over the corpus that ``$MUSIC_VISUALIZER_CORPUS`` names and over at
least 200 generated pieces; it measures time and memory and writes ``benchmarks/results/hearing.md``. Answers and pieces
are kept (below ``$MUSIC_VISUALIZER_BENCH``, or the cache folder), so that a run that was stopped goes on. ``--quick``
takes 24 generated pieces, no three hours and prints only.

Conventions: measures as in :mod:`benchmarks.scores`; an answer is kept by a digest of the program that gave it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import generated, peers, scores
from benchmarks.cost import ONE_CORE, Cost, costs

Piece = dict[str, Any]
Found = dict[str, Any]
RESULTS = Path(__file__).parent / "results" / "hearing.md"
ROOT = generated.ROOT
OURS = "ours"


def corpus_pieces(folder: Path) -> list[Piece]:
    """The pieces of a corpus with known truth."""
    index = json.loads((folder / "INDEX.json").read_text("utf-8"))["pieces"]
    out = []
    for entry in index:
        truth = json.loads((folder / f"{entry['id']}.truth.json").read_text("utf-8"))
        truth.setdefault("duration", entry["duration"])
        drums = entry["drums"] in (True, 1, "1")
        kinds = {"id": entry["id"], "kind": entry["kind"], "drums": drums, "style": entry.get("genre", "")}
        out.append({**kinds, "file": folder / entry["file"], "truth": truth})
    return out


class Answers:
    """Everybody's answers to files, asked once and kept."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.kept = generated.folder().parent / "answers"

    def of(self, method: str, pieces: Sequence[Piece]) -> list[Found]:
        """One answer a piece, in order; ``{"error": ...}`` where there is none."""
        mark = _program_mark() if method == OURS else peers.installed()[method]
        folder = self.kept / f"{method}-{mark}"
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{_file_mark(piece['file'])}.json" for piece in pieces]
        missing = [(p["file"], path) for p, path in zip(pieces, paths, strict=True) if not path.is_file()]
        if missing:
            print(f"{method}: {len(missing)} of {len(pieces)} to be asked", file=sys.stderr, flush=True)
            (self._ours if method == OURS else self._peer)(method, missing)
        return [json.loads(path.read_text("utf-8")) for path in paths]

    def _ours(self, _: str, missing: Sequence[tuple[Path, Path]]) -> None:
        def ask(job: tuple[Path, Path]) -> None:
            _keep(job[1], analyzed(job[0]))

        with ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(ask, missing))

    def _peer(self, method: str, missing: Sequence[tuple[Path, Path]]) -> None:
        lines = "".join(f"{file}\n" for file, _ in missing)
        command = [sys.executable, "-m", "benchmarks.peers", method]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env={**os.environ, **ONE_CORE},
        ) as process:  # fmt: skip
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(lines)
            process.stdin.close()
            for (_, path), line in zip(missing, process.stdout, strict=False):
                _keep(path, json.loads(line))
        for _, path in missing:
            if not path.is_file():
                _keep(path, {"error": "the program ended early"})


def analyzed(path: Path) -> Found:
    """What the product's command prints for a file."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", "lib_music", "analyze", str(path), "--json"], capture_output=True, text=True,
            check=False, cwd=ROOT, env={**os.environ, **ONE_CORE, "MUSIC_VISUALIZER_CACHE": cache},
        )  # fmt: skip
    if done.returncode != 0:
        return {"error": done.stderr.strip()[-300:]}
    found: Found = json.loads(done.stdout)
    return found


def _keep(path: Path, answer: Found) -> None:
    aside = path.with_suffix(f".{os.getpid()}.part")
    aside.write_text(json.dumps(answer), encoding="utf-8")
    aside.replace(path)


def _program_mark() -> str:
    """A digest of all that decides what the product hears."""
    digest = hashlib.sha256()
    for folder in ("lib_music/analysis", "lib_music"):
        pattern = "**/*" if folder.endswith("analysis") else "*.py"
        for path in sorted((ROOT / folder).glob(pattern)):
            decides = folder.endswith("analysis") or path.stem in ("audio", "ffmpeg", "containers")
            if decides and path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _file_mark(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:24]


# -- groups and lines ------------------------------------------------------------------------------------------------


def groups_of(pieces: Sequence[Piece]) -> dict[str, list[int]]:
    """Which pieces count in which row."""
    has_beat = [i for i, piece in enumerate(pieces) if piece["truth"]["beats"]]
    kinds: dict[str, Callable[[Piece], bool]] = {
        "all": lambda piece: True,
        "recordings": lambda piece: piece["kind"] == "recording",
        "productions": lambda piece: piece["kind"] == "produced",
        "MIDI renders": lambda piece: piece["kind"] == "midi",
        "composed": lambda piece: piece["kind"] == "procedural",
        "with drums": lambda piece: piece["drums"],
        "without drums": lambda piece: not piece["drums"],
    }
    found = {name: [i for i in has_beat if fits(pieces[i])] for name, fits in kinds.items()}
    return {name: rows for name, rows in found.items() if rows}


#: (measure, group, what librosa and the best peer reach on the unseen corpus, what must be reached).
LINES: tuple[tuple[str, str, str, float], ...] = (
    ("F", "all", ".72, madmom .915", 0.92),
    ("CMLt", "all", ".62, madmom .845", 0.85),
    ("AMLt", "all", ".73, madmom .923", 0.92),
    ("F", "recordings", ".74, madmom .89", 0.85),
    ("F", "without drums", ".75, madmom .91", 0.88),
    ("downbeat F", "all", "–, madmom .816", 0.82),
    ("tempo", "all", ".77, Degara .90", 0.90),
    ("tempo octave", "all", ".84, Degara .98", 0.96),
    ("borders 0.5 s", "all", ".28, –", 0.55),
    ("borders 3 s", "all", ".76, –", 0.78),
    ("repeats 0.5 s", "all", ".28, –", 0.55),
    ("repeats 3 s", "all", ".76, –", 0.78),
)


class Report:
    """The tables of one set of pieces."""

    def __init__(self, name: str, pieces: Sequence[Piece], found: dict[str, list[Found]]) -> None:
        self.name, self.pieces, self.found = name, pieces, found
        self.groups = groups_of(pieces)
        self.rows = {
            method: [scores.score(piece["truth"], answer) for piece, answer in zip(pieces, answers, strict=True)]
            for method, answers in found.items()
        }

    def mean(self, method: str, measure: str, group: str) -> float | None:
        """The mean of a measure over a group; None where nobody has it."""
        kept = [self.rows[method][i] for i in self.groups.get(group, [])]
        return scores.mean(kept).get(measure)

    def false_beats(self, method: str) -> list[tuple[str, float, int]]:
        """Of music without beats: (style, false beats a minute, how many pieces)."""
        by: dict[str, list[float]] = {}
        for piece, row in zip(self.pieces, self.rows[method], strict=True):
            if "false beats" in row:
                by.setdefault(str(piece["style"]).split(",")[0], []).append(row["false beats"])
        return [(style, float(np.mean(values)), len(values)) for style, values in sorted(by.items())]

    def means(self) -> list[str]:
        """Each group under each method."""
        lines = _head("music", "method", *scores.MEASURES[:-1])
        for group, places in self.groups.items():
            for method, rows in self.rows.items():
                figures = scores.mean(rows[i] for i in places)
                cells = [_figure(figures.get(measure)) for measure in scores.MEASURES[:-1]]
                lines.append(_row(f"{group} ({len(places)})", method, *cells))
        return lines

    def spread(self) -> list[str]:
        """Ours against each peer on the same pieces."""
        lines = _head("ours less", "measure", "pieces", "difference", "95 % interval")
        for method, rows in self.rows.items():
            for measure in scores.MEASURES[:-1] if method != OURS else ():
                pairs = [(a[measure], b[measure]) for a, b in zip(self.rows[OURS], rows, strict=True)
                         if measure in a and measure in b]
                if len(pairs) > 3:
                    apart, low, high = scores.paired_spread(*map(list, zip(*pairs, strict=True)))
                    lines.append(_row(method, measure, str(len(pairs)), f"{apart:+.3f}", f"{low:+.3f} … {high:+.3f}"))
        return lines if len(lines) > 2 else []

    def each(self) -> list[str]:
        """Every piece."""
        lines = _head("piece", "method", *scores.MEASURES)
        for i, piece in enumerate(self.pieces):
            for method, rows in self.rows.items():
                lines.append(_row(piece["id"], method, *(_figure(rows[i].get(m)) for m in scores.MEASURES)))
        return lines

    def failures(self) -> list[str]:
        """Files that somebody could not answer."""
        return [
            f"- {method}: {piece['id']}: {answer['error']}"
            for method, answers in self.found.items()
            for piece, answer in zip(self.pieces, answers, strict=True)
            if "error" in answer
        ]


#: Fewer stated values than this in a bin say little.
FEW = 200


def reliability(reports: Sequence[Report]) -> list[str]:
    """Stated confidence against what was so, for ours."""
    stated: dict[str, list[tuple[float, bool]]] = {"beat": [], "downbeat": [], "presence": [], "border": []}
    for report in reports:
        for piece, answer in zip(report.pieces, report.found[OURS], strict=True):
            for name, values in scores.judged(piece["truth"], answer).items():
                stated[name] += values
    lines = _head("what", "stated", "how many", "mean stated", "was so", "within .1")
    for name, values in stated.items():
        for low, high, n, said, so in scores.reliability(values) if values else ():
            few = "" if n >= FEW else " (few)"
            within = "yes" if abs(said - so) <= 0.1 else "no"
            lines.append(_row(name, f"{low:.1f}–{high:.1f}", str(n), f"{said:.2f}", f"{so:.2f}", within + few))
    return lines


def verdict(reports: Sequence[Report], cost: Cost | None) -> list[str]:
    """The issue's lines, with what was reached and whether that is enough."""
    names = [report.name for report in reports]
    lines = _head("measure", "librosa, best peer (unseen corpus)", "must reach", *(f"ours, {n}" for n in names),
                  *(f"librosa here, {n}" for n in names), "met")
    for measure, group, theirs, least in LINES:
        reached = [report.mean(OURS, measure, group) for report in reports]
        peer = [report.mean("librosa", measure, group) if "librosa" in report.rows else None for report in reports]
        met = [value is None or value >= least for value in reached]
        what = measure if group == "all" else f"{measure}, {group}"
        lines.append(_row(what, theirs, f"≥ {least:g}", *map(_figure, reached), *map(_figure, peer), _met(names, met)))
    for kind in ("ambient", "speech"):
        cells, met = [], []
        for method in (OURS, "librosa"):
            for report in reports:
                asked = report.false_beats(method) if method in report.rows else []
                rows = [(v, n) for style, v, n in asked if kind in style]
                value = sum(v * n for v, n in rows) / sum(n for _, n in rows) if rows else None
                cells.append("–" if value is None else f"{value:.1f}")
                met += [value is None or value <= 10] if method == OURS else []
        theirs = "0" if kind == "ambient" else "112, madmom 74"
        lines.append(_row(f"false beats a minute, {kind}", theirs, "≤ 10", *cells, _met(names, met)))
    for what, theirs, ours, peer, most, unit in cost.lines() if cost else ():
        blank = ["–"] * (len(reports) - 1)
        met_here = "yes" if ours <= most else "**no**"
        said = "–" if peer is None else f"{peer:.2f} {unit}" if unit == "s" else f"{peer:.0f} {unit}"
        own = f"{ours:.2f} {unit}" if unit == "s" else f"{ours:.0f} {unit}"
        lines.append(_row(what, theirs, f"≤ {most:g} {unit}", own, *blank, said, *blank, met_here))
    return lines


def _met(names: Sequence[str], met: Sequence[bool]) -> str:
    return "yes" if all(met) else "**no** (" + ", ".join(n for n, ok in zip(names, met, strict=True) if not ok) + ")"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), "|---" * len(cells) + "|"]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def document(reports: Sequence[Report], cost: Cost | None, methods: Sequence[str]) -> str:
    """The whole result as Markdown."""
    versions = peers.installed()
    said = ", ".join(f"{name} {versions[name]}" for name in methods if name != OURS) or "none"
    told = (
        f"Peers installed here: {said}. Ours is asked by `music-visualizer analyze FILE --json`. Generated pieces: "
        f"{generated.folder().name}. The known figures of librosa and of the best peer are of 51 other pieces."
    )
    measured = (scores.__doc__ or "").split("``sections``. ")[-1].strip()
    text = ["# Hearing", "", measured, "", told, "", "## The lines that must be reached", "", *verdict(reports, cost)]
    text += ["", "## Stated confidence and what was so, all pieces", "", *reliability(reports), ""]
    for report in reports:
        text += [f"## {report.name}: {len(report.pieces)} pieces", "", *report.means(), ""]
        for head, lines in (
            ("Paired spread", report.spread()),
            ("False beats a minute where there is no beat", _false(report)),
            ("Stated confidence and what was so", reliability([report])),
            ("Not answered", report.failures()),
        ):
            text += [f"### {head}", "", *lines, ""] if lines else []
    text += ["## Each piece", ""]
    for report in reports:
        text += [f"### {report.name}", "", *report.each(), ""]
    return "\n".join(text).rstrip() + "\n"


def _false(report: Report) -> list[str]:
    lines = _head("sound", "pieces", *report.rows)
    by = {method: {style: (value, n) for style, value, n in report.false_beats(method)} for method in report.rows}
    for style, (_, n) in by[OURS].items():
        lines.append(_row(style, str(n), *(f"{by[method][style][0]:.1f}" for method in report.rows)))
    return lines if len(lines) > 2 else []


def main() -> None:
    """Ask everybody about everything and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="24 generated pieces, no three hours, written nowhere")
    parser.add_argument("--generated", type=int, default=200, metavar="N", help="generated pieces (default 200)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="files asked at a time (default 1)")
    parser.add_argument("--peers", default="", metavar="A,B", help="of those installed (default all; none: no peers)")
    parser.add_argument("--no-cost", action="store_true", help="leave out time and memory")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    corpus = os.environ.get("MUSIC_VISUALIZER_CORPUS")
    wanted = [name for name in given.peers.split(",") if name]
    methods = [OURS, *(name for name in peers.installed() if not wanted or name in wanted)]
    sets = {"corpus": corpus_pieces(Path(corpus))} if corpus else {}
    count = 24 if given.quick else given.generated
    if count:
        sets["generated"] = generated.pieces(count, given.workers)
    if not sets:
        raise SystemExit("no music: set MUSIC_VISUALIZER_CORPUS, or ask for generated pieces")
    answers = Answers(given.workers)
    reports = [Report(name, pieces, {m: answers.of(m, pieces) for m in methods}) for name, pieces in sets.items()]
    cost = None if given.no_cost else costs(hours=not given.quick)
    text = document(reports, cost, methods)
    if not given.quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
