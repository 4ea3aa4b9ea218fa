"""How right an answer is: measures of one piece, means, paired spread, and whether stated confidence can be believed.

Conventions: a piece is ``{"id", "file", "truth", "kind", "drums", ...}``; truth and answer are dicts with ``beats``,
``downbeats``, ``tempo``, ``sections``. Beat F at 70 ms with the first 5 s trimmed and answers outside the annotated
span left out, CMLt and AMLt (Davies et al. 2009), downbeat F at 70 ms, tempo within 4 % exactly and allowing 2, 1/2,
3, 1/3 of it, section borders at 0.5 s and 3 s without the song's ends. Neighbouring true sections of one letter, the
same music played twice, are one section there; in "repeats" each of them counts. Labels are the pairwise F of letters
(Levy & Sandler 2008): of two tenths of a second, whether they are of one letter. What a method does not answer is
absent, but no beats in music with beats are an F of 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Found = dict[str, Any]
#: The measures, as the table heads them.
MEASURES = (
    "F", "CMLt", "AMLt", "downbeat F", "tempo", "tempo octave", "borders 0.5 s", "borders 3 s", "repeats 0.5 s",
    "repeats 3 s", "labels", "false beats",
)  # fmt: skip
WINDOW = 0.07
#: A stated border stands where a true one is so near, s.
BORDER = 0.5


def _times(of: Found, name: str) -> npt.NDArray[np.float64]:
    return np.sort(np.array(of.get(name) or [], np.float64))


def score(truth: Found, found: Found) -> dict[str, float]:
    """The figures of one piece; those without truth or answer are absent.

    ``false beats`` are beats a minute in music that has none.
    """
    import mir_eval

    trim, true = mir_eval.beat.trim_beats, _times(truth, "beats")
    if not true.size:
        return {"false beats": 60 * _times(found, "beats").size / float(truth["duration"])}
    out: dict[str, float] = {}
    a, b = trim(true), _inside(trim(_times(found, "beats")), trim(true))
    few = b.size < 2 or a.size < 2
    _, cmlt, _, amlt = (0.0,) * 4 if few else mir_eval.beat.continuity(a, b)
    out |= {"F": 0.0 if few else mir_eval.beat.f_measure(a, b), "CMLt": cmlt, "AMLt": amlt}
    if truth.get("downbeats") and found.get("downbeats") is not None:
        a = trim(_times(truth, "downbeats"))
        b = _inside(trim(_times(found, "downbeats")), a)
        if a.size > 1:
            out["downbeat F"] = mir_eval.beat.f_measure(a, b) if b.size > 1 else 0.0
    if truth.get("tempo"):
        ratio = float(found.get("tempo") or 0) / float(truth["tempo"])
        out["tempo"] = float(abs(ratio - 1) <= 0.04)
        out["tempo octave"] = float(any(abs(ratio / m - 1) <= 0.04 for m in (1, 2, 0.5, 3, 1 / 3)))
    return out | _borders(truth, found) | _labels(truth, found)


def _inside(times: npt.NDArray[np.float64], span: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return times[(times >= span[0] - 1) & (times <= span[-1] + 1)] if span.size else times


def _borders(truth: Found, found: Found) -> dict[str, float]:
    """Borders of pieces that have some: of one section there is nothing to find."""
    import mir_eval

    if found.get("sections") is None:
        return {}
    out: dict[str, float] = {}
    for name, true in (("borders", _joined(truth)), ("repeats", _sections(truth))):
        if len(true) < 2:
            continue
        edges = sorted({round(float(t), 3) for s in found["sections"] for t in (s["start"], s["end"])})
        edges = edges if len(edges) > 1 else [0.0, float(true[-1, 1])]
        said = np.array(list(pairwise(edges)))
        for window in (0.5, 3.0):
            right = mir_eval.segment.detection(true, said, window=window, trim=True)[2]
            out[f"{name} {window:g} s"] = float(right)
    return out


def _labels(truth: Found, found: Found) -> dict[str, float]:
    """Whether the same letter is the same material, of pieces with several sections of known letters."""
    import mir_eval

    letters, said = ([s.get("label") for s in of.get("sections") or ()] for of in (truth, found))
    if len(letters) < 2 or not said or None in letters + said:
        return {}
    # From where the truth begins to where it ends; what was not answered there is a letter of its own.
    true = _sections(truth)
    start, end = float(true[0, 0]), float(true[-1, 1])
    spans, said = mir_eval.util.adjust_intervals(_sections(found) - start, said, 0.0, end - start, "", "")
    return {"labels": float(mir_eval.segment.pairwise(true - start, letters, spans, said)[2])}


def _sections(of: Found) -> npt.NDArray[np.float64]:
    return np.array([[s["start"], s["end"]] for s in of.get("sections") or ()], np.float64).reshape(-1, 2)


def _joined(of: Found) -> npt.NDArray[np.float64]:
    """Sections, neighbours of one letter as one."""
    spans: list[list[float]] = []
    letter = None
    for section in of.get("sections") or ():
        if spans and letter is not None and section.get("label") == letter:
            spans[-1][1] = section["end"]
        else:
            spans.append([section["start"], section["end"]])
        letter = section.get("label")
    return np.array(spans, np.float64).reshape(-1, 2)


def mean(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Means of each measure over the pieces that have it."""
    rows = list(rows)
    return {m: float(np.mean([r[m] for r in rows if m in r])) for m in MEASURES if any(m in r for r in rows)}


