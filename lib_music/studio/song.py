"""The song's side of the page: Produce prompts, and one edit at a time.

Conventions: everything that can be wrong with what was given is told at once, before a job is queued; uploads are
copied into the project, as the page's own copies go away. Edits are written under the project's short edit lock, never
under the lock of a run: they are safe while a video is painted, which keeps the plan it began with.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib_music.analysis.corrections import Corrections, write_corrections
from lib_music.analysis.spotify import read_master
from lib_music.audio import check_audio
from lib_music.errors import InputError, MusicVisualizerError, ProjectBusyError
from lib_music.pipeline import CORRECTIONS, STORYBOARD, understand
from lib_music.project import Project
from lib_music.prompts.storyboard import read_storyboard, write_storyboard
from lib_music.prompts.suggestions import SUGGESTIONS, read_suggestions, write_suggestions
from lib_music.rehear import based
from lib_music.request import Ear, Request
from lib_music.studio.estimate import check_room
from lib_music.studio.hearing import HEARING, corrected
from lib_music.studio.history import STEPS, adopt, recorded
from lib_music.studio.job import CHANGING, Job, JobReporter
from lib_music.studio.keys import outside
from lib_music.studio.know import Question, answered, ask, asked, is_link_of, look_up, settled, typed_link
from lib_music.studio.known import Known, known
from lib_music.studio.motion import preferred, write_motion
from lib_music.studio.panels import panel_of
from lib_music.studio.rows import PROMPTS, Board, edited, redealt, relabelled, reworded
from lib_music.studio.said import FILE as SAID
from lib_music.studio.said import MAX_TYPED, SAYING, artists_of, said_by, said_in, write_said
from lib_music.studio.song_input import SongInput, request_of, song_of, with_ear, without_its_names
from lib_music.studio.studio import Studio
from lib_music.studio.view import view
from lib_music.studio.waveform import keep_sound
from lib_music.studio.workspace import (
    find_project,
    new_project,
    projects,
    remove_project,
    uploaded,
)
from lib_music.track.cover import check_cover
from lib_music.track.tags import read_track

#: What lies in a project of ours whose song was not heard yet.
_BEGUN = re.compile(
    r"(project|motion|said|corrections|track|question|(spotify|own)-analysis)\.json|song(\.\w+)?|own-cover[\w.-]*"
    r"|(spotify-)?cover\.png|log\.txt|\w+\.lock|history"
)
#: The edits that can be made before the song was heard.
_WORDING = ("candidates", "take_candidate")
#: How many covers that were given are kept, to go back to.
_COVERS = 20


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
    link = typed_link(given.link)
    open_one = _open_project(studio, given.project)
    song = song_of(studio, given, link, open_one)
    content_hash = check_audio(song) if song is not None else ""
    cover = None if given.cover is None else uploaded(host, given.cover)
    if cover is not None:
        check_cover(cover)
    copied = [path for path in (song if given.upload is not None else None, cover) if path is not None]
    check_room(studio, sum(path.stat().st_size for path in copied))
    analysis = None if given.analysis is None else uploaded(host, given.analysis)
    if analysis is not None:
        read_master(analysis)
    same = open_one is not None and _is_of(open_one, content_hash, link)
    notes: tuple[str, ...] = ()
    if open_one is not None and not same:
        given, notes = without_its_names(given, open_one)
    before = open_one if same else _begun_already(studio, content_hash, link)
    if before is not None:
        _refuse_while_painted(studio, before.project)
    project = before.project if before else _begin(studio, given, song, content_hash)
    request = with_ear(project, request_of(project, before, given, link, song, cover), given, analysis)
    if content_hash and not project.content_hash():
        # There was only a link until now.
        project.own(content_hash, song.name if song is not None else "")
        _correct_as_before(studio, project, content_hash)
    # Before the request itself, so that what was said until now is known.
    _keep_said(project, request, chosen.id, known_before=before is not None)
    job = _submit(studio, project, request, chosen.id, notes)
    if open_one is not None and not same:
        if said_in(open_one.project, open_one.request) != said_by(open_one.project, open_one.request):
            # What stood in the boxes was meant for the other song.
            _keep_said(open_one.project, open_one.request, "", known_before=True)
        _leave(studio, open_one.project)
    return job


def _settle_said(project: Project) -> None:
    """Write down what is said of a song already, so that the first edit of it can be undone."""
    if not project.path(SAID).is_file():
        adopt(project, lambda: write_said(project, said_in(project, known(project).request)))


def _keep_said(project: Project, request: Request | None, captioner: str, known_before: bool) -> None:
    """Write down what counts of a song now, as a step where there was something before."""
    if known_before:
        _settle_said(project)
    said = said_by(project, request, captioner)
    with recorded(project, {"do": "said"}) if known_before else contextlib.nullcontext(), project.editing():
        write_said(project, said)
    covers = sorted(project.folder.glob("own-cover-*"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in covers[_COVERS:]:
        if project.relative(path) != said.cover:
            path.unlink(missing_ok=True)


def answer(studio: Studio, name: str, action: Mapping[str, Any]) -> Job:
    """Go on with a song after the person has said what only they can, see :mod:`lib_music.studio.know`.

    Raises
    ------
    InputError
        That was not asked, or the song is being worked on.
    """
    now = known(find_project(studio.host, name))
    if now.request is None:
        raise InputError("there is no song yet", "press Produce prompts first")
    request = answered(now.project, now.request, action)
    _refuse_while_painted(studio, now.project)
    if any(job.kind == "produce" and job.project == name for job in studio.jobs.active()):
        raise InputError("this song is being worked on", "wait for it, or interrupt it")
    question, suggestions = asked(now.project), read_suggestions(now.project.path(SUGGESTIONS))
    wanted = question.captioner if question else suggestions.captioner if suggestions else ""
    usable = [choice.id for choice in studio.host.captioners() if choice.usable]
    return _submit(studio, now.project, request, wanted if wanted in usable else usable[0])


def hear_again(studio: Studio, name: str, ear: Ear) -> Job:
    """Hear a song with another of our ears; prompts and corrections stay.

    Raises
    ------
    InputError
        There is no sound yet, or the song is being worked on.
    """
    now = known(find_project(studio.host, name))
    if now.request is None or now.request.song is None or now.heard is None:
        raise InputError("this song has not been heard yet", "press Produce prompts first")
    studio.jobs.check_room("produce")
    _refuse_while_painted(studio, now.project)
    if any(job.kind == "produce" and job.project == name for job in studio.jobs.active()):
        raise InputError("this song is being worked on", "wait for it, or interrupt it")
    suggestions = read_suggestions(now.project.path(SUGGESTIONS))
    usable = [choice.id for choice in studio.host.captioners() if choice.usable]
    wanted = suggestions.captioner if suggestions else ""
    return _submit(studio, now.project, replace(now.request, ear=ear), wanted if wanted in usable else usable[0])


def _submit(
    studio: Studio, project: Project, request: Request, captioner: str, notes: tuple[str, ...] = ()
) -> Job:
    project.remember(request.to_dict(project), project.imported_prompts())

    def work(reporter: JobReporter) -> Mapping[str, str]:
        for note in notes:
            reporter.say(note)
        _understand(studio, project, request, captioner, reporter)
        return {}

    return studio.jobs.submit("produce", project.folder.name, work)


def _open_project(studio: Studio, name: str) -> Known | None:
    """The project that the page has open; one that has been deleted meanwhile is none."""
    try:
        return known(find_project(studio.host, name)) if name else None
    except InputError:
        return None


def _is_of(open_one: Known, content_hash: str, link: str) -> bool:
    """Whether what was given belongs to the open project: the same song, or the file or link that it waits for."""
    held, request = open_one.project.content_hash(), open_one.request
    same_link = not link or is_link_of(open_one.project, request, link)
    if not content_hash:
        return same_link
    return held == content_hash or (not held and same_link)


def _begun_already(studio: Studio, content_hash: str, link: str) -> Known | None:
    """The project in which the same song is about to be heard: the button was pressed twice."""
    for job in studio.jobs.active():
        if job.kind == "produce":
            try:
                found = known(find_project(studio.host, job.project))
                same = found.project.content_hash() == content_hash
                if same and (content_hash or (found.request is not None and found.request.link == link)):
                    return found
            except MusicVisualizerError:
                continue
    return None


def _leave(studio: Studio, project: Project) -> None:
    """Take back a project that came to nothing, once the page goes on to another: its song could not be heard."""
    active = any(job.project == project.folder.name for job in studio.jobs.active())
    if not active and all(_BEGUN.fullmatch(path.name) for path in project.folder.iterdir()):
        remove_project(project)


def _refuse_while_painted(studio: Studio, project: Project) -> None:
    """A painting holds its project; one that waits begins with what is there then."""
    painting = (job for job in studio.jobs.active() if job.kind in CHANGING and job.state == "running")
    if any(job.project == project.folder.name for job in painting):
        raise ProjectBusyError("a video of this song is being painted", "wait for it or interrupt it, then try again")


def _begin(studio: Studio, given: SongInput, song: Path | None, content_hash: str) -> Project:
    """A new project, with the corrections of the song's newest one."""
    if song is not None:
        name = read_track(song, title=given.title or None, artists=artists_of(given.artist), duration=1.0).display
    else:
        name = " - ".join(part for part in (given.artist.strip(), given.title.strip()) if part) or "Spotify song"
    # Looked for first: the new one is a project of that song too.
    corrections = _newest_corrections(studio, content_hash) if content_hash else None
    project = new_project(studio.host, name, content_hash, song.name if song is not None else "")
    write_motion(project, preferred(studio.host))
    if corrections is not None:
        write_corrections(project.path(CORRECTIONS), corrections)
    return project


