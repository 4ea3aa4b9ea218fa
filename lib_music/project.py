"""One song's folder: the stages' files, segments, state, log and the video.

Conventions
-----------
Everything is written aside and renamed, so that a kill at any moment leaves only whole files. Paths in the project's
files are relative to the folder. What is computed may be computed again; what the person edits (``storyboard.json``,
``corrections.json``) is never overwritten, and files that are not ours are never touched.

A segment is named by its first frame. ``states/F`` is what the renderer needs to go on with the segment that begins at
frame F; it is written before the segment before it gets its name. ``progress.json`` holds the digests of both, the name
of the finished video and the digest of one about to get its name: only what matches is believed. It may have holes:
what is painted again, between what stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from lib_music.errors import ProjectBusyError, ProjectError
from lib_music.files import clear_asides, digest, read_json, write_bytes, write_json
from lib_music.project_log import NAME, ProjectLog

PROJECT_VERSION = 1
#: Names a run makes before the folder is a project.
_FIRST = frozenset({"project.lock", NAME})
#: How many states are kept to fall back on.
_STATES_KEPT = 3
#: How long an edit waits for another one, s.
_EDIT_WAIT = 10.0
log = logging.getLogger("lib_music")


@dataclass(frozen=True)
class Stretch:
    """Frames ``[first, last)`` that were painted apart from the rest.

    Attributes
    ----------
    first, last : int
    take : int
        The take that holds what was there before, while it is to be blended in; else 0.
    fade_in, fade_out : int
        Frames over which it grows out of what was there before, and gives way to it, both inside.
    """

    first: int
    last: int
    take: int = 0
    fade_in: int = 0
    fade_out: int = 0

    def __post_init__(self) -> None:
        numbers = (self.first, self.last, self.take, self.fade_in, self.fade_out)
        if not all(type(n) is int and n >= 0 for n in numbers):
            raise ValueError("Stretch: frames and take must be whole and >= 0")
        if self.first >= self.last or self.fade_in + self.fade_out > self.last - self.first:
            raise ValueError(f"Stretch: frames {self.first} to {self.last}, fades {self.fade_in} and {self.fade_out}")

    def without(self, first: int, last: int) -> Iterator[Stretch]:
        """What is left of it when frames ``[first, last)`` become another's."""
        for begin, end in ((self.first, min(self.last, first)), (max(self.first, last), self.last)):
            if begin < end:
                yield Stretch(begin, end)


