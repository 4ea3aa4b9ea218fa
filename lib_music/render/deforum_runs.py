"""Where Deforum runs, as the renderer sees it: behind a WebUI's HTTP API, or in this very process.

Conventions: a run is started with settings, named by a job id, asked for its state, stopped, and its frames are
looked for where the place says they are. What a place knows better than we do is how to tell, in words, why a run
did not come to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from lib_music.errors import MusicVisualizerError
from lib_music.render.deforum_frames import FrameSource
from lib_music.render.deforum_job import JobRecord, JobStatus

#: What to do about a run that can be gone on with.
AGAIN = "start it again to go on from there"


class DeforumRuns(Protocol):
    """A place where Deforum runs, one run at a time."""

    def check(self) -> None:
        """Make sure that there is a Deforum; raises DeforumError."""
        ...

    def choices(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """The settings as they can be painted here, the best first; never empty.

        A run that was begun with one of them is gone on with; a new one takes the first.
        """
        ...

    def place_start_image(self, path: Path) -> dict[str, Any]:
        """Settings that make Deforum find the start image of this machine."""
        ...

    def submit(self, settings: Mapping[str, Any]) -> str:
        """Start a run and return its job id, not empty; raises DeforumError."""
        ...

    def job(self, job_id: str) -> JobStatus | None:
        """How a run goes; None where it is not known, as after a restart."""
        ...

    def cancel(self, job_id: str) -> bool:
        """Stop a run; False where it could not be told or had already come to its end."""
        ...

    def leave(self) -> None:
        """Called once when the renderer is done with its run, whatever became of it."""
        ...

    def sources(self, record: JobRecord) -> list[FrameSource]:
        """Where the frames of a run may be, the best first; ``record.timestring`` is not empty."""
        ...

    def trouble(self, status: JobStatus, count: int, n_frames: int, *, begun: bool) -> MusicVisualizerError:
        """Why a run ended with ``count`` of ``n_frames`` frames; ``begun`` tells whether there is a picture at all."""
        ...
