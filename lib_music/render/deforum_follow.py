"""Follow one run of Deforum, frame by frame.

Conventions: an interrupt ends Deforum's loop right after the block that shows the half painted picture. So a
frame is trusted when the frame one cadence later exists or when the run has succeeded; and where a run never
says so, when all frames are there and nothing has happened for ``settle`` seconds. That is also how long files
may take to show up after the run says it is over. A run by keyframes (see
:func:`~lib_music.render.deforum_settings.paints_by_keyframes`) is trusted as a whole, when it has succeeded.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lib_music.errors import DeforumError, MusicVisualizerError
from lib_music.render.deforum_frames import FrameSource, decode
from lib_music.render.deforum_job import JobRecord, JobStatus
from lib_music.render.deforum_runs import AGAIN, DeforumRuns
from lib_music.render.deforum_settings import CADENCE_MODES, paints_by_keyframes, saved_frames
from lib_music.render.pixels import Rgb

#: How many frames to look ahead, so that a run far in front is not asked about every frame.
LOOK_AHEAD = 64
#: A queue may be longer than a pause: there this many times the patience.
QUEUE_FACTOR = 12

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How long to wait, in seconds: between two looks, for a sign of life, for files after the end."""

    poll: float
    stall: float
    settle: float

    def __post_init__(self) -> None:
        if not 0 < self.poll <= 60 or self.stall <= 0 or self.settle < 0:
            raise ValueError(f"{self}: poll must be above 0 and at most 60, stall above 0, settle not negative")


class Follower:
    """Waits for the frames of a run, counted as the run counts them: from 0.

    Attributes
    ----------
    cadence : int
        Frames appear in blocks of this many.
    total : int
        How many frames the run leaves when it is over; a few more than the video has.
    finished : bool
        Every frame is there.
    """

    def __init__(
        self,
        runs: DeforumRuns,
        record: JobRecord,
        settings: Mapping[str, Any],
        size: tuple[int, int],
        n_frames: int,
        *,
        pace: Pace,
        pause: Callable[[float], None],
        remember: Callable[[JobRecord], None],
    ) -> None:
        self._runs, self._record = runs, record
        self._width, self._height = size
        self._n_frames = n_frames
        self.cadence = int(settings["diffusion_cadence"]) if settings["animation_mode"] in CADENCE_MODES else 1
        self.total = saved_frames(settings["max_frames"], self.cadence)
        self._by_keyframes = settings["max_frames"] if paints_by_keyframes(settings) else 0
        self._pace, self._pause, self._remember = pace, pause, remember
        self._source: FrameSource | None = None
        self._trusted, self._newest = 0, 0
        self._sign: tuple[object, ...] = ()
        self._changed = time.monotonic()
        self.finished = False

    def wait(self, frame: int) -> Rgb:
        """The picture of ``frame``, as soon as it can be trusted.

        Raises DeforumError when the run fails, is interrupted, stalls or ends without it; Interrupted where the place
        says that a person stopped it.
        """
        self._changed = time.monotonic()
        while True:
            source = self.source()
            if source is not None and self._may_trust(source, frame):
                data = source.read(frame)
                picture = decode(data, self._width, self._height) if data is not None else None
                if picture is not None:
                    return picture
            self._look(frame)
            self._pause(self._pace.poll)

    def source(self) -> FrameSource | None:
        """Where the frames are, once the first one is there."""
        if self._source is None and self._record.timestring:
            for number in (0, 1) if self._by_keyframes else (0,):
                record = dataclasses.replace(self._record, counted_from=number)
                self._source = next((found for found in self._runs.sources(record) if found.exists(0)), None)
                if self._source is not None:
                    self._counts_from(record)
                    break
        return self._source

    def _counts_from(self, record: JobRecord) -> None:
        """Painted by keyframes: no blocks of one length, and a picture for each of ``max_frames``."""
        if record.counted_from:
            self.cadence, self.total = 1, self._by_keyframes
        if record != self._record:
            self._record = record
            self._remember(record)

    def _may_trust(self, source: FrameSource, frame: int) -> bool:
        if self.finished or frame < self._trusted:
            return True
        if self._record.counted_from:
            return False  # what lies between two keyframes is there before the second, and after a half painted first
        for ahead in (LOOK_AHEAD, 0):
            last = frame + self.cadence + ahead
            if last < self.total and source.exists(last):
                self._trusted = last - self.cadence + 1
                return True
        return False

    def _look(self, frame: int) -> None:
        """Ask how the run goes; raises where it goes no further."""
        status = self._runs.job(self._record.job_id)
        if status is None:
            raise DeforumError(f"the WebUI forgot the run at frame {frame}; it was restarted", AGAIN)
        if not self._record.timestring and status.timestring:
            self._record = dataclasses.replace(
                self._record, timestring=status.timestring, outdir=status.outdir
            )
            self._remember(self._record)
        if status.status == "FAILED":
            raise self._trouble(status)
        if status.status == "SUCCEEDED":
            self.finished = True
        silent = self._silence(status, frame)
        if silent > self._pace.settle and status.status != "CANCELLED" and self._has_all():
            log.warning("the run shows all frames but does not say that it is done; taking them")
            self.finished = True
        elif not status.is_painting or status.is_over:
            if silent > self._pace.settle:
                raise self._trouble(status)
        elif silent > self._pace.stall * (QUEUE_FACTOR if status.phase == "QUEUED" else 1):
            self._give_up(status, frame, silent)

    def _silence(self, status: JobStatus, frame: int) -> float:
        """Seconds since anything happened: a word of the run, a frame handed on, or a new one on disk.

        Some forks count their frames where the API does not look, so the files are looked at as well.
        """
        source = self.source()
        self._newest = max(self._newest, self._trusted - 1)
        if source is not None and source.exists(self._newest + 1):
            self._newest += 1
        sign = (status.status, status.phase, status.updates, frame, self._newest)
        if sign != self._sign:
            self._sign, self._changed = sign, time.monotonic()
        return time.monotonic() - self._changed

    def _has_all(self) -> bool:
        source = self.source()
        last = self.total if self._record.counted_from else self._n_frames
        return not self.finished and source is not None and source.read(last - 1) is not None

    def _give_up(self, status: JobStatus, frame: int, silent: float) -> None:
        self._runs.cancel(self._record.job_id)
        self._record = dataclasses.replace(self._record, cancelled=True)
        self._remember(self._record)
        raise DeforumError(
            f"no sign of life from the run for {silent:.0f} s at frame {frame} ({status.phase})",
            f"look at the WebUI's console; {AGAIN}",
        )

    def _trouble(self, status: JobStatus) -> MusicVisualizerError:
        """The run is over, by its word or because nothing happens any more, and frames are missing."""
        begun = self.source() is not None
        count = min(self._count(), self._n_frames)
        return self._runs.trouble(status, count, self._n_frames, begun=begun)

    def _count(self) -> int:
        source = self.source()
        return source.count() if source is not None else 0
