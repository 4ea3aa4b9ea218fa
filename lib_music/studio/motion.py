"""How a song shall move: all that the Motion part of the page holds, as one value.

Conventions: kept as ``motion.json`` in the project; times in seconds of the song, sizes in pixels. What the page or a
file says is foreign: a field that cannot be used is named, and nothing is changed. None is what was not chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from lib_music.audio import LIMIT
from lib_music.errors import InputError, MusicVisualizerError, ProjectError
from lib_music.files import read_json, write_json
from lib_music.project import Project
from lib_music.request import MAX_INTENSITY, MAX_NAME, MAX_STEPS, MIN_DURATION, Request
from lib_music.schedule.animation import MAX_SIZE, MIN_SIZE, SIZE_STEP, Animation, Mode
from lib_music.schedule.presets import get_preset
from lib_music.schedule.timebase import parse_fps
from lib_music.studio.foreign import flag, number, text, whole
from lib_music.studio.host import Host

#: The file's name in the project.
MOTION = "motion.json"
RENDERERS = ("", "animatic", "deforum")
#: The most points of a drawn curve.
MAX_POINTS = 2000
#: The curves that are drawn, in their order.
DRAWN = ("zoom", "translation_z", "angle", "rotation_3d_z", "translation_x", "translation_y", "strength_schedule")


@dataclass(frozen=True)
class Motion:
    """The choices of the Motion part; validated, raises InputError.

    Attributes
    ----------
    preset : str
        A preset's name, or ``auto``.
    intensity : float
        Times the preset's motion, 0 to 2.
    fps : str
        ``24``, ``25``, ``30``, ``60`` or any ratio.
    cadence : int or None
        None is the preset's.
    width, height : int
        Pixels, multiples of 8.
    mode : "2D" or "3D"
    start : float
        Where the range begins, s.
    duration : float or None
        None is to the end.
    seed : int or None
        None is the song's own.
    sampler : str
        Empty is the host's first.
    steps : int
    renderer : str
        ``animatic``, ``deforum``, or empty for the host's first that can be used.
    captions : bool
        Write the prompts into the animatic.
    """

    preset: str = "auto"
    intensity: float = 1.0
    fps: str = "24"
    cadence: int | None = None
    width: int = 512
    height: int = 512
    mode: Mode = "2D"
    start: float = 0.0
    duration: float | None = None
    seed: int | None = None
    sampler: str = ""
    steps: int = 20
    renderer: str = ""
    captions: bool = False

    def __post_init__(self) -> None:
        values = asdict(self)
        for name, least, most in _SPANS:
            if not (values[name] is None and name in _OPEN):
                number(values, name, least, most, *_TOLD.get(name, ()))
        for name, low, high in _WHOLE:
            if not (values[name] is None and name in _OPEN):
                whole(values, name, low, high)
        flag(values, "captions")
        for name in ("preset", "fps", "sampler", "mode", "renderer"):
            if not text(values, name, MAX_NAME).isprintable():
                raise InputError(f"{name} holds characters that cannot be printed", "choose one of the list")
        for name in ("width", "height"):
            if values[name] % SIZE_STEP:
                near = max(1, round(values[name] / SIZE_STEP)) * SIZE_STEP
                wrong = f"{name} {values[name]} is not a multiple of {SIZE_STEP}"
                raise InputError(wrong, f"give {near}, as Deforum needs")
        if self.mode not in ("2D", "3D"):
            raise InputError(f"mode {self.mode!r} is not known", "choose 2D or 3D")
        if self.renderer not in RENDERERS:
            raise InputError(f"renderer {self.renderer!r} is not known", "choose one of the list")
        if self.preset != "auto":
            get_preset(self.preset)
        parse_fps(self.fps)

    @classmethod
    def from_dict(cls, data: object) -> Motion:
        """Read what the page or a file says; what is missing is the default, what is unknown is passed over.

        Raises InputError with the field that cannot be used.
        """
        if not isinstance(data, Mapping):
            raise InputError("the motion is no object", "reload the page and try again")
        known = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        found: dict[str, Any] = {}
        for name, value in known.items():
            if value is None and name not in _OPEN:
                continue
            found[name] = _read(name, value, known)
        return cls(**found)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    def request(self, known: Request, renderer: Literal["animatic", "deforum"]) -> Request:
        """What is asked for: of ``known`` the song and its words, of this everything that moves.

        What is written in the storyboard counts, not what an earlier command said of it.
        """
        return replace(
            known,
            prompts=None,
            style="",
            negative=None,
            preset=self.preset,
            intensity=self.intensity,
            fps=self.fps,
            cadence=self.cadence,
            width=self.width,
            height=self.height,
            mode=self.mode,
            start=self.start,
            duration=self.duration,
            seed=self.seed,
            sampler=self.sampler,
            steps=self.steps,
            captions=self.captions,
            renderer=renderer,
            whole=True,
        )

    @classmethod
    def of(cls, request: Request) -> Motion:
        """What an earlier request, of the command line, says about motion."""
        over = request.over({}, frozenset())
        known = {field.name: getattr(over, field.name) for field in fields(cls)}
        return cls(**{**known, "steps": over.steps or cls.steps})


#: Whole numbers with their range, and what may be left open.
_WHOLE = (
    ("width", MIN_SIZE, MAX_SIZE),
    ("height", MIN_SIZE, MAX_SIZE),
    ("steps", 1, MAX_STEPS),
    ("cadence", 1, 50),
    ("seed", 0, 2**31 - 1),
)
#: Numbers with their range.
_SPANS = (("intensity", 0.0, MAX_INTENSITY), ("start", 0.0, LIMIT), ("duration", MIN_DURATION, LIMIT))
_OPEN = frozenset({"cadence", "duration", "seed"})
#: What the page calls its box, beside the name in files and calls; and the way on that is no number.
_TOLD = {"duration": ("Length (duration)", " seconds, or leave it empty to paint to the end")}


def _read(name: str, value: Any, data: Mapping[str, Any]) -> Any:
    """One field as its type has it; browsers send whole numbers as 20.0 and rates as numbers."""
    if value is None:
        return None
    for known, low, high in _WHOLE:
        if name == known:
            return whole(data, name, low, high)
    if name == "fps" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{number(data, name, 1, 240):.6g}"
    for known, least, most in _SPANS:
        if name == known:
            return number(data, name, least, most, *_TOLD.get(name, ()))
    return value


def read_motion(host: Host, project: Project) -> Motion:
    """The project's motion; without one what was asked of it before, else the person's preferences.

    A file that cannot be used is as good as none: nothing that was painted depends on it.
    """
    path = project.path(MOTION)
    try:
        if path.is_file():
            return Motion.from_dict(read_json(path))
    except (ProjectError, InputError):
        pass
    try:
        return Motion.of(Request.from_dict(project.request(), project))
    except MusicVisualizerError:
        return preferred(host)


def preferred(host: Host) -> Motion:
    """What the page begins with."""
    wishes = host.preferences()
    try:
        return Motion(preset=wishes.preset, fps=wishes.fps)
    except InputError:
        return Motion()


def write_motion(project: Project, motion: Motion) -> None:
    """Keep a motion in its project."""
    write_json(project.path(MOTION), motion.to_dict())


def curves(animation: Animation) -> dict[str, Any]:
    """The curves that the page draws under the timeline, in JSON.

    Returns
    -------
    dict
        ``rate`` in Hz and ``start`` in s of the song; ``series`` with ``name``, ``min``, ``max`` and ``values`` of
        0 to 100 between them; ``hits`` in s of the song. Where points are fewer than frames, each stands for the frame
        that is farthest from the middle, so that no jump is lost.
    """
    n, fps = animation.timebase.n_frames, float(animation.timebase.fps)
    every = -(-n // MAX_POINTS)
    series = []
    for name in DRAWN:
        schedule = animation.schedules.get(name)
        if schedule is None:
            continue
        values = _extremes(schedule.sample(n), every)
        low, high = float(values.min()), float(values.max())
        if name not in ("zoom", "strength_schedule") and low == high:
            continue
        scaled = np.round(100 * (values - low) / (high - low)) if high > low else np.zeros(values.size)
        series.append({"name": name, "min": low, "max": high, "values": scaled.astype(int).tolist()})
    hits = [round(animation.sound_start + hit / fps, 3) for hit in animation.hits]
    return {"rate": fps / every, "start": animation.sound_start, "series": series, "hits": hits}


def _extremes(values: np.ndarray[Any, np.dtype[np.float64]], every: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Of each ``every`` values the one farthest from the median of all [shape=(ceil(n / every),)]."""
    if every == 1:
        return values
    padded = np.concatenate((values, np.full(-values.size % every, values[-1]))).reshape(-1, every)
    place = np.abs(padded - np.median(values)).argmax(axis=1)
    return np.asarray(padded[np.arange(len(padded)), place], np.float64)
