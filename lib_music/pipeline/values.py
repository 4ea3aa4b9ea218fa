"""What the stages hand each other, and who is told of their progress.

Conventions: frozen; nothing in here does anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.audio import Audio
from lib_music.errors import Interrupted
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
