"""Writing files so that nothing is ever half-written: aside first, then renamed.

Conventions: the aside file lies in the same folder, so that the rename is atomic; its name begins with a dot, holds the
process id (what a killed run's child still writes never mixes with ours) and ``.part`` before the file's own suffix.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
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
    aside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield aside
            with aside.open("rb") as file:
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            with contextlib.suppress(OSError):
                aside.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise ProjectError(f"cannot write {path}: {reason}", "check the folder's free space and permissions") from error


def clear_asides(folder: Path) -> None:
    """Delete what killed runs left beside the files they were writing."""
    for left in folder.rglob(".*.part*"):
        left.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically; raises ProjectError when the disk refuses."""
    with written_aside(path) as aside:
        aside.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as UTF-8 JSON with a final newline, atomically."""
    write_bytes(path, (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read one of our own JSON files; raises ProjectError when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path} cannot be read: {error}", "delete it and run the same command again") from error


def slug(text: str, fallback: str = "song") -> str:
    """A file name made of found text: ``[a-z0-9-]``, 1 to 60 characters."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or fallback
