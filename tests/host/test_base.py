"""A person's own Deforum settings in the real WebUI: taken from its Deforum tab, and painted by the real Deforum."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib_music.render.deforum_base import parse_base_settings
from lib_music.render.deforum_ticks import ALWAYS, TICKS
from lib_music.webui.deforum_args import PROMPTS
from tests.browser.tab import Tab
from tests.host.installation import Installation, WebUI
from tests.host.test_whole_way import frames_on_disk, paint_with_deforum, visuals

#: What is typed into the Deforum tab, by the label of the field there.
TYPED = {"Zoom": "0: (1.011), 5: (1.013)", "Strength schedule": "0: (0.61)", "CFG scale schedule": "0: (4.5)"}
#: The same for the first unit of ControlNet, where that extension is installed: label, settings key, value.
UNIT = (
    ("Weight schedule", "cn_1_weight", "0:(1), 4:(0.5)"),
    ("Starting Control Step schedule", "cn_1_guidance_start", "0:(0.1), 3:(0.2)"),
    ("Ending Control Step schedule", "cn_1_guidance_end", "0:(0.8)"),
)
#: Writes into a field of the Deforum tab that may lie on a page of it that is not shown.
WRITE = """([label, value]) => {
  const tab = document.getElementById("tab_deforum_interface");
  const named = [...tab.querySelectorAll("label")].filter((l) => {
    const span = l.querySelector("span");
    return span && span.textContent.trim() === label;
  });
  const box = named.map((l) => l.querySelector("textarea, input[type=text]")).find(Boolean);
  if (!box) return false;
  box.value = value;
  box.dispatchEvent(new Event("input", {bubbles: true}));
  return true;
}"""
#: Chooses among the buttons of a field of the Deforum tab, shown or not.
CHOOSE = """([label, value]) => {
  const tab = document.getElementById("tab_deforum_interface");
  const field = [...tab.querySelectorAll("fieldset")].find((f) => f.querySelector("span").textContent.trim() === label);
  const button = field && [...field.querySelectorAll("input[type=radio]")].find((input) => input.value === value);
  if (!button) return false;
  if (!button.checked) button.click();
  return button.checked;
}"""
BOX = "document.querySelector('#deforum_settings_path textarea, #deforum_settings_path input').value"


def settings_of(webui: WebUI, tab: Tab) -> tuple[dict[str, Any], dict[str, Any]]:
    """The person's settings as the project keeps them, and those that were written for the painting."""
    project = visuals(webui) / tab.view()["project"]
    read = [json.loads((project / name).read_text("utf-8")) for name in ("base_settings.json", "deforum_settings.txt")]
    return read[0], read[1]


def painted(webui: WebUI, tab: Tab) -> dict[str, Any]:
    """The settings file that Deforum itself wrote beside its frames."""
    record = json.loads((visuals(webui) / tab.view()["project"] / "deforum_job.json").read_text("utf-8"))
    return json.loads((Path(record["outdir"]) / f"{record['timestring']}_settings.txt").read_text("utf-8"))


def tick_only(tab: Tab, *ids: str) -> None:
    """Untick everything but these."""
    tab.act({"do": "base_tick", "ids": [entry.id for entry in TICKS if entry.id not in ids], "on": False})
    tab.act({"do": "base_tick", "ids": list(ids), "on": True})
    tab.until_view("v.base.ticks.filter((tick) => tick.on).map((tick) => tick.id).sort().join() === a",
                   ",".join(sorted(ids)))  # fmt: skip


def test_what_stands_in_the_deforum_tab_is_taken(produced: Tab, webui: WebUI, installation: Installation) -> None:
    page = produced.page
    for label, value in TYPED.items():
        if page.evaluate(WRITE, [label, value]):
            continue
        assert installation.forge, f"the Deforum tab has no field {label}"
    unit = [entry for entry in UNIT if page.evaluate(WRITE, [entry[0], entry[2]])]
    assert len(unit) in (0, 3)
    # The fork's tab says 3D, which needs a depth model of the internet's.
    assert page.evaluate(CHOOSE, ["Animation mode", "2D"])
    mine = "a file of mine.txt"
    page.locator("#deforum_settings_path textarea, #deforum_settings_path input").evaluate(
        """(box, name) => { box.value = name; box.dispatchEvent(new Event("input", {bubbles: true})); }""", mine
    )
    page.wait_for_timeout(500)
    before = {path.name for path in installation.folder.iterdir()}
    began = time.monotonic()
    produced.part("base").get_by_role("button", name="Take from the Deforum tab").click()
    view = produced.until_view("v.base.use === 'file' && v.base.source === 'tab'", seconds=40)
    taken = time.monotonic() - began
    produced.until(f"{BOX} === '{mine}'")
    base = json.loads((visuals(webui) / view["project"] / "base_settings.json").read_text("utf-8"))
    assert base["zoom"] == TYPED["Zoom"] and len(base) > 150
    assert {key: base[key] for _, key, _ in unit} == {key: value for _, key, value in unit}
    assert not list((visuals(webui) / view["project"]).glob("from-the-deforum-tab*"))
    assert {path.name for path in installation.folder.iterdir()} == before, "nothing of it is left in the WebUI"
    ticked = ("prompts", "strength", "size", "fps", "seed", "steps", "cadence")
    tick_only(produced, *ticked)
    paint_with_deforum(produced, installation, seconds=0.5)
    produced.start("visualize", "visualize")
    job = produced.ended("visualize", 600)
    assert job["state"] == "done", (job, webui.log()[-3000:])
    kept, written = settings_of(webui, produced)
    ours = {key for entry in TICKS if entry.id in ticked for key in entry.keys}
    # Addresses that Deforum's own defaults name are left out, and said.
    base = dict(parse_base_settings(json.dumps(kept), "the tab's").values)
    changed = {key for key in base if written.get(key) != base[key]} - ours - set(ALWAYS)
    assert changed == set(), {key: (base[key], written.get(key)) for key in changed}
    assert sum(kept.get(key) != value for key, value in base.items()) < 12
    run = painted(webui, produced)
    assert run["zoom"] == TYPED["Zoom"] and run["strength_schedule"] == written["strength_schedule"]
    assert {key: written[key] for _, key, _ in unit} == {key: value for _, key, value in unit}
    frames = len(frames_on_disk(webui, view["project"]))
    print(f"{len(kept)} keys taken from the tab in {taken:.1f} s; ControlNet: {bool(unit)}; {frames} frames")


