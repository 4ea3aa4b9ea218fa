"""The ear on the page: other readings are one step away, a new hearing keeps the corrections and tells of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lib_music.analysis import load_analysis, read_corrections, save_analysis
from lib_music.analysis.beat_this import installed
from lib_music.errors import InputError
from lib_music.project import Project
from lib_music.rehear import keep_hearing
from lib_music.studio.song import act
from lib_music.studio.studio import Studio
from lib_music.studio.view import view
from tests.music import song
from tests.studio.places import files_of, finished, heard, plain, studio_in


def path_of(studio: Studio, name: str, file: str) -> Path:
    return studio.host.workspace() / name / file


def test_other_readings_are_one_step_away(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    analysis = song(bpm=120)
    unsure = replace(analysis.beats, alternatives=((60.0, 0.23), (240.0, 0.04), (80.0, 0.2)))
    name = heard(studio, replace(analysis, beats=unsure))
    shown = plain(view(studio, name))
    assert shown["ear"]["readings"] == [{"bpm": 60.0, "factor": 0.5, "weight": 0.23}]
    after = plain(act(studio, name, {"do": "tempo", "factor": 0.5}))
    assert after["song"]["tempo"] == 60.0
    back = after["ear"]["readings"]
    assert [(r["bpm"], r["factor"]) for r in back] == [(120.0, 2.0)] and back[0]["weight"] == pytest.approx(0.53)


def test_taps_are_kept_shown_and_cleared(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio, song(bpm=120))
    taps = [round(4.0 + k, 3) for k in range(8)]
    shown = plain(act(studio, name, {"do": "taps", "times": taps}))
    assert shown["ear"]["taps"] == 8 and shown["hearing"]["edited"]
    region = [t for t in shown["beats"] if 3.9 < t < 11.1]
    assert region == taps
    shown = plain(act(studio, name, {"do": "clear_taps"}))
    assert shown["ear"]["taps"] == 0 and not shown["hearing"]["edited"]


def test_a_new_hearing_is_told_where_it_settles_a_correction(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio, song(bpm=120))
    act(studio, name, {"do": "tempo", "factor": 2})
    act(studio, name, {"do": "label", "section": 1, "name": "Bridge"})
    plan = (("A", "verse", 8), ("B", "chorus", 8), ("A", "verse", 8), ("C", "drop", 8))
    better = replace(song(bpm=240, plan=plan), version=2)  # type: ignore[arg-type]
    save_analysis(path_of(studio, name, "analysis.json"), better)
    shown = plain(view(studio, name))
    assert shown["song"]["tempo"] == 240 and shown["hearing"]["tempo_factor"] == 1
    assert [s["label"] for s in shown["sections"]] == ["A", "Bridge", "A", "C"]
    assert any("the tempo you doubled is heard so now" in line for line in shown["warnings"])
    # The file keeps what the person made until they edit again; then it is about the new hearing.
    assert read_corrections(path_of(studio, name, "corrections.json")).tempo_factor == 2
    shown = plain(act(studio, name, {"do": "nudge", "ms": 10}))
    assert not any("your correction" in line for line in shown["warnings"])
    assert read_corrections(path_of(studio, name, "corrections.json")).tempo_factor == 1


def test_the_old_hearing_comes_back_with_its_corrections(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    first = song(bpm=120)
    name = heard(studio, first)
    act(studio, name, {"do": "tempo", "factor": 2})
    file = path_of(studio, name, "analysis.json")
    old = load_analysis(file)
    plan = (("A", "verse", 8), ("B", "chorus", 8), ("A", "verse", 8), ("C", "drop", 8))
    save_analysis(file, song(bpm=240, plan=plan))  # type: ignore[arg-type]
    assert plain(view(studio, name))["hearing"]["tempo_factor"] == 1
    save_analysis(file, old)
    shown = plain(view(studio, name))
    assert shown["hearing"]["tempo_factor"] == 2 and shown["song"]["tempo"] == 240


def test_corrections_of_before_learn_what_they_were_made_on(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio, song(bpm=120))
    corrections = path_of(studio, name, "corrections.json")
    old = {"format": "music-visualizer corrections", "tempo_factor": 2.0, "downbeat_shift": 0, "nudge": 0.0,
           "taps": [], "borders": [], "labels": [], "roles": []}  # fmt: skip
    corrections.write_text(json.dumps(old))
    plan = (("A", "verse", 8), ("B", "chorus", 8), ("A", "verse", 8), ("C", "drop", 8))
    better = replace(song(bpm=240, plan=plan), version=2)  # type: ignore[arg-type]
    with Project(studio.host.workspace() / name) as project:
        done, said = keep_hearing(project, better)
    assert done.beats.tempo == 240 and len(said) == 1 and "doubled" in said[0]
    kept = read_corrections(corrections)
    assert kept.tempo_factor == 2 and kept.made_on is not None and kept.made_on.beats.tempo == 120
    assert np.array_equal(load_analysis(path_of(studio, name, "analysis.json")).beats.times, better.beats.times)
    with Project(studio.host.workspace() / name) as project:
        assert keep_hearing(project, better)[1] == said


def test_an_ear_that_is_not_there_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    before = files_of(studio, name)
    for ear in ("golden", "spotify", "", None, 7, *(() if installed() else ("beat_this",))):
        with pytest.raises(InputError):
            act(studio, name, {"do": "ear", "ear": ear})
    assert files_of(studio, name) == before and not studio.jobs.active()
    choices = {c["id"]: c["usable"] for c in view(studio, name)["ear"]["choices"]}
    assert choices == {"own": True, "beat_this": installed()}


def test_our_own_ear_hears_a_song_again(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio, song(bpm=100))
    act(studio, name, {"do": "ear", "ear": "own"})
    (job,) = studio.jobs.all()
    assert finished(studio, job).state == "done"
    again = load_analysis(path_of(studio, name, "analysis.json"))
    assert again.ear == "own" and again.version > 0
    assert view(studio, name)["ear"]["ear"] == "own"
