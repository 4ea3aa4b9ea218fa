"""Advanced motion on the page: rows, formulas and pins as edits, presets of one's own, two of them compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib_music.analysis.types import Beats
from lib_music.errors import InputError
from lib_music.render.deforum_settings import build_settings
from lib_music.request import Request
from lib_music.schedule.preset_file import parse_preset, preset_document, renamed, write_preset
from lib_music.schedule.presets import PRESETS
from lib_music.studio.compare import stretch_of
from lib_music.studio.estimate import set_up
from lib_music.studio.motion import Motion, write_motion
from lib_music.studio.song import act
from lib_music.studio.studio import Studio
from lib_music.studio.view import view
from lib_music.studio.visuals import revision
from lib_music.studio.workspace import find_project
from tests.music import song
from tests.studio.places import covered, files_of, finished, heard, plain, studio_in


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


@pytest.fixture
def name(studio: Studio) -> str:
    return covered(studio)


def do(studio: Studio, project: str, /, **action: Any) -> dict[str, Any]:
    return plain(act(studio, project, action))["routes"]


def shown(studio: Studio, name: str) -> dict[str, Any]:
    return plain(view(studio, name))["routes"]


def zoom_of(studio: Studio, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    animation = set_up(studio, name, Motion()).plan.animation
    return animation.schedules["zoom"].sample(animation.timebase.n_frames)


def place_of(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """Index and count of the first row like this, as the page sends them."""
    index = next(i for i, row in enumerate(rows) if all(row[key] == value for key, value in wanted.items()))
    return {"index": index, "of": len(rows)}


def test_the_rows_begin_as_the_presets(studio: Studio, name: str) -> None:
    found = shown(studio, name)
    assert not found["own"] and found["name"] == "four-on-the-floor"
    assert found["rows"] == preset_document(PRESETS["four-on-the-floor"])["routes"]
    assert not any(found[key] for key in ("formulas", "pins", "notes", "presets", "compare"))
    choices = found["choices"]
    assert {"beat", "bar", "section", "t"} <= {name for name, _ in choices["variables"]}
    units = {entry["key"]: entry["unit"] for entry in choices["parameters"]}
    assert "a second" in units["zoom"] and "a second" in units["angle"] and "widths a second" in units["translation_x"]
    assert "routes.json" not in files_of(studio, name)


def test_rows_are_changed_copied_muted_deleted_and_added(studio: Studio, name: str) -> None:
    before = zoom_of(studio, name)
    rows = shown(studio, name)["rows"]
    fast = place_of(rows, parameter="zoom", source="steady", sections=["chorus"])
    found = do(studio, name, do="route", what="edit", **fast, fields={"rest": 2.0, "hit": 2.0})
    assert found["own"] and found["rows"][fast["index"]]["rest"] == 2.0 and len(found["rows"]) == len(rows)
    after = zoom_of(studio, name)
    assert np.log(after[200:380]).sum() > np.log(before[200:380]).sum() + 2 and np.allclose(after[:180], before[:180])
    found = do(studio, name, do="route", what="copy", **fast)
    assert found["rows"][fast["index"]] == found["rows"][fast["index"] + 1] and len(found["rows"]) == len(rows) + 1
    for _ in range(2):
        place = place_of(found["rows"], parameter="zoom", sections=["chorus"], on=True, source="steady")
        found = do(studio, name, do="route", what="edit", **place, fields={"on": False})
    assert np.log(zoom_of(studio, name)[200:380]).sum() < np.log(before[200:380]).sum()
    place = place_of(found["rows"], on=False)
    found = do(studio, name, do="route", what="delete", **place)
    fields = {"source": "steady", "parameter": "translation_x", "shape": "rate", "rest": 0.1, "sections": ["drop"]}
    found = do(studio, name, do="route", what="add", fields=fields)
    assert found["rows"][-1]["hit"] == 0.1 and len(found["rows"]) == len(rows) + 1
    settings = build_settings(set_up(studio, name, Motion()).plan.animation, batch_name=name)
    assert settings["translation_x"] != "0:(0)"
    found = do(studio, name, do="routes_reset")
    assert not found["own"] and np.array_equal(zoom_of(studio, name), before)


def test_all_rows_may_go(studio: Studio, name: str) -> None:
    found = shown(studio, name)
    empty = {**json.loads(found["document"]), "routes": []}
    found = do(studio, name, do="preset_use", text=json.dumps(empty))
    assert found["rows"] == [] and (zoom_of(studio, name) == 1).all()


def test_formulas_and_pins_are_edits(studio: Studio, name: str) -> None:
    found = do(studio, name, do="formula", what="add", fields={"parameter": "zoom", "formula": "1.5"})
    everywhere = found["choices"]["roles"]
    assert found["formulas"] == [{"parameter": "zoom", "formula": "1.5", "sections": everywhere, "on": True}]
    assert not found["own"] and zoom_of(studio, name)[50] == pytest.approx(1.5 ** (1 / 24), rel=0.01)
    place = {"index": 0, "of": 1}
    do(studio, name, do="formula", what="edit", **place, fields={"formula": "1.2+0.1*sin(2*pi*bar)"})
    found = do(studio, name, do="formula", what="copy", **place)
    found = do(studio, name, do="formula", what="delete", index=1, of=2)
    assert len(found["formulas"]) == 1
    found = do(studio, name, do="pin", what="add", fields={"time": 9.0, "parameter": "strength_schedule", "value": 0.1})
    found = do(studio, name, do="pin", what="add", fields={"time": 3.0, "parameter": "strength_schedule", "value": 0.2})
    assert [pin["time"] for pin in found["pins"]] == [3.0, 9.0]
    found = do(studio, name, do="pin", what="edit", index=0, of=2, fields={"value": 0.3, "beats": 0})
    schedule = set_up(studio, name, Motion()).plan.animation.schedules["strength_schedule"]
    assert schedule.sample(768)[72] == pytest.approx(0.3) and schedule.sample(768)[216] == pytest.approx(0.1)
    assert do(studio, name, do="routes_reset")["pins"] == found["pins"], "they are the song's"
    for _ in range(2):
        act(studio, name, {"do": "undo"})
    assert [pin["value"] for pin in shown(studio, name)["pins"]] == [0.1]


def test_notes_say_what_is_kept_within_bounds_and_what_is_not_read(studio: Studio, name: str) -> None:
    fields = {"parameter": "cfg_scale_schedule", "formula": "100*beat_phase"}
    found = do(studio, name, do="formula", what="add", fields=fields)
    assert "kept within 0 to 40" in " ".join(found["notes"])
    found = do(studio, name, do="formula", what="add", fields={"parameter": "fov_schedule", "formula": "70+t/9"})
    assert "2D mode does not read fov_schedule" in " ".join(found["notes"])
    act(studio, name, {"do": "base_file", "name": "x", "text": '{"W": 512}'})
    act(studio, name, {"do": "base_tick", "ids": ["cfg"], "on": False})
    assert "cfg_scale_schedule is not ticked" in " ".join(shown(studio, name)["notes"])


BAD: tuple[dict[str, Any], ...] = (
    {"do": "route"}, {"do": "route", "what": "edit"},
    {"do": "route", "what": "edit", "index": 0, "of": 1, "fields": {}},
    {"do": "route", "what": "edit", "index": 99, "of": 44, "fields": {}},
    {"do": "route", "what": "edit", "index": 0, "of": 44},
    {"do": "route", "what": "edit", "index": "0", "of": 44, "fields": {}},
    {"do": "route", "what": "edit", "index": 0, "of": 44, "fields": {"rest": 0}},
    {"do": "route", "what": "edit", "index": 0, "of": 44, "fields": {"source": "x", "rest": float("nan")}},
    {"do": "route", "what": "edit", "index": 0, "of": 44, "fields": {"nope": 1}},
    {"do": "route", "what": "add", "fields": {}}, {"do": "route", "what": "add", "fields": 5},
    {"do": "hits", "role": "solo", "rule": "beats"}, {"do": "hits", "role": "drop", "rule": "x"},
    {"do": "hits", "cadence": 51},
    {"do": "formula", "what": "add", "fields": {"parameter": "zoom", "formula": "1/(t-3)"}},
    {"do": "formula", "what": "add", "fields": {"parameter": "zoom", "formula": "9**9**9"}},
    {"do": "formula", "what": "add", "fields": {"parameter": "zoom", "formula": "__import__('os')"}},
    {"do": "formula", "what": "add", "fields": {"parameter": "x", "formula": "1"}},
    {"do": "formula", "what": "delete", "index": 0, "of": 0}, {"do": "formula", "what": "edit", "index": 0, "of": 5},
    {"do": "pin", "what": "add", "fields": {"time": -1, "parameter": "zoom", "value": 1}},
    {"do": "pin", "what": "add", "fields": {"time": 1, "parameter": "zoom", "value": 0}},
    {"do": "pin", "what": "add", "fields": {"time": 1, "parameter": "zoom", "value": 1, "x": 1}},
    {"do": "preset_use", "text": "{}"}, {"do": "preset_use", "text": "[" * 100_000},
    {"do": "preset_use", "name": "nope"},
    {"do": "preset_use", "name": "../../x"}, {"do": "preset_use", "text": "x" * 600_000}, {"do": "preset_use"},
    {"do": "preset_save", "name": ""}, {"do": "preset_save", "name": "auto"},
    {"do": "preset_save", "name": "hip-hop"},
    {"do": "preset_save", "name": "x" * 61}, {"do": "preset_save", "name": "a\nb"}, {"do": "preset_save"},
    {"do": "preset_forget", "name": "hip-hop"}, {"do": "preset_forget", "name": "../storyboard"},
    {"do": "preset_compare", "first": "now", "second": "nope", "section": 0},
    {"do": "preset_compare", "first": "now", "second": "now", "section": 99},
    {"do": "preset_compare", "first": "now"},
)  # fmt: skip


def test_foreign_actions_change_nothing(studio: Studio, name: str) -> None:
    view(studio, name)
    before = files_of(studio, name)
    for action in BAD:
        with pytest.raises(InputError) as caught:
            act(studio, name, action)
        assert len(str(caught.value)) < 900 and files_of(studio, name) == before, action
    assert not list((studio.host.workspace() / ".presets").glob("*")) and not studio.jobs.all()


def test_another_pages_change_is_not_overwritten(studio: Studio, name: str) -> None:
    rows = shown(studio, name)["rows"]
    do(studio, name, do="route", what="delete", index=0, of=len(rows))
    with pytest.raises(InputError, match="changed elsewhere"):
        do(studio, name, do="route", what="delete", index=0, of=len(rows))


def test_a_damaged_file_is_said_and_must_be_mended(studio: Studio, name: str) -> None:
    path = studio.host.workspace() / name / "routes.json"
    for text in ("{", "[]", '{"version": 9}', '{"version": 1, "pins": 5}', "[" * 99_999):
        path.write_text(text)
        found = plain(view(studio, name))
        assert found["routes"]["notes"] and found["cost"] is None and found["song"]["title"] == "A Song"
        with pytest.raises(InputError):
            do(studio, name, do="pin", what="add", fields={"time": 1, "parameter": "zoom", "value": 1})
        assert path.read_text() == text


# -- presets of one's own --------------------------------------------------------------------------------------------


def test_a_preset_is_kept_for_other_songs_downloaded_and_deleted(studio: Studio, name: str, tmp_path: Path) -> None:
    do(studio, name, do="formula", what="add", fields={"parameter": "angle", "formula": "12"})
    do(studio, name, do="pin", what="add", fields={"time": 1, "parameter": "zoom", "value": 2})
    rows = shown(studio, name)["rows"]
    do(studio, name, do="route", what="edit", index=0, of=len(rows), fields={"rest": 1.9, "hit": 1.9})
    do(studio, name, do="hits", role="verse", rule="backbeats")
    marked = revision(studio, name)
    found = do(studio, name, do="preset_save", name="Größe / Nacht")
    assert found["presets"] == ["Größe / Nacht"] and revision(studio, name) != marked
    with pytest.raises(InputError, match="already"):
        act(studio, name, {"do": "preset_save", "name": "Größe / Nacht"})
    do(studio, name, do="preset_save", name="Größe / Nacht", replace=True)
    do(studio, name, do="preset_save", name="Grosse Nacht")
    kept = sorted(path.name for path in (studio.host.workspace() / ".presets").iterdir())
    assert len(kept) == 2
    studio_other = studio_in(tmp_path / "other")
    other = heard(studio_other)
    text = shown(studio, name)["document"]
    assert parse_preset(text)[1][0].text == "12"
    taken = do(studio_other, other, do="preset_use", text=text)
    assert taken["own"] and taken["rows"][0]["rest"] == 1.9 and taken["hits"]["verse"] == "backbeats"
    assert taken["formulas"][0]["formula"] == "12" and taken["pins"] == [], "pins are one song's"
    do(studio, name, do="preset_use", name="hip-hop")
    found = do(studio, name, do="preset_use", name="Größe / Nacht")
    assert found["name"] == "Größe / Nacht" and len(found["pins"]) == 1 and found["formulas"][0]["formula"] == "12"
    for confirm in ({}, {"confirm": "Grosse Nacht"}, {"confirm": True}):
        with pytest.raises(InputError, match="without a confirmation"):
            act(studio, name, {"do": "preset_forget", "name": "Größe / Nacht", **confirm})
    found = do(studio, name, do="preset_forget", name="Größe / Nacht", confirm="Größe / Nacht")
    assert found["presets"] == ["Grosse Nacht"] and found["rows"][0]["rest"] == 1.9, "the song keeps its copy"


def test_a_strangers_file_among_the_kept_ones_is_passed_over(studio: Studio, name: str) -> None:
    do(studio, name, do="preset_save", name="Mine")
    folder = studio.host.workspace() / ".presets"
    for number, text in enumerate(("{", "[]", "[" * 99_999, "x" * 2_000_000)):
        (folder / f"bad-{number}.json").write_text(text)
    (folder / "folder.json").mkdir()
    assert shown(studio, name)["presets"] == ["Mine"]


def test_the_commands_preset_file_is_shown_and_stays(studio: Studio, name: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    write_preset(mine, renamed(PRESETS["ambient"], "Quiet"), ())
    project = find_project(studio.host, name)
    request = replace(Request.from_dict(project.request(), project), preset_file=mine)
    project.remember(request.to_dict(project), "")
    found = shown(studio, name)
    assert found["name"] == "Quiet" and found["own"]
    found = do(studio, name, do="pin", what="add", fields={"time": 1, "parameter": "zoom", "value": 2})
    mine.unlink()
    assert found["name"] == "Quiet" and shown(studio, name)["name"] == "Quiet"


# -- two beside each other -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "start", "duration"), [(0, 0.0, 16.0), (1, 8.0, 16.0), (2, 16.0, 16.0), (3, 24.0, 8.0)]
)
def test_eight_bars_from_a_section_on_or_as_many_as_there_are(section: int, start: float, duration: float) -> None:
    found = stretch_of(song(), section)
    assert (found.start, found.duration) == (pytest.approx(start), pytest.approx(duration))


def test_eight_bars_of_other_songs() -> None:
    waltz = stretch_of(song(bpm=90, beats_per_bar=3, plan=(("A", "verse", 12), ("B", "chorus", 12))), 1)
    assert waltz.start == pytest.approx(24) and waltz.duration == pytest.approx(16)
    late = stretch_of(song(start=0.7, plan=(("A", "verse", 20),)), 0)
    assert late.duration == pytest.approx(0.7 + 16), "what comes before the first bar, and eight bars"
    silent = replace(song(), beats=Beats(np.empty(0), np.empty(0, np.int64), np.empty(0)))
    assert stretch_of(silent, 0).duration == pytest.approx(16)
    for section in (-1, 4):
        with pytest.raises(InputError):
            stretch_of(song(), section)


def test_two_presets_are_painted_over_the_same_bars(studio: Studio, name: str) -> None:
    from lib_music.files import read_json
    from tests.browser.videos import Video

    write_motion(find_project(studio.host, name), Motion(width=128, height=128, fps="12"))
    steep = {**json.loads(shown(studio, name)["document"]), "name": "Steep", "cadence": 5}
    do(studio, name, do="preset_use", text=json.dumps(steep))
    do(studio, name, do="preset_save", name="Steep")
    do(studio, name, do="routes_reset")
    do(studio, name, do="preset_compare", first="now", second="Steep", section=1)
    job = finished(studio, studio.jobs.all()[0])
    assert job.state == "done" and job.kind == "presets", job
    folder = studio.host.workspace() / name
    videos = [Video.measured(folder / job.result[which]) for which in ("first", "second")]
    assert [video.frames for video in videos] == [videos[0].frames] * 2
    # Eight bars of two seconds, begun on a frame that both cadences diffuse: 90 instead of 96.
    assert read_json(folder / "compare" / "compare.json")["start"] == 8.0
    assert videos[0].frames == 16 * 12 + 6
    found = shown(studio, name)["compare"]
    assert found["names"] == ["now", "Steep"] and len(found["urls"]) == 2 and found["urls"][0] != found["urls"][1]
    assert plain(view(studio, name))["preview"] is None, "a comparison is no preview"
    for path in folder.glob("compare/*.mp4"):
        path.unlink()
    assert shown(studio, name)["compare"] is None
