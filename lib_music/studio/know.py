"""A song that has a link: Spotify is asked inside the job, and what only the person can say becomes a question.

Conventions: nothing is asked outside before the job runs; while an answer is awaited the job can be stopped. A question
is kept as ``question.json`` in the project until the next Produce prompts: the page draws it, and an answer goes on in
the same project. Titles and names are found text, cleaned; an answer is foreign, and only counts when it was offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from lib_music.errors import DownloadError, InputError, LinkError, MusicVisualizerError
from lib_music.files import read_json, write_json
from lib_music.introduce import fetched_earlier, introduce, meet_again, obtain, present, read_card
from lib_music.pipeline import Reporter
from lib_music.project import Project
from lib_music.request import Request
from lib_music.studio import keys
from lib_music.studio.foreign import flag, text
from lib_music.studio.studio import Studio
from lib_music.threads import finished, on_a_thread
from lib_music.track.know import AlbumError, ChoiceError, Mismatch, clock, mismatch_of
from lib_music.track.link import only_song, parse_link

if TYPE_CHECKING:
    from lib_music.audio import Audio
    from lib_music.prompts.captions import Captioner
    from lib_music.track.know import Met, Outside

T = TypeVar("T")
Kind = Literal["file", "album", "recording", "mismatch"]
QUESTION, VERSION = "question.json", 1
#: The edits that answer a question, or take the link back.
ANSWERS = ("choose", "song_of_album", "right_recording", "without_link")
#: Seconds between two looks at whether a waiting job shall stop.
_LOOK = 0.1
_SONG_URL = re.compile(r"https://open\.spotify\.com/track/[0-9A-Za-z]{22}")


@dataclass(frozen=True)
class Question:
    """What only the person can say.

    Attributes
    ----------
    kind : Kind
        A file is needed; which song of an album; which recording; whether the file is the right one.
    text, fix : str
        The question and the ways on, for people.
    choices : tuple of mappings
        Of an album's songs or of recordings: ``id``, ``url``, ``title``, ``by`` (artists or channel), ``length``
        and ``apart`` in s or None.
    captioner : str
        Who shall look at the cover when it goes on.
    """

    kind: Kind
    text: str
    fix: str = ""
    choices: tuple[Mapping[str, Any], ...] = ()
    captioner: str = ""


@dataclass(frozen=True)
class Sound:
    """A song that can be heard: what is asked for, its sound, and what Spotify says of it."""

    request: Request
    audio: Audio
    met: Met | None


def typed_link(typed: str) -> str:
    """A typed link as a request holds it, empty for none.

    Raises
    ------
    LinkError
        It names neither a song nor an album; nobody is asked to find out.
    """
    if not typed.strip():
        return ""
    link = parse_link(typed)
    if link.kind not in ("short", "album"):
        only_song(link)
    return link.url


def is_link_of(project: Project, request: Request | None, link: str) -> bool:
    """Whether a link is the one that the project has, as it was given or where a short one leads."""
    return bool(link) and link in (request.link if request else "", read_card(project).get("link"))


def look_up(
    studio: Studio, project: Project, request: Request, captioner: Captioner, reporter: Reporter
) -> Sound | Question:
    """Ask Spotify of the request's link, and have the song's sound or a question; the project is open.

    Raises
    ------
    LinkError, DownloadError
        The link names no song; the audio cannot be fetched. The card is written all the same where it can be.
    Interrupted
        When the reporter says so.
    """
    from lib_music.audio import open_audio

    outside = keys.outside(studio)
    try:
        met = stoppable(lambda: meet_again(request, project, outside), reporter)
    except AlbumError as error:
        if not error.songs:
            more = "with Spotify credentials set its songs are listed here"
            raise LinkError(error.message, f"{error.fix}; {more}") from None
        songs = tuple(_choice(s.id, s.url, s.title, ", ".join(s.artists), s.duration or None) for s in error.songs)
        return Question("album", error.message, "choose one of its songs", songs)
    if request.song is None:
        assert met is not None, "see Request"
        found = _without_file(project, request, met, captioner, reporter, outside)
        if isinstance(found, Question):
            return found
        request = found
    audio = open_audio(request.sound, check=reporter.check)
    mismatch = mismatch_of(audio, met)
    if mismatch is not None and not request.keep_mismatch:
        introduce(request, project, reporter, audio=audio, met=met, outside=outside)
        project.remember(request.to_dict(project), project.imported_prompts())
        return Question("mismatch", str(mismatch), "say that it is the right recording, or give the right file or link")
    return Sound(request, audio, met)


def _without_file(
    project: Project, request: Request, met: Met, captioner: Captioner, reporter: Reporter, outside: Outside
) -> Request | Question:
    """The audio of a lone link where it may be fetched; else, and where that fails, card and prompts."""

    def card() -> None:
        present(request, project, reporter, met=met, captioner=captioner, anew=True, outside=outside)

    if not request.allow_download and fetched_earlier(request, project) is None:
        card()
        named = f" of {met.title}" if met.title else ""
        fix = "upload the song, or give its path, and press Produce prompts: it goes on here"
        return Question("file", f"a link alone holds no sound{named}", fix)
    introduce(request, project, reporter, audio=None, met=met, outside=outside)
    project.remember(request.to_dict(project), project.imported_prompts())
    try:
        return obtain(request, project, reporter, met=met, outside=outside)
    except ChoiceError as error:
        card()
        choices = tuple(_choice(c.id, c.url, c.title, c.channel, c.duration, c.difference) for c in error.choices)
        return Question("recording", error.message, "choose one, or upload the file", choices)
    except (DownloadError, InputError):
        card()
        raise


def _choice(
    id: str, url: str, title: str, by: str, length: float | None, apart: float | None = None
) -> dict[str, Any]:
    return {
        "id": id, "url": url, "title": title, "by": by, "length": None if length is None else round(length, 1),
        "apart": None if apart is None else round(apart, 1),
    }  # fmt: skip


def stoppable(call: Callable[[], T], reporter: Reporter) -> T:
    """What ``call`` gives or raises; when the person stops the job, nobody waits for it any longer."""
    future = on_a_thread(call, "ask")
    while True:
        reporter.check()
        if finished(future, _LOOK):
            return future.result()


# -- questions and answers ---------------------------------------------------------------------------------------------


def ask(project: Project, question: Question) -> None:
    """Keep a question in the project."""
    write_json(project.path(QUESTION), {"version": VERSION, **asdict(question)})


def asked(project: Project) -> Question | None:
    """What is asked in a project; None where nothing is, or it cannot be read."""
    path = project.path(QUESTION)
    try:
        found = read_json(path) if path.is_file() else None
        if not isinstance(found, dict) or found.pop("version", None) != VERSION:
            return None
        choices = tuple(dict(choice) for choice in found.pop("choices"))
        return Question(**found, choices=choices)
    except (MusicVisualizerError, TypeError, ValueError, KeyError):
        return None


def settled(project: Project) -> None:
    """Nothing is asked any longer."""
    project.path(QUESTION).unlink(missing_ok=True)


def answered(project: Project, request: Request, action: Mapping[str, Any]) -> Request:
    """The request with the person's answer.

    Parameters
    ----------
    project : Project
    request : Request
        What the project asked for last.
    action : mapping
        ``{"do": "choose" | "song_of_album", "id": ...}``, ``{"do": "right_recording", "on": bool}`` or
        ``{"do": "without_link"}``; foreign.

    Raises
    ------
    InputError
        That was not asked.
    """
    do, question = action.get("do"), asked(project)
    if do == "right_recording":
        return replace(request, keep_mismatch=flag(action, "on"))
    if do == "without_link":
        if request.song is None:
            raise InputError("there is nothing but the link", "give the song's file too")
        return replace(
            request, link="", choose="", keep_mismatch=False, spotify_content=False, ask_analysis=False,
            spotify_analysis=None,
        )  # fmt: skip
    kind = {"choose": "recording", "song_of_album": "album"}.get(str(do))
    id = text(action, "id", 40)
    if question is None or question.kind != kind or id not in [choice.get("id") for choice in question.choices]:
        raise InputError("that is no longer asked", "press Produce prompts again")
    if kind == "album":
        return replace(request, link=parse_link(id).url, choose="", keep_mismatch=False)
    # It was shown with its length.
    return replace(request, choose=id, keep_mismatch=True)


# -- what the page draws -----------------------------------------------------------------------------------------------


def card_view(project: Project, request: Request | None, url: Callable[[Path], str | None]) -> dict[str, Any]:
    """What the song's card says of its link: attribution, Spotify's own cover, both lengths, what is asked.

    Parameters
    ----------
    url : callable
        From a path in the project to where the browser gets it, or None.
    """
    from lib_music.introduce import SPOTIFY_COVER

    card, question = read_card(project), asked(project)
    link = card.get("link")
    known = isinstance(link, str) and _SONG_URL.fullmatch(link) is not None
    theirs = project.path(SPOTIFY_COVER)
    return {
        "cover_why": _text(card.get("cover_why")),
        "link": {"url": link, "attribution": _text(card.get("attribution"))} if known else None,
        "spotify": _spotify(card, url(theirs) if theirs.is_file() else None) if known else None,
        "mismatch": _mismatch(card, request) if known else None,
        "download": _download(card.get("download")),
        "question": None if question is None else {**asdict(question), "choices": list(question.choices)},
        "has_file": request is not None and request.song is not None,
        "switches": {
            "spotify_content": bool(request and request.spotify_content),
            "spotify_ear": bool(request and (request.ask_analysis or request.spotify_analysis is not None)),
        },
    }


def _spotify(card: Mapping[str, Any], cover: str | None) -> dict[str, Any] | None:
    said, public = card.get("spotify"), card.get("oembed")
    found = said if isinstance(said, dict) else public if isinstance(public, dict) else None
    if found is None:
        return None
    artists = found.get("artists")
    return {
        "title": _text(found.get("title")),
        "artists": [_text(name) for name in artists] if isinstance(artists, list) else [],
        "duration": _seconds(found.get("duration")),
        "cover_url": cover,
        "by": "spotify" if found is said else "oembed",
    }


def _mismatch(card: Mapping[str, Any], request: Request | None) -> dict[str, Any] | None:
    found = card.get("mismatch")
    lengths = [_seconds(found.get(name)) for name in ("file", "spotify")] if isinstance(found, dict) else [None]
    if any(length is None for length in lengths):
        return None
    file, spotify = (float(length or 0.0) for length in lengths)
    kept = bool(request and request.keep_mismatch)
    return {"file": file, "spotify": spotify, "text": str(Mismatch(file, spotify)), "kept": kept}


def _download(record: Any) -> dict[str, Any] | None:
    """Where the audio was fetched from, in words."""
    if not isinstance(record, dict):
        return None
    apart, length = _seconds(record.get("difference"), signed=True), _seconds(record.get("duration"))
    return {
        "title": _text(record.get("title")), "channel": _text(record.get("channel")), "url": _text(record.get("url")),
        "length": clock(length) if length else "", "apart": apart, "score": _seconds(record.get("score")),
    }  # fmt: skip


def _text(value: Any) -> str:
    from lib_music.track.tags import clean_text

    return clean_text(value, 400) if isinstance(value, str) else ""


def _seconds(value: Any, *, signed: bool = False) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and -1e6 < value < 1e6
    return round(float(value), 3) if known and (signed or value >= 0) else None
