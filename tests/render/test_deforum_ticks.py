"""What is ticked is ours, and nothing else: over every key that any Deforum is known to have."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.errors import InputError
from lib_music.render.deforum_base import parse_base_settings
from lib_music.render.deforum_defaults import DEFAULTS, NUMBER_SCHEDULES, TEXT_SCHEDULES
from lib_music.render.deforum_settings import DRIVEABLE, NOTHING, build_settings, driven_values, resolve_drive
from lib_music.render.deforum_ticks import ALWAYS, FIRST, TICKS, drive_of, network_tags, ticks_of, words_of
from lib_music.schedule import Animation, Schedule, SectionCue, Timebase

#: A person's file as the tab saves it: masks, ControlNet with its three schedules, a LoRA tag.
PERSONS: dict[str, Any] = {
    "W": 640, "H": 360, "fps": 12, "animation_mode": "3D", "diffusion_cadence": 3, "sampler": "DPM++ 2M", "steps": 28,
    "use_mask": True, "mask_file": "/home/me/mask.png", "invert_mask": True, "mask_contrast_adjust": 1.2,
    "use_depth_warping": True, "depth_algorithm": "Zoe", "midas_weight": 0.3,
    "cn_1_enabled": True, "cn_1_module": "canny", "cn_1_model": "control_canny [d3ad]", "cn_1_pixel_perfect": True,
    "cn_1_weight": "0:(1), 30:(0.4)", "cn_1_guidance_start": "0:(0.1)", "cn_1_guidance_end": "0:(0.6+0.1*sin(t/9))",
    "cn_1_vid_path": "/home/me/lines.mp4", "cn_1_control_mode": "My prompt is more important",
    "hybrid_motion": "Optical Flow", "hybrid_composite": "Normal", "video_init_path": "/home/me/dance.mp4",
    "use_looper": True, "init_images": '{"0": "/home/me/a.png", "30": "/home/me/b.png"}',
    "color_coherence": "LAB", "zoom": "0: (1.0025+0.002*sin(1.25*3.14*t/30))", "translation_z": "0:(1.75)",
    "strength_schedule": "0: (0.65), 24: (0.4)", "cfg_scale_schedule": "0:(9)", "seed": -1, "seed_behavior": "iter",
    "prompts": {"0": "a harbour, <lora:ink-wash:0.8>", "40": "a reef --neg blur"},
    "animation_prompts_positive": "<lora:grain:0.3>, film", "animation_prompts_negative": "text",
    "batch_name": "mine_{timestring}", "sd_model_name": "dream.safetensors", "wan_seed": 7,
}  # fmt: skip
#: A value that is not the default for each key that is known.
OTHER = {
    "prompts": {"0": "theirs <lora:x:1>"}, "animation_prompts_positive": "plus", "init_image": "/home/me/i.png",
    "animation_mode": "3D", "diffusion_cadence": 5, "fps": 29.97, "W": 770, "H": 130, "batch_name": "theirs",
    "init_images": '{"0": "/home/me/a.png"}', "parseq_manifest": '{"rendered_frames": []}', "diffusion_redo": "2",
    "fill": 2,
}  # fmt: skip
#: Ours over any file, as the settings module says; the last only beside a Parseq manifest.
REQUIRED = {*ALWAYS, "parseq_non_schedule_overrides"}


def other(key: str) -> Any:
    value = DEFAULTS[key]
    if key in OTHER:
        return OTHER[key]
    if key in TEXT_SCHEDULES:
        return '0:("theirs"),9:("other")'
    if key in NUMBER_SCHEDULES:
        return "0: (0.31+0.01*sin(t/7)), 11:(0.5)"
    if isinstance(value, bool):
        return not value
    return value + 3 if isinstance(value, int | float) else "theirs"


THEIRS = {key: other(key) for key in DEFAULTS}


def animation(base: dict[str, Any], driven: frozenset[str], **more: Any) -> Animation:
    """An animation that has a curve of ours for everything that can be driven by one."""
    curves = sorted(DRIVEABLE & NUMBER_SCHEDULES)
    return Animation(**{
        "timebase": Timebase(Fraction(24), 48), "mode": "2D", "border": "wrap", "width": 512, "height": 512,
        "cadence": 2, "schedules": {key: Schedule(key, ((0, 0.7), (47, 0.71))) for key in curves},
        "prompts": {0: "ours"}, "negatives": {0: ""}, "cues": (SectionCue(0, 48, "A", "verse"),),
        "start_image": Path("cover.png"), "base_settings": base, "driven": driven, **more,
    })  # fmt: skip


def as_the_page_asks(base: dict[str, Any], ticks: set[str]) -> Animation:
    """Size, rate, mode and cadence are the base's where they are not ticked, as ``Request.over`` has it."""
    from lib_music.request import Request

    driven = resolve_drive(drive_of(ticks))
    asked = Request(Path("song.wav")).over({k: v for k, v in base.items() if k not in driven}, driven)
    assert asked.width and asked.height and asked.fps and asked.mode
    from lib_music.schedule.timebase import parse_fps

    return animation(
        base, driven, width=asked.width, height=asked.height, mode=asked.mode, cadence=asked.cadence or 2,
        timebase=Timebase(parse_fps(asked.fps), 48),
    )  # fmt: skip


