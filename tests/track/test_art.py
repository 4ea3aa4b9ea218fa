"""Drawn covers: the same words the same picture, other words another, detail everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.track.art import generate_cover

SONGS = [f"Song {i}" for i in range(12)]  # among them are all four motifs


def grey(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return [generate_cover(song, ("Someone",), side=256) for song in SONGS]


def test_the_same_words_draw_the_same_picture(pictures: list[np.ndarray]) -> None:
    np.testing.assert_array_equal(generate_cover(SONGS[3], ("Someone",), side=256), pictures[3])


def test_other_words_draw_another(pictures: list[np.ndarray]) -> None:
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            assert np.abs(one.astype(int) - other.astype(int)).mean() > 12
    assert not np.array_equal(generate_cover(SONGS[0], ("Someone else",), side=256), pictures[0])


def test_light_and_colour(pictures: list[np.ndarray]) -> None:
    for picture in pictures:
        low, high = np.percentile(grey(picture), (2, 98))
        assert high - low > 70
        assert 35 < grey(picture).mean() < 190
        assert (picture.max(-1).astype(int) - picture.min(-1)).mean() > 25


def test_detail_is_everywhere_so_that_motion_shows(pictures: list[np.ndarray]) -> None:
    for picture in pictures:
        moved = np.abs(np.diff(grey(picture), axis=1))[:, :-1]
        cells = moved[:, :250].reshape(8, 32, -1, 25).mean((1, 3))
        assert cells.min() > 1.5


@settings(max_examples=25, deadline=None)
@given(title=st.text(min_size=1), artists=st.lists(st.text(), max_size=3))
def test_any_words_draw(title: str, artists: list[str]) -> None:
    picture = generate_cover(title, tuple(artists), side=64)
    assert (picture.shape, picture.dtype) == ((64, 64, 3), np.uint8)
    assert picture.std() > 8
