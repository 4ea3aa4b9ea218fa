"""The person's hand on the page: taps while the song plays, another reading of the tempo, whose ear it is."""

from __future__ import annotations

from itertools import pairwise

from tests.browser.tab import Tab


def test_taps_are_collected_while_the_song_plays_used_and_cleared(produced: Tab) -> None:
    ear = produced.part("ear")
    tap = ear.get_by_role("button", name="Tap the beat")
    use, clear = (ear.get_by_role("button", name=name, exact=True) for name in ("Use the taps", "Clear taps"))
    assert use.is_hidden() and clear.is_hidden()
    tap.focus()
    produced.page.evaluate("musicVisualizer.parts.player.audio.playbackRate = 0.5")  # leaves a slow machine the time
    produced.page.keyboard.press("t")  # starts the song; not a tap yet
    produced.until("musicVisualizer.parts.player.playing() && musicVisualizer.parts.player.time() > 1")
    for n in range(1, 8):
        produced.page.keyboard.press("t")
        produced.until("(n) => musicVisualizer.parts.ear.taps.length === n", n)
        produced.until("musicVisualizer.parts.player.time() > musicVisualizer.parts.ear.taps.at(-1) + 0.45")
    produced.page.evaluate("musicVisualizer.parts.player.audio.pause()")
    times = produced.page.evaluate("musicVisualizer.parts.ear.taps")
    assert times == sorted(times) and times[0] > 1 and all(b - a > 0.4 for a, b in pairwise(times))
    assert "7 taps, about" in ear.inner_text()
    use.click()
    shown = produced.until_view("v.ear.taps === 7 && v.hearing.edited")
    assert shown["warnings"] == [] or not any("tap" in line for line in shown["warnings"])
    assert produced.page.evaluate("document.activeElement.getAttribute('data-ear')") == "tap"
    clear.click()
    produced.until_view("v.ear.taps === 0 && !v.hearing.edited")


def test_a_pointer_taps_too_and_what_is_discarded_is_gone(produced: Tab) -> None:
    ear = produced.part("ear")
    tap = ear.get_by_role("button", name="Tap the beat")
    tap.click()
    produced.until("musicVisualizer.parts.player.playing()")
    for n in range(1, 6):
        tap.click()
        produced.until("(n) => musicVisualizer.parts.ear.taps.length === n", n)
        produced.until("musicVisualizer.parts.player.time() > musicVisualizer.parts.ear.taps.at(-1) + 0.2")
    produced.page.evaluate("musicVisualizer.parts.player.audio.pause()")
    ear.get_by_role("button", name="Discard them").click()
    assert produced.page.evaluate("musicVisualizer.parts.ear.taps.length") == 0
    assert produced.view()["ear"]["taps"] == 0


def test_the_ear_is_told_and_one_that_is_not_installed_cannot_be_chosen(produced: Tab) -> None:
    ear = produced.part("ear")
    own, other = (ear.get_by_role("button", name=name, exact=True) for name in ("our own ear", "beat_this"))
    assert own.get_attribute("aria-pressed") == "true" and own.is_enabled()
    usable = {choice["id"]: choice["usable"] for choice in produced.view()["ear"]["choices"]}
    assert other.is_enabled() == usable["beat_this"] and "beat_this" in (other.get_attribute("title") or "beat_this")


def test_another_reading_of_the_tempo_is_one_press_away(produced: Tab) -> None:
    """What the server says of readings is drawn on the card; pressing one is the edit of the tempo."""
    produced.page.evaluate(
        """() => { const m = musicVisualizer, v = m.core.state.view;
            v.ear.readings = [{bpm: 60.2, factor: 0.5, weight: 0.234}]; m.core.draw(["card"]); }"""
    )
    reading = produced.part("card").get_by_role("button", name="or 60 (×½) 23 %")
    reading.click()
    shown = produced.until_view("v.hearing.tempo_factor === 0.5")
    assert shown["song"]["tempo"] < 100
    produced.act({"do": "reset_hearing"})
    produced.until_view("!v.hearing.edited")
