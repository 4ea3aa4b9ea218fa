"""Earlier visuals: the list of them, opening one with every setting it had, and how its jobs are.

Conventions: what is typed is data and only compared with what is there; a timestring is the 14 digits at the end of a
project's name, or Deforum's name for the run that painted it. Dates are local, to the minute.
"""

from __future__ import annotations

import datetime
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lib_music.errors import InputError, MusicVisualizerError
from lib_music.introduce import SPOTIFY_COVER
from lib_music.pipeline import CORRECTIONS, STORYBOARD, THUMBNAIL
from lib_music.project import Project, fingerprint
from lib_music.prompts.suggestions import SUGGESTIONS
from lib_music.recall import ANALYSIS, CARD, recall_track
from lib_music.render.deforum_job import JobRecord
from lib_music.studio.estimate import anew, chosen_renderer, set_up, with_sampler
from lib_music.studio.host import Model
from lib_music.studio.job import LANES
from lib_music.studio.know import QUESTION
from lib_music.studio.motion import MOTION, Motion, read_motion, write_motion
from lib_music.studio.presets import PRESETS_FOLDER
from lib_music.studio.record import DEFORUM_JOB, RATES, RECORD, network_differences, pictures_on_disk, read_painted
from lib_music.studio.studio import Studio
from lib_music.studio.workspace import find_project, projects

_OURS = re.compile(r".+-(\d{14})")
_MAX_TYPED = 300
#: The files that what is shown of a project is made of.
_SHOWN = (ANALYSIS, CARD, CORRECTIONS, STORYBOARD, SUGGESTIONS, MOTION, RECORD, QUESTION, "project.json",
          "finishing.json", "cover.png", SPOTIFY_COVER, "base.json", "base_settings.json", "routes.json",
          "said.json", "tried.json", "compare/compare.json")  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """An earlier visual, opened.

    Attributes
    ----------
    project : str
    motion : Motion
        Restored.
    notes : tuple of str
        How far it is, what differs, why painting would begin anew.
    model_differs : bool
        Whether another model is loaded than it was painted with.
    recorded : Model or None
        What it was painted with.
    """

    project: str
    motion: Motion
    notes: tuple[str, ...]
    model_differs: bool
    recorded: Model | None


def open_visual(studio: Studio, typed: str, *, resume: bool = False) -> Opened:
    """Open the visual of that name or timestring, with every setting its painting was begun with.

    Parameters
    ----------
    studio : Studio
    typed : str
        Foreign.
    resume : bool
        It shall be gone on with: what its painting was begun with counts before any picture is there, too.

    Raises
    ------
    InputError
        There is none.
    """
    project = _find(studio, typed)
    painted, motion = read_painted(project), read_motion(studio.host, project)
    notes = [_how_far(project)]
    progress = project.progress()
    begun = not progress.is_finished and (resume or progress.painted or pictures_on_disk(project))
    if resume and painted is None:
        notes.append("its painting was not begun yet: it begins with the motion that stands now")
    if painted is not None and begun and painted.motion != _whole(studio, motion):
        notes.append("its motion is again what its painting was begun with" + _sizes(painted.motion, motion))
        motion = painted.motion
        write_motion(project, motion)
    differences = _differences(studio, project)
    if differences:
        notes += [f"{line}: switch back, or go on with what is loaded" for line in differences]
    if painted is not None:
        notes += network_differences(studio, painted)
        if (painted.also and painted.model is not None) or len(painted.also) > 1:
            names = ", ".join(model.checkpoint for model in (painted.model, *painted.also) if model is not None)
            notes.append(f"several checkpoints painted it: {names}")
    try:
        notes += anew(set_up(studio, project.folder.name, motion))
    except MusicVisualizerError as error:
        notes.append(str(error))
    return Opened(project.folder.name, motion, tuple(notes), bool(differences), painted.model if painted else None)


def _whole(studio: Studio, motion: Motion) -> Motion:
    """The motion with everything filled in that the host decides."""
    filled = with_sampler(studio, motion)
    try:
        return replace(filled, renderer=chosen_renderer(studio, motion))
    except InputError:
        return filled


def _sizes(then: Motion, now: Motion) -> str:
    """What a changed rate or size would have meant."""
    changed = []
    if then.fps != now.fps:
        changed.append(f"{then.fps} fps instead of {now.fps}")
    if (then.width, then.height) != (now.width, now.height):
        changed.append(f"{then.width}×{then.height} instead of {now.width}×{now.height}")
    return f" ({', '.join(changed)}; with the others it would begin anew)" if changed else ""


def _how_far(project: Project) -> str:
    share = _done(project)
    return "it is finished" if share == 100 else f"{share} % are painted; Visualize goes on there"


def _done(project: Project) -> int:
    """How much is painted, in whole percent: closed segments, or Deforum's own pictures, which are more."""
    share, painted = project.share(), read_painted(project)
    if painted is not None and painted.frames and not project.progress().is_finished:
        share = max(share, min(0.99, pictures_on_disk(project) / painted.frames))
    return int(100 * share)


