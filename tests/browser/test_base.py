"""Base settings in Chromium: a file is read there, the Deforum tab saves by its own button, ticks reach the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.tab import Tab
from tests.browser.test_script import EVIL, data, page_of
from tests.render.test_deforum_ticks import PERSONS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: The part's own line.
SAID = "document.querySelector('.mv-base [role=status]').textContent"
#: The Deforum tab's own controls, as gradio makes them; each press of Save keeps what the box held then.
DEFORUM = """() => {
  const tab = document.createElement("div");
  tab.innerHTML = `<div id="deforum_settings_path"><label><textarea>deforum_settings.txt</textarea></label></div>
    <button id="deforum_save_settings_btn">Save Settings</button>`;
  document.body.prepend(tab);
  const box = tab.querySelector("textarea");
  let known = box.value; // gradio sends what it was told of by an event
  window.saved = [];
  box.addEventListener("input", () => setTimeout(() => { known = box.value; }, 60));
  tab.querySelector("button").addEventListener("click", () => window.saved.push(known));
  window.known = () => known;
}"""


def told(**more: Any) -> dict[str, Any]:
    """A page's data with base settings in it."""
    given = data()
    names = ("id", "group", "label", "keys", "on", "note")
    rows = (
        ("zoom", "Motion", "Zoom", ["zoom", "translation_z"], True, ""),
        ("x", "Motion", EVIL, [EVIL], False, EVIL),
        ("strength", "Painting", "Strength", ["strength_schedule"], True, ""),
    )
    ticks = [dict(zip(names, row, strict=True)) for row in rows]
    given["view"]["base"] = {
        "use": "file", "name": EVIL, "source": "file", "lines": [EVIL, "mask: a.png"], "warnings": [EVIL],
        "ticks": ticks,
        "always": [{"key": "max_frames", "why": "as long as the song"}], "notes": [EVIL],
        "most": 300_000, "pieces": 112,
        "tab": "outputs/p/from-the-deforum-tab-TOKEN.txt", **more,
    }  # fmt: skip
    return given


@pytest.mark.parametrize("width", [390, 1280])
def test_whatever_a_file_says_is_text_and_fits(browser: Browser, width: int) -> None:
    for fake in page_of(browser, told(), "base", width):
        part = fake.page.locator(".mv-base")
        assert part.inner_text().count(EVIL) >= 5 and part.locator("img").count() == 0
        assert fake.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert "Always ours: max_frames (as long as the song)" in part.inner_text()


def test_ticks_are_sent_one_by_one_and_by_the_group(browser: Browser) -> None:
    for fake in page_of(browser, told(), "base"):
        part = fake.page.locator(".mv-base")
        motion, group = (part.get_by_role("checkbox", name=name) for name in ("Motion", "Painting"))
        assert motion.evaluate("(box) => box.indeterminate") and group.is_checked()
        part.get_by_label("Zoom").click()
        group.click()
        fake.page.wait_for_function("asked.filter((e) => e.kind === 'act' && e.left).length === 2")
        assert fake.actions() == [
            {"do": "base_tick", "ids": ["zoom"], "on": False}, {"do": "base_tick", "ids": ["strength"], "on": False},
        ]  # fmt: skip
        assert not motion.evaluate("(box) => box.indeterminate") and not motion.is_checked() and not group.is_checked()
        assert not part.get_by_label("Zoom").is_checked() and not part.get_by_label("Strength").is_checked()


def test_the_tab_saves_by_its_own_button_and_gets_its_path_back(browser: Browser) -> None:
    for fake in page_of(browser, told(), "base"):
        fake.page.evaluate(DEFORUM)
        fake.page.get_by_role("button", name="Take from the Deforum tab").click()
        fake.page.wait_for_function("window.saved.length === 1 && window.known() === 'deforum_settings.txt'")
        fake.page.wait_for_function("asked.some((e) => e.kind === 'act' && e.text)")
        (action,) = fake.actions()
        assert action["do"] == "base_tab" and len(action["token"]) == 16
        assert fake.page.evaluate("window.saved") == [f"outputs/p/from-the-deforum-tab-{action['token']}.txt"]
        assert fake.page.locator("#deforum_settings_path textarea").input_value() == "deforum_settings.txt"
        assert fake.page.get_by_role("button", name="Take from the Deforum tab").is_enabled()


