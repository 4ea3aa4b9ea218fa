"""The prompts of the sections: candidates dealt over labels, rows that are linked, and what was suggested instead.

Conventions: ``storyboard.json`` is the truth about the rows, ``prompts.json`` about the candidates. The candidates that
are not blank are dealt in turn over the labels in order of appearance; a label that comes later takes the next, so that
renaming one section leaves the others alone. A row that reads as it was dealt follows when the candidates change; one
that a person edited stays, and what it would be now is shown as its suggestion. A section is linked while no override
stands at its occurrence. The person's text is kept to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lib_music.analysis.types import Sections
from lib_music.errors import InputError, StoryboardError
from lib_music.prompts.storyboard import (
    COVER_USES,
    DEFAULT_NEGATIVE,
    Override,
    Row,
    Storyboard,
    derived_seed,
    distinct,
)
from lib_music.prompts.suggestions import MAX_TEXTS, Suggestions
from lib_music.prompts.text import MAX_OWN, Own, Text, render_own
from lib_music.studio.foreign import flag, section_of, text, whole

#: Of all edits, those that are about the prompts.
PROMPTS = ("candidates", "take_candidate", "row", "link", "take", "style", "negative", "cover")
#: Frames at which a formula is tried; one that fails at each of them is refused at once.
_TRIED = (0, 1, 7, 1000)


@dataclass(frozen=True)
class Board:
    """All that stands in the Prompts part of the page, and the sections it is about. ``seed`` is the song's."""

    storyboard: Storyboard
    suggestions: Suggestions
    sections: Sections
    seed: int

    @property
    def dealt(self) -> Mapping[str, Text]:
        """What each label would be given now."""
        return deal(self.suggestions.texts, [*self.suggestions.dealt, *self.sections.labels])

    def places(self) -> Iterator[tuple[str, int]]:
        """Label and occurrence of each section."""
        yield from places(self.sections.labels)

    def row(self, label: str) -> Row:
        """The label's row; one that is missing is dealt."""
        found = next((row for row in self.storyboard.rows if row.label == label), None)
        return found or Row(label, self.dealt[label], derived_seed(label, self.seed))


def places(labels: Sequence[str]) -> Iterator[tuple[str, int]]:
    """(label, which time it stands there) of each section."""
    seen: dict[str, int] = {}
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        yield label, seen[label]


def deal(texts: Sequence[Text], labels: Sequence[str]) -> dict[str, Text]:
    """Candidates over distinct labels in their order: blank ones skipped, the list recycled.

    Raises StoryboardError when all are blank.
    """
    prompts = [candidate for candidate in texts if candidate.text.strip()]
    if not prompts:
        raise StoryboardError("there is no prompt: all candidates are blank", "write at least one")
    return {label: prompts[place % len(prompts)] for place, label in enumerate(distinct(labels))}


def redealt(board: Board) -> Board:
    """The board with every row that reads as it was dealt last reading as it is dealt now."""
    base, dealt = board.suggestions.dealt, board.dealt

    def follow(label: str, now: Text) -> Text:
        return dealt[label] if label in dealt and now.text == base.get(label) else now

    kept = {row.label: replace(row, prompt=follow(row.label, row.prompt)) for row in board.storyboard.rows}
    here = distinct(board.sections.labels)
    rows = [kept[label] if label in kept else board.row(label) for label in here]
    # Rows of labels that are gone are kept where they alone hold the person's words: a label may come back.
    words = {(row.prompt.text, row.negative) for row in rows}
    gone = [row for row in kept.values() if row.label not in here and (row.prompt.text, row.negative) not in words]
    rows += [row for row in gone if _is_personal(row, base.get(row.label))]
    overrides = {
        (label, occurrence): replace(o, prompt=None if o.prompt is None else follow(label, o.prompt))
        for (label, occurrence), o in board.storyboard.overrides.items()
    }
    last = max(place for place, label in enumerate(dealt) if label in here)
    known = {label: words.text for place, (label, words) in enumerate(dealt.items()) if place <= last}
    storyboard = replace(board.storyboard, rows=tuple(rows), overrides=overrides)
    return replace(board, storyboard=storyboard, suggestions=replace(board.suggestions, dealt=known))


def _is_personal(row: Row, dealt: str | None) -> bool:
    return (isinstance(row.prompt, Own) and row.prompt.text != dealt) or row.negative is not None


