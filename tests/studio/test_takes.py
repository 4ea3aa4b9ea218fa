"""The Takes part as the page asks for it: jobs with the real animatic, encoder and files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lib_music import __version__
from lib_music.errors import InputError, ProjectBusyError
from lib_music.project import Project
from lib_music.render.animatic import Animatic
from lib_music.render.deforum_frames import frame_name
from lib_music.render.deforum_job import JobRecord
from lib_music.studio import panels
from lib_music.studio.estimate import cost
from lib_music.studio.host import Choice, Model
from lib_music.studio.job import Job
from lib_music.studio.motion import Motion, write_motion
from lib_music.studio.record import read_painted
from lib_music.studio.song import act
from lib_music.studio.studio import Studio, studio_of
from lib_music.studio.takes import delete
from lib_music.studio.video import open_visual, visualize
from lib_music.studio.view import view
from lib_music.takes import takes_of
from lib_music.takes.sizes import sizes_of
from tests.studio.places import Capped, covered, finished, plain
from tests.test_takes import SECTION, digests

SMALL = Motion(width=64, height=64, preset="four-on-the-floor", renderer="animatic", cadence=2, fps="12")


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_of(Capped(tmp_path / "ws"))


@pytest.fixture
def name(studio: Studio) -> str:
    return covered(studio, SMALL)


def folder_of(studio: Studio, name: str) -> Project:
    return Project(studio.host.workspace() / name)


def latest(studio: Studio, kind: str) -> Job:
    return next(job for job in studio.jobs.all() if job.kind == kind)


def done(studio: Studio, job: Job) -> Job:
    found = finished(studio, job)
    assert found.state == "done", (found.error, found.fix)
    return found


def do(studio: Studio, name: str, kind: str = "", **action: Any) -> Job | None:
    """One action of the page; the job it began, when it is over."""
    plain(act(studio, name, action))
    return done(studio, latest(studio, kind)) if kind else None


def video(studio: Studio, name: str) -> list[str]:
    (path,) = folder_of(studio, name).folder.glob("*.mp4")
    return digests(path)


def takes(studio: Studio, name: str) -> dict[str, Any]:
    found: dict[str, Any] = plain(view(studio, name))["takes"]
    return found


def test_the_whole_way_of_a_retake(studio: Studio, name: str) -> None:
    assert takes(studio, name)["sections"] == [] and takes(studio, name)["takes"] == []
    done(studio, visualize(studio, name, SMALL))
    before = video(studio, name)
    shown = takes(studio, name)["sections"]
    assert [(s["label"], s["start"], s["end"], s["painted"], s["changed"]) for s in shown] == [
        ("A", 0.0, 8.0, True, False), ("B", 8.0, 16.0, True, False),
        ("A", 16.0, 24.0, True, False), ("C", 24.0, 32.0, True, False),
    ]  # fmt: skip
    act(studio, name, {"do": "row", "section": 1, "prompt": "a galleon in a storm"})
    assert [s["changed"] for s in takes(studio, name)["sections"]] == [False, True, False, False]
    job = do(studio, name, "rerender", do="rerender_section", section=1, join="fade", frames=6)
    assert job is not None and "what was there is take 1" in job.said
    after = video(studio, name)
    assert after[:SECTION] == before[:SECTION] and after[2 * SECTION :] == before[2 * SECTION :]
    seen = takes(studio, name)
    assert not any(s["changed"] for s in seen["sections"])
    (take,) = seen["takes"]
    assert (take["take"], take["from"], take["to"], take["label"], take["whole"]) == (1, 8.0, 16.0, "B", True)
    assert "painted again" in take["why"] and "a whale" in take["prompt"] and take["painter"] == "animatic 1"
    assert "takes/001/thumbnail.jpg" in take["picture_url"] and take["comparison_url"] is None
    assert not plain(view(studio, name))["video"]["stale"], "what is shown is what the prompts say"
    assert "nothing to do" in done(studio, visualize(studio, name, SMALL)).said[-1]
    do(studio, name, "compare", do="compare_take", take=1)
    path = folder_of(studio, name).path(latest(studio, "compare").result["comparison"])
    assert len(digests(path)) == SECTION and takes(studio, name)["takes"][0]["comparison_url"]
    do(studio, name, "restore", do="restore_take", take=1)
    assert video(studio, name) == before and [t["take"] for t in takes(studio, name)["takes"]] == [2]
    assert plain(view(studio, name))["video"]["stale"], "the prompts say otherwise"
    assert [s["changed"] for s in takes(studio, name)["sections"]] == [False, True, False, False]
    do(studio, name, "rerender", do="rerender_from", section=2)
    assert video(studio, name)[: 2 * SECTION] == before[: 2 * SECTION]
    assert [t["take"] for t in takes(studio, name)["takes"]] == [3, 2]


def test_a_new_seed_or_preset_for_one_section_survives_an_interrupt(studio: Studio, name: str) -> None:
    import threading

    from lib_music.studio.job import JobReporter

    done(studio, visualize(studio, name, SMALL))
    before = video(studio, name)
    other = replace(SMALL, preset="hip-hop", seed=4)
    write_motion(folder_of(studio, name), other)
    stopped = threading.Event()
    real = JobReporter.done

    def stop(self: JobReporter, amount: float) -> None:
        if self._stage == "render" and amount > SECTION + 30 and not stopped.is_set():
            stopped.set()
            studio.jobs.interrupt(self.job_id)
        real(self, amount)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JobReporter, "done", stop)
        act(studio, name, {"do": "rerender_section", "section": 1})
        assert finished(studio, latest(studio, "rerender")).state == "interrupted"
    assert video(studio, name) == before, "the earlier video stays until the new one is whole"
    opened = open_visual(studio, name)
    assert opened.motion == replace(other, sampler=opened.motion.sampler)
    done(studio, visualize(studio, name, opened.motion))
    after = video(studio, name)
    assert after[:SECTION] == before[:SECTION] and after[2 * SECTION :] == before[2 * SECTION :]
    assert after[SECTION : 2 * SECTION] != before[SECTION : 2 * SECTION]


@pytest.mark.parametrize(
    "action",
    [
        {"do": "rerender_from"},
        {"do": "rerender_from", "section": 4},
        {"do": "rerender_from", "section": "1"},
        {"do": "rerender_section", "section": -1},
        {"do": "rerender_section", "section": 1.5},
        {"do": "rerender_section", "section": True},
        {"do": "rerender_section", "section": 1, "join": "dissolve"},
        {"do": "rerender_section", "section": 1, "join": ["fade"]},
        {"do": "rerender_section", "section": 1, "join": "fade", "frames": 0},
        {"do": "rerender_section", "section": 1, "join": "fade", "frames": 25},
        {"do": "rerender_section", "section": 1, "join": "fade", "frames": 10**400},
        {"do": "rerender_section", "section": 1, "join": "fade", "frames": float("nan")},
        {"do": "restore_take"},
        {"do": "restore_take", "take": 7},
        {"do": "restore_take", "take": "../001"},
        {"do": "compare_take", "take": None},
        {"do": "delete_take", "take": 1},
        {"do": "delete_take", "take": 1, "confirm": True},
        {"do": "delete_frames"},
        {"do": "delete_frames", "confirm": True},
        {"do": "delete_frames", "confirm": "Frames"},
    ],
)
def test_what_cannot_be_done_is_said_at_once_and_no_job_begins(studio: Studio, name: str, action: Any) -> None:
    done(studio, visualize(studio, name, replace(SMALL, preset="ambient", fps="6")))
    write_motion(folder_of(studio, name), replace(SMALL, preset="ambient", fps="6"))
    before = len(studio.jobs.all())
    with pytest.raises(InputError):
        act(studio, name, action)
    assert len(studio.jobs.all()) == before and not folder_of(studio, name).path("takes").exists()


def test_nothing_is_deleted_without_the_word_and_while_it_is_used(studio: Studio, name: str) -> None:
    done(studio, visualize(studio, name, SMALL))
    write_motion(folder_of(studio, name), replace(SMALL, seed=1))
    do(studio, name, "rerender", do="rerender_section", section=0)
    project = folder_of(studio, name)
    with Project(project.folder):
        gone: tuple[dict[str, Any], ...] = ({"do": "delete_take", "take": 1, "confirm": "take 1"},)
        for more in (*gone, {"do": "delete_frames", "confirm": "frames"}):
            with pytest.raises(ProjectBusyError):
                act(studio, name, more)
        with pytest.raises(ProjectBusyError):
            delete(studio, name, name)
    do(studio, name, do="delete_take", take=1, confirm="take 1")
    assert takes(studio, name)["takes"] == []
    do(studio, name, do="delete_frames", confirm="frames")
    for word in ("", None, "yes", name[:-1], ".", "*"):
        with pytest.raises(InputError):
            delete(studio, name, word)
    assert project.folder.is_dir()
    delete(studio, name, name)
    assert not project.folder.exists()
    for gone in (name, "../ws", ".", ""):
        with pytest.raises(InputError):
            delete(studio, gone, gone)
    assert studio.host.workspace().is_dir()


def test_over_the_cap_nothing_begins_and_nothing_is_deleted(studio: Studio, name: str) -> None:
    done(studio, visualize(studio, name, SMALL))
    files = sorted(p for p in folder_of(studio, name).folder.rglob("*") if p.is_file())
    Capped.cap = 200_000
    try:
        big = replace(SMALL, width=512, height=512, fps="24")
        assert any("over the cap" in line for line in cost(studio, name, big).lines)
        with pytest.raises(InputError, match=r"over the cap: all visuals take .* of 200 kB") as caught:
            visualize(studio, name, big)
        assert "takes" in caught.value.fix and "frames" in caught.value.fix
        write_motion(folder_of(studio, name), replace(SMALL, seed=3))
        with pytest.raises(InputError, match="over the cap"):
            act(studio, name, {"do": "rerender_from", "section": 0})
        shown = takes(studio, name)["sizes"]
        assert shown["cap"] == "200 kB" and shown["all"]
        left = sorted(p for p in folder_of(studio, name).folder.rglob("*") if p.is_file())
        assert [p for p in files if p not in left] == []
    finally:
        Capped.cap = 0
    done(studio, visualize(studio, name, replace(SMALL, seed=3)))


def test_over_the_cap_nothing_is_restored_or_compared(studio: Studio, name: str) -> None:
    done(studio, visualize(studio, name, SMALL))
    write_motion(folder_of(studio, name), replace(SMALL, seed=3))
    do(studio, name, "rerender", do="rerender_section", section=0)
    before = len(studio.jobs.all())
    Capped.cap = sizes_of(folder_of(studio, name)).total
    try:
        for action in ({"do": "restore_take", "take": 1}, {"do": "compare_take", "take": 1},
                       {"do": "preset_compare", "first": "now", "second": "auto", "section": 0}):  # fmt: skip
            with pytest.raises(InputError, match="over the cap"):
                act(studio, name, action)
        assert len(studio.jobs.all()) == before
    finally:
        Capped.cap = 0
    do(studio, name, "restore", do="restore_take", take=1)


def test_what_deforum_painted_for_a_test_is_counted_and_goes_with_the_project(
    studio: Studio, name: str, tmp_path: Path
) -> None:
    project, output = folder_of(studio, name), tmp_path / "output"
    output.mkdir()
    before = sizes_of(project)
    run = JobRecord("job", "digest", "batch", str(output), "20260101120000")
    with Project(project.folder / "test") as test:
        run.save(test.path("deforum_job.json"))
        test.save_progress(replace(test.progress(), painter="deforum", lengths=(2,)))
    ours, other = output / frame_name(run.timestring, 0), output / frame_name("20250101120000", 0)
    for path in (ours, other):
        path.write_bytes(b"x" * 100_000)
    now = sizes_of(project)
    assert 100_000 <= now.total - before.total < 110_000 and now.frames == before.frames
    delete(studio, name, name)
    assert not ours.exists() and other.is_file()


class Gpu(Capped):
    """A place that knows its model and its LoRAs, and paints with the animatic under Deforum's name."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.loaded = Model("first.safetensors", "aaaa", "soft.vae.pt", "bbbb", "2")
        self.here: dict[str, str] | None = {"mine": "cccc", "other": "dddd"}

    def renderers(self) -> tuple[Choice, ...]:
        return (Choice("deforum", "Deforum"), Choice("animatic", "Animatic"))

    def model(self) -> Model | None:
        return self.loaded

    def networks(self) -> dict[str, str] | None:
        return self.here

    def warm_up(self, width: int, height: int, sampler: str, steps: int) -> float | None:
        return 0.1

    def renderer(self, id: str, plan: Any, project: Any, should_stop: Any) -> Any:
        painter = Animatic.from_file(plan.cover)
        painter.name = id  # type: ignore[misc]
        return painter


