"""What song it is, from all that can tell: what was typed, the file's tags, Spotify's API, Spotify's oEmbed.

Conventions: :func:`meet` asks Spotify, and is the only place that does; :func:`know` puts together what is there, each
field from the first source that has it: typed, tags, Spotify, oEmbed, the file's name. What came from Spotify may feed
what is painted only where the person's switch says so (:func:`paintable`). Times are seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from lib_music import credentials
from lib_music.audio import Audio
from lib_music.errors import AnalysisError, InputError, LinkError, SpotifyError
from lib_music.request import Request
from lib_music.track.download import Candidate, Wanted
from lib_music.track.link import Link, only_song, parse_link, resolve_short
from lib_music.track.oembed import OEmbed, oembed
from lib_music.track.spotify import Spotify, SpotifyTrack
from lib_music.track.tags import clean_text, read_track
from lib_music.track.track import Field, Source, Track
from lib_music.track.web import Web, bounded

T = TypeVar("T")

#: A file may be so much longer or shorter than Spotify's recording before somebody is asked, s.
CLOSE = 3.0
#: The longest that :func:`meet` takes, s.
MEETING = 28.0
#: Of that, what is kept for oEmbed where Spotify's API does not answer.
_FOR_OEMBED = 6.0
_SPOTIFYS: frozenset[Source] = frozenset({"spotify", "oembed"})


@dataclass(frozen=True)
class Outside:
    """How the outside is asked; tests put servers of this machine in its place.

    Attributes
    ----------
    web : callable
        Makes what asks Spotify's public hosts.
    spotify : callable
        Makes what asks Spotify's API with somebody's credentials.
    folder : Path or None
        Of the stored credentials; the user's own where None.
    """

    web: Callable[[], Web] = Web
    spotify: Callable[[credentials.Credentials], Spotify] = Spotify
    folder: Path | None = None


#: What is used where nobody says otherwise.
OUTSIDE = Outside()


class AlbumError(LinkError):
    """The link is that of an album; ``songs`` are what can be chosen instead, each with its own link."""

    def __init__(self, songs: Sequence[SpotifyTrack]) -> None:
        self.songs = tuple(songs)
        named = f"an album of {len(self.songs)} songs" if self.songs else "an album"
        super().__init__(f"the link is that of {named}, not of a song", "give the link of one of its songs" + (
            "" if self.songs else "; with Spotify's credentials set they are listed here"))


class ChoiceError(InputError):
    """Several recordings may be the song; ``choices`` are to be shown with their lengths."""

    def __init__(self, choices: Sequence[Candidate]) -> None:
        self.choices = tuple(choices)
        super().__init__(f"{len(self.choices)} recordings may be this song, none of them surely",
                         "choose one by its number with --choose, or upload the file")


@dataclass(frozen=True)
class Mismatch:
    """Two lengths that should be one, s: the whole file's and that of Spotify's recording."""

    file: float
    spotify: float

    def __str__(self) -> str:
        apart, longer = abs(self.file - self.spotify), "longer" if self.file > self.spotify else "shorter"
        return (f"the file is {clock(self.file)} long, the song on Spotify {clock(self.spotify)}: "
                f"{apart:.1f} s {longer} (a live version? the wrong song?)")


class MismatchError(InputError):
    """The file is not as long as the song on Spotify, and nobody said that it is right nevertheless."""

    def __init__(self, mismatch: Mismatch) -> None:
        self.mismatch = mismatch
        super().__init__(str(mismatch), "give the right file or link, or go on as it is with --keep-mismatch")


@dataclass(frozen=True)
class Met:
    """What Spotify says of a link.

    Attributes
    ----------
    link : Link
        That of the song, resolved where it was short.
    spotify : SpotifyTrack or None
        From its API.
    oembed : OEmbed or None
        What everybody is told; asked only where the API gave nothing.
    warnings : tuple of str
        Why something is missing.
    """

    link: Link
    spotify: SpotifyTrack | None = None
    oembed: OEmbed | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        """Empty when nobody answered."""
        return self.spotify.title if self.spotify else self.oembed.title if self.oembed else ""

    @property
    def cover_url(self) -> str:
        """Of Spotify's cover; empty when there is none."""
        return self.spotify.cover_url if self.spotify else self.oembed.thumbnail_url if self.oembed else ""

    @property
    def source(self) -> Source:
        """Where title and cover are from."""
        return "spotify" if self.spotify else "oembed"

    def to_dict(self) -> dict[str, Any]:
        """JSON form, for the project's card. The covers' addresses expire and stay out."""
        song = self.spotify
        return {
            "link": self.link.url,
            "attribution": f"Title and cover from Spotify: {self.link.url}" if self.title else "",
            "spotify": None if song is None else {
                "id": song.id, "title": song.title, "artists": list(song.artists), "album": song.album,
                "date": song.date, "duration": song.duration, "isrc": song.isrc, "explicit": song.explicit,
            },
            "oembed": None if self.oembed is None else {"title": self.oembed.title},
        }  # fmt: skip

    @classmethod
    def from_dict(cls, card: Mapping[str, Any]) -> Met | None:
        """Read the JSON form back; None where the card holds none, or none that can be read."""
        try:
            link = only_song(parse_link(card["link"]))
            said, public = card.get("spotify"), card.get("oembed")
            song = None if said is None else SpotifyTrack(
                clean_text(said["id"]), clean_text(said["title"]), tuple(clean_text(a) for a in said["artists"]),
                clean_text(said["album"]), clean_text(said["date"]), _seconds(said["duration"]),
                clean_text(said["isrc"]), said["explicit"] is True, "", link.url,
            )  # fmt: skip
            return cls(link, song, None if public is None else OEmbed(clean_text(public["title"]), ""))
        except (KeyError, TypeError, ValueError, AttributeError, LinkError):
            return None


