"""Candidates: five that differ, coloured by the cover, and nothing forbidden in them."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lib_music.errors import CoverError
from lib_music.prompts.captions import (
    MAX_CANDIDATES,
    Candidates,
    Caption,
    PaletteCaptioner,
    Tags,
    produce_prompts,
    tags_of,
)
from lib_music.prompts.text import Found
from lib_music.prompts.worlds import DISTANCES, LIGHTS, MEDIUMS, WORLDS
from lib_music.track import Track

STOP = frozenset({"a", "an", "and", "at", "by", "from", "in", "into", "its", "of", "on", "the", "to", "with"})
DANGEROUS = re.compile(r"`|--|[<>(){}\[\]|:\\]|__|\bAND\b|\bBREAK\b")


def track(title: str = "Blue Hour", **fields: object) -> Track:
    return Track(**{"title": title, "artists": ("Someone",), "duration": 180.0, **fields})  # type: ignore[arg-type]


def content(prompt: Found | str) -> set[str]:
    return set(re.findall(r"\w+", str(prompt).lower())) - STOP


def likeness(prompts: tuple[Found, ...]) -> float:
    pairs = itertools.combinations([content(prompt) for prompt in prompts], 2)
    return max((len(a & b) / len(a | b) for a, b in pairs), default=0.0)


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    """A teal sea under an orange sky."""
    image = np.full((128, 128, 3), (240, 120, 30), np.uint8)
    image[60:] = (10, 110, 115)
    Image.fromarray(image).save(tmp_path / "cover.png")
    return tmp_path / "cover.png"


def pictures() -> st.SearchStrategy[np.ndarray]:
    """Flat, striped or noisy pictures in a few random colours."""
    colour = st.tuples(*[st.integers(0, 255)] * 3)
    return st.lists(colour, min_size=1, max_size=6).map(
        lambda colours: np.array(colours, np.uint8).repeat(8, 0)[:, None].repeat(32, 1)
    )


@settings(max_examples=60, deadline=None)
@given(
    picture=pictures(),
    title=st.one_of(st.text(min_size=1, max_size=60).filter(str.strip), st.sampled_from(["Ocean", "Fire Dance"])),
    genres=st.lists(st.sampled_from(["techno", "jazz", "hip hop", "ambient", "?"]), max_size=2).map(tuple),
    n=st.integers(1, MAX_CANDIDATES),
    seed=st.integers(0, 2**40),
)
def test_any_two_candidates_differ(
    tmp_path_factory: pytest.TempPathFactory,
    picture: np.ndarray,
    title: str,
    genres: tuple[str, ...],
    n: int,
    seed: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.png"
    Image.fromarray(picture).save(path)
    prompts = produce_prompts(PaletteCaptioner(), path, track(title, genres=genres), n=n, seed=seed).prompts
    assert len(prompts) == n
    assert likeness(prompts) < 0.35
    assert all(len(content(prompt)) >= 10 and not DANGEROUS.search(prompt.text) for prompt in prompts)


def test_candidates_differ_in_subject_medium_and_light(cover: Path) -> None:
    prompts = [prompt.text for prompt in produce_prompts(PaletteCaptioner(), cover, track()).prompts]
    subjects = [subject for world in WORLDS for subject in world.subjects]
    for options in (subjects, [m.phrase for m in MEDIUMS], [light.phrase for light in LIGHTS], DISTANCES):
        named = [next(option for option in options if option in prompt) for prompt in prompts]
        assert len(set(named)) == 5, named


def test_cover_colours_are_named(cover: Path) -> None:
    candidates = produce_prompts(PaletteCaptioner(), cover, track())
    assert candidates.palette is not None
    names = [colour.name for colour in candidates.palette.colours]
    assert names == ["teal", "orange"] and not candidates.warnings
    assert all("teal" in prompt.text and "orange" in prompt.text for prompt in candidates.prompts)


@pytest.mark.parametrize(
    ("title", "world"),
    [
        ("Ocean Eyes", "sea"),
        ("Midnight City", "city"),
        ("Burning Down", "fire"),
        ("雪の華", "winter"),
        ("Dreams", "dream"),
    ],
)
def test_subject_comes_from_the_title(title: str, world: str, cover: Path) -> None:
    prompts = produce_prompts(PaletteCaptioner(), cover, track(title)).prompts
    subjects = next(w.subjects for w in WORLDS if w.name == world)
    assert all(prompt.text.startswith(subjects) for prompt in prompts)


def test_same_song_same_candidates_other_song_others(cover: Path) -> None:
    def make(title: str, seed: int = 0) -> tuple[Found, ...]:
        return produce_prompts(PaletteCaptioner(), cover, track(title), seed=seed).prompts

    assert make("Untold") == make("Untold")
    assert make("Untold") != make("Untold", seed=1)
    sets = [{prompt.text.split(",")[0] for prompt in make(f"Qx{i}")} for i in range(20)]
    assert len(set().union(*sets)) >= 25, "twenty songs with one cover share too few subjects"


@settings(max_examples=30, deadline=None)
@given(text=st.text(min_size=1, max_size=30).filter(str.strip))
def test_forbidden_fields_change_nothing(text: str) -> None:
    free = track("x", artists=("x",), album="x", date="1990", genres=("x",))
    forbidden = replace(free, generation_may_use=frozenset())
    other = replace(forbidden, title=text, artists=(text,), album=text, date=text, genres=(text,))
    assert produce_prompts(PaletteCaptioner(), None, forbidden) == produce_prompts(PaletteCaptioner(), None, other)
    assert tags_of(other) == Tags(Found(""), Found(""), (), "", "\0" * 4)


def test_forbidden_cover_is_not_even_opened(tmp_path: Path) -> None:
    fields = frozenset({"title", "artists"})
    candidates = produce_prompts(
        PaletteCaptioner(), tmp_path / "absent.png", track(generation_may_use=fields)
    )
    assert candidates.palette is None and len(candidates.prompts) == 5


def test_artists_are_never_words_of_a_prompt(cover: Path) -> None:
    song = track(artists=("Zyxwvut",))
    assert not any("zyxwvut" in p.text.lower() for p in produce_prompts(PaletteCaptioner(), cover, song).prompts)


class Seen:
    """A captioner that sees things."""

    name = "seen"

    def __init__(self, *subjects: str) -> None:
        self.subjects = subjects

    def caption(self, image: Image.Image, tags: Tags) -> Caption:
        assert image.mode == "RGB"
        return Caption(tuple(Found(subject) for subject in self.subjects))


class Broken:
    """A captioner whose model is not there."""

    name = "<broken>"

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def caption(self, image: Image.Image, tags: Tags) -> Caption:
        if self.error:
            raise self.error
        return None  # type: ignore[return-value]


def test_what_a_captioner_sees_is_the_first_subject(cover: Path) -> None:
    prompts = produce_prompts(Seen("a man (on) a `beach`"), cover, track()).prompts
    assert prompts[0].text.startswith("a man on a beach")
    assert len(prompts) == 5 and likeness(prompts) < 0.35


@settings(max_examples=40, deadline=None)
@given(subjects=st.lists(st.text(max_size=400), max_size=8))
def test_captions_cannot_flood_the_prompts(tmp_path_factory: pytest.TempPathFactory, subjects: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "red.png"
    Image.new("RGB", (8, 8), (200, 30, 40)).save(path)
    prompts = produce_prompts(Seen(*subjects, "word " * 100), path, track()).prompts
    assert len(prompts) == 5
    assert not any(DANGEROUS.search(p.text) for p in prompts)


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA out of memory"), IndexError("x"), OSError(), ImportError("torch"), None]
)
def test_a_captioner_that_fails_leaves_a_warning(error: Exception | None, cover: Path) -> None:
    plain = produce_prompts(PaletteCaptioner(), cover, track())
    broken = produce_prompts(Broken(error), cover, track())
    assert broken.prompts == plain.prompts
    assert len(broken.warnings) == 1 and "broken" in broken.warnings[0] and "<" not in broken.warnings[0]


def test_palette_captioner_words_light_texture_contrast_symmetry(cover: Path) -> None:
    with Image.open(cover) as image:
        look = {phrase.text for phrase in PaletteCaptioner().caption(image, tags_of(track(genres=("jazz",)))).look}
    assert look == {
        "smoky elegance", "balanced light and shade", "gentle contrast", "saturated color", "mirror symmetry",
        "smooth gradients",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("01 - Song (Official Video) [HD]", "Song"),
        ("Song feat. Somebody", "Song"),
        ("Song - Remastered 2011", "Song"),
        ("Song - 2011 Remaster", "Song"),
        ("Song - Radio Edit", "Song"),
        ("99 Luftballons", "99 Luftballons"),
        ("(Sic)", "Sic"),
        ("Live Forever", "Live Forever"),
        ("Defeat", "Defeat"),
    ],
)
def test_bare_titles(title: str, bare: str) -> None:
    assert tags_of(track(title)).title.text == bare


def test_unreadable_cover(tmp_path: Path) -> None:
    (tmp_path / "cover.png").write_bytes(b"no picture")
    with pytest.raises(CoverError):
        produce_prompts(PaletteCaptioner(), tmp_path / "cover.png", track())


@pytest.mark.parametrize("n", [0, MAX_CANDIDATES + 1])
def test_how_many(n: int) -> None:
    with pytest.raises(ValueError, match="candidates"):
        produce_prompts(PaletteCaptioner(), None, track(), n=n)


def test_no_cover_takes_the_worlds_colours() -> None:
    candidates = produce_prompts(PaletteCaptioner(), None, track("Ocean"))
    assert isinstance(candidates, Candidates) and candidates.palette is None
    assert "petrol blue" in candidates.prompts[0].text


def test_words_are_plain() -> None:
    assert len({subject for world in WORLDS for subject in world.subjects}) == 10 * len(WORLDS)
    for world in WORLDS:
        for phrase in (*world.subjects, *world.colours):
            assert Found(phrase).text == phrase
    for phrase in (*DISTANCES, *(m.phrase for m in MEDIUMS), *(light.phrase for light in LIGHTS)):
        assert Found(phrase).text == phrase


def test_the_fix_of_a_captioners_error_stands_apart(cover: Path) -> None:
    class Failing:
        name = "blip"

        def caption(self, image: Image.Image, tags: Tags) -> Caption:
            raise CoverError("its model is not here", "look at the console")

    assert produce_prompts(Failing(), cover, track()).warnings == (
        "captioner not available: using the palette (blip: its model is not here; look at the console)",
    )
