"""Stills, the test of four bars and the ways out in a real WebUI with its own tabs."""

from __future__ import annotations

import base64
import io
import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.browser.tab import Tab
from tests.browser.videos import Video
from tests.host.installation import Installation, WebUI
from tests.host.test_whole_way import WORDS, paint_with_deforum, visuals

TAG = "<lora:not-there:0.6>"
#: The other tab holds a picture: gradio 3 draws img2img's on a canvas, Forge's own canvas has an empty one before.
PASTED = {
    "img2img": """() => [...document.querySelectorAll("#img2img_image img, #img2img_image canvas")].some(
        (e) => e.checkVisibility() && (e.tagName === "CANVAS" || (e.complete && e.naturalWidth > 1)))""",
    "extras": """() => [...document.querySelectorAll("#extras_image img")].some(
        (e) => e.checkVisibility() && e.complete && e.naturalWidth > 1)""",
}


def stills(tab: Tab) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tab.view()["stills"]["items"]
    return found


def pixels(tab: Tab, url: str) -> tuple[np.ndarray, str]:
    """A picture of the server's and its infotext."""
    full = urllib.parse.urljoin(tab.page.url, url)
    read = "(u) => fetch(u).then((r) => r.arrayBuffer()).then((b) => [...new Uint8Array(b)])"
    data = bytes(tab.page.evaluate(read, full))
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"), int), str(picture.info.get("parameters", ""))


def painted(tab: Tab, webui: WebUI) -> None:
    tab.part("stills").get_by_role("button", name="Stills of all sections").click()
    job = tab.ended("stills")
    assert job["state"] == "done", (job, webui.log()[-3000:])
    tab.until_view("v.stills.items.every((s) => s.url && !s.stale)")


def test_a_still_is_what_the_host_itself_paints_of_that_prompt_and_seed(
    produced: Tab, webui: WebUI, installation: Installation
) -> None:
    paint_with_deforum(produced, installation)
    painted(produced, webui)
    item = stills(produced)[0]
    picture, infotext = pixels(produced, item["url"])
    assert f"Seed: {item['seed']}" in infotext and "Negative prompt: grey, foggy" in infotext
    assert infotext.startswith(item["prompt"])
    theirs = host_paints(webui, infotext, item)
    assert np.abs(theirs - picture).max() <= 2, "the same picture to the last bit but one"


def host_paints(webui: WebUI, infotext: str, item: dict[str, Any]) -> np.ndarray:
    """The host's own txt2img of what the infotext says."""
    last = infotext.splitlines()[-1]
    said = dict(re.findall(r"([A-Z][\w ]*): ([^,]+)", last))
    width, height = (int(side) for side in said["Size"].split("x"))
    asked = {
        "prompt": item["prompt"], "negative_prompt": "grey, foggy", "seed": item["seed"], "width": width,
        "height": height, "steps": int(said["Steps"]), "cfg_scale": float(said["CFG scale"]),
        "sampler_name": said["Sampler"],
    }  # fmt: skip
    answer = webui.post("sdapi/v1/txt2img", asked)
    with Image.open(io.BytesIO(base64.b64decode(answer["images"][0]))) as picture:
        return np.asarray(picture.convert("RGB"), int)


def test_a_locked_seed_is_the_videos(produced: Tab, webui: WebUI, installation: Installation) -> None:
    paint_with_deforum(produced, installation)
    painted(produced, webui)
    part, first = produced.part("stills"), stills(produced)[0]
    part.get_by_role("button", name=f"Re-roll {first['label']}", exact=True).first.click()
    produced.until_view("v.stills.items[0].tried && !v.stills.items[0].stale && v.stills.items[0].url", seconds=120)
    part.get_by_role("button", name=f"Lock {first['label']}", exact=True).first.click()
    seed = produced.until_view("v.stills.items[0].locked")["stills"]["items"][0]["seed"]
    assert seed != first["seed"]
    produced.part("ways_out").get_by_role("button", name="Make the files").click()
    url = produced.until_view("v.ways_out.files.length === 6 && !v.ways_out.stale")["ways_out"]["files"]
    settings = next(file["url"] for file in url if file["kind"] == "settings")
    full = urllib.parse.urljoin(produced.page.url, settings)
    found = produced.page.evaluate("(u) => fetch(u).then((r) => r.json())", full)
    assert found["seed_schedule"].startswith(f"0:({seed})")


