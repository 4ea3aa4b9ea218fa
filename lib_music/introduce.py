"""What is known of a song before it is heard: card, cover, candidate prompts, and audio where none was given.

Conventions: everything is written into the (open) project. ``track.json`` is the card: every field with its source,
what Spotify said (kept while the project is, see :func:`forget`), both lengths, and where fetched audio came from.
``spotify-cover.png`` is Spotify's own picture, to be shown beside its attribution; ``cover.png`` is what is painted
with, and is Spotify's only where the person's switch says so.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music import credentials
from lib_music.errors import InputError, MusicVisualizerError
from lib_music.files import read_json, write_json
from lib_music.project import Project
from lib_music.reporter import Reporter
from lib_music.request import Request

if TYPE_CHECKING:
    from lib_music.audio import Audio
    from lib_music.prompts.captions import Captioner
    from lib_music.prompts.suggestions import Suggestions
    from lib_music.track import Cover, Track
    from lib_music.track.know import Met, Outside

#: The song's card, Spotify's own cover, and its audio-analysis.
CARD, SPOTIFY_COVER, SPOTIFY_ANALYSIS = "track.json", "spotify-cover.png", "spotify-analysis.json"


@dataclass(frozen=True)
class Introduction:
    """A song before it is heard.

    Attributes
    ----------
    track : Track
        The card.
    own : Track
        The words that may feed what is painted.
    cover : Path
        What is painted with.
    met : Met or None
        What Spotify says.
    warnings : tuple of str
    withdrawn : bool
        Whether earlier prompts were worded with Spotify's content, which may no longer feed them.
    """

    track: Track
    own: Track
    cover: Path
    met: Met | None
    warnings: tuple[str, ...] = ()
    withdrawn: bool = False


def meet_again(request: Request, project: Project, outside: Outside | None = None) -> Met | None:
    """What Spotify says of the request's link: as the project remembers it, else asked; None without a link.

    Asked again where the project knows less than Spotify's API could tell. Raises as
    :func:`lib_music.track.know.meet`.
    """
    from lib_music.track import know

    if not request.link:
        return None
    kept = know.Met.from_dict(read_card(project))
    if kept is None or request.link not in (kept.link.url, read_card(project).get("asked")):
        return know.meet(request.link, outside)
    if kept.spotify is not None or (kept.title and not _has_credentials(outside or know.OUTSIDE)):
        return kept
    fresh = know.meet(request.link, outside)
    return fresh if fresh.title else replace(kept, warnings=fresh.warnings)


def _has_credentials(outside: Outside) -> bool:
    with contextlib.suppress(InputError):
        return credentials.find(outside.folder) is not None
    return False


def introduce(
    request: Request,
    project: Project,
    reporter: Reporter,
    *,
    audio: Audio | None,
    met: Met | None,
    outside: Outside | None = None,
    download: Mapping[str, Any] | None = None,
) -> Introduction:
    """Write the card and the covers of a song, with or without its sound.

    Parameters
    ----------
    request : Request
    project : Project
        Open.
    reporter : Reporter
    audio : Audio or None
        None while there is only a link.
    met : Met or None
        What Spotify says; None without a link.
    outside : Outside, optional
        For Spotify's cover.
    download : mapping, optional
        Where ``audio`` was fetched from; what the card holds of that stays.
    """
    from lib_music.track import know
    from lib_music.track.cover import prepare_cover

    before = read_card(project)
    warnings = [*(audio.warnings if audio else ()), *(met.warnings if met else ())]
    track = know.know(request, audio, met, name=project.song_name())
    own = know.paintable(track, know.own_words(request, audio, project.song_name()))
    reporter.check()
    theirs = _spotifys_cover(project, met, before, outside, warnings)
    fetched = (theirs, met.source) if theirs is not None and met is not None and request.spotify_content else None
    cover = prepare_cover(request.cover, audio.path if audio else None, own, project.path("cover.png"), fetched)
    warnings += cover.warnings
    if (mismatch := know.mismatch_of(audio, met)) is not None:
        warnings.append(str(mismatch))
    track = replace(track, cover=cover.path, sources={**track.sources, "cover": cover.source})
    card = {
        **_card(request, track, cover, theirs, met, warnings),
        "mismatch": {"file": mismatch.file, "spotify": mismatch.spotify} if mismatch else None,
        "download": dict(download) if download else _download_of(before, request),
    }
    write_json(project.path(CARD), card)
    withdrawn = before.get("spotify_content") is True and not request.spotify_content
    return Introduction(track, own, cover.path, met, tuple(warnings), withdrawn)


def _card(
    request: Request, track: Track, cover: Cover, theirs: Path | None, met: Met | None, warnings: list[str]
) -> dict[str, Any]:
    """What is known of the song, as it is kept; ``theirs`` is Spotify's own cover."""
    return {
        "version": 1,
        "title": track.title,
        "artists": list(track.artists),
        "duration": track.duration,
        "album": track.album,
        "date": track.date,
        "genres": list(track.genres),
        "isrc": track.isrc,
        "spotify_id": track.spotify_id,
        "cover": cover.path.name,
        "cover_why": _why(cover, theirs is not None, request.spotify_content),
        "sources": dict(track.sources),
        "generation_may_use": sorted(track.generation_may_use),
        "warnings": warnings,
        **(met.to_dict() if met is not None else {}),
        "asked": request.link,
        "spotify_content": request.spotify_content,
        "spotify_cover": theirs.name if theirs is not None else None,
    }


