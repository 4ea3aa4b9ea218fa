"""One song's folder: the stages' files, segments, state, log and the video.

Conventions
-----------
Everything is written aside and renamed, so that a kill at any moment leaves only whole files. Paths in the project's
files are relative to the folder. What is computed may be computed again; what the person edits (``storyboard.json``,
``corrections.json``) is never overwritten.

Segments are named by number. ``states/N`` is what the renderer needs to go on with segment N; it is written before
segment N - 1 gets its name, so the state of the first missing segment is always there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib_music.errors import ProjectBusyError, ProjectError
from lib_music.files import clear_asides, read_json, write_bytes, write_json

PROJECT_VERSION = 1
log = logging.getLogger("lib_music")


@dataclass(frozen=True)
class Progress:
    """How far a render is. ``rendered_again`` counts segments that were begun, lost, and begun again."""

    fingerprint: str = ""
    total: int = 0
    frames: int = 0
    begun: int = 0
    rendered_again: int = 0


class Project:
    """A project folder; made by :meth:`open`, used as a context manager so that one run at a time works in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: Any = None
        self._handler: logging.Handler | None = None

    # -- names ---------------------------------------------------------------------------------------------------

    @property
    def file(self) -> Path:
        """``project.json``: what was asked for."""
        return self.folder / "project.json"

    def path(self, name: str) -> Path:
        """A file of the project by its own plain name."""
        return self.folder / name

    def segment(self, number: int) -> Path:
        """Where segment ``number`` is or will be."""
        return self.folder / "segments" / f"{number:05d}.seg"

    def state_file(self, number: int) -> Path:
        """What the renderer needs to begin segment ``number``."""
        return self.folder / "states" / f"{number:05d}.state"

    # -- one run at a time ---------------------------------------------------------------------------------------

    def __enter__(self) -> Project:
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / "project.lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ProjectBusyError(
                f"another run is working in {self.folder}", "wait for it or stop it, or give another --out"
            ) from None
        except OSError as error:
            raise ProjectError(
                f"cannot use {self.folder}: {error.strerror}", "choose another folder with --out"
            ) from error
        clear_asides(self.folder)
        self._handler = logging.FileHandler(self.folder / "log.txt", encoding="utf-8")
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(self._handler)
        log.setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        if self._handler is not None:
            log.removeHandler(self._handler)
            self._handler.close()
        self._lock.release()

    # -- what was asked ------------------------------------------------------------------------------------------

    def claim(self, content_hash: str, request: dict[str, Any]) -> None:
        """Write down what is asked; raises ProjectError when the folder holds another song's project."""
        if self.file.exists():
            held = read_json(self.file)
            if held.get("content_hash") != content_hash:
                raise ProjectError(f"{self.folder} holds the project of another song", "give another --out")
        elif any(p.name not in ("project.lock", "log.txt") for p in self.folder.iterdir()):
            raise ProjectError(f"{self.folder} is not empty and no project", "give an empty or new folder with --out")
        write_json(self.file, {"version": PROJECT_VERSION, "content_hash": content_hash, "request": request})

    def request(self) -> dict[str, Any]:
        """What was asked for the last time."""
        if not self.file.is_file():
            raise ProjectError(f"{self.folder} is no project", "give the folder that render --out made")
        data = read_json(self.file)
        if (
            not isinstance(data, dict)
            or data.get("version") != PROJECT_VERSION
            or not isinstance(data.get("request"), dict)
        ):
            raise ProjectError(f"{self.file} is not of this version", "render the song again into a new folder")
        return dict(data["request"])

    # -- rendering -----------------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """How far the render is."""
        path = self.path("progress.json")
        if not path.is_file():
            return Progress()
        try:
            return Progress(**read_json(path))
        except TypeError as error:
            raise ProjectError(
                f"{path} cannot be read: {error}", "delete it; the segments are rendered again"
            ) from error

    def save_progress(self, progress: Progress) -> None:
        """Write how far the render is."""
        write_json(self.path("progress.json"), progress.__dict__)

    def finished_segments(self) -> int:
        """How many segments are there without a gap."""
        number = 0
        while self.segment(number).is_file():
            number += 1
        return number

    def save_state(self, number: int, state: bytes) -> None:
        """Keep what segment ``number`` begins with."""
        write_bytes(self.state_file(number), state)

    def drop_states_before(self, number: int) -> None:
        """Forget states that no resume can ask for."""
        for path in (self.folder / "states").glob("*.state"):
            if path.stem.isdigit() and int(path.stem) < number:
                path.unlink(missing_ok=True)

    def begin_render(self, fingerprint: str, total: int, frames: int) -> Progress:
        """Keep the segments of an earlier run of exactly this render, or clear another one's away."""
        before = self.progress()
        if before.fingerprint != fingerprint:
            self.clear_segments()
            for video in self.folder.glob("*.mp4"):
                video.unlink()
            before = Progress()
        for name in ("segments", "states"):
            (self.folder / name).mkdir(exist_ok=True)
        done = self.finished_segments()
        again = before.rendered_again + (1 if before.begun > done else 0)
        now = Progress(fingerprint, total, frames, done, again)
        self.save_progress(now)
        return now

    def clear_segments(self) -> None:
        """Delete segments and states."""
        for name in ("segments", "states"):
            folder = self.folder / name
            for path in folder.glob("*") if folder.is_dir() else ():
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()

    def discard(self) -> None:
        """Delete the files of a project that never came to be; the folder goes when nothing else is in it."""
        if self._handler is not None:
            self._handler.close()
        for path in self.folder.iterdir():
            if path.is_file():
                path.unlink()
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def video(self) -> Path | None:
        """The finished video, if there is one."""
        return next(iter(sorted(self.folder.glob("*.mp4"))), None)

    def summary(self) -> str:
        """One line for a list: how far, when, which song."""
        import datetime

        progress, video = self.progress(), self.video()
        share = 100 if video else 100 * self.finished_segments() // max(1, progress.total)
        when = datetime.datetime.fromtimestamp(self.file.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
        card = self.path("track.json")
        track = read_json(card) if card.is_file() else {}
        name = " - ".join(x for x in (", ".join(track.get("artists", ())), track.get("title", "?")) if x)
        return f"{share:3d} %  {when}  {self.folder}  {name}"

    def relative(self, path: Path) -> str:
        """``path`` as seen from the folder, because pods move."""
        return Path(os.path.relpath(path.resolve(), self.folder.resolve())).as_posix()


def fingerprint(*parts: Any) -> str:
    """A digest of everything that decides the pixels."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def find_projects(folder: Path) -> Iterator[Project]:
    """Projects in ``folder`` and in the folders directly inside it."""
    if not folder.is_dir():
        raise ProjectError(f"no such folder: {folder}", "give the folder your projects are in")
    for candidate in [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]:
        if (candidate / "project.json").is_file():
            yield Project(candidate)
