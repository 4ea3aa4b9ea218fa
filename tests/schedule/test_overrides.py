"""A person's own word over any curve: exact where it is said, the same at any rate, refused where it makes no sense."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.analysis.types import CURVES, ROLES, Analysis
from lib_music.errors import InputError, SettingsError
from lib_music.formula import FormulaError, evaluate, evaluate_many
from lib_music.prompts.storyboard import make_storyboard
from lib_music.prompts.text import Own
from lib_music.render.animatic import Motion
from lib_music.render.deforum_defaults import NUMBER_SCHEDULES
from lib_music.render.deforum_grammar import read_schedule
from lib_music.render.deforum_settings import DRIVEABLE, SWITCHES, build_settings
from lib_music.schedule.animation import Animation
from lib_music.schedule.choreography import Look, animate
from lib_music.schedule.overrides import VARIABLES, Formula, Overrides, Pin, flash_notes, notes_of, variables
from lib_music.schedule.parameters import PARAMETERS
from lib_music.schedule.presets import get_preset
from lib_music.schedule.score import Score
from lib_music.schedule.timebase import Timebase
from tests.music import song

RATES = [key for key, p in PARAMETERS.items() if p.kind == "rate"]


def moved(overrides: Overrides, fps: Any = 24, analysis: Analysis | None = None, **look: Any) -> Animation:
    analysis = analysis or song()
    board = make_storyboard([Own("a"), Own("b"), Own("c")], analysis.sections, negative=Own(""), style=Own(""), seed=7)
    return animate(
        analysis, board.resolve(analysis.sections), preset=get_preset("four-on-the-floor"), fps=Fraction(fps),
        look=Look(**look), overrides=overrides,
    )  # fmt: skip


def formulas(**texts: str) -> Overrides:
    return Overrides(formulas=tuple(Formula(key, text) for key, text in texts.items()))


def curve(animation: Animation, key: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return animation.schedules[key].sample(animation.timebase.n_frames)


def test_every_curve_that_can_be_driven_can_be_written() -> None:
    assert set(PARAMETERS) == DRIVEABLE & NUMBER_SCHEDULES
    for parameter in PARAMETERS.values():
        assert parameter.low <= parameter.rest <= parameter.high and parameter.unit and parameter.label


# -- what a formula knows ----------------------------------------------------------------------------------------------


def test_beats_bars_and_sections_are_counted_as_a_musician_does() -> None:
    analysis = song(start=0.4)  # 120 a minute, bars of two seconds, sections of eight
    at = np.array([0.4, 0.65, 0.9, 2.4, 3.4, 8.4, 8.39, 12.4, 0.0, 33.0])
    found = variables(Score(analysis, {}), at)
    assert set(found) == set(VARIABLES) >= {"t", "beat", "bar", "section", *CURVES}
    assert found["beat"] == pytest.approx([0, 0.5, 1, 4, 6, 16, 15.98, 24, -0.8, 65.2])
    assert found["beat_phase"][1] == pytest.approx(0.5) and found["beat_phase"][8] == pytest.approx(0.2)
    assert found["bar"] == pytest.approx([0, 0.125, 0.25, 1, 1.5, 4, 3.995, 6, -0.2, 16.3])
    assert found["section"].tolist() == [1, 1, 1, 1, 1, 2, 1, 2, 1, 4]
    assert found["section_phase"][7] == pytest.approx(0.5) and found["energy"][5] == pytest.approx(0.9)
    assert (found["bpm"] == 120).all() and (found["duration"] == analysis.duration).all()


def test_a_song_without_beats_counts_half_seconds() -> None:
    analysis = song(plan=(("A", "verse", 4),))
    from dataclasses import replace

    from lib_music.analysis.types import Beats

    silent = replace(analysis, beats=Beats(np.empty(0), np.empty(0, np.int64), np.empty(0)))
    found = variables(Score(silent, {}), np.array([0.0, 1.0, 3.0]))
    assert found["beat"].tolist() == [0, 2, 6] and found["bar"].tolist() == [0, 0.5, 1.5]


# -- formulas ----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=12)
@given(st.sampled_from([12, 15, 24, Fraction(30000, 1001), 50, 60]), st.sampled_from(["2D", "3D"]))
def test_a_formula_of_a_rate_moves_as_far_at_any_fps(fps: Any, mode: str) -> None:
    """A factor, degrees and picture widths a second, whose sums over the song are known."""
    text = {"zoom": "1.05+0.04*sin(2*pi*t/8)", "angle": "where(section==2, 6, -1)", "translation_x": "0.01*bar_phase"}
    animation = moved(formulas(**text), fps, mode=mode, width=640, height=360)
    seconds = np.linspace(0, 32, 320_001)
    zoom = np.mean(np.log(1.05 + 0.04 * np.sin(2 * np.pi * seconds / 8))) * (seconds[-1] - seconds[0])
    travel = 640 if mode == "2D" else -256 / 0.9
    if mode == "2D":
        assert np.log(curve(animation, "zoom")[1:]).sum() == pytest.approx(zoom, abs=0.02)
    else:
        assert 0.008 * curve(animation, "translation_z")[1:].sum() == pytest.approx(zoom, abs=0.02)
    turn = curve(animation, "angle" if mode == "2D" else "rotation_3d_z")[1:].sum()
    assert turn == pytest.approx(6 * 8 - 24, abs=0.8)
    assert curve(animation, "translation_x")[1:].sum() == pytest.approx(0.16 * travel, rel=0.03)


def test_a_constant_is_per_second_whatever_stands_in_motion() -> None:
    for fps, intensity in ((12, 0.0), (24, 1.0), (60, 2.0)):
        animation = moved(formulas(zoom="1.2", angle="3"), fps, intensity=intensity)
        assert curve(animation, "zoom")[30] == pytest.approx(1.2 ** (1 / fps), rel=0.002)
        assert curve(animation, "angle")[30] == pytest.approx(3 / fps, rel=0.02)


@pytest.mark.parametrize("key", [key for key, p in PARAMETERS.items() if p.kind != "rate"])
def test_a_level_is_what_deforum_reads(key: str) -> None:
    """At the diffused frames, through the text of the settings file and Deforum's own reading of it."""
    p = PARAMETERS[key]
    low, high = max(p.low, p.rest - 0.4 * (p.rest - p.low)), min(p.high, p.rest + 0.2 * (p.high - p.rest))
    low, high = (3.0, 9.0) if p.whole else (low, high)
    animation = moved(formulas(**{key: f"{low!r}+({high!r}-{low!r})*(bar_phase<0.5)"}), cadence=2)
    settings_ = build_settings(animation, batch_name="x")
    read = read_schedule(settings_[key], settings_["max_frames"], parameter=key)
    times = np.arange(0, animation.timebase.n_frames, 2) / 24
    wanted = np.where((times / 2) % 1 < 0.5, high, low)
    got = read[: animation.timebase.n_frames : 2]
    if p.whole:
        assert [int(value) for value in got] == wanted.tolist()
    else:
        assert np.abs(got - wanted).max() <= p.tolerance[0] + 1e-6
    assert settings_.get(SWITCHES.get(key, ""), True) is True


