"""What a video will be and cost, before anything is painted.

Conventions: nothing is heard, painted or written here, and no lock is held. Times in seconds, sizes in bytes; an
estimate says "about", and a time that was never measured here is left out.
"""

from __future__ import annotations

import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from lib_music.audio import Audio
from lib_music.errors import InputError
from lib_music.pipeline import (
    CORRECTIONS,
    STORYBOARD,
    Plan,
    Understanding,
    own_of,
    pixel_mark,
    plan_of,
    set_in_motion,
)
from lib_music.project import Project, fingerprint
from lib_music.recall import ANALYSIS, CARD, recall
from lib_music.request import Request
from lib_music.schedule.animation import Animation
from lib_music.schedule.preset_file import ROUTES, Own
from lib_music.studio.base_file import base_of, chosen, left_open
from lib_music.studio.finishing_file import flow_of
from lib_music.studio.motion import Motion
from lib_music.studio.record import Painted, key_of, pictures_on_disk, rate_name, read_painted, read_rate
from lib_music.studio.studio import Studio
from lib_music.studio.workspace import find_project

if TYPE_CHECKING:
    from lib_music.studio.host import Model

#: Bits for each pixel of the finished video, and bytes for each of a painted picture (PNG); measured on our own.
VIDEO_BITS, PICTURE_BYTES = {"animatic": 0.12, "deforum": 0.25}, 1.8
#: Bytes per second of the video's sound.
_SOUND = 24_000
_KEPT = 6
_held: OrderedDict[str, Animation] = OrderedDict()
_holding = threading.Lock()


@dataclass(frozen=True)
class Setup:
    """A song with its motion, ready to be painted.

    Attributes
    ----------
    project : Project
        Not open.
    motion : Motion
        With the sampler filled in.
    renderer : "animatic" or "deforum"
    plan : Plan
    painted : Painted or None
        How the painting that is there was begun, when this renderer did it.
    model : Model or None
        What would paint now.
    """

    project: Project
    motion: Motion
    renderer: Literal["animatic", "deforum"]
    plan: Plan
    painted: Painted | None = None
    model: Model | None = None

    @property
    def painter(self) -> str:
        """The renderer's own name."""
        from lib_music.render.animatic import Animatic
        from lib_music.render.deforum_renderer import DeforumRenderer

        return Animatic.name if self.renderer == "animatic" else DeforumRenderer.name

    @property
    def mark(self) -> str:
        """What the project's progress is compared with."""
        return pixel_mark(self.plan, self.painter)

    @property
    def rate_name(self) -> str:
        """Under which measured times are kept."""
        return rate_name(self.renderer, self.shown, self.model)

    @property
    def shown(self) -> Motion:
        """The motion as it is painted: the base settings may have a say in it."""
        return seen(self.motion, self.plan.request)

    def marked(self, key: str) -> Setup:
        """The same, painted with the model of that mark."""
        return replace(self, plan=replace(self.plan, painted_with=key))

    @property
    def is_finished(self) -> bool:
        """Whether exactly this was painted to the end; believes the records."""
        progress = self.project.progress()
        return progress.is_finished and progress.fingerprint == self.mark and self.project.share() == 1.0

    def painted_frames(self) -> int:
        """Frames of exactly this that are there already."""
        progress = self.project.progress()
        if progress.fingerprint != self.mark:
            return 0
        n = self.plan.animation.timebase.n_frames
        if progress.is_finished:
            return n if self.project.share() == 1.0 else 0
        pictures = pictures_on_disk(self.project) if self.renderer == "deforum" else 0
        return max(progress.painted, min(pictures, n))


@dataclass(frozen=True)
class Cost:
    """What a video costs.

    Attributes
    ----------
    frames, diffusions : int
        Of the whole video; no picture is diffused by the animatic.
    disk : int
        Bytes at the most while it is made, about.
    seconds : float or None
        For what is left to paint, about; None where nothing was measured.
    done : int
        Frames that are painted already.
    lines : tuple of str
        All of it to read, and why painting begins anew where it does.
    """

    frames: int
    diffusions: int
    disk: int
    seconds: float | None
    done: int
    lines: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {**asdict(self), "lines": list(self.lines)}


