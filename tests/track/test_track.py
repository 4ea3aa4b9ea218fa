"""The card checks itself."""

from __future__ import annotations

import pytest

from lib_music.track import Track


def test_display() -> None:
    assert Track("Title", ("A", "B"), 1.0).display == "A, B - Title"
    assert Track("Title", (), 1.0).display == "Title"


@pytest.mark.parametrize("title", ["", "  "])
def test_a_title_is_needed(title: str) -> None:
    with pytest.raises(ValueError, match="title"):
        Track(title, (), 1.0)


@pytest.mark.parametrize("duration", [0.0, -1.0, float("nan")])
def test_a_length_is_needed(duration: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Track("Title", (), duration)


def test_sources_cannot_be_changed() -> None:
    track = Track("Title", (), 1.0, sources={"title": "typed"})
    with pytest.raises(TypeError):
        track.sources["title"] = "tags"  # type: ignore[index]