def _differences(studio: Studio, project: Project) -> tuple[str, ...]:
    """In what the loaded model is not the recorded one."""
    painted, now = read_painted(project), studio.host.model()
    if painted is None or painted.model is None or now is None:
        return ()
    return now.differs_from(painted.model)


def _find(studio: Studio, typed: str) -> Project:
    """The project of that name or timestring; of several the one that was worked on last."""
    word = typed.strip()
    if word and len(word) <= _MAX_TYPED:
        found = [project for project in projects(studio.host) if word in _names(project)]
        if found:
            return max(found, key=_changed)
    raise InputError(f"no visual is called {word[:60]!r}", "choose one of the list, or type its timestring")


def _names(project: Project) -> set[str]:
    """Under which words a project is found."""
    names = {project.folder.name}
    if ours := _OURS.fullmatch(project.folder.name):
        names.add(ours[1])
    run = JobRecord.load(project.path(DEFORUM_JOB))
    if run is not None and run.timestring:
        names.add(run.timestring)
    return names


def timestring(project: Project) -> str:
    """What the notebook's people type: 14 digits, or the whole name where there are none."""
    ours = _OURS.fullmatch(project.folder.name)
    return ours[1] if ours else project.folder.name


def visuals(studio: Studio, first: int = 0, most: int | None = None) -> list[dict[str, Any]]:
    """The earlier visuals, the one worked on last first; one that cannot be read is listed by its name.

    Parameters
    ----------
    studio : Studio
    first, most : int
        Which of them, for who reads page by page.
    """
    found = sorted(projects(studio.host), key=_changed, reverse=True)
    return [_listed(studio, project) for project in found[first : None if most is None else first + most]]


def _listed(studio: Studio, project: Project) -> dict[str, Any]:
    try:
        title = recall_track(project).display
    except MusicVisualizerError:
        title = project.folder.name
    pictures = (project.path(name) for name in (THUMBNAIL, "cover.png"))
    picture = next((path for path in pictures if path.is_file()), None)
    video = project.progress().video
    changed = datetime.datetime.fromtimestamp(_changed(project))
    return {
        "project": project.folder.name,
        "title": title,
        "date": changed.strftime("%Y-%m-%d %H:%M"),
        "done": _done(project),
        "picture_url": None if picture is None else _url(studio, picture),
        "has_video": bool(video) and project.path(Path(video).name).is_file(),
        "timestring": timestring(project),
    }


def _url(studio: Studio, path: Path) -> str | None:
    try:
        return studio.host.file_url(path)
    except MusicVisualizerError:
        return None


def _changed(project: Project) -> float:
    """When a project was worked on last, unix s."""
    times = [0.0]
    for path in (project.file, project.path("progress.json"), project.path(MOTION), project.path(STORYBOARD)):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times)


def switch_model(studio: Studio, project: str) -> tuple[str, ...]:
    """Load the model that a project was painted with, on the person's word; returns what to say of it.

    Raises
    ------
    InputError
        None is recorded, or the host does not have it.
    """
    painted = read_painted(find_project(studio.host, project))
    if painted is None or painted.model is None:
        raise InputError("it is not known what this was painted with", "choose the checkpoint by hand")
    studio.host.switch_model(painted.model)
    names = ", ".join(name for name in (painted.model.checkpoint, painted.model.vae) if name)
    now = studio.host.model()
    left = now.differs_from(painted.model) if now is not None else ()
    return (f"loaded: {names}", *left)


def status(studio: Studio, project: str) -> dict[str, Any]:
    """How the jobs are, for a page that polls: those that wait or run, and the one of this project that ended last.

    ``revision`` changes when the view of the project would.
    """
    jobs = studio.jobs.all()
    active = [job for job in reversed(jobs) if not job.is_over]
    over = [job for job in jobs if job.is_over and job.project == project]
    last = max(over, key=lambda job: job.finished, default=None)
    documents = [job.to_dict() for job in active] + ([last.to_dict()] if last else [])
    ahead = {"paint": 0, "hear": 0}
    for document in documents[: len(active)]:
        lane = LANES[document["kind"]]
        document["ahead"] = ahead[lane]
        if document["state"] == "waiting" and ahead[lane]:
            document["text"] = f"waiting for {ahead[lane]} before it"
        ahead[lane] += 1
    return {"jobs": documents, "now": time.time(), "revision": revision(studio, project)}


def revision(studio: Studio, name: str) -> str:
    """A mark of everything that the view of a project is made of; empty when there is no such project."""
    try:
        project = find_project(studio.host, name)
    except InputError:
        return ""
    progress = replace(project.progress(), begun=0, states={}, rendered_again=0)
    folder = project.path("preview")
    previews = sorted((path.name, _stamp(path)) for path in folder.glob("*.mp4")) if folder.is_dir() else []
    parts = [_stamp(project.path(shown)) for shown in _SHOWN]
    for name in ("takes", "finished"):
        place = project.path(name)
        parts += [f"{path.name} {_stamp(path)}" for path in sorted(place.iterdir())] if place.is_dir() else []
    parts.append(_stamp(studio.host.workspace() / PRESETS_FOLDER))
    parts += [str(progress), str(previews), _stamp(studio.jobs.folder / RATES), str(studio.host.model())]
    return fingerprint(parts)[:16]


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size}"
