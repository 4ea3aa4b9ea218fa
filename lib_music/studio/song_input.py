"""What the page's Song part holds when Produce prompts is pressed, and the request that it makes.

Conventions: uploads are copied into the project, as the page's own copies go away; what is left blank stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lib_music.errors import InputError
from lib_music.files import digest, write_bytes
from lib_music.introduce import SPOTIFY_ANALYSIS
from lib_music.project import Project
from lib_music.request import Request
from lib_music.studio.know import is_link_of
from lib_music.studio.known import Known
from lib_music.studio.said import artists_of, said_by, said_in
from lib_music.studio.studio import Studio
from lib_music.studio.workspace import AUDIO_SUFFIXES, COVER_SUFFIXES, copy_in, typed_path, uploaded
from lib_music.track.tags import clean_text

#: A saved audio-analysis that was given, in the project.
_OWN_ANALYSIS = "own-analysis.json"


@dataclass(frozen=True)
class SongInput:
    """What stands in the Song part of the page when Produce prompts is pressed.

    Attributes
    ----------
    link : str
        To Spotify. With a file it says what that is; alone it begins a song of its own, for which the audio is
        fetched where that is switched on.
    upload, cover : Path or None
        Where the page put what was uploaded.
    path : str
        Typed: a file in an allowed folder of the server.
    title, artist : str
        Typed; empty means what was said before, else what the file says. Several artists are separated by ``;``.
    as_shown : bool
        Whether title and artists are what the person sees in their boxes: empty ones mean what the file says, and
        those that were said of the open song are not another's.
    captioner : str
        Its id.
    project : str
        The one that is open on the page; empty for none.
    allow_download, spotify_content : bool
        The two switches, see :class:`~lib_music.request.Request`.
    spotify_ear : bool
        Whether beats and sections are those of Spotify's audio-analysis: from ``analysis``, else from its API.
    analysis : Path or None
        Where the page put a saved audio-analysis; giving one switches it on.
    """

    link: str = ""
    upload: Path | None = None
    path: str = ""
    cover: Path | None = None
    title: str = ""
    artist: str = ""
    captioner: str = "palette"
    project: str = ""
    allow_download: bool = False
    spotify_content: bool = False
    spotify_ear: bool = False
    analysis: Path | None = None
    as_shown: bool = False


def song_of(studio: Studio, given: SongInput, link: str, open_one: Known | None) -> Path | None:
    """Which file is meant: the upload, the typed path, else the open project's; None while there is only a link."""
    if given.upload is not None:
        return uploaded(studio.host, given.upload)
    if given.path.strip():
        return typed_path(studio.host, given.path)
    if link and (open_one is None or not is_link_of(open_one.project, open_one.request, link)):
        return None
    if open_one is None or open_one.request is None:
        raise InputError("no song was given", "upload one, give the path of one on the server, or a Spotify link")
    song = open_one.request.song
    if song is not None and not song.is_file():
        raise InputError("the song's file is gone", "upload it again, or give its path")
    return song


def without_its_names(given: SongInput, left: Known) -> tuple[SongInput, tuple[str, ...]]:
    """Another song's input without the title and artists that were said of the one that was open; a line about it."""
    if not given.as_shown:
        return given, ()
    held = said_by(left.project, left.request)
    dropped = [name for name, theirs in (("title", held.title), ("artist", held.artist))
               if getattr(given, name).strip() and getattr(given, name).strip() == theirs]  # fmt: skip
    words = {"title": "the title", "artist": "the artists"}
    line = f"{' and '.join(words[name] for name in dropped)} in the boxes were the other song's: type them again"
    given = replace(
        given, title="" if "title" in dropped else given.title, artist="" if "artist" in dropped else given.artist
    )
    return given, (line,) if dropped else ()


def request_of(
    project: Project, before: Known | None, given: SongInput, link: str, song: Path | None, cover: Path | None
) -> Request:
    """What the job shall do, with uploads copied into the project; what is left blank stays as it was."""
    request = before.request if before else None
    said = said_in(project, request)
    held = request.song if request and request.song and request.song.is_file() else None
    same_song = held is not None and before is not None and bool(before.project.content_hash())
    if given.upload is not None and song is not None:
        inside = same_song and held is not None and held.resolve().parent == project.folder.resolve()
        song = held if held is not None and inside else copy_in(project, song, "song", AUDIO_SUFFIXES)
    if cover is not None:
        # Each under a name of its own, so that undo finds the one before.
        cover = copy_in(project, cover, f"own-cover-{digest(cover)[:12]}", COVER_SUFFIXES)
    elif before is not None:
        cover = said.picture(project)
    held_title, held_artist = (None, None) if given.as_shown else said.names
    title = clean_text(given.title) or held_title
    artist = "; ".join(map(clean_text, artists_of(given.artist))) or held_artist
    same_link = request is not None and (not link or is_link_of(project, request, link))
    base = request or Request(song, link=link)
    if not same_link:
        base = replace(base, link=link, choose="", keep_mismatch=False, spotify_analysis=None)
        project.path(SPOTIFY_ANALYSIS).unlink(missing_ok=True)
    return replace(
        base, song=song, cover=cover, title=title, artist=artist, prompts=None,
        allow_download=given.allow_download, spotify_content=given.spotify_content,
        keep_mismatch=base.keep_mismatch and same_song,
    )  # fmt: skip


def with_ear(project: Project, request: Request, given: SongInput, analysis: Path | None) -> Request:
    """The request with the ear that was chosen; a saved audio-analysis is kept in the project."""
    kept = request.spotify_analysis if given.spotify_ear else None
    if analysis is not None:
        kept = project.path(_OWN_ANALYSIS)
        write_bytes(kept, analysis.read_bytes())
    return replace(request, spotify_analysis=kept, ask_analysis=given.spotify_ear and kept is None)
