"""Found text is text everywhere, paths stay inside, and too much of anything ends in a message."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lib_music.ffmpeg import ffmpeg_exe
from tests.browser.chromium import fetch
from tests.browser.server import Server
from tests.browser.songs import Song
from tests.browser.tab import Tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EVIL = "<img src=x onerror=\"window.harmed=1;alert('harmed')\">"
EVIL_LABEL = "<img src=x onerror=alert(4)>"
EVIL_TOO = '"><script>window.harmed=2</script><svg onload=alert(1)>{{7*7}}${7*7}'


@pytest.fixture(scope="module")
def evil_song(song: Song, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The song with markup for a title, an artist and a file name."""
    path = tmp_path_factory.mktemp("evil") / "<img src=x onerror=alert(3)>.mp3"
    tags = ["-metadata", f"title={EVIL}", "-metadata", f"artist={EVIL_TOO}"]
    subprocess.run([ffmpeg_exe(), "-v", "error", "-i", str(song.path), "-c", "copy", *tags, str(path)], check=True)
    return path


def unharmed(tab: Tab) -> None:
    """No script ran and no element was made of text; dialogs and errors are the watch's."""
    tab.page.wait_for_timeout(300)
    assert tab.page.evaluate("window.harmed") is None
    made = "img[src='x'], [onerror], [onload], #music_visualizer script, #music_visualizer iframe"
    assert tab.page.locator(made).count() == 0
    tab.watch.check()


def test_markup_in_titles_labels_and_prompts_shows_as_text(tab: Tab, evil_song: Path, song: Song) -> None:
    tab.upload("upload", evil_song)
    tab.produce()
    assert EVIL in tab.part("card").inner_text()
    tab.act({"do": "label", "section": 0, "name": EVIL_LABEL, "all": False})
    label = tab.until_view("v.sections[0].label.includes('<img')")["sections"][0]["label"]
    assert label in tab.part("timeline").inner_text() and label in tab.row(0).inner_text()
    tab.write_prompt(0, EVIL)
    tab.until_view("v.rows[0].prompt === a", EVIL)
    tab.type("candidate_2", EVIL_TOO)
    tab.type("style", EVIL)
    tab.until_view("v.style === a", EVIL)
    tab.produce()
    assert tab.row(0).locator("textarea").first.input_value() == EVIL
    tab.go()
    visuals = tab.part("visuals")
    assert "<img" in visuals.inner_text()
    unharmed(tab)
    tab.page.set_viewport_size({"width": 390, "height": 844})
    tab.page.emulate_media(color_scheme="dark")
    unharmed(tab)


def test_a_given_title_counts_and_is_text_too(tab: Tab, song: Song) -> None:
    tab.give_song(song.path, title=EVIL, artist=EVIL_TOO)
    tab.produce()
    card = tab.part("card").inner_text()
    assert EVIL in card and "<script>" in card
    assert all(char.isalnum() or char in "-_." for char in tab.view()["project"]), "folders are named by our own slugs"
    unharmed(tab)


@pytest.mark.parametrize("typed", ["/etc/passwd", "../../../../etc/passwd", "/root", "/dev/zero", "\x00", "~/.bashrc"])
def test_a_typed_path_outside_is_refused(tab: Tab, typed: str) -> None:
    tab.type("path", typed.replace("\x00", "%00"))
    tab.press("produce")
    said = tab.element("said_song").get_by_role("alert")
    said.wait_for()
    assert said.inner_text().strip()
    assert "root:" not in tab.page.inner_text("body")
    assert not tab.jobs("produce")


def test_files_outside_are_not_served(tab: Tab, server: Server) -> None:
    for path in ("/etc/passwd", str(server.folder / "log.txt"), str(server.visuals / ".." / "log.txt")):
        status, _, _ = fetch(tab.page, f"/file={path}")
        assert status in (403, 404), (path, status)
    tab.watch.forget()


def test_too_much_text_ends_in_a_message(produced: Tab) -> None:
    produced.act({"do": "row", "section": 0, "prompt": "x" * 10_000_000})
    said = produced.page.locator("#music_visualizer [role=alert]").filter(visible=True).first
    said.wait_for()
    assert said.inner_text().strip()
    before = produced.view()["rows"][1]["prompt"]
    produced.act({"do": "row", "section": 0, "prompt": "still here"})
    view = produced.until_view("v.rows[0].prompt === 'still here'")
    assert view["rows"][1]["prompt"] == before or view["rows"][1]["linked"]


def test_what_is_no_song_ends_in_a_message(tab: Tab, tmp_path: Path) -> None:
    fake = tmp_path / "song.mp3"
    fake.write_bytes(b"no music here\n" * 400)
    tab.upload("upload", fake)
    tab.press("produce")
    tab.page.locator("#music_visualizer [role=alert]").filter(visible=True).first.wait_for()
    tab.watch.check()


def test_the_page_source_holds_no_path_and_no_song(browser: Browser, server: Server, produced: Tab) -> None:
    for place in ("", "config"):
        source = produced.page.evaluate("(url) => fetch(url).then((a) => a.text())", "/" + place)
        assert str(server.folder) not in source and str(Path.home()) + "/" not in source
        assert produced.view()["project"] not in source
