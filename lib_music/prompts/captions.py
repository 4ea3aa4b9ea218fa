"""From a cover and a song's card to candidate prompts.

A :class:`Captioner` says what is on the cover; the offline default words its palette and the tags. From that
and from :mod:`lib_music.prompts.worlds` come candidates that share one world and the cover's colours and
differ in subject, medium, light and distance.

Conventions: everything here is found text; fields that ``track.generation_may_use`` leaves out never enter,
not even as a source of chance; artists' names are only that, never words of a prompt. No random numbers:
options are ranked by fit and by a hash of the song, so the same song always gets the same candidates.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from lib_music.errors import CoverError, MusicVisualizerError
from lib_music.prompts.palette import Palette, describe_palette, lightness_of
from lib_music.prompts.text import Found
from lib_music.prompts.worlds import DISTANCES, LIGHTS, MEDIUMS, MOODS, WORLDS, Light, Medium, World
from lib_music.track.track import Track

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_CANDIDATES = 10
_MAX_SUBJECT_WORDS = 16
_MAX_TITLE_WORDS = 7
#: Likeness to its mirror image from which a picture counts as symmetrical.
_EVEN = 0.85

#: How colours are put; ``{a}`` is the larger one. Each candidate words them in its own way.
_COLOURS = (
    "{a} and {b} palette",
    "{b} glowing against {a}",
    "washed in {a} with {b} accents",
    "{a} fading into {b}",
    "tinted {a}, touched by {b}",
)

# What a captioner, which is somebody else's code around somebody else's model, may end in.
_CAPTIONER_FAILURES = (
    MusicVisualizerError, ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError,
    MemoryError, OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip

_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_TRACK_NUMBER = re.compile(r"^\s*\d{1,3}\s*[-._)]\s*")
_CREDITS = re.compile(
    r"\b(?:feat|ft|featuring)\b.*$"
    r"|\s[-–—]\s*(?:(?:\d{4}|digital|stereo|mono|live|radio|single|album|original)\b[\s-]*)*"
    r"(?:remaster(?:ed)?|version|edit|mix)\b.*$",
    re.IGNORECASE,
)
#: Words that name a file, not a song.
_FILE_WORDS = frozenset(
    {"audio", "bounce", "demo", "export", "final", "master", "mix", "new", "recording", "song", "take", "track",
     "untitled", "version"}
)  # fmt: skip

_T = TypeVar("_T")
_Family = TypeVar("_Family", Medium, Light)


@dataclass(frozen=True)
class Tags:
    """The part of a song's card that may feed prompts, cleaned; unknown or forbidden fields are empty.

    ``chance`` is what the song's own variety is drawn from.
    """

    title: Found
    album: Found
    genres: tuple[Found, ...]
    decade: str
    chance: str


@dataclass(frozen=True)
class Caption:
    """What a captioner saw: ``subjects`` (things, best first) and ``look`` (colour, light, texture)."""

    subjects: tuple[Found, ...] = ()
    look: tuple[Found, ...] = ()

    def __post_init__(self) -> None:
        for phrase in (*self.subjects, *self.look):
            if not isinstance(phrase, Found):
                raise TypeError(f"a caption is Found text, got {type(phrase).__name__}")


class Captioner(Protocol):
    """Says what is in a picture. It may fail: the palette is then used."""

    name: str

    def caption(self, image: Image, tags: Tags) -> Caption:
        """Describe ``image`` (RGB), which belongs to a song with these ``tags``."""
        ...


@dataclass(frozen=True)
class Candidates:
    """Prompts to choose from, with the palette they were coloured by and what went wrong on the way."""

    prompts: tuple[Found, ...]
    palette: Palette | None = None
    warnings: tuple[str, ...] = ()


class PaletteCaptioner:
    """Words the cover's palette and the tags; needs no model and no network."""

    name = "palette"

    def caption(self, image: Image, tags: Tags) -> Caption:
        """The look of the picture, and the mood of the tags."""
        return Caption(look=look_of(describe_palette(np.asarray(image.convert("RGB"))), tags))


def produce_prompts(
    captioner: Captioner, cover_path: Path | None, track: Track, *, n: int = 5, seed: int = 0
) -> Candidates:
    """Candidate prompts for a song.

    Parameters
    ----------
    captioner : Captioner
    cover_path : Path or None
        The prepared cover; passed over where ``track.generation_may_use`` lacks "cover".
    track : Track
    n : int
        1 to 10.
    seed : int
        Another seed gives other candidates.

    Returns
    -------
    Candidates
        ``n`` prompts; the words any two share are less than half of the words they have together.

    Raises
    ------
    CoverError
        When the cover cannot be read.
    """
    if not 1 <= n <= MAX_CANDIDATES:
        raise ValueError(f"n is {n}; there can be 1 to {MAX_CANDIDATES} candidates")
    tags = tags_of(track)
    palette: Palette | None = None
    caption, warnings = Caption(look=look_of(None, tags)), tuple[str, ...]()
    if cover_path is not None and "cover" in track.generation_may_use:
        image = _open_cover(cover_path)
        palette = describe_palette(np.asarray(image))
        caption, warnings = _caption(captioner, image, tags, palette)
    return Candidates(_compose(tags, palette, caption, n, seed), palette, warnings)


