"""From what was heard to how it moves."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis.types import Analysis, Envelope
from lib_music.prompts.storyboard import make_storyboard
from lib_music.prompts.text import Own
from lib_music.schedule.animation import Animation
from lib_music.schedule.choreography import TOLERANCE, Look, animate, choose_preset, tolerance
from lib_music.schedule.presets import PRESETS, Preset, get_preset
from lib_music.schedule.routes import Route, integrate, nod_positions, rate_grid
from lib_music.schedule.schedules import thin
from lib_music.schedule.score import Score
from lib_music.schedule.timebase import Timebase
from tests.music import song


def moved(analysis: Analysis, preset: str = "four-on-the-floor", fps: int = 24, **look: object) -> Animation:
    board = make_storyboard([Own("a"), Own("b"), Own("c")], analysis.sections, negative=Own("n"), style=Own(""), seed=7)
    return animate(
        analysis, board.resolve(analysis.sections), preset=get_preset(preset), fps=Fraction(fps), look=Look(**look)
    )  # type: ignore[arg-type]


def totals(animation: Animation) -> dict[str, float]:
    n = animation.timebase.n_frames
    return {
        "zoom": float(np.log(animation.schedules["zoom"].sample(n)).sum()),
        "angle": float(animation.schedules["angle"].sample(n).sum()),
    }


@settings(deadline=None, max_examples=12)
@given(st.integers(12, 60), st.floats(70, 180), st.sampled_from(sorted(PRESETS)))
def test_totals_do_not_depend_on_fps(fps: int, bpm: float, preset: str) -> None:
    analysis = song(bpm=bpm, start=0.3)
    reference, other = totals(moved(analysis, preset, 60)), totals(moved(analysis, preset, fps))
    assert other["zoom"] == pytest.approx(reference["zoom"], abs=0.01)
    assert other["angle"] == pytest.approx(reference["angle"], abs=1.0)


@settings(deadline=None, max_examples=10)
@given(st.integers(12, 60), st.sampled_from(["2D", "3D"]), st.integers(0, 1))
def test_travel_does_not_depend_on_fps(fps: int, mode: str, envelope: int) -> None:
    """A fiftieth of the width per second, or up to it with loudness, is as far at any rate and in both cameras."""
    source = ("steady", "loudness")[envelope]
    routes = (Route(source, "translation_x", 0.02, 0.02), Route(source, "translation_y", -0.01, 0.02))
    preset = Preset("pan", "Pan", {}, (*routes, Route("steady", "strength_schedule", 0.7, 0.7, shape="level")))
    analysis = song(bpm=110)
    board = make_storyboard([Own("a")], analysis.sections, negative=Own(""), style=Own(""), seed=7)
    look = Look(640, 360, mode=mode)  # type: ignore[arg-type]
    paths = []
    for rate in (60, fps):
        animation = animate(analysis, board.resolve(analysis.sections), preset=preset, fps=Fraction(rate), look=look)
        n = animation.timebase.n_frames
        paths.append([animation.schedules[f"translation_{axis}"].sample(n).sum() for axis in "xy"])
    unit = {"2D": 640.0, "3D": 256 / 0.9}[mode]
    assert np.abs(np.diff(paths, axis=0)).max() <= unit * 0.01
    expected = 0.02 * unit * analysis.duration * (-1 if mode == "3D" else 1)
    assert paths[1][0] == pytest.approx(expected, abs=unit * 0.01)


@given(st.integers(12, 60))
@settings(deadline=None, max_examples=20)
def test_a_rate_is_integrated_exactly(fps: int) -> None:
    score, timebase = Score(song(), {}), Timebase.for_duration(32.0, Fraction(fps))
    route = Route("steady", "zoom", 1.1, 1.1)
    steps = integrate(score, [route], timebase, np.ones(rate_grid(timebase).size))
    assert np.exp(steps.sum()) == pytest.approx(1.1**score.analysis.duration, rel=1e-9)
    assert steps[0] == 0.0


@pytest.mark.parametrize("fps", [12, 24, 25, 30, 60])
def test_a_nod_is_whole_on_its_beat_and_leaves_nothing(fps: int) -> None:
    score, timebase = Score(song(bpm=97, start=0.21), {"chorus": "beats"}), Timebase.for_duration(40.0, Fraction(fps))
    route = Route("hits", "zoom", 1.0, 1.04, release=0.25, unit="beats", shape="nod", sections=frozenset({"chorus"}))
    position = nod_positions(score, route, timebase)
    chorus = score.hits.times[score.hits.section == 1]
    assert np.allclose(position[timebase.frames(chorus)], np.log(1.04), rtol=1e-9)
    assert position[-1] == 0.0
    assert (np.diff(position) > 0.5 * np.log(1.04)).sum() == chorus.size


def test_hits_are_declared_by_role_and_lie_on_their_beats() -> None:
    analysis = song(bpm=126, plan=(("A", "verse", 4), ("B", "chorus", 4), ("C", "break", 4), ("D", "drop", 4)))
    animation = moved(analysis)
    hits = np.array(animation.hits) / 24
    for cue, per_bar in zip(animation.cues, (1, 4, 1, 4), strict=True):
        inside = (hits >= cue.start / 24 - 1e-6) & (hits < cue.end / 24 - 1e-6)
        stillness = 1 if cue.role == "break" else 0
        assert inside.sum() == pytest.approx(4 * per_bar, abs=stillness), cue.role
    nearest = np.abs(hits[:, None] - analysis.beats.times[None, :]).min(axis=1)
    assert nearest.max() <= 0.5 / 24 + 1e-6


def test_the_zoom_jumps_on_every_hit() -> None:
    animation = moved(song(bpm=128))
    zoom = animation.schedules["zoom"].sample(animation.timebase.n_frames)
    hits = np.array([h for h in animation.hits if h])
    assert (zoom[hits] > 1.025).all()
    others = np.delete(zoom, np.concatenate((hits, [0])))
    assert others.max() < 1.025


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize("bars", [4, 8])
@pytest.mark.parametrize("loudness", [0.1, 0.5, 1.0])
def test_a_drop_moves_twice_the_verse_and_a_break_half(preset: str, bars: int, loudness: float) -> None:
    """In zoom, in turn, and in both together, however loud the song is as a whole."""
    analysis = song(plan=(("A", "verse", bars), ("B", "break", bars), ("C", "drop", bars)), bpm=126)
    level = Envelope(np.full(2, loudness), 1.0)
    animation = moved(replace(analysis, envelopes={**analysis.envelopes, "loudness": level}), preset)
    n = animation.timebase.n_frames
    zoom = np.abs(np.log(animation.schedules["zoom"].sample(n)))
    angle = np.deg2rad(np.abs(animation.schedules["angle"].sample(n)))
    for flow in (zoom, angle, np.hypot(zoom, angle)):
        verse, pause, drop = (np.median(flow[cue.start + 1 : cue.end]) for cue in animation.cues)
        assert drop >= 2 * verse
        assert pause <= verse / 2


@settings(deadline=None, max_examples=20)
@given(st.floats(60, 180), st.sampled_from(sorted(PRESETS)), st.lists(st.integers(2, 24), min_size=1, max_size=4))
def test_the_picture_stays_upright(bpm: float, preset: str, bars: list[int]) -> None:
    """Within each section the turn keeps near where it began, and comes back to it (less what a stillness held)."""
    plan = tuple(zip("ABCD", ("chorus", "drop", "verse", "break"), bars, strict=False))
    animation = moved(song(bpm=bpm, plan=plan), preset)
    angle = animation.schedules["angle"].sample(animation.timebase.n_frames)
    for i, cue in enumerate(animation.cues):
        tilt = np.cumsum(angle[cue.start : cue.end])
        assert np.abs(tilt).max() <= 27.5, "25 degrees, a nod of 1.2, and what thinning may add"
        if [c.role for c in animation.cues[i + 1 : i + 2]] != ["drop"]:
            assert abs(tilt[-1]) <= 2.0


def test_a_turn_changes_its_way_at_bars() -> None:
    """Nine degrees a second for eight bars: one bar to one side, two back, and so on."""
    score = Score(song(bpm=120, plan=(("A", "chorus", 8),)), {})
    sign = score.phrase_sign(np.arange(0.0, 16.0, 0.01), 50 / 9)
    assert np.flatnonzero(np.diff(sign)) * 0.01 == pytest.approx([1.99, 5.99, 9.99, 13.99])
    assert sign.sum() == 0


def test_the_stillness_before_a_drop() -> None:
    animation = moved(song(plan=(("A", "chorus", 4), ("B", "drop", 4)), bpm=120))
    zoom = animation.schedules["zoom"].sample(animation.timebase.n_frames)
    border = animation.cues[1].start
    assert np.abs(np.log(zoom[border - 8 : border])).max() < 0.002
    assert not [h for h in animation.hits if border - 12 <= h < border]


def test_strength_is_sampled_where_diffusion_looks() -> None:
    """Every declared hit's dip is there at the diffused frame that shows it, at any cadence."""
    analysis = song(bpm=131)
    for cadence in (1, 2, 3, 4):
        animation = moved(analysis, cadence=cadence)
        strength = animation.schedules["strength_schedule"].sample(animation.timebase.n_frames)
        assert strength.min() >= 0.1 and strength.max() <= 0.97
        for hit in animation.hits[1:]:
            block = hit - hit % cadence
            if not any(abs(hit - other) < 3 * cadence for other in animation.hits if other != hit):
                assert strength[block] < np.median(strength) - 0.02


