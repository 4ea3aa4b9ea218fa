"""AUTOMATIC1111's WebUI and Forge as the place the page runs in.

Conventions: see :class:`lib_music.studio.host.Host`. Nothing is loaded, downloaded or changed by asking: what the host
has is read from what it already holds in memory. The two hosts differ by what they have (``forge_loading_parameters``),
not by name.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.errors import DeforumError, InputError, Interrupted
from lib_music.render.still import Still
from lib_music.studio.host import Choice, Model, Painting, Preferences
from lib_music.webui import folders, settings, stills
from lib_music.webui.stale import is_stale
from lib_music.webui.turn import in_turn, pressed_interrupt, queue, turn

if TYPE_CHECKING:
    from lib_music.pipeline import Plan
    from lib_music.project import Project
    from lib_music.prompts.captions import Captioner
    from lib_music.render.renderer import Renderer, ShouldStop
    from lib_music.video.finish import Finisher

#: Seconds that a switch of the model waits for the GPU; requests may not take a minute.
_SWITCH_PATIENCE = 20.0
_NO_MODEL = "no checkpoint is loaded: put one into models/Stable-diffusion and choose it at the top of the page"


class WebuiHost:
    """The WebUI this process is."""

    name = "webui"

    def workspace(self) -> Path:
        """The folder that holds the projects; made when it is missing."""
        folder = folders.workspace().folder
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def allowed_folders(self) -> tuple[Path, ...]:
        """Folders in which a typed path may lie, symlinks resolved."""
        return folders.allowed_folders()

    def preferences(self) -> Preferences:
        """The person's settings as they are now."""
        return settings.preferences()

    def notices(self) -> tuple[str, ...]:
        """Lines to show on top of the page."""
        from lib_music.webui.deforum_find import deforum_note

        lines = ["Music Visualizer was updated: restart the WebUI (Reload UI is not enough)"] if is_stale() else []
        if note := folders.workspace().notice:
            lines.append(note)
        if folders.hidden_by_host():
            lines.append(
                "the WebUI lies in a folder whose name begins with a dot, and shows no file from there: "
                "videos are written, but cannot play in the page"
            )
        if note := deforum_note():
            lines.append(note)
        return tuple(lines)

    def renderers(self) -> tuple[Choice, ...]:
        """The installed Deforum first, then the animatic, which is always there."""
        from lib_music.webui.deforum_find import deforum_note

        note = deforum_note() or ("" if self.model() else _NO_MODEL)
        return (
            Choice("deforum", "Deforum: painted with the loaded checkpoint", note),
            Choice("animatic", "Animatic: a moving sketch, no GPU"),
        )

    def captioners(self) -> tuple[Choice, ...]:
        """The palette and the host's own two."""
        return tuple(Choice(name, label[0].upper() + label[1:]) for name, label in settings.CAPTIONERS.items())

    def samplers(self) -> tuple[str, ...]:
        """The samplers that the host shows, the default first."""
        from modules import sd_samplers

        names = list(dict.fromkeys(str(name) for name in sd_samplers.visible_sampler_names()))
        return tuple(sorted(names, key=lambda name: name != stills.DEFAULT_SAMPLER))

    def captioner(self, id: str, should_stop: ShouldStop) -> Captioner:
        """The captioner of that id; it takes the GPU's turn itself."""
        from lib_music.webui.captioner import make_captioner

        return make_captioner(id, should_stop)

    def renderer(self, id: str, plan: Plan, project: Project, should_stop: ShouldStop) -> Renderer:
        """The renderer of that id for this plan; used inside :meth:`turn`."""
        if id == "animatic":
            from lib_music.render.animatic import Animatic

            return Animatic.from_file(plan.cover, captions=plan.request.captions)
        if id == "deforum":
            from lib_music.webui.deforum_host import make_deforum_renderer

            return make_deforum_renderer(plan, project, should_stop)
        raise InputError(f"there is no renderer {id!r} here", "choose deforum or animatic")

    def turn(self, task: str, should_stop: ShouldStop) -> AbstractContextManager[Callable[[Painting], None]]:
        """Wait for the GPU and hold it, under the host's own queue and progress bar."""
        return turn(task, should_stop)

    def interrupted(self) -> bool:
        """Whether the person pressed the host's own Interrupt during this turn."""
        return pressed_interrupt()

    def model(self) -> Model | None:
        """The checkpoint and VAE that would paint now; nothing is loaded to find out."""
        info = _checkpoint()
        if info is None:
            return None
        vae, vae_hash = _vae()
        return Model(str(info.name), str(info.shorthash or ""), vae, vae_hash, _clip_skip())

    def networks(self) -> Mapping[str, str] | None:
        """What the host's own Lora extension has listed; None where it is switched off."""
        found = getattr(sys.modules.get("networks"), "available_networks", None)
        if not isinstance(found, dict):
            return None
        named = {str(name): str(getattr(entry, "shorthash", "") or "") for name, entry in found.items()}
        aliases = {str(getattr(entry, "alias", "") or name): named[str(name)] for name, entry in found.items()}
        return {**aliases, **named}

    def switch_model(self, model: Model) -> None:
        """Load a recorded model, on the person's word only."""
        with self._free_gpu():
            _switch(model)

    @contextlib.contextmanager
    def _free_gpu(self) -> Iterator[None]:
        """The host's lock, if it can be had soon; this thread's own turn will do."""
        if in_turn():
            yield
            return
        deadline = time.monotonic() + _SWITCH_PATIENCE
        try:
            stack = contextlib.ExitStack()
            stack.enter_context(queue(lambda: time.monotonic() > deadline))
        except Interrupted as error:
            raise InputError("the WebUI is painting now", "switch the model when it has finished") from error
        with stack:
            yield

    def warm_up(self, width: int, height: int, sampler: str, steps: int) -> float | None:
        """Paint one picture inside a turn: seconds it took, without loading the model and the GPU's first kernels."""
        self._check_can_paint(sampler)
        seconds, stopped = stills.measure(width, height, sampler, steps)
        if stopped or self.interrupted():
            # It gave no picture, or a half one, in less time.
            raise Interrupted("stopped during the warm-up picture", "start it again")
        return seconds

    def _check_can_paint(self, sampler: str) -> None:
        if _checkpoint() is None:
            raise DeforumError("no checkpoint is loaded", _NO_MODEL.partition(": ")[2])
        if sampler and sampler not in self.samplers():
            raise InputError(f"the WebUI has no sampler {sampler!r}", "choose one of the list")

    def paint_still(self, still: Still, should_stop: ShouldStop) -> bytes | None:
        """One picture of the loaded checkpoint, inside a turn: a PNG that carries its infotext."""
        self._check_can_paint(still.sampler)
        return stills.paint_still(still, lambda: should_stop() or self.interrupted())

    def can_paste(self) -> bool:
        """The WebUI has img2img and Extras."""
        return True

    def bind_paste(self, buttons: Mapping[str, Any], image: Any, text: Any) -> None:
        """Through the WebUI's own paste."""
        stills.bind_paste(buttons, image, text)

    def upscalers(self) -> tuple[Choice, ...]:
        """The host's own, of Extras."""
        from lib_music.webui.finishing import upscalers

        return upscalers()

    def interpolators(self) -> tuple[Choice, ...]:
        """Those of the installed Deforum whose models are on disk."""
        from lib_music.webui.finishing import interpolators

        return interpolators()

    def finisher(self, upscaler: str, interpolator: str) -> Finisher:
        """Both by their ids; used inside :meth:`turn`."""
        from lib_music.webui.finishing import HostFinisher

        return HostFinisher(upscaler, interpolator)

    def credentials_folder(self) -> Path:
        """Where Spotify's credentials may lie: the user's settings, else a dot folder that is never served."""
        from lib_music.credentials import safe_folder

        hides_dots = folders.dots_are_refused()
        fallback = folders.data_folder() / ".music_visualizer" if hides_dots else None
        return safe_folder(folders.served_folders(), hides_dots=hides_dots, fallback=fallback)

    def file_url(self, path: Path) -> str:
        """A URL, relative to the page, under which the browser gets a file of the workspace."""
        _serve_workspace()
        return folders.relative_url(path)

    def deforum_path(self, path: Path) -> str | None:
        """What the Deforum tab's own Save is given: it looks from the folder that the WebUI runs in, as we do."""
        from lib_music.webui.deforum_find import deforum_note

        if deforum_note():
            return None
        try:
            return os.path.relpath(path)
        except ValueError:  # another drive
            return str(path)


