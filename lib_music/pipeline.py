"""The stages in a row: what the CLI, the page and the HTTP API all call.

Conventions: a :class:`~lib_music.request.Request` is everything a person can ask for; :func:`prepare` goes from the
song to the Animation and writes each stage's file; :func:`render` paints, encodes and muxes, and goes on where an
earlier run of the same request stopped. Both report to a :class:`Reporter` and stop when it says so.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.audio import Audio, open_audio
from lib_music.errors import (
    AnalysisError,
    InputError,
    Interrupted,
    MusicVisualizerError,
    RangeError,
    SpotifyError,
    StoryboardError,
)
from lib_music.ffmpeg import file_url
from lib_music.files import digest, slug, write_bytes, write_json
from lib_music.introduce import SPOTIFY_ANALYSIS, fetched_earlier, introduce, meet_again, no_sound, obtain, suggest
from lib_music.project import Progress, Project, fingerprint
from lib_music.rehear import CORRECTIONS as CORRECTIONS
from lib_music.rehear import keep_hearing
from lib_music.request import Request
from lib_music.schedule.animation import Animation
from lib_music.schedule.cadence import snap
from lib_music.schedule.timebase import Timebase, parse_fps
from lib_music.takes.splice import keep_earlier, recover
from lib_music.track.know import MismatchError, ask_analysis, meet, mismatch_of

if TYPE_CHECKING:
    from lib_music.analysis import Analysis
    from lib_music.analysis.types import Ear
    from lib_music.prompts.captions import Captioner
    from lib_music.prompts.storyboard import Storyboard
    from lib_music.prompts.suggestions import Suggestions
    from lib_music.prompts.text import Text
    from lib_music.render.deforum_base import BaseSettings
    from lib_music.render.renderer import Renderer
    from lib_music.schedule.preset_file import Own
    from lib_music.track import Track
    from lib_music.track.know import Met, Outside
    from lib_music.video.encode import Encoding
    from lib_music.video.mux import Titles

log = logging.getLogger("lib_music")

#: Length of a segment: what a crash can cost.
SEGMENT_SECONDS = 10
#: How much of a prompt is written down with what was painted, characters.
MAX_WORDS = 2000
#: The project's files by stage.
ANIMATION, STORYBOARD, SETTINGS, THUMBNAIL, PRESET = (
    "animation.json",
    "storyboard.json",
    "deforum_settings.txt",
    "thumbnail.jpg",
    "preset.json",
)


class Reporter:
    """Hears how far the work is and may stop it. The base one is silent and never stops."""

    def stage(self, name: str, total: float = 1.0) -> None:
        """A new stage begins; ``total`` is in its own unit (1.0, or frames)."""

    def done(self, amount: float) -> None:
        """So much of the stage is done."""

    def say(self, text: str) -> None:
        """Something the person should know."""

    def should_stop(self) -> bool:
        """Whether the person wants to stop."""
        return False

    def check(self) -> None:
        """Raise Interrupted when the person wants to stop."""
        if self.should_stop():
            raise Interrupted("stopped", "run the same command again: it goes on")


@dataclass(frozen=True)
class Understanding:
    """What is known of a song before it is set in motion; ``analysis`` is the corrected one."""

    request: Request
    audio: Audio
    track: Track
    analysis: Analysis
    storyboard: Storyboard
    cover: Path
    suggestions: Suggestions
    seed: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All stages up to the Animation, for one project."""

    request: Request
    audio: Audio
    track: Track
    analysis: Analysis
    storyboard: Storyboard
    animation: Animation
    cover: Path
    candidates: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    #: A mark of what else decides the pixels: the checkpoint, where it is known.
    painted_with: str = ""


@dataclass(frozen=True)
class Result:
    """A finished video. Times in s; ``painted`` counts the frames of this run."""

    video: Path
    settings: Path
    frames: int
    painted: int
    seconds: float
    rendered_again: int
    warnings: tuple[str, ...] = field(default=())


def check_inputs(request: Request) -> tuple[BaseSettings | None, frozenset[str]]:
    """Read all the person's files but the song before anything is written; raises InputError.

    Returns
    -------
    base settings or None, driven keys
    """
    from lib_music.render.deforum_base import read_base_settings
    from lib_music.render.deforum_settings import resolve_drive
    from lib_music.schedule.preset_file import read_preset
    from lib_music.schedule.presets import get_preset
    from lib_music.track.cover import check_cover

    if request.preset != "auto":
        get_preset(request.preset)
    if request.preset_file is not None:
        read_preset(request.preset_file)
    driven = resolve_drive(request.drive) if request.drive else frozenset()
    base = read_base_settings(request.base_settings) if request.base_settings else None
    if request.prompts is not None and not request.prompts.is_file():
        raise StoryboardError(f"no such file: {request.prompts}", "check the path given to --prompts")
    if request.cover is not None:
        check_cover(request.cover)
    if request.spotify_analysis is not None:
        from lib_music.analysis.spotify import read_master

        read_master(request.spotify_analysis)
    return base, driven


