"""What the stages hand each other, and the names of their files.

Conventions: frozen; nothing in here does anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.audio import Audio
from lib_music.request import Request
from lib_music.schedule.animation import Animation

if TYPE_CHECKING:
    from lib_music.analysis import Analysis
    from lib_music.prompts.storyboard import Storyboard
    from lib_music.prompts.suggestions import Suggestions
    from lib_music.track import Track

#: The project's files by stage.
ANIMATION, STORYBOARD, SETTINGS, THUMBNAIL, PRESET = (
    "animation.json",
    "storyboard.json",
    "deforum_settings.txt",
    "thumbnail.jpg",
    "preset.json",
)


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
