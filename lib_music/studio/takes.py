"""The Takes part of the page: painting sections again, comparing, restoring and deleting, and how much disk it takes.

Conventions: a section is one of the video's, from 0, as the view numbers them; what the page sends is foreign. What
deletes asks for a confirmation in words; what paints or joins is a job. Times are seconds of the video.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lib_music.audio import open_audio
from lib_music.errors import InputError, ProjectBusyError
from lib_music.pipeline import Plan, join_again, section_frames, section_marks
from lib_music.project import Project
from lib_music.studio.estimate import (
    Setup,
    asked,
    check_disk,
    check_room,
    chosen_renderer,
    read_size,
    set_up,
    usable_renderer,
)
from lib_music.studio.foreign import section_of, text, whole
from lib_music.studio.job import Job, JobReporter
from lib_music.studio.motion import read_motion
from lib_music.studio.panels import Panel
from lib_music.studio.record import painted_with, write_restored
from lib_music.studio.studio import Studio
from lib_music.studio.turns import free
from lib_music.studio.video import paint
from lib_music.studio.workspace import find_project, projects
from lib_music.takes import Take, find_take, restore, takes_of
from lib_music.takes.again import MAX_FADE, Wish, begin_again, check_shape, fades_of, painted_to, stretch_of
from lib_music.takes.compare import compare, comparison
from lib_music.takes.sizes import delete_frames, delete_project, delete_take, sizes_of, workspace_size
from lib_music.takes.take import THUMBNAIL, Told

if TYPE_CHECKING:
    from lib_music.studio.known import Known

_MOST_SECTIONS, _EXCERPT, _MOST_KEPT, _MOST_LETTERS = 10_000, 160, 8, 600
#: Bytes of a frame of a comparison, about.
_COMPARED = 8_000
_kept: dict[str, Mapping[str, str]] = {}


# -- painting again --------------------------------------------------------------------------------------------------


def rerender(studio: Studio, name: str, wish: Wish) -> Job:
    """Paint a section, or everything from it on, again, with the motion and the prompts that stand now.

    Raises
    ------
    InputError
        It cannot be done; nothing is changed then.
    """
    project = find_project(studio.host, name)
    motion = read_motion(studio.host, project)
    usable_renderer(studio, motion)
    setup = set_up(studio, name, motion)
    first, last = stretch_of(setup.plan, project.progress(), wish)
    fades_of(setup.plan, (first, last), wish)
    check_disk(studio, setup, (last - first) / setup.plan.animation.timebase.n_frames)

    def work(reporter: JobReporter) -> Mapping[str, str]:
        def begin(now: Setup) -> None:
            take = begin_again(now.plan, opened, now.painter, wish, painted_with(project))
            if take is not None:
                reporter.say(f"what was there is take {take.number}")

        with free(project, reporter) as opened:
            result = paint(studio, opened, motion, reporter, begin)
        return {"video": result.video.name, "settings": result.settings.name}

    return studio.jobs.submit("rerender", name, work)


def _from(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    rerender(studio, project.folder.name, Wish(section_of(action, _MOST_SECTIONS), only=False))


def _only(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    join = text(action, "join", 20) if "join" in action else "hard"
    if join not in ("hard", "fade"):
        raise InputError(f"join {join[:20]!r} is not known", "choose hard or fade")
    frames = whole(action, "frames", 1, MAX_FADE) if join == "fade" and action.get("frames") is not None else 0
    wish = Wish(section_of(action, _MOST_SECTIONS), True, "fade" if join == "fade" else "hard", frames)
    rerender(studio, project.folder.name, wish)


# -- comparing and restoring -----------------------------------------------------------------------------------------


def restored(studio: Studio, name: str, number: object) -> Job:
    """Bring a take back; what is there now becomes a take. Raises InputError."""
    project = find_project(studio.host, name)
    take = find_take(project, number)
    check_shape(plan_now(studio, project, None), project.progress())
    # What is there is cut once more, and the whole is joined anew beside it.
    check_room(studio, 2 * sizes_of(project).video)

    def work(reporter: JobReporter) -> Mapping[str, str]:
        with free(project, reporter) as opened:
            reporter.stage("schedule")
            plan = plan_now(studio, opened, reporter)
            check_shape(plan, opened.progress())
            told = Told(
                f"take {take.number} was restored", take.told.section, take.told.label, take.told.role,
                painter=opened.progress().painter, model=painted_with(opened),
            )  # fmt: skip
            new = restore(opened, take.number, told)
            whole = take.last - take.first == take.total
            write_restored(opened, take.told.painter, take.told.model, whole=whole)
            if new is not None:
                reporter.say(f"what was there is take {new.number}")
            video = join_again(plan, opened, reporter)
        return {"video": video.name} if video is not None else {}

    return studio.jobs.submit("restore", name, work)


def compared(studio: Studio, name: str, number: object) -> Job:
    """Make a take's comparison with the video as it is. Raises InputError."""
    project = find_project(studio.host, name)
    take = find_take(project, number)
    if not project.progress().is_finished:
        raise InputError("the video is not finished; there is nothing to compare with", "finish it first")
    if comparison(project, take) is None:
        check_room(studio, round(_COMPARED * (take.last - take.first)))

    def work(reporter: JobReporter) -> Mapping[str, str]:
        with free(project, reporter) as opened:
            reporter.stage("schedule")
            plan = plan_now(studio, opened, reporter)
            reporter.stage("mux")
            path = compare(opened, find_take(opened, take.number), plan.audio, reporter.check)
        return {"comparison": path.relative_to(opened.folder).as_posix()}

    return studio.jobs.submit("compare", name, work)