def test_what_painted_is_written_down_and_differences_are_told(tmp_path: Path) -> None:
    host = Gpu(tmp_path / "ws")
    studio = studio_of(host)
    motion = replace(SMALL, renderer="deforum", sampler="Euler a")
    name = covered(studio, motion)
    act(studio, name, {"do": "row", "section": 1, "prompt": "a ship <lora:mine:0.7> <LORA:gone:1:0.5> <lyco:other>"})
    done(studio, visualize(studio, name, motion))
    record = read_painted(folder_of(studio, name))
    assert record is not None and record.model == host.loaded and record.app == __version__
    assert record.networks == {"mine": "cccc", "gone": "", "other": "dddd"}
    assert "the LoRA gone is not here" in open_visual(studio, name).notes
    host.here = {"mine": "eeee", "gone": "ffff", "other": "dddd"}
    host.loaded = Model("first.safetensors", "aaaa", "soft.vae.pt", "bbbb", "")
    notes = "\n".join(open_visual(studio, name).notes)
    assert "the LoRA mine was cccc, now it is eeee" in notes and "the CLIP skip was 2, now it is 1" in notes
    assert "gone" not in notes and "other" not in notes
    host.here = None
    assert "LoRA" not in "\n".join(open_visual(studio, name).notes), "what is not known is no difference"
    do(studio, name, "rerender", do="rerender_section", section=1)
    (take,) = takes_of(folder_of(studio, name))
    assert take.told.model["checkpoint"] == "first.safetensors" and take.told.model["clip_skip"] == "2"
    assert take.told.model["networks"]["mine"] == "cccc" and take.told.app == __version__
    assert takes(studio, name)["takes"][0]["model"] == "first.safetensors, soft.vae.pt"
    data = json.loads(folder_of(studio, name).path("model.json").read_text())
    for key in ("networks",):
        del data[key]
    del data["model"]["clip_skip"]
    folder_of(studio, name).path("model.json").write_text(json.dumps(data))
    old = read_painted(folder_of(studio, name))
    assert old is not None and old.networks == {}, "what an earlier version did not write is empty"