def chosen_renderer(studio: Studio, motion: Motion) -> Literal["animatic", "deforum"]:
    """The renderer that is meant, whether it can be used now or not; raises InputError when there is none."""
    choices = studio.host.renderers()
    usable = [choice.id for choice in choices if choice.usable]
    id = motion.renderer or (usable[0] if usable else "")
    if id not in ("animatic", "deforum") or id not in [choice.id for choice in choices]:
        raise InputError(f"there is no renderer {id!r} here", "choose one of the list")
    return cast('Literal["animatic", "deforum"]', id)


def usable_renderer(studio: Studio, motion: Motion) -> Literal["animatic", "deforum"]:
    """The renderer that is meant; raises InputError with the reason when it cannot be used now."""
    id = chosen_renderer(studio, motion)
    for choice in studio.host.renderers():
        if choice.id == id and not choice.usable:
            raise InputError(f"{choice.label} cannot be used now: {choice.note}", "or choose another renderer")
    return id


def with_sampler(studio: Studio, motion: Motion) -> Motion:
    """The motion with the host's default sampler where none was chosen."""
    names = studio.host.samplers()
    return replace(motion, sampler=motion.sampler or (names[0] if names else ""))


def asked(project: Project, motion: Motion, renderer: Literal["animatic", "deforum"]) -> Request:
    """What is asked for: the song as the project knows it, on the base that is chosen there, moved like this."""
    known = chosen(project, Request.from_dict(project.request(), project))
    known = replace(known, flow=flow_of(project) or known.flow)
    base, driven = base_of(known)
    request = left_open(motion.request(known, renderer), base, driven)
    return request.over(base.values if base else {}, driven)


def seen(motion: Motion, request: Request) -> Motion:
    """The motion with what the request makes of it."""
    names = ("fps", "width", "height", "mode", "cadence", "steps", "sampler")
    found = {name: getattr(request, name) for name in names}
    return replace(motion, **{name: value for name, value in found.items() if value is not None})


def set_up(studio: Studio, name: str, motion: Motion, audio: Audio | None = None) -> Setup:
    """A project's song with this motion; raises InputError when it was not heard yet."""
    project = find_project(studio.host, name)
    renderer, motion = chosen_renderer(studio, motion), with_sampler(studio, motion)
    request = asked(project, motion, renderer)
    known = recall(project, request, audio)
    plan = plan_of(known, moved(project, known))
    return marked_for(Setup(project, motion, renderer, plan), studio)


def marked_for(setup: Setup, studio: Studio) -> Setup:
    """Set up with what would paint now; a painting that goes on keeps the mark it was begun with."""
    if setup.renderer != "deforum":
        return setup
    painted, model = read_painted(setup.project), studio.host.model()
    if painted is not None and painted.renderer != setup.renderer:
        painted = None
    setup = replace(setup, painted=painted, model=model)
    if painted is None:
        return setup.marked(key_of(model))
    going_on = setup.marked(painted.key)
    if model is None or painted.model is None or not model.differs_from(painted.model):
        return going_on
    begun = not going_on.project.progress().is_finished and going_on.painted_frames()
    return going_on if begun else setup.marked(key_of(model))


def moved(project: Project, known: Understanding, own: Own | None = None) -> Animation:
    """The animation of a project's song; the latest ones are kept as long as nothing they are made of changes.

    ``own`` moves it otherwise than the project's own rows do.
    """
    request = known.request
    names = (ANALYSIS, CARD, CORRECTIONS, STORYBOARD, ROUTES)
    stamps = [_stamp(project.path(name)) for name in names]
    base = [str(request.base_settings), request.drive, _stamp(request.base_settings) if request.base_settings else ""]
    base += [str(request.preset_file), _stamp(request.preset_file) if request.preset_file else ""]
    choices = [getattr(request, name) for name in _MOVING]
    key = fingerprint(str(project.folder), stamps, base, choices, known.seed, str(known.cover), repr(own))
    with _holding:
        if key in _held:
            _held.move_to_end(key)
            return _held[key]
    settings, driven = base_of(request)
    own = own or own_of(request, project)
    animation = set_in_motion(known, base=settings, driven=driven, own=own)
    with _holding:
        _held[key] = animation
        while len(_held) > _KEPT:
            _held.popitem(last=False)
    return animation


