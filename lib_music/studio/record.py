"""What a video was painted with, and how long painting takes here.

Conventions: ``model.json`` in a project says with which renderer, checkpoint, VAE and motion its painting was begun;
``rates.json`` beside the jobs' records holds measured seconds. Both are only read for people: one that is missing,
damaged or from elsewhere counts as nothing.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from lib_music import __version__
from lib_music.errors import InputError, ProjectError
from lib_music.files import read_json, write_json
from lib_music.project import Project
from lib_music.render.deforum_frames import FolderFrames
from lib_music.render.deforum_job import JobRecord
from lib_music.render.deforum_settings import AROUND, is_ours
from lib_music.schedule.animation import Animation
from lib_music.studio.host import Model
from lib_music.studio.motion import Motion
from lib_music.studio.studio import Studio

#: The files' names, and their version.
RECORD, RATES, VERSION = "model.json", "rates.json", 1
#: Where the remote and the in-process Deforum keep their run, in the project.
DEFORUM_JOB = "deforum_job.json"
#: ``picture``: one picture from nothing; ``diffusion``, ``frame``: in a video, all included.
Unit = Literal["picture", "diffusion", "frame"]
_MAX_RATES, _MAX_TEXT, _MOST_ALSO = 100, 400, 50
#: A network in a prompt, as the host reads it: ``<lora:name:0.7>``.
_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):([^:<>\n]{1,200})(?::[^<>\n]{0,200})?>", re.IGNORECASE)
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
    networks : mapping of str to str
        The LoRAs and the like that its prompts call for, with their short hashes; empty where those are not known.
    also : tuple of Model
        Those that painted other parts of what is there.
    """

    renderer: str
    motion: Motion
    model: Model | None = None
    key: str = ""
    app: str = __version__
    frames: int = 0
    networks: Mapping[str, str] = field(default_factory=dict)
    also: tuple[Model, ...] = ()

    def beside(self, *models: Model | None) -> tuple[Model, ...]:
        """Those that painted this and are not among ``models``, each once."""
        left = {key_of(model): model for model in (self.model, *self.also) if model is not None}
        return tuple(model for key, model in left.items() if key not in {key_of(other) for other in models})


def networks_of(animation: Animation) -> tuple[str, ...]:
    """The names of the networks that an animation's prompts call for, each once.

    Deforum puts the person's own words around every prompt, unless the prompts are driven.
    """
    theirs = () if is_ours(animation, "prompts") else AROUND
    around = (str(animation.base_settings.get(key) or "") for key in theirs)
    texts = (*animation.prompts.values(), *animation.negatives.values(), *around)
    return tuple(dict.fromkeys(match[1].strip() for text in texts for match in _NETWORK.finditer(text)))


def networks_here(studio: Studio, animation: Animation) -> dict[str, str]:
    """Those networks with the short hashes of what would paint now."""
    here = studio.host.networks() or {}
    return {name: here.get(name, "") for name in networks_of(animation)}


def network_differences(studio: Studio, painted: Painted) -> tuple[str, ...]:
    """A line for each network that is not what it was when this was painted."""
    here = studio.host.networks()
    if here is None:
        return ()
    lines = [f"the LoRA {name} is not here" for name in painted.networks if name not in here]
    changed = [(name, then, here[name]) for name, then in painted.networks.items() if name in here]
    other = [entry for entry in changed if entry[1] and entry[2] and entry[1] != entry[2]]
    return (*lines, *(f"the LoRA {name} was {then}, now it is {now}" for name, then, now in other))


def painted_with(project: Project) -> dict[str, Any]:
    """Models, networks and motion of what is painted in a project, in JSON; empty where they are not known."""
    painted = read_painted(project)
    if painted is None:
        return {}
    named = asdict(painted.model) if painted.model is not None else {}
    also = [asdict(model) for model in painted.also]
    return {**named, "networks": dict(painted.networks), "also": also, "motion": asdict(painted.motion)}


def write_restored(project: Project, painter: str, told: Mapping[str, Any], *, whole: bool) -> None:
    """Keep what painted a take that was brought back: in place of what is recorded, or beside it where it is a part.

    ``told`` is what :func:`painted_with` said when it was put aside; one that cannot be read changes nothing.
    """
    now = read_painted(project)
    if now is None:
        return
    try:
        model = _model(told) if told.get("checkpoint") else None
        others = tuple(map(_model, told.get("also", [])[:_MOST_ALSO]))
        networks = {_text(name): _text(mark) for name, mark in told.get("networks", {}).items()}
        motion = Motion.from_dict(told["motion"]) if "motion" in told else now.motion
    except (InputError, TypeError, AttributeError):
        return
    then = Painted(painter, motion, model, key_of(model), frames=now.frames, networks=networks, also=others)
    if not whole:
        also = (*now.beside(now.model), *then.beside(now.model, *now.also))
        then = replace(now, networks={**then.networks, **now.networks}, also=also[:_MOST_ALSO])
    write_painted(project, then)


def read_painted(project: Project) -> Painted | None:
    """How this project's painting was begun; None when none was, or it cannot be read."""
    path = project.path(RECORD)
    try:
        data: Any = read_json(path) if path.is_file() else None
        if not isinstance(data, dict) or data.get("version") != VERSION:
            return None
        found = data["model"]
        # What an earlier version did not write down is empty.
        model = _model(found) if found is not None else None
        also = tuple(map(_model, data.get("also", [])[:_MOST_ALSO]))
        networks = {_text(name): _text(mark) for name, mark in data.get("networks", {}).items()}
        texts = (_text(data[name]) for name in ("renderer", "key", "app"))
        renderer, key, app = texts
        frames = data.get("frames", 0)
        frames = frames if type(frames) is int and frames > 0 else 0
        return Painted(renderer, Motion.from_dict(data["motion"]), model, key, app, frames, networks, also)
    except (ProjectError, InputError, KeyError, TypeError, AttributeError):
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
    if model is None:
        return ""
    skip = f"/CLIP skip {model.clip_skip}" if model.clip_skip else ""
    return "/".join((model.checkpoint, model.checkpoint_hash, model.vae, model.vae_hash)) + skip


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


def _model(found: Any) -> Model:
    """A model from JSON; raises TypeError."""
    if not isinstance(found, Mapping):
        raise TypeError("the model is no object")
    return Model(**{f.name: _text(found.get(f.name, "")) for f in fields(Model)})


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise TypeError("not a short text")
    return value