def test_the_path_is_put_back_when_saving_fails(browser: Browser) -> None:
    for fake in page_of(browser, told(), "base"):
        fake.page.evaluate(DEFORUM)
        fake.page.evaluate("() => { deforum_save_settings_btn.click = () => { throw new Error('no'); }; }")
        fake.page.get_by_role("button", name="Take from the Deforum tab").click()
        fake.page.wait_for_function(f"{SAID} === 'no'")
        assert fake.page.locator("#deforum_settings_path textarea").input_value() == "deforum_settings.txt"
        assert fake.actions() == [] and fake.page.get_by_role("button", name="Take from the Deforum tab").is_enabled()


def test_a_page_without_the_tab_says_so(browser: Browser) -> None:
    for fake in page_of(browser, told(), "base"):
        fake.page.get_by_role("button", name="Take from the Deforum tab").click()
        fake.page.wait_for_function(f"{SAID}.includes('not on this page')")
    for fake in page_of(browser, told(tab=None), "base"):
        assert fake.page.get_by_role("button", name="Take from the Deforum tab").is_hidden()


def test_a_file_is_read_in_the_browser_and_one_that_is_too_large_is_not(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text('{"zoom": "0:(1)"}\n', "utf-8")
    (tmp_path / "large.txt").write_text("x" * 3_000_000)
    (tmp_path / "long.txt").write_text("é" * 1_000_000, "utf-8")
    for fake in page_of(browser, told(pieces=2), "base"):
        box = fake.page.get_by_label("Deforum settings file")
        for name in ("large.txt", "long.txt"):
            box.set_input_files(str(tmp_path / name))
            fake.page.wait_for_function(f"{SAID}.startsWith('{name}')")
        box.set_input_files(str(tmp_path / "mine.txt"))
        fake.page.wait_for_function("asked.some((e) => e.kind === 'act' && e.text)")
        assert fake.actions() == [{"do": "base_file", "name": "mine.txt", "text": '{"zoom": "0:(1)"}\n'}]


def test_a_long_file_is_sent_in_pieces_that_cut_no_letter(browser: Browser, tmp_path: Path) -> None:
    text = '{"a": "🚢🚢🚢é"}'
    (tmp_path / "mine.txt").write_text(text, "utf-8")
    for fake in page_of(browser, told(most=4, pieces=9), "base"):
        fake.page.get_by_label("Deforum settings file").set_input_files(str(tmp_path / "mine.txt"))
        fake.page.wait_for_function("asked.some((e) => e.text && e.text.includes('\"part\":4'))")
        found = [action for action in fake.actions() if action["do"] == "base_file"]
        assert "".join(action["text"] for action in found) == text and len({a["token"] for a in found}) == 1
        assert [(a["part"], a["of"]) for a in found] == [(part, len(found)) for part in range(len(found))]


def test_on_the_page_a_persons_file_counts_and_survives_a_reload(produced: Tab, tmp_path: Path) -> None:
    """The whole road: read in the browser, kept by the server, told, ticked, undone."""
    mine = tmp_path / "mine.txt"
    mine.write_text(json.dumps({**PERSONS, "animation_mode": "2D"}), "utf-8")
    produced.part("base").get_by_label("Deforum settings file").set_input_files(str(mine))
    view = produced.until_view("v.base.use === 'file'")
    assert view["base"]["name"] == "mine.txt" and any("ControlNet unit 1" in line for line in view["base"]["lines"])
    assert "ControlNet unit 1" in produced.part("base").inner_text()
    produced.part("base").get_by_label("Width and height").uncheck()
    view = produced.until_view("v.base.ticks.some((tick) => tick.id === 'size' && !tick.on)")
    assert "640×360" in view["cost"]["lines"][0]
    produced.go()
    assert "mine.txt" in produced.part("base").inner_text()
    assert not produced.part("base").get_by_label("Width and height").is_checked()
    (tmp_path / "bad.txt").write_text('{"zoom": "0:(__import__(1))"}')
    produced.part("base").get_by_label("Deforum settings file").set_input_files(str(tmp_path / "bad.txt"))
    produced.element("said_motion").get_by_text("zoom at frame 0").wait_for()
    produced.part("base").get_by_label("Ours", exact=True).check()
    view = produced.until_view("v.base.use === 'ours'")
    assert "512×512" in view["cost"]["lines"][0]
