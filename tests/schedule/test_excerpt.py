"""A stretch of an animation shows what the whole shows there."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.errors import RangeError
from lib_music.prompts.storyboard import make_storyboard
from lib_music.prompts.text import Own
from lib_music.render.deforum_grammar import read_prompts, read_schedule
from lib_music.render.deforum_settings import build_settings
from lib_music.schedule.animation import Animation
from lib_music.schedule.choreography import Look, animate
from lib_music.schedule.excerpt import cut, excerpt
from lib_music.schedule.presets import PRESETS, get_preset
from lib_music.schedule.schedules import Schedule
from tests.music import song


def whole(preset: str = "four-on-the-floor", fps: str = "24", cadence: int | None = 2, mode: str = "2D") -> Animation:
    analysis = song(bpm=117, start=0.4)
    texts = [Own("a lighthouse, `t` steps"), Own("b"), Own("c")]
    board = make_storyboard(texts, analysis.sections, negative=Own("fog"), style=Own(""), seed=7)
    look = Look(256, 144, mode=mode, cadence=cadence, seed=2**31 - 5)  # type: ignore[arg-type]
    prompts = board.resolve(analysis.sections)
    return animate(analysis, prompts, preset=get_preset(preset), fps=Fraction(fps), look=look)


def now(texts: dict[int, str], frame: int) -> str:
    return texts[max(at for at in texts if at <= frame)]


rates = st.sampled_from(["24", "25", "30", "60", "30000/1001"])


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(sorted(PRESETS)), rates, st.integers(1, 7), st.sampled_from(["2D", "3D"]))
def test_each_frame_is_that_frame_of_the_whole(
    data: st.DataObject, preset: str, fps: str, cadence: int, mode: str
) -> None:
    animation = whole(preset, fps, cadence, mode)
    n = animation.timebase.n_frames
    asked = data.draw(st.integers(0, n - 1))
    last = data.draw(st.integers(asked + 1, n + 50))
    part = excerpt(animation, asked, last)
    first, end = asked - asked % cadence, min(last, n)
    assert part.timebase.n_frames == end - first and part.timebase.fps == animation.timebase.fps
    assert [first + frame for frame in part.diffused] == [f for f in animation.diffused if first <= f < end]
    for name, schedule in animation.schedules.items():
        expected = schedule.sample(n)[first:end]
        found = part.schedules[name].sample(end - first)
        assert np.abs(found - expected).max() <= 1e-9, name
    seeds = animation.schedules["seed_schedule"].sample(n)[first:end]
    assert np.array_equal(np.floor(part.schedules["seed_schedule"].sample(end - first)), np.floor(seeds))
    for frame in part.diffused:
        assert now(dict(part.prompts), frame) == now(dict(animation.prompts), first + frame)
        assert now(dict(part.negatives), frame) == now(dict(animation.negatives), first + frame)
    assert [first + hit for hit in part.hits] == [hit for hit in animation.hits if first <= hit < end]
    for cue in part.cues:
        (same,) = [c for c in animation.cues if c.start <= cue.start + first < c.end]
        assert (cue.label, cue.role, cue.caption) == (same.label, same.role, same.caption)
        assert cue.start + first == max(first, same.start) and cue.end + first == min(end, same.end)


@settings(deadline=None, max_examples=30)
@given(st.data(), rates)
def test_the_sound_is_that_of_the_frames(data: st.DataObject, fps: str) -> None:
    animation = replace(whole(fps=fps), sound_start=3.5)
    n = animation.timebase.n_frames
    asked = data.draw(st.integers(0, n - 1))
    last = data.draw(st.integers(asked + 1, n))
    part = excerpt(animation, asked, last)
    first = asked - asked % 2
    assert part.sound_start == pytest.approx(3.5 + first / Fraction(fps), abs=1e-9)
    assert part.sound_start + part.sound_duration <= 3.5 + animation.sound_duration + 1e-9
    half = 0.5 / float(Fraction(fps))
    assert part.sound_duration == pytest.approx(part.timebase.duration, abs=half + 1e-9)


def test_deforum_is_told_the_same_numbers_at_the_same_moments() -> None:
    """What is written for the stretch is what is written for the whole, moved: to the digit, seeds exactly."""
    animation = whole()
    ours, part = build_settings(animation, batch_name="w"), build_settings(excerpt(animation, 301, 500), batch_name="p")
    n = 200
    for key in ("zoom", "angle", "strength_schedule", "noise_schedule", "cfg_scale_schedule", "seed_schedule"):
        long = read_schedule(ours[key], ours["max_frames"], parameter=key, seed=0)[300:500]
        short = read_schedule(part[key], part["max_frames"], parameter=key, seed=0)[:n]
        assert np.abs(long - short).max() <= (0 if key == "seed_schedule" else 2e-6), key
    long_prompts, short_prompts = read_prompts(ours["prompts"]), read_prompts(part["prompts"])
    for frame in range(0, n, 2):
        assert now(short_prompts, frame) == now(long_prompts, 300 + frame)


def test_the_whole_is_itself() -> None:
    animation = whole()
    assert excerpt(animation, 0, animation.timebase.n_frames + 7) is animation
    assert excerpt(animation, 1, animation.timebase.n_frames) is animation, "frame 1 is shown by diffused frame 0"


def test_a_start_image_stays_where_the_video_begins(tmp_path: Path) -> None:
    part = excerpt(replace(whole(), start_image=tmp_path / "cover.png"), 100, 200)
    assert part.start_image == tmp_path / "cover.png"


def test_a_seed_without_a_schedule_goes_on_counting() -> None:
    animation = whole()
    bare = replace(animation, schedules={k: v for k, v in animation.schedules.items() if k != "seed_schedule"}, seed=40)
    assert excerpt(bare, 100, 200).seed == 140


@pytest.mark.parametrize(("first", "last"), [(-1, 5), (5, 5), (9, 4), (10**6, 10**6 + 5)])
def test_what_is_no_stretch_is_refused(first: int, last: int) -> None:
    with pytest.raises(RangeError):
        excerpt(whole(), first, last)


@given(
    st.dictionaries(st.integers(1, 60), st.floats(-1e6, 1e6), max_size=8),
    st.sampled_from(["linear", "hold"]),
    st.integers(0, 50),
    st.integers(1, 30),
)
def test_any_schedule_is_cut_exactly(keys: dict[int, float], how: str, first: int, length: int) -> None:
    schedule = Schedule("zoom", tuple(sorted({0: 1.0, **keys}.items())), how)  # type: ignore[arg-type]
    part = cut(schedule, first, first + length)
    expected = schedule.sample(first + length)[first:]
    assert part.sample(length) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert part.keyframes[-1][0] < length
