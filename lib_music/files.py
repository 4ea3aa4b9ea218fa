"""Writing files so that nothing is ever half-written: aside first, then renamed.

Conventions: the aside name is the file's with ``.part`` added, in the same folder, so that the rename is atomic.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

from lib_music.errors import ProjectError


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically; raises ProjectError when the disk refuses."""
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        raise ProjectError(f"cannot write {path}: {error.strerror}", "check free space and permissions") from error


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