def test_strength_is_deforums_own_and_in_its_sections_only() -> None:
    plain = moved(Overrides())
    written = moved(Overrides(formulas=(Formula("strength_schedule", "0.5", frozenset({"chorus"})),)))
    before, after = curve(plain, "strength_schedule")[::2], curve(written, "strength_schedule")[::2]
    inside = np.zeros(before.size, bool)
    inside[96:192] = True  # 8 s to 16 s at 24 fps and cadence 2
    assert after[inside] == pytest.approx(0.5) and np.abs(after - before)[~inside].max() < 0.009


def test_a_rate_in_some_sections_leaves_the_others_as_they_were() -> None:
    plain = moved(Overrides())
    written = moved(Overrides(formulas=(Formula("zoom", "2", frozenset({"drop"})),)))
    before, after = np.log(curve(plain, "zoom")), np.log(curve(written, "zoom"))
    assert after[600:].sum() == pytest.approx((32 - 25) * math.log(2), rel=0.01)
    assert after[1:575].sum() == pytest.approx(before[1:575].sum(), abs=0.02)


def test_a_muted_one_leads_nowhere_and_the_later_one_counts() -> None:
    muted = moved(Overrides(formulas=(Formula("zoom", "3", on=False),)))
    assert dict(muted.schedules) == dict(moved(Overrides()).schedules)
    both = Overrides(formulas=(Formula("zoom", "3"), Formula("zoom", "1.5", frozenset({"chorus"}))))
    zoom = curve(moved(both), "zoom")
    assert zoom[100] == pytest.approx(3 ** (1 / 24), rel=0.01) and zoom[300] == pytest.approx(1.5 ** (1 / 24), rel=0.01)


