"""The song's side of the page: Produce prompts, and one edit at a time.

Conventions: everything that can be wrong with what was given is told at once, before a job is queued; uploads are
copied into the project, as the page's own copies go away. Edits are written under the project's short edit lock, never
under the lock of a run: they are safe while a video is painted, which keeps the plan it began with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lib_music.analysis.corrections import Corrections, write_corrections
from lib_music.audio import check_audio, open_audio
from lib_music.errors import InputError, MusicVisualizerError, ProjectBusyError
from lib_music.pipeline import CORRECTIONS, STORYBOARD, understand
from lib_music.project import Project
from lib_music.prompts.storyboard import write_storyboard
from lib_music.prompts.suggestions import SUGGESTIONS, read_suggestions, write_suggestions
from lib_music.request import Request
from lib_music.studio.hearing import HEARING, corrected
from lib_music.studio.jobs import Job, JobReporter
from lib_music.studio.known import Known, known
from lib_music.studio.motion import preferred, write_motion
from lib_music.studio.rows import PROMPTS, Board, edited, redealt, relabelled
from lib_music.studio.studio import Studio
from lib_music.studio.view import view
from lib_music.studio.waveform import keep_sound
from lib_music.studio.workspace import (
    AUDIO_SUFFIXES,
    COVER_SUFFIXES,
    copy_in,
    find_project,
    new_project,
    projects,
    remove_project,
    typed_path,
    uploaded,
)
from lib_music.track.cover import check_cover
from lib_music.track.tags import clean_text, read_track

#: What lies in a project of ours whose song was not heard yet.
_BEGUN = re.compile(
    r"(project|motion|corrections|track)\.json|song(\.\w+)?|own-cover(\.\w+)?|cover\.png|log\.txt|\w+\.lock"
)
#: The longest title or list of artists that is taken, characters.
MAX_TYPED = 500


@dataclass(frozen=True)
class SongInput:
    """What stands in the Song part of the page when Produce prompts is pressed.

    Attributes
    ----------
    link : str
        To Spotify; alone it holds no sound.
    upload, cover : Path or None
        Where the page put what was uploaded.
    path : str
        Typed: a file in an allowed folder of the server.
    title, artist : str
        Typed; empty means what the file says. Several artists are separated by ``;``.
    captioner : str
        Its id.
    project : str
        The one that is open on the page; empty for none.
    allow_download, spotify_content, keep_mismatch, choose
        See :class:`~lib_music.request.Request`.
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
    keep_mismatch: bool = False
    choose: str = ""


def produce(studio: Studio, given: SongInput) -> Job:
    """Hear a song, look at its cover and suggest prompts, as a job; its ``project`` is the project's name.

    The same song as the open project's stays in that project and keeps every edit; another song gets one of its own,
    with the newest corrections that any project of that song has.

    Raises
    ------
    InputError
        Something given cannot be used; nothing is written then.
    """
    host = studio.host
    chosen = next((c for c in host.captioners() if c.id == given.captioner), None)
    if chosen is None or not chosen.usable:
        why = "is not known" if chosen is None else f"cannot be used: {chosen.note}"
        raise InputError(f"captioner {given.captioner[:40]!r} {why}", "choose another captioner")
    for name, typed in (("title", given.title), ("artist", given.artist)):
        if len(typed) > MAX_TYPED:
            raise InputError(f"the {name} has {len(typed):,} characters", f"keep it to {MAX_TYPED}")
    studio.jobs.check_room("produce")
    open_one = _open_project(studio, given.project)
    song = _song(studio, given, open_one)
    content_hash = check_audio(song)
    cover = None if given.cover is None else uploaded(host, given.cover)
    if cover is not None:
        check_cover(cover)
    same = open_one is not None and open_one.project.content_hash() == content_hash
    before = open_one if same else _begun_already(studio, content_hash)
    if before is not None:
        _refuse_while_painted(studio, before.project)
    project = before.project if before else _begin(studio, given, song, content_hash)
    request = _request(project, before, given, song, cover, keep_song=given.upload is None)
    project.remember(request.to_dict(project), project.imported_prompts())

    def work(reporter: JobReporter) -> Mapping[str, str]:
        _understand(studio, project, request, given, reporter)
        return {}

    job = studio.jobs.submit("produce", project.folder.name, work)
    if open_one is not None and not same:
        _leave(studio, open_one.project)
    return job


