"""Stills of the sections, their seeds, and the test of four bars."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lib_music.analysis.types import Beats
from lib_music.demo.cover import draw_cover
from lib_music.errors import DeforumError, InputError
from lib_music.project import Project
from lib_music.prompts.storyboard import derived_seed
from lib_music.render.deforum_frames import frame_name
from lib_music.render.deforum_job import JobRecord
from lib_music.render.deforum_settings import build_settings
from lib_music.render.still import Still
from lib_music.studio.estimate import set_up
from lib_music.studio.host import Choice, Model
from lib_music.studio.known import known
from lib_music.studio.motion import Motion, read_motion
from lib_music.studio.plain import PlainHost
from lib_music.studio.record import networks_of
from lib_music.studio.song import act
from lib_music.studio.studio import Studio, studio_of
from lib_music.studio.trial import _clear, bars_from
from lib_music.studio.video import set_motion
from lib_music.studio.view import view
from lib_music.studio.workspace import find_project
from tests.music import song
from tests.studio.places import finished, heard


class Gpu(PlainHost):
    """A host with a checkpoint: its stills are the seed's colour, with their infotext."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.painted: list[Still] = []
        self.loaded = Model("toy", "aaaa")
        self.broken = ""
        self.after: Callable[[], None] = lambda: None

    def renderers(self) -> tuple[Choice, ...]:
        return (Choice("deforum", "Deforum"), Choice("animatic", "Animatic"))

    def model(self) -> Model | None:
        return self.loaded

    def can_paste(self) -> bool:
        return True

    def paint_still(self, still: Still, should_stop: Callable[[], bool]) -> bytes | None:
        if self.broken:
            raise DeforumError(self.broken, "start it anew")
        self.painted.append(still)
        info, written = PngInfo(), io.BytesIO()
        info.add_text("parameters", f"{still.prompt}\nNegative prompt: {still.negative}\nSeed: {still.seed}")
        Image.new("RGB", (still.width, still.height), (still.seed % 256, 0, 0)).save(written, "PNG", pnginfo=info)
        self.after()
        return written.getvalue()


@pytest.fixture
def host(tmp_path: Path) -> Gpu:
    return Gpu(tmp_path / "ws")


@pytest.fixture
def studio(host: Gpu) -> Studio:
    return studio_of(host)


@pytest.fixture
def name(studio: Studio) -> str:
    """A project of 32 s: A verse, B chorus, A verse, C drop."""
    found = heard(studio)
    draw_cover(3, studio.host.workspace() / found / "cover.png", 128)
    set_motion(studio, found, Motion(width=64, height=64, fps="12"))
    return found


def did(studio: Studio, name: str, action: dict[str, Any], state: str = "done") -> dict[str, Any]:
    """Do it, wait for its job, and look."""
    before = {job.id for job in studio.jobs.all()}
    act(studio, name, action)
    (job,) = (job for job in studio.jobs.all() if job.id not in before)
    job = finished(studio, job)
    assert job.state == state, (job.error, job.fix)
    found: dict[str, Any] = view(studio, name)["stills"]
    return found


def test_each_section_is_asked_as_deforum_would_be(host: Gpu, studio: Studio, name: str) -> None:
    shown = did(studio, name, {"do": "stills"})
    assert shown["real"] and shown["paste"]
    assert [item["label"] for item in shown["items"]] == ["A", "B", "A", "C"]
    assert all(item["url"] and not item["stale"] and not item["locked"] for item in shown["items"])
    settings = build_settings(set_up(studio, name, read_motion(host, find_project(host, name))).plan.animation,
                              batch_name="x")  # fmt: skip
    seeds = {int(part.split(":")[0]): int(part.split("(")[1][:-1]) for part in settings["seed_schedule"].split(",")}
    # The two verses share prompt and seed, and so one picture.
    assert len(host.painted) == 3 and shown["items"][0]["url"] == shown["items"][2]["url"]
    assert host.painted[0].seed == seeds[0]
    for still in host.painted:
        assert f"{still.prompt} --neg {still.negative}" in settings["prompts"].values()
        assert (still.width, still.height, still.sampler, still.steps) == (64, 64, settings["sampler"], 20)