def relabelled(board: Board, sections: Sections, *, split: bool) -> Board:
    """The board of a song whose sections have got other names, with rows and overrides where their sections are.

    Parameters
    ----------
    sections : Sections
        As many as before.
    split : bool
        Whether a label that was taken out of another one begins with that one's row.
    """
    old, new = board.sections.labels, sections.labels
    if old == new or len(old) != len(new):
        return redealt(replace(board, sections=sections))
    rows = {row.label: row for row in board.storyboard.rows}
    base = dict(board.suggestions.dealt)
    for label in distinct(new):
        source = old[new.index(label)]
        if label in rows or label in old or not (split or source not in new):
            continue
        moved = board.row(source)
        if source in new:
            if source in base:
                base[label] = base[source]
            rows[label] = Row(label, moved.prompt, derived_seed(label, board.seed), moved.negative)
        else:  # the whole label has another name: it keeps its place and its seed
            kept = ((name, words) for name, words in base.items() if name != label)
            base = {label if name == source else name: words for name, words in kept}
            rows[label] = replace(moved, label=label)
    gone = {label for label in old if label not in new and _all_went_together(label, old, new)}
    moves = dict(zip(places(old), places(new), strict=True))
    before = board.storyboard.overrides
    lost = {place: override for place, override in before.items() if place not in moves}
    overrides = {**lost, **{moves[place]: override for place, override in before.items() if place in moves}}
    storyboard = replace(
        board.storyboard, rows=tuple(row for row in rows.values() if row.label not in gone), overrides=overrides
    )
    suggestions = replace(board.suggestions, dealt=base)
    return redealt(Board(storyboard, suggestions, sections, board.seed))


