"""One take: a stretch of a video as it was painted before, and its small ``take.json``.

Conventions: frames ``[first, last)`` of the whole video; paths relative to the take's own folder, so that a project can
be moved; found text (labels, prompts) is kept as it is and only ever shown as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from lib_music.errors import InputError, ProjectError
from lib_music.files import read_json, write_json
from lib_music.project import Project

#: The folder of the takes, a take's card, and what says that its pictures are still on their way.
TAKES, CARD, MOVING = "takes", "take.json", ".moving"
#: Of a take: Deforum's own pictures by frame, and a small one to show.
FRAMES, THUMBNAIL = "frames", "thumbnail.jpg"
VERSION = 1
#: How many takes are named to somebody who asks for one that is not there.
_LISTED = 8
_NUMBER, _PART = re.compile(r"\d{3,}"), re.compile(r"\.(\d{3,})\.part")
_MAX_TEXT = 4_000


@dataclass(frozen=True)
class Told:
    """What is written down about a stretch for people; all of it may be empty.

    Attributes
    ----------
    why : str
        Why it was put aside: ``section 2 is painted again``.
    section : int or None
        Its place in the song, from 0; None for more than one.
    label, role : str
        Of its first section.
    painter : str
        The renderer's name.
    model : mapping of str to str
        Checkpoint, VAE, clip skip and LoRAs, where they are known.
    app : str
        Our version then.
    """

    why: str = ""
    section: int | None = None
    label: str = ""
    role: str = ""
    painter: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    app: str = ""

    def __post_init__(self) -> None:
        texts = (self.why, self.label, self.role, self.painter, self.app)
        if not all(isinstance(text, str) and len(text) <= _MAX_TEXT for text in texts):
            raise ValueError("Told: texts of at most 4,000 characters")
        if self.section is not None and (type(self.section) is not int or self.section < 0):
            raise ValueError(f"Told.section is {self.section!r}")


@dataclass(frozen=True)
class Take:
    """A stretch that was put aside.

    Attributes
    ----------
    number : int
        From 1.
    first, last, total : int
        Frames ``[first, last)`` of a video of ``total``.
    width, height : int
    fps : str
        As a ratio, ``24/1``.
    date : float
        When it was put aside, unix s.
    lengths, segments : tuple
        Frames and digest of each segment; empty digests for what was not painted.
    marks, words : mapping
        See :class:`~lib_music.project.Progress`.
    told : Told
    """

    number: int
    first: int
    last: int
    total: int
    width: int
    height: int
    fps: str
    date: float
    lengths: tuple[int, ...]
    segments: tuple[str, ...]
    marks: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        numbers = (self.number, self.first, self.last, self.total, self.width, self.height, *self.lengths)
        if not all(type(n) is int and n >= 0 for n in numbers) or not self.number:
            raise ValueError("Take: number, frames and sizes must be whole and >= 0")
        if not self.first < self.last <= self.total or sum(self.lengths) != self.last - self.first:
            raise ValueError(f"Take: frames {self.first} to {self.last} of {self.total} in {self.lengths}")
        if len(self.segments) != len(self.lengths) or not all(isinstance(d, str) for d in self.segments):
            raise ValueError("Take: a digest for each segment")
        if Fraction(self.fps) <= 0:
            raise ValueError(f"Take.fps is {self.fps!r}")

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.number:03d}"

    @property
    def starts(self) -> tuple[int, ...]:
        """The first frame of each segment, counted in the whole video."""
        return tuple(self.first + sum(self.lengths[:k]) for k in range(len(self.lengths)))

    @property
    def is_whole(self) -> bool:
        """Whether all of it was painted."""
        return all(self.segments)

    def folder(self, project: Project) -> Path:
        """Where it lies."""
        return project.path(TAKES) / self.name

    def save(self, folder: Path) -> None:
        """Write its card."""
        write_json(folder / CARD, {"version": VERSION, **asdict(self)})

    @classmethod
    def load(cls, folder: Path) -> Take:
        """Read its card; raises ProjectError when it is damaged."""
        data = read_json(folder / CARD)
        try:
            if data.get("version") != VERSION:
                raise ValueError("it is of another version")
            known = {f.name: data[f.name] for f in fields(cls)}
            known.update(lengths=tuple(known["lengths"]), segments=tuple(known["segments"]), told=Told(**known["told"]))
            return cls(**known)
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            raise ProjectError(f"take {folder.name} cannot be read: {error}", "its files stay as they are") from error


def takes_of(project: Project) -> list[Take]:
    """The takes that can be read, the latest first; those whose pictures are still on their way among them."""
    found = []
    for number, folder in _folders(project).items():
        try:
            take = Take.load(folder)
        except ProjectError:
            continue
        if take.number == number:
            found.append(take)
    return sorted(found, key=lambda take: take.number, reverse=True)


def find_take(project: Project, number: object) -> Take:
    """The take of that number; raises InputError when there is none. ``number`` is foreign."""
    whole = isinstance(number, int) and not isinstance(number, bool)
    there = takes_of(project)
    found = next((take for take in there if whole and take.number == number), None)
    if found is None:
        named = f"take {number}" if isinstance(number, int) and whole and abs(number) < 10**9 else "such take"
        raise InputError(f"there is no {named}", _listed(sorted(take.number for take in there)))
    return found


def _listed(numbers: list[int]) -> str:
    """Which takes can be chosen, the latest of them where there are many."""
    if not numbers:
        return "there are none yet: painting a section again makes one"
    earlier = f"the latest of {len(numbers)}: " if len(numbers) > _LISTED else ""
    return f"choose of {earlier}{', '.join(map(str, numbers[-_LISTED:]))}"


def next_number(project: Project) -> int:
    """The number of the next take: none is given twice, even after its take has gone."""
    return max([project.progress().take, *_folders(project), *parts(project)], default=0) + 1


def parts(project: Project) -> dict[int, Path]:
    """Takes that do not have their name yet, by number."""
    folder = project.path(TAKES)
    found = [(_PART.fullmatch(path.name), path) for path in folder.iterdir()] if folder.is_dir() else []
    return {int(match[1]): path for match, path in found if match}


def _folders(project: Project) -> dict[int, Path]:
    folder = project.path(TAKES)
    there = [path for path in folder.iterdir() if _NUMBER.fullmatch(path.name)] if folder.is_dir() else []
    named = {int(path.name): path for path in there if path.is_dir() and not path.is_symlink()}
    taken = project.progress().take
    return {**{n: path for n, path in parts(project).items() if n == taken}, **named}