def tags_of(track: Track) -> Tags:
    """What of ``track`` may feed prompts."""
    use = track.generation_may_use
    fields = {
        "title": track.title,
        "artists": "\n".join(track.artists),
        "album": track.album,
        "date": track.date,
        "genres": "\n".join(track.genres),
    }
    # Fields are named one by one: a forbidden one is not even a source of chance.
    allowed = {name: value if name in use else "" for name, value in fields.items()}
    year = re.search(r"(?<!\d)(19[2-9]\d|20\d\d)(?!\d)", allowed["date"][:40])
    return Tags(
        title=Found(_bare_title(allowed["title"])),
        album=Found(_bare_title(allowed["album"])),
        genres=tuple(Found(genre) for genre in allowed["genres"].split("\n")[:8] if Found(genre).text),
        decade=f"{year[0][:3]}0s" if year else "",
        chance="\0".join(allowed.values()),
    )


def look_of(palette: Palette | None, tags: Tags) -> tuple[Found, ...]:
    """The look in words: mood of genre and decade, light, contrast, colour, texture, symmetry.

    What sets the picture apart comes first, what is ordinary about it last.
    """
    genres = _words(*tags.genres)
    moods = [mood for keys, mood in MOODS if keys & genres][:2] + ([f"{tags.decade} mood"] if tags.decade else [])
    telling, ordinary = _palette_words(palette) if palette else ([], [])
    return tuple(Found(phrase) for phrase in (*moods[:1], *telling, *moods[1:], *ordinary))


def _palette_words(palette: Palette) -> tuple[list[str], list[str]]:
    """What is telling about a palette, and what is ordinary."""
    tones = {"dark": "low-key, deep shadows", "mid": "balanced light and shade", "light": "high-key, airy"}
    textures = {"smooth": "smooth gradients", "fine": "intricate fine texture", "coarse": "bold graphic shapes"}
    if palette.is_monochrome:
        # One grey alone is helped out with other colours; see _colour_phrases.
        colour = "monochrome" if len(palette.colours) > 1 else "restrained color"
    else:
        colour = _graded(palette.saturation, (0.15, "muted color"), (0.4, "rich color"), "saturated color")
    words = [
        tones[palette.tone],
        _graded(palette.contrast, (0.25, "gentle contrast"), (0.6, "crisp contrast"), "stark contrast"),
        colour,
        "mirror symmetry" if palette.symmetry > _EVEN else "organic asymmetry",
        textures[palette.texture],
    ]
    ordinary = {"balanced light and shade", "crisp contrast", "rich color", "organic asymmetry"}
    return [word for word in words if word not in ordinary], [word for word in words if word in ordinary]


def _graded(value: float, low: tuple[float, str], middle: tuple[float, str], high: str) -> str:
    return low[1] if value < low[0] else middle[1] if value < middle[0] else high