def _all_went_together(label: str, old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether a label was only given another name that was free, so that its row has moved along."""
    names = {b for a, b in zip(old, new, strict=True) if a == label}
    return len(names) == 1 and not names & set(old)


def edited(board: Board, action: Mapping[str, Any]) -> Board:
    """The board after one edit of :data:`PROMPTS`.

    Raises
    ------
    InputError
        The edit cannot be made; nothing is changed.
    """
    edits = {
        "candidates": _candidates, "take_candidate": _candidates, "row": _row, "link": _link, "take": _take,
        "style": _style, "negative": _negative, "cover": _cover,
    }  # fmt: skip
    changed = edits[str(action.get("do"))](board, action)
    # Style and prompt go together: that they fit is known only here.
    changed.storyboard.resolve(changed.sections)
    return changed


def reworded(suggestions: Suggestions, action: Mapping[str, Any], seed: int = 0) -> Suggestions:
    """The candidates after ``candidates`` or ``take_candidate``; raises InputError when it cannot be made."""
    if action.get("do") == "take_candidate":
        place = whole(action, "index", 0, MAX_TEXTS)
        if place >= len(suggestions.suggested):
            raise InputError(f"there is no suggestion {place + 1}", "press Produce prompts for new ones")
        kept = (suggestions.suggested[i] if i == place else t for i, t in enumerate(suggestions.texts))
        return replace(suggestions, texts=tuple(kept))
    texts = action.get("texts")
    if not isinstance(texts, list) or len(texts) > MAX_TEXTS:
        raise InputError("the candidates are not a list of texts", f"give 1 to {MAX_TEXTS}")
    own = tuple(_own({"text": entry}, "text", seed) for entry in texts)
    return replace(suggestions, texts=own or (Own(""),))


def _candidates(board: Board, action: Mapping[str, Any]) -> Board:
    return redealt(replace(board, suggestions=reworded(board.suggestions, action, board.seed)))


def _row(board: Board, action: Mapping[str, Any]) -> Board:
    """Other words for a section, and for those it is linked with; a blank prompt is the dealt one again."""
    place = list(board.places())[section_of(action, len(board.sections))]
    if "prompt" not in action and "negative" not in action:
        raise InputError("the row says nothing new", "give a prompt or a negative")
    if "prompt" in action:
        words, dealt = _own(action, "prompt", board.seed), board.dealt[place[0]]
        blank = not words.text.strip()
        board = _with_prompt(board, place, dealt if blank or words.text == dealt.text else words)
    if "negative" in action:
        words = _own(action, "negative", board.seed)
        board = _with_negative(board, place, words if words.text.strip() else None)
    return board


def _with_prompt(board: Board, place: tuple[str, int], prompt: Text) -> Board:
    """A prompt at one section, and at all that are linked with it."""
    board = _with_row(board, place[0])
    if (override := board.storyboard.overrides.get(place)) is not None:
        return _with_override(board, place, replace(override, prompt=prompt))
    rows = tuple(replace(row, prompt=prompt) if row.label == place[0] else row for row in board.storyboard.rows)
    return replace(board, storyboard=replace(board.storyboard, rows=rows))


def _with_negative(board: Board, place: tuple[str, int], negative: Text | None) -> Board:
    """A negative likewise; None is the general one."""
    board = _with_row(board, place[0])
    if (override := board.storyboard.overrides.get(place)) is not None:
        # By its words, as None would be what the others of the label have.
        words = board.storyboard.negative if negative is None else negative
        return _with_override(board, place, replace(override, negative=words))
    rows = tuple(replace(row, negative=negative) if row.label == place[0] else row for row in board.storyboard.rows)
    return replace(board, storyboard=replace(board.storyboard, rows=rows))


def _with_override(board: Board, place: tuple[str, int], override: Override) -> Board:
    overrides = {**board.storyboard.overrides, place: override}
    return replace(board, storyboard=replace(board.storyboard, overrides=overrides))


def _with_row(board: Board, label: str) -> Board:
    """A file that was edited by hand may lack a label's row."""
    if any(row.label == label for row in board.storyboard.rows):
        return board
    rows = (*board.storyboard.rows, board.row(label))
    return replace(board, storyboard=replace(board.storyboard, rows=rows))


def _link(board: Board, action: Mapping[str, Any]) -> Board:
    place = list(board.places())[section_of(action, len(board.sections))]
    overrides = dict(board.storyboard.overrides)
    if flag(action, "linked"):
        overrides.pop(place, None)
    elif place not in overrides:
        row = board.row(place[0])
        overrides[place] = Override(row.prompt, row.negative or board.storyboard.negative)
    return replace(board, storyboard=replace(board.storyboard, overrides=overrides))


def _take(board: Board, action: Mapping[str, Any]) -> Board:
    place = list(board.places())[section_of(action, len(board.sections))]
    return _with_prompt(board, place, board.dealt[place[0]])


def _style(board: Board, action: Mapping[str, Any]) -> Board:
    return replace(board, storyboard=replace(board.storyboard, style=_own(action, "text", board.seed)))


def _negative(board: Board, action: Mapping[str, Any]) -> Board:
    """Another general negative; what stood there by its words follows."""
    words: Text = _own(action, "text", board.seed)
    if words.text == DEFAULT_NEGATIVE.text:
        words = DEFAULT_NEGATIVE
    before = board.storyboard.negative.text
    overrides = {
        place: replace(o, negative=words) if o.negative is not None and o.negative.text == before else o
        for place, o in board.storyboard.overrides.items()
    }
    return replace(board, storyboard=replace(board.storyboard, negative=words, overrides=overrides))


def _cover(board: Board, action: Mapping[str, Any]) -> Board:
    use = text(action, "use", 40)
    if use not in COVER_USES:
        raise InputError(f"{use!r} is no use of the cover", f"choose one of {', '.join(COVER_USES)}")
    return replace(board, storyboard=replace(board.storyboard, cover=use))


def _own(action: Mapping[str, Any], name: str, seed: int) -> Own:
    """The person's text to the letter; its formulas are computed at a few frames, so that nonsense is told at once."""
    own = Own(text(action, name, MAX_OWN))
    own.check()
    troubles = []
    for frame in _TRIED:
        try:
            render_own(own, t=frame, max_f=_TRIED[-1], s=seed)
        except StoryboardError as error:
            troubles.append(error)
    if len(troubles) == len(_TRIED):
        raise troubles[0]
    return own


def row_documents(board: Board) -> list[dict[str, Any]]:
    """The rows as the page draws them, one per section; see the view."""
    storyboard, sections, dealt = board.storyboard, board.sections, board.dealt
    rows = []
    for section, place in zip(sections, board.places(), strict=True):
        row, override = board.row(section.label), storyboard.overrides.get(place)
        prompt = (override and override.prompt) or row.prompt
        negative = override.negative if override and override.negative is not None else row.negative
        own_negative = "" if negative is None or negative.text == storyboard.negative.text else negative.text
        suggested = dealt[section.label].text
        rows.append(
            {
                "section": section.id,
                "label": section.label,
                "role": section.role,
                "from": round(section.start, 3),
                "to": round(section.end, 3),
                "occurrence": place[1],
                "of": sections.labels.count(section.label),
                "linked": override is None,
                "prompt": prompt.text,
                "negative": own_negative,
                "suggested": suggested if prompt.text != suggested else None,
                "edited": prompt.text != suggested,
            }
        )
    return rows
