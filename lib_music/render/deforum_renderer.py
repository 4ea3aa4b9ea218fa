"""Frames painted by Deforum, wherever it runs: one loop for the remote WebUI and for the one we live in.

Conventions
-----------
- One run of Deforum paints the whole animation; we follow it and hand on its frames as they appear. A frame is
  handed on when a later cadence exists or the run has succeeded, because after an interrupt the last picture is
  half painted and yet saved like any other.
- ``state()`` and ``job_file`` hold a :class:`~lib_music.render.deforum_job.JobRecord`. Going on means, in this
  order: follow the run that still paints; take the frames of one that has finished; let Deforum resume from its
  own frames; begin a run with the picture before the first missing frame; paint anew.
- A run may begin in the middle of the animation (``JobRecord.first``) and end there (``last``); followers and frame
  sources count from the run's own beginning.
- Deforum's word on a run is not enough: an interrupted one stays "accepted" for ever. Frames are counted.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lib_music.errors import DeforumError, Interrupted
from lib_music.files import slug
from lib_music.render.deforum_follow import Follower, Pace
from lib_music.render.deforum_frames import FrameSource, WrongSizeError, remote_path
from lib_music.render.deforum_job import JobRecord, JobStatus, settings_digest
from lib_music.render.deforum_runs import AGAIN, DeforumRuns
from lib_music.render.deforum_settings import build_settings
from lib_music.render.deforum_tail import can_be_cut, tail_settings
from lib_music.render.pixels import rgb_to_frame
from lib_music.render.renderer import Frame, ShouldStop
from lib_music.schedule.animation import Animation

#: The job id of a run that is not started yet.
NOT_YET = "-"
#: s. How long a run that was told to stop may still be at its picture.
LAST_STROKE = 60.0

log = logging.getLogger(__name__)


def never() -> bool:
    """Nobody wants to stop."""
    return False


class DeforumRenderer:
    """A :class:`~lib_music.render.renderer.Renderer` that lets Deforum paint, wherever it runs.

    Parameters
    ----------
    runs : DeforumRuns
        Where it runs.
    batch_name : str
        What the output folder there shall be called; made a slug and followed by a mark of the settings.
    job_file : Path, optional
        Where to remember the run between segments, so that nothing is painted twice.
    pace : Pace
    should_stop : callable
        Asked while waiting; True stops the run there and raises Interrupted.
    notes : sequence of str
        Lines to say before painting.
    """

    name = "deforum"

    def __init__(
        self,
        runs: DeforumRuns,
        *,
        batch_name: str = "music-visualizer",
        job_file: Path | None = None,
        pace: Pace,
        should_stop: ShouldStop = never,
        notes: Sequence[str] = (),
    ) -> None:
        self.notes = tuple(notes)
        self._runs, self._pace, self._should_stop = runs, pace, should_stop
        self._batch_name = slug(batch_name, "music-visualizer")[:51]
        self._job_file = job_file
        self._record: JobRecord | None = None

    def frames(
        self, animation: Animation, start: int, state: bytes | None, end: int | None = None
    ) -> Iterator[Frame]:
        """Yield frames from ``start`` on; see :class:`~lib_music.render.renderer.Renderer`.

        Raises
        ------
        DeforumError
            Deforum cannot be reached, refuses, fails, is interrupted or stops short of the last frame.
        Interrupted
            ``should_stop`` said so, or the place knows that a person stopped the run.
        """
        self._runs.check()
        n_frames = animation.timebase.n_frames
        end = n_frames if end is None else end
        given = JobRecord.from_bytes(state) if state else None
        record = self._remembered(given, 0 if end == n_frames else end)
        settings, digest = self._chosen(animation, record)
        left = end - start
        try:
            fresh = self._anew(settings, digest, given, 0 if end == n_frames else end)
            follower = self._attach(animation, settings, start, record, fresh)
            for frame in range(start, end):
                left -= 1
                yield rgb_to_frame(follower.wait(frame - self._first))
        except (GeneratorExit, KeyboardInterrupt, Interrupted, WrongSizeError):
            if left:  # else the run is at its end anyway
                self._cancel()
            raise
        finally:
            self._runs.leave()

    @property
    def _first(self) -> int:
        return self._record.first if self._record else 0

    def state(self) -> bytes:
        """The run as we remember it; a few hundred bytes."""
        return self._record.to_bytes() if self._record else b""

    def state_after(self, animation: Animation, start: int, picture: Path) -> bytes:
        """A run that is still to be started, from a picture of ours; raises DeforumError where a part cannot be."""
        settings, digest = self._chosen(animation, None)
        if not can_be_cut(settings):
            raise DeforumError(
                "these settings can only be painted as a whole: a prompt's own formula, guided images, Parseq, the "
                "keyframe distribution or the mode count frames from the beginning",
                "paint the whole video, or take that out of the settings",
            )
        place = str(picture.resolve())
        return JobRecord(NOT_YET, digest, settings["batch_name"], first=start, picture=place, source=place).to_bytes()

    def _remembered(self, given: JobRecord | None, last: int) -> JobRecord | None:
        """The run to go on with: the file is written whenever it changes, so newer than the last segment's state."""
        record = JobRecord.load(self._job_file) if self._job_file else None
        first = given.first if given is not None else 0
        # Of another part of the video, where that is painted in several.
        return given if record is None or record.last != last or record.first < first else record

    def _anew(self, settings: dict[str, Any], digest: str, given: JobRecord | None, last: int) -> JobRecord:
        """A run that is still to be started: of the part that was asked for, else from the beginning."""
        fresh = JobRecord(NOT_YET, digest, settings["batch_name"], last=last)
        if given is None or given.digest != digest or not given.source or not Path(given.source).is_file():
            return fresh
        return dataclasses.replace(fresh, first=given.first, picture=given.source, source=given.source)

    def _chosen(self, animation: Animation, record: JobRecord | None) -> tuple[dict[str, Any], str]:
        """The settings to paint with, and their mark: those of the remembered run where they can still be used."""
        built = build_settings(animation, batch_name=self._batch_name)
        choices = [(choice, settings_digest(choice, animation.start_image)) for choice in self._runs.choices(built)]
        settings, digest = next((c for c in choices if record is not None and c[1] == record.digest), choices[0])
        settings["batch_name"] = f"{self._batch_name}-{digest[:8]}"
        return settings, digest

    def _attach(
        self, animation: Animation, settings: dict[str, Any], start: int, record: JobRecord | None, fresh: JobRecord
    ) -> Follower:
        """Follow what is already there as far as it goes, else start a run."""
        begun = record is not None and (record.job_id != NOT_YET or bool(record.timestring))
        if record is not None and begun and record.digest == fresh.digest and record.first <= start:
            self._remember(record)
            follower = self._take_up(animation, settings, start)
            if follower is not None:
                return follower
        return self._submit(animation, settings, fresh)

    def _take_up(self, animation: Animation, settings: dict[str, Any], start: int) -> Follower | None:
        """Go on with the remembered run; None where nothing of it can be used."""
        status = self._settled()
        record = self._known()
        follower = self._follower(animation, self._of_run(settings, record))
        if status is not None and not status.is_over and status.is_painting and not record.cancelled:
            log.info("following run %s, which is still painting", record.job_id)
            return follower
        source = follower.source()
        if source is None:
            return None
        count, n = source.count(), _end(animation, record) - record.first
        half_painted = _half_painted(status, record)
        # A block is whole when another one follows it; the last, unless the run was interrupted.
        needed = follower.total if self._known().counted_from else n + (follower.cadence if half_painted else 0)
        if count >= needed and source.read(n - 1) is not None:
            follower.finished = True
            return follower
        if self._known().counted_from:
            log.warning("a run by keyframes cannot be gone on with; painting anew")
            return None
        keep = self._keep(source, count, follower.cadence, half_painted)
        if keep is not None and not source.miscounts(source.count()):
            if keep < 2 * follower.cadence:
                return None
            log.info("resuming after %d frames", record.first + keep)
            return self._submit(animation, settings, dataclasses.replace(record, cancelled=False))
        count, first = source.count(), start - start % follower.cadence
        if not can_be_cut(settings) or not record.first < first <= record.first + count - follower.cadence:
            log.warning("Deforum cannot go on from the frames that are there; painting anew")
            return None
        log.info("going on at frame %d with a run of its own", first)
        picture = remote_path(record.outdir, record.timestring, first - 1 - record.first)
        rest = JobRecord(NOT_YET, record.digest, record.batch_name, first=first, picture=picture, last=record.last)
        return self._submit(animation, settings, rest)

    def _settled(self) -> JobStatus | None:
        """The remembered run's status, once a cancelled one has put down its brush."""
        until = time.monotonic() + LAST_STROKE
        record = self._known()
        status = self._runs.job(record.job_id)
        while (
            status is not None
            and (record.cancelled or status.status == "CANCELLED")
            and status.phase in ("PREPARING", "GENERATING")
            and time.monotonic() < until
        ):
            self._pause(self._pace.poll)
            status = self._runs.job(record.job_id)
        if status is not None and not record.timestring and status.timestring:
            self._remember(dataclasses.replace(record, timestring=status.timestring, outdir=status.outdir))
        return status

    def _keep(
        self, source: FrameSource, count: int, cadence: int, half_painted: bool | None
    ) -> int | None:
        """How many frames Deforum may resume from, after deleting what is not whole; None: cannot delete.

        Deforum goes on at the last multiple of the cadence and blends from the block before it. Where it is
        not known how the run ended, the last block is deleted only where that is possible.
        """
        if count and source.read(count - 1) is None:
            half_painted = True
        if half_painted is False:
            source.drop_from(count)  # what lies behind a gap
            return count - count % cadence
        keep = max(count - 1, 0) // cadence * cadence
        if source.drop_from(keep):
            return keep
        return count - count % cadence if half_painted is None else None

    def _submit(self, animation: Animation, settings: dict[str, Any], record: JobRecord) -> Follower:
        """Start a run: from its own frames where the record has a timestring, else from its beginning."""
        if record.source and not record.timestring:
            record = self._placed(record)
        run = self._of_run(settings, record)
        sent = dict(run, resume_from_timestring=bool(record.timestring), resume_timestring=record.timestring)
        if animation.start_image is not None and run["init_image"] == str(animation.start_image):
            sent.update(self._runs.place_start_image(animation.start_image))
        self._remember(dataclasses.replace(record, job_id=self._runs.submit(sent)))
        return self._follower(animation, run)

    def _of_run(self, settings: dict[str, Any], record: JobRecord) -> dict[str, Any]:
        """The settings of the run itself, which may be only the rest of the animation."""
        if not (record.first or record.last):
            return settings
        return tail_settings(settings, record.first, record.picture, record.last)

    def _placed(self, record: JobRecord) -> JobRecord:
        """The record with its picture where the WebUI finds it."""
        placed = self._runs.place_start_image(Path(record.source)).get("init_image")
        if not placed:
            raise DeforumError("the WebUI takes no picture to begin from", "share a folder with it, or paint the whole")
        return dataclasses.replace(record, picture=str(placed))

    def _known(self) -> JobRecord:
        assert self._record is not None
        return self._record

    def _follower(self, animation: Animation, run: dict[str, Any]) -> Follower:
        record = self._known()
        return Follower(
            self._runs,
            record,
            run,
            (animation.width, animation.height),
            _end(animation, record) - record.first,
            pace=self._pace,
            pause=self._pause,
            remember=self._remember,
        )

    def _remember(self, record: JobRecord) -> None:
        self._record = record
        if self._job_file is not None:
            record.save(self._job_file)

    def _cancel(self) -> None:
        """Stop the run there, and note that its last picture may be half painted."""
        if self._record is not None and self._runs.cancel(self._record.job_id):
            self._remember(dataclasses.replace(self._record, cancelled=True))

    def _pause(self, seconds: float) -> None:
        """Sleep, but not through a wish to stop."""
        until = time.monotonic() + seconds
        while True:
            if self._should_stop():
                raise Interrupted("stopped", AGAIN)
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.2))


def _end(animation: Animation, record: JobRecord) -> int:
    """The frame that the run ends before."""
    return record.last or animation.timebase.n_frames


def _half_painted(status: JobStatus | None, record: JobRecord) -> bool | None:
    """Whether the run ended by an interrupt, after which its last picture is half painted; None: unknown."""
    if record.cancelled:
        return True
    return None if status is None else status.status not in ("FAILED", "SUCCEEDED")
