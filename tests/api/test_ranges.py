"""Files in part."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.api.problems import Problem
from lib_music.api.ranges import blocks, open_file, part_of, read_range

DATA = bytes(range(256)) * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "a video.mp4"
    found.write_bytes(DATA)
    os.utime(found, (1_700_000_000, 1_700_000_000))
    return found


def got(path: Path, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    file = open_file(path)
    part = part_of(file, {name.replace("_", "-"): value for name, value in headers.items()}, path.name)
    return part.status, b"".join(blocks(file, part)), dict(part.headers)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=99-", 99, 100),
        ("bytes=90-1000", 90, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-1000", 0, 100),
        ("Bytes = 5 - 6 ", 5, 7),
    ],
)
def test_a_range_is_read(asked: str, start: int, end: int) -> None:
    assert read_range(asked, 100) == (start, end)


@pytest.mark.parametrize(
    "asked", ["", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "items=0-1", "bytes=0-1,5-6", "bytes=--1",
              "bytes=0x1-2", "bytes=١-٢", "bytes=1-2-3", "bytes=0-99999999999999999999"]
)  # fmt: skip
def test_what_is_no_range_gets_the_whole(asked: str) -> None:
    assert read_range(asked, 100) is None


@pytest.mark.parametrize(
    ("asked", "size"), [("bytes=100-", 100), ("bytes=100-200", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_beyond_the_end(asked: str, size: int) -> None:
    with pytest.raises(Problem) as caught:
        read_range(asked, size)
    assert caught.value.status == 416 and caught.value.headers["Content-Range"] == f"bytes */{size}"


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 200))
def test_what_is_said_is_what_is_sent(first: int, last: int, size: int) -> None:
    try:
        found = read_range(f"bytes={first}-{last}", size)
    except Problem as problem:
        assert problem.status == 416 and first >= size and first <= last
        return
    if last < first:
        assert found is None
    else:
        assert found == (first, min(size, last + 1))


def test_the_whole_file(path: Path) -> None:
    status, data, headers = got(path)
    assert (status, data) == (200, DATA)
    assert headers["Content-Length"] == str(len(DATA)) and headers["Accept-Ranges"] == "bytes"
    assert headers["Last-Modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert headers["Content-Disposition"] == "inline; filename*=utf-8''a%20video.mp4"


def test_pieces_make_the_whole(path: Path) -> None:
    parts, place = [], 0
    while place < len(DATA):
        status, data, headers = got(path, range=f"bytes={place}-{place + 9999}")
        assert status == 206 and headers["Content-Length"] == str(len(data))
        assert headers["Content-Range"] == f"bytes {place}-{place + len(data) - 1}/{len(DATA)}"
        parts.append(data)
        place += len(data)
    assert b"".join(parts) == DATA


def test_another_file_is_sent_whole(path: Path) -> None:
    etag = got(path)[2]["ETag"]
    assert got(path, range="bytes=5-9", if_range=etag)[:2] == (206, DATA[5:10])
    assert got(path, range="bytes=5-9", if_range="Tue, 14 Nov 2023 22:13:20 GMT")[0] == 206
    for condition in ('"other"', f"W/{etag}", "Tue, 14 Nov 2023 22:13:21 GMT", "yesterday", ""):
        assert got(path, range="bytes=5-9", if_range=condition)[:2] == (200, DATA), condition
    path.write_bytes(DATA[::-1])
    assert got(path, range="bytes=5-9", if_range=etag)[:2] == (200, DATA[::-1])


def test_what_is_known_is_not_sent_again(path: Path) -> None:
    etag = got(path)[2]["ETag"]
    for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        status, data, headers = got(path, if_none_match=known)
        assert (status, data) == (304, b"") and headers["ETag"] == etag and "Content-Length" not in headers
    assert got(path, if_none_match='"x"')[0] == 200


def test_what_is_opened_is_what_is_sent(path: Path) -> None:
    file = open_file(path)
    part = part_of(file, {}, path.name)
    other = path.with_name("other")
    other.write_bytes(b"new")
    other.replace(path)
    assert b"".join(blocks(file, part)) == DATA


def test_links_folders_and_pipes_are_not_files(tmp_path: Path, path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(path)
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("link.mp4", "pipe.mp4", ".", "nothing.mp4", "a\0b"):
        with pytest.raises(Problem) as caught:
            open_file(tmp_path / name)
        assert caught.value.status == 404


def test_a_fetch_that_ends_early_closes_the_file(path: Path) -> None:
    file = open_file(path)
    stream = blocks(file, part_of(file, {}, path.name))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert file.closed
