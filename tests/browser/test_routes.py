"""Advanced motion in Chromium: rows, formulas and pins are typed and kept, presets are files, two play in step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lib_music.schedule.preset_file import parse_preset, preset_document, renamed
from lib_music.schedule.presets import PRESETS
from tests.browser.tab import Tab
from tests.browser.test_script import EVIL, Fake, data, page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BOTH = "[...document.querySelectorAll('.mv-pair video')]"
APART = f"Math.abs({BOTH}[0].currentTime - {BOTH}[1].currentTime)"


def told(**more: Any) -> dict[str, Any]:
    """A page's data with routes in it, as the server says them."""
    from lib_music.studio.routes import _choices

    given = data()
    given["view"]["base"] = None
    given["view"]["routes"] = {
        "own": True, "name": EVIL, "title": EVIL, "hits": {"verse": "beats"}, "cadence": 2, "notes": [EVIL],
        "rows": preset_document(PRESETS["hip-hop"])["routes"], "presets": [EVIL], "document": "{}", "most": 500_000,
        "formulas": [{"parameter": "zoom", "formula": EVIL, "sections": ["drop"], "on": False}],
        "pins": [{"time": 61.5, "parameter": "strength_schedule", "value": 0.25, "beats": 1.0, "on": True}],
        "compare": {"names": [EVIL, "b"], "urls": ["javascript:window.harmed=1", "x.mp4"]}, "choices": _choices(),
        **more,
    }  # fmt: skip
    return json.loads(json.dumps(given))


def unfold(fake: Fake) -> None:
    fake.page.evaluate("document.querySelectorAll('.mv-routes details').forEach((node) => { node.open = true; })")


@pytest.mark.parametrize("width", [390, 1280])
def test_all_of_it_is_text_fits_and_every_field_has_a_name(browser: Browser, width: int) -> None:
    for fake in page_of(browser, told(), "routes", width):
        unfold(fake)
        part = fake.page.locator(".mv-routes")
        assert EVIL in part.inner_text() and part.locator("img, video").count() == 0
        assert fake.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        nameless = part.locator("input, select, textarea").evaluate_all(
            "(all) => all.filter((n) => !n.getAttribute('aria-label') && !n.labels.length).map((n) => n.outerHTML)"
        )
        assert nameless == []
        assert "beats passed" in part.inner_text() and "factor a second" in part.inner_text()


def test_a_row_sends_what_was_changed_in_it(browser: Browser) -> None:
    for fake in page_of(browser, told(), "routes"):
        unfold(fake)
        of = len(PRESETS["hip-hop"].routes)
        row = fake.page.locator(".mv-route").first
        row.get_by_label("Rest").fill("1.25")
        row.get_by_label("Rest").blur()
        row.get_by_label("Kind").select_option("level")
        row.get_by_role("button", name="Copy").click()
        row.get_by_role("checkbox").first.click()
        row.get_by_label("drop").click()
        fake.page.wait_for_function("asked.filter((e) => e.kind === 'act' && e.text).length === 5")
        rest, kind, copied, muted, sections = fake.actions()
        assert rest == {"do": "route", "what": "edit", "index": 0, "of": of, "fields": {"rest": 1.25}}
        assert kind["fields"]["shape"] == "level" and kind["fields"]["parameter"] == "transform_center_x"
        assert copied["what"] == "copy" and muted["fields"] == {"on": False}
        assert sections["fields"] == {"sections": ["intro", "drop"]}


def test_a_refused_formula_stays_for_mending_and_typing_is_never_lost(browser: Browser) -> None:
    for fake in page_of(browser, told(), "routes"):
        unfold(fake)
        box = fake.page.get_by_label("Formula", exact=True)
        box.fill("1/(t-3)")
        box.blur()
        fake.page.wait_for_function("asked.some((e) => e.kind === 'act' && e.left)")
        fake.page.wait_for_timeout(200)
        assert box.input_value() == "1/(t-3)" and "mv-unsaved" in str(box.get_attribute("class"))
        fake.server("v.routes.cadence = 3")
        assert box.input_value() == "1/(t-3)"
        box.focus()
        fake.page.keyboard.type("+1")
        fake.server("v.routes.cadence = 4")
        assert box.input_value().endswith("+1")
        value = fake.page.get_by_label("Value", exact=True)
        fake.server("v.routes.pins[0].value = 0.5")
        assert value.input_value() == "0.5"