#: The fields of a request that an animation is made of.
_MOVING = (
    *("preset", "fps", "width", "height", "start", "duration", "seed", "mode", "cadence"),
    *("intensity", "sampler", "steps", "flow"),
)


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"


def cost(studio: Studio, name: str, motion: Motion) -> Cost:
    """What a project's video costs with this motion.

    Raises
    ------
    InputError
        The song was not heard yet, or the range or the renderer cannot be used.
    """
    return cost_of(studio, set_up(studio, name, motion))


def cost_of(studio: Studio, setup: Setup) -> Cost:
    """See :func:`cost`."""
    animation = setup.plan.animation
    n, done = animation.timebase.n_frames, setup.painted_frames()
    diffusions = len(animation.diffused) if setup.renderer == "deforum" else 0
    disk, seconds = _disk(setup), seconds_for(studio, setup, done)
    lines = [_amount(setup, diffusions), f"about {read_size(disk)} of disk while it is made"]
    free = shutil.disk_usage(setup.project.folder).free
    if free < disk:
        lines.append(f"only {read_size(free)} are free there")
    if over := over_cap(studio, 0 if setup.is_finished else round(disk * (1 - done / max(1, n)))):
        lines.append(over)
    if setup.is_finished:
        lines.append("this video is finished; there is nothing to paint")
    elif done:
        lines.append(f"{done} of {n} frames are painted already; it goes on there")
    if seconds is not None and done < n:
        lines.append(f"about {read_span(seconds)}" + (" for the rest" if done else ""))
    elif setup.renderer == "deforum" and done < n:
        lines.append("how long one picture takes is not known yet")
    lines += [
        f"{c.label} cannot be used now: {c.note}" for c in studio.host.renderers() if c.id == setup.renderer and c.note
    ]
    return Cost(n, diffusions, disk, seconds, done, (*lines, *anew(setup)))


def over_cap(studio: Studio, disk: int) -> str:
    """A line where ``disk`` more bytes would go over the cap that the person set for all projects; else empty."""
    from lib_music.studio.workspace import projects

    return beyond(studio.host.preferences().disk_cap, projects(studio.host), disk)


def beyond(cap: int, visuals: Iterator[Project], disk: int) -> str:
    """The same for the cap that is named, of 0 for none, and these visuals."""
    from lib_music.takes.sizes import workspace_size

    if not cap or (used := workspace_size(visuals)) + disk <= cap:
        return ""
    return f"over the cap: all visuals take {read_size(used)}, this needs {read_size(disk)} more of {read_size(cap)}"


def check_room(studio: Studio, disk: int) -> None:
    """Raise InputError where ``disk`` more bytes would go over the cap."""
    if line := over_cap(studio, disk):
        raise InputError(line, "delete something first, or raise the cap")


def check_disk(studio: Studio, setup: Setup, share: float = 1.0) -> None:
    """Raise InputError where painting this ``share`` of the video would go over the cap; nothing is deleted for it."""
    from lib_music.takes.sizes import sizes_of

    left = 0.0 if setup.is_finished and share == 1.0 else share
    if share == 1.0 and not setup.is_finished:
        left = 1 - setup.painted_frames() / max(1, setup.plan.animation.timebase.n_frames)
    if line := over_cap(studio, round(_disk(setup) * left)):
        sizes = sizes_of(setup.project)
        takes = sum(sizes.takes.values())
        raise InputError(
            line,
            f"delete something first: here takes {read_size(takes)}, frames {read_size(sizes.frames)}; "
            "or other visuals, or raise the cap",
        )


def _amount(setup: Setup, diffusions: int) -> str:
    animation = setup.plan.animation
    n, fps = animation.timebase.n_frames, animation.timebase.fps
    size = f"{animation.width}×{animation.height}"
    diffused = f", {diffusions} of them diffused" if diffusions else ""
    return f"{n} frames{diffused}: {read_span(animation.timebase.duration)} at {float(fps):g} fps, {size}"