def test_prompts_that_are_not_driven_are_the_persons_with_their_words_around(
    host: Gpu, studio: Studio, name: str
) -> None:
    base = {
        "animation_prompts_positive": "oil on wood", "animation_prompts_negative": "blurry",
        "prompts": {"0": "a barn <lora:x:0.5>", "200": "a mill --neg people"},
    }  # fmt: skip
    act(studio, name, {"do": "base_file", "name": "mine.txt", "text": json.dumps(base)})
    act(studio, name, {"do": "base_tick", "ids": ["prompts"], "on": False})
    did(studio, name, {"do": "stills"})
    assert {(still.prompt, still.negative.split()[0]) for still in host.painted} == {
        ("oil on wood a barn <lora:x:0.5>", "blurry"), ("oil on wood a mill", "people")}  # fmt: skip
    assert all(still.negative.split()[-1] == "blurry" for still in host.painted)
    around = {"animation_prompts_positive": "oil <lora:wood:1>", "animation_prompts_negative": "blurry <lora:bad:0.5>"}
    act(studio, name, {"do": "base_file", "name": "mine.txt", "text": json.dumps(base | around)})
    animation = set_up(studio, name, read_motion(studio.host, find_project(studio.host, name))).plan.animation
    assert networks_of(animation) == ("x", "wood", "bad")
    assert networks_of(replace(animation, driven=frozenset({"prompts"}))) == ("x",), "they are not written then"
    del base["prompts"]
    act(studio, name, {"do": "base_file", "name": "mine.txt", "text": json.dumps(base)})
    host.painted.clear()
    did(studio, name, {"do": "stills"})
    assert host.painted and all(still.prompt.startswith("oil on wood a ") for still in host.painted)


@pytest.mark.parametrize(("base", "told"), [
    ({}, ""),
    ({"enable_checkpoint_scheduling": True, "checkpoint_schedule": '0: ("a.ckpt"), 90: ("b.ckpt")'}, "the checkpoint:"),
    ({"enable_checkpoint_scheduling": True, "checkpoint_schedule": '0: ("a.ckpt")', "enable_clipskip_scheduling": True,
      "enable_sampler_scheduling": True}, "the checkpoint, the sampler and clip skip:"),
    ({"enable_checkpoint_scheduling": False, "checkpoint_schedule": '0: ("a.ckpt"), 90: ("b.ckpt")'}, ""),
])  # fmt: skip
def test_what_stills_do_not_follow_of_the_persons_schedules_is_said(
    host: Gpu, studio: Studio, name: str, base: dict[str, Any], told: str
) -> None:
    shown = act(studio, name, {"do": "base_file", "name": "mine.txt", "text": json.dumps({"W": 64, **base})})["stills"]
    assert (told in shown["note"]) if told else (shown["note"] == "")
    act(studio, name, {"do": "base_use", "use": "ours"})
    assert view(studio, name)["stills"]["note"] == ""


@pytest.mark.parametrize(("base", "seeds"), [
    ({"seed": 77, "seed_behavior": "fixed"}, [77, 77, 77, 77]),
    ({"seed": 77, "seed_behavior": "iter"}, [77, 125, 173, 221]),
    ({"seed": 77, "seed_behavior": "iter", "seed_iter_N": 48}, [77, 78, 79, 80]),
    ({"seed_behavior": "schedule", "seed_schedule": "0:(5), 96:(5), 97:(9)"}, [5, 5, 9, 9]),
])  # fmt: skip
def test_seeds_that_are_not_driven_are_the_persons_and_cannot_be_locked(
    studio: Studio, name: str, base: dict[str, Any], seeds: list[int]
) -> None:
    act(studio, name, {"do": "base_file", "name": "mine.txt", "text": json.dumps(base)})
    set_motion(studio, name, Motion(width=64, height=64, fps="12", cadence=2))
    shown = act(studio, name, {"do": "base_tick", "ids": ["seed"], "on": False})["stills"]
    assert [item["seed"] for item in shown["items"]] == seeds
    with pytest.raises(InputError, match="settings file"):
        act(studio, name, {"do": "lock_still", "section": 0})
    assert not any(item["locked"] for item in view(studio, name)["stills"]["items"])


def test_what_is_painted_is_kept_and_an_edit_makes_it_stale(host: Gpu, studio: Studio, name: str) -> None:
    did(studio, name, {"do": "stills"})
    did(studio, name, {"do": "stills"})
    assert len(host.painted) == 3
    shown = act(studio, name, {"do": "row", "section": 1, "prompt": "a lighthouse"})["stills"]
    assert [item["stale"] for item in shown["items"]] == [False, True, False, False]
    shown = did(studio, name, {"do": "stills"})
    assert len(host.painted) == 4 and host.painted[-1].prompt.startswith("a lighthouse")
    assert not any(item["stale"] for item in shown["items"])
    host.loaded = Model("another", "bbbb")
    assert all(item["stale"] for item in view(studio, name)["stills"]["items"])


