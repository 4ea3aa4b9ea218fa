"""The stages in a row: what the CLI, the page and the HTTP API all call.

Conventions: a :class:`~lib_music.request.Request` is everything a person can ask for; :func:`prepare` goes from the
song to the Animation and writes each stage's file; :func:`render` paints, encodes and muxes, and goes on where an
earlier run of the same request stopped. Both report to a :class:`Reporter` and stop when it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.audio import Audio
from lib_music.errors import InputError
from lib_music.introduce import song_seed
from lib_music.pipeline.hearing import cache_folder, hear
from lib_music.pipeline.marks import (
    pixel_mark,
    section_frames,
    section_marks,
    section_words,
    segment_lengths,
    segments_of,
)
from lib_music.pipeline.motion import choreograph, own_of, plan_of, set_in_motion
from lib_music.pipeline.painting import already_painted, join_again, make_way, render, titles_of
from lib_music.pipeline.understanding import (
    check_inputs,
    check_song,
    default_folder,
    is_part,
    met_of,
    revived,
    understand,
    with_sound,
)
from lib_music.pipeline.values import SETTINGS, STORYBOARD, THUMBNAIL, Plan, Result, Understanding
from lib_music.project import Project
from lib_music.rehear import CORRECTIONS
from lib_music.reporter import Reporter
from lib_music.request import Request
from lib_music.track.know import MismatchError, mismatch_of

if TYPE_CHECKING:
    from lib_music.prompts.captions import Captioner
    from lib_music.render.deforum_base import BaseSettings
    from lib_music.render.renderer import Renderer
    from lib_music.track.know import Met

__all__ = [
    "CORRECTIONS",
    "SETTINGS",
    "STORYBOARD",
    "THUMBNAIL",
    "Plan",
    "Reporter",
    "Result",
    "Understanding",
    "already_painted",
    "cache_folder",
    "check_inputs",
    "choreograph",
    "default_folder",
    "hear",
    "join_again",
    "make_plan",
    "make_video",
    "make_way",
    "own_of",
    "pixel_mark",
    "plan_of",
    "prepare",
    "render",
    "revived",
    "section_frames",
    "section_marks",
    "section_words",
    "segment_lengths",
    "segments_of",
    "set_in_motion",
    "song_seed",
    "titles_of",
    "understand",
]


def prepare(
    request: Request,
    project: Project,
    reporter: Reporter,
    *,
    audio: Audio,
    base: BaseSettings | None = None,
    driven: frozenset[str] = frozenset(),
    captioner: Captioner | None = None,
    met: Met | None = None,
) -> Plan:
    """Everything up to the Animation; writes each stage's file into the (open) project."""
    known = understand(request, project, reporter, audio=audio, captioner=captioner, met=met)
    return choreograph(known, project, reporter, base=base, driven=driven)


def make_plan(
    request: Request,
    folder: Path | None,
    reporter: Reporter,
    captioner: Captioner | None = None,
    then: Callable[[Plan, Project], None] | None = None,
) -> Plan:
    """Check the inputs, then prepare a project; nothing is written when an input is bad.

    ``then`` runs while the project is still held. Raises MismatchError where the file is not as long as the song that
    the link names, and that was not said to be right.
    """
    base, driven = check_inputs(request)
    met = met_of(request, folder, reporter)
    folder = (folder or default_folder(request, met)).resolve()
    if request.song is None:
        request = with_sound(request, folder, met, reporter)
    audio = check_song(request)
    if (mismatch := mismatch_of(audio, met)) is not None and not request.keep_mismatch:
        raise MismatchError(mismatch)
    if is_part(request, audio, folder):
        reporter.say("the whole song is in this folder: the range is painted as a part of it")
        request = replace(request, whole=True)
        audio = check_song(request)
    request = request.over(base.values if base else {}, driven)
    with Project(folder) as project:
        try:
            plan = prepare(
                request, project, reporter, audio=audio, base=base, driven=driven, captioner=captioner, met=met
            )
        except InputError:
            # A storyboard that does not fit is found late; what was made for nothing goes again.
            if project.is_new:
                project.discard()
            raise
        if then is not None:
            then(plan, project)
    return plan


def make_video(
    request: Request,
    folder: Path | None,
    reporter: Reporter,
    make_renderer: Callable[[Plan, Project], Renderer],
    captioner: Captioner | None = None,
) -> Result:
    """The whole way from a song to an mp4."""
    results: list[Result] = []

    def paint(plan: Plan, project: Project) -> None:
        results.append(render(plan, project, make_renderer(plan, project), reporter))

    make_plan(request, folder, reporter, captioner, paint)
    return results[0]
