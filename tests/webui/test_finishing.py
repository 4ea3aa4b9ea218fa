"""The host's upscalers and Deforum's interpolation models: what is offered, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lib_music.errors import DeforumError, InputError
from lib_music.webui import finishing
from lib_music.webui.deforum_find import models_folder
from lib_music.webui.host import WebuiHost
from tests.webui.fake_deforum import FakeDeforum
from tests.webui.fake_host import FakeHost

PICTURE = np.full((64, 96, 3), 120, np.uint8)


class Upscaler:
    """As the host's: it rounds sides down to multiples of 8, in its own way."""

    def __init__(self, error: Exception | None = None, wrong: tuple[int, int] | None = None) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.error, self.wrong = error, wrong

    def upscale(self, image: Image.Image, scale: float, selected_model: str | None = None) -> Image.Image:
        self.asked.append((image.size, scale, selected_model))
        if self.error is not None:
            raise self.error
        size = self.wrong or (int(image.width * scale) // 8 * 8, int(image.height * scale) // 8 * 8)
        return image.resize(size).convert("RGBA")


def offered(webui: FakeHost, *upscalers: tuple[str, Any, str | None]) -> None:
    webui.shared.sd_upscalers = [
        SimpleNamespace(name=name, scaler=scaler, data_path=path, local_data_path=path)
        for name, scaler, path in upscalers
    ]


def test_the_hosts_upscalers_are_offered_and_nothing_is_downloaded(webui: FakeHost) -> None:
    offered(
        webui, ("None", Upscaler(), None), ("Lanczos", Upscaler(), None), ("4x-Sharp", Upscaler(), "/models/4x.pth"),
        ("R-ESRGAN", Upscaler(), "https://github.com/x/RealESRGAN_x4plus.pth"),
    )  # fmt: skip
    found = {choice.id: choice for choice in WebuiHost().upscalers()}
    assert list(found) == ["Lanczos", "4x-Sharp", "R-ESRGAN"]
    assert found["Lanczos"].usable and found["4x-Sharp"].usable and "downloads it" in found["R-ESRGAN"].note
    for id in ("R-ESRGAN", "None", "gone", "../x"):
        with pytest.raises(InputError):
            WebuiHost().finisher(id, "")


def test_pictures_come_in_the_size_that_was_asked_for(webui: FakeHost) -> None:
    one, other = Upscaler(), Upscaler(wrong=(64, 64))
    offered(webui, ("4x-Sharp", one, "/models/4x.pth"), ("odd", other, "/models/odd.pth"))
    large = WebuiHost().finisher("4x-Sharp", "").upscale(PICTURE, (144, 96))
    assert large.shape == (96, 144, 3) and large.dtype == np.uint8 and abs(int(large.mean()) - 120) <= 1
    assert one.asked == [((96, 64), 1.5, "/models/4x.pth")]
    assert WebuiHost().finisher("odd", "").upscale(PICTURE, (192, 128)).shape == (128, 192, 3)


def test_what_fails_is_one_line(webui: FakeHost) -> None:
    full, broken = Upscaler(RuntimeError("CUDA out of memory. Tried")), Upscaler(KeyError("x"))
    offered(webui, ("a", full, None), ("b", broken, None))
    with pytest.raises(DeforumError, match="memory is too small for 192x128") as caught:
        WebuiHost().finisher("a", "").upscale(PICTURE, (192, 128))
    assert "tiles" in caught.value.fix
    with pytest.raises(DeforumError, match="the upscaler failed: KeyError"):
        WebuiHost().finisher("b", "").upscale(PICTURE, (192, 128))


def test_interpolation_needs_deforum_and_the_models_file(a1111: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all("Deforum is not installed" in choice.note for choice in WebuiHost().interpolators())
    FakeDeforum(a1111, monkeypatch)
    notes = {choice.id: choice.note for choice in WebuiHost().interpolators()}
    assert "RIFE46.pkl is not in models/Deforum" in notes["RIFE"] and "film_net_fp16.pt" in notes["FILM"]
    for id in ("RIFE", "FILM", "DAIN", ""):
        if id:
            with pytest.raises(InputError):
                WebuiHost().finisher("", id)
    models_folder().mkdir(parents=True, exist_ok=True)
    (models_folder() / "RIFE46.pkl").write_bytes(b"weights")
    (models_folder() / "film_interpolation").mkdir()
    (models_folder() / "film_interpolation" / "film_net_fp16.pt").write_bytes(b"weights")
    notes = {choice.id: choice.note for choice in WebuiHost().interpolators()}
    assert notes == {"RIFE": "", "FILM": "FILM needs a CUDA GPU"}

    class Rife:
        def __call__(self, first: Any, second: Any, moments: Any) -> list[Any]:
            if len(moments) > 3:
                raise RuntimeError("no")
            return [first] * len(moments)

    monkeypatch.setattr(finishing, "_Rife", Rife)
    finisher = WebuiHost().finisher("", "RIFE")
    assert len(finisher.between(PICTURE, PICTURE, [0.25, 0.5, 0.75])) == 3
    with pytest.raises(DeforumError, match="the interpolation failed: RuntimeError: no"):
        finisher.between(PICTURE, PICTURE, [0.2, 0.4, 0.6, 0.8])


def test_the_networks_and_the_clip_skip_of_the_host(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    page = WebuiHost()
    monkeypatch.delitem(sys.modules, "networks", raising=False)
    assert page.networks() is None
    entries = {"mine-v2": SimpleNamespace(alias="mine", shorthash="0123456789ab"),
               "plain": SimpleNamespace(alias="plain", shorthash=None)}  # fmt: skip
    monkeypatch.setitem(sys.modules, "networks", SimpleNamespace(available_networks=entries))
    assert page.networks() == {"mine-v2": "0123456789ab", "mine": "0123456789ab", "plain": ""}
    webui.add_checkpoint("toy.safetensors", "0123456789")
    model = page.model()
    assert model is not None and model.clip_skip == ""
    for value, said in ((2, "2"), (1, ""), ("x", ""), (12.0, "12")):
        webui.shared.opts.data["CLIP_stop_at_last_layers"] = value
        model = page.model()
        assert model is not None and model.clip_skip == said