def paired_spread(ours: Sequence[float], theirs: Sequence[float], draws: int = 10_000) -> tuple[float, float, float]:
    """Mean difference of the same pieces, and its 95 % interval by paired bootstrap (Efron 1979)."""
    apart = np.asarray(ours) - np.asarray(theirs)
    rng = np.random.default_rng(0)
    means = np.array([apart[rng.integers(0, apart.size, apart.size)].mean() for _ in range(draws)])
    low, high = np.percentile(means, (2.5, 97.5))
    return float(apart.mean()), float(low), float(high)


def judged(truth: Found, found: Found) -> dict[str, list[tuple[float, bool]]]:
    """What was stated of each beat, downbeat, half second and border, and whether it was so."""
    beats, true = _times(found, "beats"), _times(truth, "beats")
    out: dict[str, list[tuple[float, bool]]] = {"beat": [], "downbeat": [], "presence": [], "border": []}
    stated = np.array(found.get("beat_confidence") or [])
    if stated.size == beats.size and (true.size or not truth.get("beats")):
        out["beat"] = list(zip(stated.tolist(), _near(beats, true).tolist(), strict=True))
    down, positions = np.array(found.get("downbeat_confidence") or []), np.array(found.get("positions") or [])
    if down.size == beats.size and truth.get("downbeats"):
        ones = positions == 1
        out["downbeat"] = list(
            zip(down[ones].tolist(), _near(beats[ones], _times(truth, "downbeats")).tolist(), strict=True)
        )
    presence = found.get("beat_presence")
    if presence and truth.get("beat_spans") is not None:
        at = np.arange(len(presence["values"])) / presence["rate"]
        there = np.zeros(at.size, bool)
        for start, end in truth["beat_spans"]:
            there |= (at >= start) & (at <= end)
        out["presence"] = list(zip(presence["values"], there.tolist(), strict=True))
    true_borders = _joined(truth)[1:, 0]
    if truth.get("sections"):
        said = [(s["confidence"], s["start"]) for s in (found.get("sections") or ())[1:] if "confidence" in s]
        out["border"] = [(sure, bool(np.any(np.abs(true_borders - start) <= BORDER))) for sure, start in said]
    return out


def _near(times: npt.NDArray[np.float64], true: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    if not true.size:
        return np.zeros(times.size, bool)
    right = np.clip(np.searchsorted(true, times), 1, max(true.size - 1, 1))
    left = true[right - 1]
    right = np.minimum(right, true.size - 1)
    return np.asarray(np.minimum(np.abs(times - left), np.abs(times - true[right])) <= WINDOW)


def reliability(stated: Sequence[tuple[float, bool]], bins: int = 10) -> list[tuple[float, float, int, float, float]]:
    """Rows of (from, to, how many, mean stated, share that was so), without empty bins."""
    values = np.array([value for value, _ in stated])
    right = np.array([so for _, so in stated], float)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip((values * bins).astype(int), 0, bins - 1) if values.size else values.astype(int)
    found = []
    for b in range(bins):
        inside = place == b
        if inside.any():
            means = float(values[inside].mean()), float(right[inside].mean())
            found.append((float(edges[b]), float(edges[b + 1]), int(inside.sum()), *means))
    return found
