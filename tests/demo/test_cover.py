"""The demo's cover: the same every time, rich in detail, and written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lib_music.demo.cover import draw_cover, paint
from lib_music.errors import CoverError, ProjectError, RangeError


def test_a_seed_is_a_cover() -> None:
    one, same, other = paint(0, 256), paint(0, 256), paint(1, 256)
    assert one.shape == (256, 256, 3) and one.dtype == np.uint8
    assert np.array_equal(one, same)
    assert np.abs(one.astype(int) - other).mean() > 15


@pytest.mark.parametrize("seed", range(5))
def test_there_is_something_to_see_everywhere(seed: int) -> None:
    picture = paint(seed, 512)
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # The full range is used, the colours are rich, and no cell of a 4 x 4 grid is flat.
    assert np.percentile(luma, 1) < 30 and np.percentile(luma, 99) > 190
    assert cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)[..., 1].mean() > 70
    assert luma.reshape(4, 128, 4, 128).transpose(0, 2, 1, 3).reshape(16, -1).std(axis=1).min() > 3
    # The sun stands in the middle: brighter than all around it.
    assert luma[110:230, 200:312].mean() > luma.mean() + 60


def test_turns_and_zooms_show() -> None:
    picture = paint(0, 512)
    for angle, zoom in ((1.0, 1.0), (0.0, 1.03)):
        moved = cv2.warpAffine(picture, cv2.getRotationMatrix2D((256, 256), angle, zoom), (512, 512),
                               borderMode=cv2.BORDER_REFLECT)
        assert cv2.absdiff(picture, moved).mean() > 4


def test_the_composition_does_not_depend_on_the_size() -> None:
    large, small = paint(2, 512), paint(2, 256)
    small_of_large = cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small_of_large - cv2.resize(small, (64, 64), interpolation=cv2.INTER_AREA)).mean() < 16


@pytest.mark.parametrize("name", ["cover.png", "cover.jpg", "deep/er/cover.webp"])
def test_files_are_whole(tmp_path: Path, name: str) -> None:
    path = draw_cover(3, tmp_path / name, 128)
    with Image.open(path) as image:
        image.load()
        assert image.size == (128, 128) and image.mode == "RGB"
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, error in (("cover.exe", CoverError), ("cover", CoverError), ("file/cover.png", ProjectError)):
        with pytest.raises(error):
            draw_cover(0, tmp_path / name, 64)
    for size in (0, 63, 5000):
        with pytest.raises(RangeError):
            draw_cover(0, tmp_path / "cover.png", size)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
