"""Routes about songs and what is known of them: projects, what was heard, the prompts, how it moves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.api.desk import Desk, paged
from lib_music.api.frames import count_frames
from lib_music.api.models import (
    Acted,
    ActionIn,
    AnswerIn,
    BeatPage,
    CorrectionsOut,
    Curves,
    EditsIn,
    MotionIn,
    MotionOut,
    PanelOut,
    ProjectIn,
    ProjectOut,
    ProjectPage,
    Said,
    SectionPage,
    SongIn,
    Status,
    StoryboardFileIn,
    StoryboardIn,
    StoryboardOut,
    Submitted,
    given,
)
from lib_music.api.paging import LIMIT, OFFSET
from lib_music.api.problems import Problem

if TYPE_CHECKING:
    from lib_music.analysis.types import Analysis
    from lib_music.studio.motion import Motion
    from lib_music.studio.song_input import SongInput

_UNHEARD = ("this song has not been heard yet", "wait for its job, or POST …/produce")


class Songs:
    """Projects and what a person edits in them."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.studio = desk, desk.studio

    def add_to(self, router: Any) -> None:
        """Add the routes."""
        add, one = router.add_api_route, "/projects/{project}"
        add("/projects", self.all, methods=["GET"], response_model=ProjectPage)
        add("/projects", self.create, methods=["POST"], status_code=202, response_model=Submitted)
        add(one, self.look, methods=["GET"], response_model=ProjectOut)
        add(f"{one}/status", self.status, methods=["GET"], response_model=Status)
        add(f"{one}/produce", self.produce, methods=["POST"], status_code=202, response_model=Submitted)
        add(f"{one}/answer", self.answer, methods=["POST"], status_code=202, response_model=Submitted)
        add(f"{one}/sections", self.sections, methods=["GET"], response_model=SectionPage)
        add(f"{one}/beats", self.beats, methods=["GET"], response_model=BeatPage)
        add(f"{one}/curves", self.curves, methods=["GET"], response_model=Curves)
        add(f"{one}/corrections", self.corrections, methods=["GET"], response_model=CorrectionsOut)
        add(f"{one}/corrections", self.correct, methods=["PATCH"], response_model=CorrectionsOut)
        add(f"{one}/storyboard", self.storyboard, methods=["GET"], response_model=StoryboardOut)
        add(f"{one}/storyboard", self.word, methods=["PATCH"], response_model=Acted)
        add(f"{one}/storyboard", self.take_in, methods=["PUT"], response_model=Said)
        add(f"{one}/motion", self.motion, methods=["GET"], response_model=MotionOut)
        add(f"{one}/motion", self.move, methods=["PATCH"], response_model=MotionOut)
        add(f"{one}/actions", self.act, methods=["POST"], response_model=Acted)
        add(f"{one}/panels/{{panel}}", self.panel, methods=["GET"], response_model=PanelOut)

    # -- projects --------------------------------------------------------------------------------------------------

    def all(self, offset: int = OFFSET, limit: int = LIMIT) -> dict[str, Any]:
        """The projects, the one worked on last first."""
        from lib_music.studio.visuals import visuals
        from lib_music.studio.workspace import projects

        total = sum(1 for _ in projects(self.studio.host))
        return {"total": total, "items": visuals(self.studio, offset, limit)}

    def create(self, given: ProjectIn) -> dict[str, Any]:
        """Begin a project: the song is heard and prompts are suggested, as a job."""
        from lib_music.studio.motion import Motion, preferred, write_motion

        moved = self._moved(preferred(self.studio.host), given.motion) if given.motion else None
        submitted = self._produced(given, "")
        if isinstance(moved, Motion):
            write_motion(self.desk.project(submitted["project"]), moved)
        return submitted

    def produce(self, project: str, given: SongIn) -> dict[str, Any]:
        """Hear the song again and suggest anew; edits stay.

        What is left out stays as it was. Another song than the project's gets a project of its own: see the answer.
        """
        return self._produced(given, self.desk.project(project).folder.name)

    def _produced(self, given: SongIn, project: str) -> dict[str, Any]:
        from lib_music.studio.song import produce

        self.desk.check_room("produce")
        return self.desk.submitted(produce(self.studio, self._song(given, project)))

    def _song(self, given: SongIn, project: str) -> SongInput:
        from lib_music.studio.song_input import SongInput
        from lib_music.studio.workspace import typed_path

        if given.cover_upload and given.cover_path:
            raise Problem(422, "two covers are given", "give one of cover_upload and cover_path")
        if given.upload and given.path:
            raise Problem(422, "two songs are given", "give one of upload and path")
        cover = self.desk.upload(given.cover_upload)
        if given.cover_path:
            cover = typed_path(self.studio.host, given.cover_path)
        usable = [choice.id for choice in self.studio.host.captioners() if choice.usable]
        return SongInput(
            link=given.link, upload=self.desk.upload(given.upload), path=given.path, cover=cover,
            title=given.title.strip(), artist=given.artist.strip(), captioner=given.captioner or usable[0],
            project=project, allow_download=given.allow_download, spotify_content=given.spotify_content,
            spotify_ear=given.spotify_ear or bool(given.analysis_upload),
            analysis=self.desk.upload(given.analysis_upload),
        )  # fmt: skip

    def answer(self, project: str, answer: AnswerIn) -> dict[str, Any]:
        """Go on with a song after the person has said what only they can: see `question` of the project."""
        return self._answered(self.desk.project(project).folder.name, given(answer))

    def _answered(self, project: str, action: Mapping[str, Any]) -> dict[str, Any]:
        from lib_music.studio.song import answer

        self.desk.check_room("produce")
        return self.desk.submitted(answer(self.studio, project, action))

    def look(self, project: str) -> dict[str, Any]:
        """A project: its song's card, and what there is of it."""
        from lib_music.studio.known import known
        from lib_music.studio.view import song_card
        from lib_music.studio.visuals import revision

        now = known(self.desk.project(project))
        song, heard, path = song_card(self.studio, now), now.analysis, now.project.path
        video = Path(now.project.progress().video).name
        return {
            "project": project, "song": {**song, "warnings": self._told(song["warnings"])}, "heard": heard is not None,
            "sections": len(heard.sections) if heard else 0, "beats": len(heard.beats.times) if heard else 0,
            "question": song["question"], "link": song["link"],
            "has_video": bool(video) and path(video).is_file(),
            "has_preview": any(path("preview").glob("[!.]*.mp4")), "frames": count_frames(now.project),
            "revision": revision(self.studio, project), "warnings": self._told(list(now.warnings)),
        }  # fmt: skip

    def status(self, project: str) -> dict[str, Any]:
        """How its jobs are: for polling."""
        from lib_music.studio.visuals import status

        self.desk.project(project)
        found = status(self.studio, project)
        ids = [job["id"] for job in found["jobs"] if job["project"] == project]
        jobs = [self.desk.job(job) for job in map(self.studio.jobs.get, ids) if job is not None]
        return {"project": project, "revision": found["revision"], "now": time.time(), "jobs": jobs}

    # -- what was heard --------------------------------------------------------------------------------------------

    def _analysis(self, project: str) -> Analysis:
        from lib_music.studio.known import known

        analysis = known(self.desk.project(project)).analysis
        if analysis is None:
            raise Problem(409, *_UNHEARD)
        return analysis

    def sections(self, project: str, offset: int = OFFSET, limit: int = LIMIT) -> dict[str, Any]:
        """The sections as they are now, corrections applied."""
        found = [
            {"index": s.id, "start": round(s.start, 3), "end": round(s.end, 3), "label": s.label, "role": s.role,
             "energy": round(float(s.energy), 3)}
            for s in self._analysis(project).sections
        ]  # fmt: skip
        return paged(found, offset, limit)

    def beats(self, project: str, offset: int = OFFSET, limit: int = LIMIT) -> dict[str, Any]:
        """The beats as they are now, corrections applied."""
        beats = self._analysis(project).beats
        pairs = list(zip(beats.times.tolist(), beats.positions.tolist(), strict=True))
        page = paged(pairs, offset, limit)
        items = [{"time": round(at, 4), "position": position} for at, position in page["items"]]
        return {"total": page["total"], "items": items}

    def curves(self, project: str) -> dict[str, Any]:
        """How it moves, as curves to draw."""
        from lib_music.studio.view import view

        self._analysis(project)
        found = view(self.studio, project)["curves"]
        if found is None:
            raise Problem(409, "it cannot be set in motion as it is", "see the warnings of the project")
        return dict(found)

    def corrections(self, project: str) -> dict[str, Any]:
        """What was said against what was heard."""
        from lib_music.studio.known import known
        from lib_music.studio.view import hearing

        return hearing(known(self.desk.project(project)).replayed[0])

    def correct(self, project: str, edits: EditsIn) -> dict[str, Any]:
        """Fix the hearing: edits such as `{"do": "tempo", "factor": 2}`, all of them or none."""
        from lib_music.studio.hearing import HEARING

        self._edited(project, edits.edits, HEARING)
        return self.corrections(project)

    def _edited(self, project: str, edits: list[dict[str, Any]], allowed: tuple[str, ...]) -> None:
        from lib_music.studio.song import change_all

        self.desk.project(project)
        for edit in edits:
            if edit.get("do") not in allowed:
                raise Problem(422, f"{str(edit.get('do'))[:40]!r} is no edit here", f"choose of {', '.join(allowed)}")
        change_all(self.studio, project, edits)

    # -- prompts and motion ----------------------------------------------------------------------------------------

    def storyboard(self, project: str, offset: int = OFFSET, limit: int = LIMIT) -> dict[str, Any]:
        """What is painted in each section."""
        from lib_music.studio.known import known
        from lib_music.studio.view import prompts

        now = known(self.desk.project(project))
        shown = prompts(now, now.board())
        rows = [{**row, "start": row["from"], "end": row["to"]} for row in shown["rows"][offset : offset + limit]]
        return {**shown, "total": len(shown["rows"]), "rows": rows}

    def word(self, project: str, words: StoryboardIn) -> dict[str, Any]:
        """Change prompts, style, negative and use of the cover; all of it or nothing."""
        from lib_music.studio.rows import PROMPTS

        said: list[dict[str, Any]] = []
        if words.candidates is not None:
            said.append({"do": "candidates", "texts": list(words.candidates)})
        for name, value in (("style", words.style), ("negative", words.negative)):
            said += [{"do": name, "text": value}] if value is not None else []
        said += [{"do": "cover", "use": words.cover_use}] if words.cover_use is not None else []
        for row in words.rows or ():
            named = (("prompt", row.prompt), ("negative", row.negative))
            texts = {name: text for name, text in named if text is not None}
            said += [{"do": "link", "section": row.section, "linked": row.linked}] if row.linked is not None else []
            said += [{"do": "row", "section": row.section, **texts}] if texts else []
        self._edited(project, said, PROMPTS)
        return self._acted(project, ())

    def take_in(self, project: str, file: StoryboardFileIn) -> dict[str, Any]:
        """Put another storyboard in its place; the notes tell what was passed over."""
        from lib_music.studio.song import replace_storyboard

        self.desk.project(project)
        return {"notes": self._told(list(replace_storyboard(self.studio, project, file.text)))}

    def motion(self, project: str) -> dict[str, Any]:
        """How it moves."""
        from lib_music.studio.motion import read_motion

        return read_motion(self.studio.host, self.desk.project(project)).to_dict()

    def move(self, project: str, motion: MotionIn) -> dict[str, Any]:
        """Change how it moves; what is not named stays."""
        from lib_music.studio.motion import read_motion
        from lib_music.studio.video import keep_motion

        held = read_motion(self.studio.host, self.desk.project(project))
        moved = self._moved(held, motion)
        keep_motion(self.studio, project, moved)
        return moved.to_dict()

    def _moved(self, held: Motion, motion: MotionIn) -> Motion:
        from lib_music.studio.motion import Motion

        said = given(motion)
        if said.get("start", 0.0) is None:
            said["start"] = 0.0
        return Motion.from_dict({**held.to_dict(), **said})

    # -- everything else the page can do -----------------------------------------------------------------------------

    def act(self, project: str, action: ActionIn) -> dict[str, Any]:
        """One edit as the page makes it; GET /info lists what `do` can be, docs/api.md what goes with it."""
        from lib_music.studio.know import ANSWERS
        from lib_music.studio.song import change

        name, asked = self.desk.project(project).folder.name, given(action)
        before = {job.id for job in self.studio.jobs.all()}
        if asked["do"] in ANSWERS:
            return self._acted(name, (self._answered(name, asked)["job"],))
        change(self.studio, name, asked)
        queued = (job.id for job in self.studio.jobs.active() if job.project == name and job.id not in before)
        return self._acted(name, tuple(queued))

    def _acted(self, project: str, jobs: tuple[str, ...]) -> dict[str, Any]:
        from lib_music.studio.visuals import revision

        return {"project": project, "revision": revision(self.studio, project), "jobs": list(jobs)}

    def panel(self, project: str, panel: str) -> dict[str, Any]:
        """What one panel of the page shows of it."""
        from lib_music.studio.panels import panels
        from lib_music.studio.view import view

        self.desk.project(project)
        if panel not in [known.name for known in panels()]:
            raise Problem(404, "there is no such panel", "GET /info lists them")
        return {"panel": panel, "shown": self.desk.plain(view(self.studio, project)[panel])}

    def _told(self, lines: list[str]) -> list[str]:
        return [self.desk.told(line) for line in lines]