def test_the_animatic_moves_by_the_same_values() -> None:
    overrides = Overrides((Pin(4.0, "strength_schedule", 0.2),), (Formula("zoom", "1.4"), Formula("angle", "24")))
    animation = moved(overrides)
    motion, settings_ = Motion.of(animation), build_settings(animation, batch_name="x")
    n = animation.timebase.n_frames
    for name, values in (("zoom", motion.zoom), ("angle", motion.angle), ("strength_schedule", motion.strength)):
        assert np.abs(read_schedule(settings_[name], settings_["max_frames"])[:n] - values).max() < 1e-6, name


# -- pins --------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(sorted(PARAMETERS)), st.floats(0.1, 31.0), st.floats(0, 1), st.sampled_from([12, 24, 60]),
       st.integers(1, 5))  # fmt: skip
def test_a_pin_is_met_at_its_frame(key: str, time: float, share: float, fps: int, cadence: int) -> None:
    p = PARAMETERS[key]
    high = min(p.high, 1000.0)
    value = p.low + share * (high - p.low)
    animation = moved(Overrides((Pin(time, key, value),)), fps, cadence=cadence, width=640)
    frame = animation.timebase.frame(time)
    frame -= frame % cadence if p.kind == "level" else 0
    got = float(curve(animation, key)[frame])
    frame_error = p.tolerance[0]
    if key == "zoom":
        assert fps * math.log(got) == pytest.approx(math.log(value), abs=0.02)
    elif p.kind == "rate":
        width = 640 if key in ("translation_x", "translation_y") else 1
        assert fps * got == pytest.approx(value * width, abs=frame_error * width + 1e-3)
    elif p.whole:
        assert int(got) == (2 * (value // 2) + 1 if p.odd else math.floor(value + 0.5))
    else:
        assert got == pytest.approx(value, abs=frame_error + 1e-6)


def test_a_pin_leaves_the_rest_of_the_song_alone_and_two_near_ones_are_joined() -> None:
    plain = curve(moved(Overrides(), cadence=1), "cfg_scale_schedule")
    one = curve(moved(Overrides((Pin(10.0, "cfg_scale_schedule", 12.0),)), cadence=1), "cfg_scale_schedule")
    assert one[240] == pytest.approx(12) and one[246] == pytest.approx((12 + plain[246]) / 2, abs=0.1)
    assert np.abs(one - plain)[:228].max() < 0.11 and np.abs(one - plain)[253:].max() < 0.11
    pins = tuple(Pin(time, "cfg_scale_schedule", value) for time, value in ((10.0, 12.0), (10.75, 9.0), (20.0, 9.0)))
    three = curve(moved(Overrides(pins), cadence=1), "cfg_scale_schedule")
    assert three[249] == pytest.approx(10.5, abs=0.1), "straight from one to the other"
    assert three[360] == pytest.approx(plain[360], abs=0.11), "too far to be joined"


def test_a_pin_with_no_way_is_one_diffused_frame() -> None:
    pinned = moved(Overrides((Pin(10.0, "strength_schedule", 0.05, beats=0),)), cadence=2)
    values = curve(pinned, "strength_schedule")[::2]
    plain = curve(moved(Overrides(), cadence=2), "strength_schedule")[::2]
    assert values[120] == pytest.approx(0.05) and np.abs(values - plain)[[118, 119, 121, 122]].max() < 0.009


def test_pins_add_as_much_at_any_fps() -> None:
    sums = []
    for fps in (12, 24, 48):
        overrides = Overrides((Pin(6.0, "angle", 90.0, beats=4),), (Formula("angle", "0"),))
        sums.append(curve(moved(overrides, fps), "angle")[1:].sum())
    assert sums == pytest.approx([180.0] * 3, rel=0.02)  # a triangle of two seconds to either side


def test_in_3d_the_cameras_own_curves_are_met_over_what_zoom_makes_of_them() -> None:
    plain = curve(moved(Overrides(), mode="3D"), "translation_z")
    pinned = curve(moved(Overrides((Pin(10.0, "translation_z", 240.0),)), mode="3D"), "translation_z")
    assert pinned[240] == pytest.approx(10, abs=0.05) and np.abs(pinned - plain)[:220].max() < 0.05


# -- what is refused or kept within bounds -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [("1/(t-3)", "frame 72 .3.00 s.*character 4.*division"), ("log(0-t)", "frame 0 "), ("sqrt(5-t)", "frame 121 "),
     ("exp(exp(t))", "frame"), ("10**(t*100)", "frame"), ("1e300*1e300*t", "frame"), ("(0-1)**(t+0.5)", "frame 0 ")],
)  # fmt: skip
def test_what_cannot_be_computed_names_formula_place_and_frame(text: str, said: str) -> None:
    for key in ("cfg_scale_schedule", "fov_schedule", "zoom"):
        with pytest.raises(SettingsError, match=said if key != "zoom" else "frame") as caught:
            moved(formulas(**{key: text}))
        assert key in caught.value.message and f"`{text}`" in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["", " ", "t+", "foo", "__import__('os')", "t.real", "[t]", "t if t else 1", "9**9**9", "lambda: 1", "t;t", "`t`",
     "max_f", "s", "(" * 200 + "t" + ")" * 200, "t" * 3000, "１", "nan", "inf", "2t", "sin", "sin()", "x:=1", None, 5],
)  # fmt: skip
def test_what_is_no_formula_is_refused_when_it_is_written(text: Any) -> None:
    if text == "9**9**9":
        with pytest.raises(InputError):
            moved(formulas(zoom=text))
        return
    with pytest.raises(InputError) as caught:
        Formula("zoom", text)
    assert caught.value.message.startswith("zoom")