@dataclass(frozen=True)
class Progress:
    """How far a render is.

    Attributes
    ----------
    fingerprint : str
        Of everything that decides the pixels.
    titles : str
        Of everything that only the finished file holds beside them.
    painter : str
        The renderer's name.
    width, height, fps : int, int, str
        Of the picture; ``fps`` as a ratio, ``24/1``. 0 and empty where an earlier version did not say.
    begun : int
        Segments begun so far.
    rendered_again : int
        Segments that were begun or finished, lost, and begun again.
    lengths : tuple of int
        Frames of each segment, all of them; empty before anything is painted, and of a video of an earlier version.
    segments : tuple of str
        Digests of the finished ones; empty for one that is still to be painted, and nothing for those after the last.
    states : mapping of first frame to str
        Digests of the states that are kept.
    stretches : tuple of Stretch
        What was painted apart from the rest, in the order of time; what lies in none was painted in one go.
    marks : mapping of "first-last" to str
        A digest of what decides the pixels of each section; none where that is not known.
    words : mapping of "first-last" to str
        The prompt that each section was painted with. Found text.
    take, restored : int
        Numbers of the take that was put aside last and of the one that was restored last, see :mod:`lib_music.takes`.
    video : str
        Name of the finished video; ``video_digest`` its digest.
    coming : str
        Digest of a video that was whole and about to take its name: a run that was killed right then left it so.
    """

    fingerprint: str = ""
    titles: str = ""
    painter: str = ""
    width: int = 0
    height: int = 0
    fps: str = ""
    begun: int = 0
    rendered_again: int = 0
    lengths: tuple[int, ...] = ()
    segments: tuple[str, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    stretches: tuple[Stretch, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    take: int = 0
    restored: int = 0
    video: str = ""
    video_digest: str = ""
    coming: str = ""

    def __post_init__(self) -> None:
        numbers = (self.begun, self.rendered_again, self.take, self.restored, self.width, self.height, *self.lengths)
        texts = (self.fingerprint, self.titles, self.video, self.video_digest, *self.segments, *self.states.values())
        texts += (self.coming, self.painter, self.fps, *self.marks, *self.marks.values(), *self.words.values())
        if not all(isinstance(n, int) and n >= 0 for n in numbers) or not all(isinstance(t, str) for t in texts):
            raise ValueError("Progress: counts must be whole and >= 0, digests text")
        for name in ("lengths", "segments", "stretches"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Progress:
        """Read what :meth:`Project.save_progress` wrote, now or in an earlier version.

        Raises TypeError or ValueError for what it cannot be.
        """
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        known["stretches"] = tuple(Stretch(**stretch) for stretch in known.get("stretches", ()))
        if not known.get("lengths"):
            # An earlier version named segments otherwise; its finished video stays what it is.
            known.update(segments=(), states={}, begun=0)
        return cls(**known)

    @property
    def starts(self) -> tuple[int, ...]:
        """The first frame of each segment."""
        return (0, *itertools.accumulate(self.lengths))[: len(self.lengths)]

    @property
    def whole(self) -> tuple[str, ...]:
        """The digest of each segment, empty for those that are missing [shape=(len(lengths),)]."""
        return (self.segments + ("",) * len(self.lengths))[: len(self.lengths)]

    @property
    def painted(self) -> int:
        """Frames in finished segments."""
        return sum(n for n, found in zip(self.lengths, self.whole, strict=True) if found)

    @property
    def is_finished(self) -> bool:
        """Whether the video is of this very painting; while one is painted anew the earlier video stays."""
        return bool(self.video and self.titles)


class Project:
    """A project folder; used as a context manager, so that one run at a time works in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: Any = None
        self._log: ProjectLog | None = None
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

    def segment(self, first: int) -> Path:
        """Where the segment that begins at frame ``first`` is or will be."""
        return self.folder / "segments" / f"{first:05d}.seg"

    def state_file(self, first: int) -> Path:
        """What the renderer needs to begin at frame ``first``."""
        return self.folder / "states" / f"{first:05d}.state"

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
        self._log = ProjectLog(self.folder)
        return self

    def _look(self) -> None:
        """Remember what is there already; a folder with other things in it is not taken."""
        self._before = frozenset(p.name for p in self.folder.iterdir()) if self.folder.is_dir() else frozenset()
        if self._before - _FIRST and self.file.name not in self._before:
            raise ProjectError(f"{self.folder} is not empty and no project", "give an empty or new folder with --out")
        self._made = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]

    def __exit__(self, *_: object) -> None:
        if self._log is not None:
            self._log.close()
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
            return Progress.from_dict(read_json(path))
        except (TypeError, ValueError, AttributeError, ProjectError):
            log.warning("progress.json cannot be read; the render begins anew")
            return Progress()

    def save_progress(self, progress: Progress) -> None:
        """Write how far the render is."""
        write_json(self.path("progress.json"), asdict(progress))

    def segment_begun(self, first: int) -> None:
        """Count the segment that begins at frame ``first`` as begun."""
        with self._changing:
            now = self.progress()
            self.save_progress(replace(now, begun=now.starts.index(first) + 1))

    def segment_finished(self, first: int) -> None:
        """Believe a segment from now on, and forget states that no resume will ask for."""
        found = digest(self.segment(first))
        with self._changing:
            now = self.progress()
            number = now.starts.index(first)
            segments = (*now.whole[:number], found, *now.whole[number + 1 :])
            states = {n: now.states[n] for n in sorted(now.states, key=int)[-_STATES_KEPT:]}
            self.save_progress(replace(now, segments=segments, states=states))
            for path in (self.folder / "states").glob("*.state"):
                if path.stem.isdigit() and str(int(path.stem)) not in states:
                    path.unlink(missing_ok=True)

    def save_state(self, first: int, state: bytes) -> None:
        """Keep what the segment that begins at frame ``first`` begins with."""
        # All under the lock: another thread, which closes the segment before, would take the file for a forgotten one.
        with self._changing:
            write_bytes(self.state_file(first), state)
            now = self.progress()
            self.save_progress(replace(now, states={**now.states, str(first): digest(self.state_file(first))}))

    def begin_render(self, mark: str, lengths: Sequence[int], about: Mapping[str, Any]) -> list[range]:
        """Keep the segments of an earlier run of exactly this render, or clear another one's away.

        Parameters
        ----------
        mark : str
            The fingerprint of the render.
        lengths : sequence of int
            Frames of each segment, where nothing of it is painted yet.
        about : mapping
            Painter, size, rate and marks as :class:`Progress` has them; kept where nothing of it is painted yet.

        Returns
        -------
        list of range
            The segments to paint, by number, in order: what lies between is whole. What a range begins with is there:
            a state, or a picture of the frame before it, or nothing at frame 0.
        """
        before = self.progress()
        if before.fingerprint != mark or sum(before.lengths) != sum(lengths):
            self.clear_segments()
            kept = {name: getattr(before, name) for name in ("take", "restored", "video", "video_digest", "coming")}
            before = Progress(mark, lengths=tuple(lengths), **about, **kept)
        for name in ("segments", "states"):
            (self.folder / name).mkdir(exist_ok=True)
        pairs = zip(before.starts, before.whole, strict=True)
        whole = [bool(found) and digest(self.segment(first)) == found for first, found in pairs]
        for number in range(len(whole)):
            # A segment whose beginning is lost is painted together with the one before it.
            back = number
            while not whole[back] and back and not self._can_begin(before, back):
                back -= 1
                whole[back] = False
        missing = [number for number, found in enumerate(whole) if not found]
        lost = sum(number < before.begun for number in missing)
        if any(before.whole[number] for number in missing):
            log.warning("%d segments are damaged or lack their state; they are painted again", lost)
        segments = tuple(found if good else "" for found, good in zip(before.whole, whole, strict=True))
        begun = missing[0] if missing else len(whole)
        again = before.rendered_again + lost
        self.save_progress(replace(before, titles="", begun=begun, segments=segments, rendered_again=again))
        return [range(run[0], run[-1] + 1) for run in _runs(missing)]

    def _can_begin(self, progress: Progress, number: int) -> bool:
        first = progress.starts[number]
        return any(stretch.first == first for stretch in progress.stretches) or self.has_state(progress, first)

    def has_state(self, progress: Progress, first: int) -> bool:
        """Whether the state of the segment that begins at frame ``first`` is there and whole."""
        expected = progress.states.get(str(first), "")
        return bool(expected) and digest(self.state_file(first)) == expected

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
        return path if path is not None and digest(path) in {progress.video_digest, progress.coming} - {""} else None

    def is_ours(self, path: Path) -> bool:
        """Whether a file was muxed here, be it that the run was killed before it said so."""
        progress = self.progress()
        return path.name == progress.video or (bool(progress.coming) and digest(path) == progress.coming)

    def video_coming(self, aside: Path) -> None:
        """Know a video before it takes its name, so that it is ours whenever this run is killed."""
        self.save_progress(replace(self.progress(), coming=digest(aside)))

    def video_finished(self, video: Path, titles: str) -> None:
        """Believe a video from now on; the one before it and the segments go."""
        before = self.progress()
        # What was to be blended in is.
        stretches = tuple(Stretch(stretch.first, stretch.last) for stretch in before.stretches)
        done = replace(before, titles=titles, stretches=stretches, video=video.name, video_digest=digest(video),
                       coming="")
        self.save_progress(done)
        if before.video and before.video != video.name:
            self.path(Path(before.video).name).unlink(missing_ok=True)
        self.clear_segments()

    def share(self) -> float:
        """How much is done [0, 1], 1 with its video; believes the records, without reading the pictures."""
        progress = self.progress()
        if progress.is_finished:
            return float(self.path(Path(progress.video).name).is_file())
        return min(0.99, progress.painted / max(1, sum(progress.lengths)))

    # -- the folder ----------------------------------------------------------------------------------------------

    def discard(self) -> None:
        """Take back a project that never came to be: the files and folders that this run made."""
        if self._log is not None:
            self._log.close()
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


def _runs(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Numbers that follow one another, together."""
    for _, run in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        yield [number for _, number in run]


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