def _open_project(studio: Studio, name: str) -> Known | None:
    """The project that the page has open; one that has been deleted meanwhile is none."""
    try:
        return known(find_project(studio.host, name)) if name else None
    except InputError:
        return None


def _begun_already(studio: Studio, content_hash: str) -> Known | None:
    """The project in which the same song is about to be heard: the button was pressed twice."""
    for job in studio.jobs.active():
        if job.kind == "produce":
            try:
                project = find_project(studio.host, job.project)
                if project.content_hash() == content_hash:
                    return known(project)
            except MusicVisualizerError:
                continue
    return None


def _song(studio: Studio, given: SongInput, open_one: Known | None) -> Path:
    """Which file is meant: the upload, the typed path, else the open project's."""
    if given.upload is not None:
        return uploaded(studio.host, given.upload)
    if given.path.strip():
        return typed_path(studio.host, given.path)
    if given.link.strip():
        raise InputError("a link alone holds no sound", "upload the song as a file too, or give its path")
    if open_one is None or open_one.request is None:
        raise InputError("no song was given", "upload one, or give the path of one on the server")
    song = open_one.request.sound
    if not song.is_file():
        raise InputError("the song's file is gone", "upload it again, or give its path")
    return song


def _leave(studio: Studio, project: Project) -> None:
    """Take back a project that came to nothing, once the page goes on to another: its song could not be heard."""
    active = any(job.project == project.folder.name for job in studio.jobs.active())
    if not active and all(_BEGUN.fullmatch(path.name) for path in project.folder.iterdir()):
        remove_project(project)


def _refuse_while_painted(studio: Studio, project: Project) -> None:
    """A painting holds its project; one that waits begins with what is there then."""
    painting = (job for job in studio.jobs.active() if job.kind == "visualize" and job.state == "running")
    if any(job.project == project.folder.name for job in painting):
        raise ProjectBusyError("a video of this song is being painted", "wait for it or interrupt it, then try again")


def _begin(studio: Studio, given: SongInput, song: Path, content_hash: str) -> Project:
    """A new project, with the corrections of the song's newest one."""
    track = read_track(song, title=given.title or None, artists=_artists(given.artist), duration=1.0)
    # Looked for first: the new one is a project of that song too.
    corrections = _newest_corrections(studio, content_hash)
    project = new_project(studio.host, track.display, content_hash, song.name)
    write_motion(project, preferred(studio.host))
    if corrections is not None:
        write_corrections(project.path(CORRECTIONS), corrections)
    return project


def _artists(typed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in typed.split(";") if name.strip())


def _newest_corrections(studio: Studio, content_hash: str) -> Corrections | None:
    """What was corrected last about a song, in any project of the workspace."""
    found: list[tuple[float, Corrections]] = []
    for project in projects(studio.host):
        path = project.path(CORRECTIONS)
        try:
            if path.is_file() and project.content_hash() == content_hash:
                theirs = known(project)
                # One of the command line may have heard a stretch only: its times are others.
                if theirs.heard is not None and theirs.heard.start == 0:
                    found.append((path.stat().st_mtime, theirs.corrections))
        except (MusicVisualizerError, OSError):
            continue
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _request(
    project: Project, before: Known | None, given: SongInput, song: Path, cover: Path | None, *, keep_song: bool
) -> Request:
    """What the job shall do, with uploads copied into the project; what is left blank stays as it was."""
    request = before.request if before else None
    held = request.song if request and request.song and request.song.is_file() else None
    if not keep_song:
        inside = held is not None and held.resolve().parent == project.folder.resolve()
        song = held if held is not None and inside else copy_in(project, song, "song", AUDIO_SUFFIXES)
    if cover is not None:
        cover = copy_in(project, cover, "own-cover", COVER_SUFFIXES)
    elif request is not None and request.cover is not None and request.cover.is_file():
        cover = request.cover
    title = clean_text(given.title) or (request.title if request else None)
    artist = "; ".join(map(clean_text, _artists(given.artist))) or (request.artist if request else None)
    base = request or Request(song)
    return replace(base, song=song, cover=cover, title=title, artist=artist, prompts=None)


