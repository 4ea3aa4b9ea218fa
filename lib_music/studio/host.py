"""What the page needs to know of the place it runs in: a plain server, AUTOMATIC1111 or Forge.

Conventions: a :class:`Choice` that cannot be used now carries a ``note``, one line saying why and what to do; ids are
ours and stable, labels are for reading. Nothing in here holds a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lib_music.render.still import Still

if TYPE_CHECKING:
    from lib_music.pipeline import Plan
    from lib_music.project import Project
    from lib_music.prompts.captions import Captioner
    from lib_music.render.renderer import Renderer, ShouldStop
    from lib_music.video.finish import Finisher


@dataclass(frozen=True)
class Choice:
    """One entry of a list on the page; ``note`` is empty when it can be used."""

    id: str
    label: str
    note: str = ""

    @property
    def usable(self) -> bool:
        """Whether it can be chosen now."""
        return not self.note


@dataclass(frozen=True)
class Model:
    """The checkpoint and VAE that paint: names and short hashes; empty where unknown.

    ``clip_skip`` is the number of CLIP's last layers to stop at, as text; empty for 1, which skips none.
    """

    checkpoint: str = ""
    checkpoint_hash: str = ""
    vae: str = ""
    vae_hash: str = ""
    clip_skip: str = ""

    def differs_from(self, other: Model) -> tuple[str, ...]:
        """A line for each part in which this one (now loaded) is not ``other`` (recorded)."""
        lines = []
        for name in ("checkpoint", "vae"):
            now, then = getattr(self, name), getattr(other, name)
            now_hash, then_hash = getattr(self, f"{name}_hash"), getattr(other, f"{name}_hash")
            same = now_hash == then_hash if now_hash and then_hash else now == then
            if then and not same:
                lines.append(f"the {name} was {then}, now it is {now or 'none'}")
        if self.clip_skip != other.clip_skip:
            lines.append(f"the CLIP skip was {other.clip_skip or 1}, now it is {self.clip_skip or 1}")
        return tuple(lines)


@dataclass(frozen=True)
class Preferences:
    """What the person set once for all songs.

    ``fps`` as text, ids of preset and captioner; ``disk_cap`` is the most bytes that all projects may take, 0 no cap.
    """

    preset: str = "auto"
    fps: str = "24"
    captioner: str = "palette"
    disk_cap: int = 0


@dataclass(frozen=True)
class Painting:
    """How far a job is, for the host's own progress bar: ``fraction`` in [0, 1], one line of ``text``."""

    fraction: float
    text: str


#: The other tabs that a picture can be sent to, by the host's names.
PASTE_TABS = ("img2img", "extras")


class Host(Protocol):
    """The place the page runs in.

    Methods that touch the GPU are called from a worker thread, inside :meth:`turn` where the docstring says so.
    """

    name: str

    def workspace(self) -> Path:
        """The folder that holds the projects; made when it is missing."""
        ...

    def allowed_folders(self) -> tuple[Path, ...]:
        """Folders in which a typed path may lie, symlinks resolved."""
        ...

    def preferences(self) -> Preferences:
        """The person's settings as they are now."""
        ...

    def notices(self) -> tuple[str, ...]:
        """Lines to show on top of the page: what is missing, what to install, restart the WebUI."""
        ...

    def renderers(self) -> tuple[Choice, ...]:
        """``animatic``, ``deforum``; the first usable one is the default."""
        ...

    def captioners(self) -> tuple[Choice, ...]:
        """``palette`` and what the host has (``blip``, ``deepbooru``)."""
        ...

    def samplers(self) -> tuple[str, ...]:
        """Names of samplers; the first is the default."""
        ...

    def captioner(self, id: str, should_stop: ShouldStop) -> Captioner:
        """The captioner of that id; it takes the GPU's turn itself. Raises InputError when it is unknown."""
        ...

    def renderer(self, id: str, plan: Plan, project: Project, should_stop: ShouldStop) -> Renderer:
        """The renderer of that id for this plan; used inside :meth:`turn`. Raises InputError or DeforumError."""
        ...

    def turn(self, task: str, should_stop: ShouldStop) -> AbstractContextManager[Callable[[Painting], None]]:
        """Wait for the GPU and hold it, under the host's own queue and progress bar.

        ``task`` is the id that the host's progress bar is asked for; yields what publishes the progress there. Raises
        Interrupted when ``should_stop`` says so while waiting. The host's state is as before afterwards.
        """
        ...

    def interrupted(self) -> bool:
        """Whether the person pressed the host's own Interrupt during this turn."""
        ...

    def model(self) -> Model | None:
        """What would paint now; None where that is unknown (no checkpoint, a plain server)."""
        ...

    def networks(self) -> Mapping[str, str] | None:
        """Short hashes of the LoRAs that are here, by the names prompts call them, empty where unknown; None: unknown.

        Nothing is computed or loaded to find out.
        """
        ...

    def switch_model(self, model: Model) -> None:
        """Load a recorded model, on the person's word only. Raises InputError when the host does not have it."""
        ...

    def warm_up(self, width: int, height: int, sampler: str, steps: int) -> float | None:
        """Paint one picture inside a turn: seconds it took, model loading apart; None where that means nothing."""
        ...

    def paint_still(self, still: Still, should_stop: ShouldStop) -> bytes | None:
        """Paint one picture inside a turn: a PNG that carries its infotext; None where no checkpoint paints.

        Raises DeforumError or InputError with the fix, Interrupted when it was stopped.
        """
        ...

    def can_paste(self) -> bool:
        """Whether the page around has tabs that a picture can be sent to (img2img, Extras)."""
        ...

    def bind_paste(self, buttons: Mapping[str, Any], image: Any, text: Any) -> None:
        """Let gradio buttons, by the tab's name, send an image and its infotext through the host's own paste."""
        ...

    def upscalers(self) -> tuple[Choice, ...]:
        """What makes finished pictures larger."""
        ...

    def interpolators(self) -> tuple[Choice, ...]:
        """What makes pictures between two; those whose model is not here carry a note."""
        ...

    def finisher(self, upscaler: str, interpolator: str) -> Finisher:
        """Both by their ids, empty for none; used inside :meth:`turn`. Raises InputError where one cannot be used."""
        ...

    def credentials_folder(self) -> Path:
        """Where Spotify's credentials may lie, never served to anybody. Raises InputError where that is nowhere."""
        ...

    def file_url(self, path: Path) -> str:
        """A URL, relative to the page, under which the browser gets a file of the workspace (Range included)."""
        ...

    def deforum_path(self, path: Path) -> str | None:
        """What Deforum's own Save is given to write that file of the workspace; None where there is no such tab."""
        ...
