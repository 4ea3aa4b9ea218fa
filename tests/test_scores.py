"""The benchmark's own arithmetic: what it calls right is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scores import judged, mean, paired_spread, reliability, score

BEATS = [round(0.5 * k, 3) for k in range(1, 121)]
SECTIONS = [{"start": 0.0, "end": 20.0}, {"start": 20.0, "end": 44.0}, {"start": 44.0, "end": 60.0}]
TRUTH = {"beats": BEATS, "downbeats": BEATS[::4], "tempo": 120.0, "sections": SECTIONS, "duration": 60.5}


def answer(**other: object) -> dict[str, object]:
    return {"beats": BEATS, "downbeats": BEATS[::4], "tempo": 120.0, "sections": SECTIONS, **other}


def test_a_right_answer_has_all_of_it() -> None:
    assert set(score(TRUTH, answer()).values()) == {1.0}


def test_octaves_and_phases() -> None:
    half = score(TRUTH, answer(beats=BEATS[::2], tempo=60.0))
    assert half["F"] == pytest.approx(2 / 3, abs=0.02) and half["CMLt"] < 0.05
    assert half["AMLt"] == pytest.approx(1, abs=0.02)
    assert (half["tempo"], half["tempo octave"]) == (0.0, 1.0)
    off = score(TRUTH, answer(beats=[t + 0.25 for t in BEATS], downbeats=BEATS[1::4]))
    assert off["F"] == 0 and off["downbeat F"] == 0 and off["AMLt"] == pytest.approx(1, abs=0.02)


def test_what_is_not_answered_and_what_is_silent() -> None:
    found = score(TRUTH, {"beats": [], "tempo": 0.0})
    assert found["F"] == found["tempo"] == 0 and not {"downbeat F", "borders 3 s"} & set(found)
    assert score(TRUTH, {"error": "crashed"})["F"] == 0
    assert score({"beats": [], "duration": 30.0}, answer()) == {"false beats": 240.0}


def test_borders() -> None:
    cut = [{"start": 0.0, "end": 22.0}, {"start": 22.0, "end": 60.0}]
    found = score(TRUTH, answer(sections=cut))
    assert found["borders 0.5 s"] == 0 and found["borders 3 s"] == pytest.approx(2 / 3)
    assert "borders 3 s" not in score({**TRUTH, "sections": SECTIONS[:1]}, answer())


def test_repeats_count_where_they_are_asked_for() -> None:
    twice = [{"start": 0.0, "end": 20.0, "label": "A"}, {"start": 20.0, "end": 40.0, "label": "A"},
             {"start": 40.0, "end": 60.0, "label": "B"}]  # fmt: skip
    truth, once = {**TRUTH, "sections": twice}, [{"start": 0.0, "end": 40.0}, {"start": 40.0, "end": 60.0}]
    found = score(truth, answer(sections=once))
    assert found["borders 0.5 s"] == 1.0 and found["repeats 0.5 s"] == pytest.approx(2 / 3)
    found = score(truth, answer(sections=twice))
    assert found["borders 3 s"] == pytest.approx(2 / 3) and found["repeats 3 s"] == 1.0
    unnamed = [{"start": s["start"], "end": s["end"]} for s in twice]
    assert score({**TRUTH, "sections": unnamed}, answer(sections=twice))["borders 3 s"] == 1.0


def test_letters() -> None:
    """By hand: of truth A 20 s, B 20 s, A 20 s the pairs of one letter are 40 s's and 20 s's."""
    def named(letters: str, seconds: float = 20.0) -> list[dict[str, object]]:
        return [{"start": seconds * k, "end": seconds * (k + 1), "label": letter} for k, letter in enumerate(letters)]

    truth = {**TRUTH, "sections": named("ABA")}
    assert score(truth, answer(sections=named("XYX")))["labels"] == 1.0, "names are only names"
    tenths, true = 600 * 599 / 2, 400 * 399 / 2 + 200 * 199 / 2
    one = score(truth, answer(sections=named("A", 60.0)))["labels"]
    assert one == pytest.approx(2 * true / (tenths + true), abs=0.005), "all pairs said, no more than those are true"
    apart = 3 * 200 * 199 / 2
    assert score(truth, answer(sections=named("ABC")))["labels"] == pytest.approx(2 * apart / (apart + true), abs=0.005)
    short = score(truth, answer(sections=named("XYX", 19.0)))["labels"]
    assert 0.85 < short < 1, "what is not answered is no letter of the truth's"
    late = [{**section, "start": max(section["start"], 0.3)} for section in named("ABA")]  # type: ignore[type-var]
    assert score({**truth, "sections": late}, answer(sections=named("XYX")))["labels"] == pytest.approx(1, abs=0.02)
    for sections in (None, SECTIONS):
        assert "labels" not in score(truth, answer(sections=sections))
    assert "labels" not in score(TRUTH, answer(sections=named("ABA")))


def test_borders_are_held_against_what_was_stated() -> None:
    said = [{"start": 0.0, "end": 20.4, "confidence": 1.0}, {"start": 20.4, "end": 30.0, "confidence": 0.9},
            {"start": 30.0, "end": 60.0, "confidence": 0.2}]  # fmt: skip
    assert judged(TRUTH, answer(sections=said))["border"] == [(0.9, True), (0.2, False)]


def test_means_are_over_who_has_it() -> None:
    assert mean([{"F": 1.0}, {"F": 0.5, "tempo": 1.0}]) == {"F": 0.75, "tempo": 1.0}


def test_paired_spread_knows_a_difference_from_none() -> None:
    rng = np.random.default_rng(1)
    theirs = rng.random(60)
    apart, low, high = paired_spread((theirs + 0.1 + 0.01 * rng.normal(size=60)).tolist(), theirs.tolist())
    assert apart == pytest.approx(0.1, abs=0.01) and 0.09 < low < apart < high < 0.11
    apart, low, high = paired_spread(rng.random(60).tolist(), theirs.tolist())
    assert low < 0 < high


def test_stated_confidence_is_held_against_what_was_so() -> None:
    confidence = [0.95] * 60 + [0.25] * 60
    found = answer(beats=BEATS[:60] + [t + (0.25 if k % 4 else 0.0) for k, t in enumerate(BEATS[60:])],
                   beat_confidence=confidence, positions=[1, 2, 3, 4] * 30, downbeat_confidence=[0.9] * 120,
                   beat_presence={"rate": 2.0, "values": [1.0] * 60 + [0.0] * 61})  # fmt: skip
    stated = judged({**TRUTH, "beat_spans": [[0.0, 29.9]]}, found)
    rows = reliability(stated["beat"])
    assert [(low, n, pytest.approx(so)) for low, _, n, _, so in rows] == [(0.2, 60, 0.25), (0.9, 60, 1.0)]
    assert len(stated["downbeat"]) == 30 and stated["presence"][0] == (1.0, True)
    assert all(said == so for said, so in stated["presence"])


def test_a_generated_piece_is_the_same_again(tmp_path: Path) -> None:
    import json

    from benchmarks.generated import FIRST_SEED, make
    from lib_music.audio import open_audio

    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        assert make(FIRST_SEED + 1, tmp_path / folder) == f"{FIRST_SEED + 1}.wav"
    (one, two) = (tmp_path / folder / f"{FIRST_SEED + 1}.wav" for folder in ("a", "b"))
    assert one.read_bytes() == two.read_bytes()
    truth = json.loads(one.with_suffix("").with_suffix(".truth.json").read_text())
    assert truth["duration"] == pytest.approx(open_audio(one).duration)
    assert all(0 <= t <= truth["duration"] for t in truth["beats"]) and set(truth["downbeats"]) <= set(truth["beats"])


def test_what_makes_the_music_marks_its_folder() -> None:
    """The folder's name depends on what composes, and not on what only learns from it."""
    from benchmarks.generated import _NO_MUSIC, ROOT

    said = subprocess.run([sys.executable, "-c", "import sys, training.pieces; print(*sys.modules)"], cwd=ROOT,
                          capture_output=True, text=True, check=True).stdout.split()
    imported = {name.split(".")[1] for name in said if name.startswith("training.")}
    scripts = {path.stem for path in (ROOT / "training").glob("*.py")} - {"__init__"}
    assert scripts - imported == _NO_MUSIC
