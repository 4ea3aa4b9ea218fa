"""What to paint in each section of the song.

A storyboard is keyed by *label*: sections of the same material share one row, so a chorus that returns gets
its prompt and its seed again. An override changes one occurrence of a label. A song that is heard anew, with
other borders or other labels, keeps its storyboard: labels without a row take the rows in turn.

Conventions: a label's occurrences count from 1; seeds are 32-bit, 0 to 4294967295, and derived ones stay
under 2**31 so that a frame number can be added; prompts are :class:`~lib_music.prompts.text.Found` or
:class:`~lib_music.prompts.text.Own`, never a bare str.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, get_args

from lib_music.analysis.types import Sections
from lib_music.errors import StoryboardError
from lib_music.prompts.text import NEGATIVE_MARK, Found, Own, Text

#: How the cover enters the picture: as the first frame, by its colours alone (in the prompts), or not at all.
CoverUse = Literal["start", "palette", "none"]
COVER_USES: tuple[CoverUse, ...] = get_args(CoverUse)

NO_STYLE = Own("")
MAX_SEED = 2**32 - 1
MAX_LABEL = 80

#: What no section wants to see: writing, frames, the usual slips of diffusion.
DEFAULT_NEGATIVE = Found(
    "text, lettering, watermark, signature, logo, picture frame, border, lowres, worst quality, low quality, "
    "jpeg artifacts, blurry, oversharpened, deformed, disfigured, extra limbs, bad anatomy"
)


@dataclass(frozen=True)
class Row:
    """What is painted wherever a label stands.

    A ``negative`` of None is the storyboard's. A seed that is ``locked`` was chosen by the person, who saw what it
    paints: another seed for the whole song leaves it as it is.
    """

    label: str
    prompt: Text
    seed: int
    negative: Text | None = None
    locked: bool = False

    def __post_init__(self) -> None:
        if not self.prompt.text.strip():
            raise StoryboardError(f"the prompt of {self.label!r} is empty", "write one, or leave the row out")
        if not (self.label.strip() and self.label.isprintable() and len(self.label) <= MAX_LABEL):
            raise StoryboardError(f"label {self.label[:60]!r} is not a name", "keep the labels as they were")
        _check_text(self.prompt, self.negative)
        _check_seed(self.seed)


@dataclass(frozen=True)
class Override:
    """What differs at one occurrence of a label; None keeps the row's."""

    prompt: Text | None = None
    negative: Text | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.prompt is not None and not self.prompt.text.strip():
            raise StoryboardError("the prompt of an override is empty", "write one, or leave it out")
        _check_text(self.prompt, self.negative)
        if self.seed is not None:
            _check_seed(self.seed)


@dataclass(frozen=True)
class SectionPrompt:
    """What one section gets: ``positive`` with the style in it, ``negative``, ``seed`` and its ``label``."""

    label: str
    positive: Text
    negative: Text
    seed: int


