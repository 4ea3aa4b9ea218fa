"""``--renderer deforum``: the command line against a WebUI that behaves as the real one does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lib_music.cli import main
from lib_music.demo.compose import compose, write
from lib_music.video.sync import visual_change
from tests.render.deforum_host import Habits, Host


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(compose(6, bpm=120, plan=(("verse", 3), ("chorus", 3))), tmp_path_factory.mktemp("tune") / "tune.wav")


def render(tune: Path, out: Path, url: str) -> int:
    argv = ["render", tune, "--out", out, "--size", "64x64", "--duration", "3", "--renderer", "deforum", "--webui", url]
    return main([str(arg) for arg in argv])


def test_a_remote_deforum_paints_the_video(tune: Path, tmp_path: Path) -> None:
    with Host(tmp_path / "host") as host:
        assert render(tune, tmp_path / "p", host.url) == 0
        (settings,) = host.submitted()
    (video,) = (tmp_path / "p").glob("*.mp4")
    change, fps = visual_change(video)
    assert (change.size, fps) == (72, 24)
    assert np.count_nonzero(change > 1) > 60, "each frame of the stand-in has its own grey"
    assert settings["max_frames"] == 73 and settings["skip_video_creation"] is True
    assert not [path for path in (tmp_path / "p").rglob("*") if "segments" in path.parts]


def test_a_failure_over_there_is_one_line_and_the_next_run_goes_on(
    tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Host(tmp_path / "host", Habits(fail_at=20)) as host:
        capsys.readouterr()
        assert render(tune, tmp_path / "p", host.url) == 4
        err = capsys.readouterr().err
        assert err.count("\n") >= 1 and "Traceback" not in err and err.splitlines()[-1].startswith("music-visualizer: ")
        host.habits.fail_at = None
        assert render(tune, tmp_path / "p", host.url) == 0
    assert len(list((tmp_path / "p").glob("*.mp4"))) == 1


@pytest.mark.parametrize("url", ["http://me:secret@host:7860", "ftp://host", "host:7860", "http://host:7860/?a=1"])
def test_an_address_is_checked_before_anything_is_written(
    url: str, tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert render(tune, tmp_path / "p", url) == 2
    assert "secret" not in "".join(capsys.readouterr())
    assert not (tmp_path / "p").exists()


def test_nobody_there(tune: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lib_music.render import deforum_http

    patience = deforum_http.DeforumHttpRenderer.__init__.__kwdefaults__
    monkeypatch.setitem(patience, "patience", 0.5)
    assert render(tune, tmp_path / "p", "http://127.0.0.1:9") == 4
    assert json.loads((tmp_path / "p" / "deforum_settings.txt").read_text())["W"] == 64, (
        "the settings are there already"
    )