def test_beyond_its_bounds_a_curve_is_kept_within_them_and_it_is_said() -> None:
    overrides = formulas(strength_schedule="2*beat_phase", zoom="0-5", noise_schedule="0.05")
    animation = moved(overrides)
    strength = curve(animation, "strength_schedule")
    assert strength.min() >= 0 and strength.max() <= 1
    assert curve(animation, "zoom")[50] == pytest.approx(0.2 ** (1 / 24), rel=0.01)
    notes = notes_of(Score(song(), {}), overrides, Timebase.for_duration(32, Fraction(24)))
    assert len(notes) == 2 and "`2*beat_phase` gives 1.833 at frame" in notes[0] and "0.2 to 8" in notes[1]


def test_a_pin_past_the_end_is_said() -> None:
    found = notes_of(Score(song(), {}), Overrides((Pin(40, "zoom", 2),)), Timebase.for_duration(32, Fraction(24)))
    assert found == ("Zoom: the pin at 40.00 s lies past the end",)


@pytest.mark.parametrize(
    "values",
    [*((time, "zoom", 1) for time in (-1, math.nan, math.inf, "3", None, True, 10**400)),
     *((1, "zoom", value) for value in (0, math.nan, "2", 10**400, None)), (1, "strength_schedule", 1.01),
     *((1, key, 1) for key in ("nope", None, ["zoom"], "cn_1_weight")), (1, "zoom", 1, -1), (1, "zoom", 1, math.nan)],
)  # fmt: skip
def test_a_pin_that_makes_no_sense_is_refused(values: tuple[Any, ...]) -> None:
    with pytest.raises(InputError) as caught:
        Pin(*values)
    assert len(str(caught.value)) < 800


def test_there_is_an_end_to_how_many() -> None:
    with pytest.raises(InputError, match="501 pins are too many"):
        Overrides(tuple(Pin(1, "zoom", 1) for _ in range(501)))
    with pytest.raises(InputError, match="41 formulas are too many"):
        Overrides(formulas=(Formula("zoom", "1"),) * 41)