def test_a_preset_goes_out_as_a_file_and_comes_in_as_one(browser: Browser, tmp_path: Path) -> None:
    text = json.dumps(preset_document(renamed(PRESETS["ambient"], "Leise Nacht")))
    (tmp_path / "in.json").write_text(text, "utf-8")
    (tmp_path / "large.json").write_text("x" * 600_000)
    for fake in page_of(browser, told(document=text, name="Leise Nacht"), "routes"):
        with fake.page.expect_download() as download:
            fake.page.get_by_role("button", name="Download").click()
        assert download.value.suggested_filename == "leise-nacht.json"
        download.value.save_as(tmp_path / "out.json")
        assert parse_preset((tmp_path / "out.json").read_text("utf-8"))[0].name == "Leise Nacht"
        box = fake.page.get_by_label("Preset file")
        box.set_input_files(str(tmp_path / "large.json"))
        fake.page.get_by_text("too large to be a preset").wait_for()
        box.set_input_files(str(tmp_path / "in.json"))
        fake.page.wait_for_function("asked.some((e) => e.kind === 'act' && e.text)")
        assert fake.actions() == [{"do": "preset_use", "text": text}]


@pytest.mark.parametrize(
    ("first", "second", "jump"),
    [(3.0, 3.01, None), (3.0, 3.1, None), (3.0, 2.9, None), (3.0, 4.0, 3.0), (9.0, 0.0, 9.0)],
)
def test_the_second_follows_the_first(browser: Browser, first: float, second: float, jump: float | None) -> None:
    for fake in page_of(browser, told(), "routes"):
        found = fake.page.evaluate("([a, b]) => musicVisualizer.parts.compare.follow(a, b)", [first, second])
        assert found.get("jump") == jump
        slower = found["rate"] < 1
        assert slower == (second - first > 0.02 and jump is None) and 0.9 <= found["rate"] <= 1.1


def test_two_presets_play_in_step_on_the_page(produced: Tab) -> None:
    part = produced.part("routes")
    produced.page.evaluate("document.querySelectorAll('.mv-routes > details').forEach((node) => { node.open = true; })")
    part.get_by_label("Second preset").select_option("ambient")
    part.get_by_label("From this section on").select_option("0")
    before = {job["id"] for job in produced.jobs("presets")}
    part.get_by_role("button", name="Make both").click()
    produced.new_job("presets", before)
    assert produced.ended("presets")["state"] == "done", produced.said()
    produced.until_view("v.routes.compare && v.routes.compare.urls.length === 2")
    videos = part.locator("video")
    assert videos.count() == 2
    produced.page.wait_for_function(f"{BOTH}.every((v) => v.readyState >= 2)")
    assert videos.evaluate_all("(all) => all.map((v) => v.muted)") == [False, True]
    videos.first.evaluate("(v) => { v.volume = 0; }")
    part.get_by_role("button", name="Play both").click()
    produced.page.wait_for_function(f"{BOTH}.every((v) => !v.paused && v.currentTime > 1) && {APART} < 0.2")
    produced.page.evaluate(f"{{ {BOTH}[1].currentTime += 1; }}")
    produced.page.wait_for_function(f"{BOTH}.every((v) => !v.paused && !v.seeking) && {APART} < 0.2")
    part.get_by_role("button", name="Pause both").click()
    produced.page.wait_for_function(f"{BOTH}.every((v) => v.paused)")
    lengths = videos.evaluate_all("(all) => all.map((v) => v.duration)")
    assert abs(lengths[0] - lengths[1]) < 0.15


def test_a_formula_and_a_pin_move_the_song_and_survive_a_reload(produced: Tab) -> None:
    part = produced.part("routes")
    produced.page.evaluate("document.querySelectorAll('.mv-routes > details').forEach((node) => { node.open = true; })")
    part.get_by_role("button", name="Add a formula").click()
    produced.until_view("v.routes.formulas.length === 1")
    box = part.get_by_label("Formula", exact=True)
    box.fill("1.5")
    box.blur()
    view = produced.until_view("v.routes.formulas[0].formula === '1.5'")
    zoom = next(one for one in view["curves"]["series"] if one["name"] == "zoom")
    assert zoom["max"] == pytest.approx(1.5 ** (1 / 24), abs=0.002)
    box.fill("1/(t-3)")
    box.blur()
    produced.element("said_motion").get_by_text("zoom at frame 72").wait_for()
    part.get_by_role("button", name="Add a pin at the cursor").click()
    produced.until_view("v.routes.pins.length === 1")
    produced.go()
    view = produced.until_view("v.routes.formulas.length === 1 && v.routes.pins.length === 1")
    assert view["routes"]["formulas"][0]["formula"] == "1.5"
    produced.act({"do": "undo"})
    produced.until_view("v.routes.pins.length === 0")
