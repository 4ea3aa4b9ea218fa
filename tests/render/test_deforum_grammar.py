"""Deforum's schedule grammar, habit by habit; the right answers were read off its own interpolator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.errors import SettingsError
from lib_music.render.deforum_grammar import (
    check_schedule,
    is_number,
    read_prompts,
    read_schedule,
    read_text_schedule,
)


@pytest.mark.parametrize(
    ("text", "n", "expected"),
    [
        ("0:(1),4:(3)", 6, [1, 1.5, 2, 2.5, 3, 3]),
        ("0: (1), 4: (3)", 5, [1, 1.5, 2, 2.5, 3]),
        ("4:(3),0:(1)", 5, [1, 1.5, 2, 2.5, 3]),
        ("0:(1),2:(5),2:(3)", 4, [1, 2, 3, 3]),
        ("0:(1),10:(2)", 4, [1, 1, 1, 1]),
        ("-1:(9),0:(1)", 3, [1, 1, 1]),
        ("0:1.5", 2, [1.5, 1.5]),
        ("0:(+.5),1:(-0.25)", 2, [0.5, -0.25]),
        ("0:(1e-3),2:(1)", 4, [0.001, 0.001, 1, 1]),
        ("0:(5.),2:(1)", 4, [5, 5, 1, 1]),
        ("0:( 1 ),2:(3)", 4, [1, 1, 3, 3]),
        ("0:(t),3:(10)", 5, [0, 1, 2, 10, 10]),
        ("0:(2),2:(t*10)", 4, [2, 11, 20, 30]),
        ("0:((t>1)*1.5)", 4, [0, 0, 1.5, 1.5]),
        ("0:(max_f)", 3, [2, 2, 2]),
        ('0:(0),"max_f-1":(4)', 4, [0, 2, 4, 4]),
        ("0:(s)", 2, [42, 42]),
        ("\n0:(1),\n1:(2)\n", 2, [1, 2]),
    ],
)
def test_reads_as_deforum_does(text: str, n: int, expected: list[float]) -> None:
    assert read_schedule(text, n, seed=42) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "1.02", "2:(1),4:(3)", "0:(1),", ",0:(1)", "0:(1);4:(2)", "0:(nan)", "0:(inf)", "0:()",
        "0:(１)", "0:(where(t>1,2,3))", "0:(1 if t else 2)", "1.5:(1)", "0:(1),1.5:(2)", "0:", "0:(1):(2)",
        "0:(+)", "0:(1/0)", "0:(__import__)", "0:(9**9**9)", "x:(1)", "0:(1)),4:(2*)",
    ],
)
def test_refuses_what_deforum_fails_on_and_names_the_parameter(text: str) -> None:
    with pytest.raises(SettingsError, match="strength_schedule at frame"):
        read_schedule(text, 6, parameter="strength_schedule")


@pytest.mark.parametrize("text", ["0:(t)", "0:(1),9:(2)", "0:(1),3:(1),2:(4)", "0:(1),2:(1),2:(4)", "0:(1e-3)"])
def test_strict_also_refuses_what_is_quietly_changed(text: str) -> None:
    read_schedule(text, 6)
    with pytest.raises(SettingsError):
        read_schedule(text, 6, strict=True)


def test_the_error_names_the_frame() -> None:
    with pytest.raises(SettingsError, match="zoom at frame 3"):
        read_schedule("0:(1),3:(1/0)", 6, parameter="zoom")


def test_words_hold() -> None:
    assert read_text_schedule('0:("Euler a"),2:("DDIM")', 4) == ["Euler a", "Euler a", "DDIM", "DDIM"]
    with pytest.raises(SettingsError):
        read_text_schedule('0:("a:b")', 4)


@pytest.mark.parametrize("text", ["0:(1)", "0:(1.0025+0.002*sin(1.25*3.14*t/30))", "0:(s), 900000:(-1)"])
def test_check_accepts(text: str) -> None:
    check_schedule(text)


@pytest.mark.parametrize("text", ["0:(9**9**9)", "0:(os)", "0:(1),5:(t.real)", "5:(1)"])
def test_check_refuses(text: str) -> None:
    with pytest.raises(SettingsError):
        check_schedule(text)


def test_prompt_keys() -> None:
    assert read_prompts({"3-1": "b", "0": "a"}) == {0: "a", 2: "b"}
    for bad in ({}, {"max_f/2": "a"}, {"t": "a"}, {"x": "a"}, {"0": 3}, {"": "a"}):
        with pytest.raises(SettingsError):
            read_prompts(bad)


@given(st.floats(-1e6, 1e6))
def test_six_decimals_are_always_a_number(value: float) -> None:
    assert is_number(f"{value + 0.0:.6f}")


@given(st.text(alphabet="0123456789:,()t+-*/.'\" maxf_s`", max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        values = read_schedule(text, 8)
    except SettingsError as error:
        assert error.fix
    else:
        assert values.shape == (8,) and np.isfinite(values).all()