def read_card(project: Project) -> dict[str, Any]:
    """The card as it lies in the project; empty when there is none that can be read."""
    with contextlib.suppress(MusicVisualizerError):
        card = read_json(project.path(CARD))
        return card if isinstance(card, dict) else {}
    return {}


def _spotifys_cover(
    project: Project, met: Met | None, before: Mapping[str, Any], outside: Outside | None, warnings: list[str]
) -> Path | None:
    """Spotify's cover in the project: that of this very song, fetched at once, for its address expires."""
    from lib_music.track.know import OUTSIDE
    from lib_music.track.web import download_cover

    path = project.path(SPOTIFY_COVER)
    if before.get("link") != (met.link.url if met is not None else None):
        project.path(SPOTIFY_ANALYSIS).unlink(missing_ok=True)
    same = met is not None and before.get("link") == met.link.url and path.is_file()
    if same and (not met or not met.cover_url or (before.get("spotify") is None) == (met.spotify is None)):
        return path
    path.unlink(missing_ok=True)
    if met is None or not met.cover_url:
        return None
    try:
        download_cover(met.cover_url, path, (outside or OUTSIDE).web())
    except MusicVisualizerError as error:
        warnings.append(error.message)
        return None
    return path


def _why(cover: Cover, has_spotifys: bool, allowed: bool) -> str:
    """Why this cover, in a sentence."""
    text = {
        "own file": "the picture that was given",
        "embedded": "the picture inside the song",
        "spotify": "Spotify's cover, which may be used as that is switched on",
        "oembed": "Spotify's small cover, which may be used as that is switched on",
    }.get(cover.source, "drawn for this song: no picture was given, and none that can be used is inside it")
    held = "; Spotify's cover is only shown, as using its content is switched off"
    return text + (held if cover.source == "generated" and has_spotifys and not allowed else "")


def _download_of(before: Mapping[str, Any], request: Request) -> dict[str, Any] | None:
    """Where the song's file was fetched from, when it is still that one."""
    record = before.get("download")
    same = isinstance(record, dict) and request.song is not None and request.song.name == record.get("file")
    return dict(record) if same and isinstance(record, dict) else None


def suggest(
    project: Project, known: Introduction, captioner: Captioner | None, seed: int, anew: bool
) -> Suggestions:
    """The project's candidates; made when there are none, or again where that is asked for.

    They are also made again where the earlier ones were worded with what may no longer feed them.
    """
    from lib_music.prompts.captions import PaletteCaptioner, produce_prompts
    from lib_music.prompts.suggestions import SUGGESTIONS, Suggestions, read_suggestions, write_suggestions

    path = project.path(SUGGESTIONS)
    kept = read_suggestions(path)
    if kept is not None and not anew and not known.withdrawn:
        return kept
    eyes = captioner or PaletteCaptioner()
    words = produce_prompts(eyes, known.cover, known.own, seed=seed)
    with project.editing():
        # Read again: the person may have edited while a model looked at the cover.
        kept = read_suggestions(path) or Suggestions(eyes.name, words.prompts)
        made = kept.anew(eyes.name, words.prompts, words.warnings)
        write_suggestions(path, made)
    return made


def present(
    request: Request,
    project: Project,
    reporter: Reporter,
    *,
    met: Met | None,
    audio: Audio | None = None,
    captioner: Captioner | None = None,
    anew: bool = False,
    outside: Outside | None = None,
) -> Suggestions:
    """Card, cover and candidate prompts of a song that is not heard, into the (open) project; the candidates.

    Without ``audio``, where there is only a link, the project belongs to no song until one is heard in it.
    """
    if audio is not None:
        project.own(audio.content_hash)
    else:
        project.begin()
    reporter.stage("track")
    known = introduce(request, project, reporter, audio=audio, met=met, outside=outside)
    reporter.check()
    reporter.stage("prompts")
    seed = request.seed
    if seed is None:
        seed = song_seed(audio) if audio is not None else link_seed(met) if met is not None else 0
    suggestions = suggest(project, known, captioner, seed, anew)
    project.remember(request.to_dict(project), project.imported_prompts())
    return suggestions


