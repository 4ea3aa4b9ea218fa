"""What a caller is told when something goes wrong."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import lib_music
from lib_music.api.problems import Problem, problem_of, without_places
from lib_music.errors import (
    AudioError,
    DeforumError,
    DownloadError,
    FfmpegError,
    InputError,
    Interrupted,
    MusicVisualizerError,
    ProjectBusyError,
    ProjectError,
    SpotifyError,
)
from lib_music.studio import foreign
from lib_music.studio.job import AFTER


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("a", "b"), 422),
        (AudioError("a", "b"), 422),
        (ProjectBusyError("a", "b"), 409),
        (Interrupted("a", "b"), 409),
        (SpotifyError("a", "b"), 502),
        (DownloadError("a", "b"), 502),
        (DeforumError("a", "b"), 503),
        (FfmpegError("a", "b"), 500),
        (ProjectError("a", "b"), 500),
        (MusicVisualizerError("a", "b"), 500),
    ],
)
def test_each_error_of_ours_has_a_status_and_keeps_its_words(error: MusicVisualizerError, status: int) -> None:
    found = problem_of(error)
    assert (found.status, found.detail, found.fix) == (status, "a", "b")
    assert found.to_dict()["status"] == status and found.to_dict()["title"]
    assert ("Retry-After" in found.headers) == (status == 409)


def said_by_errors() -> set[str]:
    """Every text that the code behind the API gives to an error, or says of a job that was interrupted."""
    found = set(AFTER.values())
    for path in Path(lib_music.__file__).parent.rglob("*.py"):
        if path.parent.name in ("ui", "cli"):
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
            if name.endswith("Error") or name in ("Interrupted", "Problem"):
                found |= {leaf.value for leaf in ast.walk(call) if isinstance(leaf, ast.Constant)
                          and isinstance(leaf.value, str)}  # fmt: skip
    return found | {foreign.STALE}


def test_nobody_is_told_to_press_a_button_where_there_is_no_page() -> None:
    page = re.compile(r"\b(press|click) [A-Z]|\b[Rr]eload the page|\bthis page\b|\bResume goes on")
    texts = said_by_errors()
    assert len(texts) > 300 and len([text for text in texts if page.search(text)]) > 12
    left = {text: told for text in texts if page.search(told := problem_of(InputError(text, text)).fix)}
    assert not left
    told = problem_of(InputError("not heard yet", "press Produce prompts first, or wait until it is done"))
    assert told.fix == "POST …/produce first, or wait until it is done"


def test_found_words_stay_as_they_are() -> None:
    for text in ("'Press Play' cannot be read", "no such file: reload.wav", "Visualize This - Resume.mp3"):
        assert problem_of(InputError(text, text)).detail == text


def test_a_fault_of_ours_tells_its_kind_alone() -> None:
    found = problem_of(RuntimeError("password=hunter2 in /home/me/config"))
    assert found.status == 500 and "RuntimeError" in found.detail
    assert "hunter2" not in str(found.to_dict()) and "/home" not in str(found.to_dict())


def test_a_problem_stays_what_it_is() -> None:
    problem = Problem(413, "too large", "smaller", {"X": "y"}, {"offset": 5})
    assert problem_of(problem) is problem
    assert problem.to_dict() == {
        "offset": 5, "title": problem.to_dict()["title"], "status": 413, "detail": "too large", "fix": "smaller",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cannot write /data/my web ui/ws/song-1/a.json: disk full", "cannot write song-1/a.json: disk full"),
        ("cannot use /data/my web ui/ws: denied", "cannot use ws: denied"),
        ("no such file: /home/anna/secret/song.mp3", "no such file: song.mp3"),
        (r"C:\Users\anna\Music\song.mp3 is cut short", "song.mp3 is cut short"),
        ("'/var/lib/x.png' is no picture", "'x.png' is no picture"),
        ("give 1/2 or 30000/1001, and/or nothing", "give 1/2 or 30000/1001, and/or nothing"),
        ("give http://host:7860/path/x", "give http://host:7860/path/x"),
        ("see docs/api.md", "see docs/api.md"),
    ],
)
def test_places_on_the_disk_are_not_told(text: str, told: str) -> None:
    assert without_places(text, [Path("/data/my web ui/ws")]) == told