def test_a_persons_file_with_masks_controlnet_and_a_lora_is_painted(
    produced: Tab, webui: WebUI, installation: Installation, tmp_path: Path
) -> None:
    """Only the ticked keys change: in the file that is written, and in what Deforum says it painted with."""
    from PIL import Image

    size = 64 if installation.forge else 128
    half = np.zeros((size, size, 3), np.uint8)
    half[:, size // 2 :] = 255
    Image.fromarray(half).save(tmp_path / "mask.png")
    Image.fromarray(half[::-1]).save(tmp_path / "start.png")
    mine: dict[str, Any] = {
        "W": size, "H": size, "fps": 12, "steps": 3, "sampler": "Euler", "animation_mode": "2D", "max_frames": 900,
        "diffusion_cadence": 1, "use_init": True, "init_image": str(tmp_path / "start.png"), "strength": 0.5,
        "use_mask": True, "mask_file": str(tmp_path / "mask.png"), "invert_mask": False, "mask_overlay_blur": 2,
        "zoom": "0:(1.004)", "angle": "0:(0.5*sin(t/9))", "strength_schedule": "0:(0.6), 3:(0.5)",
        "cfg_scale_schedule": "0:(5)", "seed": 77, "seed_behavior": "iter", "color_coherence": "LAB",
        "prompts": {"0": "red sky, blue circles <lora:not-there:0.6>", "4": "green sky <lora:not-there:0.6>"},
        "cn_1_enabled": False, "cn_1_module": "canny", "cn_1_model": "control_canny", "cn_1_weight": "0:(1), 4:(0.5)",
        "cn_1_guidance_start": "0:(0.1)", "cn_1_guidance_end": "0:(0.8)",
    }  # fmt: skip
    file = tmp_path / "mine.txt"
    file.write_text(json.dumps(mine), "utf-8")
    produced.part("base").get_by_label("Deforum settings file").set_input_files(str(file))
    view = produced.until_view("v.base.use === 'file' && v.base.name === 'mine.txt'")
    told = "\n".join(view["base"]["lines"])
    assert "mask.png" in told and "<lora:not-there:0.6>" in told
    tick_only(produced, "zoom", "cfg")
    paint_with_deforum(produced, installation, seconds=1.0)
    view = produced.until_view("v.cost && v.cost.lines[0].includes('12 fps')")
    assert f"{size}×{size}" in view["cost"]["lines"][0]
    produced.start("visualize", "visualize")
    job = produced.ended("visualize", 600)
    assert job["state"] == "done", (job, webui.log()[-3000:])
    kept, written = settings_of(webui, produced)
    assert kept == mine
    changed = {key for key in mine if written[key] != mine[key]}
    assert changed == {"zoom", "cfg_scale_schedule", "max_frames"}
    run = painted(webui, produced)
    known = {key for key in mine if key in run} - {"prompts", "seed", "max_frames", "W", "H"} - set(PROMPTS)
    assert {"mask_file", "use_mask", "angle", "strength_schedule", "color_coherence"} <= known
    differs = {key for key in known if run[key] != mine[key]}
    assert differs == {"zoom", "cfg_scale_schedule"}, {key: (run[key], mine[key]) for key in differs}
    # Deforum puts its own two fields around each prompt.
    assert {frame: text.partition("--neg")[0].strip() for frame, text in run["prompts"].items()} == mine["prompts"]
    assert run["zoom"] == written["zoom"]
    frames = frames_on_disk(webui, view["project"])
    assert frames == list(range(13)), frames  # one more than the video has: Deforum is asked for whole cadences
    print(f"{len(known)} of the file's keys are in Deforum's own record; {len(frames)} frames")


@pytest.mark.parametrize("part", ["base", "routes"])
def test_the_new_parts_are_drawn_in_the_webui(produced: Tab, part: str) -> None:
    assert produced.part(part).locator("section").is_visible()
    assert produced.page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")
