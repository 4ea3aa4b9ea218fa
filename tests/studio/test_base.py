"""Base settings of a song: a person's file is kept, told in words, and only what is ticked of it is ours."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.errors import InputError, MusicVisualizerError
from lib_music.render.deforum_settings import build_settings
from lib_music.render.deforum_ticks import ALWAYS, FIRST, TICKS
from lib_music.request import Request
from lib_music.studio import base as panel
from lib_music.studio.base_file import BaseChoice, read_choice, write_choice
from lib_music.studio.estimate import asked, set_up
from lib_music.studio.motion import Motion
from lib_music.studio.plain import PlainHost
from lib_music.studio.song import act
from lib_music.studio.studio import Studio, studio_of
from lib_music.studio.video import previewed, seen, small_plan
from lib_music.studio.view import view
from lib_music.studio.workspace import find_project
from tests.render.test_deforum_ticks import PERSONS
from tests.studio.places import files_of, finished, heard, plain, studio_in

MINE = {**PERSONS, "animation_mode": "2D", "zoom": "0:(1.5)", "translation_x": "0:(8)"}


class TabHost(PlainHost):
    """A host whose page has a Deforum tab."""

    def deforum_path(self, path: Path) -> str | None:
        return os.path.relpath(path)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


@pytest.fixture
def name(studio: Studio) -> str:
    from PIL import Image

    made = heard(studio)
    Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)).save(
        studio.host.workspace() / made / "cover.png"
    )
    return made


def give(studio: Studio, name: str, values: Any = MINE, called: str = "mine.txt") -> dict[str, Any]:
    text = values if isinstance(values, str) else json.dumps(values)
    return plain(act(studio, name, {"do": "base_file", "name": called, "text": text}))["base"]


def tick(studio: Studio, name: str, on: bool, *ids: str) -> dict[str, Any]:
    return plain(act(studio, name, {"do": "base_tick", "ids": list(ids), "on": on}))["base"]


def written(studio: Studio, name: str, motion: Motion | None = None) -> dict[str, Any]:
    return plain(build_settings(set_up(studio, name, motion or Motion()).plan.animation, batch_name=name))


def test_at_first_it_is_ours(studio: Studio, name: str) -> None:
    shown = plain(view(studio, name))["base"]
    assert (shown["use"], shown["name"], shown["tab"]) == ("ours", "", None) and not shown["lines"] + shown["notes"]
    assert [entry["id"] for entry in shown["ticks"] if entry["on"]] == list(FIRST)
    assert {key for entry in shown["ticks"] for key in entry["keys"]} >= {"zoom", "strength_schedule", "prompts", "W"}
    with pytest.raises(InputError, match="no settings file"):
        act(studio, name, {"do": "base_use", "use": "file"})


def test_a_persons_file_stands_with_only_the_ticked_keys_changed(studio: Studio, name: str) -> None:
    shown = give(studio, name)
    assert shown["use"] == "file" and shown["name"] == "mine.txt"
    assert "ControlNet unit 1" in " ".join(shown["lines"]) and "mask" in " ".join(shown["lines"])
    ours = {key for entry in TICKS if entry.first for key in entry.keys}
    settings = written(studio, name)
    for key, value in MINE.items():
        assert key in ours or settings[key] == value, key
    assert settings["zoom"] != MINE["zoom"] and settings["W"] == 512 and "<lora" not in settings["prompts"]["0"]
    tick(studio, name, False, "zoom", "prompts", "size", "fps", "cadence")
    settings = written(studio, name)
    for key in ("zoom", "prompts", "animation_prompts_positive", "W", "H", "fps", "diffusion_cadence", "cn_1_weight"):
        assert settings[key] == MINE[key], key
    assert settings["strength_schedule"] != MINE["strength_schedule"]
    assert settings["max_frames"] == 32 * 12 + 1  # 32 s at the file's own 12 fps and cadence 3


def test_nothing_ticked_leaves_all_but_what_makes_it_this_video(studio: Studio, name: str) -> None:
    give(studio, name)
    shown = tick(studio, name, False, *(entry.id for entry in TICKS))
    assert not any(entry["on"] for entry in shown["ticks"])
    settings = written(studio, name)
    assert {key for key in MINE if settings[key] != MINE[key]} <= set(ALWAYS)


def test_the_choice_flows_into_estimate_curves_and_preview(studio: Studio, name: str) -> None:
    give(studio, name)
    tick(studio, name, False, "size", "fps", "zoom", "x", "strength", "steps")
    motion = Motion(width=512, height=512, fps="24", steps=20)
    setup = set_up(studio, name, motion)
    animation = setup.plan.animation
    assert (animation.width, animation.height, float(animation.timebase.fps)) == (640, 360, 12.0)
    assert setup.motion.width == 512 and (setup.shown.width, setup.shown.fps, setup.shown.steps) == (640, "12", 28)
    assert np.allclose(animation.schedules["zoom"].sample(60), 1.5)
    assert animation.schedules["strength_schedule"].sample(30)[24] == pytest.approx(0.4)
    shown = plain(view(studio, name))
    assert "640×360" in shown["cost"]["lines"][0] and "12 fps" in shown["cost"]["lines"][0]
    assert any("640×360, 12 fps, 28 steps" in line for line in shown["base"]["notes"])
    project = find_project(studio.host, name)

    class Quiet:
        def check(self) -> None: ...

    small = small_plan(project, motion, Quiet()).animation  # type: ignore[arg-type]
    assert (small.width, small.height) == (384, 216) and float(small.timebase.fps) == 12
    assert small.schedules["translation_x"].sample(9)[5] == pytest.approx(8 * 384 / 640)


def test_over_a_file_no_frame_of_the_preview_is_left_out(studio: Studio, name: str) -> None:
    """A person's schedule counts frames of the video: at half the rate it would run at half the speed."""
    give(studio, name, {**MINE, "fps": 60})
    tick(studio, name, False, "fps")
    project = find_project(studio.host, name)
    request = asked(project, Motion(), "animatic")
    assert request.fps == "60" and previewed(seen(Motion(), request)).fps == "30"

    class Quiet:
        def check(self) -> None: ...

    assert small_plan(project, Motion(), Quiet()).animation.timebase.fps == 60  # type: ignore[arg-type]


