"""Long work behind the page: it queues, reports, stops, and outlives the browser that asked for it.

Conventions: a job belongs to the process, not to a page; pages poll snapshots. There are two lanes, each first come,
first served: ``paint`` for what needs the GPU, ``hear`` for what does not, so that a song can be heard and previewed
while another is painted. Each job has a record, a JSON file written aside; what was waiting or running in a process
that is gone is ``interrupted``. A job itself: :mod:`lib_music.studio.job`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import queue
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lib_music.errors import InputError, Interrupted, MusicVisualizerError, ProjectError
from lib_music.files import clear_asides, read_json, write_json
from lib_music.studio.job import AFTER, LANES, Job, JobReporter, Kind

Work = Callable[[JobReporter], Mapping[str, str]]

#: Seconds between two writes of a record while only its progress changes.
_WRITE_EVERY = 2.0
#: How many records of jobs that are over are kept.
MAX_RECORDS = 60
#: How many jobs of a lane may wait or run: pages poll all of them, and anybody who reaches the page can press a button.
MAX_ACTIVE = 20
RECORD_VERSION = 1
log = logging.getLogger("lib_music")


class Jobs:
    """All jobs of one workspace; safe to use from any thread.

    Parameters
    ----------
    folder : Path
        Where the records lie; made at the first job.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._session = secrets.token_hex(8)
        self._alive: Any = None
        self._changing, self._writing = threading.RLock(), threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._stops: dict[str, threading.Event] = {}
        self._marks: dict[str, str] = {}
        self._written: dict[str, float] = {}
        self._foreign: dict[str, str] = {}
        self._lanes: dict[str, queue.Queue[tuple[str, Work]]] = {}
        self._read_records()

    # -- what the page calls -------------------------------------------------------------------------------------

    def submit(self, kind: Kind, project: str, work: Work, mark: str = "", *, sole: bool = False) -> Job:
        """Queue ``work`` in its lane; returns at once.

        Parameters
        ----------
        kind : str
        project : str
        work : callable
        mark : str
            Of what is asked for; the same work has the same.
        sole : bool
            Where the same waits or runs already, and nobody has told it to stop, that job is returned instead.

        Raises
        ------
        InputError
            Too many wait already.
        ProjectError
            The records cannot be written.
        """
        job = Job(f"mv-{secrets.token_hex(8)}", kind, project, created=time.time())
        self._live()
        with self._changing:
            if sole and mark and (same := self._same(kind, project, mark)) is not None:
                return same
            self.check_room(kind)
            self._jobs[job.id] = job
            self._stops[job.id] = threading.Event()
            self._marks[job.id] = mark
        self._write(job.id)
        self._lane(LANES[kind]).put((job.id, work))
        self._forget_old()
        return job

    def _same(self, kind: Kind, project: str, mark: str) -> Job | None:
        """The job of this process that does the same, and has not been told to stop."""
        for id, known in self._marks.items():
            job = self._jobs[id]
            same = (job.kind, job.project, known) == (kind, project, mark)
            if same and not job.is_over and not self._stops[id].is_set():
                return job
        return None

    def check_room(self, kind: Kind) -> None:
        """Raise InputError when as many jobs as are taken wait or run in the lane of that kind."""
        with self._changing:
            busy = [job for job in self._jobs.values() if not job.is_over and LANES[job.kind] == LANES[kind]]
        if len(busy) >= MAX_ACTIVE:
            raise InputError(f"{len(busy)} jobs wait already", "wait for some of them, or interrupt them")

    def get(self, id: str) -> Job | None:
        """The job as it is now; None when there is none of that id."""
        self._look_at_others()
        with self._changing:
            return self._jobs.get(id)

    def all(self) -> tuple[Job, ...]:
        """Every job that is known, the newest first."""
        self._look_at_others()
        with self._changing:
            return tuple(sorted(self._jobs.values(), key=lambda job: job.created, reverse=True))

    def active(self) -> tuple[Job, ...]:
        """The jobs that wait or run, the oldest first: the order in which their lanes take them."""
        return tuple(job for job in reversed(self.all()) if not job.is_over)

    def interrupt(self, id: str) -> None:
        """Stop a job that waits or runs; nothing happens to one that is over. Raises InputError for another's."""
        with self._changing:
            job = self._jobs.get(id)
            if job is None or job.is_over:
                return
            if id in self._foreign:
                raise InputError("that job runs in another process", "stop it there")
            self._stops[id].set()
            if job.state == "waiting":
                self._end(id, state="interrupted", text="", error="interrupted before it began")
        self._write(id)

    # -- the lanes -----------------------------------------------------------------------------------------------

    def _lane(self, name: str) -> queue.Queue[tuple[str, Work]]:
        with self._changing:
            if name not in self._lanes:
                waiting = self._lanes[name] = queue.Queue()
                threading.Thread(
                    target=self._serve, args=(waiting,), name=f"music-visualizer-{name}", daemon=True
                ).start()
            return self._lanes[name]

    def _serve(self, waiting: queue.Queue[tuple[str, Work]]) -> None:
        while True:
            id, work = waiting.get()
            with self._changing:
                waits = self._jobs.get(id)
                if waits is None or waits.state != "waiting":
                    continue
                self._change(id, state="running", started=time.time())
                job, stop = self._jobs[id], self._stops[id]
            self._write(id)
            self._do(job, stop, work)
            # What the work holds (pictures, a plan) must not live until the next job comes.
            del work

    def _do(self, job: Job, stop: threading.Event, work: Work) -> None:
        """Run one job to whatever end; a lane never dies of it."""

        def update(**changes: Any) -> None:
            with self._changing:
                self._change(job.id, **changes)
            if time.monotonic() - self._written.get(job.id, 0.0) >= _WRITE_EVERY:
                self._write(job.id)

        reporter = JobReporter(job, stop, update)
        try:
            reporter.check()
            result = dict(work(reporter))
            self._end(job.id, state="done", fraction=1.0, text="", result=result)
        except Interrupted as error:
            self._end(job.id, state="interrupted", error=error.message, fix=error.fix)
        except MusicVisualizerError as error:
            log.warning("%s of %s: %s", job.kind, job.project, error)
            self._end(job.id, state="failed", error=error.message, fix=error.fix)
        except BaseException as error:
            log.exception("%s of %s", job.kind, job.project)
            told = MusicVisualizerError(f"unexpected {type(error).__name__}: {error}", "the console has the details")
            self._end(job.id, state="failed", error=told.message, fix=told.fix)
        self._write(job.id)

    # -- snapshots and records -----------------------------------------------------------------------------------

    def _change(self, id: str, **changes: Any) -> None:
        self._jobs[id] = dataclasses.replace(self._jobs[id], **changes)

    def _end(self, id: str, **changes: Any) -> None:
        with self._changing:
            self._change(id, left=None, finished=time.time(), **changes)

    def _live(self) -> None:
        """Hold this process's own lock: whoever can take it knows that we are gone."""
        from filelock import FileLock

        with self._changing:
            if self._alive is None:
                try:
                    self.folder.mkdir(parents=True, exist_ok=True)
                    alive = FileLock(self.folder / f"{self._session}.lock", thread_local=False)
                    alive.acquire(timeout=5)
                except OSError as error:
                    reason = error.strerror or error
                    raise ProjectError(f"cannot write {self.folder}: {reason}", "check the output folder") from error
                self._alive = alive

    def _write(self, id: str) -> None:
        """Write a record; a full disk costs the record, not the job."""
        with self._writing:
            with self._changing:
                job = self._jobs.get(id)
                self._written[id] = time.monotonic()
            if job is not None:
                record = {"version": RECORD_VERSION, "session": self._session, **job.to_dict()}
                try:
                    write_json(self.folder / f"{id}.json", record)
                except ProjectError as error:
                    log.warning("the record of a job cannot be written: %s", error)

    def _forget_old(self) -> None:
        for job in [job for job in self.all() if job.is_over][MAX_RECORDS:]:
            with self._changing:
                for kept in (self._jobs, self._stops, self._marks, self._written, self._foreign):
                    kept.pop(job.id, None)
            with contextlib.suppress(OSError):
                (self.folder / f"{job.id}.json").unlink(missing_ok=True)

    def _read_records(self) -> None:
        """What earlier processes left: over, or interrupted when its process is gone."""
        if not any(not self._is_gone(path.stem) for path in self.folder.glob("*.lock")):
            clear_asides(self.folder)
        for path in self.folder.glob("mv-*.json") if self.folder.is_dir() else ():
            read = _read_record(path)
            if read is None:
                continue
            job, session = read
            self._jobs[job.id] = job
            if not job.is_over:
                self._foreign[job.id] = session
        self._look_at_others(settle=True)

    def _look_at_others(self, settle: bool = False) -> None:
        """Jobs of another process that lives are read again; those of one that is gone were interrupted."""
        with self._changing:
            foreign = dict(self._foreign)
        for id, session in foreign.items():
            gone = self._is_gone(session)
            read = _read_record(self.folder / f"{id}.json")
            with self._changing:
                job = self._jobs.get(id)
                if job is None:
                    continue
                if read is not None:
                    job = self._jobs[id] = read[0]
                if gone or job.is_over:
                    self._foreign.pop(id, None)
                if gone and not job.is_over:
                    why = "its process ended before it was done"
                    self._end(id, state="interrupted", error=why, fix=AFTER[job.kind])
            if gone and settle:
                self._write(id)

    def _is_gone(self, session: str) -> bool:
        """Whether the process of that session has ended; its number may be another's by now, its lock cannot."""
        from filelock import FileLock, Timeout

        path = self.folder / f"{session}.lock"
        if not path.is_file():
            return True
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError:
            return True
        lock.release()
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return True


def _read_record(path: Path) -> tuple[Job, str] | None:
    """A record and its session; None for what is damaged or not ours."""
    try:
        data = read_json(path)
        if not isinstance(data, dict) or data.pop("version", None) != RECORD_VERSION:
            return None
        session = data.pop("session", "")
        job = Job(**data)
    except (ProjectError, TypeError, ValueError, AttributeError):
        return None
    good = job.id == path.stem and isinstance(session, str) and re.fullmatch("[0-9a-f]{16}", session)
    return (job, session) if good else None


_known: dict[Path, Jobs] = {}
_knowing = threading.Lock()


def jobs_for(folder: Path) -> Jobs:
    """The jobs of a folder: the same for everybody in this process, however often a page is built."""
    place = folder.resolve()
    with _knowing:
        if place not in _known:
            _known[place] = Jobs(place)
        return _known[place]