def _open_cover(path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            image: Image.Image = opened.convert("RGB")
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise CoverError(f"cannot read the cover {path}: {error}", "give another picture with --cover") from error
    return image


def _caption(
    captioner: Captioner, image: Image, tags: Tags, palette: Palette
) -> tuple[Caption, tuple[str, ...]]:
    """The captioner's word, or the palette's and a warning."""
    look = look_of(palette, tags)
    try:
        caption = captioner.caption(image, tags)
        if not isinstance(caption, Caption):
            raise TypeError(f"it returned {type(caption).__name__}, not a Caption")
    except _CAPTIONER_FAILURES as error:
        reason = Found(_said(error)).text[:200]
        warning = f"captioner not available: using the palette ({Found(captioner.name).text}: {reason})"
        return Caption(look=look), (warning,)
    return Caption(caption.subjects, caption.look or look), ()


def _said(error: Exception) -> str:
    """What an error says; in captions nothing may stand in parentheses, as the fix of ours does."""
    if isinstance(error, MusicVisualizerError):
        return "; ".join(filter(None, (error.message, error.fix)))
    return str(error) or type(error).__name__


def _compose(tags: Tags, palette: Palette | None, caption: Caption, n: int, seed: int) -> tuple[Found, ...]:
    """Put subjects, mediums, lights, distances and colours together."""
    colours = [colour.name for colour in palette.colours] if palette else []
    chance = _chance("\0".join([tags.chance, str(seed), *colours]))
    world = _world(tags, palette, caption, chance)
    genres = _words(*tags.genres)
    mediums = _spread(MEDIUMS, lambda medium: bool(medium.keys & genres) + chance(medium.phrase), n, 1.0)
    # Light that belongs to the cover matters more than every kind of it.
    lights = _spread(LIGHTS, lambda light: 2.5 * _fit(light, palette, world) + chance(light.phrase), n, 0.4)
    seen = [" ".join(subject.text.split()[:_MAX_SUBJECT_WORDS]) for subject in caption.subjects if subject.text]
    parts = zip(
        dict.fromkeys([*seen, *_ranked(world.subjects, chance)]),
        [_evoked(tags.title), *[""] * n],
        _distances(palette, chance),
        (medium.phrase for medium in mediums),
        (light.phrase for light in lights),
        _colour_phrases(palette, world, n),
        itertools.cycle(caption.look or [""]),
        strict=False,
    )
    return tuple(Found.join(phrases) for phrases in itertools.islice(parts, n))


def _world(tags: Tags, palette: Palette | None, caption: Caption, chance: Callable[[str], float]) -> World:
    """The world that the words call, else the one that fits the cover, else the song's own."""
    weighted = [
        (_words(tags.title), 3.0),
        (_words(*caption.subjects), 2.0),
        (_words(*tags.genres), 1.0),
        (_words(tags.album), 1.0),
    ]

    def score(world: World) -> float:
        called = sum(weight * min(2, len(words & world.keys)) for words, weight in weighted)
        return called + (1.5 * _fit(world, palette, world) if palette else 0.0) + 0.8 * chance(world.name)

    return _ranked(WORLDS, score)[0]


def _fit(thing: World | Light, palette: Palette | None, world: World) -> float:
    """How well tone and warmth agree with the cover's, or with the world's where there is none, 0 to 1."""
    tone, warmth = (2 * palette.lightness - 1, palette.warmth) if palette else (world.tone, world.warmth)
    return 1 - (abs(thing.tone - tone) + abs(thing.warmth - warmth)) / 4


def _spread(
    options: Sequence[_Family], score: Callable[[_Family], float], n: int, price: float
) -> list[_Family]:
    """The best ``n``; each costs ``price`` for every one of its family that is in already."""
    chosen: list[_Family] = []
    while len(chosen) < n:
        families = [option.family for option in chosen]
        left = [option for option in options if option not in chosen]
        chosen.append(max(left, key=lambda option: score(option) - price * families.count(option.family)))
    return chosen


def _distances(palette: Palette | None, chance: Callable[[str], float]) -> list[str]:
    """Distances in the song's order; central ones first where the cover is symmetrical."""
    central = 0.5 if palette is not None and palette.symmetry > _EVEN else 0.0
    return _ranked(DISTANCES, lambda text: chance(text) + central * text.startswith(("symmetrical", "one-point")))


def _colour_phrases(palette: Palette | None, world: World, n: int) -> list[str]:
    """``n`` wordings of the cover's colours: the largest mostly, the strongest often.

    A cover of one colour, or none, is helped out by the world's own.
    """
    colours = palette.colours if palette else ()
    strongest = sorted(colours, key=lambda colour: min(colour.rgb) - max(colour.rgb))[:1]
    names = list(dict.fromkeys(colour.name for colour in (*colours[:1], *strongest, *colours)))
    names = (names if len(names) > 1 else list(dict.fromkeys([*names, *world.colours])))[:4]
    pairs = [(names[0], other) for other in names[1:]] + [(names[1], other) for other in names[2:]]
    phrases = zip(itertools.cycle(_COLOURS), itertools.cycle(pairs), strict=False)
    return [_worded(wording, *pair) for wording, pair in itertools.islice(phrases, n)]


def _worded(wording: str, a: str, b: str) -> str:
    """``wording`` filled in; what glows is the lighter of the two."""
    if "glowing" in wording and lightness_of(a) > lightness_of(b):
        a, b = b, a
    return wording.format(a=a, b=b)


def _evoked(title: Found) -> str:
    """The title as a mood, where a text encoder can read it and it is not just a file's name."""
    words = title.text.split()
    letters = [c for word in words for c in word if c.isalpha()]
    latin = [c for c in letters if unicodedata.name(c, "").startswith("LATIN")]
    readable = len(words) <= _MAX_TITLE_WORDS and letters and len(latin) >= 0.8 * len(letters)
    return f"evoking {title.text}" if readable and not _words(title) <= _FILE_WORDS else ""


def _bare_title(title: str) -> str:
    """A title without brackets, credits, track number and the notes of a reissue; itself if nothing is left."""
    bare = _CREDITS.sub("", _BRACKETED.sub(" ", _TRACK_NUMBER.sub("", title[:300])))
    return bare if Found(bare).text else title


def _words(*texts: Found) -> frozenset[str]:
    """Lower-case words without accents and plurals beside themselves, and single CJK characters."""
    plain = unicodedata.normalize("NFKD", " ".join(text.text for text in texts)).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = set(re.findall(r"[a-z]+", plain)) | set(re.findall(r"[\u4e00-\u9fff]", plain))
    return frozenset(words | {word[:-1] for word in words if word.endswith("s") and len(word) > 3})


def _chance(song: str) -> Callable[[str], float]:
    """The song's own dice: for each option a number in [0, 1) that never changes."""

    def roll(option: str) -> float:
        digest = hashlib.sha256(f"{song}\0{option}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    return roll


def _ranked(options: Iterable[_T], score: Callable[[_T], float]) -> list[_T]:
    return sorted(options, key=score, reverse=True)
