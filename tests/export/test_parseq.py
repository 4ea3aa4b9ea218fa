"""The Parseq document: what Deforum's adapter and Parseq itself make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lib_music.export.markers import markers_of
from lib_music.export.parseq import NO_TEMPO, TOLERANCES, parseq_document
from lib_music.prompts.storyboard import SectionPrompt, make_storyboard
from lib_music.prompts.text import Found
from lib_music.render.deforum_settings import build_settings
from lib_music.schedule.animation import Animation, Mode
from lib_music.schedule.choreography import Look, animate
from lib_music.schedule.presets import get_preset
from lib_music.schedule.schedules import Schedule
from tests.music import song

Document = dict[str, Any]


def moved(mode: Mode = "2D", fps: str = "24", **changes: Any) -> Animation:
    """A song of 32 s, in motion."""
    analysis = song()
    prompts = make_storyboard([Found("a fox"), Found("a ${wolf"), Found("an owl")], analysis.sections, seed=7)
    resolved: list[SectionPrompt] = list(prompts.resolve(analysis.sections))
    look = Look(mode=mode, cadence=3)
    animation = animate(analysis, resolved, preset=get_preset("four-on-the-floor"), fps=Fraction(fps), look=look)
    return replace(animation, **changes)


def document(animation: Animation, tempo: float = 120.0) -> Document:
    settings = build_settings(animation, batch_name="x")
    return parseq_document(animation, settings, markers_of(song(), animation.timebase), name="A song", tempo=tempo)


def column(made: Document, field: str) -> npt.NDArray[np.float64]:
    return np.array([frame[field] for frame in made["rendered_frames"]], np.float64)


def rendered_by_parseq(made: Document, field: str) -> npt.NDArray[np.float64]:
    """What Parseq computes of the keyframes: straight lines between the values that are given."""
    keys = [(row["frame"], row[field]) for row in made["keyframes"] if field in row]
    return np.interp(np.arange(len(made["rendered_frames"])), *np.transpose(keys))


@pytest.mark.parametrize("mode", ["2D", "3D"])
@pytest.mark.parametrize("fps", ["24", "30000/1001"])
def test_deforum_gets_the_very_schedules_back(mode: Mode, fps: str) -> None:
    animation = moved(mode, fps)
    made = document(animation)
    n = build_settings(animation, batch_name="x")["max_frames"]
    assert [frame["frame"] for frame in made["rendered_frames"]] == list(range(n))
    for key, schedule in animation.schedules.items():
        field = {"cfg_scale_schedule": "scale"}.get(key, key.removesuffix("_schedule"))
        got = column(made, f"{field}_delta" if field in TOLERANCES else field)
        np.testing.assert_allclose(got, schedule.sample(n), atol=6e-7, err_msg=key)
    assert made["options"]["output_fps"] == pytest.approx(float(Fraction(fps)))
    assert made["options"]["cadence"] == 3


def test_parseq_sums_and_takes_differences_as_its_renderer_does() -> None:
    made = document(moved())
    zoom, angle = column(made, "zoom"), column(made, "angle")
    np.testing.assert_allclose(1 + np.diff(zoom), column(made, "zoom_delta")[1:], atol=3e-6)
    np.testing.assert_allclose(np.diff(angle), column(made, "angle_delta")[1:], atol=3e-6)
    assert column(made, "zoom_delta")[0] == zoom[0]


@pytest.mark.parametrize("mode", ["2D", "3D"])
def test_the_thinned_keyframes_are_within_their_bounds_and_few(mode: Mode) -> None:
    made = document(moved(mode))
    for field in made["managedFields"]:
        if field == "seed":
            continue
        exact = column(made, field)
        allowed = TOLERANCES.get(field, max(1e-4, 0.002 * float(np.ptp(exact))))
        assert np.abs(rendered_by_parseq(made, field) - exact).max() <= allowed + 2e-6, field
    assert len(made["keyframes"]) < len(made["rendered_frames"])


def test_events_stand_in_info_at_their_frames() -> None:
    made = document(moved())
    info = {row["frame"]: row["info"] for row in made["keyframes"] if "info" in row}
    assert [frame for frame, words in info.items() if "beat" in words] == list(range(0, 768, 12))
    assert info[192] == "section B (chorus), downbeat"
    assert info[12] == "beat"
    frames = [row["frame"] for row in made["keyframes"]]
    assert frames == sorted(set(frames)) and frames[0] == 0 and frames[-1] == len(made["rendered_frames"]) - 1


def test_prompts_cover_every_frame_once_and_hold_no_expression() -> None:
    animation = moved()
    made = document(animation)
    listed = made["prompts"]["promptList"]
    covered = [frame for prompt in listed for frame in range(prompt["from"], prompt["to"] + 1)]
    assert covered == list(range(len(made["rendered_frames"])))
    assert "${" not in json.dumps(made)
    assert "wolf" in json.dumps(listed)
    for prompt in listed:
        text = made["rendered_frames"][prompt["from"]]["deforum_prompt"]
        assert text.startswith(prompt["positive"])
        assert prompt["negative"] in text.split("--neg")[-1]


def seeds_of_parseq(made: Document) -> list[float]:
    """What Parseq makes of the seeds' keyframes: S holds the last value, S+f adds the frame's number."""
    rows = {row["frame"]: row for row in made["keyframes"] if "seed" in row}
    found, held = [], rows[0]
    for frame in range(len(made["rendered_frames"])):
        held = rows.get(frame, held)
        found.append(held["seed"] + (frame if held["seed_i"] == "S+f" else 0))
    return found


@pytest.mark.parametrize("keys", [None, ((0, 9.0), (30, 9.0), (31, 500.0)), ((0, 3.0), (100, 103.0), (101, 7.0))])
def test_seeds_are_those_that_deforum_is_given(keys: tuple[tuple[int, float], ...] | None) -> None:
    animation = moved()
    schedules = {key: schedule for key, schedule in animation.schedules.items() if key != "seed_schedule"}
    own = {"seed_schedule": Schedule("seed_schedule", keys)} if keys else {}
    for given in (animation.schedules, schedules | own):
        made = document(replace(animation, schedules=given, seed=40))
        seeds = column(made, "seed")
        assert seeds_of_parseq(made) == seeds.tolist()
        np.testing.assert_array_equal(column(made, "subseed"), seeds)
        assert len([row for row in made["keyframes"] if "seed" in row]) < 30
    assert seeds[:3].tolist() == ([40, 41, 42] if not keys else [keys[0][1]] * 3 if keys[0][1] == 9 else [3, 4, 5])


def test_only_what_is_driven_is_managed() -> None:
    made = document(moved(driven=frozenset({"zoom", "strength_schedule"})))
    assert made["managedFields"] == ["zoom", "strength"] or made["managedFields"] == ["strength", "zoom"]
    assert set(made["rendered_frames"][0]) == {"frame", "zoom", "zoom_delta", "strength"}
    assert made["prompts"]["enabled"] is False


def test_it_is_plain_json_and_parseq_opens_it() -> None:
    """What the importer asks for, and what its renderer refuses: too few keyframes, no rate, no tempo."""
    made = json.loads(json.dumps(document(moved(), tempo=0.0), allow_nan=False))
    assert isinstance(made["keyframes"], list) and len(made["keyframes"]) >= 2
    assert made["prompts"]["format"] == "v2" and isinstance(made["options"], dict)
    assert made["options"]["bpm"] == NO_TEMPO and made["options"]["output_fps"] > 0
    assert all(np.isfinite(v) for frame in made["rendered_frames"] for v in frame.values() if not isinstance(v, str))