def check_song(request: Request) -> Audio:
    """Read the song before anything is written; raises InputError."""
    if request.whole:
        return open_audio(request.sound)
    return open_audio(request.sound, start=request.start, duration=request.duration)


def revived(request: Request, project: Project) -> tuple[Request, tuple[str, ...]]:
    """A project's own request with what has gone missing taken from the project, and a word about each."""
    said = []
    if request.cover is not None and not request.cover.is_file() and project.path("cover.png").is_file():
        request = replace(request, cover=project.path("cover.png"))
        said.append("the cover's file is gone; the project's copy is used")
    if request.prompts is not None and not request.prompts.is_file() and project.path(STORYBOARD).is_file():
        request = replace(request, prompts=None)
        said.append("the prompts' file is gone; the project's storyboard is used")
    preset = project.path(PRESET)
    if request.preset_file is not None and not request.preset_file.is_file() and preset.is_file():
        request = replace(request, preset_file=preset)
        said.append("the preset's file is gone; the project's copy is used")
    saved, copy = request.spotify_analysis, project.path(SPOTIFY_ANALYSIS)
    if saved is not None and not saved.is_file() and copy.is_file():
        request = replace(request, spotify_analysis=copy)
        said.append("the file of Spotify's audio-analysis is gone; the project's copy is used")
    return request, tuple(said)


def default_folder(request: Request, met: Met | None = None) -> Path:
    """Where the project goes when the person names no folder: beside where they stand, named like the song."""
    if request.song is None and met is not None:
        return Path.cwd() / slug(request.title or met.title)
    return Path.cwd() / slug(request.sound.stem)


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


def understand(
    request: Request,
    project: Project,
    reporter: Reporter,
    *,
    audio: Audio,
    captioner: Captioner | None = None,
    anew: bool = False,
    met: Met | None = None,
    outside: Outside | None = None,
) -> Understanding:
    """What the song is, how it sounds and what to paint; writes each stage's file into the (open) project.

    Candidates that the project holds are kept; ``anew`` makes them again, and what the person wrote stays. ``met`` is
    what Spotify says of the request's link, where it was asked already; ``outside`` how it is asked.
    """
    project.own(audio.content_hash)
    reporter.stage("track")
    met = met or meet_again(request, project, outside)
    reporter.check()
    told = introduce(request, project, reporter, audio=audio, met=met, outside=outside)
    reporter.check()
    analysis = _analysis(request, project, audio, reporter, _Ear(met, outside, warnings := list(told.warnings)))
    reporter.check()
    reporter.stage("prompts")
    seed = request.seed if request.seed is not None else song_seed(audio)
    suggestions = suggest(project, told, captioner, seed, anew)
    reporter.check()
    if told.withdrawn and project.path(STORYBOARD).is_file():
        warnings.append(f"{STORYBOARD} was worded with Spotify's content; delete it to have it worded without")
    storyboard = _storyboard(request, project, analysis, suggestions.texts, seed)
    warnings += [*suggestions.warnings, *storyboard.warnings]
    if request.whole and request.seed is not None:
        storyboard = storyboard.reseeded(request.seed)
    return Understanding(
        request, audio, told.track, analysis, storyboard, told.cover, suggestions, seed, tuple(warnings)
    )


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


def song_seed(audio: Audio) -> int:
    """The seed of a song when the person gives none: its own, and the same every time."""
    return int(audio.content_hash[:7], 16)


def cache_folder() -> Path:
    """Where analyses are kept: ``$MUSIC_VISUALIZER_CACHE``, or the user's cache folder."""
    import os

    from platformdirs import user_cache_path

    chosen = os.environ.get("MUSIC_VISUALIZER_CACHE")
    return (Path(chosen) if chosen else user_cache_path("music-visualizer", appauthor=False)) / "analysis"


def hear(audio: Audio, reporter: Reporter, ear: Ear = "own") -> Analysis:
    """Analyse a song with one of our ears, with progress, through the cache."""
    from lib_music.analysis import analyse

    reporter.stage("analysis")

    def progress(fraction: float) -> None:
        reporter.done(fraction)
        reporter.check()

    return analyse(audio, ear=ear, cache=cache_folder(), progress=progress)


