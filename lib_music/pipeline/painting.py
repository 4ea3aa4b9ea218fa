"""Paint, encode and mux; go on where an earlier run of the same plan stopped.

Conventions: only whole segments count; what another painting left is kept as a take before it makes way.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.ffmpeg import file_url
from lib_music.files import slug
from lib_music.pipeline.marks import about_picture, encoding_of, mixed, pixel_mark, section_marks, segments_of
from lib_music.pipeline.values import SETTINGS, THUMBNAIL, Plan, Result
from lib_music.project import Project, fingerprint
from lib_music.reporter import Reporter
from lib_music.schedule.animation import Animation
from lib_music.takes.splice import keep_earlier, recover

if TYPE_CHECKING:
    from lib_music.render.renderer import Renderer
    from lib_music.video.encode import Encoding
    from lib_music.video.mux import Titles

log = logging.getLogger("lib_music")


def render(plan: Plan, project: Project, renderer: Renderer, reporter: Reporter) -> Result:
    """Paint, encode and mux; goes on where an earlier run of the same plan stopped."""
    began = time.monotonic()
    if (done := already_painted(plan, project, renderer.name, reporter)) is not None:
        return done
    timebase, encoding, mark = plan.animation.timebase, encoding_of(plan.animation), pixel_mark(plan, renderer.name)
    titles = titles_of(plan)
    words = fingerprint(asdict(titles))
    about = about_picture(plan, renderer.name)
    make_way(project, mark)
    missing = project.begin_render(mark, segments_of(plan.animation), about)
    starts, lengths = project.progress().starts, project.progress().lengths
    before = project.progress().painted
    if before:
        again = project.progress().rendered_again
        log.info("%d of %d frames are there, %d segments rendered again so far", before, timebase.n_frames, again)
        at = starts[missing[0][0]] if missing else timebase.n_frames
        reporter.say(f"going on at frame {at} of {timebase.n_frames}")
    reporter.stage("render", timebase.n_frames)
    for run in missing:
        _encode(plan, project, renderer, encoding, run, reporter)
    reporter.stage("mux")
    video = _join(plan, project, titles, words, reporter)
    return _result(plan, project, video, sum(lengths) - before, began)


def make_way(project: Project, mark: str, model: Mapping[str, Any] | None = None) -> None:
    """Keep what another plan has painted as a take, before a painting with this mark begins anew.

    ``model`` is what painted it, for the take's card.
    """
    recover(project)
    if project.progress().fingerprint not in ("", mark):
        keep_earlier(project, model or {})


def already_painted(plan: Plan, project: Project, painter: str, reporter: Reporter) -> Result | None:
    """The finished video of exactly this plan, with titles brought up to date; None when there is something to paint.

    ``painter`` is the renderer's name.
    """
    began, before, video = time.monotonic(), project.progress(), project.video()
    if video is None or not before.is_finished or before.fingerprint != pixel_mark(plan, painter):
        return None
    titles = titles_of(plan)
    words = fingerprint(asdict(titles))
    if before.titles == words:
        reporter.say("already finished; nothing to do")
        project.clear_segments()
    else:
        reporter.say("the pictures are finished; only the titles change")
        video = _mux(plan, project, ["-i", file_url(video)], titles, words, reporter)
    return _result(plan, project, video, 0, began)


def join_again(plan: Plan, project: Project, reporter: Reporter) -> Path | None:
    """Join the segments as they are to the video, after a take was restored; None while some are missing."""
    if not all(project.progress().whole):
        return None
    titles = titles_of(plan)
    reporter.stage("mux")
    return _join(plan, project, titles, fingerprint(asdict(titles)), reporter)


def _encode(
    plan: Plan, project: Project, renderer: Renderer, encoding: Encoding, run: range, reporter: Reporter
) -> None:
    """Paint and encode segments that follow one another."""
    from lib_music.takes.blend import blended
    from lib_music.video.encode import SegmentWriter

    progress = project.progress()
    starts, lengths = progress.starts, progress.lengths
    done, end = starts[run[0]], starts[run[-1]] + lengths[run[-1]]

    def finished(path: Path) -> None:
        project.segment_finished(int(path.stem))
        log.info("segment at frame %d of %d is done", int(path.stem), sum(lengths))

    painted = renderer.frames(plan.animation, done, _beginning(plan, project, renderer, done), end)
    with (
        contextlib.closing(painted),  # type: ignore[type-var]
        contextlib.closing(blended(project, painted, done, end)) as frames,
        SegmentWriter(encoding, lambda path: project.segment_begun(int(path.stem)), finished) as writer,
    ):
        for number in run:
            segment = writer.begin(project.segment(starts[number]))
            for i in range(lengths[number]):
                writer.put(segment, next(frames))
                done += 1
                if number < run[-1] and i == lengths[number] // 2:
                    writer.prepare(project.segment(starts[number + 1]))
                if done % 8 == 0:
                    reporter.done(done)
                    reporter.check()
            if number < run[-1]:
                project.save_state(done, renderer.state())
            writer.put(segment, None)
        reporter.done(done)


def _beginning(plan: Plan, project: Project, renderer: Renderer, first: int) -> bytes | None:
    """What the renderer goes on from at frame ``first``: what it left there, else the picture before it."""
    if not first:
        return None
    if project.has_state(project.progress(), first):
        return project.state_file(first).read_bytes()
    from lib_music.takes.pictures import picture_before

    size = (plan.animation.width, plan.animation.height)
    state = renderer.state_after(plan.animation, first, picture_before(project, first, size))
    project.save_state(first, state)
    return state


def titles_of(plan: Plan) -> Titles:
    """What players show of a plan's video."""
    from lib_music.video.mux import Chapter, Titles

    track, fps = plan.track, plan.animation.timebase.fps
    chapters = tuple(
        Chapter(float(cue.start / fps), float(cue.end / fps), f"{cue.label} ({cue.role})")
        for cue in plan.animation.cues
    )
    return Titles(track.title, ", ".join(track.artists), track.album, track.date, ", ".join(track.genres), chapters)


