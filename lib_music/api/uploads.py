"""Files that come in pieces and go on after a lost connection.

Conventions: an upload is announced with its size, then sent piece by piece, each at the offset where the one before
ended; what arrived of a piece whose connection was lost counts. Everything lies under ``.uploads`` in the workspace:
a folder per upload, named by random digits of ours, in which the file has the name it was announced with, cleaned. An
upload that is whole can be used as often as one likes until it is deleted or has become too old.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from lib_music.api.guard import Limits
from lib_music.api.problems import Problem, again_after
from lib_music.errors import ProjectError
from lib_music.files import read_json, write_json

#: The folder in the workspace; no project's name begins with a dot.
FOLDER = ".uploads"
_ID = re.compile(r"up-[0-9a-f]{16}")
_CARD, _PART, _WHOLE, _VERSION = "upload.json", "part", "whole", 1
#: What no file system of the three takes in a name.
_UNFIT = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_LONGEST_NAME = 120
#: Bytes that shall stay free on the disk.
_SPARE = 512 << 20


@dataclass(frozen=True)
class Card:
    """What was announced: the cleaned ``name``, ``size`` in bytes, ``sha256`` in hex or empty, when (unix s)."""

    id: str
    name: str
    size: int
    sha256: str
    created: float


@dataclass(frozen=True)
class Upload:
    """An upload as it is now: ``offset`` bytes are here, the last came at ``touched`` (unix s).

    It can be used once it ``is_whole``; one whose last byte came as the server died is so after an empty piece.
    """

    card: Card
    offset: int
    touched: float
    is_whole: bool = False


class Uploads:
    """The uploads of one workspace; safe to use from any thread.

    Parameters
    ----------
    workspace : callable
        The folder, which the person's settings may change.
    limits : Limits
    clock : callable
        Unix s.
    """

    def __init__(
        self, workspace: Callable[[], Path], limits: Limits, clock: Callable[[], float] = time.time
    ) -> None:
        self._workspace, self._limits, self._clock = workspace, limits, clock
        self._changing = threading.Lock()
        self._busy: set[str] = set()

    def begin(self, name: str, size: int, sha256: str = "") -> Upload:
        """Announce a file.

        Parameters
        ----------
        name : str
            Found text; only its ending and what can stand in a file's name are kept.
        size : int
            Bytes, at least 1.
        sha256 : str
            64 hex digits, or empty: what arrives is not compared then.

        Raises
        ------
        Problem
            413 for what is too large, 429 for too many, 507 where the disk is full.
        """
        limits = self._limits
        if size > limits.upload:
            raise Problem(413, f"{size:,} bytes are too many", f"upload at most {limits.upload:,} bytes")
        with self._changing:
            self.clear_stale()
            there = self.all()
            if len(there) >= limits.uploads or sum(found.card.size for found in there) + size > limits.held:
                raise Problem(429, "too many uploads are kept", "delete those that are done with", again_after(60))
            folder = self._folder()
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if shutil.disk_usage(folder).free < 2 * size + _SPARE:
                    raise Problem(507, "the disk is nearly full", "make room for twice the file's size")
                card = Card(f"up-{secrets.token_hex(8)}", clean_name(name), size, sha256.lower(), self._clock())
                (folder / card.id).mkdir()
                (folder / card.id / _PART).touch()
                write_json(folder / card.id / _CARD, {"version": _VERSION, **asdict(card)})
            except OSError as error:
                reason = error.strerror or error
                raise ProjectError(f"cannot write an upload: {reason}", "check the output folder") from error
        return Upload(card, 0, card.created)

    def get(self, id: str) -> Upload:
        """The upload as it is now; raises Problem (404)."""
        if (found := self._read(id)) is None:
            raise Problem(404, "there is no such upload", "announce it again")
        return found

    def all(self) -> list[Upload]:
        """Every upload, the oldest first."""
        try:
            names = [entry.name for entry in os.scandir(self._folder()) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []
        found = [upload for upload in map(self._read, names) if upload is not None]
        return sorted(found, key=lambda upload: upload.card.created)

    def file(self, id: str) -> Path:
        """Where a whole upload lies; raises Problem (404, 409)."""
        found = self.get(id)
        if not found.is_whole:
            missing = found.card.size - found.offset
            raise Problem(409, f"{missing:,} bytes of the upload are still missing", "send them first",
                          more={"offset": found.offset})  # fmt: skip
        return self._folder() / id / _WHOLE / found.card.name

    @contextlib.contextmanager
    def piece(self, id: str, offset: int) -> Iterator[Callable[[bytes], None]]:
        """Take the next piece: yields what writes it, as it comes; what was written counts however it ends.

        Raises
        ------
        Problem
            404; 409 where ``offset`` is not where it goes on, or another piece comes just now; 413 where more comes
            than was announced; 422 where the whole is not what was announced: then it begins anew.
        """
        with self._alone(id):
            found = self.get(id)
            if offset != found.offset:
                more = {"offset": found.offset}
                raise Problem(409, f"the upload goes on at {found.offset}, not at {offset}", "go on there", more=more)
            left = found.card.size - offset
            part = self._folder() / id / _PART
            if left:
                with part.open("ab", buffering=0) as out:

                    def write(data: bytes) -> None:
                        nonlocal left
                        if len(data) > left:
                            raise Problem(413, "more comes than was announced", "announce the file's real size")
                        out.write(data)
                        left -= len(data)

                    yield write
            else:
                yield _refuse
            if left == 0 and part.is_file():
                self._finish(found.card, part)

    def drop(self, id: str) -> None:
        """Delete an upload; raises Problem (404, 409)."""
        with self._alone(id):
            self.get(id)
            shutil.rmtree(self._folder() / id, ignore_errors=True)

    def clear_stale(self) -> None:
        """Delete what nobody went on with."""
        for found in self.all():
            if self._clock() - found.touched > self._limits.kept and found.card.id not in self._busy:
                shutil.rmtree(self._folder() / found.card.id, ignore_errors=True)

    def _finish(self, card: Card, part: Path) -> None:
        """All of it is here: compare it, and give it its name."""
        if card.sha256 and _sha256(part) != card.sha256:
            part.write_bytes(b"")
            raise Problem(422, "what arrived is not what was announced", "send it again from the beginning",
                          more={"offset": 0})  # fmt: skip
        whole = part.parent / _WHOLE / card.name
        whole.parent.mkdir(exist_ok=True)
        part.replace(whole)

    @contextlib.contextmanager
    def _alone(self, id: str) -> Iterator[None]:
        with self._changing:
            if id in self._busy:
                raise Problem(409, "a piece of this upload comes just now", "try again", again_after(1))
            self._busy.add(id)
        try:
            yield
        finally:
            with self._changing:
                self._busy.discard(id)

    def _read(self, id: str) -> Upload | None:
        """An upload from its folder; None for what is none."""
        if not _ID.fullmatch(id):
            return None
        folder = self._folder() / id
        try:
            data = read_json(folder / _CARD)
            if not isinstance(data, dict) or data.pop("version", None) != _VERSION:
                return None
            card = Card(**data)
            whole = folder / _WHOLE / card.name
            status = whole.stat() if whole.is_file() else (folder / _PART).stat()
        except (ProjectError, OSError, TypeError, ValueError):
            return None
        if card.id != id or card.name != clean_name(card.name):
            return None
        return Upload(card, status.st_size, max(card.created, status.st_mtime), whole.is_file())

    def _folder(self) -> Path:
        return self._workspace() / FOLDER


def clean_name(name: str) -> str:
    """A file's name of found text: one part, printable, not hidden, with its ending."""
    last = PurePosixPath(name.replace("\\", "/")).name
    plain = unicodedata.normalize("NFC", last.encode("utf-8", "ignore").decode())
    plain = " ".join("".join(c if c.isprintable() else " " for c in _UNFIT.sub(" ", plain)).split())
    stem, dot, ending = plain.strip(". ").rpartition(".")
    if not dot or not re.fullmatch(r"[A-Za-z0-9]{1,8}", ending):
        stem, dot, ending = plain.strip(". "), "", ""
    while len(stem.encode()) > _LONGEST_NAME:
        stem = stem[:-1]
    return f"{stem.strip('. ') or 'upload'}{dot}{ending}"


def _refuse(data: bytes) -> None:
    if data:
        raise Problem(413, "the upload is whole already", "use it")


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
