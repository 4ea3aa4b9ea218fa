"""The host's own upscalers, and the interpolation models that Deforum brings, for finished pictures.

Conventions: nothing is downloaded: an interpolation whose model is not on disk carries a note, an upscaler whose model
the host would fetch does too. Deforum's models are used through its own modules, pair by pair, so that every picture is
counted; its own routine for whole videos leaves some out. Used inside the host's turn.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.errors import DeforumError, InputError
from lib_music.render.pixels import Rgb
from lib_music.studio.host import Choice
from lib_music.webui.deforum_find import deforum_note, find_deforum, models_folder

#: What Deforum offers, with the model's file below its models folder, and its name there.
_MODELS = {
    "RIFE": ("RIFE v4.6 (Deforum's)", "RIFE46.pkl"),
    "FILM": ("FILM (Deforum's)", "film_interpolation/film_net_fp16.pt"),
}
#: RIFE works in steps of so many pixels, FILM of so many.
_RIFE_STEP, _FILM_STEP = 128, 64


def upscalers() -> tuple[Choice, ...]:
    """The host's upscalers by name, without the one that does nothing."""
    from modules import shared

    found = []
    for upscaler in getattr(shared, "sd_upscalers", ()):
        name = str(upscaler.name)
        if name and name != "None":
            found.append(Choice(name, name, _missing(upscaler)))
    return tuple(found)


def _missing(upscaler: Any) -> str:
    """Why an upscaler cannot be used offline; empty where it can."""
    place = getattr(upscaler, "local_data_path", None) or getattr(upscaler, "data_path", None)
    if isinstance(place, str) and place.startswith(("http://", "https://")):
        return "its model is not here; one picture in Extras downloads it"
    return ""


def interpolators() -> tuple[Choice, ...]:
    """Deforum's, usable where Deforum and the model's file are here."""
    note = deforum_note()
    found = []
    for name, (label, file) in _MODELS.items():
        path = models_folder() / file
        missing = "" if path.is_file() else (
            f"{Path(file).name} is not in models/Deforum; one interpolation in Deforum's own tab downloads it"
        )
        if name == "FILM" and not missing and not _has_cuda():
            missing = "FILM needs a CUDA GPU"
        found.append(Choice(name, label, note or missing))
    return tuple(found)


class HostFinisher:
    """A :class:`~lib_music.video.finish.Finisher` of the host's and Deforum's models."""

    def __init__(self, upscaler: str, interpolator: str) -> None:
        self._upscaler = self._found(upscaler, upscalers(), "upscaler") if upscaler else ""
        self._between: Any = None
        if interpolator:
            name = self._found(interpolator, interpolators(), "interpolation")
            find_deforum()  # its modules are within reach from here on
            self._between = _Rife() if name == "RIFE" else _Film()

    def _found(self, id: str, choices: Sequence[Choice], kind: str) -> str:
        choice = next((choice for choice in choices if choice.id == id), None)
        if choice is None:
            raise InputError(f"there is no {kind} {id[:60]!r} here", "choose one of the list")
        if not choice.usable:
            raise InputError(f"{choice.label} cannot be used now: {choice.note}", "or choose another one")
        return choice.id

    def upscale(self, picture: Rgb, size: tuple[int, int]) -> Rgb:
        """See :class:`~lib_music.video.finish.Finisher`; tiles are those of the host's settings."""
        from modules import shared
        from PIL import Image

        data = next(u for u in shared.sd_upscalers if str(u.name) == self._upscaler)
        factor = max(size[0] / picture.shape[1], size[1] / picture.shape[0])
        try:
            large = data.scaler.upscale(Image.fromarray(picture), factor, data.data_path)
        except Exception as error:
            if type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error).lower():
                fix = "choose a smaller factor, or smaller tiles in the WebUI's settings"
                raise DeforumError(f"the GPU's memory is too small for {size[0]}x{size[1]}", fix) from error
            raise DeforumError(f"the upscaler failed: {type(error).__name__}: {error}", "see the console") from error
        large = large.convert("RGB")
        if large.size != size:
            large = large.resize(size, Image.Resampling.LANCZOS)
        return np.asarray(large, np.uint8)

    def between(self, first: Rgb, second: Rgb, moments: Sequence[float]) -> list[Rgb]:
        """See :class:`~lib_music.video.finish.Finisher`."""
        try:
            found: list[Rgb] = self._between(first, second, moments)
        except Exception as error:
            said = f"the interpolation failed: {type(error).__name__}: {error}"
            raise DeforumError(said, "see the WebUI's console") from error
        return found


class _Rife:
    """Deforum's RIFE, loaded once."""

    def __init__(self) -> None:
        import torch

        module: Any = importlib.import_module("rife.rife_new_gen.RIFE_HDv3")
        self._torch, self._device = torch, module.device
        self._model = module.Model()
        # The file is there, see interpolators(); what would download it is not reached.
        self._model.load_model("RIFE46", -1, str(models_folder()))
        self._model.eval()
        self._model.device()

    def __call__(self, first: Rgb, second: Rgb, moments: Sequence[float]) -> list[Rgb]:
        height, width = first.shape[:2]
        scale = 0.5 if height >= 2048 and width >= 2048 else 1.0
        step = max(_RIFE_STEP, int(_RIFE_STEP / scale))
        a, b = (self._tensor(picture, step) for picture in (first, second))
        with self._torch.no_grad():
            made = [self._model.inference(a, b, moment, scale) for moment in moments]
        return [_picture(tensor[0], height, width) for tensor in made]

    def _tensor(self, picture: Rgb, step: int) -> Any:
        return _padded(self._torch, picture, step).to(self._device).float() / 255.0


class _Film:
    """Deforum's FILM, loaded once; made for CUDA in half precision, as Deforum runs it."""

    def __init__(self) -> None:
        import torch
        from modules import shared

        self._torch = torch
        path = str(models_folder() / _MODELS["FILM"][1])
        self._half = not getattr(shared.cmd_opts, "no_half", False)
        model = torch.jit.load(path, map_location="cpu")
        self._model = (model.half() if self._half else model).cuda().eval()

    def __call__(self, first: Rgb, second: Rgb, moments: Sequence[float]) -> list[Rgb]:
        height, width = first.shape[:2]
        a, b = (self._tensor(picture) for picture in (first, second))
        made = []
        with self._torch.no_grad():
            for moment in moments:
                made.append(self._model(a, b, a.new_full((1, 1), moment)).clamp(0, 1).float())
        return [_picture(tensor[0], height, width) for tensor in made]

    def _tensor(self, picture: Rgb) -> Any:
        tensor = _padded(self._torch, picture, _FILM_STEP).float() / 255.0
        return (tensor.half() if self._half else tensor).cuda()


def _padded(torch: Any, picture: Rgb, step: int) -> Any:
    """(1, 3, h, w) with both sides brought to a multiple of ``step``, by repeating the edge."""
    height, width = picture.shape[:2]
    pad = ((0, -height % step), (0, -width % step), (0, 0))
    padded = np.pad(picture, pad, mode="edge")
    return torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1))).unsqueeze(0)


def _picture(tensor: Any, height: int, width: int) -> Rgb:
    """A tensor (3, h, w) of 0 to 1 as a picture, without what was added around it."""
    found = (tensor * 255.0).round().clamp(0, 255).byte().cpu().numpy().transpose(1, 2, 0)
    return np.ascontiguousarray(found[:height, :width])


def _has_cuda() -> bool:
    cuda: Any = getattr(sys.modules.get("torch"), "cuda", None)
    return bool(cuda is not None and cuda.is_available())