def plan_now(studio: Studio, project: Project, reporter: JobReporter | None) -> Plan:
    """The plan that stands now; nothing is written for it. Without a reporter the sound is not looked at."""
    motion = read_motion(studio.host, project)
    renderer = chosen_renderer(studio, motion)
    request = asked(project, motion, renderer)
    audio = open_audio(request.sound, check=reporter.check) if reporter is not None else None
    return set_up(studio, project.folder.name, motion, audio).plan


def _restore(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    restored(studio, project.folder.name, action.get("take"))


def _compare(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    compared(studio, project.folder.name, action.get("take"))


# -- deleting --------------------------------------------------------------------------------------------------------


def _delete_take(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    with _alone(project):
        delete_take(project, action.get("take"), action.get("confirm"))


def _delete_frames(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    if action.get("confirm") != "frames":
        raise InputError("the frames are not deleted without a confirmation", "confirm it with: frames")
    with _alone(project):
        delete_frames(project)


def delete(studio: Studio, name: str, confirm: object) -> None:
    """Delete a project for good; ``confirm`` is its name.

    Raises
    ------
    InputError
        There is no such project, it is not confirmed, or something works on it.
    """
    project = find_project(studio.host, name)
    if any(job.project == name for job in studio.jobs.active()):
        raise InputError("this song is being worked on", "interrupt that first")
    opened = _alone(project).__enter__()
    try:
        delete_project(opened, confirm)
    except BaseException:
        opened.__exit__()
        raise


def _alone(project: Project) -> Project:
    """The project, to be opened; ProjectBusyError in words of the page."""
    try:
        with project:
            pass
    except ProjectBusyError:
        raise ProjectBusyError("this video is being worked on", "wait for it, or interrupt it") from None
    return project


# -- drawing ---------------------------------------------------------------------------------------------------------


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any]:
    project = now.project
    progress = project.progress()
    sizes = sizes_of(project)
    cap = studio.host.preferences().disk_cap
    return {
        "sections": _sections(project, setup),
        "takes": [_take(studio, project, take, sizes.takes.get(take.number, 0)) for take in takes_of(project)],
        "max_fade": MAX_FADE,
        "finished": progress.is_finished,
        "model": _models(painted_with(project)),
        "sizes": {
            "project": read_size(sizes.total),
            "video": read_size(sizes.video),
            "frames": read_size(sizes.frames) if sizes.frames else "",
            "takes": read_size(sum(sizes.takes.values())) if sizes.takes else "",
            "free": read_size(shutil.disk_usage(project.folder).free),
            "cap": read_size(cap) if cap else "",
            "all": read_size(workspace_size(projects(studio.host))) if cap else "",
        },
        "name": project.folder.name,
    }


def _sections(project: Project, setup: Setup | None) -> list[dict[str, Any]]:
    """The video's sections: where each is, whether it is painted, and whether it would look otherwise now."""
    progress = project.progress()
    if setup is None or not (progress.is_finished or progress.painted):
        return []
    try:
        check_shape(setup.plan, progress)
    except InputError:
        return []
    animation, painted = setup.plan.animation, painted_to(progress)
    marks, fps = _marks(setup), float(animation.timebase.fps)
    found = []
    for i, ((first, last), cue) in enumerate(zip(section_frames(animation), animation.cues, strict=True)):
        name = f"{first}-{last}"
        found.append({
            "section": i,
            "label": cue.label,
            "role": cue.role,
            "start": round(first / fps, 3),
            "end": round(last / fps, 3),
            "frames": last - first,
            "painted": first < painted,
            "changed": bool(progress.marks) and progress.marks.get(name) != marks.get(name),
        })  # fmt: skip
    return found


def _marks(setup: Setup) -> Mapping[str, str]:
    """The marks of the plan's sections; the latest ones are kept, since every look at the page asks for them."""
    mark = setup.mark
    found = _kept.pop(mark, None) or section_marks(setup.plan, setup.painter)
    _kept[mark] = found
    for old in list(_kept)[:-_MOST_KEPT]:
        _kept.pop(old, None)
    return found


def _models(told: Mapping[str, Any]) -> str:
    """The checkpoints and the VAE that painted something, as :func:`painted_with` tells them."""
    found = [str(told[key]) for key in ("checkpoint", "vae") if told.get(key)]
    also = told.get("also")
    also = also if isinstance(also, list) else []
    others = [str(one.get("checkpoint") or "") for one in also if isinstance(one, Mapping)]
    if others := [name for name in dict.fromkeys(others) if name]:
        found.append(f"parts of it by {', '.join(others)}")
    return ", ".join(found)[:_MOST_LETTERS]


def _take(studio: Studio, project: Project, take: Take, size: int) -> dict[str, Any]:
    from fractions import Fraction

    fps, folder = Fraction(take.fps), take.folder(project)
    made = comparison(project, take)
    return {
        "take": take.number,
        "why": take.told.why,
        "label": take.told.label,
        "prompt": next((words[:_EXCERPT] for words in take.words.values()), ""),
        "painter": take.told.painter,
        "model": _models(take.told.model),
        "from": round(float(take.first / fps), 3),
        "to": round(float(take.last / fps), 3),
        "date": take.date,
        "size": read_size(size),
        "whole": take.is_whole,
        "picture_url": studio.url(folder / THUMBNAIL),
        "comparison_url": studio.url(made) if made is not None else None,
    }


PANEL = Panel(
    "takes",
    "visualize",
    _draw,
    {
        "rerender_from": _from,
        "rerender_section": _only,
        "restore_take": _restore,
        "compare_take": _compare,
        "delete_take": _delete_take,
        "delete_frames": _delete_frames,
    },
)
