"""The card's link in Chromium, without gradio: found text stays text, links lead where they say, answers are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_script import URL, Fake, data, page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EVIL = "<img src=x onerror='window.harmed=1'>"
SONG, VIDEO = "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def song(**more: Any) -> dict[str, Any]:
    """What the server says of a song's link."""
    spotify = {"title": EVIL, "artists": [EVIL], "duration": 213.5, "cover_url": "spotify-cover.png", "by": "spotify"}
    return {"link": {"url": SONG, "attribution": EVIL}, "spotify": spotify, "has_file": True, "cover_why": EVIL, **more}


def opened(browser: Browser, told: dict[str, Any]) -> Iterator[Fake]:
    given = data()
    given["view"]["song"].update(told)
    return page_of(browser, given)


@pytest.mark.parametrize(
    "told",
    [
        song(), song(link={"url": "javascript:window.harmed=1"}), song(link={"url": SONG + "/../x"}, spotify=None),
        song(spotify={"title": 5, "artists": 7, "duration": "x", "cover_url": "https://evil.example/x.png"}),
        song(mismatch={"file": "x", "spotify": None, "text": EVIL, "kept": 1}),
        song(question={"kind": "recording", "text": EVIL, "choices": [None, 5, {"id": EVIL, "url": EVIL}]}),
        song(question={"kind": EVIL, "choices": 5}, download={"title": EVIL, "url": "data:text/html,x", "apart": "x"}),
    ],
)  # fmt: skip
def test_whatever_the_server_says_is_text(browser: Browser, told: dict[str, Any]) -> None:
    for fake in opened(browser, told):
        card = fake.page.locator("#music_visualizer_card_view")
        assert "<img src=x" in card.inner_text()
        links = card.locator("a").evaluate_all("(all) => all.map((a) => [a.href, a.rel, a.target])")
        assert all(link == [SONG, "noopener noreferrer", "_blank"] for link in links)
        assert len(links) == (told["link"]["url"] == SONG)
        assert all(url.startswith(URL) for url in fake.elsewhere), "no other host is asked"


def test_both_lengths_and_the_persons_word(browser: Browser) -> None:
    told = song(mismatch={"file": 190.04, "spotify": 213.5, "text": "the file is shorter", "kept": False})
    for fake in opened(browser, told):
        card = fake.page.locator("#music_visualizer_card_view")
        assert "3:10.0" in card.inner_text() and "3:33.5" in card.inner_text()
        box = card.get_by_label("It is the right recording")
        assert not box.is_checked()
        box.check()
        assert box.is_disabled() and card.get_by_role("button").first.is_disabled(), "one answer at a time"
        fake.page.wait_for_function("asked.some((e) => e.kind === 'act' && e.text)")
        assert fake.actions() == [{"do": "right_recording", "on": True}]


@pytest.mark.parametrize(("kind", "do"), [("recording", "choose"), ("album", "song_of_album")])
def test_choices_are_buttons_with_lengths(browser: Browser, kind: str, do: str) -> None:
    choices = [
        {"id": "dQw4w9WgXcQ", "url": VIDEO, "title": "One", "by": "A Channel", "length": 221.0, "apart": 7.5},
        {"id": "aaaaaaaaaaa", "url": VIDEO, "title": "Two", "by": EVIL, "length": None, "apart": None},
    ]
    for fake in opened(browser, song(question={"kind": kind, "text": "which?", "fix": "", "choices": choices})):
        entries = fake.page.locator("#music_visualizer_card_view .mv-choice")
        assert "A Channel · 3:41 · +7.5 s" in entries.nth(0).inner_text()
        assert "length unknown" in entries.nth(1).inner_text() and EVIL in entries.nth(1).inner_text()
        assert entries.nth(0).locator("a").count() == (kind == "recording")
        entries.nth(1).get_by_role("button").click()
        fake.page.wait_for_function("asked.some((e) => e.kind === 'act' && e.text)")
        assert fake.actions() == [{"do": do, "id": "aaaaaaaaaaa"}]