def song_seed(audio: Audio) -> int:
    """The seed of a song when the person gives none: its own, and the same every time."""
    return int(audio.content_hash[:7], 16)


def link_seed(met: Met) -> int:
    """The seed of a song of which there is only a link."""
    return int(hashlib.sha256(met.link.id.encode()).hexdigest()[:7], 16)


def obtain(
    request: Request,
    project: Project,
    reporter: Reporter,
    *,
    met: Met,
    outside: Outside | None = None,
) -> Request:
    """Fetch the audio of a song of which there is only a link into the (open) project; the request with that file.

    What was fetched earlier for the same link is taken.

    Raises
    ------
    InputError
        Fetching is not switched on, or nothing is known of the song.
    ChoiceError
        The person must choose; again with ``request.choose``.
    DownloadError
        It cannot be fetched.
    """
    from lib_music.track import download, know

    kept = fetched_earlier(request, project)
    if kept is not None:
        return _chosen_by_person(request, kept, read_card(project)["download"].get("asked") is True)
    if not request.allow_download:
        raise no_sound(met)
    wanted, program = know.wanted(request, met), download.find_program()
    project.begin()
    reporter.stage("search")
    found = download.search(wanted, program, reporter)
    one = _chosen(request, found)
    name = f"{', '.join(wanted.artists[:2])} {wanted.title}"
    taken = download.take(one, project.folder, program, reporter, name=name)
    request = _chosen_by_person(request, taken.path, taken.asked)
    introduce(request, project, reporter, audio=None, met=met, outside=outside, download=taken.to_dict())
    project.remember(request.to_dict(project), project.imported_prompts())
    return request


def _chosen_by_person(request: Request, song: Path, asked: bool) -> Request:
    """The request with a fetched file; of one that the person chose the length was seen."""
    return replace(request, song=song, keep_mismatch=request.keep_mismatch or asked)


def no_sound(met: Met) -> InputError:
    """What to say of a link without a file, while fetching is not switched on."""
    named = f" of {met.title}" if met.title else ""
    return InputError(f"a link alone holds no sound{named}",
                      "give the song's file too, with --audio FILE; or switch on fetching it, with --allow-download")


def fetched_earlier(request: Request, project: Project) -> Path | None:
    """The file that was fetched into the project for the same link, where it still is; no name leads out of it."""
    card = read_card(project)
    record, same = card.get("download"), request.link in (card.get("asked"), card.get("link"))
    name = record.get("file") if isinstance(record, dict) else None
    path = project.path(Path(name).name) if same and isinstance(name, str) and name else None
    return path if path is not None and path.is_file() else None


def _chosen(request: Request, found: Any) -> Any:
    """The recording to take; raises ChoiceError where that is the person's to say."""
    from lib_music.track import download
    from lib_music.track.know import ChoiceError

    shown = download.choices(found)
    if len(request.choose) == 11:
        one = next((candidate for candidate in found if candidate.id == request.choose), None)
    elif request.choose:
        one = shown[int(request.choose) - 1] if int(request.choose) <= len(shown) else None
    else:
        one = download.best(found)
        if one is None and shown:
            raise ChoiceError(shown)
    if one is None and not shown:
        raise download.refusal(found)
    if one is None:
        raise ChoiceError(shown)
    return one


def forget(project: Project, reporter: Reporter) -> bool:
    """Delete what the (open) project keeps of Spotify's. Returns whether there was any.

    Card, cover and candidates are made anew without it, as though only the file had been given; a storyboard stays, as
    it may be the person's. Where there is only the link, that alone stays.
    """
    from lib_music.audio import open_audio
    from lib_music.track.know import Met

    card, request = read_card(project), Request.from_dict(project.request(), project)
    met = Met.from_dict(card)
    if met is None:
        return False
    for name in (SPOTIFY_COVER, SPOTIFY_ANALYSIS):
        project.path(name).unlink(missing_ok=True)
    audio = open_audio(request.song) if request.song is not None and request.song.is_file() else None
    nothing = Met(met.link) if request.song is None else None
    request = replace(request, link=request.link if nothing else "", spotify_content=False)
    request = replace(request, ask_analysis=False)
    known = introduce(request, project, reporter, audio=audio, met=nothing)
    if card.get("spotify_content") is True:
        suggest(project, known, None, song_seed(audio) if audio else link_seed(met), True)
        reporter.say(
            "the storyboard, and what was made of it, may still be worded with Spotify's content: "
            "delete storyboard.json and make the video again"
        )
    project.remember(request.to_dict(project), project.imported_prompts())
    return True
