"""How sure is sure: raw scores become stated confidences that keep their word.

Conventions: a stated confidence of 0.8 means that 8 in 10 such beats are right. Each kind has a table of raw scores
and of how often music with known truth, which nothing was trained on, bore them out: straight lines between them.
``python -m training.calibrate`` measures the tables and writes them.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Floats

#: What can be stated: that a beat is right, that its place in the bar is, that there is a beat at all.
Kind = Literal["beat", "downbeat", "presence"]
CALIBRATION = Path(__file__).parent / "weights" / "calibration.json"


def stated(kind: Kind, raw: npt.ArrayLike) -> Floats:
    """The confidences to state for ``raw`` scores, in [0, 1]."""
    table = _calibration()[kind]
    return np.asarray(np.interp(np.asarray(raw, np.float64), table["raw"], table["right"]), np.float32)


def weights(of: Literal["reading"] | Kind) -> npt.NDArray[np.float64]:
    """The fitted weights by which the traits of a reading, a beat or a moment become its raw score."""
    return np.array(_calibration()[of]["weights"], np.float64)


@lru_cache(maxsize=1)
def _calibration() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CALIBRATION.read_text("utf-8"))
    return found


def monotone(
    raw: npt.NDArray[np.float64], right: npt.NDArray[np.float64], points: int = 30, least: int = 40
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A table for :func:`stated`: pools of scores, smaller where scores are low and rare; their means made to increase.

    Parameters
    ----------
    raw, right : [shape=(n,)]
        Scores, and 1 where the statement was right, else 0.
    points : int
        Rows of the table at most.
    least : int
        Scores that a pool holds, where there are so many.
    """
    order = np.argsort(raw, kind="stable")
    least = min(raw.size, least)
    cuts = [0]
    for cut in np.rint(raw.size * np.linspace(0, 1, points + 1) ** 3).astype(int):
        if cut - cuts[-1] >= least and raw.size - cut >= least:
            cuts.append(int(cut))
    parts = np.split(order, cuts[1:])
    pools = [[float(raw[p].mean()), float(right[p].mean()), float(p.size)] for p in parts if p.size]
    # Adjacent violators are pooled (Ayer et al., 1955).
    merged: list[list[float]] = []
    for pool in pools:
        merged.append(pool)
        while len(merged) > 1 and merged[-2][1] >= merged[-1][1]:
            (a, b, n), (c, d, m) = merged[-2:]
            merged[-2:] = [[(a * n + c * m) / (n + m), (b * n + d * m) / (n + m), n + m]]
    table = np.array(merged)
    return table[:, 0], table[:, 1]