def test_prompts_switch_at_diffused_frames() -> None:
    animation = moved(song(bpm=119), cadence=3)
    assert all(frame % 3 == 0 for frame in animation.prompts)
    starts = [cue.start - cue.start % 3 for cue in animation.cues]
    assert sorted(animation.prompts) == starts
    texts = [animation.prompts[frame] for frame in starts]
    assert texts[0] == texts[2] != texts[1]


def test_seeds_are_whole_numbers_that_a_resume_finds_again() -> None:
    animation = moved(song())
    seeds = animation.schedules["seed_schedule"].sample(animation.timebase.n_frames)
    first = animation.cues[0]
    assert np.array_equal(np.diff(seeds[first.start : first.end].astype(int)), np.ones(first.end - 1))
    third = animation.cues[2]
    assert int(seeds[third.start]) == int(seeds[0]), "the same label starts from the same seed"


def test_without_a_beat_nothing_is_declared_but_borders() -> None:
    animation = moved(song(presence=0.0), "ambient")
    assert list(animation.hits) == [cue.start for cue in animation.cues[1:]]
    zoom = animation.schedules["zoom"].sample(animation.timebase.n_frames)
    assert np.log(zoom).sum() > 0.1, "motion follows loudness"


def test_a_song_with_a_pulse_keeps_it_where_it_is_drowned_but_not_in_silence() -> None:
    analysis = song(plan=(("A", "chorus", 8), ("B", "chorus", 8), ("C", "chorus", 8)))
    third = analysis.duration / 3
    presence = Envelope(np.array([1.0, 1.0, 0.0, 0.0, 1.0, 1.0]), 2 / third)
    loud, silent = (Envelope(np.array([1.0, 1.0, level, level, 1.0, 1.0]), 2 / third) for level in (0.8, 0.0))
    every = analysis.beats.times
    inside = ((every > 1.05 * third) & (every < 1.5 * third)).sum()
    for loudness, beats in ((loud, inside), (silent, 0)):
        heard = replace(analysis, beat_presence=presence, envelopes={**analysis.envelopes, "loudness": loudness})
        times = Score(heard, {"chorus": "beats"}).beats.times
        assert ((times > 1.05 * third) & (times < 1.5 * third)).sum() == beats


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_keys_are_few_and_within_their_bounds_over_five_minutes(preset: str) -> None:
    bars = tuple((label, role, 16) for label, role in zip("ABABCBDB", ("verse", "chorus") * 4, strict=True))
    analysis = song(bpm=120, plan=(*bars, ("E", "outro", 22)))
    animation = moved(analysis, preset)
    assert animation.timebase.duration == pytest.approx(300, abs=0.1)
    n_hits = len(animation.hits)
    assert len(animation.schedules["zoom"].keyframes) < 9 * n_hits + 200
    for name, (_, total) in TOLERANCE.items():
        if name in ("zoom", "angle"):
            assert total <= {"zoom": 0.01, "angle": 1.0}[name]


