"""Deforum in this very process: the renderer of the tab.

Conventions: used inside the host's turn, so that nothing else paints meanwhile. Frames are read from Deforum's own
output folder as they appear (:mod:`lib_music.render.deforum_renderer`); it makes no video. The folder, the time
string and the run's mark are kept in the project, so that a killed WebUI goes on with the frames on disk.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.errors import DeforumError, Interrupted, MusicVisualizerError
from lib_music.files import slug
from lib_music.render.deforum_follow import Pace
from lib_music.render.deforum_frames import FolderFrames, FrameSource
from lib_music.render.deforum_job import JobRecord, JobStatus
from lib_music.render.deforum_renderer import DeforumRenderer
from lib_music.render.deforum_runs import AGAIN
from lib_music.render.deforum_settings import build_settings
from lib_music.webui.deforum_args import replaced
from lib_music.webui.deforum_errors import failure
from lib_music.webui.deforum_find import deforum_note, depth_file, find_deforum, has_depth_model
from lib_music.webui.deforum_run import Run

if TYPE_CHECKING:
    from lib_music.pipeline import Plan
    from lib_music.project import Project
    from lib_music.render.renderer import Renderer, ShouldStop
    from lib_music.schedule.animation import Animation

__all__ = ["deforum_note", "deforum_notes_for", "make_deforum_renderer"]

#: Beside the record of the run in the project; there only while Deforum reads it.
SETTINGS_FILE, JOB_FILE = "deforum_run.json", "deforum_job.json"
#: Files are there as soon as the call returns; a run that says nothing for half an hour is stuck.
PACE = Pace(poll=0.2, stall=1800.0, settle=0.5)
#: s. How long a run may take to stop: the picture it is at, or the model it loads.
PATIENCE = 60.0

log = logging.getLogger(__name__)

_lock = threading.Lock()
_latest: Run | None = None


def make_deforum_renderer(plan: Plan, project: Project, should_stop: ShouldStop) -> Renderer:
    """The renderer for this plan, to be used inside the host's turn.

    Raises DeforumError where Deforum cannot be used.
    """
    return DeforumRenderer(
        InProcessRuns(project.path(SETTINGS_FILE), depth_choices(plan.animation)[0]),
        batch_name=slug(plan.track.display),
        job_file=project.path(JOB_FILE),
        pace=PACE,
        should_stop=should_stop,
        notes=deforum_notes_for(plan.animation),
    )


def deforum_notes_for(animation: Animation) -> tuple[str, ...]:
    """Lines to say before painting: how 3D is made here, and what of the person's file cannot stay as it is."""
    note = depth_choices(animation)[1]
    theirs = {key: value for key, value in animation.base_settings.items() if key not in animation.driven}
    lines: tuple[str, ...] = ()
    with contextlib.suppress(DeforumError):  # is told when it is to paint
        lines = replaced(theirs, find_deforum().args)
    return (*((note,) if note else ()), *lines)


def depth_choices(animation: Animation) -> tuple[tuple[bool, ...], str]:
    """For 3D, whether to warp by depth, the best choice first, and a line about it; nothing for other modes."""
    settings = build_settings(animation, batch_name="")
    if settings["animation_mode"] != "3D":
        return (), ""
    own = animation.base_settings.get("use_depth_warping")
    if own is False:
        return (False,), "flat 3D, as the settings file says"
    algorithm = str(settings["depth_algorithm"])
    ready = has_depth_model(algorithm)
    if ready or (ready is None and own):
        return (True, False), f"3D with depth ({algorithm})"
    name = depth_file(algorithm) or f"the model of {algorithm}"
    return (False,), (
        f"flat 3D without depth: {name} is not in models/Deforum; one 3D run in Deforum's own tab downloads it"
    )


