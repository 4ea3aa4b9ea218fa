"""Two kinds of text, apart by type: what was found, and what the person wrote.

:class:`Found` text (tags, titles, captions, lyrics, imported files) is data. Its constructor is the one
sanitiser, so an instance is clean by construction: no formula, extra network, attention weight, second
negative part, prompt editing, alternation, wildcard, ``AND`` or ``BREAK`` can come out of it, alone or
joined. :class:`Own` text is the person's own prompt and goes to the painter as it was written; only the
formulas between its backticks become numbers, by :mod:`lib_music.formula`.

Conventions: found text is NFKC, on one line, single-spaced, at most :data:`MAX_FOUND` characters; own
text is never trimmed or changed. What is taken out of found text leaves a space, and cleaning repeats until
nothing changes, so that taking one thing out cannot put another together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from lib_music.errors import SettingsError, StoryboardError
from lib_music.formula import check, evaluate

MAX_FOUND = 600
MAX_OWN = 10_000
#: What Deforum splits a prompt at; the second part is the negative prompt.
NEGATIVE_MARK = "--neg"
#: The names a formula may use, Deforum's own.
FORMULA_NAMES = ("t", "max_f", "s")

# Read by the WebUI, Deforum or the usual wildcard extensions: formulas, networks, weights, editing, escapes.
_MARKUP = re.compile(r"[`<>()\[\]{}|:\\_]")
_KEYWORD = re.compile(r"\b(?:AND|BREAK|ADDCOMM|ADDBASE|ADDCOL|ADDROW)\b")
_DASHES = re.compile(r"-{2,}")
# Letters and marks that draw nothing (fillers, joiners, variation selectors) beside the format characters.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_STACKED_MARKS = 4


@dataclass(frozen=True)
class Found:
    """Text that was found; cleaned as it is made.

    Attributes
    ----------
    text : str
        Safe inside any prompt; may be empty. ``Found(found.text) == found``.
    """

    text: str

    def __post_init__(self) -> None:
        # Longer text is cut first: cleaning is then bounded whatever the length of a tag.
        text = self.text[: 8 * MAX_FOUND]
        while (cleaned := _cleaned(text)) != text:
            text = cleaned
        object.__setattr__(self, "text", text)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def join(cls, parts: Iterable[Found | str], separator: str = ", ") -> Found:
        """Found parts and words of our own as one found text, cleaned as a whole, without the empty."""
        return cls(separator.join(text for part in parts if (text := str(part).strip())))


@dataclass(frozen=True)
class Own:
    """The person's own prompt, as written.

    Raises
    ------
    StoryboardError
        When it cannot be written down or is longer than 10,000 characters. Its formulas are checked by
        :meth:`check`, and again when :func:`render_own` computes them.
    """

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > MAX_OWN:
            raise StoryboardError(
                f"prompt {_excerpt(self.text)} has {len(self.text):,} characters", f"keep it to {MAX_OWN:,}"
            )
        for position, character in enumerate(self.text):
            if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r":
                raise StoryboardError(
                    f"prompt {_excerpt(self.text)} holds the control character U+{ord(character):04X} "
                    f"at place {position + 1}",
                    "take it out; a file must be plain UTF-8 text",
                )

    def __str__(self) -> str:
        return self.text

    def check(self) -> None:
        """Raise StoryboardError unless every pair of backticks holds a formula; nothing is computed."""
        for formula in _pieces(self.text)[1::2]:
            try:
                check(formula, FORMULA_NAMES)
            except SettingsError as error:
                raise _in_prompt(self.text, error) from error


Text = Own | Found


def has_formula(text: Text) -> bool:
    """Whether the words change with the frame."""
    return isinstance(text, Own) and "`" in text.text


def render_own(text: Own, *, t: int, max_f: int, s: int) -> str:
    """The prompt at one frame: each formula between backticks as a number, all else untouched.

    Parameters
    ----------
    text : Own
    t, max_f, s : int
        Frame, last frame, seed.

    Returns
    -------
    str
        A whole number is written without a point, any other with one, to six decimals, never an exponent.

    Raises
    ------
    StoryboardError
        For a backtick without a partner, nothing between two, or a formula that cannot be computed.
    """
    pieces = list(_pieces(text.text))
    for i in range(1, len(pieces), 2):
        try:
            pieces[i] = _number(evaluate(pieces[i], {"t": t, "max_f": max_f, "s": s}))
        except SettingsError as error:
            raise _in_prompt(text.text, error) from error
    return "".join(pieces)


@lru_cache(maxsize=256)
def _pieces(text: str) -> tuple[str, ...]:
    """Split at backticks: words at even places, formulas at odd ones."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        raise StoryboardError(
            f"prompt {_excerpt(text)} has a backtick without a partner",
            "put a formula between two backticks, or take the backtick out",
        )
    if not all(formula.strip() for formula in pieces[1::2]):
        raise StoryboardError(
            f"prompt {_excerpt(text)} has two backticks with nothing between them",
            "write a formula there, such as `0.7+0.3*sin(t/10)`, or take them out",
        )
    return tuple(pieces)


def _number(value: float) -> str:
    """Digits that Deforum and the WebUI read alike: ``6``, ``0.25``, ``1.0``."""
    if isinstance(value, int):
        return str(value)
    # Adding zero turns -0.0 into 0.0; the point stays, as it tells a share of the steps from a step.
    whole, _, decimals = f"{round(value, 6) + 0.0:.6f}".partition(".")
    return f"{whole}.{decimals.rstrip('0') or '0'}"


def _cleaned(text: str) -> str:
    """One pass of the sanitiser."""
    text = "".join(_visible(c) for c in unicodedata.normalize("NFKC", text))
    text = _INVISIBLE.sub("", text)
    text = _MARKUP.sub(" ", text)
    text = _DASHES.sub(" - ", text)
    text = _KEYWORD.sub(lambda match: match[0].lower(), text)
    text = _without_stacks(" ".join(text.split()))
    if len(text) > MAX_FOUND:
        text = text[:MAX_FOUND].rsplit(" ", 1)[0] if " " in text[:MAX_FOUND] else text[:MAX_FOUND]
    # Hyphens at an end could meet another text's; a comma there would only stand twice.
    return text.strip(" -,;")


def _visible(character: str) -> str:
    """A character, or what stands for it: a space for controls and line ends, nothing for the invisible."""
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp") or character == "\u200c":
        return " "
    return "" if category[0] == "C" else character


def _without_stacks(text: str) -> str:
    """At most four combining marks on a letter: more is ornament that runs over the lines."""
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= _STACKED_MARKS:
            kept.append(character)
    return "".join(kept)


def _excerpt(text: str) -> str:
    return f"“{text[:60]}”" if len(text) <= 60 else f"“{text[:57]}...”"


def _in_prompt(text: str, error: SettingsError) -> StoryboardError:
    return StoryboardError(f"prompt {_excerpt(text)}: {error.message}", error.fix)