@dataclass(frozen=True)
class _Ear:
    """What is needed to hear with Spotify's ear; it adds to the warnings."""

    met: Met | None
    outside: Outside | None
    warnings: list[str]

    def hear(self, request: Request, project: Project, audio: Audio, heard: Analysis) -> Analysis:
        """Spotify's hearing in the file's time. One that was only asked for stands back where it cannot be had."""
        from lib_music.analysis.spotify import import_master, parse_master, read_master

        kept = project.path(SPOTIFY_ANALYSIS)
        try:
            if request.spotify_analysis is not None:
                master = read_master(request.spotify_analysis)
                if request.spotify_analysis != kept:
                    write_bytes(kept, request.spotify_analysis.read_bytes())
            elif kept.is_file():
                master = read_master(kept)
            elif self.met is not None:
                master = parse_master(said := ask_analysis(self.met, self.outside))
                write_json(kept, said)
            else:
                raise AnalysisError("Spotify's audio-analysis is asked for by a song's link", "give the link too")
            analysis, found = import_master(master, heard, total=audio.total)
        except (AnalysisError, SpotifyError) as error:
            if request.spotify_analysis is not None:
                raise
            self.warnings.append(f"{error.message}; the file's own is used")
            return heard
        self.warnings.append(
            f"beats and sections are those of Spotify's master, moved by {found.offset:+.3f} s to fit this file"
        )
        return analysis


def _analysis(request: Request, project: Project, audio: Audio, reporter: Reporter, ear: _Ear) -> Analysis:
    """What was heard, saved in the project, with the person's corrections applied."""
    analysis = hear(audio, reporter, request.ear)
    if request.spotify_analysis is not None or request.ask_analysis:
        reporter.check()
        analysis = ear.hear(request, project, audio, analysis)
    analysis, said = keep_hearing(project, analysis)
    ear.warnings.extend(said)
    return analysis


def _storyboard(
    request: Request, project: Project, analysis: Analysis, candidates: tuple[Text, ...], seed: int
) -> Storyboard:
    """A prompts file that was not imported yet, else what stands in the project, else the candidates, recycled.

    What the person said with ``style`` and ``negative`` goes over what is written there. The project's file is written
    once; before another prompts file takes its place it is kept beside it.
    """
    from lib_music.prompts.storyboard import make_storyboard, read_storyboard, write_storyboard
    from lib_music.prompts.text import Own

    path = project.path(STORYBOARD)
    imported = project.imported_prompts()
    if request.prompts is not None and (digest(request.prompts) != imported or not path.is_file()):
        storyboard = read_storyboard(request.prompts, analysis.sections, seed=seed)
        imported = digest(request.prompts)
        if path.is_file():
            kept = (path.with_name(f"storyboard-{n}.json") for n in itertools.count(1))
            path.replace(next(p for p in kept if not p.exists()))
        write_storyboard(path, storyboard, analysis.sections)
    elif path.is_file():
        storyboard = read_storyboard(path, analysis.sections, seed=seed)
    else:
        storyboard = make_storyboard(candidates, analysis.sections, seed=seed, style=Own(request.style))
        write_storyboard(path, storyboard, analysis.sections)
    project.remember(request.to_dict(project), imported)
    if request.style:
        storyboard = replace(storyboard, style=Own(request.style))
    if request.negative is not None:
        storyboard = replace(storyboard, negative=Own(request.negative))
    return storyboard


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


def encoding_of(animation: Animation) -> Encoding:
    """How a video of this animation is encoded."""
    from lib_music.video.encode import Encoding

    return Encoding(animation.width, animation.height, animation.timebase.fps)


def pixel_mark(plan: Plan, painter: str) -> str:
    """A digest of everything that decides the pixels: another one begins anew. ``painter`` is the renderer's name."""
    return _mark(plan, plan.animation, painter)


def _mark(plan: Plan, animation: Animation, painter: str) -> str:
    from lib_music.schedule.store import animation_to_dict

    parts = (
        animation_to_dict(animation),
        digest(plan.cover),
        painter,
        plan.request.captions,
        asdict(encoding_of(animation)),
        plan.audio.content_hash,
    )
    return fingerprint(*parts, plan.painted_with) if plan.painted_with else fingerprint(*parts)


