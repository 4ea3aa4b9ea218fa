"""Formulas of the frame number, evaluated by an allow-list and by nothing else.

Deforum evaluates what stands between backticks with numexpr, where ``9**9**9`` stops the whole WebUI. Here a
formula is parsed into Python's syntax tree and only the nodes named below are ever computed; length, nesting,
exponents and magnitudes are bounded before any work is done.

Conventions: ``t`` is the frame, ``max_f`` the last frame, ``s`` the seed; angles are radians; comparisons
give 0 or 1; whole numbers stay whole (``4+2`` is 6, ``4/2`` is 2.0), because a prompt's ``[a:b:6]`` counts
steps and ``[a:b:0.6]`` is a share of them.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.errors import SettingsError

Array = npt.NDArray[np.float64]

MAX_LENGTH = 2_000
MAX_DEPTH = 100
MAX_EXPONENT = 1_000
#: Largest result: far beyond any sensible schedule, small enough to be written without an exponent.
MAX_RESULT = 1e15

CONSTANTS: Mapping[str, float] = {"pi": math.pi}

#: name: (number of arguments, function). No number means two or more; no function, that not all is computed.
FUNCTIONS: Mapping[str, tuple[int | None, Callable[..., float] | None]] = {
    "sin": (1, math.sin),
    "cos": (1, math.cos),
    "tan": (1, math.tan),
    "abs": (1, abs),
    "exp": (1, math.exp),
    "sqrt": (1, math.sqrt),
    "log": (1, math.log),
    "min": (None, min),
    "max": (None, max),
    "floor": (1, math.floor),
    "ceil": (1, math.ceil),
    "round": (1, round),
    "where": (3, None),
    "clip": (3, lambda value, low, high: min(max(value, low), high)),
}

_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[float], float]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FOREIGN = re.compile(r"[^0-9A-Za-z_.+\-*/%()<>=!,\s]")
#: A number that runs into a letter (``2t``, ``0x1f``), other than an exponent.
_GLUED = re.compile(r"(?<![\w.])[\d.]+(?:[eE][+-]?\d+[A-Za-z_]|(?![eE][+-]?\d)[A-Za-z_])")


def evaluate(expr: str, variables: Mapping[str, float]) -> float:
    """The value of a formula.

    Parameters
    ----------
    expr : str
        At most 2,000 characters of numbers, ``+ - * / % **``, comparisons, parentheses, names and the
        functions sin cos tan abs exp sqrt log min max floor ceil round where clip.
    variables : mapping of name to number
        Such as ``{"t": 12, "max_f": 239, "s": 7}``; ``pi`` is always known.

    Returns
    -------
    float
        Finite, at most 1e15 either way; an int where whole numbers give a whole number.

    Raises
    ------
    SettingsError
        With the formula, where in it the trouble lies, and what is allowed.
    """
    tree = _parse(expr)
    _check_names(expr, tree, variables)
    try:
        value = _value(tree, {**CONSTANTS, **variables})
    except _Stuck as stuck:
        raise _refusal(expr, f"cannot be computed: {stuck}", stuck.at) from stuck.__cause__
    if not abs(value) <= MAX_RESULT:
        raise _refusal(expr, f"gives {value:.3g}; the limit is {MAX_RESULT:.0e}", 0)
    return value


def evaluate_many(expr: str, variables: Mapping[str, Array]) -> Array:
    """The value of a formula at many moments, each as :func:`evaluate` gives it.

    Parameters
    ----------
    expr : str
    variables : mapping of name to array [shape=(n,)]

    Returns
    -------
    values : [shape=(n,)]
        Finite.

    Raises
    ------
    FormulaError
        A :class:`~lib_music.errors.SettingsError` that says at which moment; -1 where the formula is wrong as such.
    """
    try:
        tree = _parse(expr)
        _check_names(expr, tree, variables)
    except SettingsError as error:
        raise FormulaError(error.message, error.fix, -1) from error
    constants = {name: np.float64(value) for name, value in CONSTANTS.items()}
    n = next(iter(variables.values())).size
    with np.errstate(all="ignore"):
        found, good = _values(tree, {**constants, **variables})
        good = np.broadcast_to(good & (np.abs(found) <= MAX_RESULT), (n,))
    values = np.array(np.broadcast_to(found, (n,)), np.float64)
    for i in np.flatnonzero(~good).tolist():
        # What one by one can be computed after all counts; else it says why it cannot.
        try:
            values[i] = evaluate(expr, {name: float(at[i]) for name, at in variables.items()})
        except SettingsError as error:
            raise FormulaError(error.message, error.fix, i) from error
    return values


class FormulaError(SettingsError):
    """A formula that cannot be computed; ``moment`` is which of many, -1 for all of them."""

    def __init__(self, message: str, fix: str, moment: int) -> None:
        super().__init__(message, fix)
        self.moment = moment


def check(expr: str, names: Collection[str]) -> None:
    """Raise SettingsError unless ``expr`` is a formula of ``names``; its value is not computed."""
    _check_names(expr, _parse(expr), names)


@lru_cache(maxsize=256)
def _parse(expr: str) -> ast.expr:
    """Parse within bounds that are checked before the parser sees the text."""
    if len(expr) > MAX_LENGTH:
        length = f"formula {_excerpt(expr)} has {len(expr):,} characters"
        raise SettingsError(length, f"keep it to {MAX_LENGTH:,}")
    if not expr.strip():
        raise SettingsError("a formula is empty", "write a number or an expression such as 0.5+0.2*sin(t/10)")
    if foreign := _FOREIGN.search(expr):
        raise _refusal(expr, f"{foreign[0]!r} is not allowed", foreign.start())
    if glued := _GLUED.search(expr):
        raise _refusal(expr, f"{glued[0]!r} is not a number; is a * missing?", glued.start())
    depth = 0
    for position, character in enumerate(expr):
        depth += (character == "(") - (character == ")")
        if not 0 <= depth <= MAX_DEPTH:
            deep = f"more than {MAX_DEPTH} nested parentheses"
            raise _refusal(expr, deep if depth > 0 else "this parenthesis was never opened", position)
    if depth:
        raise _refusal(expr, "a parenthesis is not closed", expr.rindex("("))
    # In parentheses line breaks and leading spaces mean nothing; every position is then one too high.
    wrapped = "(" + re.sub(r"\s", " ", expr) + ")"
    try:
        tree = ast.parse(wrapped, mode="eval").body
    except SyntaxError as error:
        position = min(max((error.offset or 2) - 2, 0), len(expr) - 1)
        raise _refusal(expr, "this is not a formula", position) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise _refusal(expr, "is nested too deeply or holds too long a number", 0) from error
    _check_nodes(expr, tree)
    return tree


def _check_nodes(expr: str, tree: ast.expr) -> None:
    """Walk the tree without recursion: every node on the allow-list, none too deep."""
    waiting: list[tuple[ast.expr, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        at = node.col_offset - 1
        if depth > MAX_DEPTH:
            raise _refusal(expr, f"is nested more than {MAX_DEPTH} deep", at)
        children: list[ast.expr] = []
        if isinstance(node, ast.Constant):
            number = node.value
            if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= 1e300:
                raise _refusal(expr, "holds something that is not a usable number", at)
        elif isinstance(node, ast.BinOp) and (type(node.op) in _BINARY or isinstance(node.op, ast.Pow)):
            children = [node.left, node.right]
        elif isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
            children = [node.operand]
        elif isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
            children = [node.left, *node.comparators]
        elif isinstance(node, ast.Call):
            _check_call(expr, node, at)
            children = list(node.args)
        elif not isinstance(node, ast.Name):
            raise _refusal(expr, f"{type(node).__name__} is not allowed", at)
        waiting += [(child, depth + 1) for child in children]


def _check_call(expr: str, node: ast.Call, at: int) -> None:
    """A known function by its plain name, with as many plain arguments as it takes."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS:
        raise _refusal(expr, f"function {name!r} is not known; there are {', '.join(FUNCTIONS)}", at)
    wanted = FUNCTIONS[name][0]
    if node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
        raise _refusal(expr, f"{name} takes plain arguments only", at)
    if not (len(node.args) == wanted if wanted else 2 <= len(node.args) <= 16):
        raise _refusal(expr, f"{name} takes {wanted or '2 to 16'} arguments, not {len(node.args)}", at)


