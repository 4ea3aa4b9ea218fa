"""What a person asks for, as one validated value.

Conventions: sizes in pixels, times in seconds, rates as text until they are parsed; None is what was not said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from lib_music.errors import InputError, ProjectError, RangeError
from lib_music.project import Project
from lib_music.render.deforum_flow import FLOWS
from lib_music.schedule.animation import MAX_SIZE, MIN_SIZE, SIZE_STEP, Mode
from lib_music.schedule.timebase import parse_fps
from lib_music.track.link import parse_link

#: Who may hear the beats in the file itself; what it needs is told where it is asked to.
Ear = Literal["own", "beat_this"]
OWN_EARS: tuple[Ear, ...] = get_args(Ear)
#: The least of a song that makes a video, s.
MIN_DURATION = 0.1
#: The most that is taken: times the preset's motion, diffusion steps, letters of a sampler's name.
MAX_INTENSITY, MAX_STEPS, MAX_NAME = 2.0, 150, 100
#: The fields that are files and folders, and those that are on or off.
PATHS = ("song", "cover", "prompts", "base_settings", "frames_dir", "spotify_analysis", "preset_file")
SWITCHES = ("captions", "whole", "allow_download", "spotify_content", "keep_mismatch", "ask_analysis")


@dataclass(frozen=True)
class Request:
    """What a person asks for. Sizes in pixels, times in seconds; validated, raises RangeError.

    ``fps`` is text such as ``24`` or ``30000/1001``; ``drive`` the Deforum keys we may write over ``base_settings``.
    ``fps``, ``width``, ``height``, ``mode`` and ``cadence`` of None are the base settings', else ours: see
    :meth:`over`. ``intensity`` scales all motion, 0 to 2; an empty ``sampler`` and ``steps`` of None are ours. With
    ``whole`` the whole song is heard and the range cut out of how it moves, as on the page, and another seed gives the
    project's sections others; else the range is a song of its own.

    ``song`` is None where there is only a ``link`` yet: that of a song on Spotify, as
    :func:`lib_music.track.link.parse_link` writes it, or empty. Three switches are off until the person turns them on:
    ``allow_download`` (audio may be fetched where none was given; ``choose`` is the number or the id of a recording to
    take), ``spotify_content`` (what Spotify says and shows may feed what is painted) and ``keep_mismatch`` (the file
    is right although its length is not Spotify's). ``spotify_analysis`` is a saved audio-analysis of Spotify's that is
    heard instead of the file; ``ask_analysis`` asks Spotify for it. ``ear`` hears the beats in the file.
    ``preset_file`` is a preset of the person's own; it counts instead of ``preset``.
    """

    song: Path | None
    cover: Path | None = None
    title: str | None = None
    artist: str | None = None
    preset: str = "auto"
    prompts: Path | None = None
    style: str = ""
    negative: str | None = None
    base_settings: Path | None = None
    drive: str = ""
    fps: str | None = None
    width: int | None = None
    height: int | None = None
    start: float = 0.0
    duration: float | None = None
    seed: int | None = None
    mode: Mode | None = None
    cadence: int | None = None
    captions: bool = False
    renderer: Literal["animatic", "deforum"] = "animatic"
    webui: str | None = None
    frames_dir: Path | None = None
    intensity: float = 1.0
    sampler: str = ""
    steps: int | None = None
    whole: bool = False
    link: str = ""
    allow_download: bool = False
    choose: str = ""
    spotify_content: bool = False
    keep_mismatch: bool = False
    spotify_analysis: Path | None = None
    ask_analysis: bool = False
    ear: Ear = "own"
    preset_file: Path | None = None
    flow: str = ""

    def __post_init__(self) -> None:
        self._check_types()
        if self.flow and self.flow not in FLOWS:
            raise RangeError(f"optical flow {self.flow[:40]!r} is not known", f"choose {', '.join(FLOWS)}")
        if self.fps is not None:
            parse_fps(self.fps)
        for name, size in (("width", self.width), ("height", self.height)):
            if size is None:
                continue
            if not MIN_SIZE <= size <= MAX_SIZE:
                raise RangeError(
                    f"{name} {size} is outside {MIN_SIZE} to {MAX_SIZE}", "give for example --size 1024x576"
                )
            if size % SIZE_STEP:
                near = max(MIN_SIZE, round(size / SIZE_STEP) * SIZE_STEP)
                raise RangeError(f"{name} {size} is not a multiple of {SIZE_STEP}", f"give {near}, as Deforum needs")
        if not math.isfinite(self.start) or self.start < 0:
            raise RangeError(f"start {self.start} is not a time in the song", "give seconds, 0 or more")
        if self.duration is not None and not (math.isfinite(self.duration) and self.duration >= MIN_DURATION):
            raise RangeError(f"duration {self.duration} cannot be rendered", f"give {MIN_DURATION} seconds or more")
        if self.seed is not None and not 0 <= self.seed < 2**31:
            raise RangeError(f"seed {self.seed} is outside 0 to {2**31 - 1}", "give another, or none")
        if self.cadence is not None and not 1 <= self.cadence <= 50:
            raise RangeError(f"cadence {self.cadence} is outside 1 to 50", "2 is usual")
        self._check_painting()
        self._check_song()

    @property
    def sound(self) -> Path:
        """The song's file; raises InputError where there is only a link."""
        if self.song is None:
            raise InputError("a link alone holds no sound", "give the song as a file too")
        return self.song

    def _check_song(self) -> None:
        if self.song is None and not self.link:
            raise RangeError("neither a song nor a link is given", "give one of them")
        if self.link and parse_link(self.link).url != self.link:
            raise RangeError("the link is not as it is written here", "paste it again")
        if self.choose and not re.fullmatch(r"[1-9]|[\w-]{11}", self.choose, re.ASCII):
            raise RangeError(f"{self.choose[:20]!r} is none of the recordings", "give its number")
        if self.ear not in OWN_EARS:
            raise RangeError(f"ear {str(self.ear)[:20]!r} is not known", f"give one of {', '.join(OWN_EARS)}")

    def _check_painting(self) -> None:
        if not 0 <= self.intensity <= MAX_INTENSITY:  # NaN is neither
            raise RangeError(f"intensity {self.intensity} is outside 0 to {MAX_INTENSITY:g}", "1 is the preset's own")
        if len(self.sampler) > MAX_NAME or not self.sampler.isprintable():
            raise RangeError(f"sampler {self.sampler[:MAX_NAME]!r} is no name", "give for example Euler a")
        if self.steps is not None and not 1 <= self.steps <= MAX_STEPS:
            raise RangeError(f"steps {self.steps} is outside 1 to {MAX_STEPS}", "20 is usual")

    def _check_types(self) -> None:
        """What comes from a project's file may have been edited by hand."""
        kinds: dict[type | tuple[type, ...], tuple[str, ...]] = {
            Path: PATHS,
            str: (
                *("title", "artist", "preset", "style", "negative", "drive"),
                *("fps", "mode", "renderer", "webui", "sampler", "link", "choose", "flow"),
            ),
            int: ("width", "height", "seed", "cadence", "steps"),
            (int, float): ("start", "duration", "intensity"),
            bool: SWITCHES,
        }
        needed = (
            *("preset", "style", "drive", "start", "renderer", "intensity", "sampler", "link", "choose", "flow"),
            *SWITCHES,
        )
        for kind, names in kinds.items():
            for name in names:
                value = getattr(self, name)
                wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)
                if wrong and (value is not None or name in needed):
                    raise RangeError(f"{name} cannot be {value!r}", "see music-visualizer render --help")
        if self.mode not in (None, "2D", "3D") or self.renderer not in ("animatic", "deforum"):
            raise RangeError(f"mode {self.mode}, renderer {self.renderer}: not known", "see render --help")

    def over(self, base: Mapping[str, Any], driven: frozenset[str]) -> Request:
        """This request with nothing left open: what the person did not say is their base settings', else ours.

        Their cadence and mode count where we may not write them.
        """
        chosen: dict[str, Any] = {
            "fps": self.fps or str(base.get("fps", 24)),
            "width": self.width or _sized(base.get("W", 512)),
            "height": self.height or _sized(base.get("H", 512)),
            "mode": self.mode or ("3D" if base.get("animation_mode") == "3D" else "2D"),
        }
        if self.cadence is None and base and driven and "diffusion_cadence" not in driven:
            chosen["cadence"] = min(50, max(1, int(base.get("diffusion_cadence", 1))))
        return replace(self, **chosen)

    def to_dict(self, project: Project) -> dict[str, Any]:
        """JSON form with paths relative to the project."""
        paths = {k: project.relative(v) for k, v in asdict(self).items() if isinstance(v, Path)}
        return {**asdict(self), **paths}

    @classmethod
    def from_dict(cls, data: dict[str, Any], project: Project) -> Request:
        """Read the JSON form back; raises ProjectError when it is none."""
        try:
            if not (data.get("song") or data.get("link")):
                raise ValueError("it names neither a song nor a link")
            paths = {
                k: project.folder / data[k] if data[k] is not None else None
                for k in PATHS
                if k in data
            }
            return cls(**{**data, **paths})
        except (KeyError, TypeError, ValueError) as error:
            raise ProjectError(f"{project.file} cannot be read: {error}", "render the song again") from error


def _sized(value: Any) -> int:
    """A base file's size as Deforum itself would floor it, inside our limits."""
    return min(MAX_SIZE, max(MIN_SIZE, int(value) // SIZE_STEP * SIZE_STEP))