@pytest.mark.parametrize(
    ("then", "stale"), [(Model("toy", "aaaa"), False), (Model("other", "bbbb"), True), (Model("toy", ""), False)]
)
def test_a_hash_that_the_first_picture_made_known_makes_nothing_stale(
    host: Gpu, studio: Studio, name: str, then: Model, stale: bool
) -> None:
    """Forge loads its checkpoint for the first picture and only then knows the hash; another checkpoint is another."""
    host.loaded = Model("toy", "")
    host.after = lambda: setattr(host, "loaded", then)
    shown = did(studio, name, {"do": "stills"})
    assert all(item["url"] for item in shown["items"]) and len(host.painted) == 3
    assert [item["stale"] for item in shown["items"]] == [stale] * 4


def test_a_png_carries_its_infotext(host: Gpu, studio: Studio, name: str) -> None:
    did(studio, name, {"do": "still", "section": 1})
    (path,) = find_project(host, name).path("stills").glob("*.png")
    info = Image.open(path).text["parameters"]  # type: ignore[attr-defined]
    assert f"Seed: {host.painted[0].seed}" in info and host.painted[0].prompt in info


def test_a_reroll_counts_when_it_is_locked_and_then_for_its_label(host: Gpu, studio: Studio, name: str) -> None:
    before = did(studio, name, {"do": "stills"})["items"]
    shown = did(studio, name, {"do": "still", "section": 0, "reroll": True})["items"]
    assert shown[0]["tried"] and shown[0]["seed"] == host.painted[-1].seed != before[0]["seed"]
    assert [item["seed"] for item in shown[1:]] == [item["seed"] for item in before[1:]]
    locked = act(studio, name, {"do": "lock_still", "section": 0})["stills"]["items"]
    assert [item["locked"] for item in locked] == [True, False, True, False]
    assert locked[0]["seed"] == locked[2]["seed"] == shown[0]["seed"] and not locked[0]["tried"]
    # Another seed for the whole song leaves the locked label as it is.
    other = set_motion(studio, name, replace(Motion(width=64, height=64, fps="12"), seed=77))["stills"]["items"]
    assert other[0]["seed"] == shown[0]["seed"] and other[1]["seed"] != before[1]["seed"]
    set_motion(studio, name, Motion(width=64, height=64, fps="12"))
    free = act(studio, name, {"do": "unlock_still", "section": 2})["stills"]["items"]
    song_seed = known(find_project(host, name)).seed
    assert free[0]["seed"] == free[2]["seed"] == derived_seed("A", song_seed) != shown[0]["seed"]
    assert [item["seed"] for item in free[1::2]] == [item["seed"] for item in before[1::2]]
    assert not any(item["locked"] for item in free)


def test_another_seed_can_be_undone_and_shows_the_picture_of_before(host: Gpu, studio: Studio, name: str) -> None:
    before = did(studio, name, {"do": "stills"})["items"]
    tried = did(studio, name, {"do": "still", "section": 0, "reroll": True})["items"][0]
    again = studio_of(host)
    back = act(again, name, {"do": "undo"})
    assert back["stills"]["items"] == before and back["history"]["redo"] == "another seed in a still"
    assert act(again, name, {"do": "redo"})["stills"]["items"][0] == tried and tried["tried"]


def test_locking_can_be_undone(studio: Studio, name: str) -> None:
    did(studio, name, {"do": "still", "section": 1, "reroll": True})
    assert act(studio, name, {"do": "lock_still", "section": 1})["stills"]["items"][1]["locked"]
    assert not act(studio, name, {"do": "undo"})["stills"]["items"][1]["locked"]


def test_an_interrupt_keeps_what_was_painted(host: Gpu, studio: Studio, name: str) -> None:
    host.after = lambda: [studio.jobs.interrupt(job.id) for job in studio.jobs.active()] and None
    shown = did(studio, name, {"do": "stills"}, "interrupted")
    assert [bool(item["url"]) for item in shown["items"]] == [True, False, True, False]
    host.after = lambda: None
    did(studio, name, {"do": "stills"})
    assert len(host.painted) == 3


def test_a_failure_is_told_with_its_fix(host: Gpu, studio: Studio, name: str) -> None:
    host.broken = "the GPU's memory is too small for 64x64"
    did(studio, name, {"do": "stills"}, "failed")
    assert studio.jobs.all()[0].error == host.broken and studio.jobs.all()[0].fix == "start it anew"


@pytest.mark.parametrize("section", [-1, 4, None, True, "0", 1e9, {}])
def test_a_section_that_is_not_there_is_refused(studio: Studio, name: str, section: Any) -> None:
    for do in ("still", "lock_still", "unlock_still"):
        with pytest.raises(InputError):
            act(studio, name, {"do": do, "section": section})
    assert not studio.jobs.all()


