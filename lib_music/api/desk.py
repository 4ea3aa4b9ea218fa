"""What all routes share: the studio, its uploads, and how names and numbers of a call become things.

Conventions: a name in a URL is foreign and only compared with what is there; what is not there is 404, what cannot be
used 422, what fits no more 429.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lib_music.api.guard import Limits
from lib_music.api.problems import Problem, again_after, without_places
from lib_music.api.uploads import Uploads
from lib_music.api.words import by_http
from lib_music.errors import InputError

if TYPE_CHECKING:
    from lib_music.project import Project
    from lib_music.studio.job import Job, Kind
    from lib_music.studio.studio import Studio

T = TypeVar("T")


@dataclass(frozen=True)
class Desk:
    """Where calls are worked on."""

    studio: Studio
    uploads: Uploads
    limits: Limits

    def project(self, name: str) -> Project:
        """The project of that name; raises Problem (404)."""
        from lib_music.studio.workspace import find_project

        try:
            return find_project(self.studio.host, name)
        except InputError as error:
            raise Problem(404, error.message, "GET /projects lists them") from error

    def upload(self, id: str) -> Path | None:
        """Where a whole upload lies that a body names, None for an empty name; raises Problem (409, 422)."""
        if not id:
            return None
        try:
            return self.uploads.file(id)
        except Problem as problem:
            if problem.status == 404:
                raise Problem(422, problem.detail, problem.fix) from problem
            raise

    def check_room(self, kind: Kind) -> None:
        """Raise Problem (429) when as many jobs wait as are taken."""
        try:
            self.studio.jobs.check_room(kind)
        except InputError as error:
            raise Problem(429, error.message, error.fix, again_after(30)) from error

    def told(self, text: str) -> str:
        """A line without the places that files have here, and with calls for what the page has buttons for."""
        return by_http(without_places(text, self.places()))

    def plain(self, shown: Any) -> Any:
        """JSON without the folders of this machine."""
        if isinstance(shown, dict):
            return {name: self.plain(value) for name, value in shown.items()}
        if isinstance(shown, (list, tuple)):
            return [self.plain(value) for value in shown]
        if isinstance(shown, str):
            for folder in self.places():
                shown = shown.replace(f"{folder}/", "").replace(f"{folder}\\", "")
        return shown

    def places(self) -> tuple[Path, ...]:
        """Folders of this machine that nobody need read of."""
        try:
            folders = self.studio.host.allowed_folders()
        except Exception:  # this is asked for while something goes wrong already
            return ()
        return tuple(folders)

    def job(self, job: Job) -> dict[str, Any]:
        """A job as it is shown."""
        shown = job.to_dict()
        for name in ("text", "error", "fix"):
            shown[name] = self.told(shown[name])
        return {**shown, "said": [self.told(line) for line in shown["said"]]}

    def submitted(self, job: Job, notes: Sequence[str] = ()) -> dict[str, Any]:
        """What says that work has been queued."""
        return {"project": job.project, "job": job.id, "notes": [self.told(note) for note in notes]}


def paged(found: Sequence[T], offset: int, limit: int) -> dict[str, Any]:
    """Some of a list, and how many there are."""
    return {"total": len(found), "items": list(found[offset : offset + limit])}
