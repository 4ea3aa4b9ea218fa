"""The command line over a person's own: their Deforum settings, with what is driven, and their presets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lib_music.cli import main
from lib_music.demo.compose import compose, write
from lib_music.pipeline import revived
from lib_music.project import Project
from lib_music.render.deforum_grammar import read_schedule
from lib_music.render.deforum_ticks import ALWAYS
from lib_music.request import Request
from lib_music.schedule.overrides import Formula
from lib_music.schedule.preset_file import renamed, write_preset
from lib_music.schedule.presets import PRESETS
from tests.render.test_deforum_ticks import PERSONS


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(compose(2, bpm=120, plan=(("verse", 2), ("chorus", 2))), tmp_path_factory.mktemp("tune") / "tune.wav")


def animate(tune: Path, out: Path, *more: object) -> dict[str, Any]:
    """The settings file that the command writes."""
    assert main(["animate", str(tune), "--out", str(out), *map(str, more)]) == 0
    settings: dict[str, Any] = json.loads((out / "deforum_settings.txt").read_text("ascii"))
    return settings


def test_a_preset_file_moves_the_song_and_is_kept(tune: Path, tmp_path: Path) -> None:
    mine = tmp_path / "my preset.json"
    formulas = (Formula("zoom", "1.5"), Formula("cfg_scale_schedule", "9"))
    write_preset(mine, renamed(PRESETS["ambient"], "Mine"), formulas)
    settings = animate(tune, tmp_path / "p", "--preset", mine, "--fps", 24)
    zoom = read_schedule(settings["zoom"], settings["max_frames"])
    assert zoom[20] == pytest.approx(1.5 ** (1 / 24), rel=0.01)
    assert read_schedule(settings["cfg_scale_schedule"], settings["max_frames"])[24] == pytest.approx(9)
    mine.unlink()
    project = Project(tmp_path / "p")
    request, said = revived(Request.from_dict(project.request(), project), project)
    assert request.preset_file == project.path("preset.json") and any("copy" in line for line in said)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"format": "x"}', b"\xff", b"[" * 100_000, None])
def test_a_preset_file_that_is_none_leaves_nothing(
    data: bytes | None, tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.json"
    if data is not None:
        mine.write_bytes(data)
    capsys.readouterr()
    assert main(["render", str(tune), "--preset", str(mine), "--out", str(tmp_path / "p")]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "mine.json" in err and not (tmp_path / "p").exists()


def test_over_a_persons_file_only_what_is_named_is_ours(tune: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text(json.dumps(PERSONS), "utf-8")
    nothing = animate(tune, tmp_path / "a", "--base-settings", mine, "--drive", "none")
    assert {key for key in PERSONS if nothing[key] != PERSONS[key]} <= set(ALWAYS)
    some = animate(tune, tmp_path / "b", "--base-settings", mine, "--drive", "strength,size", "--size", "512x512")
    changed = {key for key in PERSONS if some[key] != PERSONS[key]}
    assert changed == {"strength_schedule", "W", "H"}
