"""Formulas of the frame number, evaluated by an allow-list and by nothing else.

Deforum evaluates what stands between backticks with numexpr, where ``9**9**9`` stops the whole WebUI. Here a
formula is parsed into Python's syntax tree and only the nodes named below are ever computed; length, nesting,
exponents and magnitudes are bounded before any work is done.

Conventions: ``t`` is the frame, ``max_f`` the last frame, ``s`` the seed; angles are radians; comparisons
give 0 or 1, and ``& | ^ ~`` join and turn them around (of whole numbers they take the bits, as in numexpr);
whole numbers stay whole (``4+2`` is 6, ``4/2`` is 2.0), because a prompt's ``[a:b:6]`` counts steps and
``[a:b:0.6]`` is a share of them.
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
    "arcsin": (1, math.asin),
    "arccos": (1, math.acos),
    "arctan": (1, math.atan),
    "arctan2": (2, math.atan2),
    "sinh": (1, math.sinh),
    "cosh": (1, math.cosh),
    "tanh": (1, math.tanh),
    "arcsinh": (1, math.asinh),
    "arccosh": (1, math.acosh),
    "arctanh": (1, math.atanh),
    "abs": (1, abs),
    "exp": (1, math.exp),
    "sqrt": (1, math.sqrt),
    "log": (1, math.log),
    "log10": (1, math.log10),
    "log1p": (1, math.log1p),
    "expm1": (1, math.expm1),
    "fmod": (2, math.fmod),
    "sign": (1, lambda value: int(value > 0) - int(value < 0)),
    "trunc": (1, math.trunc),
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
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
#: Of whole numbers, and of what comparisons give.
_BITWISE: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_SHIFTS = (ast.LShift, ast.RShift)
MAX_SHIFT = 52
#: Beyond this a float holds no whole number exactly.
MAX_WHOLE = 2**53
#: Functions that level off: of a quotient by 0 they have a value, as the arc tangent of infinity is pi/2.
_LEVEL_OFF = frozenset({"arctan", "tanh"})
_UNARY: Mapping[type[ast.unaryop], Callable[[float], float]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: lambda value: -1 - value,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FOREIGN = re.compile(r"[^0-9A-Za-z_.+\-*/%()<>=!&|^~,\s]")
#: A number that runs into a letter (``2t``, ``0x1f``), other than an exponent.
_GLUED = re.compile(r"(?<![\w.])[\d.]+(?:[eE][+-]?\d+[A-Za-z_]|(?![eE][+-]?\d)[A-Za-z_])")


def evaluate(expr: str, variables: Mapping[str, float]) -> float:
    """The value of a formula.

    Parameters
    ----------
    expr : str
        At most 2,000 characters of numbers, ``+ - * / // % ** & | ^ ~ << >>``, comparisons, parentheses, names
        and the functions in ``FUNCTIONS``.
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
        elif isinstance(node, ast.BinOp) and type(node.op) in {*_BINARY, *_BITWISE, ast.Pow}:
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
        value = _turned(node, _value(node.operand, variables))
    elif isinstance(node, ast.BinOp):
        value = _joined(node.op, _value(node.left, variables), _value(node.right, variables))
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
        inner = _limit if node.func.id in _LEVEL_OFF else _value
        value = function(*(inner(arg, variables) for arg in node.args))
    if not math.isfinite(value):
        raise ValueError(f"a part of it is {value}")
    # Whole numbers beyond what a float holds exactly would only make later steps slow.
    return float(value) if abs(value) > MAX_WHOLE else value


def _joined(op: ast.operator, left: float, right: float) -> float:
    """What an operator between two numbers gives."""
    if isinstance(op, ast.Pow):
        return _power(left, right)
    if type(op) in _BINARY:
        return _BINARY[type(op)](left, right)
    if isinstance(op, _SHIFTS) and not 0 <= right <= MAX_SHIFT:
        raise ValueError(f"a shift by {right:g} is outside 0 to {MAX_SHIFT}")
    value: float = _BITWISE[type(op)](_whole(left), _whole(right))
    return value


def _turned(node: ast.UnaryOp, value: float) -> float:
    """What a sign or ``~`` before a number gives: of a condition ``~`` is its contrary."""
    if isinstance(node.op, ast.Invert):
        return 1 - value if _is_condition(node.operand) else _UNARY[ast.Invert](_whole(value))
    return _UNARY[type(node.op)](value)


def _is_condition(node: ast.expr) -> bool:
    """Whether a node is a comparison, or comparisons joined by ``& | ^`` and turned by ``~``."""
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        node = node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor):
        return _is_condition(node.left) and _is_condition(node.right)
    return isinstance(node, ast.Compare)


def _whole(value: float) -> int:
    if value != int(value) or abs(value) > MAX_WHOLE:
        raise ValueError(f"{value:g} is not a whole number that & | ^ ~ << >> can take")
    return int(value)


def _limit(node: ast.expr, variables: Mapping[str, float]) -> float:
    """As :func:`_value`, where a quotient by 0 is infinite."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        above, below = _value(node.left, variables), _value(node.right, variables)
        if above and not below:
            return math.copysign(math.inf, above) * math.copysign(1.0, below)
    return _value(node, variables)


#: The same functions over arrays.
_ARRAYS: Mapping[str, Callable[..., Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "arctan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "abs": np.abs,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "fmod": np.fmod,
    "sign": np.sign,
    "trunc": np.trunc,
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
        if isinstance(node.op, ast.Invert):
            return (1 - inner, good) if _is_condition(node.operand) else (-1 - inner, good & _are_whole(inner))
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
        found, possible = _joined_many(node.op, sides[0][0], sides[1][0])
        sides.append((found, possible))
    return found, functools.reduce(np.logical_and, [good for _, good in sides]) & np.isfinite(found)


def _joined_many(op: ast.operator, left: Any, right: Any) -> tuple[Any, Any]:
    """What an operator between arrays gives, and where that is beyond doubt: one by one decides about the rest."""
    if isinstance(op, ast.Pow):
        found = left**right
        return found, (np.abs(right) <= MAX_EXPONENT) & (np.abs(found) < 2.0**1000)
    if type(op) in _BINARY:
        return _BINARY[type(op)](left, right), np.True_
    possible = _are_whole(left) & _are_whole(right)
    if isinstance(op, _SHIFTS):
        possible = possible & (right >= 0) & (right <= MAX_SHIFT) & (np.abs(left) * 2.0**right <= MAX_WHOLE)
    whole = [np.where(possible, side, 0).astype(np.int64) for side in (left, right)]
    return _BITWISE[type(op)](*whole).astype(np.float64), possible


def _are_whole(values: Any) -> Any:
    return (values == np.round(values)) & (np.abs(values) <= MAX_WHOLE)


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
        "use numbers, + - * / // % **, comparisons, & |, the known names, pi, sin, cos, abs, min, max and the like",
    )
