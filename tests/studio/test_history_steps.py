"""How large a step of undo is: what is typed into one field, or one press of a button."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lib_music.studio.known import known
from lib_music.studio.motion import read_motion
from lib_music.studio.routes import moving
from lib_music.studio.song import act
from lib_music.studio.studio import Studio
from lib_music.studio.video import keep_motion
from lib_music.studio.view import view
from lib_music.studio.workspace import find_project
from tests.studio.places import heard, studio_in


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def test_buttons_pressed_quickly_are_steps_of_their_own(studio: Studio) -> None:
    name = heard(studio)
    for preset in ("ambient", "hip-hop", "ambient"):
        act(studio, name, {"do": "preset_use", "name": preset})
    for by in (1, 1):
        act(studio, name, {"do": "downbeat", "by": by})
    act(studio, name, {"do": "undo"})
    assert view(studio, name)["history"]["undo"] == "downbeat moved"
    act(studio, name, {"do": "undo"})
    presets = []
    for _ in range(3):
        found = moving(studio.host, known(find_project(studio.host, name))).preset
        presets.append(found.name if found else None)
        act(studio, name, {"do": "undo"})
    assert presets == ["ambient", "hip-hop", "ambient"]
    assert view(studio, name)["history"]["undo"] is None


def test_two_fields_of_one_row_are_two_steps(studio: Studio) -> None:
    name = heard(studio)
    act(studio, name, {"do": "row", "section": 0, "prompt": "a kite"})
    act(studio, name, {"do": "row", "section": 0, "negative": "clouds"})
    row = act(studio, name, {"do": "undo"})["rows"][0]
    assert (row["prompt"], row["negative"]) == ("a kite", "")
    assert act(studio, name, {"do": "undo"})["rows"][0]["prompt"] != "a kite"


def test_two_knobs_of_the_motion_are_two_steps_and_one_knob_is_one(studio: Studio) -> None:
    name = heard(studio)
    project = find_project(studio.host, name)
    first = read_motion(studio.host, project)
    for width in (640, 704, 768):
        keep_motion(studio, name, replace(first, width=width))
    keep_motion(studio, name, replace(first, width=768, fps="30"))
    act(studio, name, {"do": "undo"})
    assert read_motion(studio.host, project) == replace(first, width=768)
    act(studio, name, {"do": "undo"})
    assert read_motion(studio.host, project).width == first.width
