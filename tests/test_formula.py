"""The evaluator: right values, and a message at once for everything else."""

from __future__ import annotations

import math
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.errors import SettingsError
from lib_music.formula import MAX_RESULT, check, evaluate

AT = {"t": 12, "s": 7, "max_f": 239}


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("0.5+0.2*sin(t/10)", 0.5 + 0.2 * math.sin(1.2)),
        ("2**3**2", 512),
        ("-2**2", -4),
        ("-7 % 3", 2),
        ("(t>5)*1.5", 1.5),
        ("1<t<20", 1),
        ("t==12", 1),
        ("where(t>5, 1, 2)", 1),
        ("where(t>99, 1/(t-12), 4)", 4),
        ("clip(t, 0, 10)", 10),
        ("min(t, max_f, s) + max(1, 2)", 9),
        ("floor(2.7) + ceil(2.1) + round(2.6)", 8),
        ("cos(pi)", -1),
        ("sqrt(16) * abs(-2) - exp(0) + log(1)", 7),
        ("1e-3 * 2E2", 0.2),
        ("\n t\n  + 1 ", 13),
        (".5 + 5.", 5.5),
        ("max_f/2", 119.5),
    ],
)
def test_value(expr: str, expected: float) -> None:
    assert evaluate(expr, AT) == pytest.approx(expected)


def test_whole_numbers_stay_whole() -> None:
    assert isinstance(evaluate("4+2", AT), int)
    assert isinstance(evaluate("4/2", AT), float)


@pytest.mark.parametrize(
    "expr",
    [
        "", "   ", "9**9**9", "9**99999", "2**2**2**2**2**2", "1/0", "5%0", "0**-1", "(-8)**0.5",
        "log(0)", "sqrt(-1)", "exp(1000)", "1e400", "1e300*1e300", "10**16", "nan", "inf", "1j",
        "True", "None", "'a'", "x", "t.real", "(1).real", "__import__('os')", "().__class__",
        "[1][0]", "{1}", "lambda: 1", "t if t else 1", "f(1)", "sin", "sin()", "sin(1,2)", "max(1)",
        "max(*t)", "min(a=1)", "(t:=1)", "1,2", "t t", "2t", "0x1f", "1if 2else 3", "(", ")",
        "1)+(1", "t;s", "~1", "1<<2", "1//2", "1|2", "not 1", "1 and 2", "`t`", "t\0", "１+１", "ｔ",
        "9" * 1999, "-" * 1999 + "1", "1" + "+1" * 999, "#", "1 # 2", "sin(sin)(1)", "t in s",
        "a.b", "n",
    ],
)  # fmt: skip
def test_refused(expr: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SettingsError) as caught:
            evaluate(expr, AT)
    assert caught.value.fix


@pytest.mark.parametrize(
    "expr",
    ["1+" * 5_000_000 + "1", "(" * 10_000 + "1" + ")" * 10_000, "(" * 990 + "1" + ")" * 990, "9**9**9**9"],
)
def test_refused_at_once(expr: str) -> None:
    began = time.perf_counter()
    with pytest.raises(SettingsError):
        evaluate(expr, AT)
    assert time.perf_counter() - began < 0.5


def test_message_names_formula_and_position() -> None:
    with pytest.raises(SettingsError, match=r"`1 \+ sin\(q\)`, character 9: name 'q'"):
        evaluate("1 + sin(q)", AT)


def test_check_computes_nothing() -> None:
    check("1/t", ["t"])
    with pytest.raises(SettingsError):
        check("1/q", ["t"])


@given(st.text(alphabet="0123456789.+-*/%()<>=!, tsmaxfpinco_eb", max_size=60))
def test_never_another_exception(expr: str) -> None:
    try:
        value = evaluate(expr, AT)
    except SettingsError:
        return
    assert math.isfinite(value) and abs(value) <= MAX_RESULT


@given(st.text(max_size=60))
def test_any_text(expr: str) -> None:
    try:
        evaluate(expr, AT)
    except SettingsError as error:
        assert str(error).isprintable()


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 50), st.sampled_from("+-*/%"))
def test_agrees_with_python(a: int, b: int, c: int, op: str) -> None:
    expr = f"({a}){op}({c})+({b})*t"
    assert evaluate(expr, AT) == pytest.approx(eval(expr, {"t": 12}))