class InProcessRuns:
    """The :class:`~lib_music.render.deforum_runs.DeforumRuns` of the Deforum in this process.

    Parameters
    ----------
    file : Path
        Where to put a run's settings while Deforum reads them.
    depth : tuple of bool
        What :func:`depth_choices` gives.
    """

    def __init__(self, file: Path, depth: tuple[bool, ...] = ()) -> None:
        self._file, self._depth = file, depth
        self._run: Run | None = None

    def check(self) -> None:
        """Make sure that Deforum is here, and a checkpoint."""
        find_deforum()
        models: Any = importlib.import_module("modules.sd_models")
        if not getattr(models, "checkpoints_list", True):
            raise DeforumError(
                "no checkpoint is installed", "put one into models/Stable-diffusion and choose it on top of the page"
            )

    def choices(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """3D with depth and flat, where both can be painted."""
        if not self._depth:
            return (dict(settings),)
        return tuple({**settings, "use_depth_warping": depth} for depth in self._depth)

    def place_start_image(self, path: Path) -> dict[str, Any]:
        """The file itself: this is the same machine."""
        return {"init_image": str(path.resolve())}

    def submit(self, settings: Mapping[str, Any]) -> str:
        """Start a run; raises DeforumError where the last one still goes on or the sampler is not here."""
        global _latest
        check_sampler(str(settings["sampler"]))
        with _lock:
            if _latest is not None and not _latest.is_over and not _latest.stop(PATIENCE):
                raise DeforumError("Deforum is still busy with the run before", "wait, or restart the WebUI")
            sent = dict(settings)
            if sent.get("save_depth_maps") and not has_depth_model(str(sent["depth_algorithm"])):
                sent["save_depth_maps"] = False  # it would load the depth model for nothing else
            run = Run(find_deforum(), sent, self._file)
            run.start()
            self._run = _latest = run
        return run.id

    def job(self, job_id: str) -> JobStatus | None:
        """How a run of this process goes; None for those of earlier ones."""
        for run in (self._run, _latest):
            if run is not None and run.id == job_id:
                return run.status()
        return None

    def cancel(self, job_id: str) -> bool:
        """Interrupt the run and wait for its end; True also where the host's own Interrupt has ended it."""
        run = self._run
        if run is None or run.id != job_id:
            return False
        if not run.is_over:
            run.stop(PATIENCE)
            return True
        return run.status().status == "CANCELLED"

    def leave(self) -> None:
        """See the run to its end; raises Interrupted where it does not come to one."""
        run = self._run
        if run is not None and not run.wait(PATIENCE) and not run.stop(PATIENCE):
            raise Interrupted(
                "stopped, but Deforum is still busy", "wait until the WebUI's console is quiet before starting again"
            )

    def sources(self, record: JobRecord) -> list[FrameSource]:
        """Deforum's output folder."""
        if not record.outdir:
            return []
        return [FolderFrames(Path(record.outdir), record.timestring, record.counted_from)]

    def trouble(self, status: JobStatus, count: int, n_frames: int, *, begun: bool) -> MusicVisualizerError:
        """What Deforum has said and printed, translated; Interrupted where somebody stopped it."""
        if status.status == "CANCELLED":
            return Interrupted(f"stopped after {count} of {n_frames} frames", AGAIN)
        run = self._run
        if status.status == "FAILED" and run is not None:
            return failure(run.said, run.printed, run.settings, count, n_frames, begun=begun)
        return DeforumError(
            f"Deforum says it is done with {count} of {n_frames} frames",
            f"check that the disk is not full; the WebUI's console tells more; {AGAIN}",
        )


def check_sampler(name: str) -> None:
    """Refuse a sampler that this host does not have: it would quietly paint with another one.

    A scheduler's name may follow, as in ``DPM++ 2M Karras``. Raises DeforumError.
    """
    known = _sampler_names()
    bare = {name, *(name.removesuffix(f" {word}") for word in _scheduler_names())}
    if known and not bare & set(known):
        offered = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise DeforumError(f"this WebUI has no sampler {name[:60]!r}", f"choose one of: {offered}")


def _sampler_names() -> list[str]:
    samplers: Any = importlib.import_module("modules.sd_samplers")
    if found := getattr(samplers, "all_samplers_map", None):
        return list(found)
    return list(samplers.visible_sampler_names())  # what the person can choose; hidden ones would paint as well


def _scheduler_names() -> list[str]:
    try:
        schedulers: Any = importlib.import_module("modules.sd_schedulers")
    except ImportError:  # older hosts know samplers alone
        return []
    return [word for s in schedulers.schedulers for word in (s.label, s.name, *(s.aliases or ()))]
