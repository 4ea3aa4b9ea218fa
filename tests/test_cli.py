"""The command line: exit codes, one-line errors, nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.cli import main
from lib_music.demo.compose import compose, write
from lib_music.doctor import checks
from lib_music.errors import InputError, RangeError
from lib_music.request import Request
from lib_music.schedule.timebase import parse_fps


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(compose(2, bpm=120, plan=(("verse", 3), ("chorus", 3))), tmp_path_factory.mktemp("tune") / "tune.wav")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def fails(capsys: pytest.CaptureFixture[str], *argv: object, code: int = 2) -> str:
    """Run a command that must fail with ``code`` and one line; returns the line."""
    capsys.readouterr()
    assert main([str(arg) for arg in argv]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1 and err.startswith("music-visualizer: "), err
    assert "Traceback" not in err
    return err


BAD_SONGS = {
    "missing": (None, "no such file"),
    "empty": (b"", "empty"),
    "text": (b"just some words\n" * 50, "not"),
    "random": (bytes(range(256)) * 40, "not"),
    "png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 500, ""),
    "broken wav": (b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + b"\xff" * 40, ""),
}


@pytest.mark.parametrize("kind", BAD_SONGS)
@pytest.mark.parametrize("command", ["render", "analyze", "storyboard", "animate"])
def test_a_bad_song_is_one_line_and_leaves_nothing(
    kind: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, words = BAD_SONGS[kind]
    monkeypatch.chdir(tmp_path)
    if data is not None:
        (tmp_path / "song.mp3").write_bytes(data)
    before = files(tmp_path)
    line = fails(capsys, command, "song.mp3")
    assert "song.mp3" in line and words in line
    assert files(tmp_path) == before


def test_folders_and_devices_are_no_songs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for song in (tmp_path, "/dev/zero", pipe):
        fails(capsys, "render", song, "--out", tmp_path / "p")
    assert files(tmp_path) == {"pipe"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--cover", "none.png"], "none.png"),
        (["--prompts", "none.txt"], "none.txt"),
        (["--base-settings", "none.txt"], "none.txt"),
        (["--preset", "polka"], "polka"),
        (["--fps", "0"], "fps"),
        (["--fps", "fast"], "fast"),
        (["--size", "512"], "512"),
        (["--size", "100x100"], "100"),
        (["--size=-8x512"], "-8x512"),
        (["--size", "99999999999x8"], "99999999999"),
        (["--aspect", "5:7"], "5:7"),
        (["--aspect", "16:9", "--size", "64x64"], "not allowed"),
        (["--start", "-3"], "-3"),
        (["--start", "9999"], "9999"),
        (["--start", "nan"], "nan"),
        (["--start", "1:2:3:4"], "1:2:3:4"),
        (["--duration", "0"], "0"),
        (["--duration", "soon"], "soon"),
        (["--seed", "x"], "x"),
        (["--seed", "-1"], "-1"),
        (["--cadence", "0"], "0"),
        (["--drive", "zoom,teapot"], "teapot"),
        (["--renderer", "deforum"], "--webui"),
        (["--renderer", "paint"], "paint"),
        (["--frobnicate"], "frobnicate"),
    ],
)
def test_a_bad_option_is_one_line_and_leaves_nothing(
    more: list[str],
    words: str,
    tune: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in fails(capsys, "render", tune, *more)
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("option", "data"),
    [
        ("--prompts", b'{"format": 3'),
        ("--prompts", b"\xff\xfe\0\0binary\0"),
        ("--prompts", b"\n  \n"),
        ("--base-settings", b"[1, 2]"),
        ("--base-settings", b"{"),
        ("--cover", b"GIF89a"),
        ("--cover", b""),
    ],
)
def test_a_bad_file_leaves_nothing(
    option: str, data: bytes, tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_file = tmp_path / ("given.json" if data.startswith(b"{") else "given")
    given_file.write_bytes(data)
    fails(capsys, "render", tune, option, given_file, "--out", tmp_path / "p")
    assert files(tmp_path) == {given_file.name}


def test_no_command_and_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert "COMMAND" in fails(capsys)
    assert "sing" in fails(capsys, "sing")


def test_resume_and_list_of_what_is_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(capsys, "resume", tmp_path, code=3)
    fails(capsys, "resume", tmp_path / "none", code=3)
    fails(capsys, "list", tmp_path / "none", code=3)
    (tmp_path / "project.json").write_text("{]")
    fails(capsys, "resume", tmp_path, code=3)
    assert files(tmp_path) == {"project.json"}


def test_analyze_prints_one_json_object(tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(tune), "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == "" and out.count("\n") == 1
    assert {"beats", "downbeats", "tempo", "sections", "key", "mode", "confidence"} <= set(found)
    assert set(found["downbeats"]) <= set(found["beats"])
    assert all({"start", "end", "label"} <= set(section) for section in found["sections"])
    assert abs(found["tempo"] / 120 - 1) < 0.04


def test_analyze_for_people(tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(tune)]) == 0
    assert "BPM" in capsys.readouterr().out


def test_storyboard_shows_five_candidates(tune: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["storyboard", str(tune), "--out", str(tmp_path / "p")]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{i}. " in "\n" + out for i in range(1, 6))
    assert (tmp_path / "p" / "storyboard.json").is_file()


def test_an_odd_file_name_is_only_a_name(tune: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "http:-y $(touch x) %s 'é\n.wav"
    Path(name).write_bytes(tune.read_bytes())
    assert main(["animate", f"./{name}", "--duration", "4"]) == 0
    (project,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert project.name.replace("-", "").isalnum()


def test_doctor_finds_what_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert "ffmpeg" in capsys.readouterr().out
    assert all(check.fix or check.ok for check in checks())


def test_version_and_help() -> None:
    for argv in (["--version"], ["--help"], ["render", "--help"]):
        done = subprocess.run([sys.executable, "-m", "lib_music", *argv], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout


def test_the_core_needs_no_host_and_no_gradio() -> None:
    """Importing all but the page and the HTTP API brings neither a host nor heavy libraries."""
    # Of the API only the caller's side is the core's: the rest is FastAPI, which comes with the page.
    program = (
        "import sys, pkgutil, importlib, lib_music\n"
        "for m in pkgutil.walk_packages(lib_music.__path__, 'lib_music.'):\n"
        "    caller = m.name.endswith(('.client', '.remote'))\n"
        "    served = '.ui.' in m.name or ('.api.' in m.name and not caller)\n"
        "    if not m.name.endswith('__main__') and not served: importlib.import_module(m.name)\n"
        "heavy = {'gradio', 'torch', 'librosa', 'numba', 'cv2', 'scipy', 'PIL', 'modules', 'pydub', 'requests'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


RANGES = st.one_of(st.floats(), st.integers(-(10**12), 10**12))


@settings(deadline=None)
@given(
    RANGES,
    st.one_of(st.none(), RANGES),
    st.integers(-10, 10**6),
    st.integers(-10, 10**6),
    st.text(max_size=12),
    st.one_of(st.none(), st.integers()),
    st.one_of(st.none(), st.integers()),
)
def test_any_numbers_make_a_request_or_a_range_error(
    start: float, duration: float | None, width: int, height: int, fps: str, seed: int | None, cadence: int | None
) -> None:
    try:
        Request(
            Path("song"),
            start=start,
            duration=duration,
            width=width,
            height=height,
            fps=fps,
            seed=seed,
            cadence=cadence,
        )
    except RangeError as error:
        assert error.message and error.fix


@given(st.text(max_size=30))
def test_any_text_is_a_rate_or_a_range_error(text: str) -> None:
    try:
        assert 1 <= parse_fps(text) <= 240
    except RangeError as error:
        assert error.fix


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(["--start", "--duration", "--size", "--fps", "--seed", "--cadence", "--aspect"]), max_size=3
    ),
    st.lists(st.text(max_size=8), max_size=3),
)
def test_any_arguments_end_in_an_exit_code(options: list[str], values: list[str]) -> None:
    argv = [part for pair in zip(options, values, strict=False) for part in pair]
    assert main(["render", "no such song", *argv]) == InputError.exit_code