def test_three_dimensions_move_alike() -> None:
    flat, deep = moved(song()), moved(song(), mode="3D")
    n = flat.timebase.n_frames
    zoom = np.log(flat.schedules["zoom"].sample(n)).sum()
    assert deep.schedules["translation_z"].sample(n).sum() * 0.008 == pytest.approx(zoom, abs=0.02)
    assert "zoom" not in deep.schedules and "angle" not in deep.schedules


def test_auto_chooses_by_what_was_heard() -> None:
    assert choose_preset("auto", song(presence=0.0)).name == "ambient"
    assert choose_preset("auto", song(bpm=90)).name == "hip-hop"
    assert choose_preset("auto", song(bpm=128)).name == "four-on-the-floor"


def test_thin_is_near_the_fewest() -> None:
    """One nod is a spike and a decay: a handful of keys, not one per frame."""
    animation = moved(song(bpm=60, plan=(("A", "chorus", 8),)))
    zoom = animation.schedules["zoom"]
    assert len(zoom.keyframes) <= 9 * len(animation.hits)
    values = zoom.sample(animation.timebase.n_frames)
    assert len(thin(values, *tolerance("zoom", Look(), Fraction(24)))) <= len(zoom.keyframes)


@pytest.mark.parametrize("mode", ["2D", "3D"])
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_without_intensity_the_picture_stands_and_the_painting_still_answers(preset: str, mode: str) -> None:
    usual, still = moved(song(bpm=126), preset, mode=mode), moved(song(bpm=126), preset, mode=mode, intensity=0.0)
    n = usual.timebase.n_frames
    for name, schedule in still.schedules.items():
        values = schedule.sample(n)
        if name in ("zoom", "angle", "translation_x", "translation_y", "translation_z") or "rotation" in name:
            assert np.array_equal(values, np.full(n, 1.0 if name == "zoom" else 0.0)), name
        else:
            assert np.array_equal(values, usual.schedules[name].sample(n)), name
    assert still.hits == usual.hits
    strength = still.schedules["strength_schedule"].sample(n)
    assert strength.min() < strength.max() - 0.05, "hits still dip"


@settings(deadline=None, max_examples=12)
@given(st.floats(0.1, 2.0), st.sampled_from(sorted(PRESETS)))
def test_intensity_scales_zooms_and_keeps_turns_readable(intensity: float, preset: str) -> None:
    analysis = song(bpm=126)
    usual, scaled = moved(analysis, preset), moved(analysis, preset, intensity=intensity)
    assert totals(scaled)["zoom"] == pytest.approx(intensity * totals(usual)["zoom"], abs=0.02)
    n = usual.timebase.n_frames
    fastest = [np.abs(np.log(a.schedules["zoom"].sample(n))).max() for a in (usual, scaled)]
    assert fastest[1] == pytest.approx(intensity * fastest[0], rel=0.02, abs=1e-3)
    assert np.abs(np.cumsum(scaled.schedules["angle"].sample(n))).max() <= 25 + 2 * 1.2 + 1
