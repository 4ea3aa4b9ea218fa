"""The Finishing part of the page: what is made of a video that is painted, and how Deforum fills its cadence.

Conventions: what the person chose last is the person's (:mod:`lib_music.studio.finishing_file`). What is made lies in
``finished/``, beside the video, which stays as it is. Optical flow between diffused frames is Deforum's own and
counts from the next painting on, like everything that moves.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_STORED, ZipFile

from lib_music.errors import InputError, ProjectError
from lib_music.files import written_aside
from lib_music.project import Project
from lib_music.render.deforum_flow import FLOWS
from lib_music.studio.estimate import Setup, check_room, read_size
from lib_music.studio.finishing_file import flow_of, read_choices, write_choices
from lib_music.studio.foreign import number, text, whole
from lib_music.studio.job import Job, JobReporter
from lib_music.studio.panels import Panel
from lib_music.studio.studio import Studio
from lib_music.studio.takes import plan_now
from lib_music.studio.turns import free, turn
from lib_music.studio.workspace import find_project
from lib_music.video.finish import FINISHED, MAX_FACTOR, MAX_TIMES, Finish, Work

if TYPE_CHECKING:
    from lib_music.studio.host import Choice
    from lib_music.studio.known import Known

FORMATS = {"mp4": "mp4", "prores": "ProRes 422 HQ (mov)", "png": "PNG pictures (a folder)"}


def finished(studio: Studio, name: str, wish: Finish) -> Job:
    """Make something of a finished video.

    Raises
    ------
    InputError
        The video is not finished, or the wish cannot be fulfilled here; nothing is written then.
    """
    project = find_project(studio.host, name)
    _check(studio, project, wish)

    def work(reporter: JobReporter) -> Mapping[str, str]:
        from lib_music.pipeline import titles_of
        from lib_music.takes.again import check_shape
        from lib_music.video.finish import finish

        with free(project, reporter) as opened:
            reporter.stage("schedule")
            plan = plan_now(studio, opened, reporter)
            check_shape(plan, opened.progress())
            task = Work(opened, wish, plan.audio, titles_of(plan))
            with turn(studio, reporter):
                finisher = studio.host.finisher(wish.upscaler, wish.interpolator)
                total = sum(opened.progress().lengths)
                reporter.describe = lambda amount: f"frame {int(amount)} of {total}"
                out = finish(task, finisher, reporter)
        return {"finished": out.relative_to(opened.folder).as_posix()}

    return studio.jobs.submit("finish", name, work)


def _check(studio: Studio, project: Project, wish: Finish) -> None:
    """What can be seen to be impossible before anything is begun."""
    progress = project.progress()
    if not progress.is_finished or not progress.width:
        raise InputError("there is no finished video yet", "press Visualize first")
    wish.size(progress.width, progress.height)
    for id, choices in ((wish.upscaler, studio.host.upscalers()), (wish.interpolator, studio.host.interpolators())):
        if not id:
            continue
        choice = next((choice for choice in choices if choice.id == id), None)
        if choice is None:
            raise InputError(f"{id[:60]!r} is not known here", "choose one of the list")
        if not choice.usable:
            raise InputError(f"{choice.label} cannot be used now: {choice.note}", "or choose another one")
    _check_disk(studio, project, wish)


def _check_disk(studio: Studio, project: Project, wish: Finish) -> None:
    """Refuse what would go over the cap."""
    check_room(studio, guess_of(project, wish))


def guess_of(project: Project, wish: Finish) -> int:
    """A rough guess of the bytes of a result."""
    progress = project.progress()
    width, height = wish.size(progress.width, progress.height)
    pixels = sum(progress.lengths) * wish.times * width * height
    return round(pixels * {"mp4": 0.05, "prores": 0.7, "png": 1.8}[wish.format])


# -- what the page asks for ------------------------------------------------------------------------------------------


def _finish(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """``upscaler`` with ``factor``, ``interpolator`` with ``times``, ``format``; all may be left out."""
    upscaler = text(action, "upscaler", 200) if action.get("upscaler") is not None else ""
    interpolator = text(action, "interpolator", 200) if action.get("interpolator") is not None else ""
    form = text(action, "format", 20) if action.get("format") is not None else "mp4"
    if form not in FORMATS:
        raise InputError(f"format {form!r} is not known", f"choose {', '.join(FORMATS)}")
    factor = number(action, "factor", 1.0, MAX_FACTOR) if upscaler else 1.0
    times = whole(action, "times", 2, MAX_TIMES) if interpolator else 1
    wish = Finish(upscaler, factor, interpolator, times, form)  # type: ignore[arg-type]
    finished(studio, project.folder.name, wish)
    chosen = {"upscaler": upscaler, "factor": factor, "interpolator": interpolator, "times": times, "format": form}
    write_choices(project, {**read_choices(project), **chosen})


def _flow(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    flow = text(action, "flow", 40)
    if flow not in ("", *FLOWS):
        raise InputError(f"optical flow {flow!r} is not known", f"choose {', '.join(FLOWS)}")
    with project.editing():
        write_choices(project, {**read_choices(project), "flow": flow})


def _pack_up(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    packed(studio, project.folder.name, text(action, "name", 300))


def _delete(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    name = text(action, "name", 300)
    found = next((path for path in results_of(project) if path.name == name), None)
    if found is None:
        raise InputError("there is no such result", "choose one of the list")
    if action.get("confirm") != name:
        raise InputError("the result is not deleted without a confirmation", f"confirm it with: {name}")
    gone = found.with_name(f".{found.name}.gone")
    try:
        shutil.rmtree(gone, ignore_errors=True)
        found.replace(gone)
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    except OSError as error:
        raise ProjectError(f"cannot delete {name}: {error.strerror or error}", "check the permissions") from error


def packed(studio: Studio, name: str, result: str) -> Job:
    """Put the pictures of a folder into one zip beside it, as they are, so that a browser can fetch them.

    Raises
    ------
    InputError
        There is no such folder, or no room for as much again.
    """
    project = find_project(studio.host, name)
    folder = next((path for path in results_of(project) if path.name == result and path.is_dir()), None)
    if folder is None:
        raise InputError("there is no such folder of pictures", "choose one of the list")
    check_room(studio, sum(path.stat().st_size for path in _pictures(folder)))

    def work(reporter: JobReporter) -> Mapping[str, str]:
        return {"finished": _pack(folder, reporter).relative_to(project.folder).as_posix()}

    return studio.jobs.submit("pack", name, work)


def _pack(folder: Path, reporter: JobReporter) -> Path:
    pictures, out = _pictures(folder), folder.with_name(f"{folder.name}.zip")
    reporter.describe = lambda amount: f"picture {int(amount)} of {len(pictures)}"
    reporter.stage("pack", max(1, len(pictures)))
    try:
        # PNG is packed already. What is past 4 GB needs the longer form of zip.
        with written_aside(out) as aside, ZipFile(aside, "w", ZIP_STORED, strict_timestamps=False) as pack:
            for done, path in enumerate(pictures, 1):
                pack.write(path, f"{folder.name}/{path.name}")
                reporter.done(done)
                reporter.check()
    except FileNotFoundError as error:
        raise ProjectError(f"{folder.name} was deleted meanwhile", "press Finish again") from error
    return out


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def results_of(project: Project) -> list[Path]:
    """What was made of the video, the latest first: files, and folders of PNG pictures; a link is none."""
    folder = project.path(FINISHED)
    found = folder.iterdir() if folder.is_dir() else ()
    there = [path for path in found if not path.name.startswith(".") and not path.is_symlink()]
    return sorted(there, key=lambda path: path.stat().st_mtime_ns, reverse=True)


# -- drawing ---------------------------------------------------------------------------------------------------------


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any]:
    project, progress, kept = now.project, now.project.progress(), read_choices(now.project)
    fps = Fraction(progress.fps) if progress.fps else Fraction(0)
    return {
        "ready": progress.is_finished and bool(progress.width),
        "width": progress.width,
        "height": progress.height,
        "fps": round(float(fps), 3),
        "upscalers": [_choice(choice) for choice in studio.host.upscalers()],
        "interpolators": [_choice(choice) for choice in studio.host.interpolators()],
        "formats": [{"id": id, "label": label, "note": ""} for id, label in FORMATS.items()],
        "chosen": {name: kept[name] for name in ("upscaler", "factor", "interpolator", "times", "format")
                   if isinstance(kept.get(name), str | int | float)},
        "flow": flow_of(project),
        "flows": [{"id": id, "label": label, "note": ""} for id, label in FLOWS.items()],
        "deforum": setup is not None and setup.renderer == "deforum",
        "results": [_result(studio, project, path) for path in results_of(project)],
    }  # fmt: skip


def _choice(choice: Choice) -> dict[str, str]:
    return {"id": choice.id, "label": choice.label, "note": choice.note}


def _result(studio: Studio, project: Project, path: Any) -> dict[str, Any]:
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    url = studio.url(path) if path.is_file() else None
    pictures = 0 if path.is_file() else len(files)
    place = path.relative_to(project.folder.parent).as_posix()
    return {"name": path.name, "size": read_size(size), "url": url, "pictures": pictures, "place": place}


PANEL = Panel(
    "finishing",
    "visualize",
    _draw,
    {"finish": _finish, "cadence_flow": _flow, "delete_finished": _delete, "pack_finished": _pack_up},
)
