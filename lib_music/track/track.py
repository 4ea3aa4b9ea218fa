"""The song's card as one value.

Conventions: text fields are *found* text (see :mod:`lib_music.prompts.text`) unless the person typed
them; durations are seconds; every field remembers where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

Source = Literal["typed", "tags", "file name", "spotify", "oembed", "own file", "embedded", "generated"]
Field = Literal["title", "artists", "album", "date", "genres", "cover", "isrc", "spotify_id"]


@dataclass(frozen=True)
class Track:
    """What the song is.

    Attributes
    ----------
    title : str
        Never empty; the file's name when nothing better is known.
    artists : tuple of str
    duration : float or None
        Seconds of the whole file, > 0; None while nobody knows.
    album, date, isrc, spotify_id : str
        Empty when unknown.
    genres : tuple of str
    cover : Path or None
        A prepared RGB PNG (at most 2048 px a side), or None before it is made.
    sources : mapping of field name to Source
    generation_may_use : frozenset of field names
        The fields that may feed prompts, palette and pictures (Spotify's content may not by default).
    """

    title: str
    artists: tuple[str, ...]
    duration: float | None
    album: str = ""
    date: str = ""
    isrc: str = ""
    spotify_id: str = ""
    genres: tuple[str, ...] = ()
    cover: Path | None = None
    sources: Mapping[Field, Source] = field(default_factory=dict)
    generation_may_use: frozenset[Field] = frozenset({"title", "artists", "album", "date", "genres", "cover"})

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ValueError("Track.title is empty; use the file's name")
        if self.duration is not None and not self.duration > 0:
            raise ValueError(f"Track.duration is {self.duration!r}; it must be seconds > 0, or None")
        object.__setattr__(self, "sources", MappingProxyType(dict(self.sources)))

    @property
    def display(self) -> str:
        """``Artist, Artist - Title``, or the title alone."""
        return f"{', '.join(self.artists)} - {self.title}" if self.artists else self.title