@pytest.mark.parametrize("tab_name", ["img2img", "extras"])
def test_a_still_goes_to_another_tab_with_its_settings(
    produced: Tab, webui: WebUI, installation: Installation, tab_name: str
) -> None:
    """Its LoRA's tag included, which the hosts take out of a prompt before they paint."""
    paint_with_deforum(produced, installation)
    produced.write_prompt(0, f"{WORDS[0]} {TAG}")
    produced.until_view("v.rows[0].prompt.endsWith(a)", TAG)
    painted(produced, webui)
    item, page = stills(produced)[0], produced.page
    assert item["prompt"].endswith(TAG) and pixels(produced, item["url"])[1].startswith(item["prompt"])
    send_still(produced, tab_name, item)
    page.wait_for_function(PASTED[tab_name], timeout=60_000)
    if tab_name == "img2img":
        there = "(w) => document.querySelector('#img2img_prompt textarea').value === w"
        page.wait_for_function(there, arg=item["prompt"])
        assert page.locator("#img2img_seed input").first.input_value() == str(item["seed"])


def send_still(tab: Tab, tab_name: str, item: dict[str, Any]) -> None:
    label = {"img2img": "Send to img2img", "extras": "Send to Extras"}[tab_name]
    tab.part("stills").get_by_role("button", name=f"{label} {item['label']}", exact=True).first.click()


def test_a_still_that_is_refused_sends_no_earlier_one(produced: Tab, webui: WebUI, installation: Installation) -> None:
    paint_with_deforum(produced, installation)
    painted(produced, webui)
    item, page = stills(produced)[0], produced.page
    send_still(produced, "img2img", item)
    prompt = page.locator("#img2img_prompt textarea")
    page.wait_for_function("(w) => document.querySelector('#img2img_prompt textarea').value === w", arg=item["prompt"])
    prompt.fill("my own words")
    produced.host_tab("Music Visualizer").click()
    for picture in (visuals(webui) / produced.view()["project"] / "stills").glob("*.png"):
        picture.unlink()
    send_still(produced, "img2img", item)
    produced.part("stills").get_by_text("The still did not reach img2img").wait_for(timeout=60_000)
    assert produced.part("stills").is_visible() and prompt.input_value() == "my own words"


def test_four_bars_through_deforum(produced: Tab, webui: WebUI, installation: Installation) -> None:
    paint_with_deforum(produced, installation)
    # A bar of a full model on a CPU takes long enough.
    bars = 1 if installation.forge else 4
    if installation.forge:
        produced.page.evaluate("musicVisualizer.core.send({do: 'test_bars', start: 0, bars: 1})")
    else:
        produced.part("stills").get_by_role("button", name="Test 4 bars").click()
    job = produced.ended("test", 900)
    assert job["state"] == "done", (job, webui.log()[-3000:])
    view = produced.until_view("v.test && v.test.url")
    assert view["test"]["end"] - view["test"]["start"] == pytest.approx(2.0 * bars, abs=0.05)
    (path,) = (visuals(webui) / view["project"] / "test").glob("*.mp4")
    Video.measured(path).whole(2.0 * bars, 24)
    assert not (visuals(webui) / view["project"] / "deforum_job.json").exists(), "the song's own painting is untouched"


def test_the_deforum_tab_is_filled_and_its_path_box_left_alone(
    produced: Tab, webui: WebUI, installation: Installation
) -> None:
    paint_with_deforum(produced, installation)
    page = produced.page
    box = page.locator("#deforum_settings_path textarea, #deforum_settings_path input").first
    before = box.input_value()
    produced.part("ways_out").get_by_role("button", name="Send to Deforum").click()
    produced.page.get_by_text("The Deforum tab is filled").wait_for(state="attached", timeout=60_000)
    assert box.input_value() == before
    files = produced.view()["ways_out"]["files"]
    url = next(file["url"] for file in files if file["kind"] == "settings")
    wanted = page.evaluate("(u) => fetch(u).then((r) => r.json())", urllib.parse.urljoin(page.url, url))
    # What the tab holds now is read by its own Save.
    place = visuals(webui) / "as-the-tab-has-it.txt"
    page.wait_for_timeout(3000)
    found = saved(produced, str(place))
    for key in ("zoom", "angle", "strength_schedule", "seed_schedule", "max_frames", "W", "H", "steps", "cadence"):
        if key in wanted:
            assert str(found[key]) == str(wanted[key]), key
    assert found["prompts"] == wanted["prompts"]


def saved(tab: Tab, path: str) -> dict[str, Any]:
    """Deforum's settings as its own Save Settings writes them."""
    tab.page.evaluate("(p) => musicVisualizer.deforum.withPath(p, 'deforum_save_settings_btn')", path)
    tab.page.wait_for_timeout(1500)
    text = Path(path).read_text("utf-8")
    assert re.match(r"\s*{", text)
    found: dict[str, Any] = json.loads(text)
    return found
