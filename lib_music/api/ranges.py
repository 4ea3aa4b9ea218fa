"""Files over HTTP: whole or in part, so that a fetch goes on where its connection was lost.

Conventions: RFC 9110 §13 and §14 with one range of bytes; several at once, or one that cannot be read, are answered
with the whole file, which a server may. The file is opened once and what is sent is what was opened, also when another
takes its place meanwhile. Links are not followed.
"""

from __future__ import annotations

import contextlib
import email.utils
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from lib_music.api.problems import Problem

_RANGE = re.compile(r"bytes\s*=\s*(?:(\d{1,18})\s*-\s*(\d{1,18})?|-\s*(\d{1,18}))\s*", re.IGNORECASE | re.ASCII)
_BLOCK = 1 << 17


@dataclass(frozen=True)
class Part:
    """What is sent of a file: bytes ``start`` to ``end`` (exclusive) under a status and its headers.

    Attributes
    ----------
    status : int
        200, 206 or 304.
    """

    status: int
    start: int
    end: int
    headers: Mapping[str, str]


def open_file(path: Path) -> BinaryIO:
    """Open a regular file that is no link; raises Problem (404)."""
    gone = Problem(404, "the file is gone", "make it again")
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
                             | getattr(os, "O_NONBLOCK", 0))  # fmt: skip
    except (OSError, ValueError) as error:
        raise gone from error
    if path.is_symlink() or not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise gone
    return os.fdopen(descriptor, "rb")


def part_of(file: BinaryIO, headers: Mapping[str, str], name: str) -> Part:
    """What a request with these headers gets of an open file.

    Parameters
    ----------
    file : binary file
    headers : mapping
        Of the request, names in lower case or in any where the mapping does not care.
    name : str
        Under which a browser saves it.

    Raises
    ------
    Problem
        416 where it asks for what is beyond the end.
    """
    status = os.fstat(file.fileno())
    size, etag = status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"'
    said = {
        "ETag": etag,
        "Last-Modified": email.utils.formatdate(int(status.st_mtime), usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"inline; filename*=utf-8''{quote(name, safe='')}",
    }
    if _is_known(headers.get("if-none-match", ""), etag):
        return Part(304, 0, 0, said)
    asked = headers.get("range")
    if asked is None or not _still_holds(headers.get("if-range"), etag, status.st_mtime):
        return Part(200, 0, size, {**said, "Content-Length": str(size)})
    found = read_range(asked, size)
    if found is None:
        return Part(200, 0, size, {**said, "Content-Length": str(size)})
    start, end = found
    told = {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": str(end - start)}
    return Part(206, start, end, {**said, **told})


def read_range(asked: str, size: int) -> tuple[int, int] | None:
    """Where a Range header's one range begins and ends (exclusive); None where it is none that is understood.

    Raises Problem (416) where none of its bytes are there.
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None:
        return None
    if found[3] is not None:
        start, end = size - min(size, int(found[3])), size
    else:
        start, last = int(found[1]), int(found[2]) if found[2] else size - 1
        if found[2] and last < start:
            return None
        end = min(size, last + 1)
    if start >= end:
        said = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        raise Problem(416, f"there are only {size:,} bytes", "ask for fewer", said)
    return start, end


def blocks(file: BinaryIO, part: Part) -> Iterator[bytes]:
    """The bytes of a part; closes the file at the end, or when nobody wants more."""
    with contextlib.closing(file):
        file.seek(part.start)
        left = part.end - part.start
        while left and (block := file.read(min(left, _BLOCK))):
            left -= len(block)
            yield block


def _is_known(asked: str, etag: str) -> bool:
    """Whether the caller has it already (If-None-Match compares weakly)."""
    marks = [mark.strip().removeprefix("W/") for mark in asked.split(",")]
    return etag in marks or "*" in marks


def _still_holds(condition: str | None, etag: str, changed: float) -> bool:
    """Whether the part that the caller has is of this very file (If-Range compares strongly)."""
    if condition is None:
        return True
    if condition.lstrip().startswith(('"', "W/")):
        return condition.strip() == etag
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        return email.utils.parsedate_to_datetime(condition).timestamp() == int(changed)
    return False
