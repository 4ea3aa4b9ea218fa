"""The evaluator: right values, and a message at once for everything else."""

from __future__ import annotations

import math
import time
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.errors import SettingsError
from lib_music.formula import MAX_RESULT, check, evaluate, evaluate_many

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


#: Each as people write it for Deforum, which hands it to numexpr.
FOR_DEFORUM = (
    "(2*2/3.14)*arcsin(sin((2*3.14)/20*t))", "arctan(1/tan(t*3.14/20))", "tanh(t/9)", "sinh(t/30)", "cosh(t/30)",
    "log10(t+1)", "log1p(t)", "expm1(t/90)", "arccos(cos(t))", "arcsinh(t)", "arccosh(t+1)", "arctanh(sin(t)/2)",
    "arctan2(t,3)", "fmod(t,4)", "sign(t-12)", "trunc(t/5)", "((t>10)&(t<20))*5", "((t>15)|(t<2))*5", "(t>5)^(t<20)",
    "~(t>3)*1", "~((t>3)&(t<9))*2", "~t", "t^2", "t&6", "t|1", "t//5", "-t//5", "7//2.0", "t<<2", "t>>1", "1<<t",
    "t%3", "-t%3", "-2**2", "where(t>5,t,1)", "abs(sin(t*3.1416/30))**20", "arctan(-1/(0*t))",
)


@pytest.mark.parametrize("expr", FOR_DEFORUM)
@pytest.mark.parametrize("t", [0, 1, 12, 40])
def test_agrees_with_numexpr(expr: str, t: int) -> None:
    import numexpr

    expected = float(numexpr.evaluate(expr, local_dict={"t": t}))
    assert evaluate(expr, {"t": float(t)}) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("expr", FOR_DEFORUM)
def test_many_are_as_one_by_one(expr: str) -> None:
    moments = np.arange(41.0)
    one_by_one = [evaluate(expr, {"t": t}) for t in moments.tolist()]
    assert evaluate_many(expr, {"t": moments}) == pytest.approx(one_by_one, rel=1e-12, abs=1e-12)


def test_whole_numbers_stay_whole() -> None:
    assert isinstance(evaluate("4+2", AT), int)
    assert isinstance(evaluate("4|2", AT), int)
    assert isinstance(evaluate("4/2", AT), float)


@pytest.mark.parametrize(
    "expr",
    [
        "", "   ", "9**9**9", "9**99999", "2**2**2**2**2**2", "1/0", "5%0", "0**-1", "(-8)**0.5",
        "log(0)", "sqrt(-1)", "exp(1000)", "1e400", "1e300*1e300", "10**16", "nan", "inf", "1j",
        "True", "None", "'a'", "x", "t.real", "(1).real", "__import__('os')", "().__class__",
        "[1][0]", "{1}", "lambda: 1", "t if t else 1", "f(1)", "sin", "sin()", "sin(1,2)", "max(1)",
        "max(*t)", "min(a=1)", "(t:=1)", "1,2", "t t", "2t", "0x1f", "1if 2else 3", "(", ")",
        "1<<53", "1>>-1", "1.5|2", "~0.5", "1e17&1", "1//0",
        "1)+(1", "t;s", "not 1", "1 and 2", "`t`", "t\0", "１+１", "ｔ",
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
    began = time.process_time()
    with pytest.raises(SettingsError):
        evaluate(expr, AT)
    assert time.process_time() - began < 0.5


def test_message_names_formula_and_position() -> None:
    with pytest.raises(SettingsError, match=r"`1 \+ sin\(q\)`, character 9: name 'q'"):
        evaluate("1 + sin(q)", AT)


def test_check_computes_nothing() -> None:
    check("1/t", ["t"])
    with pytest.raises(SettingsError):
        check("1/q", ["t"])


@given(st.text(alphabet="0123456789.+-*/%()<>=!&|^~, tsmaxfpinco_eb", max_size=60))
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


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 50),
       st.sampled_from(("+", "-", "*", "/", "%", "//", "&", "|", "^")))
def test_agrees_with_python(a: int, b: int, c: int, op: str) -> None:
    expr = f"({a}){op}({c})+({b})*t"
    assert evaluate(expr, AT) == pytest.approx(eval(expr, {"t": 12}))