def test_as_many_formulas_as_are_taken_are_computed_in_a_moment() -> None:
    import time

    term = "0.001*sin(pi*beat+bar_phase*section)*where(kick>low,energy,hat)*clip(t,0,1)"
    text = "+".join(["1", *[term] * 9])
    assert 650 < len(text) < 750
    overrides = Overrides(formulas=(Formula("zoom", text),) * 40)
    analysis = song()
    began = time.process_time()
    assert curve(moved(overrides, 24, analysis), "zoom").size == round(24 * analysis.duration)
    assert notes_of(Score(analysis, {}), overrides, Timebase.for_duration(analysis.duration, Fraction(24))) == ()
    assert time.process_time() - began < 2.0


# -- the evaluator over many moments -----------------------------------------------------------------------------------

NAMES = ("t", "beat", "bar")
NUMBER = st.floats(-50, 50).map(lambda value: f"({value!r})") | st.sampled_from(["0", "1", "2"])
SIGNS = ("+", "-", "*", "/", "%", "**", "<", "<=", ">", ">=", "==", "!=")
SINGLE = ("sin", "cos", "tan", "abs", "exp", "sqrt", "log", "floor", "ceil", "round")
TERM = st.recursive(
    NUMBER | st.sampled_from(NAMES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(SIGNS), inner).map(lambda x: f"({x[0]}{x[1]}{x[2]})"),
        st.tuples(st.sampled_from(SINGLE), inner).map(lambda x: f"{x[0]}({x[1]})"),
        st.tuples(inner, inner, inner).map(lambda x: f"where({x[0]},{x[1]},{x[2]})"),
        st.tuples(inner, inner, inner).map(lambda x: f"clip({x[0]},{x[1]},{x[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda x: f"{x[0]}({x[1]},{x[2]})"),
        inner.map(lambda x: f"(-{x})"),
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=400)
@given(TERM)
def test_many_moments_are_as_each_by_itself(text: str) -> None:
    t = np.array([0.0, 0.5, 1.0, 2.0, 7.25, 31.0, -3.0])
    at = {"t": t, "beat": 2 * t, "bar": t / 2}
    one_by_one: list[Any] = []
    for i in range(t.size):
        try:
            one_by_one.append(float(evaluate(text, {name: float(values[i]) for name, values in at.items()})))
        except SettingsError as error:
            one_by_one.append(error.message)
    wrong = [i for i, value in enumerate(one_by_one) if isinstance(value, str)]
    if wrong:
        with pytest.raises(FormulaError) as caught:
            evaluate_many(text, at)
        assert caught.value.moment in (wrong[0], -1) and caught.value.message == one_by_one[wrong[0]]
    else:
        assert evaluate_many(text, at) == pytest.approx(one_by_one, rel=1e-9, abs=1e-9)


def test_an_hour_is_computed_in_a_moment() -> None:
    import time

    t = np.arange(3600 * 100) / 100
    began = time.process_time()
    evaluate_many("1+0.2*sin(pi*beat)*(bar%4<1)+where(t>3,1/t,0)+clip(t,0,1)", {"t": t, "beat": 2 * t, "bar": t / 2})
    assert time.process_time() - began < 2.0


def test_roles_of_a_formula_are_the_songs() -> None:
    with pytest.raises(InputError):
        Formula("zoom", "1", frozenset({"solo"}))  # type: ignore[arg-type]
    assert Formula("zoom", "1").sections == frozenset(ROLES)


@pytest.mark.parametrize(
    ("text", "cadence", "flashing"),
    [("where(beat_phase<0.2, 0.1, 0.7)", 1, False), ("where(beat*4%1<0.5, 0.1, 0.7)", 1, True),
     ("where(beat*4%1<0.5, 0.4, 0.7)", 1, False), ("where((t>9)*(t<9.9)*(beat*4%1<0.5), 0.2, 0.7)", 1, True),
     ("where(t%0.34<0.1, 0, 1)", 1, False)],
)  # fmt: skip
def test_what_would_flash_is_said(text: str, cadence: int, flashing: bool) -> None:
    """Two dips a second are a beat; eight are a strobe, also where they last less than a second."""
    overrides = formulas(strength_schedule=text)
    animation = moved(overrides, cadence=cadence)
    diffused = {"strength_schedule": curve(animation, "strength_schedule")[::cadence]}
    found = flash_notes(overrides, diffused, 24 / cadence)
    assert bool(found) is flashing and all("photosensitive" in note for note in found)
    assert flash_notes(Overrides(), diffused, 24 / cadence) == ()
