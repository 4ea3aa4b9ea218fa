"""Undo and redo, the ways out, stills and the test of four bars, as a person uses them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.chromium import fetch
from tests.browser.tab import WORK, Tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.server import Server
    from tests.browser.songs import Song


def prompt_box(tab: Tab, row: int = 0) -> Any:
    return tab.part("rows").locator(".mv-row").nth(row).locator("textarea").first


def write(tab: Tab, text: str, row: int = 0) -> None:
    """Type a prompt and leave the box."""
    box = prompt_box(tab, row)
    box.fill(text)
    box.blur()
    tab.until_view("v.rows[a.row].prompt === a.text", {"row": row, "text": text})


def test_edits_are_undone_and_redone_by_key_and_button_across_a_reload(produced: Tab) -> None:
    before = produced.view()["rows"][0]["prompt"]
    undo = produced.part("history").get_by_role("button", name=re.compile("^Undo:"))
    write(produced, "a lighthouse in the fog")
    produced.page.locator("body").press("Control+z")
    produced.until_view("v.rows[0].prompt === a", before)
    assert prompt_box(produced).input_value() == before
    produced.page.locator("body").press("Shift+Control+z")
    produced.until_view("v.rows[0].prompt === a", "a lighthouse in the fog")
    produced.press("tempo_double")
    produced.until_view("v.hearing.tempo_factor === 2")
    produced.go()
    produced.until_view("v.history && v.history.undo")
    assert "tempo" in undo.get_attribute("title")
    undo.click()
    produced.until_view("v.hearing.tempo_factor === 1")
    undo.click()
    produced.until_view("v.rows[0].prompt === a", before)


def test_in_a_field_that_is_being_typed_in_the_key_is_the_browsers(produced: Tab) -> None:
    write(produced, "one")
    box = prompt_box(produced)
    box.click()
    box.press_sequentially(" two")
    box.press("Control+z")
    assert box.input_value() != "one two", "the browser took the typed letters back"
    assert produced.view()["rows"][0]["prompt"] != produced.view()["rows"][0]["suggested"]
    box.blur()


def test_boxes_of_the_page_follow_an_undo(produced: Tab) -> None:
    style = produced.element("style").locator("textarea")
    style.fill("oil on wood")
    style.blur()
    produced.until_view("v.style === 'oil on wood'")
    produced.part("history").get_by_role("button", name=re.compile("^Undo:")).click()
    produced.until_view("v.style === ''")
    produced.until("document.querySelector('#music_visualizer_style textarea').value === ''")


def test_produce_prompts_overwrites_no_edited_row(produced: Tab, song: Song) -> None:
    write(produced, "mine alone")
    produced.give_song(song.path, song.cover)
    produced.produce()
    row = produced.until_view("v.rows[0].prompt === 'mine alone'")["rows"][0]
    assert row["edited"] and row["suggested"]
    assert row["suggested"] in produced.part("rows").inner_text()


def test_the_ways_out_are_files_and_the_schedules_can_be_copied(produced: Tab) -> None:
    produced.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    part = produced.part("ways_out")
    part.get_by_role("button", name="Make the files").click()
    produced.until_view("v.ways_out.files.length === 6")
    for name, begin in (("Markers (CSV)", b"seconds,"), ("Markers (EDL)", b"TITLE:"), ("Markers (FCPXML)", b"<?xml"),
                        ("Parseq document", b"{"), ("Deforum settings", b"{")):  # fmt: skip
        link = part.get_by_role("link", name=name)
        assert link.get_attribute("download")
        body = produced.page.evaluate("(a) => fetch(a).then((r) => r.text())", link.get_attribute("href"))
        assert body.encode().startswith(begin), name
        assert fetch(produced.page, link.evaluate("(a) => a.href"))[0] in (200, 206)
    part.get_by_text("Copy a schedule").click()
    part.get_by_role("button", name="Copy zoom").click()
    part.get_by_text("copied").first.wait_for()
    copied = produced.page.evaluate("navigator.clipboard.readText()")
    assert re.match(r"0:\([\d.]+\)", copied)
    assert not part.get_by_role("button", name="Send to Deforum").is_visible(), "there is no Deforum tab here"
    write(produced, "another look")
    part.get_by_text("has changed since").wait_for()


def test_stills_are_painted_rolled_and_locked(produced: Tab) -> None:
    part = produced.part("stills")
    part.get_by_role("button", name="Stills of all sections").click()
    assert produced.ended("stills")["state"] == "done"
    view = produced.until_view("v.stills.items.every((s) => s.url)")
    assert part.locator("img").count() == len(view["stills"]["items"]) >= 2
    produced.pictures("stills")
    label = view["stills"]["items"][0]["label"]
    part.get_by_role("button", name=f"Re-roll {label}", exact=True).first.click()
    produced.until_view("v.stills.items[0].tried", seconds=WORK)
    assert produced.ended("stills")["state"] == "done"
    part.get_by_role("button", name=f"Lock {label}", exact=True).first.click()
    seed = produced.until_view("v.stills.items[0].locked")["stills"]["items"][0]["seed"]
    board = produced.view()["stills"]["items"]
    assert all(item["seed"] == seed for item in board if item["label"] == label)


def test_four_bars_are_tested_and_play(produced: Tab) -> None:
    part = produced.part("stills")
    part.get_by_role("button", name="Test 4 bars").click()
    assert produced.ended("test")["state"] == "done"
    produced.part("progress_test").get_by_text("Testing four bars").wait_for()  # where the person looks
    produced.until_view("v.test && v.test.url")
    produced.until("document.querySelector('#music_visualizer_stills_view video').readyState >= 2")
    length = part.locator("video").evaluate("(v) => v.duration")
    assert length == pytest.approx(8.0, abs=0.1), "four bars of four beats at 120"


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1280, True)])
def test_nothing_sticks_out(browser: Browser, server: Server, song: Song, width: int, dark: bool) -> None:
    with Tab.opened(browser, server.url, width=width, dark=dark, touch=width < 500) as tab:
        tab.give_song(song.path, song.cover)
        tab.produce()
        tab.part("ways_out").get_by_role("button", name="Make the files").click()
        tab.until_view("v.ways_out.files.length === 6")
        tab.part("ways_out").get_by_text("Copy a schedule").click()
        tab.part("ways_out").get_by_role("button", name="Copy zoom").wait_for()
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        for part in ("history", "stills", "ways_out"):
            box = tab.part(part).bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width + 1, part
            for button in tab.part(part).get_by_role("button").all():
                assert button.bounding_box()["height"] >= 24, "large enough for a finger"
        tab.watch.check()


def test_the_list_of_files_is_plain_json(produced: Tab) -> None:
    assert json.dumps(produced.view()["ways_out"], allow_nan=False)


def test_quick_presses_are_as_many_steps_and_no_edit_of_the_browsers(produced: Tab) -> None:
    before = produced.view()["rows"][0]["prompt"]
    for text in ("one", "two", "three"):
        write(produced, text)
        produced.until_view("v.rows[0].prompt === a", text)
        produced.page.wait_for_timeout(2_100)  # what is typed later is a step of its own
    produced.page.locator("body").click(position={"x": 5, "y": 5})
    for _ in range(3):
        produced.page.keyboard.press("Control+z")
    produced.until_view("v.rows[0].prompt === a", before)
    produced.page.wait_for_timeout(3_500)  # longer than a field waits with what was typed
    assert produced.view()["rows"][0]["prompt"] == before
    for _ in range(3):
        produced.page.keyboard.press("Control+Shift+z")
    produced.until_view("v.rows[0].prompt === 'three' && !v.history.redo")


def test_a_step_back_can_be_taken_forth_before_it_was_answered(produced: Tab) -> None:
    write(produced, "a lighthouse")
    produced.until_view("v.rows[0].prompt === 'a lighthouse' && v.history.undo && !v.history.redo")
    produced.page.locator("body").click(position={"x": 5, "y": 5})
    produced.page.keyboard.press("Control+z")
    produced.page.keyboard.press("Control+Shift+z")
    produced.until("!musicVisualizer.core.pending('undo') && !musicVisualizer.core.pending('redo')")
    produced.until_view("v.rows[0].prompt === 'a lighthouse' && !v.history.redo")
