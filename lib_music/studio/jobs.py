"""Long work behind the page: it queues, reports, stops, and outlives the browser that asked for it.

Conventions: a job belongs to the process, not to a page; pages poll snapshots. There are two lanes, each first come,
first served: ``paint`` for what needs the GPU, ``hear`` for what does not, so that a song can be heard and previewed
while another is painted. Each job has a record, a JSON file written aside; what was waiting or running in a process
that is gone is ``interrupted``. Times are unix seconds, fractions in [0, 1].
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import queue
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from lib_music.errors import InputError, Interrupted, MusicVisualizerError, ProjectError
from lib_music.files import clear_asides, read_json, write_json
from lib_music.pipeline import Reporter
from lib_music.studio.host import Painting

Kind = Literal[
    "produce", "preview", "warm-up", "visualize", "rerender", "restore", "compare", "stills", "test", "finish",
    "presets", "pack",
]
State = Literal["waiting", "running", "done", "failed", "interrupted"]
Work = Callable[["JobReporter"], Mapping[str, str]]

#: Which lane does what, and which share of a job each stage takes; stages not named here take none.
LANES: Mapping[Kind, str] = {
    "produce": "hear", "preview": "hear", "warm-up": "paint", "visualize": "paint", "stills": "paint", "test": "paint",
    "rerender": "paint", "restore": "hear", "compare": "hear", "finish": "paint",
    "presets": "hear", "pack": "hear",
}  # fmt: skip
SHARES: Mapping[Kind, Mapping[str, float]] = {
    "produce": {"track": 0.03, "analysis": 0.72, "prompts": 0.20, "schedule": 0.05},
    "preview": {"analysis": 0.01, "schedule": 0.01, "render": 0.93, "mux": 0.05},
    "warm-up": {"warm-up": 1.0},
    "visualize": {"analysis": 0.01, "schedule": 0.01, "warm-up": 0.01, "render": 0.95, "mux": 0.02},
    "rerender": {"analysis": 0.01, "schedule": 0.01, "warm-up": 0.01, "render": 0.95, "mux": 0.02},
    "restore": {"schedule": 0.2, "mux": 0.8},
    "compare": {"schedule": 0.2, "mux": 0.8},
    "finish": {"schedule": 0.02, "finish": 0.9, "mux": 0.08},
    "presets": {"schedule": 0.02, "first": 0.49, "second": 0.49},
    "stills": {"stills": 1.0},
    "pack": {"pack": 1.0},
    "test": {"schedule": 0.02, "render": 0.95, "mux": 0.03},
}
#: The jobs that change the video of a project, and hold it all along.
CHANGING: frozenset[Kind] = frozenset({"visualize", "rerender", "restore"})
#: A stage that takes this share of a job or more says how much time is left.
_MAIN = 0.5
#: The rate is that of so many seconds; its end of so many at least; nothing is said before so many; reports that are
#: closer than so many count as one.
_RATE_WINDOW, _TAIL_LEAST, _RATE_LEAST, _RATE_STEP = 60.0, 3.0, 2.0, 0.25
#: Seconds between two writes of a record while only its progress changes.
_WRITE_EVERY = 2.0
#: How much is kept: lines a job said, records of jobs that are over.
MAX_SAID, MAX_RECORDS = 50, 60
#: How many jobs of a lane may wait or run: pages poll all of them, and anybody who reaches the page can press a button.
MAX_ACTIVE = 20
#: What to do after an interrupted job of each kind.
AFTER: Mapping[Kind, str] = {
    "produce": "press Produce prompts again",
    "preview": "press Preview again",
    "warm-up": "press Estimate again",
    "visualize": "Resume goes on from there",
    "rerender": "Resume goes on from there",
    "restore": "restore it again",
    "compare": "compare it again",
    "finish": "press Finish again: what is done stays",
    "presets": "compare them again",
    "pack": "press Pack again",
    "stills": "press Stills again: what is painted stays",
    "test": "press Test again: it goes on from there",
}
RECORD_VERSION = 1
_ID = re.compile(r"mv-[0-9a-f]{16}")
log = logging.getLogger("lib_music")


@dataclass(frozen=True)
class Job:
    """What everybody sees of a job: an immutable snapshot.

    Attributes
    ----------
    id : str
        ``mv-`` and random digits; the host's progress bar is asked for ``task(id)``.
    project : str
        Name of the project's folder in the workspace.
    stage, text : str
        What is being done, and one line about it: section, prompt, frame.
    fraction : float
        Of the whole job.
    left : float or None
        Seconds left at the rate measured in this run; None where that is unknown.
    said : tuple of str
        Warnings and notes, the latest 50.
    error, fix : str
        Why it failed, and what to do.
    result : mapping of str to str
        Names of files in the project.
    """

    id: str
    kind: Kind
    project: str
    state: State = "waiting"
    stage: str = ""
    fraction: float = 0.0
    text: str = ""
    left: float | None = None
    said: tuple[str, ...] = ()
    error: str = ""
    fix: str = ""
    result: Mapping[str, str] = field(default_factory=dict)
    created: float = 0.0
    started: float = 0.0
    finished: float = 0.0

    def __post_init__(self) -> None:
        texts = (self.project, self.stage, self.text, self.error, self.fix, *self.said)
        texts += (*self.result.keys(), *self.result.values())
        times = (self.fraction, self.created, self.started, self.finished, 0.0 if self.left is None else self.left)
        if not all(isinstance(text, str) for text in texts) or not _ID.fullmatch(self.id):
            raise ValueError("Job: names and lines are text, the id is mv- and 16 digits")
        if self.kind not in get_args(Kind) or self.state not in get_args(State):
            raise ValueError(f"Job: {self.kind!r}, {self.state!r} are not known")
        if not all(isinstance(n, (int, float)) and math.isfinite(n) and n >= 0 for n in times) or self.fraction > 1:
            raise ValueError("Job: times are seconds, the fraction is in [0, 1]")
        object.__setattr__(self, "said", tuple(self.said))

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in ("waiting", "running")

    @property
    def task(self) -> str:
        """What the host's progress bar is asked for."""
        return f"task({self.id})"

    def to_dict(self) -> dict[str, Any]:
        """JSON form, for the record and the page."""
        return {**dataclasses.asdict(self), "said": list(self.said), "result": dict(self.result)}


