"""The disk cap: whatever the page can make asks for room first, and makes nothing where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lib_music.demo.cover import draw_cover
from lib_music.errors import InputError
from lib_music.studio.motion import Motion
from lib_music.studio.song import act, produce
from lib_music.studio.song_input import SongInput
from lib_music.studio.studio import Studio
from lib_music.studio.takes import compared, restored
from lib_music.studio.video import preview, set_motion, visualize
from lib_music.studio.workspace import find_project
from tests.studio.places import finished, heard, sound, studio_in

SMALL = Motion(width=64, height=64, fps="12", duration=2.0)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "sent"))
    return studio_in(tmp_path)


def made(folder: Path) -> set[str]:
    """The files of the workspace that hold something, but for locks, logs and the history of edits."""
    passing = {"edit.lock", "project.lock", "log.txt"}
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in passing and "history" not in path.parts and ".jobs" not in path.parts
    }


@pytest.mark.parametrize(
    "action",
    [
        {"do": "stills"},
        {"do": "still", "section": 0},
        {"do": "export"},
        {"do": "test_bars", "start": 0.0, "bars": 1},
        {"do": "preset_compare", "first": "now", "second": "auto", "section": 0},
    ],
)
def test_what_makes_files_asks_for_room(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any]
) -> None:
    name = heard(studio)
    set_motion(studio, name, SMALL)
    before = made(studio.host.workspace())
    monkeypatch.setattr(studio.host, "_disk_cap", 1)
    with pytest.raises(InputError, match="over the cap"):
        act(studio, name, action)
    assert made(studio.host.workspace()) == before and not studio.jobs.all()


def test_songs_previews_and_takes_ask_for_room(
    tmp_path: Path, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = heard(studio)
    draw_cover(4, find_project(studio.host, name).path("cover.png"), 64)
    set_motion(studio, name, SMALL)
    for _ in range(2):
        assert finished(studio, visualize(studio, name, SMALL)).state == "done"
        act(studio, name, {"do": "row", "section": 0, "prompt": "another"})
    upload = sound(tmp_path / "sent" / "other.wav", 3)
    before = made(studio.host.workspace())
    monkeypatch.setattr(studio.host, "_disk_cap", 1)
    for begin in (
        lambda: produce(studio, SongInput(upload=upload)),
        lambda: preview(studio, name, SMALL),
        lambda: visualize(studio, name, SMALL),
        lambda: restored(studio, name, 1),
        lambda: compared(studio, name, 1),
        lambda: act(studio, name, {"do": "rerender_section", "section": 0}),
        lambda: act(studio, name, {"do": "finish", "format": "png"}),
        lambda: act(studio, name, {"do": "finish", "format": "prores"}),
    ):
        with pytest.raises(InputError, match="over the cap"):
            begin()
    assert made(studio.host.workspace()) == before
    assert all(job.kind == "visualize" for job in studio.jobs.all())
