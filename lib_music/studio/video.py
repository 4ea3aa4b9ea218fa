"""The video side of the page: preview, warm-up, and the painting itself, each a job.

Conventions: what can be seen to be wrong is an InputError at once; the rest happens in the job, which says what it does
and can be stopped at any point. A preview holds no lock and writes into ``preview/`` alone, so that it works while the
same song is painted. A painting holds the project's lock all along, and the host's turn only while it paints.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.audio import open_audio
from lib_music.errors import InputError, ProjectError
from lib_music.files import clear_asides
from lib_music.pipeline import Plan, Result, Understanding, already_painted, choreograph, make_way, plan_of, render
from lib_music.project import Project, fingerprint
from lib_music.recall import recall, recall_analysis
from lib_music.schedule.animation import MIN_SIZE, SIZE_STEP, Animation, resized
from lib_music.schedule.timebase import parse_fps
from lib_music.studio.base_file import base_of
from lib_music.studio.estimate import (
    Setup,
    asked,
    check_disk,
    check_room,
    chosen_renderer,
    cost,
    cost_of,
    marked_for,
    moved,
    read_span,
    seen,
    set_up,
    usable_renderer,
    with_sampler,
)
from lib_music.studio.history import recorded
from lib_music.studio.job import Job, JobReporter
from lib_music.studio.motion import Motion, read_motion, write_motion
from lib_music.studio.record import (
    Painted,
    keep_rate,
    network_differences,
    networks_here,
    painted_with,
    rate_name,
    read_painted,
    read_rate,
    write_painted,
)
from lib_music.studio.studio import Studio
from lib_music.studio.turns import free, turn
from lib_music.studio.visuals import Opened, open_visual, status, switch_model, visuals
from lib_music.studio.workspace import find_project

if TYPE_CHECKING:
    from lib_music.render.renderer import Renderer
    from lib_music.studio.host import Model
    from lib_music.video.encode import Encoding

__all__ = [
    "Opened",
    "cost",
    "open_visual",
    "preview",
    "set_motion",
    "status",
    "switch_model",
    "visualize",
    "visuals",
    "warm_up",
]

#: The longest side of a preview in pixels, its highest rate, and how many are kept.
PREVIEW_SIDE, PREVIEW_FPS, PREVIEWS_KEPT = 384, Fraction(30), 3
PREVIEW_FOLDER = "preview"
#: Bytes of a second of one, about.
PREVIEW_BYTES = 150_000
#: A measured time counts from so many frames on.
_ENOUGH_FRAMES = 48
_EXCERPT = 80


def set_motion(studio: Studio, project: str, motion: Motion) -> dict[str, Any]:
    """Keep a motion and return the view with its curves and its cost; raises InputError where it cannot be used."""
    from lib_music.studio.view import view

    keep_motion(studio, project, motion)
    return view(studio, project)


def keep_motion(studio: Studio, project: str, motion: Motion) -> None:
    """The same for who wants no view."""
    held = find_project(studio.host, project)
    if motion.duration is not None or motion.start:
        _check_range(held, motion)
    before = read_motion(studio.host, held)
    changed = [field.name for field in fields(motion) if getattr(motion, field.name) != getattr(before, field.name)]
    with recorded(held, {"do": "motion", "ids": changed}):
        write_motion(held, motion)


def _check_range(project: Project, motion: Motion) -> None:
    with contextlib.suppress(ProjectError):
        analysis = recall_analysis(project)
        if motion.start >= analysis.start + analysis.duration:
            length = read_span(analysis.start + analysis.duration)
            raise InputError(f"the range begins at {motion.start:g} s, the song lasts {length}", "begin sooner")


# -- preview ---------------------------------------------------------------------------------------------------------


def preview(studio: Studio, project: str, motion: Motion, start: float | None = None, end: float | None = None) -> Job:
    """Make the animatic, small: of the whole video, or of the song from ``start`` to ``end`` s.

    Raises
    ------
    InputError
        The song was not heard yet, or there is nothing in the range.
    """
    held = find_project(studio.host, project)
    if start is not None:
        analysis = recall_analysis(held)
        begin = max(start, analysis.start)
        stop = min(analysis.start + analysis.duration if end is None else end, analysis.start + analysis.duration)
        if not stop - begin >= 0.1:  # NaN is no range either
            raise InputError("there is nothing to preview in that range", "choose a longer one")
        motion = replace(motion, start=begin, duration=stop - begin)
    _check_range(held, motion)
    analysis = recall_analysis(held)
    asked(held, motion, "animatic")
    length = analysis.duration if motion.duration is None else motion.duration
    check_room(studio, round(PREVIEW_BYTES * length))

    def work(reporter: JobReporter) -> Mapping[str, str]:
        return {"preview": _preview(studio, held, motion, reporter)}

    return studio.jobs.submit("preview", held.folder.name, work)


def previewed(motion: Motion) -> Motion:
    """A motion at the size and rate of a preview; where more frames are shown, the same moments are diffused."""
    longest = max(motion.width, motion.height)
    scale = min(1.0, PREVIEW_SIDE / longest)
    width, height = (_sized(side * scale) for side in (motion.width, motion.height))
    fps = parse_fps(motion.fps)
    fewer = -(-fps // PREVIEW_FPS)
    cadence = motion.cadence if motion.cadence is None else max(1, round(motion.cadence / fewer))
    return replace(motion, width=width, height=height, fps=str(fps / fewer), cadence=cadence, renderer="animatic")


def small_plan(project: Project, motion: Motion, reporter: JobReporter) -> Plan:
    """What a preview shows: the video as it would be painted now, at a preview's size and rate.

    Settings of the person's own count frames of the video, so that over them no frame is left out.
    """
    request = asked(project, motion, "animatic")
    small = previewed(seen(motion, request))
    if request.base_settings is None:
        request = replace(request, fps=small.fps, cadence=small.cadence)
    known = recall(project, request, open_audio(request.sound, check=reporter.check))
    check_song(project, known)
    reporter.check()
    return plan_of(known, resized(moved(project, known), small.width, small.height))


def _sized(side: float) -> int:
    return max(MIN_SIZE, round(side / SIZE_STEP) * SIZE_STEP)


def _preview(studio: Studio, project: Project, motion: Motion, reporter: JobReporter) -> str:
    """Paint, encode and mux one preview; returns its name in the project."""
    from lib_music.render.animatic import Animatic

    reporter.stage("schedule")
    plan = small_plan(project, motion, reporter)
    painter = Animatic.from_file(plan.cover, captions=motion.captions)
    animation = plan.animation
    encoding = preview_encoding(animation)
    out = project.path(PREVIEW_FOLDER) / f"{_preview_mark(plan, encoding)}.mp4"
    if out.is_file():
        os.utime(out)
        reporter.say("this preview was made already")
    else:
        began = time.monotonic()
        make_preview(plan, painter, encoding, out, reporter)
        each = (time.monotonic() - began) / animation.timebase.n_frames
        if animation.timebase.n_frames >= _ENOUGH_FRAMES:
            small = replace(motion, width=animation.width, height=animation.height)
            keep_rate(studio, rate_name("animatic", small, None), "frame", each)
    _forget_previews(out.parent)
    return f"{PREVIEW_FOLDER}/{out.name}"


def _preview_mark(plan: Plan, encoding: Encoding) -> str:
    from lib_music.files import digest
    from lib_music.render.animatic import Animatic
    from lib_music.schedule.store import animation_to_dict

    moved_so, sound = animation_to_dict(plan.animation), plan.audio.content_hash
    return fingerprint(moved_so, digest(plan.cover), Animatic.name, plan.request.captions, str(encoding), sound)[:24]


def preview_encoding(animation: Animation) -> Encoding:
    """How a preview is encoded: fast, and good enough to look at once."""
    from lib_music.video.encode import Encoding

    return Encoding(animation.width, animation.height, animation.timebase.fps, preset="superfast", crf=26)


def make_preview(
    plan: Plan, painter: Renderer, encoding: Encoding, out: Path, reporter: JobReporter, stage: str = "render"
) -> None:
    """Paint, encode and mux a small video in one go; ``stage`` is what painting it is called in its job."""
    from lib_music.video.encode import SegmentWriter
    from lib_music.video.mux import Titles, mux, take_thumbnail

    out.parent.mkdir(exist_ok=True)
    clear_asides(out.parent)
    picture, thumbnail = out.with_suffix(".seg"), out.with_suffix(".jpg")
    animation = plan.animation
    n, fps = animation.timebase.n_frames, animation.timebase.fps
    reporter.describe = told_frame(animation)
    reporter.stage(stage, n)
    frames = painter.frames(animation, 0, None)
    try:
        with (
            contextlib.closing(frames),  # type: ignore[type-var]
            SegmentWriter(encoding, lambda _: None, lambda _: None) as writer,
        ):
            segment = writer.begin(picture)
            for i, frame in enumerate(frames, 1):
                writer.put(segment, frame)
                if i % 16 == 0:
                    reporter.done(i)
                    reporter.check()
            writer.put(segment, None)
        reporter.stage("mux")
        take_thumbnail(picture, n // 3, thumbnail)
        mux(["-i", _url(picture)], n, fps, plan.audio, Titles(plan.track.title), thumbnail, out, reporter.check)
    finally:
        for path in (picture, thumbnail):
            path.unlink(missing_ok=True)


def _url(path: Path) -> str:
    from lib_music.ffmpeg import file_url

    return file_url(path)


def _forget_previews(folder: Path) -> None:
    """Keep the newest few: one may still be playing."""
    made = sorted(folder.glob("*.mp4"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in made[PREVIEWS_KEPT:]:
        path.unlink(missing_ok=True)


# -- warm-up ---------------------------------------------------------------------------------------------------------


def warm_up(studio: Studio, project: str, motion: Motion) -> Job:
    """Paint one picture to learn how long it takes; raises InputError when the renderer cannot be used now."""
    held = find_project(studio.host, project)
    usable_renderer(studio, motion)
    motion = with_sampler(studio, motion)
    motion = seen(motion, asked(held, motion, chosen_renderer(studio, motion)))

    def work(reporter: JobReporter) -> Mapping[str, str]:
        with turn(studio, reporter):
            _warm_up(studio, motion, reporter)
        return {}

    return studio.jobs.submit("warm-up", held.folder.name, work)


def _warm_up(studio: Studio, motion: Motion, reporter: JobReporter) -> None:
    """Inside the turn: measure one picture and keep the time."""
    if chosen_renderer(studio, motion) != "deforum":
        return
    reporter.describe = lambda _: f"one picture of {motion.width}×{motion.height}"
    reporter.stage("warm-up")
    seconds = studio.host.warm_up(motion.width, motion.height, motion.sampler, motion.steps)
    # The model may have been loaded for it, and is known only now.
    if seconds is not None:
        keep_rate(studio, rate_name("deforum", motion, studio.host.model()), "picture", seconds)
        reporter.say(f"one picture takes {seconds:.1f} s")
    reporter.done(1.0)
    reporter.check()


# -- the painting ----------------------------------------------------------------------------------------------------


def visualize(studio: Studio, project: str, motion: Motion, *, sole: bool = False) -> Job:
    """Paint the video, or go on where its painting stopped; a second one waits for the first.

    With ``sole`` the job that is to paint the very same already is returned instead of a second one.

    Raises
    ------
    InputError
        The song was not heard yet, or the motion or the renderer cannot be used now.
    """
    usable_renderer(studio, motion)
    setup = set_up(studio, project, motion)
    check_disk(studio, setup)
    held = setup.project

    def work(reporter: JobReporter) -> Mapping[str, str]:
        with free(held, reporter) as opened:
            result = paint(studio, opened, motion, reporter)
        return {"video": result.video.name, "settings": result.settings.name}

    return studio.jobs.submit("visualize", held.folder.name, work, setup.mark, sole=sole)


def paint(
    studio: Studio,
    project: Project,
    motion: Motion,
    reporter: JobReporter,
    begin: Callable[[Setup], None] | None = None,
) -> Result:
    """The painting itself, in the (open) project.

    ``begin`` is called in the turn before anything is painted: it may put aside what shall be painted again.
    """
    setup = prepared(studio, project, motion, reporter)
    if begin is None:
        for line in cost_of(studio, setup).lines:
            reporter.say(line)
        if (done := already_painted(setup.plan, project, setup.painter, reporter)) is not None:
            return done
        check_disk(studio, setup)
    with turn(studio, reporter):
        # Another checkpoint may have been chosen while it waited, or one be loaded for the first picture.
        setup = marked_for(setup, studio)
        if setup.renderer == "deforum" and _is_unknown(studio, setup):
            _warm_up(studio, setup.shown, reporter)
            setup = marked_for(setup, studio)
            if (seconds := cost_of(studio, setup).seconds) is not None:
                reporter.say(f"about {read_span(seconds)} for the whole")
        if begin is not None:
            begin(setup)
        make_way(project, setup.mark, painted_with(project))
        _record(studio, project, setup, reporter)
        renderer = studio.host.renderer(setup.renderer, setup.plan, project, reporter.should_stop)
        for line in getattr(renderer, "notes", ()):
            reporter.say(line)
        reporter.describe = told_frame(setup.plan.animation)
        result = render(setup.plan, project, renderer, reporter)
    _measured(studio, setup, result)
    return result


def prepared(studio: Studio, project: Project, motion: Motion, reporter: JobReporter) -> Setup:
    """Everything up to the animation, written into the (open) project; what is shown is what is painted."""
    renderer = usable_renderer(studio, motion)
    motion = replace(with_sampler(studio, motion), renderer=renderer)
    request = asked(project, motion, renderer)
    known = recall(project, request, open_audio(request.sound, check=reporter.check))
    check_song(project, known)
    reporter.check()
    base, driven = base_of(request)
    plan = choreograph(known, project, reporter, base=base, driven=driven)
    project.remember(request.to_dict(project), project.imported_prompts())
    reporter.check()
    return marked_for(Setup(project, motion, renderer, plan), studio)


def check_song(project: Project, known: Understanding) -> None:
    """What is painted and sounds must be what was heard and seen."""
    if known.audio.content_hash != project.content_hash():
        raise InputError("the song's file is not the one that was heard", "press Produce prompts with it again")
    if not known.cover.is_file():
        raise InputError("the cover is gone", "press Produce prompts again")


def _is_unknown(studio: Studio, setup: Setup) -> bool:
    units = ("diffusion", "picture")
    return all(read_rate(studio, setup.rate_name, unit) is None for unit in units)  # type: ignore[arg-type]


def _record(studio: Studio, project: Project, setup: Setup, reporter: JobReporter) -> None:
    """Write down what it is painted with; a painting that goes on keeps what it was begun with."""
    painted = setup.painted
    same = painted is not None and painted.motion == setup.motion and painted.key == setup.plan.painted_with
    if setup.painted_frames() and painted is not None and same:
        for line in network_differences(studio, painted):
            reporter.say(f"{line}: the rest is painted with what is here")
        if setup.model is not None and painted.model is not None:
            for line in setup.model.differs_from(painted.model):
                reporter.say(f"{line}: the rest is painted with another one")
        return
    if painted is not None and painted.key != setup.plan.painted_with:
        # What another model painted must not be taken for this one's.
        project.path("deforum_job.json").unlink(missing_ok=True)
    n, animation = setup.plan.animation.timebase.n_frames, setup.plan.animation
    networks = networks_here(studio, animation) if setup.renderer == "deforum" else {}
    progress, before = project.progress(), read_painted(project)
    also: tuple[Model, ...] = ()
    if before is not None and progress.fingerprint == setup.mark and any(progress.whole):
        # A part is painted again: what painted the rest is still to be seen.
        also, networks = before.beside(setup.model), {**before.networks, **networks}
    record = Painted(
        setup.renderer, setup.motion, setup.model, setup.plan.painted_with, frames=n, networks=networks, also=also
    )
    write_painted(project, record)


def told_frame(animation: Animation) -> Callable[[float], str]:
    """The line for a frame: section, prompt, frame."""
    n, cues = animation.timebase.n_frames, animation.cues

    def told(amount: float) -> str:
        frame = min(n - 1, max(0, int(amount)))
        cue = next(cue for cue in reversed(cues) if cue.start <= frame)
        words = " ".join(cue.caption.split())
        words = words if len(words) <= _EXCERPT else f"{words[: _EXCERPT - 1]}…"
        return f"{cue.label} ({cue.role}): {words} · frame {int(amount)} of {n}"

    return told


def _measured(studio: Studio, setup: Setup, result: Result) -> None:
    """Keep how long a frame took, when enough were painted to know."""
    if result.painted < _ENOUGH_FRAMES:
        return
    name = marked_for(setup, studio).rate_name
    if setup.renderer == "animatic":
        keep_rate(studio, name, "frame", result.seconds / result.painted)
    else:
        keep_rate(studio, name, "diffusion", result.seconds * setup.plan.animation.cadence / result.painted)
