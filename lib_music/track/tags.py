"""What the file says of itself: title, artists, album, date, genre and ISRC, through tinytag.

Conventions: what the person typed wins over tags, tags win over the file's name; every field notes which it
was. Tags are found text: whatever bytes they hold, what leaves here is one printable line of at most
:data:`MAX_CHARS` characters per field, and a file whose tags cannot be read has none.
"""

from __future__ import annotations

import contextlib
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lib_music.track.track import Field, Source, Track

#: The longest field, characters.
MAX_CHARS = 200
#: Artists or genres taken from one file.
MAX_VALUES = 10
#: Further values of one field that are read at all, and characters in which several are looked for.
_MAX_READ, _MAX_SPLIT = 1_000, 20_000
_reading = threading.Lock()

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?(?!\d)")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
# "01 Song", "1-05 Song", "7. Song", "12 - Song": a leading zero, or a sign before the space
_TRACK_NUMBER = re.compile(r"^(?:\d{1,2}-)?(?:0\d{1,2}(?:\s*[-.)]\s*|\s+)|\d{1,3}(?:[-.)]\s+|\s+-\s+))(?=\S)")
_NUMBER_PART = re.compile(r"\d{1,3}")
_LEAVINGS = re.compile(
    r"\s*(?:\[(?=[^\]]*[\d_-])[\w-]{11}\]|[(\[](?:official\s+)?(?:music\s+|lyrics?\s+)?(?:video|audio|visualizer)[)\]])$",
    re.IGNORECASE,
)


def clean_text(value: object, limit: int = MAX_CHARS) -> str:
    """Fold any tag value into one printable line of at most ``limit`` characters.

    Control characters and line breaks become spaces; invisible ones (text direction, joiners, surrogates,
    private use) are dropped; UTF-8 that was read as Latin-1 or Windows-1252 is read again. Clean text stays as it is.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    # What was dropped may have hidden that the rest is misread; each reading is shorter than the one before.
    while (line := _one_line(text, limit)) != text:
        text = line
    return line


def _one_line(text: str, limit: int) -> str:
    text = unicodedata.normalize("NFC", _reread(text[: 20 * limit]))
    kept = (c if c.isprintable() else " " if c.isspace() or unicodedata.category(c) == "Cc" else "" for c in text)
    line = " ".join("".join(kept).replace("\ufffd", "").split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def read_track(
    path: Path,
    *,
    title: str | None = None,
    artists: str | Sequence[str] | None = None,
    album: str | None = None,
    name: str = "",
    duration: float,
) -> Track:
    """Find out what song a file is.

    Parameters
    ----------
    path : Path
        The song; read for its tags, never decoded.
    title, artists, album : optional
        What the person typed; blank means not typed.
    name : str
        The file's own name, where it was copied under another.
    duration : float
        Seconds of the whole file.

    Returns
    -------
    Track
        Without a cover yet; see :func:`lib_music.track.cover.prepare_cover`.
    """
    found = _from_tags(path)
    named_artists, named_title = split_name(Path(name.replace("\0", "")) if name else path)
    typed = {"title": _lines([title]), "artists": _lines([artists] if isinstance(artists, str) else artists or ()),
             "album": _lines([album])}
    if not found.get("title") or found["title"][0].casefold() == named_title.casefold():
        named: dict[str, tuple[str, ...]] = {"title": (named_title,), "artists": named_artists}
    else:  # the name says something else: its artist may belong to something else too
        named = {"title": (named_title,)}
    values: dict[str, tuple[str, ...]] = {}
    sources: dict[Field, Source] = {}
    fields: tuple[Field, ...] = ("title", "artists", "album", "date", "genres", "isrc")
    choices: tuple[tuple[Source, dict[str, tuple[str, ...]]], ...] = (
        ("typed", typed), ("tags", found), ("file name", named))
    for name in fields:
        for source, known in choices:
            if value := known.get(name):
                values[name], sources[name] = value, source
                break
    one = {name: value[0] for name, value in values.items()}
    return Track(title=one["title"], artists=values.get("artists", ()), duration=duration,
                 album=one.get("album", ""), date=one.get("date", ""), isrc=one.get("isrc", ""),
                 genres=values.get("genres", ()), sources=sources)


def split_name(path: Path) -> tuple[tuple[str, ...], str]:
    """Read ``Artist - Title`` from a file's name, without its track number and what downloaders leave.

    Returns
    -------
    artists : tuple of str
        Empty when the name holds no `` - ``.
    title : str
        Never empty.
    """
    name = clean_text(path.stem.replace("_", " "))
    name = _TRACK_NUMBER.sub("", _LEAVINGS.sub("", name)) or name
    parts = [part.strip() for part in re.split(r"\s+[-–—]\s+", name) if part.strip(" -–—")]
    if len(parts) < 2:
        return (), (parts or [name])[0] or "Untitled"
    for i, part in enumerate(parts[1:-1], 1):  # Artist - Album - 03 - Title
        if _NUMBER_PART.fullmatch(part):
            return (parts[0],), " - ".join(parts[i + 1 :])
    return (parts[0],), " - ".join(parts[1:])


def load_tags(path: Path, *, images: bool = False) -> Any | None:
    """tinytag's reading of a file by its contents, then by its name; None when it has none to give."""
    from tinytag import TinyTag, TinyTagException

    for by_name in (False, True):
        try:
            with path.open("rb") as file, _bounded(TinyTag):
                return TinyTag.get(path if by_name else None, file, duration=False, image=images)
        except (TinyTagException, OSError):
            continue
    return None