def _correct_as_before(studio: Studio, project: Project, content_hash: str) -> None:
    """The corrections of the song's newest project, for one that has just got its file."""
    if not project.path(CORRECTIONS).is_file() and (found := _newest_corrections(studio, content_hash)) is not None:
        write_corrections(project.path(CORRECTIONS), found)


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
                    found.append((path.stat().st_mtime, based(theirs.corrections, theirs.heard)))
        except (MusicVisualizerError, OSError):
            continue
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _understand(
    studio: Studio, project: Project, request: Request, captioner: str, reporter: JobReporter
) -> None:
    """The job itself; holds the project as any run does."""
    reporter.stage("track")
    eyes = studio.host.captioner(captioner, reporter.should_stop)
    reporter.check()
    try:
        with project:
            settle(project)
            settled(project)
            found = look_up(studio, project, request, eyes, reporter)
            if isinstance(found, Question):
                ask(project, replace(found, captioner=captioner))
                reporter.say("; ".join(filter(None, (found.text, found.fix))))
                return
            understood = understand(
                found.request, project, reporter, audio=found.audio, captioner=eyes, anew=True, met=found.met,
                outside=outside(studio),
            )  # fmt: skip
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
        ``{"do": ...}`` as :data:`~lib_music.studio.hearing.HEARING`, :data:`~lib_music.studio.rows.PROMPTS` and the
        :func:`~lib_music.studio.panels.panels` list them, with their values; foreign.

    Returns
    -------
    dict
        The :func:`~lib_music.studio.view.view` after it.

    Raises
    ------
    InputError
        It cannot be done; nothing is changed then.
    """
    change(studio, project, action)
    return view(studio, project)


def change(studio: Studio, project: str, action: object) -> None:
    """The edit of :func:`act`, for who wants no view."""
    found = find_project(studio.host, project)
    what = action.get("do") if isinstance(action, Mapping) else None
    if not isinstance(action, Mapping) or not isinstance(what, str):
        raise InputError("this page asks for something that is not known here", "reload the page")
    panel = panel_of(what)
    if what in STEPS and panel is not None:
        panel.actions[what](studio, found, action)
        return
    if what in SAYING:
        _settle_said(found)
    with recorded(found, action):
        if panel is not None:
            panel.actions[what](studio, found, action)
        else:
            _change(found, [action])


def change_all(studio: Studio, project: str, actions: Sequence[Mapping[str, Any]]) -> None:
    """Several edits of the hearing or the prompts as one step: all of them, or none where one cannot be made."""
    found = find_project(studio.host, project)
    if actions:
        with recorded(found, actions[0] if len(actions) == 1 else {"do": "several edits"}):
            _change(found, actions)


def replace_storyboard(studio: Studio, project: str, text: str) -> tuple[str, ...]:
    """Take another storyboard in: the text of its file, or one prompt a line.

    Returns
    -------
    tuple of str
        What was passed over: labels that the song does not have, prompts left over.

    Raises
    ------
    InputError
        It is no storyboard, or the song has not been heard yet; nothing is changed then.
    """
    found = find_project(studio.host, project)
    with recorded(found, {"do": "storyboard"}), found.editing():
        now = known(found)
        if now.analysis is None:
            raise InputError("this song has not been heard yet", "press Produce prompts first")
        with tempfile.TemporaryDirectory(prefix="music-visualizer-") as folder:
            path = Path(folder) / "storyboard"
            path.write_text(text, encoding="utf-8")
            storyboard = read_storyboard(path, now.analysis.sections, seed=now.seed)
        storyboard.resolve(now.analysis.sections)
        write_storyboard(found.path(STORYBOARD), storyboard, now.analysis.sections)
    return storyboard.warnings


def _change(found: Project, actions: Sequence[Mapping[str, Any]]) -> None:
    """Edits of the hearing or the prompts, one after the other, written together."""
    if any(action.get("do") not in (*HEARING, *PROMPTS) for action in actions):
        raise InputError("this page asks for something that is not known here", "reload the page")
    with found.editing():
        now = known(found)
        before = now.board()
        if before is None and now.heard is None and all(action["do"] in _WORDING for action in actions):
            _word(found, actions)
            return
        if now.heard is None or before is None:
            raise InputError("this song has not been heard yet", "press Produce prompts first")
        board, corrections = before, now.corrections
        for action in actions:
            if action["do"] in PROMPTS:
                board = edited(board, action)
                continue
            if any(line.startswith(CORRECTIONS) for line in now.warnings):
                raise InputError(f"{CORRECTIONS} cannot be read", "mend or delete it in the project")
            corrections = corrected(corrections, now.heard, action)
            # Rows and overrides go with their sections.
            board = relabelled(board, corrections.apply(now.heard).sections, split=action["do"] == "label")
        _write(found, before, board)
        if any(action["do"] in HEARING for action in actions):
            write_corrections(found.path(CORRECTIONS), corrections)


def _word(project: Project, actions: Sequence[Mapping[str, Any]]) -> None:
    """Change the candidates of a song of which there is only a link yet."""
    kept = read_suggestions(project.path(SUGGESTIONS))
    if kept is None:
        raise InputError("this song has not been heard yet", "press Produce prompts first")
    for action in actions:
        kept = reworded(kept, action)
    write_suggestions(project.path(SUGGESTIONS), kept)


def _write(project: Project, before: Board, after: Board) -> None:
    """Write what has changed."""
    if after.storyboard != before.storyboard or after.sections is not before.sections:
        write_storyboard(project.path(STORYBOARD), after.storyboard, after.sections)
    if after.suggestions != read_suggestions(project.path(SUGGESTIONS)):
        write_suggestions(project.path(SUGGESTIONS), after.suggestions)
