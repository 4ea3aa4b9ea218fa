"""The whole way on larger music, where MUSIC_VISUALIZER_CORPUS names it.

What counts here is what comes out: the printed analysis is held against the truth of each piece, and the mp4's peaks of
visual change against its beats. ``python -m benchmarks.hearing`` says more of the hearing.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib_music.cli import main
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


def test_every_file_is_heard_as_it_is(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each file, those without truth too, gives one whole answer; on the mean the beats are right."""
    known = {corpus / piece["file"]: piece for piece in pieces(corpus)}
    scores, false_beats = {}, {}
    for song in sorted(corpus.rglob("*.ogg")):
        assert main(["analyze", str(song), "--json"]) == 0, song.name
        out, err = capsys.readouterr()
        assert err == ""
        found = json.loads(out)
        check_whole(found, song.name)
        if song not in known:
            continue
        beats = truth(corpus, known[song])
        if beats.size:
            span = (np.array(found["beats"]) >= beats[0] - 1) & (np.array(found["beats"]) <= beats[-1] + 1)
            near = share_near(beats, np.array(found["beats"])), share_near(np.array(found["beats"])[span], beats)
            scores[song.stem] = 2 * near[0] * near[1] / max(1e-9, sum(near))
        else:
            false_beats[song.stem] = 60 * len(found["beats"]) / found["duration"]
    print(f"\n{len(scores)} pieces with beats: F {np.mean(list(scores.values())):.3f}; false beats {false_beats}")
    assert np.mean(list(scores.values())) >= 0.88, scores
    assert all(value <= 10 for value in false_beats.values()), false_beats


def check_whole(found: dict[str, Any], name: str) -> None:
    """All fields there, finite, alike long and in order."""
    beats, sections = np.array(found["beats"]), found["sections"]
    assert {len(found[n]) for n in ("positions", "beat_confidence", "downbeat_confidence")} == {len(beats)}, name
    assert (np.diff(beats) > 0).all() and set(found["downbeats"]) <= set(found["beats"]), name
    assert not beats.size or (beats[0] >= 0 and beats[-1] <= found["duration"]), name
    assert sections[0]["start"] == 0 and abs(sections[-1]["end"] - found["duration"]) < 1e-3, name
    assert all(a["end"] == b["start"] for a, b in pairwise(sections)), name
    shares = [*found["beat_confidence"], *found["downbeat_confidence"], *found["beat_presence"]["values"],
              *found["confidence"].values(), *(reading["weight"] for reading in found["tempo_alternatives"])]
    assert all(0 <= share <= 1 for share in shares), name
