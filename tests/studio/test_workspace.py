"""Projects and paths: only what is there and allowed, and the same words for all else."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from lib_music.errors import InputError
from lib_music.studio.plain import PlainHost
from lib_music.studio.workspace import (
    AUDIO_SUFFIXES,
    copy_in,
    find_project,
    new_project,
    projects,
    typed_path,
    upload_folder,
    uploaded,
)
from tests.studio.places import sound

HASH = "0" * 64


@pytest.fixture
def host(tmp_path: Path) -> PlainHost:
    (tmp_path / "music").mkdir()
    return PlainHost(tmp_path / "ws", (tmp_path / "music",))


def test_projects_are_named_by_slug_and_second(host: PlainHost) -> None:
    hostile = "../../<img src=x onerror=alert(1)> - Ünï\0cødé; rm -rf ~"
    made = [new_project(host, hostile, HASH, "x.wav") for _ in range(3)]
    names = [project.folder.name for project in made]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"[a-z0-9-]+-\d{14}", name) for name in names)
    assert all(project.folder.parent == host.workspace() for project in made)
    assert {project.folder.name for project in projects(host)} == set(names)
    assert find_project(host, names[1]).song_name() == "x.wav"


def test_only_projects_of_the_workspace_are_found(host: PlainHost, tmp_path: Path) -> None:
    inside = new_project(host, "a", HASH, "").folder
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "project.json").write_text('{"version": 1}')
    (host.workspace() / "link").symlink_to(tmp_path / "outside")
    (host.workspace() / "no-project").mkdir()
    (host.workspace() / ".jobs").mkdir()
    (host.workspace() / ".jobs" / "project.json").write_text("{}")
    assert [project.folder for project in projects(host)] == [inside]
    names = ["", ".", "..", "../outside", str(tmp_path / "outside"), "link", "no-project", ".jobs", None, 7]
    names += ["x" * 10**6]
    names += [inside.name + "/", "./" + inside.name, inside.name.upper(), inside.name + "\0", ["a"], {"a": 1}]
    said = set()
    for name in names:
        with pytest.raises(InputError) as error:
            find_project(host, name)
        said.add(str(error.value))
    assert len(said) == 1, "nobody learns what is there"


def test_typed_paths_lie_in_allowed_folders(host: PlainHost, tmp_path: Path) -> None:
    song = sound(tmp_path / "music" / "deep" / "a song.wav")
    assert typed_path(host, str(song)) == song.resolve()
    assert typed_path(host, "  deep/a song.wav ") == song.resolve(), "relative to an allowed folder"
    (tmp_path / "music" / "within.wav").symlink_to(song)
    assert typed_path(host, "within.wav") == song.resolve()


def test_what_is_missing_and_what_is_forbidden_read_alike(host: PlainHost, tmp_path: Path) -> None:
    secret = sound(tmp_path / "secret" / "song.wav")
    music = tmp_path / "music"
    (music / "leads-out.wav").symlink_to(secret)
    (music / "leads-out").symlink_to(secret.parent)
    (music / "loop").symlink_to(music / "loop")
    (tmp_path / "music-2").mkdir()
    sound(tmp_path / "music-2" / "song.wav")
    os.mkfifo(music / "pipe")
    said = set()
    for typed in (
        str(secret), "leads-out.wav", "leads-out/song.wav", str(music / "leads-out.wav"), "loop", "pipe", "missing.wav",
        str(music), "", ".", "..", "../secret/song.wav", f"{music}/../secret/song.wav", "/etc/passwd", "/dev/zero",
        "/proc/self/environ", str(tmp_path / "music-2" / "song.wav"), "a\0b", "x" * 10**6, "~", "file:///etc/passwd",
        "http://localhost/", "\ud800", "C:\\Windows\\win.ini", "*",
    ):  # fmt: skip
        with pytest.raises(InputError) as error:
            typed_path(host, typed)
        said.add(str(error.value))
    assert len(said) == 1


def test_uploads_lie_among_the_uploads(
    host: PlainHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "sent"))
    sent = sound(tmp_path / "sent" / "abc" / "song.wav")
    assert upload_folder() == tmp_path / "sent" and uploaded(host, sent) == sent.resolve()
    secret = sound(tmp_path / "secret.wav")
    (tmp_path / "sent" / "link.wav").symlink_to(secret)
    for path in (secret, tmp_path / "sent" / "link.wav", tmp_path / "sent", tmp_path / "sent" / ".." / "secret.wav"):
        with pytest.raises(InputError, match="upload it again"):
            uploaded(host, path)


@pytest.mark.parametrize(
    ("name", "copy"),
    [("My Song.MP3", "song.mp3"), ("evil.html", "song"), ("evil.svg", "song"), ("x", "song"), ("a.mp3.php", "song"),
     ("a.wav ", "song"), ("..wav", "song.wav")],
)  # fmt: skip
def test_copies_have_names_of_ours(host: PlainHost, tmp_path: Path, name: str, copy: str) -> None:
    project = new_project(host, "x", HASH, name)
    (tmp_path / name).write_bytes(b"sound")
    made = copy_in(project, tmp_path / name, "song", AUDIO_SUFFIXES)
    assert made == project.path(copy) and made.read_bytes() == b"sound"