@dataclass(frozen=True)
class Storyboard:
    """Prompts, negatives and seeds for a song.

    Attributes
    ----------
    rows : tuple of Row
        One per label, in order of appearance; at least one.
    negative : Found or Own
        For all rows without their own.
    style : Found or Own
        Follows every prompt; may be empty.
    overrides : mapping of (label, occurrence) to Override
    cover : "start", "palette" or "none"
    warnings : tuple of str
        What was passed over when it was read; no part of its value.
    """

    rows: tuple[Row, ...]
    negative: Text = DEFAULT_NEGATIVE
    style: Text = NO_STYLE
    overrides: Mapping[tuple[str, int], Override] = field(default_factory=dict)
    cover: CoverUse = "start"
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not self.rows:
            raise StoryboardError("the storyboard has no prompts", "write at least one")
        labels = [row.label for row in self.rows]
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise StoryboardError(f"label {twice[0]!r} has two rows", "give each label one row")
        if any(occurrence < 1 for _, occurrence in self.overrides):
            raise StoryboardError("an override's occurrence is below 1", "they count from 1")
        if self.cover not in COVER_USES:
            uses = ", ".join(COVER_USES)
            raise StoryboardError(f"cover {str(self.cover)[:40]!r} is not known", f"give one of {uses}")
        _check_text(self.negative, self.style)
        object.__setattr__(self, "overrides", MappingProxyType(dict(self.overrides)))

    def resolve(self, sections: Sections) -> tuple[SectionPrompt, ...]:
        """What each section gets, in order [length=len(sections)]."""
        rows = self._rows_for(sections)
        seen: dict[str, int] = {}
        resolved = []
        for label in sections.labels:
            seen[label] = seen.get(label, 0) + 1
            row, override = rows[label], self.overrides.get((label, seen[label]), Override())
            prompt = override.prompt or row.prompt
            negative = next(
                text for text in (override.negative, row.negative, self.negative) if text is not None
            )
            seed = row.seed if override.seed is None else override.seed
            resolved.append(SectionPrompt(label, _with_style(prompt, self.style), negative, seed))
        return tuple(resolved)

    def reseeded(self, seed: int) -> Storyboard:
        """The same words with other seeds, which follow from ``seed`` and the rows' own.

        Overrides and locked rows keep theirs.
        """
        rows = (row if row.locked else replace(row, seed=derived_seed(str(row.seed), seed)) for row in self.rows)
        return replace(self, rows=tuple(rows))

    def _rows_for(self, sections: Sections) -> dict[str, Row]:
        """A row for every label: its own, or the next in turn with a seed of its own."""
        rows = {row.label: row for row in self.rows}
        for place, label in enumerate(distinct(sections.labels)):
            if label not in rows:
                lent = self.rows[place % len(self.rows)]
                rows[label] = Row(label, lent.prompt, derived_seed(label, lent.seed), lent.negative)
        return rows


def make_storyboard(
    candidates: Sequence[Text],
    sections: Sections,
    *,
    negative: Text = DEFAULT_NEGATIVE,
    style: Text = NO_STYLE,
    seed: int = 0,
    cover: CoverUse = "start",
) -> Storyboard:
    """Deal prompts out over a song: in turn over its labels in order of appearance.

    Parameters
    ----------
    candidates : sequence of Found or Own
        Blank ones are skipped; the list starts again when it ends before the labels do.
    sections : Sections
    negative, style : Found or Own
    seed : int
        Of the song; each label's seed is derived from it.

    Raises
    ------
    StoryboardError
        When every candidate is blank, or one has a broken formula.
    """
    prompts = [text for text in candidates if text.text.strip()]
    if not prompts:
        raise StoryboardError("there is no prompt: all lines are blank", "write at least one prompt")
    rows = tuple(
        Row(label, prompts[place % len(prompts)], derived_seed(label, seed))
        for place, label in enumerate(distinct(sections.labels))
    )
    return Storyboard(rows, negative=negative, style=style, cover=cover)


def distinct(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels once each, in order of appearance."""
    return tuple(dict.fromkeys(labels))


def derived_seed(label: str, seed: int) -> int:
    """A label's seed [0, 2**31): the same for the same label and song, unlike for any two."""
    digest = hashlib.sha256(f"{seed}:{label}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _with_style(prompt: Text, style: Text) -> Text:
    """The style behind the prompt's words, before a negative part if the person wrote one."""
    if not style.text.strip():
        return prompt
    if isinstance(prompt, Found) and isinstance(style, Found):
        return Found.join([prompt, style])
    words, mark, negative = prompt.text.partition(NEGATIVE_MARK)
    # Found words hold nothing that the person's own could complete: each part's formulas are whole.
    return Own(f"{words.rstrip(' ,')}, {style.text.strip()}{' ' + mark + negative if mark else ''}")


def _check_text(*texts: Text | None) -> None:
    for text in texts:
        if isinstance(text, Own):
            text.check()


def _check_seed(seed: int) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        what = "a huge number" if isinstance(seed, int) and abs(seed) > 10**20 else repr(seed)
        fix = f"give a whole number from 0 to {MAX_SEED}, or leave it out"
        raise StoryboardError(f"seed {what} is not usable", fix)