def _serve_workspace() -> None:
    """Let gradio serve the workspace; by itself it serves only below the folder it runs in, or the data folder.

    Done whenever a URL is given out: gradio forgets it at each launch, and the setting may name another folder.
    """
    from modules import shared

    demo, folder = shared.demo, str(folders.workspace().folder)
    # There is no page under --nowebui, and nothing to allow before the launch.
    if demo is not None and isinstance(allowed := getattr(demo, "allowed_paths", None), list) and folder not in allowed:
        demo.allowed_paths = [*allowed, folder]


def _checkpoint() -> Any:
    """The host's card of the checkpoint that would paint now, or None."""
    from modules import sd_models, shared

    data = sd_models.model_data
    parameters = getattr(data, "forge_loading_parameters", None)
    if parameters is not None:
        # Forge loads what was chosen when it paints next; until then it holds a stand-in, and while it starts nothing.
        loaded = parameters.get("checkpoint_info")
    else:
        loaded = getattr(data.sd_model, "sd_checkpoint_info", None)
    if loaded is not None:
        return loaded
    chosen = sd_models.checkpoint_aliases.get(shared.opts.sd_model_checkpoint)
    return chosen or next(iter(sd_models.checkpoints_list.values()), None)


def _clip_skip() -> str:
    """CLIP skip as it is set, empty where it skips nothing."""
    from modules import shared

    found = shared.opts.data.get("CLIP_stop_at_last_layers", 1)
    return str(int(found)) if isinstance(found, int | float) and found > 1 else ""


