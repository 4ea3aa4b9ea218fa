"""Files are whole or not there, whoever writes at the same time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lib_music.errors import ProjectError
from lib_music.files import clear_asides, read_json, write_json, written_aside


def test_what_another_thread_is_writing_is_not_cleared_away(tmp_path: Path) -> None:
    """A run that opens a project clears it while an edit is written there."""
    left = [tmp_path / f".a.{2**30}.part.json", tmp_path / f".b.{2**30}-7.part", tmp_path / f".c.{os.getpid()}.part"]
    for path in left:
        path.write_text("left")
    with written_aside(tmp_path / "kept.json") as aside:
        aside.write_text("{}")
        clear_asides(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


def test_threads_that_write_one_file_leave_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    values = [[n] * 20_000 for n in range(8)]
    threads = [threading.Thread(target=write_json, args=(path, value)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_json(path) in values and list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="cannot write"):
        write_json(tmp_path / "file" / "a.json", {})
