"""Writing files so that nothing is ever half-written: aside first, then renamed.

Conventions: the aside file lies in the same folder, so that the rename is atomic; its name begins with a dot, holds the
process id (what a killed run's child still writes never mixes with ours), mostly the thread's too, and ``.part`` before
the file's own suffix.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import threading
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lib_music.errors import ProjectError


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a path to write to; it becomes ``path`` when the block ends well, and goes away when it does not.

    Raises ProjectError when the disk refuses. Folders are made.
    """
    aside = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}.part{path.suffix}")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield aside
            with aside.open("rb") as file:
                os.fsync(file.fileno())
            aside.replace(path)
            sync_folder(path.parent)
        finally:
            with contextlib.suppress(OSError):
                aside.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise ProjectError(f"cannot write {path}: {reason}", "check the folder's free space and permissions") from error


#: Names that :func:`written_aside` and the encoder give to what is not whole yet.
_ASIDE = re.compile(r"\..+\.(\d+)(-\d+)?\.part(\.\w+)?")


def clear_asides(folder: Path) -> None:
    """Delete what killed runs left in ``folder`` itself, beside the files they were writing.

    What another thread of this process is writing there is left alone.
    """
    for left in folder.iterdir() if folder.is_dir() else ():
        found = _ASIDE.fullmatch(left.name)
        if found and not (found[2] and int(found[1]) == os.getpid()) and left.is_file():
            left.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system lets folders be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def digest(path: Path) -> str:
    """A short sha256 of a file's bytes; empty when it cannot be read."""
    try:
        with path.open("rb") as file:
            found = hashlib.sha256()
            while block := file.read(1 << 20):
                found.update(block)
            return found.hexdigest()[:32]
    except OSError:
        return ""


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically; raises ProjectError when the disk refuses."""
    with written_aside(path) as aside:
        aside.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as UTF-8 JSON with a final newline, atomically."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    # File names need not be UTF-8; what they are made of comes back as it was.
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def read_json(path: Path) -> Any:
    """Read one of our own JSON files; raises ProjectError when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except (OSError, ValueError, RecursionError) as error:
        raise ProjectError(f"{path} cannot be read: {error}", "render into another folder with --out") from error


def slug(text: str, fallback: str = "song") -> str:
    """A file name made of found text: ``[a-z0-9-]``, 1 to 60 characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or fallback


def link(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where the disk has no such names. Raises ProjectError."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            reason = error.strerror or error
            raise ProjectError(f"cannot write {target.name}: {reason}", "check the free space") from error