def test_a_preview_of_it_is_painted(studio: Studio, name: str) -> None:
    from lib_music.studio.video import preview

    give(studio, name)
    tick(studio, name, False, "size", "fps", "zoom", "prompts")
    job = finished(studio, preview(studio, name, Motion(), 4.0, 6.0))
    assert job.state == "done", job
    made = studio.host.workspace() / name / job.result["preview"]
    assert made.stat().st_size > 1000


def test_ours_again_and_back_loses_nothing(studio: Studio, name: str) -> None:
    ours = written(studio, name)
    give(studio, name)
    tick(studio, name, False, "strength")
    theirs = written(studio, name)
    act(studio, name, {"do": "base_use", "use": "ours"})
    assert written(studio, name) == ours
    shown = plain(act(studio, name, {"do": "base_use", "use": "file"}))["base"]
    assert written(studio, name) == theirs and shown["name"] == "mine.txt"
    assert not next(entry["on"] for entry in shown["ticks"] if entry["id"] == "strength")


def test_it_can_be_undone(studio: Studio, name: str) -> None:
    ours = written(studio, name)
    give(studio, name)
    act(studio, name, {"do": "undo"})
    assert written(studio, name) == ours and plain(view(studio, name))["base"]["use"] == "ours"
    act(studio, name, {"do": "redo"})
    assert written(studio, name)["cn_1_weight"] == MINE["cn_1_weight"]


def test_notes_say_what_follows(studio: Studio, name: str) -> None:
    notes = " ".join(give(studio, name)["notes"])
    assert "<lora:ink-wash:0.8>" in notes and "untick the prompts" in notes and "without mask, ControlNet" in notes
    notes = " ".join(tick(studio, name, False, "prompts")["notes"])
    assert "lora" not in notes and "at its own frames" in notes
    shown = tick(studio, name, True, "perspective", "fov")
    said = {entry["id"]: entry["note"] for entry in shown["ticks"]}
    assert "no route, pin or formula" in said["perspective"] and said["fov"] == "not read in 2D" and not said["zoom"]