def _vae() -> tuple[str, str]:
    """Name and short hash of the VAE in use beside the checkpoint; empty for its own."""
    from modules import sd_models, sd_vae

    parameters = getattr(sd_models.model_data, "forge_loading_parameters", None)
    if parameters is not None:
        return ", ".join(sorted(Path(path).name for path in parameters.get("additional_modules") or ())), ""
    path = sd_vae.loaded_vae_file
    if not path:
        return "", ""
    with contextlib.suppress(OSError):
        stat = Path(path).stat()
        return Path(path).name, _short_hash(str(path), stat.st_mtime_ns, stat.st_size)
    return Path(path).name, ""


@functools.lru_cache(maxsize=8)
def _short_hash(path: str, changed: int, size: int) -> str:
    """The first ten digits of a file's sha256, as the host writes them; ``changed`` and ``size`` say which file."""
    found = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()[:10]


def _find_checkpoint(model: Model) -> Any:
    """The host's card of a recorded checkpoint: by its hash, else by its exact name. Raises InputError."""
    from modules import sd_models

    for attempt in range(2):
        for name in (model.checkpoint_hash, model.checkpoint):
            info = sd_models.checkpoint_aliases.get(name) if name else None
            if info is not None:
                return info
        if attempt == 0:
            sd_models.list_models()
    raise InputError(
        f"the WebUI does not have the checkpoint {model.checkpoint}", "put it into models/Stable-diffusion, or go on"
    )


def _switch(model: Model) -> None:
    from modules import sd_models, shared

    info = _find_checkpoint(model)
    if getattr(sd_models.model_data, "forge_loading_parameters", None) is not None:
        _switch_forge(info, model)
    else:
        _switch_a1111(info, model)
    # As choosing it at the top of the page does; frozen settings stay as they are.
    with contextlib.suppress(AssertionError, RuntimeError, OSError):
        shared.opts.save(shared.config_filename)


def _switch_a1111(info: Any, model: Model) -> None:
    from modules import sd_models, sd_vae, shared

    if model.vae and model.vae not in sd_vae.vae_dict:
        sd_vae.refresh_vae_list()
        if model.vae not in sd_vae.vae_dict:
            raise InputError(f"the WebUI does not have the VAE {model.vae}", "put it into models/VAE, or go on")
    before = shared.opts.sd_model_checkpoint
    try:
        # Without the option's own callback, which would wait for the lock that is held here.
        shared.opts.set("sd_model_checkpoint", info.title, run_callbacks=False)
        sd_models.reload_model_weights(info=info)
        if model.vae and _vae()[0] != model.vae:
            shared.opts.set("sd_vae", model.vae, run_callbacks=False)
            sd_vae.reload_vae_weights()
    except Exception as error:
        with contextlib.suppress(Exception):
            shared.opts.set("sd_model_checkpoint", before, run_callbacks=False)
        raise InputError(f"{info.name} cannot be loaded: {error}", "see the WebUI's console") from error


def _switch_forge(info: Any, model: Model) -> None:
    from modules_forge import main_entry

    names = [name for name in model.vae.split(", ") if name]
    if names:
        main_entry.refresh_models()
        missing = [name for name in names if name not in main_entry.module_list]
        if missing:
            raise InputError(f"the WebUI does not have {missing[0]}", "put it into models/VAE, or go on")
        main_entry.modules_change(names, save=False, refresh=False)
    main_entry.checkpoint_change(info.title, save=False, refresh=False)
    main_entry.refresh_model_loading_parameters()
