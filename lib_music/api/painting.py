"""Routes that paint, and those about jobs: preview, render, cost, progress, interrupt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lib_music.api.desk import Desk
from lib_music.api.models import CostOut, JobOut, JobPage, RenderIn, Said, StretchIn, Submitted
from lib_music.api.paging import LIMIT, OFFSET
from lib_music.api.problems import Problem

if TYPE_CHECKING:
    from lib_music.studio.job import Job
    from lib_music.studio.motion import Motion


class Painting:
    """What costs time."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.studio = desk, desk.studio

    def add_to(self, router: Any) -> None:
        """Add the routes."""
        add, one = router.add_api_route, "/projects/{project}"
        queued = {"methods": ["POST"], "status_code": 202, "response_model": Submitted}
        add(f"{one}/cost", self.cost, methods=["GET"], response_model=CostOut)
        add(f"{one}/warm-up", self.warm_up, **queued)
        add(f"{one}/preview", self.preview, **queued)
        add(f"{one}/render", self.render, **queued)
        add(f"{one}/model", self.switch_model, methods=["POST"], response_model=Said)
        add("/jobs", self.all, methods=["GET"], response_model=JobPage)
        add("/jobs/{job}", self.look, methods=["GET"], response_model=JobOut)
        add("/jobs/{job}/interrupt", self.interrupt, methods=["POST"], response_model=JobOut)

    def _motion(self, project: str) -> tuple[str, Motion]:
        """The project's name and how it moves; raises Problem (404)."""
        from lib_music.studio.motion import read_motion

        found = self.desk.project(project)
        return found.folder.name, read_motion(self.studio.host, found)

    def cost(self, project: str) -> dict[str, Any]:
        """What its video will be and cost, before anything is painted."""
        from lib_music.studio.video import cost

        return cost(self.studio, *self._motion(project)).to_dict()

    def warm_up(self, project: str) -> dict[str, Any]:
        """Paint one picture, to learn how long that takes here."""
        from lib_music.studio.video import warm_up

        named = self._motion(project)
        self.desk.check_room("warm-up")
        return self.desk.submitted(warm_up(self.studio, *named))

    def preview(self, project: str, stretch: StretchIn) -> dict[str, Any]:
        """Make the animatic, small: of the whole video or of a stretch of the song."""
        from lib_music.studio.video import preview

        named = self._motion(project)
        if stretch.end is not None and stretch.start is None:
            raise Problem(422, "the stretch has an end and no start", "give both")
        self.desk.check_room("preview")
        return self.desk.submitted(preview(self.studio, *named, stretch.start, stretch.end))

    def render(self, project: str, given: RenderIn) -> dict[str, Any]:
        """Paint the video, or go on where its painting stopped; the same asked for again is the job that stands."""
        from lib_music.studio.video import open_visual, visualize

        name, motion = self._motion(project)
        self.desk.check_room("visualize")
        notes: tuple[str, ...] = ()
        if given.resume:
            opened = open_visual(self.studio, name, resume=True)
            motion, notes = opened.motion, opened.notes
        standing = {job.id for job in self.studio.jobs.active()}
        job = visualize(self.studio, name, motion, sole=True)
        if job.id in standing:
            notes = (*notes, "this is being painted already, or waits for it: this is its job")
        return self.desk.submitted(job, notes)

    def switch_model(self, project: str) -> dict[str, Any]:
        """Load the checkpoint and VAE that the project was painted with."""
        from lib_music.studio.video import switch_model

        said = switch_model(self.studio, self.desk.project(project).folder.name)
        return {"notes": [self.desk.told(line) for line in said]}

    # -- jobs ------------------------------------------------------------------------------------------------------

    def all(
        self, project: str = "", active: Literal["true", "false"] = "false", offset: int = OFFSET, limit: int = LIMIT
    ) -> dict[str, Any]:
        """The jobs, the newest first; those of one project, or those that wait or run."""
        found = [
            job for job in self.studio.jobs.all()
            if (not project or job.project == project) and not (active == "true" and job.is_over)
        ]  # fmt: skip
        return {"total": len(found), "items": [self.desk.job(job) for job in found[offset : offset + limit]]}

    def look(self, job: str) -> dict[str, Any]:
        """How a job is: for polling."""
        return self.desk.job(self._job(job))

    def interrupt(self, job: str) -> dict[str, Any]:
        """Stop a job that waits or runs; what is done is kept. Nothing happens to one that is over."""
        self._job(job)
        self.studio.jobs.interrupt(job)
        return self.desk.job(self._job(job))

    def _job(self, id: str) -> Job:
        found = self.studio.jobs.get(id)
        if found is None:
            raise Problem(404, "there is no such job", "GET /jobs lists them")
        return found
