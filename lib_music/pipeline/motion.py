"""From what is known to how it moves: the Animation and its settings file.

Conventions: the song is always choreographed whole, as it was heard, and the range cut out of that.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from lib_music.errors import RangeError
from lib_music.files import slug, write_bytes
from lib_music.pipeline.values import ANIMATION, PRESET, SETTINGS, Plan, Understanding
from lib_music.project import Project
from lib_music.reporter import Reporter
from lib_music.request import Request
from lib_music.schedule.animation import Animation
from lib_music.schedule.cadence import snap
from lib_music.schedule.timebase import Timebase, parse_fps

if TYPE_CHECKING:
    from lib_music.analysis import Analysis
    from lib_music.render.deforum_base import BaseSettings
    from lib_music.schedule.preset_file import Own

log = logging.getLogger("lib_music")


def choreograph(
    known: Understanding,
    project: Project,
    reporter: Reporter,
    *,
    base: BaseSettings | None = None,
    driven: frozenset[str] = frozenset(),
) -> Plan:
    """From what is known to the Animation and its settings file, in the (open) project."""
    from lib_music.render.deforum_drive import undriven_notes
    from lib_music.render.deforum_settings import build_settings, write_settings
    from lib_music.schedule.preset_file import ROUTES
    from lib_music.schedule.store import save_animation

    warnings = [*(base.warnings if base else ()), *known.warnings]
    reporter.stage("schedule")
    own = own_of(known.request, project)
    if (given := known.request.preset_file) is not None and given.resolve() != project.path(PRESET).resolve():
        write_bytes(project.path(PRESET), given.read_bytes())
    if given is not None and project.path(ROUTES).is_file() and not known.request.whole:
        warnings.append(f"the rows of the project's {ROUTES} count, not {given.name}; delete it to use the preset")
    animation = set_in_motion(known, base=base, driven=driven, own=own)
    warnings += override_notes(known, own, animation)
    if base is not None and not known.request.whole:
        # The page says so beside each tick.
        warnings += undriven_notes(known.request.drive, animation)
    save_animation(project.path(ANIMATION), animation)
    write_settings(project.path(SETTINGS), build_settings(animation, batch_name=slug(known.track.display)))
    for warning in warnings:
        log.warning(warning)
        reporter.say(warning)
    return plan_of(known, animation, tuple(warnings))


def own_of(request: Request, project: Project) -> Own:
    """The person's own rows, pins and formulas: the project's, else those of the preset file that is asked for.

    Raises SettingsError where they cannot be read.
    """
    from lib_music.schedule.overrides import Overrides
    from lib_music.schedule.preset_file import ROUTES, Own, read_own, read_preset

    if request.preset_file is None or project.path(ROUTES).is_file():
        return read_own(project.path(ROUTES))
    preset, formulas = read_preset(request.preset_file)
    return Own(preset, Overrides(formulas=formulas))


def override_notes(known: Understanding, own: Own, animation: Animation) -> tuple[str, ...]:
    """What is to be said of the person's pins and formulas; raises SettingsError for one that cannot be computed."""
    from lib_music.schedule.overrides import flash_notes, notes_of
    from lib_music.schedule.score import Score

    timebase, cadence = animation.timebase, animation.cadence
    whole = Timebase.for_duration(known.analysis.duration, timebase.fps)
    curves = {key: curve.sample(timebase.n_frames)[::cadence] for key, curve in animation.schedules.items()}
    return (
        *notes_of(Score(known.analysis, {}), own.overrides, whole),
        *flash_notes(own.overrides, curves, float(timebase.fps) / cadence),
    )


def set_in_motion(
    known: Understanding,
    *,
    base: BaseSettings | None = None,
    driven: frozenset[str] = frozenset(),
    own: Own | None = None,
) -> Animation:
    """How the range that was asked for moves; writes nothing. The song is always choreographed as it was heard."""
    from lib_music.render.deforum_drive import base_levels, follow_base
    from lib_music.schedule.choreography import DEFAULT_SAMPLER, DEFAULT_STEPS, Look, animate, choose_preset

    request, analysis, storyboard = known.request, known.analysis, known.storyboard
    assert request.width and request.height and request.fps and request.mode, "see Request.over"
    look = Look(
        request.width,
        request.height,
        request.mode,
        cadence=request.cadence,
        seed=known.seed,
        sampler=request.sampler or DEFAULT_SAMPLER,
        steps=request.steps or DEFAULT_STEPS,
        intensity=request.intensity,
    )
    preset, fps = (own.preset if own else None) or choose_preset(request.preset, analysis), parse_fps(request.fps)
    under = {}
    if base is not None and own is not None:
        whole = Timebase.for_duration(analysis.duration, fps)
        first = snap(whole.frame(max(0.0, request.start - analysis.start)), request.cadence or preset.cadence)
        keys = [parameter.key for parameter in own.overrides.parameters("pose", "level")]
        under = base_levels(base.values, keys, whole.n_frames, first)
    animation = animate(
        analysis,
        storyboard.resolve(analysis.sections),
        preset=preset,
        fps=fps,
        look=look,
        base_settings=base.values if base else None,
        driven=driven,
        overrides=own.overrides if own else None,
        under=under,
    )
    animation = _range_of(request, analysis, animation)
    if base is not None:
        animation = follow_base(animation, base.values, driven)
    animation = replace(animation, flow=request.flow)
    return replace(animation, start_image=known.cover) if storyboard.cover == "start" else animation


def _range_of(request: Request, analysis: Analysis, animation: Animation) -> Animation:
    """The range of the song that was asked for, where more was heard."""
    from lib_music.schedule.excerpt import excerpt

    timebase = animation.timebase
    begin = request.start - analysis.start
    if begin >= analysis.duration:
        raise RangeError(
            f"the range starts at {request.start:.2f} s, the song lasts {analysis.duration:.2f} s", "start it sooner"
        )
    # On a diffused frame, so that the number of frames is the one that was asked for.
    first = snap(timebase.frame(max(0.0, begin)), animation.cadence)
    if request.duration is None or begin + request.duration >= analysis.duration:
        return excerpt(animation, first, timebase.n_frames)
    return excerpt(animation, first, first + Timebase.for_duration(request.duration, timebase.fps).n_frames)


def plan_of(known: Understanding, animation: Animation, warnings: tuple[str, ...] = ()) -> Plan:
    """What is rendered: an animation with the stretch of sound that belongs to it."""
    whole = known.audio
    start = min(animation.sound_start, whole.total)
    sound = replace(whole, start=start, duration=min(animation.sound_duration, whole.total - start))
    candidates = tuple(text.text for text in known.suggestions.texts)
    return Plan(
        known.request,
        sound,
        known.track,
        known.analysis,
        known.storyboard,
        animation,
        known.cover,
        candidates,
        warnings,
    )