def test_the_list_names_every_parameter_that_can_be_driven_once() -> None:
    named = [key for tick in TICKS for key in tick.keys]
    assert len(named) == len(set(named)) and set(named) == DRIVEABLE
    assert len({tick.id for tick in TICKS}) == len(TICKS) and not set(named) & set(ALWAYS)
    assert {"strength", "zoom", "prompts"} <= set(FIRST) and not {"sampler", "mode", "perspective"} & set(FIRST)


@settings(deadline=None, max_examples=60)
@given(st.sets(st.sampled_from([tick.id for tick in TICKS])), st.booleans())
def test_every_key_that_is_not_ticked_keeps_the_bases_value(ticks: set[str], parseq: bool) -> None:
    base = dict(THEIRS) if parseq else {**THEIRS, "parseq_manifest": ""}
    base = dict(parse_base_settings(json.dumps(base), "theirs").values)
    moved = as_the_page_asks(base, ticks)
    built, written = build_settings(moved, batch_name="song"), driven_values(moved)
    ours = {key for tick in TICKS if tick.id in ticks for key in tick.keys}
    assert {key for key in base if key not in ours | REQUIRED and built[key] != base[key]} == set()
    assert {key for key in ours & written.keys() if built[key] != written[key]} == set(), "what is ticked is ours"
    assert built["parseq_non_schedule_overrides"] == (False if parseq else base["parseq_non_schedule_overrides"])


@settings(deadline=None, max_examples=40)
@given(st.sets(st.sampled_from([tick.id for tick in TICKS])))
def test_a_persons_file_passes_through_with_only_the_ticked_keys_changed(ticks: set[str]) -> None:
    base = parse_base_settings(json.dumps(PERSONS), "mine.txt")
    assert base.warnings == () and dict(base.values) == PERSONS
    built = build_settings(as_the_page_asks(PERSONS, ticks), batch_name="song")
    ours = {key for tick in TICKS if tick.id in ticks for key in tick.keys}
    for key, value in PERSONS.items():
        assert key in ours or built[key] == value, key
    kept = {key for key in PERSONS if key.startswith(("cn_", "mask", "use_mask", "hybrid", "depth", "init_images"))}
    assert len(kept) >= 16 and all(built[key] == PERSONS[key] for key in kept)
    assert ("<lora:ink-wash:0.8>" in built["prompts"]["0"]) == ("prompts" not in ticks)


def test_nothing_ticked_is_nothing_of_ours() -> None:
    assert drive_of(()) == NOTHING and ticks_of(resolve_drive(NOTHING)) == ()
    built = build_settings(as_the_page_asks(PERSONS, set()), batch_name="song")
    changed = {key for key in PERSONS if built[key] != PERSONS[key]}
    assert changed == set() and built["max_frames"] >= 48


@given(st.sets(st.sampled_from([tick.id for tick in TICKS])))
def test_ticks_and_drive_are_the_same_thing(ticks: set[str]) -> None:
    assert set(ticks_of(resolve_drive(drive_of(ticks)))) == ticks


def test_no_drive_is_all_of_it_and_strangers_are_refused() -> None:
    assert ticks_of(()) == tuple(tick.id for tick in TICKS)
    for wrong in ("", "zoom,strength", "ZOOM", "__class__", "sd_model_name"):
        with pytest.raises(InputError):
            drive_of([wrong])


def test_a_file_is_told_in_words() -> None:
    told = "\n".join(words_of(PERSONS))
    for word in (
        "3D, depth model Zoe", "640×360 at 12 fps", "mask: mask.png, inverted", "ControlNet unit 1: canny",
        "weight 0:(1), 30:(0.4)", "hybrid video: motion Optical Flow, composite Normal", "guided images: 2", "28 steps",
        "sampler DPM++ 2M", "colours kept by LAB", "2 prompts", "<lora:ink-wash:0.8>, <lora:grain:0.3>", "dream",
    ):  # fmt: skip
        assert word in told, (word, told)
    plain = "\n".join(words_of({}))
    absent = ("mask", "ControlNet", "hybrid", "guided", "lora", "Parseq", "depth model")
    assert not any(word in plain for word in absent)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(DEFAULTS)), st.text(max_size=3000), max_size=6))
def test_whatever_stands_in_it_is_told_shortly(values: dict[str, Any]) -> None:
    texts = {key: value for key, value in values.items() if isinstance(DEFAULTS[key], str | None)}
    texts.pop("prompts", None)
    for line in words_of(texts):
        assert len(line) < 600 and line.isprintable()


def test_tags_are_found_once_and_in_order() -> None:
    texts = ["a <LoRA:b:1> <lora:b:1>", "<lyco:c> <hypernet:d:.5> <img:x> <lora:>", "<lora:" + "x" * 500 + ">"]
    assert network_tags(texts) == ("<LoRA:b:1>", "<lora:b:1>", "<lyco:c>", "<hypernet:d:.5>")
