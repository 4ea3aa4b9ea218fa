"""The host's models describe the cover, or say why not, and are away again."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from lib_music.errors import InputError, Interrupted
from lib_music.prompts.captions import Captioner, PaletteCaptioner, Tags
from lib_music.prompts.text import Found
from lib_music.webui.captioner import CaptionerError, make_captioner
from lib_music.webui.turn import STATE_FIELDS
from tests.webui.fake_host import FakeHost, Weights

COVER = Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 40, 3), np.uint8))
TAGS = Tags(Found("Night"), Found(""), (), "", "night")


def captioner(name: str) -> Captioner:
    return make_captioner(name, lambda: False)


def test_blip_says_one_sentence_without_the_second_model(webui: FakeHost) -> None:
    webui.caption = "arafed painting of a lighthouse at night"
    caption = captioner("blip").caption(COVER, TAGS)
    assert caption.subjects == (Found("painting of a lighthouse at night"),)
    assert webui.downloads == [], "CLIP only ranks artists"
    assert not webui.gpu
    interrogator = webui.shared.interrogator
    assert (interrogator.blip_model, interrogator.clip_model, interrogator.dtype) == (None, None, None)
    assert "load_clip_model" not in vars(interrogator), "the host's own Interrogate loads it as ever"
    assert "lighthouse" in interrogator.interrogate(COVER) and webui.downloads == ["clip"]


def test_what_the_host_had_loaded_stays_where_it_was(webui: FakeHost) -> None:
    interrogator = webui.shared.interrogator
    kept = interrogator.blip_model = Weights(webui, "blip").to("cpu")
    other = Weights(webui, "stable diffusion").to("cuda")
    captioner("blip").caption(COVER, TAGS)
    assert interrogator.blip_model is kept and kept.device == "cpu"
    assert webui.gpu == {other}
    kept.to("cuda")
    webui.shared.opts.data["interrogate_keep_models_in_memory"] = True
    captioner("blip").caption(COVER, TAGS)
    assert webui.gpu == {other, kept}


@pytest.mark.parametrize("keep", [False, True])
def test_nothing_more_is_kept_even_where_the_host_would_keep_it(webui: FakeHost, keep: bool) -> None:
    webui.shared.opts.data["interrogate_keep_models_in_memory"] = keep
    for name in ("blip", "deepbooru"):
        captioner(name).caption(COVER, TAGS)
    assert not webui.gpu


def test_deepboorus_tags_become_phrases(webui: FakeHost) -> None:
    webui.tags = "(lighthouse:0.98), night_sky, star_\\(sky\\), <lora:x:1>, ocean, no_humans, cloud, AND"
    caption = captioner("deepbooru").caption(COVER, TAGS)
    first, second = caption.subjects
    assert first.text.startswith("lighthouse, night sky, star sky")
    assert second.text.startswith("no humans, cloud")
    for phrase in caption.subjects:
        assert not set("<>()_:\\") & set(phrase.text) and " AND" not in phrase.text


@pytest.mark.parametrize("name", ["blip", "deepbooru"])
def test_offline_it_says_so_and_leaves_nothing(webui: FakeHost, name: str) -> None:
    webui.offline = True
    with pytest.raises(CaptionerError) as caught:
        captioner(name).caption(COVER, TAGS)
    assert "could not be downloaded" in caught.value.message
    assert not webui.gpu and not webui.call_queue.queue_lock.waiting


def test_out_of_memory_says_so_and_gives_the_memory_back(webui: FakeHost) -> None:
    webui.breaks = True
    with pytest.raises(CaptionerError, match="memory is too small"):
        captioner("deepbooru").caption(COVER, TAGS)
    assert not webui.gpu


@pytest.mark.parametrize("said", ["<error>", "a lighthouse<error>", "", "  ", "<>", None])
def test_an_error_that_is_not_raised_is_found(webui: FakeHost, said: str) -> None:
    webui.caption = said
    with pytest.raises(CaptionerError):
        captioner("blip").caption(COVER, TAGS)


def test_a_model_without_the_attributes_is_an_error_of_ours(webui: FakeHost) -> None:
    webui.shared.interrogator = object()
    with pytest.raises(CaptionerError):
        captioner("blip").caption(COVER, TAGS)


def test_it_waits_for_the_gpu_and_can_be_stopped_there(webui: FakeHost) -> None:
    webui.call_queue.queue_lock.acquire()
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Interrupted):
        make_captioner("blip", stop.is_set).caption(COVER, TAGS)
    webui.call_queue.queue_lock.release()


def test_the_hosts_state_and_a_pressed_interrupt_are_as_before(webui: FakeHost) -> None:
    state = webui.shared.state
    for i, name in enumerate(STATE_FIELDS):
        setattr(state, name, f"before {i}")
    state.interrupted = True
    for name in ("blip", "deepbooru"):
        captioner(name).caption(COVER, TAGS)
    assert state.interrupted is True
    assert {name: getattr(state, name) for name in STATE_FIELDS if name != "interrupted"} == {
        name: f"before {i}" for i, name in enumerate(STATE_FIELDS) if name != "interrupted"
    }


def test_the_palette_is_there_and_a_wrong_name_is_not(webui: FakeHost) -> None:
    assert isinstance(captioner("palette"), PaletteCaptioner)
    with pytest.raises(InputError, match="no captioner"):
        captioner("gpt")
