"""The files for other tools, as the page makes and offers them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lib_music.errors import InputError
from lib_music.export.files import KINDS
from lib_music.render.deforum_base import read_base_settings
from lib_music.studio.song import act
from lib_music.studio.studio import Studio
from lib_music.studio.view import view
from lib_music.studio.workspace import find_project, new_project
from tests.studio.places import heard, studio_in


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def made(studio: Studio, name: str) -> dict[str, Path]:
    shown = act(studio, name, {"do": "export"})["ways_out"]
    folder = find_project(studio.host, name).path("export")
    return {file["kind"]: folder / file["name"] for file in shown["files"]}


def test_every_way_out_is_made_of_the_song_as_it_is(studio: Studio) -> None:
    name = heard(studio)
    assert view(studio, name)["ways_out"] == {"ready": True, "files": [], "stale": False, "settings_path": ""}
    files = made(studio, name)
    assert set(files) == set(KINDS) and all(path.stat().st_size > 100 for path in files.values())
    settings = read_base_settings(files["settings"]).values
    document = json.loads(files["parseq"].read_text("utf-8"))
    assert len(document["rendered_frames"]) == settings["max_frames"]
    rows = list(csv.DictReader(io.StringIO(files["csv"].read_bytes().decode(), newline="")))
    assert next(row["name"] for row in rows if row["kind"] == "section") == "A (verse)"
    assert ET.fromstring(files["fcpxml"].read_text("utf-8").split("\n", 2)[2]).tag == "fcpxml"
    assert files["edl"].read_bytes().startswith(b"TITLE: ")
    schedules = {one["key"]: one["text"] for one in json.loads(files["schedules"].read_text("utf-8"))}
    assert schedules["zoom"] == settings["zoom"] and json.loads(schedules["prompts"]) == settings["prompts"]


def test_files_of_an_earlier_title_go_and_others_stay(studio: Studio) -> None:
    name = heard(studio)
    project = find_project(studio.host, name)
    made(studio, name)
    mine = project.path("export") / "mine.txt"
    mine.write_text("a note")
    card = json.loads(project.path("track.json").read_text("utf-8"))
    project.path("track.json").write_text(json.dumps({**card, "title": "Another Title"}), "utf-8")
    files = made(studio, name)
    assert all("another-title" in path.name for path in files.values())
    there = {path.name for path in project.path("export").iterdir()}
    assert there == {path.name for path in files.values()} | {"made.json", "mine.txt"}


def test_the_files_are_told_to_be_old_after_an_edit_and_made_again(studio: Studio) -> None:
    name = heard(studio)
    made(studio, name)
    shown = act(studio, name, {"do": "row", "section": 0, "prompt": "a lighthouse"})["ways_out"]
    assert shown["stale"] and len(shown["files"]) == len(KINDS)
    files = made(studio, name)
    assert not view(studio, name)["ways_out"]["stale"]
    assert "a lighthouse" in files["parseq"].read_text("utf-8")
    assert act(studio, name, {"do": "undo"})["ways_out"]["stale"]


def test_the_settings_path_is_the_files_own(studio: Studio) -> None:
    name = heard(studio)
    files = made(studio, name)
    assert view(studio, name)["ways_out"]["settings_path"] == str(files["settings"].resolve())


def test_a_song_that_was_not_heard_has_no_ways_out(studio: Studio) -> None:
    name = new_project(studio.host, "nothing", "0" * 64, "nothing.wav").folder.name
    with pytest.raises(InputError):
        act(studio, name, {"do": "export"})
    assert view(studio, name)["ways_out"]["files"] == []


@pytest.mark.parametrize("damage", ["", "[]", '{"files": 3}', '{"files": {"settings": "../../x", "other": "y"}}'])
def test_a_damaged_list_of_files_offers_none(studio: Studio, damage: str) -> None:
    name = heard(studio)
    made(studio, name)
    find_project(studio.host, name).path("export").joinpath("made.json").write_text(damage, "utf-8")
    shown: dict[str, Any] = view(studio, name)["ways_out"]
    assert shown["files"] == [] and shown["settings_path"] == ""
