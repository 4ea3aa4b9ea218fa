"""Files that come in pieces."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.api.guard import Limits
from lib_music.api.problems import Problem
from lib_music.api.uploads import FOLDER, Uploads, clean_name

DATA = bytes(range(256)) * 40


def uploads(folder: Path, **limits: int | float) -> Uploads:
    return Uploads(lambda: folder, Limits(**limits))  # type: ignore[arg-type]


def send(there: Uploads, id: str, offset: int, data: bytes) -> None:
    with there.piece(id, offset) as write:
        write(data)


def refused(call: object, *values: object) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*values)  # type: ignore[operator]
    return caught.value


def test_pieces_make_the_file(tmp_path: Path) -> None:
    there = uploads(tmp_path)
    made = there.begin("A song.MP3", len(DATA), hashlib.sha256(DATA).hexdigest())
    for begin in range(0, len(DATA), 999):
        assert not there.get(made.card.id).is_whole
        send(there, made.card.id, begin, DATA[begin : begin + 999])
    found = there.file(made.card.id)
    assert found.read_bytes() == DATA and found.name == "A song.MP3"
    assert found.is_relative_to(tmp_path / FOLDER)


def test_what_arrived_of_a_piece_counts_when_it_is_cut(tmp_path: Path) -> None:
    there = uploads(tmp_path)
    id = there.begin("song.wav", len(DATA)).card.id
    with pytest.raises(ConnectionError), there.piece(id, 0) as write:
        write(DATA[:1000])
        raise ConnectionError
    # Another process looks at the same folder.
    again = uploads(tmp_path)
    assert again.get(id).offset == 1000
    send(again, id, 1000, DATA[1000:])
    assert again.file(id).read_bytes() == DATA


@pytest.mark.parametrize("offset", [0, 999, 1001, 10**9])
def test_it_goes_on_where_it_ended_and_nowhere_else(tmp_path: Path, offset: int) -> None:
    there = uploads(tmp_path)
    id = there.begin("song.wav", len(DATA)).card.id
    send(there, id, 0, DATA[:1000])
    problem = refused(send, there, id, offset, b"x")
    assert problem.status == 409 and problem.more["offset"] == 1000
    assert there.get(id).offset == 1000


def test_more_than_was_announced_is_refused_and_the_rest_stays(tmp_path: Path) -> None:
    there = uploads(tmp_path)
    id = there.begin("song.wav", 10).card.id
    assert refused(send, there, id, 0, b"x" * 11).status == 413
    assert there.get(id).offset == 0
    send(there, id, 0, b"x" * 10)
    assert there.get(id).is_whole
    assert refused(send, there, id, 10, b"y").status == 413
    assert there.file(id).read_bytes() == b"x" * 10


def test_another_file_than_announced_begins_anew(tmp_path: Path) -> None:
    there = uploads(tmp_path)
    id = there.begin("song.wav", 4, hashlib.sha256(b"good").hexdigest()).card.id
    assert refused(send, there, id, 0, b"evil").status == 422
    assert there.get(id).offset == 0
    send(there, id, 0, b"good")
    assert there.file(id).read_bytes() == b"good"


def test_the_last_byte_came_as_the_server_died(tmp_path: Path) -> None:
    there = uploads(tmp_path)
    id = there.begin("song.wav", 4).card.id
    (tmp_path / FOLDER / id / "part").write_bytes(b"good")
    assert there.get(id).offset == 4 and not there.get(id).is_whole
    assert refused(there.file, id).status == 409
    with there.piece(id, 4):
        pass
    assert there.file(id).read_bytes() == b"good"


def test_one_piece_at_a_time(tmp_path: Path) -> None:
    there = uploads(tmp_path)
    id = there.begin("song.wav", 4).card.id
    with there.piece(id, 0) as write:
        problem = refused(send, there, id, 0, b"x")
        assert problem.status == 409 and "Retry-After" in problem.headers
        assert refused(there.drop, id).status == 409
        write(b"good")
    assert there.file(id).read_bytes() == b"good"


def test_an_unfinished_file_cannot_be_used(tmp_path: Path) -> None:
    there = uploads(tmp_path)
    id = there.begin("song.wav", 4).card.id
    assert refused(there.file, id).status == 409
    assert refused(there.file, "up-0123456789abcdef").status == 404


@pytest.mark.parametrize(
    "id", ["", ".", "..", "../x", "up-", "up-0123456789abcdeg", "up-0123456789abcdef/..", "\0", "é"]
)
def test_odd_names_are_no_uploads(tmp_path: Path, id: str) -> None:
    there = uploads(tmp_path)
    for call in (there.get, there.file, there.drop):
        assert refused(call, id).status == 404


def test_size_and_number_have_a_limit(tmp_path: Path) -> None:
    there = uploads(tmp_path, upload=100, uploads=3, held=250)
    assert refused(there.begin, "a", 101).status == 413
    ids = [there.begin("a", 100).card.id for _ in range(2)]
    problem = refused(there.begin, "a", 51)
    assert problem.status == 429 and int(problem.headers["Retry-After"]) >= 1
    there.begin("a", 50)
    assert refused(there.begin, "a", 1).status == 429
    there.drop(ids[0])
    there.begin("a", 1)


def test_a_full_disk_is_said_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    there = uploads(tmp_path)
    assert refused(there.begin, "a", 100).status == 507
    assert there.all() == []


def test_what_nobody_goes_on_with_is_deleted(tmp_path: Path) -> None:
    now = [time.time()]
    there = Uploads(lambda: tmp_path, Limits(kept=3600.0), clock=lambda: now[0])
    old, kept = there.begin("old", 10).card.id, there.begin("kept", 10).card.id
    now[0] += 3000
    send(there, kept, 0, b"x")
    os.utime(tmp_path / FOLDER / kept / "part", (now[0], now[0]))
    now[0] += 1000
    there.clear_stale()
    assert [found.card.id for found in there.all()] == [kept]
    assert not (tmp_path / FOLDER / old).exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 2}', '{"version": 1, "id": 5}'])
def test_a_damaged_record_is_no_upload(tmp_path: Path, text: str) -> None:
    there = uploads(tmp_path)
    id = there.begin("a", 10).card.id
    (tmp_path / FOLDER / id / "upload.json").write_text(text)
    assert there.all() == [] and refused(there.get, id).status == 404


def test_a_record_cannot_lead_elsewhere(tmp_path: Path) -> None:
    there = uploads(tmp_path / "ws")
    (tmp_path / "secret").write_text("x" * 10)
    id = there.begin("a", 10).card.id
    card = tmp_path / "ws" / FOLDER / id / "upload.json"
    card.write_text(card.read_text().replace('"a"', '"../../../../secret"'))
    assert refused(there.file, id).status == 404
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "ws" / FOLDER / "up-0123456789abcdef").symlink_to(tmp_path / "elsewhere")
    assert [found.card.id for found in there.all()] == []


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("song.mp3", "song.mp3"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Music\\Lied.FLAC", "Lied.FLAC"),
        ("..", "upload"),
        ("", "upload"),
        (".htaccess", "htaccess"),
        ("a\0b\nc.wav", "a b c.wav"),
        ("Ünïcödé – 歌.ogg", "Ünïcödé – 歌.ogg"),
        ("half \ud800 pair.mp3", "half pair.mp3"),
        ("x" * 500 + ".mp3", "x" * 120 + ".mp3"),
        ("no ending", "no ending"),
        ("trailing. . .", "trailing"),
        ("song.mp3.averylongending", "song.mp3.averylongending"),
        ("<script>.mp3", "script.mp3"),
    ],
)
def test_names_are_cleaned(given_name: str, kept: str) -> None:
    assert clean_name(given_name) == kept


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_name_is_one_part_and_stays_when_cleaned_again(name: str) -> None:
    found = clean_name(name)
    assert clean_name(found) == found
    assert 0 < len(found.encode()) <= 130 and found not in (".", "..") and not found.startswith(".")
    assert not set(found) & set('<>:"/\\|?*\0') and found.isprintable()


def test_any_name_can_be_written(tmp_path: Path) -> None:
    there = uploads(tmp_path)
    for name in ("a:b*c?.mp3", "con", "\u202egnp.exe", "💥.wav", "\ud83d"):
        id = there.begin(name, 1).card.id
        send(there, id, 0, b"x")
        assert there.file(id).read_bytes() == b"x"
        there.drop(id)
    assert list((tmp_path / FOLDER).iterdir()) == []