def _disk(setup: Setup) -> int:
    """Segments and the video made of them, and Deforum's own pictures."""
    animation = setup.plan.animation
    n, pixels = animation.timebase.n_frames, animation.width * animation.height
    pictures = n * pixels * PICTURE_BYTES if setup.renderer == "deforum" else 0
    return round(disk_of(animation, setup.renderer) + pictures)


def disk_of(animation: Animation, renderer: Literal["animatic", "deforum"]) -> int:
    """Bytes of the segments and the video made of them."""
    n, pixels = animation.timebase.n_frames, animation.width * animation.height
    video = n * pixels * VIDEO_BITS[renderer] / 8 + animation.timebase.duration * _SOUND
    return round(2 * video)


def seconds_for(studio: Studio, setup: Setup, done: int) -> float | None:
    """How long the frames from ``done`` on take, from what was measured here."""
    animation = setup.plan.animation
    left = animation.timebase.n_frames - done
    if setup.renderer == "animatic":
        each = read_rate(studio, setup.rate_name, "frame")
        return None if each is None else each * left
    frames = np.arange(done + -done % animation.cadence, animation.timebase.n_frames, animation.cadence)
    each = read_rate(studio, setup.rate_name, "diffusion")
    if each is not None:
        return each * frames.size
    each = read_rate(studio, setup.rate_name, "picture")
    return None if each is None else each * float(_shares(animation)[frames].sum())


def _shares(animation: Animation) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Which share of all steps each frame takes: a frame that keeps much of the one before takes fewer."""
    n, steps = animation.timebase.n_frames, animation.steps
    schedule = animation.schedules.get("strength_schedule")
    strength = np.clip(schedule.sample(n), 0.0, 1.0) if schedule else np.zeros(n)
    if animation.start_image is None:
        strength[0] = 0.0
    return np.asarray(np.minimum(np.floor((1 - strength) * steps) + 1, steps) / steps, np.float64)


def anew(setup: Setup) -> tuple[str, ...]:
    """Why painting begins anew, where something is painted that it cannot go on from; said before it begins."""
    progress = setup.project.progress()
    if not progress.fingerprint or progress.fingerprint == setup.mark:
        return ()
    if not (progress.painted or progress.video or pictures_on_disk(setup.project)):
        return ()
    other = "the prompts, the hearing, the cover, the base settings or the routes were changed since"
    reasons = _reasons(setup) or (other,)
    lines = tuple(f"painting begins anew: {reason}" for reason in reasons)
    animation, fps = setup.plan.animation, setup.plan.animation.timebase.fps
    shape = (animation.width, animation.height, f"{fps.numerator}/{fps.denominator}", animation.timebase.n_frames)
    if shape != (progress.width, progress.height, progress.fps, sum(progress.lengths)):
        return lines
    return (*lines, "a finished video is kept as a take; Takes paints single sections again instead")


def _reasons(setup: Setup) -> tuple[str, ...]:
    painted, now = read_painted(setup.project), setup.motion
    if painted is None:
        return ()
    then = painted.motion
    lines = []
    if painted.renderer != setup.renderer:
        lines.append(f"it was begun with {painted.renderer}, now it is {setup.renderer}")
    if setup.model is not None and painted.model is not None and setup.plan.painted_with != painted.key:
        lines += setup.model.differs_from(painted.model)
    if then.fps != now.fps:
        lines.append(f"it was begun at {then.fps} fps, now it is {now.fps}, and each frame shows another moment")
    if (then.width, then.height) != (now.width, now.height):
        lines.append(f"it was begun at {then.width}×{then.height}, now it is {now.width}×{now.height}")
    if (then.start, then.duration) != (now.start, now.duration):
        lines.append("the range was changed")
    named = ("preset", "intensity", "cadence", "mode", "seed", "sampler", "steps", "captions")
    changed = [name for name in named if getattr(then, name) != getattr(now, name)]
    if changed:
        lines.append(f"{', '.join(changed)} changed")
    return tuple(lines)


def read_size(n: float) -> str:
    """Bytes to read: ``1.2 GB``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n / 1e3:.0f} kB"


def read_span(seconds: float) -> str:
    """Seconds to read: ``2 h 5 min``, ``4 min 0 s``, ``12 s``."""
    whole = max(1, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"