def test_another_checkpoint_for_one_section_or_a_restored_take_is_recorded(tmp_path: Path) -> None:
    host = Gpu(tmp_path / "ws")
    studio = studio_of(host)
    motion = replace(SMALL, renderer="deforum", sampler="Euler a")
    name = covered(studio, motion)
    first, second, third = host.loaded, Model("second.safetensors", "eeee"), Model("third.safetensors", "ffff")

    def recorded() -> tuple[str, Model | None, tuple[Model, ...]]:
        found = read_painted(folder_of(studio, name))
        assert found is not None
        assert found.renderer == folder_of(studio, name).progress().painter
        return found.renderer, found.model, found.also

    done(studio, visualize(studio, name, motion))
    assert recorded() == ("deforum", first, ())
    host.loaded = second
    do(studio, name, "rerender", do="rerender_section", section=1)
    assert recorded() == ("deforum", second, (first,)), "all but one section is still the first one's"
    told = "several checkpoints painted it: second.safetensors, first.safetensors"
    assert told in open_visual(studio, name).notes
    assert takes(studio, name)["model"] == f"second.safetensors, parts of it by {first.checkpoint}"
    do(studio, name, "rerender", do="rerender_section", section=1)
    assert recorded() == ("deforum", second, (first,))
    host.loaded = third
    done(studio, visualize(studio, name, replace(motion, seed=5)))
    assert recorded() == ("deforum", third, ()), "the whole was painted anew"
    whole = next(take for take in takes_of(folder_of(studio, name)) if take.last - take.first == take.total)
    do(studio, name, "restore", do="restore_take", take=whole.number)
    assert recorded() == ("deforum", second, (first,))
    cards = {card["take"]: card["model"] for card in takes(studio, name)["takes"]}
    assert cards[whole.number + 1] == "third.safetensors" and cards[1] == "first.safetensors, soft.vae.pt"
    done(studio, visualize(studio, name, replace(SMALL, renderer="animatic")))
    assert recorded() == ("animatic", None, ())
    back = max(take.number for take in takes_of(folder_of(studio, name)))
    do(studio, name, "restore", do="restore_take", take=back)
    assert recorded() == ("deforum", second, (first,))
    do(studio, name, "restore", do="restore_take", take=back + 1)
    assert recorded() == ("animatic", None, ())
    do(studio, name, "restore", do="restore_take", take=1)
    assert recorded() == ("animatic", None, (first,)), "one section is the first checkpoint's again"


def test_the_panel_is_one_of_the_page(studio: Studio) -> None:
    panel = panels.panel_of("rerender_section")
    assert panel is not None and panel.name == "takes"
