"""The rest of an animation, painted by a run of its own, must mean what the whole meant there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.render.deforum_defaults import DEFAULTS, NUMBER_SCHEDULES, TEXT_SCHEDULES
from lib_music.render.deforum_grammar import read_prompts, read_schedule, read_text_schedule
from lib_music.render.deforum_tail import can_be_cut, tail_settings

N = 61
WHOLE = {
    **DEFAULTS,
    "max_frames": N,
    "diffusion_cadence": 4,
    "zoom": "0:(1.0025+0.002*sin(1.25*3.14*t/30))",
    "angle": "0:(1),7:(5),20:(-3)",
    "seed_schedule": "0:(100),60:(160)",
    "strength_schedule": "0:(0.4),40:(0.8)",
    "sampler_schedule": '0:("Euler a"),30:("DDIM")',
    "prompts": {"0": "a", "20": "b", "40": "c"},
}


@pytest.mark.parametrize("first", [4, 20, 24, 56])
def test_every_schedule_goes_on_where_the_whole_was(first: int) -> None:
    rest = tail_settings(WHOLE, first, "/there/x.png")
    assert rest["max_frames"] == N - first
    for key in NUMBER_SCHEDULES:
        whole = read_schedule(WHOLE[key], N)[first:]
        assert np.abs(read_schedule(rest[key], N - first, strict=True) - whole).max() <= 1e-6, key
    for key in TEXT_SCHEDULES:
        assert read_text_schedule(rest[key], N - first) == read_text_schedule(WHOLE[key], N)[first:], key
    shown = read_prompts(rest["prompts"])
    for frame in range(first, N):
        now = max(key for key in shown if key <= frame - first)
        assert shown[now] == "abc"[min(frame // 20, 2)]


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=3, max_size=40), st.data())
def test_values_that_repeat_are_left_out_without_a_change(values: list[float], data: st.DataObject) -> None:
    first = data.draw(st.integers(1, len(values) - 1))
    text = ",".join(f"{i}:({v})" for i, v in enumerate(values))
    rest = tail_settings({**WHOLE, "max_frames": len(values), "angle": text}, first, "/x.png")
    assert read_schedule(rest["angle"], len(values) - first).tolist() == values[first:]


def test_it_begins_from_the_picture() -> None:
    rest = tail_settings(WHOLE, 20, "/there/x.png")
    assert (rest["use_init"], rest["init_image"], rest["strength"]) == (True, "/there/x.png", pytest.approx(0.6))
    assert rest["batch_name"] == WHOLE["batch_name"]


def test_a_prompt_that_counts_frames_cannot_be_cut() -> None:
    assert can_be_cut(WHOLE)
    assert not can_be_cut({**WHOLE, "prompts": {"0": "a (b:`t/10`)"}})
    assert not can_be_cut({**WHOLE, "animation_mode": "Video Input"})