def _seconds(value: Any) -> float:
    """A length from a file; 0 where it is none."""
    return float(value) if type(value) in (int, float) and 0 <= value < math.inf else 0.0


def meet(text: str, outside: Outside | None = None) -> Met:
    """Ask Spotify what a link names: a short one is resolved, its API asked where credentials are set, else oEmbed.

    Takes at most :data:`MEETING` seconds. That Spotify refuses or cannot be reached is a warning.

    Raises
    ------
    AlbumError
        It is that of an album; with its songs where credentials are set.
    LinkError
        It is none of a song.
    """
    end, outside = time.monotonic() + MEETING, outside or OUTSIDE
    web, warnings = outside.web(), list[str]()
    link = parse_link(text)
    if link.kind == "short":
        link = _within(lambda: resolve_short(link, web), end - _FOR_OEMBED, "the short link")
    api = _api(outside, warnings)
    if link.kind == "album":
        raise AlbumError(_songs(link, api, end))
    only_song(link)
    song: SpotifyTrack | None = None
    if api is not None:
        try:
            song = _within(lambda: api.track(link.id), end - _FOR_OEMBED, "Spotify")
        except SpotifyError as error:
            warnings.append(_line(error))
    public: OEmbed | None = None
    if song is None:
        try:
            public = _within(lambda: oembed(link, web), end, "Spotify")
        except SpotifyError as error:
            warnings.append(_line(error))
    return Met(link, song, public, tuple(warnings))


def ask_analysis(met: Met, outside: Outside | None = None) -> dict[str, Any]:
    """Ask Spotify's API for its own audio-analysis of a song.

    Raises
    ------
    AnalysisError
        There are no credentials, or this app has no access to it.
    SpotifyError
        Spotify refuses or cannot be reached.
    """
    outside = outside or OUTSIDE
    found = credentials.find(outside.folder)
    if found is None:
        raise AnalysisError("Spotify tells its audio-analysis only with credentials", "see credentials set")
    api = outside.spotify(found)
    said = _within(lambda: api.analysis(met.link.id), time.monotonic() + MEETING, "Spotify")
    if said is None:
        raise AnalysisError("this Spotify app has no access to the audio-analysis, as most have none since 2024",
                            "leave it out: the file's own is used; or give a saved one")
    return said


def try_credentials(outside: Outside | None = None) -> str:
    """Ask Spotify's API for a song with the credentials that are set; returns one line.

    Raises
    ------
    InputError
        None are set, or what is set cannot be used.
    SpotifyError
        They do not work.
    """
    outside = outside or OUTSIDE
    found = credentials.find(outside.folder)
    if found is None:
        raise InputError("no credentials are set", "see music-visualizer credentials set")
    return _within(outside.spotify(found).test, time.monotonic() + MEETING, "Spotify")


def _within(call: Callable[[], T], end: float, whom: str) -> T:
    """What ``call`` returns before ``end`` (of time.monotonic), else a SpotifyError."""
    try:
        return bounded(call, end - time.monotonic())
    except TimeoutError:
        pass
    raise SpotifyError(f"{whom} did not answer in time", "try again, or check this machine's network")


