"""The host of ``music-visualizer serve``: a plain server with the animatic, and a remote Deforum where one is named.

Conventions: the workspace is the only folder that the page may read from besides those that the person allowed on the
command line; the WebUI's credentials come from the environment and are never held here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lib_music.errors import InputError, Interrupted, ProjectError
from lib_music.render.still import Still
from lib_music.studio.host import Choice, Model, Painting, Preferences

if TYPE_CHECKING:
    from lib_music.pipeline import Plan
    from lib_music.project import Project
    from lib_music.prompts.captions import Captioner
    from lib_music.render.renderer import Renderer, ShouldStop
    from lib_music.video.finish import Finisher

#: Samplers that every WebUI of the last years has; Deforum itself checks the name.
_SAMPLERS = ("Euler a", "Euler", "Heun", "DDIM", "DPM2", "DPM2 a", "DPM++ 2M", "DPM++ SDE", "UniPC")
#: Seconds between two looks at whether a waiting job shall stop.
_LOOK = 0.2


class PlainHost:
    """A :class:`~lib_music.studio.host.Host` without a WebUI around it.

    Parameters
    ----------
    folder : Path
        The workspace.
    allowed : sequence of Path
        Further folders in which a typed path may lie.
    disk_cap : int
        Bytes that all projects may take; 0 is no cap.
    webui : str, optional
        Address of a WebUI whose Deforum paints, ``http://host:7860``. Raises InputError when it is no address.
    """

    name = "serve"

    def __init__(
        self, folder: Path, allowed: tuple[Path, ...] = (), webui: str | None = None, disk_cap: int = 0
    ) -> None:
        if webui is not None:
            from lib_music.render.deforum_client import parse_url

            parse_url(webui)
        for extra in allowed:
            if not extra.is_dir():
                raise InputError(f"no such folder: {extra}", "check the path given to --allow")
        self._folder, self._webui = folder.resolve(), webui
        self._allowed = tuple(extra.resolve() for extra in allowed)
        self._painting = threading.Lock()
        self._disk_cap = disk_cap

    def workspace(self) -> Path:
        """The folder that holds the projects; made when it is missing."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise ProjectError(f"cannot use {self._folder}: {reason}", "choose another folder with --out") from error
        return self._folder

    def allowed_folders(self) -> tuple[Path, ...]:
        """The workspace and what the person allowed."""
        return (self._folder, *self._allowed)

    def preferences(self) -> Preferences:
        """A plain server keeps none but what its command said."""
        return Preferences(disk_cap=self._disk_cap)

    def notices(self) -> tuple[str, ...]:
        """Nothing: what cannot be used says so where it would be chosen."""
        return ()

    def renderers(self) -> tuple[Choice, ...]:
        """The animatic always; Deforum, and first, where a WebUI is named."""
        animatic = Choice("animatic", "Animatic")
        if self._webui:
            return (Choice("deforum", "Deforum"), animatic)
        return (animatic, Choice("deforum", "Deforum", "start music-visualizer serve with --webui URL"))

    def captioners(self) -> tuple[Choice, ...]:
        """The palette, which needs no model."""
        return (Choice("palette", "Palette"),)

    def samplers(self) -> tuple[str, ...]:
        """Names of samplers; the first is the default."""
        return _SAMPLERS

    def captioner(self, id: str, should_stop: ShouldStop) -> Captioner:
        """The captioner of that id."""
        from lib_music.prompts.captions import PaletteCaptioner

        if id != "palette":
            raise InputError(f"captioner {id[:40]!r} is not known here", "choose palette")
        return PaletteCaptioner()

    def renderer(self, id: str, plan: Plan, project: Project, should_stop: ShouldStop) -> Renderer:
        """The renderer of that id for this plan."""
        if id == "animatic":
            from lib_music.render.animatic import Animatic

            return Animatic.from_file(plan.cover, captions=plan.request.captions)
        if id != "deforum":
            raise InputError(f"renderer {id[:40]!r} is not known", "choose animatic or deforum")
        if not self._webui:
            raise InputError("there is no Deforum here", "start music-visualizer serve with --webui URL")
        from lib_music.files import slug
        from lib_music.render.deforum_http import DeforumHttpRenderer

        return DeforumHttpRenderer(
            self._webui,
            batch_name=slug(plan.track.display),
            job_file=project.path("deforum_job.json"),
            should_stop=should_stop,
        )

    @contextmanager
    def turn(self, task: str, should_stop: ShouldStop) -> Iterator[Callable[[Painting], None]]:
        """One painting at a time; there is no progress bar but the page's own."""
        while not self._painting.acquire(timeout=_LOOK):
            if should_stop():
                raise Interrupted("interrupted while it waited for its turn", "Resume goes on from here")
        try:
            yield lambda painting: None
        finally:
            self._painting.release()

    def interrupted(self) -> bool:
        """There is no Interrupt but the page's own."""
        return False

    def model(self) -> Model | None:
        """Not known: nothing, or a remote WebUI, paints."""
        return None

    def networks(self) -> Mapping[str, str] | None:
        """Not known: a remote WebUI has them."""
        return None

    def switch_model(self, model: Model) -> None:
        """Refused: there is no checkpoint here to load."""
        raise InputError("the checkpoint is chosen in the WebUI that paints", "load it there")

    def warm_up(self, width: int, height: int, sampler: str, steps: int) -> float | None:
        """Nothing here can be warmed up."""
        return None

    def paint_still(self, still: Still, should_stop: ShouldStop) -> bytes | None:
        """A picture of the remote WebUI's, where one is named and has ``--api``."""
        if not self._webui:
            return None
        from lib_music.render.webui_still import remote_still

        return remote_still(self._webui, still, should_stop)

    def can_paste(self) -> bool:
        """There are no other tabs."""
        return False

    def bind_paste(self, buttons: Mapping[str, Any], image: Any, text: Any) -> None:
        """Nothing to bind."""

    def upscalers(self) -> tuple[Choice, ...]:
        """The one that needs no model."""
        return (Choice("Lanczos", "Lanczos"),)

    def interpolators(self) -> tuple[Choice, ...]:
        """Deforum's, which are in the WebUI alone."""
        note = "use it in the WebUI's own Music Visualizer tab"
        return (Choice("RIFE", "RIFE (Deforum's)", note), Choice("FILM", "FILM (Deforum's)", note))

    def finisher(self, upscaler: str, interpolator: str) -> Finisher:
        """Larger pictures without a model."""
        from lib_music.video.finish import Lanczos

        if upscaler not in ("", "Lanczos"):
            raise InputError(f"upscaler {upscaler[:40]!r} is not known here", "choose Lanczos")
        if interpolator:
            raise InputError("there is no interpolation here", "use it in the WebUI's own Music Visualizer tab")
        return Lanczos()

    def credentials_folder(self) -> Path:
        """The user's own folder of settings, as long as it does not lie in the workspace."""
        from lib_music.credentials import safe_folder
        from lib_music.studio.workspace import upload_folder

        return safe_folder((self._folder, upload_folder()), hides_dots=False)

    def file_url(self, path: Path) -> str:
        """``file=`` and the path, which gradio's own route serves; raises InputError outside the workspace."""
        place = path.resolve()
        if not place.is_relative_to(self._folder):
            raise InputError(f"{place.name} is not in the output folder", "start with another --out")
        return f"file={quote(place.as_posix())}"

    def deforum_path(self, path: Path) -> str | None:
        """There is no Deforum tab in this page."""
        return None
