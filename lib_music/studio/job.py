"""A job as everybody sees it, and who tells of it while it is done.

Conventions: times are unix seconds, fractions in [0, 1]; the lines are plain text of one line each.
"""

from __future__ import annotations

import dataclasses
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lib_music.errors import Interrupted
from lib_music.reporter import Reporter
from lib_music.studio.host import Painting

Kind = Literal[
    "produce", "preview", "warm-up", "visualize", "rerender", "restore", "compare", "stills", "test", "finish",
    "presets", "pack",
]
State = Literal["waiting", "running", "done", "failed", "interrupted"]

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
#: A stage that takes this share of a job or more says how much time is left.
_MAIN = 0.5
#: The rate is that of so many seconds; its end of so many at least; nothing is said before so many; reports that are
#: closer than so many count as one.
_RATE_WINDOW, _TAIL_LEAST, _RATE_LEAST, _RATE_STEP = 60.0, 3.0, 2.0, 0.25
#: Seconds after which the time left is told again while a picture is waited for.
_LOOK_EVERY = 2.0
#: How many lines that a job said are kept.
MAX_SAID = 50
_ID = re.compile(r"mv-[0-9a-f]{16}")


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
        """See :class:`~lib_music.reporter.Reporter`."""
        before = list(self._shares)
        before = before[: before.index(name)] if name in self._shares else []
        self._begun = sum(self._shares[earlier] for earlier in before) if name in self._shares else self._fraction
        self._stage, self._total = name, max(total, 1e-9)
        self._line, self.describe = self.describe, None
        self._seen, self._from = (), None
        self._show(0.0)

    def done(self, amount: float) -> None:
        """See :class:`~lib_music.reporter.Reporter`."""
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
        """See :class:`~lib_music.reporter.Reporter`."""
        if text not in self._said:
            self._said = (*self._said, _plain(text))[-MAX_SAID:]
            self._update(said=self._said)

    def should_stop(self) -> bool:
        """See :class:`~lib_music.reporter.Reporter`."""
        if time.monotonic() - self._shown > _LOOK_EVERY and self._shares.get(self._stage, 0.0) >= _MAIN:
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