def _api(outside: Outside, warnings: list[str]) -> Spotify | None:
    """Spotify's API where there are credentials that can be used."""
    try:
        found = credentials.find(outside.folder)
        return None if found is None else outside.spotify(found)
    except (InputError, SpotifyError) as error:
        warnings.append(_line(error))
        return None


def _songs(link: Link, api: Spotify | None, end: float) -> tuple[SpotifyTrack, ...]:
    """The songs of an album; none where Spotify does not tell."""
    if api is None:
        return ()
    return _within(lambda: api.album_tracks(link.id), end, "Spotify")


def _line(error: SpotifyError | InputError) -> str:
    return f"{error.message}: {error.fix}" if error.fix else error.message


def know(request: Request, audio: Audio | None, met: Met | None, *, name: str = "") -> Track:
    """Put together what song it is.

    Parameters
    ----------
    request : Request
        What the person typed, and whether Spotify's content may feed what is painted.
    audio : Audio or None
        The song; None while there is only a link.
    met : Met or None
        What Spotify says; None without a link.
    name : str
        The file's own name, where it was copied under another; found text.

    Returns
    -------
    Track
        Without a cover yet. ``generation_may_use`` leaves out what is Spotify's, unless it may be used.
    """
    own = own_words(request, audio, name)
    return own if met is None else _with_spotify(own, met, request.spotify_content)


def own_words(request: Request, audio: Audio | None, name: str = "") -> Track:
    """What is known without Spotify: typed, tags, the file's name."""
    artists = None if request.artist is None else tuple(a.strip() for a in request.artist.split(";") if a.strip())
    if audio is not None:
        return read_track(audio.path, title=request.title, artists=artists, name=name, duration=audio.total)
    sources: dict[Field, Source] = {}
    title, named = clean_text(request.title or ""), tuple(filter(None, map(clean_text, artists or ())))
    if title:
        sources["title"] = "typed"
    if named:
        sources["artists"] = "typed"
    return Track(title or "Untitled", named, None, sources=sources)


def _with_spotify(own: Track, met: Met, allowed: bool) -> Track:
    """``own`` with what Spotify adds to it."""
    song = met.spotify
    theirs: dict[Field, Any] = {"title": met.title}
    if song is not None:
        theirs |= {"artists": song.artists, "album": song.album, "date": song.date, "isrc": song.isrc}
    sources: dict[Field, Source] = {**own.sources, "spotify_id": "spotify"}
    taken: dict[str, Any] = {"spotify_id": met.link.id}
    for name, value in theirs.items():
        if value and own.sources.get(name) not in ("typed", "tags"):
            taken[name], sources[name] = value, met.source
    if "title" in taken and "artists" not in taken and sources.get("artists") == "file name" and (
        own.title.casefold() != met.title.casefold()
    ):
        # The name of the file says something else: its artist may belong to something else too.
        taken["artists"] = ()
        del sources["artists"]
    use = own.generation_may_use
    if not allowed:
        use -= {name for name, source in sources.items() if source in _SPOTIFYS}
    return replace(own, **taken, sources=sources, generation_may_use=use)


def paintable(track: Track, own: Track) -> Track:
    """The words that may feed what is painted: those of ``track`` that may be used, else ``own`` ones."""
    use = track.generation_may_use
    names: tuple[Field, ...] = ("title", "artists", "album", "date", "genres")
    held: dict[str, Any] = {name: getattr(own, name) for name in names if name not in use}
    return replace(track, **held, spotify_id="", generation_may_use=use | frozenset(names))


def mismatch_of(audio: Audio | None, met: Met | None) -> Mismatch | None:
    """The two lengths, where they are over :data:`CLOSE` apart."""
    if audio is None or met is None or met.spotify is None or not met.spotify.duration:
        return None
    found = Mismatch(round(audio.total, 3), round(met.spotify.duration, 3))
    return found if abs(found.file - found.spotify) > CLOSE else None


def wanted(request: Request, met: Met) -> Wanted:
    """What to look for where no audio was given; raises InputError when not even the title is known."""
    track = know(request, None, met)
    if "title" not in track.sources:
        why = f" ({met.warnings[0]})" if met.warnings else ""
        raise InputError(f"nothing is known of the song that the link names{why}", "type its title and artist")
    song = met.spotify
    return Wanted(track.title, track.artists, song.duration or None if song else None, track.isrc)


def clock(seconds: float) -> str:
    """``m:ss``, for people."""
    return f"{int(seconds + 0.5) // 60}:{int(seconds + 0.5) % 60:02d}"