def _join(plan: Plan, project: Project, titles: Titles, words: str, reporter: Reporter) -> Path:
    """Finished segments to the video."""
    from lib_music.video.mux import joined, take_thumbnail

    lengths = project.progress().lengths
    segments = [project.segment(first) for first in project.progress().starts]
    number, frame = thumbnail_place(plan.animation, lengths)
    take_thumbnail(segments[number], frame, project.path(THUMBNAIL))
    picture = joined(segments, lengths, plan.animation.timebase.fps)
    video = _mux(plan, project, picture, titles, words, reporter)
    now = project.progress()
    # Where some sections are as they were before they were edited, this is not what the whole plan looks like.
    same = dict(now.marks) == section_marks(plan, now.painter)
    project.save_progress(replace(now, fingerprint=pixel_mark(plan, now.painter) if same else mixed(now)))
    return video


def _mux(plan: Plan, project: Project, picture: list[str], titles: Titles, words: str, reporter: Reporter) -> Path:
    from lib_music.video.mux import mux

    timebase = plan.animation.timebase
    name = slug(plan.track.display)
    # The song itself may lie in the folder, or another file of the person's.
    free = itertools.chain([f"{name}.mp4"], (f"{name}-video-{n}.mp4" for n in itertools.count(1)))
    video = next(p for p in map(project.path, free) if not p.exists() or project.is_ours(p))
    thumbnail = project.path(THUMBNAIL)
    mux(picture, timebase.n_frames, timebase.fps, plan.audio, titles, thumbnail, video, reporter.check,
        coming=project.video_coming)
    project.video_finished(video, words)
    log.info("finished %s", video.name)
    return video


def thumbnail_place(animation: Animation, lengths: Sequence[int]) -> tuple[int, int]:
    """Segment and frame of the thumbnail: a third into the first chorus or drop, else into the song."""
    loud = [cue for cue in animation.cues if cue.role in ("chorus", "drop")]
    cue = loud[0] if loud else animation.cues[len(animation.cues) // 3]
    frame = cue.start + (cue.end - cue.start) // 3
    number = 0
    while frame >= lengths[number]:
        frame -= lengths[number]
        number += 1
    return number, frame


def _result(plan: Plan, project: Project, video: Path, painted: int, began: float) -> Result:
    return Result(
        video,
        project.path(SETTINGS),
        plan.animation.timebase.n_frames,
        painted,
        time.monotonic() - began,
        project.progress().rendered_again,
        plan.warnings,
    )
