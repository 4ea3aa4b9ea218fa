"""Takes and finishing by the command line, as a person types them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lib_music.cli import main
from lib_music.demo.compose import compose, write
from lib_music.demo.cover import draw_cover
from lib_music.errors import ProjectError
from lib_music.video.encode import translate
from lib_music.video.mux import count_frames
from tests.test_takes import digests


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished video of a short song."""
    folder = tmp_path_factory.mktemp("cli")
    write(compose(4, bpm=128, plan=(("verse", 4), ("chorus", 4))), folder / "song.mp3")
    draw_cover(4, folder / "cover.png", 128)
    out = folder / "project"
    argv = ["render", str(folder / "song.mp3"), "--cover", str(folder / "cover.png"), "--size", "64x64", "--fps", "12"]
    assert main([*argv, "--out", str(out)]) == 0
    return out


def video(out: Path) -> list[str]:
    (path,) = out.glob("*.mp4")
    return digests(path)


def test_a_retake_that_stops_names_the_command_that_goes_on_with_it(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(made, made.with_name("a project"))
    troubles = (translate("No space left on device", 1), ProjectError("cannot write", "check it"), KeyboardInterrupt())
    for number, trouble in enumerate(troubles, 1):

        def refuse(*_: object, wrong: BaseException = trouble) -> None:
            raise wrong

        with monkeypatch.context() as broken:
            broken.setattr("lib_music.video.encode.SegmentWriter.put", refuse)
            assert main(["retake", str(out), "1"]) != 0
        told = capsys.readouterr().err.splitlines()[-1]
        assert told.endswith(f"go on with: music-visualizer resume '{out}'") and "same command" not in told, told
        assert main(["resume", str(out)]) == 0
        assert "painted now" in capsys.readouterr().out
        assert main(["takes", str(out)]) == 0
        assert capsys.readouterr().out.count("take ") == number, "and no other take was begun"


def test_a_cap_on_the_disk_is_asked_by_all_that_paints_or_writes_frames(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(made, made.with_name("capped"))
    assert main(["retake", str(out), "1"]) == 0
    before = {path: path.stat().st_size for path in out.rglob("*") if path.is_file()}
    render = ["render", str(made.parent / "song.mp3"), "--size", "64x64", "--fps", "12"]
    anew = [*render, "--seed", "5", "--out", str(out)]
    other = [*render, "--out", str(made.with_name("another"))]
    for argv in (["retake", str(out), "2"], ["restore", str(out), "1"], ["finish", str(out), "--factor", "2"]):
        capsys.readouterr()
        assert main([*argv, "--disk-cap", "0.000001"]) == 2
        assert "over the cap" in capsys.readouterr().err
    assert {path: path.stat().st_size for path in before} == before
    for argv in (anew, other):
        assert main([*argv, "--disk-cap", "0.000001"]) == 2
        assert "raise --disk-cap" in capsys.readouterr().err
    assert not list(made.with_name("another").glob("*.mp4")) and list(out.glob("takes/001"))
    assert main(["restore", str(out), "1", "--disk-cap", "1"]) == 0
    for wrong in ("0", "-1", "nan", "much"):
        assert main([*other, "--disk-cap", wrong]) == 2


def test_the_whole_way(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*argv: object, code: int = 0) -> str:
        capsys.readouterr()
        assert main([str(word) for word in argv]) == code, capsys.readouterr().err
        told = capsys.readouterr()
        return told.out + told.err

    before = video(made)
    said = run("takes", made)
    assert "section  1  frames 0 to" in said and "take " not in said and "disk" in said
    border = int(said.split("frames 0 to ")[1].split()[0])
    board = made / "storyboard.json"
    board.write_text(board.read_text().replace('"prompt": "', '"prompt": "a galleon, '))
    said = run("retake", made, 2, "--fade", 6)
    assert "what was there is take 1" in said and "painted now" in said
    after = video(made)
    assert after[:border] == before[:border] and after[border:] != before[border:] and len(after) == len(before)
    assert "section 2" in run("takes", made) and "galleon" in run("takes", made)
    run("restore", made, 1)
    assert video(made) == before
    assert "finished" in run("finish", made, "--factor", 2) and "prores" not in run("finish", made, "--to", "prores")
    assert count_frames(next(made.glob("finished/*.mov"))) == count_frames(next(made.glob("finished/*.mp4")))
    assert "there is no take 99" in run("restore", made, 99, code=2)
    assert "there is no take 7 — choose of 2" in run("delete", made, "--take", 7, "--confirm", "take 7", code=2)
    for wrong in (("retake", 9), ("retake", 0), ("restore", 7), ("finish", "--to", "mp4"), ("delete", "--take", 2),
                  ("delete", "--frames"), ("delete", "--project"), ("delete", "--project", "--confirm", "x"),
                  ("retake", 1, "--onwards", "--fade", 3), ("delete",)):  # fmt: skip
        assert "Traceback" not in run(wrong[0], made, *wrong[1:], code=2)
    assert video(made) == before
    run("delete", made, "--take", 2, "--confirm", "take 2")
    assert "take " not in run("takes", made).replace("takes", "")
    run("retake", made, 1, "--onwards")
    assert run("takes", made).count("take ") == 1
    run("delete", made, "--project", "--confirm", made.name)
    assert not made.exists() and "no project" in run("takes", made, code=3)