def about_picture(plan: Plan, painter: str) -> dict[str, Any]:
    """What a project's :class:`~lib_music.project.Progress` says of the picture besides its fingerprint."""
    animation, fps = plan.animation, plan.animation.timebase.fps
    rate = f"{fps.numerator}/{fps.denominator}"
    return {
        "painter": painter,
        "width": animation.width,
        "height": animation.height,
        "fps": rate,
        "marks": section_marks(plan, painter),
        "words": section_words(animation),
    }


def section_words(animation: Animation) -> dict[str, str]:
    """What each section is painted with, to read, by ``first-last`` frame."""
    cues = zip(section_frames(animation), animation.cues, strict=True)
    return {f"{first}-{last}": cue.caption[:MAX_WORDS] for (first, last), cue in cues if first < last}


def join_again(plan: Plan, project: Project, reporter: Reporter) -> Path | None:
    """Join the segments as they are to the video, after a take was restored; None while some are missing."""
    if not all(project.progress().whole):
        return None
    titles = titles_of(plan)
    reporter.stage("mux")
    return _join(plan, project, titles, fingerprint(asdict(titles)), reporter)


def section_marks(plan: Plan, painter: str) -> dict[str, str]:
    """A digest of what decides the pixels of each section by itself, by ``first-last`` frame."""
    from lib_music.schedule.excerpt import excerpt

    found = {}
    for first, last in section_frames(plan.animation):
        if first >= last:
            continue  # shorter than a cadence: its moment shows the next one
        part = replace(excerpt(plan.animation, first, last), hits=(), sound_start=0.0, sound_duration=0.0)
        found[f"{first}-{last}"] = _mark(plan, part, painter)
    return found


def section_frames(animation: Animation) -> list[tuple[int, int]]:
    """Which frames each section is painted in: from the diffused frame that shows its beginning."""
    starts = [snap(cue.start, animation.cadence) for cue in animation.cues]
    return list(pairwise([*starts, animation.timebase.n_frames]))


def mixed(progress: Progress) -> str:
    """The fingerprint of a video whose sections were not all painted after one plan."""
    return fingerprint("mixed", sorted(progress.marks.items()))


def segments_of(animation: Animation) -> list[int]:
    """Frames in each segment of an animation: every section begins with one, so that it can be exchanged."""
    borders = [snap(cue.start, animation.cadence) for cue in animation.cues]
    timebase = animation.timebase
    return segment_lengths(timebase.n_frames, timebase.fps, borders, animation.cadence)


def segment_lengths(n_frames: int, fps: Fraction, borders: Iterable[int] = (), cadence: int = 1) -> list[int]:
    """Frames in each segment: about ten seconds in whole cadences, cut at ``borders`` as well.

    None left over shorter than a second unless it is all there is between two borders.
    """
    edges = sorted({0, n_frames, *(border for border in borders if 0 < border < n_frames)})
    full = max(1, round(SEGMENT_SECONDS * fps / cadence)) * cadence
    return [length for first, last in pairwise(edges) for length in _parts(last - first, full, fps)]


def _parts(n_frames: int, full: int, fps: Fraction) -> list[int]:
    count, rest = divmod(n_frames, full)
    if count and rest < fps:
        return [full] * (count - 1) + [full + rest]
    return [full] * count + ([rest] if rest else [])


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
    ours = project.progress().video
    video = next(p for p in map(project.path, free) if p.name == ours or not p.exists())
    thumbnail = project.path(THUMBNAIL)
    mux(picture, timebase.n_frames, timebase.fps, plan.audio, titles, thumbnail, video, reporter.check)
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
    met = _met(request, folder, reporter)
    folder = (folder or default_folder(request, met)).resolve()
    if request.song is None:
        request = _with_sound(request, folder, met, reporter)
    audio = check_song(request)
    if (mismatch := mismatch_of(audio, met)) is not None and not request.keep_mismatch:
        raise MismatchError(mismatch)
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


def _met(request: Request, folder: Path | None, reporter: Reporter) -> Met | None:
    """What Spotify says of the request's link; where a project knows it already, nobody is asked."""
    if not request.link:
        return None
    reporter.stage("track")
    if folder is None and request.song is None:
        return meet(request.link)
    return meet_again(request, Project(folder or default_folder(request)))


def _with_sound(request: Request, folder: Path, met: Met | None, reporter: Reporter) -> Request:
    """The request with the file that was fetched for its link; what was made for nothing goes again."""
    assert met is not None, "see Request"
    if not request.allow_download and fetched_earlier(request, Project(folder)) is None:
        raise no_sound(met)
    with Project(folder) as project:
        try:
            return obtain(request, project, reporter, met=met)
        except MusicVisualizerError:
            if project.is_new:
                project.discard()
            raise


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