@contextlib.contextmanager
def _bounded(reader: Any) -> Iterator[None]:
    """Let tinytag keep no more than so many values of a field.

    It looks through all of them at each new one: a few megabytes of artists would take it hours.
    """
    with _reading:
        keep = getattr(reader, "_set_other_field", None)

        def keep_some(tags: Any, name: str, value: str) -> None:
            if keep is not None and len(tags.other.get(name, ())) < _MAX_READ:
                keep(tags, name, value)

        if keep is not None:
            reader._set_other_field = keep_some
        try:
            yield
        finally:
            if keep is not None:
                reader._set_other_field = keep


def _reread(text: str) -> str:
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


def _lines(values: Iterable[object]) -> tuple[str, ...]:
    """The distinct values that say something, cleaned."""
    lines: dict[str, None] = {}
    for value in values:
        if value is not None and (line := clean_text(value)):
            lines[line] = None
            if len(lines) == MAX_VALUES:
                break
    return tuple(lines)


def _values(tags: Any, name: str) -> list[object]:
    """Every value of one tag: the first in the field itself, the others under ``other``; parts split at ``;``."""
    first, others = getattr(tags, name, None), tags.other.get(name, [])
    raw = [first, *(others if isinstance(others, list) else [others])]
    return [part for value in raw if value is not None for part in re.split(r"[;\0]", str(value)[:_MAX_SPLIT])]


def _from_tags(path: Path) -> dict[str, tuple[str, ...]]:
    tags = load_tags(path)
    if tags is None:
        return {}
    dates = [m[0] for line in _lines(_values(tags, "year")) if (m := _DATE.match(line))]
    codes = [code for line in _lines(_values(tags, "isrc"))
             if _ISRC.fullmatch(code := re.sub(r"[\s-]", "", line).upper())]
    genres = [genre for genre in _lines(_values(tags, "genre")) if not genre.strip("()").isdigit()]
    return {
        "title": _lines([tags.title]),
        "artists": _lines(_values(tags, "artist")) or _lines(_values(tags, "albumartist")),
        "album": _lines([tags.album]),
        "date": tuple(dates[:1]),
        "genres": tuple(genres),
        "isrc": tuple(codes[:1]),
    }
