"""The Finishing part as the page asks for it, with the plain host's Lanczos and a host that interpolates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from lib_music.errors import InputError
from lib_music.project import Project
from lib_music.render.deforum_settings import build_settings
from lib_music.render.pixels import Rgb
from lib_music.studio.estimate import set_up
from lib_music.studio.host import Choice
from lib_music.studio.motion import Motion, write_motion
from lib_music.studio.song import act
from lib_music.studio.studio import Studio, studio_of
from lib_music.studio.video import visualize
from lib_music.studio.view import view
from lib_music.video.finish import Lanczos
from lib_music.video.mux import count_frames
from lib_music.video.sync import visual_change
from tests.studio.places import Capped, covered, finished, plain

SMALL = Motion(width=64, height=64, preset="four-on-the-floor", renderer="animatic", cadence=2, fps="12", duration=6.0)


class Place(Capped):
    """A place whose interpolation is there."""

    turns = 0

    def interpolators(self) -> tuple[Choice, ...]:
        return (Choice("RIFE", "RIFE"), Choice("FILM", "FILM", "its model is not here"))

    def finisher(self, upscaler: str, interpolator: str) -> Any:
        class Mean(Lanczos):
            def between(self, first: Rgb, second: Rgb, moments: Sequence[float]) -> list[Rgb]:
                return [np.asarray((first.astype(int) + second) // 2, np.uint8)] * len(moments)

        return Mean()


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_of(Place(tmp_path / "ws"))


@pytest.fixture
def name(studio: Studio) -> str:
    return covered(studio, SMALL)


def painted(studio: Studio, name: str) -> Path:
    job = finished(studio, visualize(studio, name, SMALL))
    assert job.state == "done", (job.error, job.fix)
    return studio.host.workspace() / name


def finishing(studio: Studio, name: str) -> dict[str, Any]:
    found: dict[str, Any] = plain(view(studio, name))["finishing"]
    return found


def do(studio: Studio, name: str, **action: Any) -> Path:
    act(studio, name, {"do": "finish", **action})
    job = finished(studio, next(job for job in studio.jobs.all() if job.kind == "finish"))
    assert job.state == "done", (job.error, job.fix)
    return studio.host.workspace() / name / job.result["finished"]


def test_larger_smoother_and_other_formats_lie_beside_the_video(studio: Studio, name: str) -> None:
    assert not finishing(studio, name)["ready"]
    folder = painted(studio, name)
    seen = finishing(studio, name)
    assert seen["ready"] and (seen["width"], seen["height"], seen["fps"]) == (64, 64, 12.0) and seen["results"] == []
    assert [c["id"] for c in seen["upscalers"]] == ["Lanczos"]
    out = do(studio, name, upscaler="Lanczos", factor=2, interpolator="RIFE", times=2)
    assert count_frames(out) == 144 and visual_change(out)[1] == Fraction(24)
    mov = do(studio, name, format="prores")
    assert mov.suffix == ".mov" and count_frames(mov) == 72
    pngs = do(studio, name, format="png")
    assert len(list(pngs.iterdir())) == 72
    seen = finishing(studio, name)
    assert {r["name"] for r in seen["results"]} == {out.name, mov.name, pngs.name}
    assert {r["pictures"] for r in seen["results"]} == {0, 72} and seen["chosen"]["format"] == "png"
    urls = [r["url"] for r in seen["results"]]
    assert sum(url is not None for url in urls) == 2 and len(list(folder.glob("*.mp4"))) == 1
    for wrong in ({}, {"confirm": True}, {"confirm": "x"}):
        with pytest.raises(InputError):
            act(studio, name, {"do": "delete_finished", "name": out.name, **wrong})
    for gone in (out.name, pngs.name):
        act(studio, name, {"do": "delete_finished", "name": gone, "confirm": gone})
    assert [path.name for path in (folder / "finished").iterdir()] == [mov.name]
    for hostile in ("../a-song.mp4", "..", "", "/etc/passwd", mov.name + "/"):
        with pytest.raises(InputError):
            act(studio, name, {"do": "delete_finished", "name": hostile, "confirm": hostile})


def test_pictures_come_as_one_zip_that_a_browser_can_fetch(studio: Studio, name: str) -> None:
    folder = painted(studio, name) / "finished"
    pngs = do(studio, name, format="png")
    for wrong in ("x", "..", pngs.name + "/"):
        with pytest.raises(InputError):
            act(studio, name, {"do": "pack_finished", "name": wrong})
    act(studio, name, {"do": "pack_finished", "name": pngs.name})
    job = finished(studio, studio.jobs.all()[0])
    assert (job.kind, job.state, job.result) == ("pack", "done", {"finished": f"finished/{pngs.name}.zip"})
    with ZipFile(folder / f"{pngs.name}.zip") as pack:
        assert pack.testzip() is None
        held = {Path(info.filename): pack.read(info) for info in pack.infolist()}
    assert held == {Path(pngs.name) / path.name: path.read_bytes() for path in pngs.iterdir()} and len(held) == 72
    result = next(r for r in finishing(studio, name)["results"] if r["name"].endswith(".zip"))
    assert result["url"] and result["pictures"] == 0
    with pytest.raises(InputError):
        act(studio, name, {"do": "pack_finished", "name": f"{pngs.name}.zip"})


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"format": "mp4"},
        {"format": "gif"},
        {"format": 3},
        {"upscaler": "ESRGAN", "factor": 2},
        {"upscaler": "Lanczos"},
        {"upscaler": "Lanczos", "factor": 1},
        {"upscaler": "Lanczos", "factor": 10**400},
        {"upscaler": ["Lanczos"], "factor": 2},
        {"interpolator": "FILM", "times": 2},
        {"interpolator": "RIFE", "times": 1},
        {"interpolator": "RIFE", "times": 2.5},
        {"interpolator": "RIFE"},
    ],
)
def test_what_cannot_be_done_is_said_at_once(studio: Studio, name: str, action: dict[str, Any]) -> None:
    folder = painted(studio, name)
    with pytest.raises(InputError):
        act(studio, name, {"do": "finish", **action})
    assert not (folder / "finished").exists() and not [j for j in studio.jobs.all() if j.kind == "finish"]


def test_without_a_video_and_over_the_cap_nothing_begins(studio: Studio, name: str) -> None:
    with pytest.raises(InputError, match="no finished video"):
        act(studio, name, {"do": "finish", "format": "prores"})
    painted(studio, name)
    Place.cap = 100_000
    try:
        with pytest.raises(InputError, match="over the cap"):
            act(studio, name, {"do": "finish", "format": "prores"})
    finally:
        Place.cap = 0


def test_optical_flow_is_a_driven_key_of_deforums(studio: Studio, name: str) -> None:
    motion = Motion(width=64, height=64, renderer="deforum", cadence=3)
    project = Project(studio.host.workspace() / name)
    write_motion(project, motion)
    host: Any = studio.host
    host._webui = "http://127.0.0.1:9"

    def settings() -> dict[str, Any]:
        animation = set_up(studio, name, motion).plan.animation
        return build_settings(animation, batch_name="x")

    before = set_up(studio, name, motion).mark
    assert settings()["optical_flow_cadence"] == "None" and finishing(studio, name)["flow"] == ""
    act(studio, name, {"do": "cadence_flow", "flow": "DIS Medium"})
    assert settings()["optical_flow_cadence"] == "DIS Medium" and finishing(studio, name)["flow"] == "DIS Medium"
    assert set_up(studio, name, motion).mark != before, "it is painted otherwise"
    act(studio, name, {"do": "cadence_flow", "flow": ""})
    assert set_up(studio, name, motion).mark == before
    for wrong in ("dis", 3, None, "DIS Medium; x", "x" * 100):
        with pytest.raises(InputError):
            act(studio, name, {"do": "cadence_flow", "flow": wrong})
    project.path("finishing.json").write_text(json.dumps({"version": 1, "flow": ["x"], "factor": {"a": 1}}))
    assert settings()["optical_flow_cadence"] == "None" and finishing(studio, name)["chosen"] == {}


def test_a_persons_own_flow_stays_unless_it_is_chosen_and_ticked() -> None:
    from dataclasses import replace

    from lib_music.render.deforum_defaults import DEFAULTS
    from lib_music.render.deforum_settings import resolve_drive
    from tests.render.test_deforum_http import animation

    base = {**DEFAULTS, "optical_flow_cadence": "Farneback"}
    theirs = animation(base_settings=base, driven=resolve_drive("zoom"))
    assert build_settings(theirs, batch_name="x")["optical_flow_cadence"] == "Farneback"
    assert build_settings(replace(theirs, flow="DIS Fine"), batch_name="x")["optical_flow_cadence"] == "Farneback"
    ticked = replace(theirs, flow="DIS Fine", driven=resolve_drive("zoom,flow"))
    assert build_settings(ticked, batch_name="x")["optical_flow_cadence"] == "DIS Fine"