def _check_names(expr: str, tree: ast.expr, names: Collection[str]) -> None:
    """Every name that is not a function's is a constant or one of ``names``."""
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in functions and node.id not in {*CONSTANTS, *names}:
            known = ", ".join([*names, *CONSTANTS])
            raise _refusal(expr, f"name {node.id!r} is not known; there are {known}", node.col_offset - 1)


class _Stuck(Exception):
    """A part of a formula that cannot be computed, ``at`` a character of it."""

    def __init__(self, why: object, at: int) -> None:
        super().__init__(str(why))
        self.at = at


def _value(node: ast.expr, variables: Mapping[str, float]) -> float:
    """Compute a checked tree; its depth is bounded."""
    try:
        return _computed(node, variables)
    except (ArithmeticError, ValueError) as error:
        # Of a quotient the divisor is meant.
        at = getattr(node, "right", node)
        raise _Stuck(error, at.col_offset - 1) from error


def _computed(node: ast.expr, variables: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int | float)
        value: float = node.value
    elif isinstance(node, ast.Name):
        value = variables[node.id]
    elif isinstance(node, ast.UnaryOp):
        value = _UNARY[type(node.op)](_value(node.operand, variables))
    elif isinstance(node, ast.BinOp):
        left, right = _value(node.left, variables), _value(node.right, variables)
        value = _power(left, right) if isinstance(node.op, ast.Pow) else _BINARY[type(node.op)](left, right)
    elif isinstance(node, ast.Compare):
        sides = [_value(side, variables) for side in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        value = int(all(_COMPARE[type(op)](left, right) for op, left, right in pairs))
    else:
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        function = FUNCTIONS[node.func.id][1]
        if function is None:
            # where: only the chosen side, so that where(t>0, 1/t, 0) stands at frame 0.
            condition, yes, no = node.args
            return _value(yes if _value(condition, variables) else no, variables)
        value = function(*(_value(arg, variables) for arg in node.args))
    if not math.isfinite(value):
        raise ValueError(f"a part of it is {value}")
    # Whole numbers beyond what a float holds exactly would only make later steps slow.
    return float(value) if abs(value) > 2**53 else value


#: The same functions over arrays.
_ARRAYS: Mapping[str, Callable[..., Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "abs": np.abs,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "log": np.log,
    "min": lambda *values: functools.reduce(np.minimum, values),
    "max": lambda *values: functools.reduce(np.maximum, values),
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "clip": lambda value, low, high: np.minimum(np.maximum(value, low), high),
}


def _values(node: ast.expr, variables: Mapping[str, Any]) -> tuple[Any, Any]:
    """A checked tree over arrays: its values, and where all its parts can be computed."""
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int | float)
        return np.float64(node.value), np.True_
    if isinstance(node, ast.Name):
        return np.asarray(variables[node.id], np.float64), np.True_
    if isinstance(node, ast.UnaryOp):
        inner, good = _values(node.operand, variables)
        return _UNARY[type(node.op)](inner), good
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        sides = [_values(side, variables) for side in node.args]
        if node.func.id == "where":
            (condition, sure), (yes, yes_good), (no, no_good) = sides
            return np.where(condition, yes, no), sure & np.where(condition, yes_good, no_good)
        found = _ARRAYS[node.func.id](*(values for values, _ in sides))
    elif isinstance(node, ast.Compare):
        sides = [_values(side, variables) for side in (node.left, *node.comparators)]
        steps = [_COMPARE[type(op)](a[0], b[0]) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]
        found = np.asarray(functools.reduce(np.logical_and, steps), np.float64)
    else:
        assert isinstance(node, ast.BinOp)
        sides = [_values(node.left, variables), _values(node.right, variables)]
        (left, _), (right, _) = sides
        power = isinstance(node.op, ast.Pow)
        found = left**right if power else _BINARY[type(node.op)](left, right)
        if power:
            # One by one decides about what is beyond the bounds.
            sides.append((found, (np.abs(right) <= MAX_EXPONENT) & (np.abs(found) < 2.0**1000)))
    return found, functools.reduce(np.logical_and, [good for _, good in sides]) & np.isfinite(found)


def _power(base: float, exponent: float) -> float:
    """``base ** exponent`` where it is real and moderate, looked at before it is computed."""
    if abs(exponent) > MAX_EXPONENT:
        raise ValueError(f"the exponent {exponent:g} is beyond {MAX_EXPONENT}")
    if base < 0 and exponent != int(exponent):
        raise ValueError(f"{base:g} to the power {exponent:g} is not a real number")
    if base and exponent * math.log2(abs(base)) > 1_000:
        raise ValueError(f"{base:g} to the power {exponent:g} is too large")
    return float(base**exponent) if abs(base) > 1 and exponent > 53 else base**exponent


def _excerpt(expr: str) -> str:
    return f"`{expr[:60]}`" if len(expr) <= 60 else f"`{expr[:57]}...`"


def _refusal(expr: str, what: str, position: int) -> SettingsError:
    return SettingsError(
        f"formula {_excerpt(expr)}, character {position + 1}: {what}",
        "use numbers, + - * / % **, comparisons, the known names, pi, sin, cos, abs, min, max and the like",
    )
