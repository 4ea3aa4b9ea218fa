"""How the whole song moves, as one value: what Deforum and the animatic are both given.

Conventions: frames, not seconds; parameters are named as in Deforum's settings file; 2D motion values are
per frame, exactly as Deforum applies them when it goes from frame i - 1 to frame i (the value at 0 moves
nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from lib_music.analysis.types import Role
from lib_music.schedule.schedules import Schedule
from lib_music.schedule.timebase import Timebase

Mode = Literal["2D", "3D"]
Border = Literal["replicate", "wrap"]

#: Sizes that Deforum accepts: multiples of 8 (Perlin noise needs 64 at least).
MIN_SIZE, MAX_SIZE, SIZE_STEP = 64, 4096, 8


@dataclass(frozen=True)
class SectionCue:
    """Frames ``[start, end)`` of one section: its label, role, and what is written under it."""

    start: int
    end: int
    label: str
    role: Role
    caption: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"SectionCue {self.label}: frames {self.start} to {self.end}")


@dataclass(frozen=True)
class Animation:
    """Everything a renderer needs.

    Attributes
    ----------
    timebase : Timebase
    mode : "2D" or "3D"
    border : "replicate" or "wrap"
    width, height : int
        Pixels, multiples of 8, 64 to 4096.
    cadence : int
        Every ``cadence``-th frame from 0 is diffused, 1 to 50.
    schedules : mapping of Deforum parameter to Schedule
    prompts, negatives : mapping of frame to text
        The first at 0; they switch hard, at diffused frames.
    cues : tuple of SectionCue
        Contiguous, covering all frames.
    hits : tuple of int
        The declared hits: frames at which the picture visibly jumps. Increasing.
    start_image : Path or None
    sampler : str
    steps, seed : int
    sound_start, sound_duration : float
        Range of the song in seconds.
    flow : str
        How Deforum fills the frames between diffused ones; empty leaves it to the settings.
    base_settings : mapping
        The person's own Deforum settings; empty for ours.
    driven : frozenset of str
        The Deforum keys we write over the base; empty means all that we know.
    """

    timebase: Timebase
    mode: Mode
    border: Border
    width: int
    height: int
    cadence: int
    schedules: Mapping[str, Schedule]
    prompts: Mapping[int, str]
    negatives: Mapping[int, str]
    cues: tuple[SectionCue, ...]
    hits: tuple[int, ...] = ()
    start_image: Path | None = None
    sampler: str = "Euler a"
    steps: int = 20
    seed: int = 1
    sound_start: float = 0.0
    sound_duration: float = 0.0
    base_settings: Mapping[str, Any] = field(default_factory=dict)
    driven: frozenset[str] = frozenset()
    flow: str = ""

    def __post_init__(self) -> None:
        n = self.timebase.n_frames
        for name, size in (("width", self.width), ("height", self.height)):
            if size % SIZE_STEP or not MIN_SIZE <= size <= MAX_SIZE:
                raise ValueError(f"Animation.{name} is {size}; it must be a multiple of 8 from 64 to 4096")
        if not 1 <= self.cadence <= 50:
            raise ValueError(f"Animation.cadence is {self.cadence}; it must be 1 to 50")
        if not self.prompts or 0 not in self.prompts or 0 not in self.negatives:
            raise ValueError("Animation: prompts and negatives need an entry at frame 0")
        edges = [cue.start for cue in self.cues] + [self.cues[-1].end] if self.cues else []
        if (
            not edges
            or edges[0] != 0
            or edges[-1] != n
            or any(a.end != b.start for a, b in zip(self.cues, self.cues[1:], strict=False))
        ):
            raise ValueError("Animation.cues must be contiguous and cover all frames")
        if list(self.hits) != sorted(set(self.hits)) or (self.hits and not 0 <= self.hits[0] <= self.hits[-1] < n):
            raise ValueError("Animation.hits must increase and lie inside the video")
        if wrong := [key for key, schedule in self.schedules.items() if schedule.parameter != key]:
            raise ValueError(f"Animation.schedules: key and parameter differ: {wrong}")
        for name in ("schedules", "prompts", "negatives", "base_settings"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def diffused(self) -> range:
        """The frames that diffusion paints; the others are warped between them."""
        return range(0, self.timebase.n_frames, self.cadence)


def resized(animation: Animation, width: int, height: int) -> Animation:
    """The same motion in a picture of another size: what 2D travels in pixels travels the same share of it."""
    if (width, height) == (animation.width, animation.height):
        return animation
    schedules = dict(animation.schedules)
    for name, scale in (("translation_x", width / animation.width), ("translation_y", height / animation.height)):
        if name in schedules and animation.mode == "2D":
            keys = tuple((frame, value * scale) for frame, value in schedules[name].keyframes)
            schedules[name] = replace(schedules[name], keyframes=keys)
    return replace(animation, schedules=schedules, width=width, height=height)
