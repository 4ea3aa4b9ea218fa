"""The whole way on larger music, where MUSIC_VISUALIZER_CORPUS names it.

What counts here is the mp4: its peaks of visual change are held against the true beats of the piece.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.pipeline import Reporter, Result, make_video
from lib_music.render.animatic import Animatic
from lib_music.request import Request
from lib_music.video.sync import visual_change, visual_peaks

#: A musician hears two events this close as one, s.
TOGETHER = 0.07


def pieces(corpus: Path) -> list[dict[str, Any]]:
    return list(json.loads((corpus / "INDEX.json").read_text())["pieces"])


def truth(corpus: Path, piece: dict[str, Any]) -> np.ndarray:
    return np.array(json.loads((corpus / f"{piece['id']}.truth.json").read_text())["beats"], float)


def is_steady(beats: np.ndarray) -> bool:
    """Whether a tapper would need no change of pace: beat lengths within two percent of their median."""
    gaps = np.diff(beats)
    return bool(gaps.size > 20 and np.percentile(np.abs(gaps / np.median(gaps) - 1), 95) < 0.02)


def rendered(song: Path, out: Path, size: int, **more: Any) -> Result:
    request = Request(song, width=size, height=size, **more)
    return make_video(request, out, Reporter(), lambda plan, _: Animatic.from_file(plan.cover))


def inside(times: np.ndarray, animation: dict[str, Any]) -> np.ndarray:
    """The times that fall into choruses and drops."""
    fps = animation["n_frames"] / animation["sound"]["duration"]
    keep = np.zeros(times.size, bool)
    for section in animation["sections"]:
        if section["role"] in ("chorus", "drop"):
            keep |= (times >= section["start"] / fps - 0.02) & (times < section["end"] / fps - 0.02)
    return times[keep]


def share_near(events: np.ndarray, others: np.ndarray) -> float:
    if not events.size or not others.size:
        return 0.0
    return float(np.mean(np.abs(events[:, None] - others[None, :]).min(axis=1) <= TOGETHER))


def test_the_pictures_peaks_are_the_true_beats_in_choruses_and_drops(corpus: Path, tmp_path: Path) -> None:
    scores = {}
    for piece in pieces(corpus):
        beats = truth(corpus, piece)
        if not piece["drums"] or not is_steady(beats):
            continue
        out = tmp_path / piece["id"]
        result = rendered(corpus / piece["file"], out, 64)
        change, fps = visual_change(result.video)
        animation = json.loads((out / "animation.json").read_text())
        peaks = inside(visual_peaks(change, fps) / float(fps), animation)
        true = inside(beats, animation)
        assert true.size > 16, f"{piece['id']} has no chorus and no drop"
        recall, precision = share_near(true, peaks), share_near(peaks, true)
        scores[piece["id"]] = (recall, 2 * recall * precision / max(1e-9, recall + precision))
    assert len(scores) >= 8
    recall, f_measure = np.mean(list(scores.values()), axis=0)
    print(f"\n{len(scores)} steady pieces with drums: recall {recall:.3f}, F {f_measure:.3f}")
    assert recall >= 0.8 and f_measure >= 0.8, scores


def test_every_file_becomes_a_video(corpus: Path, tmp_path: Path) -> None:
    songs = sorted(corpus.rglob("*.ogg"))
    assert songs
    for song in songs:
        result = rendered(song, tmp_path / song.stem, 64, duration=5.0)
        assert result.frames == 120 and result.video.stat().st_size > 5000, song.name