class JobReporter(Reporter):
    """Maps the stages of one job to its snapshot; used by the thread that does the work.

    Attributes
    ----------
    describe : callable
        The line for an amount done of the stage that runs; set it before the stage begins, it holds for one stage.
    publish : callable or None
        Hears of every step as well: the host's own progress bar. That one works out the time left from how much was
        done since it began, so it is told of this run alone, without what an earlier one left.
    stops : list of callable
        More that may ask to stop, beside the page's button: the host's own Interrupt.
    """

    def __init__(self, job: Job, stop: threading.Event, update: Callable[..., None]) -> None:
        self.job_id, self.task = job.id, job.task
        self.describe: Callable[[float], str] | None = None
        self.publish: Callable[[Painting], None] | None = None
        self.stops: list[Callable[[], bool]] = []
        self._shares, self._after = SHARES[job.kind], AFTER[job.kind]
        self._stop, self._update = stop, update
        self._said: tuple[str, ...] = ()
        self._stage, self._total, self._begun = "", 1.0, 0.0
        self._line: Callable[[float], str] | None = None
        self._fraction, self._shown = 0.0, 0.0
        self._seen: tuple[tuple[float, float], ...] = ()
        self._from: float | None = None

    def stage(self, name: str, total: float = 1.0) -> None:
        """See :class:`~lib_music.pipeline.Reporter`."""
        before = list(self._shares)
        before = before[: before.index(name)] if name in self._shares else []
        self._begun = sum(self._shares[earlier] for earlier in before) if name in self._shares else self._fraction
        self._stage, self._total = name, max(total, 1e-9)
        self._line, self.describe = self.describe, None
        self._seen, self._from = (), None
        self._show(0.0)

    def done(self, amount: float) -> None:
        """See :class:`~lib_music.pipeline.Reporter`."""
        now, seen = time.monotonic(), self._seen
        self._from = amount if self._from is None else self._from
        if len(seen) > 1 and now - seen[-2][0] < _RATE_STEP:
            seen = seen[:-1]
        while len(seen) > 1 and now - seen[1][0] > _RATE_WINDOW:
            seen = seen[1:]
        # Exchanged whole, as who asks whether to stop may be another thread.
        self._seen = (*seen, (now, amount))
        self._show(amount)

    def say(self, text: str) -> None:
        """See :class:`~lib_music.pipeline.Reporter`."""
        if text not in self._said:
            self._said = (*self._said, _plain(text))[-MAX_SAID:]
            self._update(said=self._said)

    def should_stop(self) -> bool:
        """See :class:`~lib_music.pipeline.Reporter`."""
        if time.monotonic() - self._shown > _WRITE_EVERY and self._shares.get(self._stage, 0.0) >= _MAIN:
            # Whoever waits for a picture asks this again and again; the time left grows meanwhile.
            self._shown = time.monotonic()
            self._update(left=self._left())
        return self._stop.is_set() or any(stop() for stop in self.stops)

    def check(self) -> None:
        """Raise Interrupted when the person wants to stop."""
        if self.should_stop():
            raise Interrupted("interrupted", self._after)

    def _show(self, amount: float) -> None:
        share = self._shares.get(self._stage, 0.0)
        inside = min(1.0, max(0.0, amount / self._total))
        self._fraction = min(1.0, max(self._fraction, self._begun + share * inside))
        text = _plain(self._line(amount)) if self._line else ""
        left = self._left() if share >= _MAIN else None
        self._shown = time.monotonic()
        self._update(stage=self._stage, fraction=self._fraction, text=text, left=left)
        if self.publish is not None:
            first = self._from or 0.0
            inside = max(0.0, (amount - first) / max(self._total - first, 1e-9))
            line = " · ".join(part for part in (text or self._stage, read_left(left)) if part)
            self.publish(Painting(min(self._fraction, self._begun + share * inside), line))

    def _left(self) -> float | None:
        """Seconds left of this stage at the rate of this run; what an earlier run did is no part of it.

        The slower of two rates counts, of the last minute and of its last third: pictures that an earlier run left come
        in fast before the first new one is painted. Waiting for the next one counts as well.
        """
        seen = self._seen
        if len(seen) < 2:
            return None
        now, (last, amount) = time.monotonic(), seen[-1]
        begun, first = seen[0]
        if now - begun < _RATE_LEAST or amount <= first:
            return None
        tail = max(_TAIL_LEAST, (now - begun) / 3)
        recent = [s for s in seen if s[1] < amount and now - s[0] >= tail] or [seen[0]]
        if now - last > tail:
            # Nothing came for so long that only the last step and the waiting since then tell.
            recent = [s for s in seen if s[1] < amount]
        slowest = max((now - since) / (amount - done) for since, done in (seen[0], recent[-1]))
        return max(0.0, (self._total - amount) * slowest)


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
        self._written: dict[str, float] = {}
        self._foreign: dict[str, str] = {}
        self._lanes: dict[str, queue.Queue[tuple[str, Work]]] = {}
        self._read_records()

    # -- what the page calls -------------------------------------------------------------------------------------

    def submit(self, kind: Kind, project: str, work: Work) -> Job:
        """Queue ``work`` in its lane; returns at once.

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
            self.check_room(kind)
            self._jobs[job.id] = job
            self._stops[job.id] = threading.Event()
        self._write(job.id)
        self._lane(LANES[kind]).put((job.id, work))
        self._forget_old()
        return job

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
                for kept in (self._jobs, self._stops, self._written, self._foreign):
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


def read_left(seconds: float | None) -> str:
    """``about 3 min left``; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    minutes = round(seconds / 60)
    return f"about {minutes} min left" if minutes < 90 else f"about {minutes / 60:.1f} h left"


def _plain(text: str, limit: int = 300) -> str:
    """One printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


_known: dict[Path, Jobs] = {}
_knowing = threading.Lock()


def jobs_for(folder: Path) -> Jobs:
    """The jobs of a folder: the same for everybody in this process, however often a page is built."""
    place = folder.resolve()
    with _knowing:
        if place not in _known:
            _known[place] = Jobs(place)
        return _known[place]
