"""One song's folder: the stages' files, segments, state, log and the video.

Conventions
-----------
Everything is written aside and renamed, so that a kill at any moment leaves only whole files. Paths in the project's
files are relative to the folder. What is computed may be computed again; what the person edits (``storyboard.json``,
``corrections.json``) is never overwritten, and files that are not ours are never touched.

Segments are named by number. ``states/N`` is what the renderer needs to go on with segment N; it is written before
segment N - 1 gets its name. ``progress.json`` holds the digests of both and the name of the finished video: only what
matches is believed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lib_music.errors import ProjectBusyError, ProjectError
from lib_music.files import clear_asides, digest, read_json, write_bytes, write_json

PROJECT_VERSION = 1
#: Names a run makes before the folder is a project.
_FIRST = frozenset({"project.lock", "log.txt"})
#: How many states are kept to fall back on.
_STATES_KEPT = 3
#: How long an edit waits for another one, s.
_EDIT_WAIT = 10.0
log = logging.getLogger("lib_music")


@dataclass(frozen=True)
class Progress:
    """How far a render is.

    Attributes
    ----------
    fingerprint : str
        Of everything that decides the pixels.
    titles : str
        Of everything that only the finished file holds beside them.
    total, begun : int
        Segments in all, and begun so far.
    rendered_again : int
        Segments that were begun or finished, lost, and begun again.
    segments, states : tuple of str, mapping of number to str
        Digests of what is finished.
    video : str
        Name of the finished video; ``video_digest`` its digest.
    """

    fingerprint: str = ""
    titles: str = ""
    total: int = 0
    begun: int = 0
    rendered_again: int = 0
    segments: tuple[str, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    video: str = ""
    video_digest: str = ""

    def __post_init__(self) -> None:
        numbers = (self.total, self.begun, self.rendered_again)
        texts = (self.fingerprint, self.titles, self.video, self.video_digest, *self.segments, *self.states.values())
        if not all(isinstance(n, int) and n >= 0 for n in numbers) or not all(isinstance(t, str) for t in texts):
            raise ValueError("Progress: counts must be whole and >= 0, digests text")
        object.__setattr__(self, "segments", tuple(self.segments))

    @property
    def is_finished(self) -> bool:
        """Whether the video is of this very painting; while one is painted anew the earlier video stays."""
        return bool(self.video and self.titles)


class Project:
    """A project folder; used as a context manager, so that one run at a time works in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: Any = None
        self._handler: logging.Handler | None = None
        self._before: frozenset[str] = frozenset()
        self._made: list[Path] = []
        # Painting and encoding write down their progress from two threads.
        self._changing = threading.Lock()

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
            self._look()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / "project.lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ProjectBusyError(
                f"another run is working in {self.folder}", "wait for it or stop it, or give another --out"
            ) from None
        except OSError as error:
            reason = error.strerror or error
            raise ProjectError(f"cannot use {self.folder}: {reason}", "choose another folder with --out") from error
        for folder in (self.folder, self.folder / "segments", self.folder / "states"):
            clear_asides(folder)
        self._handler = logging.FileHandler(self.folder / "log.txt", encoding="utf-8", errors="backslashreplace")
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(self._handler)
        log.setLevel(logging.INFO)
        return self

    def _look(self) -> None:
        """Remember what is there already; a folder with other things in it is not taken."""
        self._before = frozenset(p.name for p in self.folder.iterdir()) if self.folder.is_dir() else frozenset()
        if self._before - _FIRST and self.file.name not in self._before:
            raise ProjectError(f"{self.folder} is not empty and no project", "give an empty or new folder with --out")
        self._made = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]

    def __exit__(self, *_: object) -> None:
        if self._handler is not None:
            log.removeHandler(self._handler)
            self._handler.close()
        self._lock.release()

    # -- what was asked ------------------------------------------------------------------------------------------

    def own(self, content_hash: str, song_name: str = "") -> None:
        """Make the folder this song's; raises ProjectError when it is another's.

        ``song_name`` is the file's name before it was copied here, found text.
        """
        if not self.file.exists():
            held = {"version": PROJECT_VERSION, "content_hash": content_hash}
            write_json(self.file, {**held, "song_name": song_name} if song_name else held)
        elif not (held := self._held()).get("content_hash"):
            named = {"song_name": song_name} if song_name else {}
            write_json(self.file, {**held, **named, "content_hash": content_hash})
        elif held["content_hash"] != content_hash:
            raise ProjectError(f"{self.folder} holds the project of another song", "give another --out")

    def begin(self) -> None:
        """Make the folder a project whose song is not there yet; nothing changes where it is one."""
        if not self.file.exists():
            write_json(self.file, {"version": PROJECT_VERSION, "content_hash": ""})

    def remember(self, request: dict[str, Any], imported: str) -> None:
        """Write down what was asked, and the digest of the prompts file that the storyboard came from."""
        write_json(self.file, {**self._held(), "request": request, "imported_prompts": imported})

    def _held(self) -> dict[str, Any]:
        held = read_json(self.file)
        if not isinstance(held, dict) or held.get("version") != PROJECT_VERSION:
            raise ProjectError(f"{self.file} is not of this version", "render into another folder with --out")
        return held

    def content_hash(self) -> str:
        """Of the song that the folder belongs to; empty where that is unknown."""
        return str(self._held().get("content_hash", ""))

    def song_name(self) -> str:
        """The song's file name before it was copied here; empty when it was not. Found text."""
        return str(self._held().get("song_name", ""))

    @contextlib.contextmanager
    def editing(self) -> Iterator[None]:
        """Hold the files that the person edits for a moment, also against other processes.

        This is not the lock of a run: edits are made while a video is painted. Raises ProjectBusyError.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / "edit.lock", thread_local=False)
        try:
            lock.acquire(timeout=_EDIT_WAIT)
        except Timeout:
            raise ProjectBusyError("these prompts are being changed elsewhere", "try again") from None
        except OSError as error:
            reason = error.strerror or error
            raise ProjectError(f"cannot write {self.folder.name}: {reason}", "check its permissions") from error
        try:
            yield
        finally:
            lock.release()

    def imported_prompts(self) -> str:
        """Digest of the prompts file that was imported last."""
        return str(self._held().get("imported_prompts", ""))

    def request(self) -> dict[str, Any]:
        """What was asked for the last time."""
        if not self.file.is_file():
            raise ProjectError(f"{self.folder} is no project", "give the folder that render --out made")
        request = self._held().get("request")
        if not isinstance(request, dict):
            raise ProjectError(f"{self.file} does not say what to render", "run the render command again")
        return dict(request)

    # -- rendering -----------------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """How far the render is; a damaged file means nothing is done."""
        path = self.path("progress.json")
        if not path.is_file():
            return Progress()
        try:
            return Progress(**read_json(path))
        except (TypeError, ValueError, AttributeError, ProjectError):
            log.warning("progress.json cannot be read; the render begins anew")
            return Progress()

    def save_progress(self, progress: Progress) -> None:
        """Write how far the render is."""
        write_json(self.path("progress.json"), asdict(progress))

    def segment_begun(self, number: int) -> None:
        """Count a segment as begun."""
        with self._changing:
            self.save_progress(replace(self.progress(), begun=number + 1))

    def segment_finished(self, number: int) -> None:
        """Believe a segment from now on, and forget states that no resume will ask for."""
        found = digest(self.segment(number))
        with self._changing:
            now = self.progress()
            states = {n: state for n, state in now.states.items() if int(n) > number + 1 - _STATES_KEPT}
            self.save_progress(replace(now, segments=(*now.segments[:number], found), states=states))
        for path in (self.folder / "states").glob("*.state"):
            if path.stem.isdigit() and str(int(path.stem)) not in states:
                path.unlink(missing_ok=True)

    def save_state(self, number: int, state: bytes) -> None:
        """Keep what segment ``number`` begins with."""
        write_bytes(self.state_file(number), state)
        with self._changing:
            now = self.progress()
            self.save_progress(replace(now, states={**now.states, str(number): digest(self.state_file(number))}))

    def begin_render(self, mark: str, total: int) -> int:
        """Keep the segments of an earlier run of exactly this render, or clear another one's away.

        Returns
        -------
        int
            The first segment to paint: all before it are whole, and what it needs is there.
        """
        before = self.progress()
        if before.fingerprint != mark:
            self.clear_segments()
            before = Progress(mark, total=total, video=before.video, video_digest=before.video_digest)
        for name in ("segments", "states"):
            (self.folder / name).mkdir(exist_ok=True)
        whole = 0
        while whole < len(before.segments) and digest(self.segment(whole)) == before.segments[whole]:
            whole += 1
        first = next((n for n in range(min(whole, total), 0, -1) if n == total or self._has_state(before, n)), 0)
        again = max(0, before.begun - first)
        if first < len(before.segments):
            log.warning("%d segments are damaged or lack their state; going on at %d", again, first)
        kept = replace(before, titles="", begun=first, segments=before.segments[:first])
        self.save_progress(replace(kept, rendered_again=before.rendered_again + again))
        return first

    def _has_state(self, progress: Progress, number: int) -> bool:
        expected = progress.states.get(str(number), "")
        return bool(expected) and digest(self.state_file(number)) == expected

    def clear_segments(self) -> None:
        """Delete segments and states."""
        for name, kinds in (("segments", ("*.seg", "concat.txt")), ("states", ("*.state",))):
            folder = self.folder / name
            for kind in kinds:
                for path in folder.glob(kind):
                    path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()

    # -- the video -----------------------------------------------------------------------------------------------

    def video(self) -> Path | None:
        """The finished video, when it is there and whole."""
        progress = self.progress()
        path = self.path(Path(progress.video).name) if progress.video else None
        return path if path is not None and digest(path) == progress.video_digest else None

    def video_finished(self, video: Path, titles: str) -> None:
        """Believe a video from now on; the one before it and the segments go."""
        before = self.progress()
        self.save_progress(replace(before, titles=titles, video=video.name, video_digest=digest(video)))
        if before.video and before.video != video.name:
            self.path(Path(before.video).name).unlink(missing_ok=True)
        self.clear_segments()

    def share(self) -> float:
        """How much is done [0, 1], 1 with its video; believes the records, without reading the pictures."""
        progress = self.progress()
        if progress.is_finished:
            return float(self.path(Path(progress.video).name).is_file())
        return min(0.99, len(progress.segments) / max(1, progress.total))

    # -- the folder ----------------------------------------------------------------------------------------------

    def discard(self) -> None:
        """Take back a project that never came to be: the files and folders that this run made."""
        if self._handler is not None:
            self._handler.close()
        for path in self.folder.iterdir():
            if path.name not in self._before and path.is_file():
                path.unlink()
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()

    @property
    def is_new(self) -> bool:
        """Whether there was no project here before this run."""
        return self.file.name not in self._before

    def summary(self) -> str:
        """One line for a list: how far, when, which song."""
        import datetime

        share = int(100 * self.share())
        when = datetime.datetime.fromtimestamp(self.file.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
        try:
            card = read_json(self.path("track.json"))
            name = " - ".join(x for x in (", ".join(card["artists"]), card["title"]) if x)
        except (ProjectError, KeyError, TypeError):
            name = "(unknown song)"
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
