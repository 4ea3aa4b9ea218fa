"""The WebUI as the place the page runs in."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

import lib_music.webui.host as host_module
from lib_music.errors import DeforumError, InputError, Interrupted
from lib_music.render.still import Still
from lib_music.studio.host import Model, Painting
from lib_music.webui import settings, stale
from lib_music.webui.host import WebuiHost
from tests.webui.fake_host import FakeHost


def never() -> bool:
    return False


@pytest.fixture()
def page() -> WebuiHost:
    return WebuiHost()


@pytest.fixture(autouse=True)
def gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", SimpleNamespace(__version__="3.41.2"))


def test_samplers_are_the_visible_ones_euler_a_first(webui: FakeHost, page: WebuiHost) -> None:
    assert page.samplers() == ("Euler a", "DPM++ 2M", "Euler", "DDIM")


def test_the_workspace_is_made_and_served(webui: FakeHost, page: WebuiHost) -> None:
    folder = page.workspace()
    assert folder.is_dir() and folder in page.allowed_folders()
    video = folder / "song" / "video.mp4"
    video.parent.mkdir()
    video.write_bytes(b"x")
    demo = webui.shared.demo = SimpleNamespace(allowed_paths=["/person/allowed"])
    given = demo.allowed_paths
    for _ in range(3):
        page.file_url(video)
    assert demo.allowed_paths == ["/person/allowed", str(folder)]
    assert given == ["/person/allowed"], "the list of the command line is not ours to change"
    webui.shared.demo = None
    assert page.file_url(video).startswith("file=")


def test_no_checkpoint_is_no_model_and_no_deforum(webui: FakeHost, page: WebuiHost, monkeypatch) -> None:
    monkeypatch.setattr("lib_music.webui.deforum_find.deforum_note", lambda: "")
    assert page.model() is None
    deforum, animatic = page.renderers()
    assert not deforum.usable and "no checkpoint" in deforum.note
    assert animatic.id == "animatic" and animatic.usable
    webui.add_checkpoint("toy.safetensors", "0123456789")
    assert page.renderers()[0].usable


def test_the_model_that_would_paint(webui: FakeHost, page: WebuiHost) -> None:
    webui.add_checkpoint("toy.safetensors", "0123456789")
    assert page.model() == Model("toy.safetensors", "0123456789")
    webui.add_checkpoint("other.safetensors")
    assert page.model() == Model("other.safetensors", "")


def test_a_checkpoint_that_is_only_chosen_yet_is_not_loaded_by_asking(a1111: FakeHost, page: WebuiHost) -> None:
    a1111.add_checkpoint("toy.safetensors", "0123456789", load=False)
    a1111.sd_models.list_models()
    assert page.model() == Model("toy.safetensors", "0123456789")
    assert a1111.sd_models.model_data.sd_model is None


def test_the_vae_and_its_hash(a1111: FakeHost, page: WebuiHost, tmp_path: Path) -> None:
    a1111.add_checkpoint("toy.safetensors")
    vae = tmp_path / "sharp.vae.pt"
    vae.write_bytes(b"weights")
    a1111.sd_vae.loaded_vae_file = str(vae)
    sha = hashlib.sha256(b"weights").hexdigest()[:10]
    assert page.model() == Model("toy.safetensors", "", "sharp.vae.pt", sha)
    vae.unlink()
    assert page.model() == Model("toy.safetensors", "", "sharp.vae.pt", "")


def test_forges_modules_count_as_the_vae(forge: FakeHost, page: WebuiHost) -> None:
    forge.add_checkpoint("flux.safetensors", "f1")
    chosen = ["/m/text_encoder/t5.pt", "/m/VAE/ae.pt"]
    forge.sd_models.model_data.forge_loading_parameters["additional_modules"] = chosen
    assert page.model() == Model("flux.safetensors", "f1", "ae.pt, t5.pt", "")


def test_what_forge_will_load_is_known_before_it_has_looked(forge: FakeHost, page: WebuiHost) -> None:
    """While it starts, and the tab is built, its loading parameters are empty still."""
    forge.add_checkpoint("flux.safetensors", "f1")
    forge.sd_models.model_data.forge_loading_parameters = {}
    assert page.model() == Model("flux.safetensors", "f1", "", "")
    assert page.renderers()[0].usable or "checkpoint" not in page.renderers()[0].note


def test_switching_loads_the_recorded_one_and_keeps_it(webui: FakeHost, page: WebuiHost) -> None:
    webui.add_checkpoint("old.safetensors", "aaa")
    recorded = page.model()
    assert recorded is not None
    webui.add_checkpoint("new.safetensors", "bbb")
    page.switch_model(recorded)
    assert page.model() == recorded
    assert webui.shared.opts.sd_model_checkpoint == "old.safetensors [aaa]"
    assert len(webui.shared.opts.saved) == 1
    assert webui.call_queue.queue_lock.waiting == 0


def test_switching_inside_our_own_turn_does_not_wait_for_itself(webui: FakeHost, page: WebuiHost) -> None:
    webui.add_checkpoint("old.safetensors", "aaa")
    recorded = page.model()
    assert recorded is not None
    webui.add_checkpoint("new.safetensors", "bbb")
    with page.turn("task(mv-1)", never):
        page.switch_model(recorded)
        assert webui.call_queue.queue_lock.waiting == 1
    assert page.model() == recorded


def test_the_hash_decides_where_the_name_was_changed(webui: FakeHost, page: WebuiHost) -> None:
    webui.add_checkpoint("renamed.safetensors", "aaa")
    webui.add_checkpoint("new.safetensors", "bbb")
    page.switch_model(Model("old.safetensors", "aaa"))
    assert page.model() == Model("renamed.safetensors", "aaa")


def test_a_checkpoint_put_there_since_is_found(webui: FakeHost, page: WebuiHost) -> None:
    webui.add_checkpoint("new.safetensors", "bbb")
    webui.add_checkpoint("old.safetensors", "aaa", load=False)
    page.switch_model(Model("old.safetensors", "aaa"))
    assert page.model() == Model("old.safetensors", "aaa")


@pytest.mark.parametrize("gone", [Model("gone.safetensors", "ccc"), Model("new.safetensors", "bbb", "gone.vae.pt"),
                                  Model("new", ""), Model("", "")])  # fmt: skip
def test_what_the_host_lacks_is_said_and_nothing_changes(webui: FakeHost, page: WebuiHost, gone: Model) -> None:
    webui.add_checkpoint("new.safetensors", "bbb")
    before = page.model()
    with pytest.raises(InputError, match="does not have"):
        page.switch_model(gone)
    assert page.model() == before and not webui.shared.opts.saved


def test_switching_the_vae(webui: FakeHost, page: WebuiHost, tmp_path: Path) -> None:
    vae = tmp_path / "sharp.vae.pt"
    vae.write_bytes(b"weights")
    webui.add_checkpoint("toy.safetensors", "aaa")
    if webui.is_forge:
        sys.modules["modules_forge.main_entry"].on_disk["sharp.vae.pt"] = str(vae)  # type: ignore[attr-defined]
    else:
        webui.sd_vae.on_disk["sharp.vae.pt"] = str(vae)
        webui.shared.opts.data_labels["sd_vae"].onchange = lambda: pytest.fail("the callback waits for the lock")
    page.switch_model(Model("toy.safetensors", "aaa", "sharp.vae.pt"))
    model = page.model()
    assert model is not None and model.vae == "sharp.vae.pt"


def test_a_checkpoint_that_does_not_load_is_an_error_and_the_choice_stays(a1111: FakeHost, page: WebuiHost) -> None:
    a1111.add_checkpoint("new.safetensors", "bbb")
    a1111.add_checkpoint("damaged.safetensors", "ddd", load=False)
    a1111.breaks = True
    with pytest.raises(InputError, match="cannot be loaded"):
        page.switch_model(Model("damaged.safetensors", "ddd"))
    assert a1111.shared.opts.sd_model_checkpoint == "new.safetensors [bbb]"
    assert a1111.call_queue.queue_lock.waiting == 0


def test_switching_while_the_host_paints_says_so_soon(webui: FakeHost, page: WebuiHost, monkeypatch) -> None:
    monkeypatch.setattr(host_module, "_SWITCH_PATIENCE", 0.1)
    webui.add_checkpoint("new.safetensors", "bbb")
    done = threading.Event()
    thread = webui.in_other_thread("task(txt2img)", lambda: done.wait(60))
    while not webui.call_queue.queue_lock.waiting:
        pass
    with pytest.raises(InputError, match="painting now"):
        page.switch_model(Model("new.safetensors", "bbb"))
    done.set()
    thread.join(60)


def test_frozen_settings_do_not_stop_a_switch_half_way(a1111: FakeHost, page: WebuiHost) -> None:
    a1111.add_checkpoint("old.safetensors", "aaa")
    a1111.add_checkpoint("new.safetensors", "bbb")
    a1111.shared.opts.__dict__["frozen"] = True
    with pytest.raises(InputError, match="cannot be loaded"):
        page.switch_model(Model("old.safetensors", "aaa"))
    assert page.model() == Model("new.safetensors", "bbb")


def test_the_warm_up_paints_that_size_and_keeps_nothing(webui: FakeHost, page: WebuiHost) -> None:
    webui.add_checkpoint("toy.safetensors")
    prompt = webui.data / "params.txt"
    prompt.write_text("the person's last prompt")
    with page.turn("task(mv-1)", never) as publish:
        publish(Painting(0.5, "warm-up"))
        seconds = page.warm_up(512, 256, "Euler", 12)
        state = webui.shared.state
        assert state.current_latent is None and state.current_image is None
        assert state.job_no / state.job_count == 0.5
    assert seconds is not None and 0 <= seconds < 5
    first, timed = webui.painted
    assert first.steps == 1, "loading and the first kernels are not timed"
    assert (timed.width, timed.height, timed.sampler, timed.steps) == (512, 256, "Euler", 12)
    assert not timed.kept and timed.closed
    assert prompt.read_text() == "the person's last prompt"


def test_the_warm_up_leaves_no_prompt_where_there_was_none(webui: FakeHost, page: WebuiHost) -> None:
    webui.add_checkpoint("toy.safetensors")
    with page.turn("task(mv-1)", never):
        page.warm_up(64, 64, "", 2)
    assert not (webui.data / "params.txt").exists()
    assert webui.painted[-1].sampler == "Euler a"


def test_the_warm_up_says_what_is_wrong(webui: FakeHost, page: WebuiHost) -> None:
    with page.turn("task(mv-1)", never), pytest.raises(DeforumError, match="no checkpoint"):
        page.warm_up(64, 64, "Euler", 2)
    webui.add_checkpoint("toy.safetensors")
    with page.turn("task(mv-2)", never), pytest.raises(InputError, match="no sampler 'Nope'"):
        page.warm_up(64, 64, "Nope", 2)
    webui.breaks = True
    with page.turn("task(mv-3)", never), pytest.raises(DeforumError, match="memory is too small for 4096x4096"):
        page.warm_up(4096, 4096, "Euler", 2)
    assert webui.painted == []


@pytest.mark.parametrize("button", ["interrupt", "stop_generating", "interrupted"])
def test_the_warm_up_can_be_interrupted(webui: FakeHost, page: WebuiHost, button: str) -> None:
    def press() -> None:
        state = webui.shared.state
        if button == "interrupted":
            state.interrupted = True
        else:
            getattr(state, button)()

    webui.add_checkpoint("toy.safetensors")
    webui.on_paint = press
    with page.turn("task(mv-1)", never), pytest.raises(Interrupted):
        page.warm_up(64, 64, "Euler", 2)


STILL = Still("a fox <lora:x:0.5>", "fog", 4294967295, 128, 64, "Euler", 7, 5.5)


def test_a_still_is_the_hosts_picture_with_its_infotext_inside(webui: FakeHost, page: WebuiHost) -> None:
    webui.add_checkpoint("toy.safetensors")
    with page.turn("task(mv-1)", never):
        png = page.paint_still(STILL, never)
    assert png is not None
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG" and picture.size == (128, 64)
        assert picture.info["parameters"] == "a fox <lora:x:0.5>\nNegative prompt: fog\nSeed: 4294967295"
    (asked,) = webui.painted
    assert (asked.sampler, asked.steps, asked.cfg_scale, asked.seed) == ("Euler", 7, 5.5, 4294967295)
    assert not asked.kept and asked.closed and not (webui.data / "params.txt").exists()
    assert webui.shared.state.current_latent is None


def test_a_still_says_what_is_wrong_and_can_be_stopped(webui: FakeHost, page: WebuiHost) -> None:
    with page.turn("task(mv-1)", never), pytest.raises(DeforumError, match="no checkpoint"):
        page.paint_still(STILL, never)
    webui.add_checkpoint("toy.safetensors")
    with page.turn("task(mv-2)", never), pytest.raises(InputError, match="no sampler 'Nope'"):
        page.paint_still(replace(STILL, sampler="Nope"), never)
    with page.turn("task(mv-3)", never), pytest.raises(Interrupted):
        page.paint_still(STILL, lambda: True)
    webui.on_paint = webui.shared.state.interrupt
    with page.turn("task(mv-4)", never), pytest.raises(Interrupted):
        page.paint_still(STILL, never)
    webui.on_paint, webui.breaks = (lambda: None), True
    with page.turn("task(mv-5)", never), pytest.raises(DeforumError, match="memory is too small for 128x64"):
        page.paint_still(STILL, never)


def test_stills_go_to_other_tabs_by_the_hosts_own_paste(webui: FakeHost, page: WebuiHost) -> None:
    assert page.can_paste()
    page.bind_paste({"img2img": "button 1", "extras": "button 2"}, "image", "text")
    assert [(b.paste_button, b.tabname, b.source_image_component, b.source_text_component) for b in webui.pasted] == [
        ("button 1", "img2img", "image", "text"), ("button 2", "extras", "image", "text"),
    ]  # fmt: skip


def test_the_pages_own_interrupt_reaches_the_warm_up(webui: FakeHost, page: WebuiHost) -> None:
    wanted = threading.Event()

    def paints_for_long() -> None:
        wanted.set()
        until = time.monotonic() + 120
        while not webui.shared.state.interrupted and time.monotonic() < until:
            time.sleep(0.01)

    webui.add_checkpoint("toy.safetensors")
    webui.on_paint = paints_for_long
    began = time.monotonic()
    with page.turn("task(mv-1)", wanted.is_set), pytest.raises(Interrupted):
        page.warm_up(64, 64, "Euler", 2)
    assert time.monotonic() - began < 100
    assert not page.interrupted()


def test_unknown_ids_are_told(webui: FakeHost, page: WebuiHost) -> None:
    with pytest.raises(InputError, match="no renderer 'vulkan'"):
        page.renderer("vulkan", None, None, never)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no captioner"):
        page.captioner("oracle", never)
    assert [choice.id for choice in page.captioners()] == ["palette", "blip", "deepbooru"]


def test_notices_say_what_is_missing_refused_or_stale(webui: FakeHost, page: WebuiHost, monkeypatch) -> None:
    lines = page.notices()
    assert len(lines) == 1 and "Deforum is not installed" in lines[0]
    assert ("Tok/sd-forge-deforum" if webui.is_forge else "deforum-art/sd-webui-deforum") in lines[0]
    monkeypatch.setattr("lib_music.webui.deforum_find.deforum_note", lambda: "")
    assert page.notices() == ()
    webui.shared.opts.data[settings.OUTPUT_FOLDER] = "/etc"
    monkeypatch.setattr(stale, "_loaded", {"removed.py": 1})
    updated, refused = page.notices()
    assert "restart the WebUI" in updated and "output folder" in refused


def test_a_webui_under_a_dot_folder_says_that_nothing_can_be_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: WebuiHost
) -> None:
    FakeHost(monkeypatch, tmp_path / ".local" / "webui")
    assert any("begins with a dot" in line for line in page.notices())


def test_stale_sees_changed_added_and_removed_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    (tmp_path / "a.py").write_text("1")
    monkeypatch.setattr(stale, "_PACKAGE", tmp_path)
    monkeypatch.setattr(stale, "_loaded", stale._files())
    assert not stale.is_stale()
    os.utime(tmp_path / "a.py", (1, 1))
    assert stale.is_stale(), "going back to an older version is a change too"
    monkeypatch.setattr(stale, "_loaded", stale._files())
    (tmp_path / "b.py").write_text("1")
    assert stale.is_stale()
    monkeypatch.setattr(stale, "_loaded", stale._files())
    (tmp_path / "a.py").unlink()
    assert stale.is_stale()
    assert not any("__pycache__" in path for path in stale._files())
