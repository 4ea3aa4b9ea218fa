"""What is on the cover, said by the WebUI's own models: BLIP, or DeepBooru for drawn pictures.

Only BLIP's sentence is wanted: the ranking of ``interrogate`` adds artists' names and needs a second model, and
``interrogate`` also ends the host's current job. So the parts are called one by one, under the host's lock.

Conventions: the GPU's memory and the host's state are as before afterwards: what was not loaded is not kept. Any
failure is a :class:`CaptionerError`; the palette then speaks alone.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lib_music.errors import InputError, MusicVisualizerError
from lib_music.prompts.captions import Caption, Captioner, PaletteCaptioner, Tags
from lib_music.prompts.text import Found
from lib_music.render.renderer import ShouldStop
from lib_music.webui.settings import CAPTIONERS
from lib_music.webui.turn import kept_state, queue

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger("lib_music")

#: What the host's ``interrogate`` ends with when it failed; forks write it elsewhere too.
_ERROR_MARK = "<error>"
#: BLIP was trained on captions in which this word stands for nothing at all.
_NOISE = re.compile(r"\b(?:araf\w*|there (?:is|are))\b\s*", re.IGNORECASE)
#: Tags that say how many, not what; the names in front of "tags" are the host's markup.
_TAG_WEIGHT = re.compile(r"^\((.*):[\d.]+\)$")
_TAGS_IN_A_PHRASE, _MAX_PHRASES = 5, 2


class CaptionerError(MusicVisualizerError):
    """The host's captioner cannot be used now; the palette takes its place."""


def make_captioner(id: str, should_stop: ShouldStop) -> Captioner:
    """The captioner of that id; raises InputError when there is none."""
    if id == "palette":
        return PaletteCaptioner()
    if id not in CAPTIONERS:
        raise InputError(f"there is no captioner {id!r} here", f"choose one of: {', '.join(CAPTIONERS)}")
    return HostCaptioner(id, should_stop)


class HostCaptioner:
    """Describes a cover with one of the host's models, when the GPU is free.

    Parameters
    ----------
    name : "blip" or "deepbooru"
    should_stop : ShouldStop
        Asked while the GPU is busy with something else.
    """

    def __init__(self, name: str, should_stop: ShouldStop) -> None:
        self.name, self._should_stop = name, should_stop

    def caption(self, image: Image, tags: Tags) -> Caption:
        """The subjects of ``image`` (RGB). Raises CaptionerError, or Interrupted while it waits for the GPU."""
        from modules import shared

        with queue(self._should_stop), kept_state(shared.state):
            try:
                said = _blip(image) if self.name == "blip" else _deepbooru(image)
            except Exception as error:
                # What a model of somebody else's ends in is of any kind; the host's console has the rest.
                log.warning("the captioner %s failed", self.name, exc_info=True)
                raise CaptionerError(_reason(error), "look at the WebUI's console") from error
        if not isinstance(said, str) or _ERROR_MARK in said:
            raise CaptionerError("the WebUI could not describe the cover", "look at the WebUI's console")
        subjects = _phrases(said) if self.name == "deepbooru" else (Found(_NOISE.sub("", said)),)
        subjects = tuple(subject for subject in subjects if subject.text)
        if not subjects:
            raise CaptionerError("the WebUI found nothing to say about the cover")
        return Caption(subjects=subjects)


def _reason(error: Exception) -> str:
    """One line of what went wrong, in words where they are known; never a path."""
    if "out of memory" in str(error).lower():
        return "the GPU's memory is too small for it"
    if isinstance(error, (OSError, IndexError)):
        # Without a network the host's loader finds no file, and takes the first of none.
        return "its model is not on this machine and could not be downloaded"
    return f"it ended with {type(error).__name__}"


def _phrases(tags: str) -> tuple[Found, ...]:
    """DeepBooru's tags, likeliest first, as a few subjects of several tags each."""
    words = [_TAG_WEIGHT.sub(r"\1", tag.strip()) for tag in tags.split(",")]
    cleaned = [text for word in words if (text := Found(word).text)]
    groups = range(0, min(len(cleaned), _TAGS_IN_A_PHRASE * _MAX_PHRASES), _TAGS_IN_A_PHRASE)
    return tuple(Found.join(cleaned[i : i + _TAGS_IN_A_PHRASE]) for i in groups)


def _blip(image: Image) -> Any:
    """BLIP's sentence, without loading the model that ranks artists."""
    from modules import lowvram, shared

    interrogator = shared.interrogator
    with _unloaded_afterwards(interrogator):
        if send_to_cpu := getattr(lowvram, "send_everything_to_cpu", None):
            send_to_cpu()
        interrogator.load()
        return interrogator.generate_caption(image.convert("RGB"))


@contextlib.contextmanager
def _unloaded_afterwards(interrogator: Any) -> Iterator[None]:
    """The interrogator's models are where they were before, and no second one is loaded for the caption."""
    names = ("blip_model", "blip_patcher", "clip_model", "clip_patcher", "clip_preprocess", "dtype")
    with _as_found(interrogator, *names):
        if getattr(interrogator, "clip_model", None) is None:
            interrogator.load_clip_model = _no_model
        try:
            yield
        finally:
            vars(interrogator).pop("load_clip_model", None)


@contextlib.contextmanager
def _as_found(holder: Any, *names: str) -> Iterator[None]:
    """Models that hang on ``holder`` under ``names`` are afterwards as they were; new ones leave the GPU.

    They are moved away before they are let go: the error of a failed run may hold them for longer.
    """
    from modules import devices

    before = {name: getattr(holder, name) for name in names if hasattr(holder, name)}
    places = {name: _device(value) for name, value in before.items() if hasattr(value, "parameters")}
    try:
        yield
    finally:
        for name, value in before.items():
            new = getattr(holder, name)
            if new is not None and new is not value:
                _unload(new, devices.cpu)
            setattr(holder, name, value)
        for name, place in places.items():
            before[name].to(place)
        devices.torch_gc()


def _unload(new: Any, cpu: Any) -> None:
    """Take a model from the GPU, or what Forge keeps account of it with (it would stay until the memory is needed)."""
    memory = sys.modules.get("backend.memory_management")
    if hasattr(new, "parameters"):
        new.to(cpu)
    elif memory is not None and hasattr(new, "model"):
        memory.unload_model_clones(new)


def _device(model: Any) -> Any:
    return next(iter(model.parameters())).device


def _no_model() -> tuple[Any, None]:
    """Stands in for CLIP, which a caption does not need: something small with a device and a precision."""
    import torch

    return torch.nn.Linear(1, 1), None


def _deepbooru(image: Image) -> Any:
    """DeepBooru's tags, separated by commas."""
    from modules import deepbooru

    with _as_found(deepbooru.model, "model", "patcher"):
        return deepbooru.model.tag(image.convert("RGB"))
