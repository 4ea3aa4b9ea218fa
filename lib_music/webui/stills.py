"""Single pictures through the host's own txt2img: the warm-up that is measured, and the stills that people look at.

Conventions: called inside the host's turn, on a worker thread; the host's state, its last prompt and the GPU's free
memory are as before afterwards. Nothing is saved by the host; what is kept is the PNG's bytes, its infotext inside, as
the host's PNG Info and "Send to" expect it.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lib_music.errors import DeforumError, InputError, Interrupted
from lib_music.render.renderer import ShouldStop
from lib_music.render.still import Still
from lib_music.webui import folders
from lib_music.webui.turn import heeded, kept_state

if TYPE_CHECKING:
    from PIL.Image import Image

DEFAULT_SAMPLER = "Euler a"
#: What one picture leaves in the host's state; whether Interrupt was pressed meanwhile stays.
_PICTURE_FIELDS = (
    "job_count", "job_no", "sampling_step", "sampling_steps", "current_latent", "current_image",
    "current_image_sampling_step",
)  # fmt: skip


def measure(width: int, height: int, sampler: str, steps: int) -> tuple[float, bool]:
    """Seconds for one picture, without loading the model and the GPU's first kernels; and whether it was stopped."""
    blank = Still("", "", 1, width, height, sampler, 1, 7.0)
    with _painting("warm-up picture", blank):
        _paint("warm-up picture", blank)
        began = time.monotonic()
        stopped = _paint("warm-up picture", Still("", "", 1, width, height, sampler, steps, 7.0))[2]
        return time.monotonic() - began, stopped


def paint_still(still: Still, should_stop: ShouldStop) -> bytes:
    """One picture as a PNG with its infotext.

    Raises
    ------
    DeforumError
        Painting failed.
    Interrupted
        It was stopped, by the page or the host's own button.
    """
    if should_stop():
        raise Interrupted("stopped before the picture", "start it again")
    with _painting("still", still):
        picture, infotext, stopped = _paint("still", still)
    if stopped or should_stop():
        raise Interrupted("stopped during a still", "start it again")
    return _png(picture, infotext)


@contextlib.contextmanager
def _painting(what: str, still: Still) -> Iterator[None]:
    from modules import devices, shared

    with _kept_last_prompt(), kept_state(shared.state, _PICTURE_FIELDS), heeded(shared.state):
        try:
            yield
        except Exception as error:
            raise _painting_error(what, error, still.width, still.height) from error
        finally:
            devices.torch_gc()


def _paint(what: str, still: Still) -> tuple[Image, str, bool]:
    """The picture, its infotext, and whether it was stopped halfway."""
    from modules import processing, shared

    p = processing.StableDiffusionProcessingTxt2Img(
        sd_model=shared.sd_model,
        prompt=still.prompt,
        negative_prompt=still.negative,
        seed=still.seed,
        sampler_name=still.sampler or DEFAULT_SAMPLER,
        steps=still.steps,
        cfg_scale=still.cfg_scale,
        width=still.width,
        height=still.height,
        do_not_save_samples=True,
        do_not_save_grid=True,
    )
    with contextlib.closing(p):
        done = processing.process_images(p)
        stopped = bool(shared.state.interrupted or shared.state.stopping_generation)
        if not done.images:
            if stopped:
                raise Interrupted(f"stopped during the {what}", "start it again")
            raise DeforumError("the host gave no picture", "see the WebUI's console")
        # Not ``infotexts``: of a picture without scripts the hosts write them without the tags of LoRAs.
        return done.images[0], str(done.infotext(p, 0) or ""), stopped


def _png(picture: Image, infotext: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    written, info = io.BytesIO(), PngInfo()
    info.add_text("parameters", infotext)
    picture.save(written, "PNG", pnginfo=info)
    return written.getvalue()


@contextlib.contextmanager
def _kept_last_prompt() -> Iterator[None]:
    """The host keeps its last picture's prompt in ``params.txt``; ours is not the person's."""
    path = folders.data_folder() / "params.txt"
    before = path.read_bytes() if path.is_file() else None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if before is not None:
                path.write_bytes(before)
            else:
                path.unlink(missing_ok=True)


def _painting_error(what: str, error: Exception, width: int, height: int) -> Exception:
    """What painting ended in, with the way on."""
    if isinstance(error, Interrupted | DeforumError | InputError):
        return error
    if type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error).lower():
        return DeforumError(
            f"the GPU's memory is too small for {width}x{height}",
            "choose a smaller size, or start the WebUI with --medvram",
        )
    return DeforumError(f"the {what} failed: {type(error).__name__}: {error}", "see the WebUI's console")


def bind_paste(buttons: Mapping[str, Any], image: Any, text: Any) -> None:
    """Register our buttons with the host's paste mechanism, which connects them once all tabs are built."""
    from modules import infotext_utils

    for tab, button in buttons.items():
        infotext_utils.register_paste_params_button(
            infotext_utils.ParamBinding(
                paste_button=button, tabname=tab, source_text_component=text, source_image_component=image
            )
        )
