"""What the Motion part holds: foreign in, one validated value, curves out."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.errors import InputError
from lib_music.project import Project
from lib_music.request import Request
from lib_music.schedule.timebase import Timebase, parse_fps
from lib_music.studio.motion import DRAWN, MAX_POINTS, MOTION, Motion, curves, preferred, read_motion, write_motion
from tests.music import song
from tests.schedule.test_choreography import moved
from tests.studio.places import heard, studio_in

BAD: tuple[tuple[str, Any], ...] = (
    ("preset", "polka"),
    ("preset", 3),
    ("preset", "auto\x00"),
    ("intensity", math.nan),
    ("intensity", 2.01),
    ("intensity", -0.01),
    ("intensity", "1"),
    ("intensity", True),
    ("intensity", 10**400),
    ("fps", "0"),
    ("fps", "9**9**9"),
    ("fps", "24; rm -rf /"),
    ("fps", 1e300),
    ("fps", math.inf),
    ("fps", [24]),
    ("fps", "9" * 10_000_000),
    ("cadence", 0),
    ("cadence", 51),
    ("cadence", 2.5),
    ("width", 100),
    ("width", 56),
    ("width", 4104),
    ("width", math.nan),
    ("height", "512"),
    ("height", 10**400),
    ("mode", "4D"),
    ("mode", ["2D"]),
    ("start", -1),
    ("start", math.inf),
    ("start", "0:30"),
    ("duration", 0),
    ("duration", math.nan),
    ("seed", -1),
    ("seed", 2**31),
    ("seed", 1.5),
    ("sampler", "x" * 101),
    ("sampler", "Euler\na"),
    ("sampler", {}),
    ("steps", 0),
    ("steps", 151),
    ("renderer", "blender"),
    ("renderer", "../animatic"),
    ("captions", 1),
    ("captions", "true"),
)


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_cannot_be_used_is_named(name: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        Motion.from_dict({**Motion().to_dict(), name: value})
    assert name in caught.value.message and len(caught.value.message) < 200
    if name != "fps":
        with pytest.raises(InputError):
            replace(Motion(), **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "span"),
    [
        ("intensity", -1, "0 to 2"),
        ("duration", 0, "0.1 to 10800 seconds, or leave it empty to paint to the end"),
        ("seed", -1, "0 to 2147483647"),
    ],
)
def test_the_range_that_is_named_is_the_one_that_counts(name: str, value: float, span: str) -> None:
    with pytest.raises(InputError) as caught:
        Motion.from_dict({name: value})
    assert caught.value.fix == f"give {span}"


@pytest.mark.parametrize("value", [-5, 0, "0:20", math.nan])
def test_a_length_that_cannot_be_is_told_by_the_name_of_its_box_and_of_its_field(value: Any) -> None:
    with pytest.raises(InputError, match=r"^Length \(duration\) is "):
        Motion.from_dict({"duration": value})


@pytest.mark.parametrize("data", [None, 3, "x", [], [("fps", "24")]])
def test_what_is_no_object_is_said(data: object) -> None:
    with pytest.raises(InputError):
        Motion.from_dict(data)


def test_what_is_missing_is_the_default_and_what_is_unknown_is_passed_over() -> None:
    assert Motion.from_dict({}) == Motion()
    assert Motion.from_dict({"fps": "30", "wobble": 3, "__class__": "x", "steps": None}) == Motion(fps="30")


good = st.builds(
    Motion,
    preset=st.sampled_from(["auto", "ambient", "hip-hop", "four-on-the-floor"]),
    intensity=st.floats(0, 2),
    fps=st.sampled_from(["24", "25", "30", "60", "29.97", "30000/1001"]),
    cadence=st.none() | st.integers(1, 50),
    width=st.integers(8, 512).map(lambda n: 8 * n),
    height=st.integers(8, 512).map(lambda n: 8 * n),
    mode=st.sampled_from(["2D", "3D"]),
    start=st.floats(0, 1000),
    duration=st.none() | st.floats(0.1, 1000),
    seed=st.none() | st.integers(0, 2**31 - 1),
    sampler=st.sampled_from(["", "Euler a", "DPM++ 2M Karras"]),
    steps=st.integers(1, 150),
    renderer=st.sampled_from(["", "animatic", "deforum"]),
    captions=st.booleans(),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(good)
def test_it_survives_json_and_asks_for_the_same(motion: Motion) -> None:
    assert Motion.from_dict(json.loads(json.dumps(motion.to_dict(), allow_nan=False))) == motion
    known = Request(Path("song.mp3"), title="T", style="old", negative="old", prompts=Path("p.txt"), preset="ambient")
    asked = motion.request(known, "animatic").over({}, frozenset())
    assert (asked.title, asked.style, asked.negative, asked.prompts) == ("T", "", None, None)
    assert replace(Motion.of(asked), renderer=motion.renderer) == motion


@given(st.dictionaries(st.sampled_from(sorted(Motion().to_dict())), json_values))
def test_anything_is_a_motion_or_a_message(data: dict[str, Any]) -> None:
    try:
        motion = Motion.from_dict(data)
    except InputError as error:
        assert error.message.isprintable()
    else:
        json.dumps(motion.to_dict(), allow_nan=False)
        assert Motion.from_dict(motion.to_dict()) == motion


def test_browsers_send_whole_numbers_as_they_like() -> None:
    sent = {"steps": 30.0, "width": 1024.0, "height": 576, "cadence": 4.0, "fps": 25, "seed": 7.0, "intensity": 1}
    assert Motion.from_dict(sent) == Motion(steps=30, width=1024, height=576, cadence=4, fps="25", seed=7)
    assert isinstance(Motion.from_dict(sent).steps, int)


@pytest.mark.parametrize(("fps", "frames"), [("24", 5760), ("25", 6000), ("30", 7200), ("60", 14400)])
def test_the_usual_rates_are_exact(fps: str, frames: int) -> None:
    rate = parse_fps(Motion.from_dict({"fps": fps}).fps)
    assert rate == Fraction(int(fps)) and Timebase.for_duration(240.0, rate).n_frames == frames


def test_it_is_kept_in_its_project_and_a_damaged_file_hurts_nobody(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    project = Project(studio.host.workspace() / heard(studio))
    chosen = Motion(preset="ambient", fps="60", width=576, height=1024, start=2.0, duration=4.0, sampler="Heun")
    write_motion(project, chosen)
    assert read_motion(studio.host, project) == chosen
    for text in ('{"fps": "0"}', "[", "[]", "\x00", '{"width": 1e999}'):
        project.path(MOTION).write_text(text)
        found = read_motion(studio.host, project)
        assert found == Motion.of(Request.from_dict(project.request(), project))
    project.path(MOTION).unlink()
    (project.file).write_text("{")
    assert read_motion(studio.host, project) == preferred(studio.host) == Motion()


@pytest.mark.parametrize("fps", [24, 60])
@pytest.mark.parametrize("mode", ["2D", "3D"])
def test_curves_show_every_hit_where_it_sounds(fps: int, mode: str) -> None:
    animation = replace(moved(song(bpm=120, plan=(("A", "chorus", 32),)), fps=fps, mode=mode), sound_start=7.5)
    drawn = json.loads(json.dumps(curves(animation), allow_nan=False))
    n = animation.timebase.n_frames
    every = fps / drawn["rate"]
    assert drawn["start"] == 7.5 and every == -(-n // MAX_POINTS)
    assert drawn["hits"] == pytest.approx([7.5 + hit / fps for hit in animation.hits], abs=1e-3)
    names = [series["name"] for series in drawn["series"]]
    assert set(names) <= set(DRAWN) and "strength_schedule" in names
    assert ("zoom" in names) == (mode == "2D") and ("translation_z" in names) == (mode == "3D")
    for series in drawn["series"]:
        values = np.array(series["values"])
        assert len(values) == -(-n // int(every)) and values.min() >= 0 and values.max() <= 100
    forward = next(s for s in drawn["series"] if s["name"] in ("zoom", "translation_z"))
    values = np.array(forward["values"])
    at = [int(hit // every) for hit in animation.hits if 0 < hit < n - 1]
    assert (values[at] > np.median(values) + 10).all(), "no jump is lost where points are fewer than frames"


def test_a_still_picture_has_flat_curves() -> None:
    drawn = curves(moved(song(), intensity=0.0))
    (zoom,) = [series for series in drawn["series"] if series["name"] == "zoom"]
    assert zoom["min"] == zoom["max"] == 1.0 and set(zoom["values"]) == {0}
