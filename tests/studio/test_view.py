"""The JSON that the page draws: whole, finite, small, fast."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lib_music.audio import open_audio
from lib_music.errors import ProjectError
from lib_music.studio import panels as panels_module
from lib_music.studio.panels import panels
from lib_music.studio.song import act
from lib_music.studio.view import view
from lib_music.studio.waveform import MAX_POINTS, outline
from lib_music.studio.workspace import new_project
from tests.music import song
from tests.studio.places import heard, plain, sound, studio_in


def test_a_song_of_ten_minutes_is_small_and_fast(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    plan = [(chr(65 + i % 8), "verse", 12) for i in range(25)]
    name = heard(studio, song(bpm=120, plan=plan))
    view(studio, name)
    took = []
    for _ in range(3):
        begin = time.process_time()  # what else runs on the machine does not count
        shown = view(studio, name)
        took.append(time.process_time() - begin)
    assert shown["song"]["duration"] == 600 and min(took) < 0.3
    assert len(json.dumps(shown)) < 1_500_000 and len(shown["waveform"]["max"]) <= MAX_POINTS


def test_everything_is_there_and_fits_together(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    analysis = song(start=0.5)
    shown = plain(view(studio, heard(studio, analysis)))
    assert shown["beats"] == pytest.approx(analysis.beats.times) and len(shown["positions"]) == len(shown["beats"])
    sections = shown["sections"]
    assert [s["color"] for s in sections] == [0, 1, 0, 2] and [s["label"] for s in sections] == list("ABAC")
    assert sections[0]["start"] == 0 and sections[-1]["end"] == shown["song"]["duration"]
    places = [(row["section"], row["occurrence"], row["of"]) for row in shown["rows"]]
    assert places == [(0, 1, 2), (1, 1, 1), (2, 2, 2), (3, 1, 1)]
    assert all(0 <= v <= 100 for v in shown["energy"]["values"]) and "drop" in shown["roles"]
    wave = shown["waveform"]
    assert len(wave["min"]) == len(wave["max"]) == pytest.approx(shown["song"]["duration"] * wave["rate"], abs=1)


def test_a_project_that_was_not_heard_yet_is_drawn_too(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    project = new_project(studio.host, "x", "0" * 64, "<b>.wav")
    shown = plain(view(studio, project.folder.name))
    assert shown["waveform"] is None and shown["rows"] == shown["sections"] == shown["candidates"] == []
    assert shown["song"]["title"] == "<b>.wav" and shown["song"]["audio_url"] is None


def test_a_prompt_that_some_frame_cannot_compute_is_told_and_all_else_drawn(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    shown = plain(act(studio, name, {"do": "row", "section": 0, "prompt": "a `1/t` b"}))
    assert shown["cost"] is None and shown["curves"] is None and shown["rows"][0]["prompt"] == "a `1/t` b"
    assert any("1/t" in line for line in shown["warnings"])
    mended = plain(act(studio, name, {"do": "row", "section": 0, "prompt": "a `1/(t+1)` b"}))
    assert mended["cost"]["frames"] == 768 and mended["curves"]["hits"] and not mended["warnings"]


def test_the_outline_finds_every_click(tmp_path: Path) -> None:
    wave = outline(open_audio(sound(tmp_path / "a.wav", 10.0)))
    loud = np.flatnonzero(np.array(wave["max"]) > 30) / wave["rate"]
    assert loud.size >= 19 and np.abs(loud * 2 - np.round(loud * 2)).max() < 0.1
    assert math.isclose(len(wave["max"]) / wave["rate"], 10.0, abs_tol=0.05)


def test_a_missing_outline_is_made_while_the_song_is_there(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    folder = studio.host.workspace() / name
    wave = view(studio, name)["waveform"]
    for harm in ("{", "[]", '{"content_hash": "x"}'):
        (folder / "waveform.json").write_text(harm)
        assert view(studio, name)["waveform"] == wave
    (folder / "waveform.json").unlink()
    (folder / "song.wav").unlink()
    assert view(studio, name)["waveform"] is None


@pytest.mark.parametrize("error", [ValueError("secret"), ProjectError("base.json is damaged", "choose it again")])
@pytest.mark.parametrize("name", [panel.name for panel in panels()])
def test_a_panel_that_fails_is_told_and_takes_no_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
) -> None:
    studio = studio_in(tmp_path)
    project = heard(studio)
    whole = view(studio, project)

    def fail(*_: object) -> None:
        raise error

    broken = tuple(replace(panel, draw=fail) if panel.name == name else panel for panel in panels())
    monkeypatch.setattr(panels_module, "panels", lambda: broken)
    shown = plain(view(studio, project))
    assert shown[name]["fault"] == shown["warnings"][0] and "cannot be shown" in shown["warnings"][0]
    assert ("base.json is damaged" if isinstance(error, ProjectError) else "ValueError") in shown[name]["fault"]
    assert "secret" not in str(shown)
    assert {key: shown[key] for key in shown if key not in (name, "warnings", "takes")} == plain(
        {key: whole[key] for key in whole if key not in (name, "warnings", "takes")}
    )
