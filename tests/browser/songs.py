"""Short songs with known beats and sections, and a cover, as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lib_music.demo.compose import Composition, compose, write
from lib_music.demo.cover import draw_cover

#: 17 s in which the analysis hears two sections; 9 s for hosts that paint on a CPU.
LONG = (("verse", 3), ("chorus", 3), ("drop", 2))
SHORT = (("verse", 2), ("drop", 2))


@dataclass(frozen=True)
class Song:
    """A song, its truth and its cover on disk."""

    truth: Composition
    path: Path
    cover: Path


def make_song(folder: Path, *, seed: int = 4, plan: tuple[tuple[str, int], ...] = LONG, name: str = "song.mp3") -> Song:
    """Compose one at 120 beats a minute, the first beat at 0.1 s."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = compose(seed, bpm=120, plan=plan)
    return Song(truth, write(truth, folder / name), draw_cover(seed, folder / "cover.png", 384))
