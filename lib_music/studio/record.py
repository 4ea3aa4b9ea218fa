"""What a video was painted with, and how long painting takes here.

Conventions: ``model.json`` in a project says with which renderer, checkpoint, VAE and motion its painting was begun;
``rates.json`` beside the jobs' records holds measured seconds. Both are only read for people: one that is missing,
damaged or from elsewhere counts as nothing.
"""

from __future__ import annotations

import math
import threading
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from lib_music import __version__
from lib_music.errors import InputError, ProjectError
from lib_music.files import read_json, write_json
from lib_music.project import Project
from lib_music.render.deforum_frames import FolderFrames
from lib_music.render.deforum_job import JobRecord
from lib_music.studio.host import Model
from lib_music.studio.motion import Motion
from lib_music.studio.studio import Studio

#: The files' names, and their version.
RECORD, RATES, VERSION = "model.json", "rates.json", 1
#: Where the remote and the in-process Deforum keep their run, in the project.
DEFORUM_JOB = "deforum_job.json"
#: ``picture``: one picture from nothing; ``diffusion``, ``frame``: in a video, all included.
Unit = Literal["picture", "diffusion", "frame"]
_MAX_RATES, _MAX_TEXT = 100, 400
_writing = threading.Lock()


@dataclass(frozen=True)
class Painted:
    """How the painting in a project was begun.

    Attributes
    ----------
    renderer : str
    motion : Motion
        The settings it was begun with.
    model : Model or None
        None where it was not known.
    key : str
        The mark of the model in the painting's own; see :attr:`lib_music.pipeline.Plan.painted_with`.
    app : str
        Our version then.
    frames : int
        Of the whole video; 0 where it was not written down.
    """

    renderer: str
    motion: Motion
    model: Model | None = None
    key: str = ""
    app: str = __version__
    frames: int = 0


def read_painted(project: Project) -> Painted | None:
    """How this project's painting was begun; None when none was, or it cannot be read."""
    path = project.path(RECORD)
    try:
        data: Any = read_json(path) if path.is_file() else None
        if not isinstance(data, dict) or data.get("version") != VERSION:
            return None
        found = data["model"]
        model = None if found is None else Model(**{f.name: _text(found[f.name]) for f in fields(Model)})
        texts = (_text(data[name]) for name in ("renderer", "key", "app"))
        renderer, key, app = texts
        frames = data.get("frames", 0)
        frames = frames if type(frames) is int and frames > 0 else 0
        return Painted(renderer, Motion.from_dict(data["motion"]), model, key, app, frames)
    except (ProjectError, InputError, KeyError, TypeError):
        return None


def write_painted(project: Project, painted: Painted) -> None:
    """Keep how a painting is begun."""
    write_json(project.path(RECORD), {"version": VERSION, **asdict(painted)})


def pictures_on_disk(project: Project) -> int:
    """Frames that Deforum has painted in the latest painting and that are still there, half painted ones among them."""
    job, begun = project.path(DEFORUM_JOB), project.path(RECORD)
    try:
        if job.stat().st_mtime_ns < begun.stat().st_mtime_ns:
            return 0  # an earlier painting's
    except OSError:
        return 0
    run = JobRecord.load(job)
    if run is None or not run.outdir or not run.timestring:
        return 0
    count = FolderFrames(Path(run.outdir), run.timestring).count()
    return run.first + count if count else 0


def key_of(model: Model | None) -> str:
    """A mark of a model: other pixels come of another one."""
    return "" if model is None else "/".join(asdict(model).values())


def rate_name(renderer: str, motion: Motion, model: Model | None) -> str:
    """What a measured time depends on."""
    if renderer == "animatic":
        return f"animatic {motion.width}x{motion.height}"
    return f"{renderer} {motion.width}x{motion.height} {motion.sampler} {motion.steps} {key_of(model)}"


def read_rate(studio: Studio, name: str, unit: Unit) -> float | None:
    """Seconds that were measured here; None where none were."""
    found = _rates(studio.jobs.folder / RATES).get(name)
    seconds = found.get(unit) if isinstance(found, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    return float(seconds) if 0 < seconds < math.inf else None


def keep_rate(studio: Studio, name: str, unit: Unit, seconds: float) -> None:
    """Remember a measured time; the names used last are kept."""
    path = studio.jobs.folder / RATES
    with _writing:
        rates = _rates(path)
        before = rates.pop(name, {})
        rates[name] = {**(before if isinstance(before, dict) else {}), unit: round(seconds, 5)}
        write_json(path, {"version": VERSION, "rates": dict(list(rates.items())[-_MAX_RATES:])})


def _rates(path: Path) -> dict[str, Any]:
    try:
        data = read_json(path) if path.is_file() else {}
    except ProjectError:
        return {}
    rates = data.get("rates") if isinstance(data, dict) and data.get("version") == VERSION else None
    return dict(rates) if isinstance(rates, dict) else {}


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise TypeError("not a short text")
    return value