@pytest.mark.parametrize(
    "text",
    ["", "nothing", "[]", "3", "{}",
     '{"W": ', '{"W": "wide"}', '{"zoom": "0:(__import__(1))"}', '{"zoom": "0:(9**9**9)"}',
     '{"W": NaN}', '{"W": 1e999}', "[" * 100_000, '{"a":' * 50_000, '{"W": 1, "W": 2}',
     '{"prompts": {"0": "`9**9**9`"}}',
     '{"prompts": 5}', '{"W": ' + "9" * 5000 + "}", '{"use_mask": "yes"}', "\ud800", '{"x": "\ud800"}'],
)  # fmt: skip
def test_what_is_no_settings_file_changes_nothing(studio: Studio, name: str, text: str) -> None:
    before = files_of(studio, name)
    for _ in range(2):
        with pytest.raises(InputError) as caught:
            give(studio, name, text)
        assert len(str(caught.value)) < 900 and str(studio.host.workspace()) not in str(caught.value)
        assert files_of(studio, name) == before
        if "base.json" in before:
            break
        give(studio, name)
        before = files_of(studio, name)


@pytest.mark.parametrize(
    "action",
    [
        {"do": "base_file"}, {"do": "base_file", "name": "x", "text": 5}, {"do": "base_use", "use": "theirs"},
        {"do": "base_file", "name": "x", "text": "x" * 800_000},
        {"do": "base_file", "name": "x", "text": "{}", "part": 0, "of": 500, "token": "0" * 16},
        {"do": "base_file", "name": "x", "text": "{}", "part": 2, "of": 2, "token": "0" * 16},
        {"do": "base_file", "name": "x", "text": "{}", "part": 0, "of": 2, "token": "../../etc/passwd"},
        {"do": "base_file", "name": "x", "text": "\ud83d", "part": 0, "of": 2, "token": "0" * 16},
        {"do": "base_file", "name": "x", "text": "}", "part": 1, "of": 2, "token": "0" * 16},
        {"do": "base_file", "name": None, "text": "{}"},
        {"do": "base_use", "use": 1},
        {"do": "base_tick", "ids": ["nope"], "on": True}, {"do": "base_tick", "ids": [], "on": True},
        {"do": "base_tick", "ids": "zoom", "on": True}, {"do": "base_tick", "ids": ["zoom", 5], "on": True},
        {"do": "base_tick", "ids": [["zoom"]], "on": True}, {"do": "base_tick", "ids": ["zoom"], "on": 1},
        {"do": "base_tab", "token": "0" * 16}, {"do": "base_tab"},
    ],
)  # fmt: skip
def test_foreign_actions_change_nothing(studio: Studio, name: str, action: dict[str, Any]) -> None:
    give(studio, name)
    before = files_of(studio, name)
    with pytest.raises(InputError):
        act(studio, name, action)
    assert files_of(studio, name) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers(-(2**70), 2**70) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(PERSONS)) | st.text(max_size=12), JSON, max_size=6))
def test_any_json_is_taken_or_refused_and_the_page_still_draws(studio: Studio, name: str, values: Any) -> None:
    with contextlib.suppress(InputError):
        give(studio, name, values)
    shown = plain(view(studio, name))
    assert shown["base"]["use"] in ("ours", "file") and shown["song"]["title"] == "A Song"


def test_names_are_shown_and_never_a_path(studio: Studio, name: str) -> None:
    for called in ("../../etc/passwd", "C:\\x\\mine.txt", "a\nb\x00c.txt", "x" * 900, "", "/"):
        shown = give(studio, name, called=called)
        assert shown["name"] and len(shown["name"]) <= 120 and shown["name"].isprintable()
        assert "/" not in shown["name"] and "\\" not in shown["name"]
    made = {path.name for path in (studio.host.workspace() / name).iterdir()}
    assert {"base.json", "base_settings.json"} <= made and not made & {"passwd", "mine.txt"}