def _understand(
    studio: Studio, project: Project, request: Request, given: SongInput, reporter: JobReporter
) -> None:
    """The job itself; holds the project as any run does."""
    reporter.stage("track")
    if given.link.strip():
        reporter.say("the link is not read: title and cover are the file's own")
    audio = open_audio(request.sound)
    reporter.check()
    captioner = studio.host.captioner(given.captioner, reporter.should_stop)
    try:
        with project:
            settle(project)
            understood = understand(request, project, reporter, audio=audio, captioner=captioner, anew=True)
            keep_sound(studio.host, project, understood.audio, reporter)
            settle(project)
    except ProjectBusyError:
        raise ProjectBusyError("another run is working on this song", "wait for it, then try again") from None
    for warning in understood.warnings:
        reporter.say(warning)


def settle(project: Project) -> None:
    """Deal the candidates again over what was heard, under the edit lock; nothing happens before there are rows."""
    with project.editing():
        now = known(project).board()
        if now is not None:
            _write(project, now, redealt(now))


def act(studio: Studio, project: str, action: object) -> dict[str, Any]:
    """One edit from the page.

    Parameters
    ----------
    studio : Studio
    project : str
        Its name.
    action : mapping
        ``{"do": ...}`` as :data:`~lib_music.studio.hearing.HEARING` and :data:`~lib_music.studio.rows.PROMPTS` list
        them, with their values; foreign.

    Returns
    -------
    dict
        The :func:`~lib_music.studio.view.view` after it.

    Raises
    ------
    InputError
        It cannot be done; nothing is changed then.
    """
    found = find_project(studio.host, project)
    what = action.get("do") if isinstance(action, Mapping) else None
    if not isinstance(action, Mapping) or not isinstance(what, str) or what not in (*HEARING, *PROMPTS):
        raise InputError("this page asks for something that is not known here", "reload the page")
    with found.editing():
        now = known(found)
        board = now.board()
        if now.heard is None or board is None:
            raise InputError("this song has not been heard yet", "press Produce prompts first")
        if what in HEARING:
            _correct(now, board, action)
        else:
            _write(found, board, edited(board, action))
    return view(studio, project)


def _correct(now: Known, board: Board, action: Mapping[str, Any]) -> None:
    """Change what was heard, and let rows and overrides go with their sections."""
    heard = now.heard
    assert heard is not None
    if any(line.startswith(CORRECTIONS) for line in now.warnings):
        raise InputError("the corrections file cannot be read", "mend or delete corrections.json in the project")
    corrections = corrected(now.corrections, heard, action)
    sections = corrections.apply(heard).sections
    _write(now.project, board, relabelled(board, sections, split=action.get("do") == "label"))
    write_corrections(now.project.path(CORRECTIONS), corrections)


def _write(project: Project, before: Board, after: Board) -> None:
    """Write what has changed."""
    if after.storyboard != before.storyboard or after.sections is not before.sections:
        write_storyboard(project.path(STORYBOARD), after.storyboard, after.sections)
    if after.suggestions != read_suggestions(project.path(SUGGESTIONS)):
        write_suggestions(project.path(SUGGESTIONS), after.suggestions)