def test_a_range_shows_its_own_sections_alone(host: Gpu, studio: Studio, name: str) -> None:
    set_motion(studio, name, Motion(width=64, height=64, fps="12", start=9.0, duration=10.0))
    shown = did(studio, name, {"do": "stills"})["items"]
    assert [(item["section"], item["label"]) for item in shown] == [(1, "B"), (2, "A")]
    with pytest.raises(InputError, match="outside the range"):
        act(studio, name, {"do": "still", "section": 3})


def test_without_a_checkpoint_the_animatic_shows_its_frame(tmp_path: Path) -> None:
    studio = studio_of(PlainHost(tmp_path / "plain"))
    name = heard(studio)
    draw_cover(3, studio.host.workspace() / name / "cover.png", 128)
    set_motion(studio, name, Motion(width=64, height=64, fps="12"))
    shown = did(studio, name, {"do": "stills"})
    assert not shown["real"] and not shown["paste"]
    folder = find_project(studio.host, name).path("stills")
    assert all(Image.open(path).size == (64, 64) for path in folder.glob("*.png"))
    assert all(item["url"] for item in shown["items"])


@pytest.mark.parametrize("damage", ["", "[]", '{"stills": [{"label": "A", "occurrence": 1, "key": "../../x"}]}'])
def test_a_damaged_list_shows_what_can_be_painted(studio: Studio, name: str, damage: str) -> None:
    did(studio, name, {"do": "stills"})
    find_project(studio.host, name).path("stills").joinpath("stills.json").write_text(damage, "utf-8")
    assert all(item["url"] for item in view(studio, name)["stills"]["items"])


# -- four bars -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "bars", "stretch"), [
    (0.0, 4, (0.0, 8.0)), (9.2, 4, (10.0, 18.0)), (8.9, 2, (8.0, 12.0)), (31.9, 4, (24.0, 32.0)),
    (3.0, 32, (0.0, 32.0)),
])  # fmt: skip
def test_a_test_begins_on_a_downbeat_and_lasts_whole_bars(
    start: float, bars: int, stretch: tuple[float, float]
) -> None:
    assert bars_from(song(), start, bars) == pytest.approx(stretch)


def test_without_beats_a_bar_is_two_seconds() -> None:
    silent = replace(song(), beats=Beats(np.empty(0), np.empty(0, np.int64), np.empty(0, np.float32)))
    assert bars_from(silent, 30.0) == pytest.approx((24.0, 32.0))


def test_four_bars_become_a_video_of_their_own(tmp_path: Path) -> None:
    studio = studio_of(PlainHost(tmp_path / "plain"))
    name = heard(studio)
    draw_cover(3, studio.host.workspace() / name / "cover.png", 128)
    set_motion(studio, name, Motion(width=64, height=64, fps="12"))
    did(studio, name, {"do": "test_bars", "start": 9.2})
    shown = view(studio, name)["test"]
    assert (shown["start"], shown["end"], shown["bars"]) == (10.0, 18.0, 4)
    folder = find_project(studio.host, name).path("test")
    assert Project(folder).progress().painted == 96
    # The song's own painting is untouched.
    assert find_project(studio.host, name).progress().fingerprint == ""


@pytest.mark.parametrize("action", [
    {"start": -1}, {"start": 99}, {"start": "0"}, {"start": float("nan")}, {"bars": 0}, {"bars": 99}, {"bars": True},
])  # fmt: skip
def test_a_stretch_that_is_none_is_refused(studio: Studio, name: str, action: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        act(studio, name, {"do": "test_bars", **action})


def test_the_pictures_of_an_earlier_test_go_with_it(tmp_path: Path) -> None:
    place, output = Project(tmp_path / "test"), tmp_path / "output"
    output.mkdir()
    run = JobRecord("job", "digest", "batch", str(output), "20260101120000")
    with place as opened:
        run.save(opened.path("deforum_job.json"))
        opened.save_progress(replace(opened.progress(), fingerprint="one", painter="deforum", lengths=(2,)))
    ours, other = output / frame_name(run.timestring, 0), output / frame_name("20250101120000", 0)
    for path in (ours, other):
        path.write_bytes(b"x")
    _clear(place, "one")
    assert ours.is_file() and place.folder.is_dir()
    _clear(place, "two")
    assert not ours.exists() and other.is_file() and not place.folder.exists()


def test_over_the_cap_no_test_begins(host: Gpu, studio: Studio, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_disk_cap", 1)
    before = len(studio.jobs.all())
    with pytest.raises(InputError, match="cap"):
        act(studio, name, {"do": "test_bars", "start": 0.0})
    assert len(studio.jobs.all()) == before
