"""What the page shows of a project: its view, how its jobs are, and what stands in its boxes.

Conventions: made of the studio's own answers, in the names of the page's components; nothing is changed here.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from lib_music.ui import form
from lib_music.ui.shown import Shown, to_json

if TYPE_CHECKING:
    from lib_music.studio.studio import Studio

N_CANDIDATES = 5
#: How the mark of a song begins of which there is only a link.
UNHEARD = "unheard "


class Answers:
    """What one page answers with.

    Parameters
    ----------
    studio : Studio
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def choices(self) -> dict[str, tuple[str, ...]]:
        """What the lists of the page offer; the first of each is what it begins with."""
        from lib_music.schedule.presets import PRESETS

        host = self.studio.host
        renderers, captioners = host.renderers(), host.captioners()
        return {
            "preset": ("auto", *PRESETS),
            "sampler": host.samplers(),
            "renderer": tuple(c.id for c in sorted(renderers, key=lambda c: not c.usable)),
            "captioner": tuple(c.id for c in sorted(captioners, key=lambda c: not c.usable)),
        }

    def view(self, project: str) -> dict[str, Any]:
        """What the page draws of a project. Raises InputError when there is none of that name."""
        from lib_music.studio.view import view

        return view(self.studio, project)

    def shown(
        self,
        project: str,
        *,
        view: dict[str, Any] | None = None,
        status: dict[str, Any] | None = None,
        fill: bool = False,
    ) -> Shown:
        """View, status and the project's name; with ``fill`` also every box, from what the project holds."""
        status = status or self.status(project)
        found = {**(view if view is not None else self.view(project)), "revision": status["revision"]}
        shown: Shown = {
            "project": project,
            "view": to_json(found),
            "status": to_json(status),
            "mark": _mark(project, found),
        }
        return {**shown, **self.filled(found)} if fill else shown

    def filled(self, view: dict[str, Any]) -> Shown:
        """Every box as the project has it."""
        texts = [row["text"] for row in view.get("candidates", ())]
        texts += [""] * (N_CANDIDATES - len(texts))
        shown: Shown = {f"candidate_{n}": text for n, text in enumerate(texts[:N_CANDIDATES], 1)}
        for name in ("style", "negative", "cover_use"):
            if name in view:
                shown[name] = view[name]
        said = view.get("said") or {}
        if "fault" not in said and said:
            shown.update(title=said["title"], artist=said["artist"])
            if said["captioner"] in self.choices()["captioner"]:
                shown["captioner"] = said["captioner"]
        if "switches" in (view.get("song") or {}):
            shown.update(view["song"]["switches"])
        if view.get("motion"):
            shown.update(form.motion_boxes(view["motion"], self.choices()))
        return shown

    def nothing(self) -> Shown:
        """A page without a song."""
        return {"project": "", "view": '{"project":""}', "status": to_json(self.any_status()), "mark": ""}

    def status(self, project: str) -> dict[str, Any]:
        """How the jobs of a project are, and those that run for any other."""
        from lib_music.studio.video import status

        return status(self.studio, project) if project else self.any_status()

    def any_status(self) -> dict[str, Any]:
        """The jobs that wait or run, whatever they are for."""
        jobs = [job.to_dict() for job in self.studio.jobs.active()]
        return {"jobs": jobs, "now": time.time(), "revision": ""}

    def surroundings(self) -> str:
        """What belongs to no song: the host's notices and the earlier visuals."""
        from lib_music.studio.video import visuals

        host = self.studio.host
        return to_json({"notices": list(host.notices()), "visuals": visuals(self.studio)})


def _mark(project: str, view: dict[str, Any]) -> str:
    """Changes when the boxes must be filled anew: another project, or new suggestions; never by typing.

    Empty as long as there is nothing to fill them with.
    """
    found = [row["suggested"] or row["text"] for row in view.get("candidates", ())]
    begun = "" if view.get("sections") else UNHEARD
    return begun + hashlib.sha256(json.dumps([project, found]).encode()).hexdigest()[:16] if found else ""
