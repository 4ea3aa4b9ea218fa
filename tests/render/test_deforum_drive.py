"""A person's own settings with some keys left to us: what is told, and what is shown."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.render.animatic import Animatic
from lib_music.render.deforum_defaults import DEFAULTS
from lib_music.render.deforum_drive import follow_base, undriven_notes
from lib_music.render.deforum_grammar import read_schedule
from lib_music.render.deforum_settings import build_settings, resolve_drive
from lib_music.schedule import Animation, Schedule, SectionCue, Timebase

N = 48
FLAT = {"zoom": 1.04, "strength_schedule": 0.5, "contrast_schedule": 0.9}
DEEP = {"translation_z": 2.0, "rotation_3d_z": 0.4, "translation_x": 1.0, "strength_schedule": 0.5}
#: What Deforum's own default file has in the keys that matter here.
DEFORUMS_OWN = {
    "animation_mode": "3D", "zoom": "0: (1.0025+0.002*sin(1.25*3.14*t/30))", "translation_z": "0: (1.75)",
    "strength_schedule": "0: (0.65)", "diffusion_cadence": 2, "border": "replicate", "padding_mode": "border",
}


def animation(mode: Any = "2D", n: int = N, **changes: Any) -> Animation:
    values = DEEP if mode == "3D" else FLAT
    made = Animation(
        Timebase(Fraction(24), n), mode, "replicate", 64, 64, 1,
        {key: Schedule(key, ((0, 1.0), (1, value))) for key, value in values.items()},
        {0: "a fox"}, {0: ""}, (SectionCue(0, n, "A", "verse"),),
    )
    return replace(made, **changes)


def over(base: dict[str, Any], drive: str, mode: Any = "2D", **changes: Any) -> Animation:
    return animation(mode, base_settings=base, driven=resolve_drive(drive), **changes)


def followed(base: dict[str, Any], drive: str, mode: Any = "2D", **changes: Any) -> Animation:
    return follow_base(animation(mode, **changes), base, resolve_drive(drive))


# --- --drive ------------------------------------------------------------------------------------------


def test_zoom_means_the_camera_of_the_persons_own_mode() -> None:
    made = over(DEFORUMS_OWN, "zoom,strength", "3D")
    written = build_settings(made, batch_name="song")
    assert written["translation_z"] == "0:(1.000000),1:(2.000000)"
    assert written["strength_schedule"] == "0:(1.000000),1:(0.500000)"
    assert {key: written[key] for key in DEFORUMS_OWN if key not in ("translation_z", "strength_schedule")} == {
        key: value for key, value in DEFORUMS_OWN.items() if key not in ("translation_z", "strength_schedule")
    }
    assert undriven_notes("zoom,strength", made) == ()


@pytest.mark.parametrize(("drive", "mode", "told"), [
    ("zoom,angle,x,strength,prompts,border,cadence,seed,sampler,steps", "3D", ""),
    ("transform_center_x", "3D", "3D mode does not read transform_center_x"),
    ("fov", "2D", "2D mode does not read fov_schedule"),
    ("rotation_3d_x", "2D", "2D mode does not read rotation_3d_x"),
    ("cfg", "2D", "nothing in this video sets it"),
    ("init", "2D", "nothing in this video sets it"),
    ("all", "2D", ""),
    ("", "2D", ""),
])
def test_names_that_change_nothing_are_told(drive: str, mode: str, told: str) -> None:
    base = {**DEFORUMS_OWN, "animation_mode": mode}
    made = animation(mode, base_settings=base, driven=resolve_drive(drive) if drive else frozenset())
    notes = undriven_notes(drive, made)
    assert len(notes) == bool(told) and all(told in note and f"--drive {drive} " in note for note in notes)


def test_each_name_has_a_line_of_its_own() -> None:
    drive = "fov, Zoom,translation_z,fov"
    notes = undriven_notes(drive, over({"W": 64}, drive))
    assert [note.split()[1] for note in notes] == ["fov", "translation_z"]


def test_a_zoom_made_for_the_plane_is_not_read_by_the_persons_3d() -> None:
    (note,) = undriven_notes("zoom", over(DEFORUMS_OWN, "zoom", "2D"))
    assert "3D mode does not read zoom" in note


def test_drive_without_a_base_is_told() -> None:
    (note,) = undriven_notes("zoom", animation(driven=resolve_drive("zoom")))
    assert "--base-settings" in note


# --- what is shown ------------------------------------------------------------------------------------


def test_what_we_may_not_write_is_the_bases() -> None:
    base = {"border": "wrap", "zoom": "0:(0.97)", "contrast_schedule": "0:(1), 40:(0.5)"}
    made = followed(base, "strength")
    assert np.abs(made.schedules["zoom"].sample(N) - 0.97).max() <= 1e-6
    wanted = read_schedule(base["contrast_schedule"], N)
    assert np.abs(made.schedules["contrast_schedule"].sample(N) - wanted).max() <= 1e-6
    assert made.border == "wrap"
    assert made.schedules["strength_schedule"] == animation().schedules["strength_schedule"]
    written = build_settings(made, batch_name="song")
    assert {key: written[key] for key in base} == base
    assert written == build_settings(over(base, "strength"), batch_name="song")


def test_what_the_base_lacks_rests() -> None:
    made = followed({"W": 64}, "strength")
    assert (made.schedules["zoom"].sample(N) == 1.0).all() and made.schedules["contrast_schedule"].sample(N)[9] == 1.0
    assert (followed({"W": 64}, "zoom").schedules["strength_schedule"].sample(N) == 0.65).all()


def test_formulas_are_followed_frame_by_frame_to_the_last_written_one() -> None:
    base = {"angle": "0:(sin(t/5)+max_f/100), 20:(s)", "seed": 3, "diffusion_cadence": 5}
    made = followed(base, "zoom", cadence=5)
    wanted = read_schedule(base["angle"], build_settings(made, batch_name="x")["max_frames"], seed=3)[:N]
    assert np.abs(made.schedules["angle"].sample(N) - wanted).max() <= 1e-6


def test_border_in_3d_is_the_padding() -> None:
    assert followed({**DEFORUMS_OWN, "padding_mode": "reflection"}, "zoom", "3D").border == "wrap"
    assert followed({**DEFORUMS_OWN, "border": "wrap"}, "zoom", "3D").border == "replicate"
    assert followed({**DEFORUMS_OWN, "border": "wrap"}, "border", "3D").border == "replicate"
    assert followed({"border": "wrap"}, "border").border == "replicate"


def test_the_mode_that_is_written_is_shown() -> None:
    assert followed(DEFORUMS_OWN, "zoom", "2D").mode == "3D"
    assert followed(DEFORUMS_OWN, "zoom,mode", "2D").mode == "2D"
    assert followed({"animation_mode": "Interpolation"}, "zoom", "2D").mode == "2D"


def test_everything_is_ours_without_drive_or_base() -> None:
    made = animation()
    assert follow_base(made, {"zoom": "0:(0.97)"}, frozenset()) is made
    assert follow_base(made, {}, resolve_drive("strength")) is made


@pytest.mark.parametrize("text", ["", "nonsense", "5:(1)", "0:(1/0)", "0:(1,2)"])
def test_what_cannot_be_read_is_left_out(text: str) -> None:
    assert "zoom" not in followed({"zoom": text}, "strength").schedules


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(
    st.sampled_from(["zoom", "angle", "translation_x", "translation_z", "transform_center_y", "rotation_3d_x",
                     "strength_schedule", "contrast_schedule"]),
    st.sampled_from([0.0, -1.0, 1.0, 1e3, -1e14, 1e14]).map(lambda v: f"0:({v:.1f})"), max_size=4,
), st.sampled_from(["2D", "3D"]))
def test_no_base_is_too_wild_to_be_shown(base: dict[str, Any], mode: str) -> None:
    made = followed({**base, "animation_mode": mode}, "prompts", mode, n=12)
    frames = list(Animatic(np.full((32, 32, 3), 90, np.uint8)).frames(made, 0, None))
    assert len(frames) == 12


def test_our_own_defaults_as_a_base_move_nothing() -> None:
    made = followed(dict(DEFAULTS), "prompts")
    assert {curve.sample(N).std() for curve in made.schedules.values()} == {0.0}