def test_a_commands_base_is_shown_and_becomes_the_projects_own(studio: Studio, name: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text(json.dumps(MINE), "utf-8")
    project = find_project(studio.host, name)
    request = replace(Request.from_dict(project.request(), project), base_settings=mine, drive="zoom,strength")
    project.remember(request.to_dict(project), "")
    shown = plain(view(studio, name))["base"]
    assert (shown["use"], shown["name"]) == ("file", "mine.txt") and "ControlNet" in " ".join(shown["lines"])
    assert [entry["id"] for entry in shown["ticks"] if entry["on"]] == ["zoom", "strength"]
    assert written(studio, name)["cfg_scale_schedule"] == MINE["cfg_scale_schedule"]
    tick(studio, name, True, "cfg")
    mine.unlink()
    kept = written(studio, name)
    assert kept["cfg_scale_schedule"] != MINE["cfg_scale_schedule"] and kept["mask_file"] == MINE["mask_file"]


def test_a_file_that_is_gone_is_said_and_not_passed_over(studio: Studio, name: str) -> None:
    give(studio, name)
    (studio.host.workspace() / name / "base_settings.json").unlink()
    shown = plain(view(studio, name))
    assert shown["cost"] is None and any("mine.txt are gone" in line for line in shown["warnings"])
    with pytest.raises(InputError, match="gone"):
        written(studio, name)
    act(studio, name, {"do": "base_use", "use": "ours"})
    assert plain(view(studio, name))["cost"] is not None


def test_a_damaged_choice_counts_as_none(studio: Studio, name: str) -> None:
    project = find_project(studio.host, name)
    write_choice(project, BaseChoice("file", "x", "tab", ("zoom",)))
    assert read_choice(project) == BaseChoice("file", "x", "tab", ("zoom",))
    path = project.path("base.json")
    wrong = ('"use": "x"', '"ticks": ["q"]', '"more": 1', '"name": 5', '"ticks": 5')
    for text in ("", "[]", '{"version": 2}', "[" * 99999, *(f'{{"version": 1, {one}}}' for one in wrong)):
        path.write_text(text)
        assert read_choice(project) is None
        assert plain(view(studio, name))["base"]["use"] == "ours"


# -- the Deforum tab ---------------------------------------------------------------------------------------------------


@pytest.fixture
def tabbed(tmp_path: Path) -> Studio:
    return studio_of(TabHost(tmp_path / "ws"))


def saved_later(path: Path, text: str, after: float = 0.3) -> threading.Thread:
    """The tab's Save: it writes in two goes, after a while."""

    def save() -> None:
        time.sleep(after)
        with path.open("w", encoding="utf-8") as file:
            file.write(text[: len(text) // 2])
            file.flush()
            time.sleep(0.15)
            file.write(text[len(text) // 2 :])

    thread = threading.Thread(target=save)
    thread.start()
    return thread


def tab_file(studio: Studio, name: str, token: str) -> Path:
    shown = plain(view(studio, name))["base"]["tab"]
    assert shown.endswith("from-the-deforum-tab-TOKEN.txt") and not Path(shown).is_absolute()
    return Path(shown.replace("TOKEN", token))


def test_what_the_tab_saves_is_taken_whole_and_its_file_goes(tabbed: Studio) -> None:
    name, token = heard(tabbed), "0123456789abcdef"
    left = tab_file(tabbed, name, "f" * 16)
    left.write_text('{"zoom": "0:(9)"}')  # of an attempt that came too late
    thread = saved_later(tab_file(tabbed, name, token), json.dumps(MINE, ensure_ascii=False, indent=4))
    shown = plain(act(tabbed, name, {"do": "base_tab", "token": token}))["base"]
    thread.join()
    assert shown["use"] == "file" and shown["source"] == "tab" and shown["name"].startswith("the Deforum tab, ")
    assert written(tabbed, name)["cn_1_weight"] == MINE["cn_1_weight"]
    assert not list((tabbed.host.workspace() / name).glob("from-the-deforum-tab*"))


def test_a_tab_that_saves_nothing_or_nonsense_changes_nothing(tabbed: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "TAB_PATIENCE", 0.8)
    name = heard(tabbed)
    view(tabbed, name)
    before = files_of(tabbed, name)
    with pytest.raises(InputError, match="saved nothing"):
        act(tabbed, name, {"do": "base_tab", "token": "0" * 16})
    for text, said in (('{"W": ', "not JSON"), ('{"W": "wide"}', "W is 'wide'")):
        thread = saved_later(tab_file(tabbed, name, "1" * 16), text, after=0.0)
        with pytest.raises(InputError, match=said):
            act(tabbed, name, {"do": "base_tab", "token": "1" * 16})
        thread.join()
    assert files_of(tabbed, name) == before


@pytest.mark.parametrize("token", ["", "0" * 15, "0" * 17, "../../../../etc/p", "0" * 15 + "G", "*" * 16, 5, None])
def test_only_a_token_names_the_tabs_file(tabbed: Studio, token: Any) -> None:
    name = heard(tabbed)
    with pytest.raises(MusicVisualizerError):
        act(tabbed, name, {"do": "base_tab", "token": token})


def test_the_files_own_prompts_are_what_is_painted_and_told(studio: Studio, name: str) -> None:
    give(studio, name, {**MINE, "prompts": {"0": "a harbour --neg fog", "200": "a reef"}})
    tick(studio, name, False, "prompts")
    animation = set_up(studio, name, Motion()).plan.animation
    assert dict(animation.prompts) == {0: "a harbour --neg fog", 200: "a reef"}
    assert set(animation.negatives.values()) == {""}
    assert [cue.caption for cue in animation.cues] == ["a harbour", "a harbour", "a reef", "a reef"]


def test_a_pin_lies_over_the_curve_of_the_file_where_no_route_leads(studio: Studio, name: str) -> None:
    give(studio, name, {**MINE, "noise_multiplier_schedule": "0:(1.2), 100:(1.4)"})
    tick(studio, name, True, "noise_multiplier")
    act(studio, name, {"do": "pin", "what": "add",
                       "fields": {"time": 10.0, "parameter": "noise_multiplier_schedule", "value": 0.5}})  # fmt: skip
    values = set_up(studio, name, Motion()).plan.animation.schedules["noise_multiplier_schedule"].sample(768)
    assert values[[0, 50, 100, 240, 700]] == pytest.approx([1.2, 1.3, 1.4, 0.5, 1.4], abs=0.002)
    started = set_up(studio, name, Motion(start=5.0)).plan.animation.schedules["noise_multiplier_schedule"].sample(600)
    assert started[[0, 50, 120]] == pytest.approx([1.2, 1.3, 0.5], abs=0.002)


def test_a_file_of_megabytes_comes_in_pieces_and_can_be_undone(studio: Studio, name: str) -> None:
    keys = ", ".join(f"{frame}:({1 + frame % 7 / 100:.6f})" for frame in range(200_000))
    whole = json.dumps({"zoom": keys, "prompts": {"0": "a 🚢"}}, ensure_ascii=False)
    assert len(whole) > 3_000_000
    pieces = [whole[at : at + panel.PIECE] for at in range(0, len(whole), panel.PIECE)]
    for part, piece in enumerate(pieces):
        given = {"part": part, "of": len(pieces), "token": "0123456789abcdef"}
        shown = act(studio, name, {"do": "base_file", "name": "long.txt", "text": piece, **given})
        assert (shown["base"]["name"] == "long.txt") is (part == len(pieces) - 1)
    project = find_project(studio.host, name)
    assert project.path("base_settings.json").read_text("utf-8") == whole
    assert not list(project.folder.glob("*.part"))
    assert act(studio, name, {"do": "undo"})["base"]["name"] == ""
    assert act(studio, name, {"do": "redo"})["base"]["name"] == "long.txt"
    assert project.path("base_settings.json").read_text("utf-8") == whole


def test_pieces_of_a_file_that_was_given_up_go_with_the_next(studio: Studio, name: str) -> None:
    for token in ("0" * 16, "1" * 16):
        act(studio, name, {"do": "base_file", "name": "x", "text": "{", "part": 0, "of": 2, "token": token})
    project = find_project(studio.host, name)
    assert [path.name for path in project.folder.glob("*.part")] == [f"base-settings-{'1' * 16}-0.part"]
