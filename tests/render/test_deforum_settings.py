"""The settings file: complete, typed, exact, and honest about whose keys it writes."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.errors import SettingsError
from lib_music.render.deforum_defaults import (
    CONTROLNET_UNITS,
    DEFAULTS,
    NUMBER_SCHEDULES,
    PATH_KEYS,
    TEXT_SCHEDULES,
)
from lib_music.render.deforum_grammar import read_schedule, read_text_schedule
from lib_music.render.deforum_settings import (
    build_settings,
    join_prompt,
    read_base_settings,
    resolve_drive,
    saved_frames,
    write_settings,
)
from lib_music.schedule import Animation, Schedule, SectionCue, Timebase


def animation(n: int = 101, **changes: Any) -> Animation:
    values: dict[str, Any] = {
        "timebase": Timebase(Fraction(24), n),
        "mode": "2D",
        "border": "wrap",
        "width": 512,
        "height": 512,
        "cadence": 1,
        "schedules": {"zoom": Schedule("zoom", ((0, 1.0), (12, 1.04), (13, 1.0)))},
        "prompts": {0: "a red fox", 48: "a grey wolf"},
        "negatives": {0: "blurry"},
        "cues": (SectionCue(0, n, "A", "verse"),),
        "seed": 7,
    }
    return Animation(**{**values, **changes})


def seeds(settings: dict[str, Any], n: int) -> list[int]:
    """What Deforum makes of the seed schedule: interpolate, then cut to a whole."""
    return [int(value) for value in read_schedule(settings["seed_schedule"], settings["max_frames"])[:n]]


def test_every_key_is_there_with_its_own_type() -> None:
    settings = build_settings(animation(), batch_name="song")
    assert set(settings) >= set(DEFAULTS)
    for key, default in DEFAULTS.items():
        if default is not None:
            assert type(settings[key]) is type(default), key
    assert sum(key.startswith("cn_") for key in settings) == 17 * CONTROLNET_UNITS
    assert json.loads(json.dumps(settings, allow_nan=False)) == settings


def test_nothing_is_fetched_or_stitched_by_the_host() -> None:
    settings = build_settings(animation(), batch_name="song")
    for key in PATH_KEYS:
        assert settings[key] in ("", None, "{}"), key
    assert "http" not in json.dumps(settings)
    assert settings["skip_video_creation"] is True
    assert settings["add_soundtrack"] == "None"
    assert settings["use_depth_warping"] is False
    assert settings["color_coherence"] == "None"
    assert settings["resume_from_timestring"] is False


def test_every_schedule_passes_the_strict_reader() -> None:
    settings = build_settings(animation(mode="3D"), batch_name="song")
    for key in NUMBER_SCHEDULES:
        assert np.isfinite(read_schedule(settings[key], settings["max_frames"], parameter=key, strict=True)).all()
    for key in TEXT_SCHEDULES:
        assert all(read_text_schedule(settings[key], 10, parameter=key))


@pytest.mark.parametrize("cadence", [1, 2, 3, 5, 8, 50])
@pytest.mark.parametrize("n", [1, 2, 47, 48, 49, 240])
def test_enough_frames_are_saved_and_no_block_more(n: int, cadence: int) -> None:
    settings = build_settings(
        animation(n, cadence=cadence, prompts={0: "x"}, schedules={}), batch_name="song"
    )
    saved = saved_frames(settings["max_frames"], cadence)
    assert n <= saved <= n + cadence
    assert settings["max_frames"] == -(-n // cadence) * cadence + 1


curves = st.lists(st.floats(-500, 500).map(lambda v: round(v, 6)), min_size=2, max_size=80)


@given(curves, st.integers(1, 12), st.sampled_from(["linear", "hold"]))
def test_what_deforum_reads_is_what_the_animation_says(values: list[float], cadence: int, how: Any) -> None:
    schedule = Schedule("angle", tuple(enumerate(values)), how)
    made = animation(len(values), cadence=cadence, schedules={"angle": schedule}, prompts={0: "x"})
    settings = build_settings(made, batch_name="song")
    read = read_schedule(settings["angle"], settings["max_frames"], strict=True)
    assert np.abs(read[: len(values)] - schedule.sample(len(values))).max() <= 1e-6
    assert (read[len(values) :] == read[len(values) - 1]).all(), "held to the end"


def test_a_key_past_the_end_keeps_its_ramp() -> None:
    long = Schedule("zoom", ((0, 1.0), (200, 2.0)))
    settings = build_settings(animation(101, schedules={"zoom": long}), batch_name="song")
    read = read_schedule(settings["zoom"], settings["max_frames"], strict=True)
    assert np.abs(read[:101] - long.sample(101)).max() <= 1e-6


@given(st.lists(st.integers(0, 2**32 + 5), min_size=1, max_size=60), st.integers(1, 7))
def test_seeds_are_exact_at_every_frame(wanted: list[int], cadence: int) -> None:
    schedule = Schedule("seed_schedule", tuple(enumerate(map(float, wanted))), "hold")
    made = animation(len(wanted), cadence=cadence, schedules={"seed_schedule": schedule}, prompts={0: "x"})
    settings = build_settings(made, batch_name="song")
    assert settings["seed_behavior"] == "schedule"
    assert seeds(settings, len(wanted)) == [seed % 2**32 for seed in wanted]


def test_seeds_count_up_by_default_in_few_keys() -> None:
    settings = build_settings(animation(5000, seed=1234, prompts={0: "x"}), batch_name="song")
    assert seeds(settings, 5000) == [1234 + t for t in range(5000)]
    assert settings["seed_schedule"].count(":") == 2


def test_prompts_carry_one_negative_each() -> None:
    settings = build_settings(
        animation(prompts={0: "a fox", 48: "a wolf --neg mine", 60: "a bear"}, negatives={0: "blurry", 60: ""}),
        batch_name="song",
    )
    assert settings["prompts"] == {"0": "a fox --neg blurry", "48": "a wolf --neg mine", "60": "a bear"}
    assert settings["animation_prompts_positive"] == settings["animation_prompts_negative"] == ""


def test_a_change_of_the_negative_alone_makes_a_key() -> None:
    settings = build_settings(animation(prompts={0: "a"}, negatives={0: "x", 9: "y"}), batch_name="song")
    assert settings["prompts"] == {"0": "a --neg x", "9": "a --neg y"}


@given(st.text(max_size=60), st.text(alphabet="-neg x`", max_size=60))
def test_no_negative_smuggles_in_a_second_part(prompt: str, negative: str) -> None:
    joined = join_prompt(prompt, negative)
    assert "`" not in joined
    assert joined.count("--neg") <= max(1, prompt.count("--neg"))


def test_a_start_image_is_used_at_the_schedules_strength(tmp_path: Path) -> None:
    made = animation(
        start_image=tmp_path / "cover.png",
        schedules={"strength_schedule": Schedule("strength_schedule", ((0, 0.4), (5, 0.7)))},
    )
    settings = build_settings(made, batch_name="song")
    assert (settings["use_init"], settings["strength"]) == (True, 0.4)
    assert settings["init_image"] == str(tmp_path / "cover.png")


def test_the_start_image_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = build_settings(animation(start_image=Path("song/cover.png")), batch_name="song")
    assert settings["init_image"] == str((tmp_path / "song" / "cover.png").resolve())


def test_switches_follow_their_schedules() -> None:
    made = animation(schedules={"steps_schedule": Schedule("steps_schedule", ((0, 10.0), (50, 30.0)))})
    settings = build_settings(made, batch_name="song")
    assert settings["enable_steps_scheduling"] is True
    assert build_settings(animation(), batch_name="song")["enable_steps_scheduling"] is False


@pytest.mark.parametrize(
    ("fps", "written"), [(Fraction(24), 24), (Fraction(30000, 1001), 29.97003), (Fraction(25, 2), 12.5)]
)
def test_fps(fps: Fraction, written: float) -> None:
    settings = build_settings(animation(timebase=Timebase(fps, 101)), batch_name="song")
    assert settings["fps"] == written and type(settings["fps"]) is type(written)


BASE = {
    **DEFAULTS,
    "angle": "0: (2*sin(t/5))",
    "zoom": "0: (1.5)",
    "sampler": "DDIM",
    "animation_mode": "3D",
    "diffusion_cadence": "4",
    "prompts": {"0": "mine"},
    "max_frames": 9,
    "skip_video_creation": False,
    "resume_from_timestring": True,
    "store_frames_in_ram": True,
    "from_some_fork": {"kept": [1, 2]},
}


def test_over_a_base_only_the_driven_keys_change() -> None:
    made = animation(base_settings=BASE, driven=resolve_drive("zoom"))
    settings = build_settings(made, batch_name="song")
    changed = {key for key in BASE if settings[key] != BASE[key]}
    assert changed == {
        "zoom", "max_frames", "skip_video_creation", "resume_from_timestring", "store_frames_in_ram",
        "diffusion_cadence",
    }
    assert settings["diffusion_cadence"] == 4
    assert settings["zoom"].startswith("0:(1.000000),12:(1.040000)")
    # The person's cadence of 4 stays, and the frame count follows it.
    assert settings["max_frames"] == 105 and saved_frames(105, 4) == 104


def test_over_a_base_everything_we_know_is_driven_by_default() -> None:
    settings = build_settings(animation(base_settings=BASE), batch_name="song")
    assert settings["prompts"]["0"].startswith("a red fox")
    assert (settings["animation_mode"], settings["diffusion_cadence"]) == ("2D", 1)
    assert settings["angle"] == BASE["angle"], "no schedule of ours moves it"
    assert settings["from_some_fork"] == {"kept": [1, 2]}


@pytest.mark.parametrize(("own", "written"), [("..", "song"), ("", "song"), (" . ", "song"), ("a/{seed}", "a/{seed}")])
def test_a_base_keeps_its_batch_name_unless_it_leads_out(own: str, written: str) -> None:
    made = animation(base_settings={**BASE, "batch_name": own})
    assert build_settings(made, batch_name="song")["batch_name"] == written


def test_a_base_without_prompts_gets_ours() -> None:
    made = animation(base_settings={"W": 64}, driven=resolve_drive("zoom"))
    assert build_settings(made, batch_name="song")["prompts"]["0"].startswith("a red fox")


def test_a_base_mode_that_paints_nothing_is_replaced() -> None:
    made = animation(base_settings={**BASE, "animation_mode": "None"}, driven=resolve_drive("zoom"))
    assert build_settings(made, batch_name="song")["animation_mode"] == "2D"


def test_settings_are_the_callers_own() -> None:
    build_settings(animation(base_settings=BASE), batch_name="a")["from_some_fork"]["kept"].append(3)
    build_settings(animation(), batch_name="a")["prompts"]["0"] = "changed"
    assert BASE["from_some_fork"] == {"kept": [1, 2]}
    assert DEFAULTS["prompts"] == {"0": ""}


def test_drive_names() -> None:
    assert resolve_drive("zoom, Strength") == {"zoom", "translation_z", "strength_schedule"}
    assert resolve_drive("turn") == resolve_drive("angle") == {"angle", "rotation_3d_z"}
    assert resolve_drive("x,y") == {"translation_x", "translation_y"}
    assert resolve_drive("strength_schedule") == {"strength_schedule"}
    assert {"prompts", "animation_prompts_negative"} <= resolve_drive("prompts")
    assert "enable_perspective_flip" in resolve_drive("perspective_flip_phi")
    assert resolve_drive("all") >= {"zoom", "prompts", "steps", "seed_schedule"}


@pytest.mark.parametrize("text", ["", " , ", "zoom,wobble", "W", "../x"])
def test_unknown_drive_names_are_told_the_known_ones(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve_drive(text)
    assert "strength" in caught.value.fix and "prompts" in caught.value.fix


@given(st.text(max_size=200))
def test_the_batch_name_is_always_a_harmless_folder(text: str) -> None:
    name = build_settings(animation(), batch_name=text)["batch_name"]
    assert 1 <= len(name) <= 60
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


def test_written_file_is_ascii_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    settings = build_settings(animation(prompts={0: "ein Füchschen 狐"}), batch_name="song")
    write_settings(path, settings)
    assert path.read_bytes().isascii()
    assert dict(read_base_settings(path).values) == settings
    assert read_base_settings(path).warnings == ()
    assert [p.name for p in tmp_path.iterdir()] == ["song.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text("old")
    with pytest.raises(SettingsError, match="not JSON"):
        write_settings(path, {"zoom": float("nan")})
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1
