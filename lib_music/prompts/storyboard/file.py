"""The storyboard as a file that a person edits.

Two forms are read. Plain text: one prompt a line, blank lines skipped, dealt out over the song; a JSON list of
texts is the same. JSON, as :func:`write_storyboard` writes it: one row a label, with the roles and times of its
sections for orientation.

Conventions: UTF-8 (UTF-16 with its mark is read too); what a person writes is their own text and is used as
it is. A suggestion of ours stands twice, as ``prompt`` and as ``suggested``: while the two agree it is found
text, once ``prompt`` is edited it is the person's. Any text whose origin is "found" and that has no such
twin (made by another program) is sanitised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from lib_music.analysis.types import Sections
from lib_music.errors import StoryboardError
from lib_music.files import write_json
from lib_music.prompts.storyboard.board import (
    DEFAULT_NEGATIVE,
    NO_STYLE,
    Override,
    Row,
    Storyboard,
    derived_seed,
    distinct,
    make_storyboard,
)
from lib_music.prompts.text import Found, Own, Text

FORMAT = "music-visualizer storyboard"
VERSION = 1
MAX_BYTES = 5_000_000
MAX_WARNINGS = 10
MAX_ROWS = 1_000
_HELP = (
    "Edit 'prompt', 'negative' and 'seed'; what you write is used as it is: <lora:name:0.7>, (word:1.2), "
    "[a:b:0.5], AND, BREAK, --neg and `formulas` of t, s, max_f work. Rows are keyed by label: sections with "
    "the same label share one. 'roles', 'times' and 'suggested' are only for you to read. An override such as "
    '{"label": "B", "occurrence": 2, "prompt": "..."} changes one return of a label.'
)


def write_storyboard(path: Path | str, storyboard: Storyboard, sections: Sections | None = None) -> None:
    """Write ``storyboard`` as JSON, beside and then renamed; with ``sections`` its rows tell roles and times.

    Raises StoryboardError when the place cannot be written.
    """
    path = Path(path)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "help": _HELP,
        **_text_fields("style", storyboard.style),
        **_text_fields("negative", storyboard.negative),
        "cover": storyboard.cover,
        "rows": [_row_document(row, sections) for row in storyboard.rows],
        "overrides": [
            {"label": label, "occurrence": occurrence, **_override_document(override)}
            for (label, occurrence), override in storyboard.overrides.items()
        ],
    }
    write_json(path, document)


def read_storyboard(path: Path | str, sections: Sections, seed: int = 0) -> Storyboard:
    """Read an edited storyboard for a song cut into ``sections``.

    Parameters
    ----------
    path : Path or str
        At most 5 MB; JSON by its content, else one prompt a line.
    sections : Sections
    seed : int
        From which missing seeds are derived.

    Returns
    -------
    Storyboard
        Its ``warnings`` tell what was passed over: labels that the song does not have, prompts left over.

    Raises
    ------
    StoryboardError
        With the file, the line or the row, and the fix.
    """
    path = Path(path)
    text = _read_text(path)
    must_be_json = path.suffix.lower() == ".json" or FORMAT in text[:1_000]
    document = None
    if must_be_json or text.lstrip().startswith(("{", "[")):
        document = _parse_json(text, must_be_json, path.name)
    with _at(path.name):
        if isinstance(document, dict):
            return _from_document(document, sections, seed)
        # Only what must be JSON has to be a proper list: a line of text may begin with a bracket.
        if isinstance(document, list) and (must_be_json or all(isinstance(entry, str) for entry in document)):
            return _from_texts(_entries(document), sections, seed)
        return _from_texts(_lines(text), sections, seed)


def _read_text(path: Path) -> str:
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise StoryboardError(f"{path} {what}", "give a storyboard: JSON, or one prompt a line")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise StoryboardError(f"cannot read {path}: {error}", "check the path and its rights") from error
    if len(raw) > MAX_BYTES:
        raise StoryboardError(f"{path} is larger than 5 MB", "give a storyboard: JSON, or one prompt a line")
    is_utf16 = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = raw.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise StoryboardError(
            f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8 in your editor"
        ) from error
    if "\0" in text:
        raise StoryboardError(f"{path} is binary, not text", "give a storyboard: JSON, or one prompt a line")
    return text


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        yield f"line {number}", line


def _entries(entries: list[Any]) -> Iterator[tuple[str, str]]:
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, str):
            raise StoryboardError(f"entry {number} is {_kind(entry)}, not text", 'write ["a prompt", "another"]')
        yield f"entry {number}", entry


def _from_texts(texts: Iterable[tuple[str, str]], sections: Sections, seed: int) -> Storyboard:
    """Prompts with their places, blank ones skipped, dealt out; one's trouble is told with its place."""
    prompts: list[Own] = []
    for place, text in texts:
        if not text.strip():
            continue
        with _at(place):
            prompt = Own(text.strip())
            prompt.check()
        prompts.append(prompt)
    if not prompts:
        raise StoryboardError("the file has no prompts: it is blank throughout", "write one prompt a line")
    storyboard = make_storyboard(prompts, sections, seed=seed)
    if (extra := len(prompts) - len(storyboard.rows)) > 0:
        given = f"{len(prompts)} prompts for {len(storyboard.rows)} different sections"
        return replace(storyboard, warnings=(f"{given}: {extra} not used",))
    return storyboard


def _parse_json(text: str, must_be_json: bool, name: str) -> dict[str, Any] | list[Any] | None:
    """A storyboard or a list; None where the text is no JSON and need not be, as a prompt may begin with a brace."""
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        if not must_be_json:
            return None
        fix = "look for a missing comma or quote at that place"
        raise StoryboardError(f"{name} is not JSON: {error}", fix) from error
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise StoryboardError(
            f"{name} is not a storyboard: its 'format' is not {FORMAT!r}",
            "write one with 'music-visualizer storyboard', or give one prompt a line as .txt",
        )
    if document.get("version") != VERSION or isinstance(document.get("version"), bool):
        raise StoryboardError(
            f"{name}: storyboard version {str(document.get('version'))[:20]!r} is not {VERSION}",
            "it comes from another version of the program; write it anew and copy the prompts over",
        )
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _from_document(document: Mapping[str, Any], sections: Sections, seed: int) -> Storyboard:
    rows: list[Row] = []
    for number, entry in enumerate(_list(document, "rows"), 1):
        with _at(f"row {number}"):
            if row := _row(_object(entry), seed):
                rows.append(row)
    if not rows:
        raise StoryboardError("the storyboard has no prompts: all rows are blank", "write at least one prompt")
    overrides: dict[tuple[str, int], Override] = {}
    for number, entry in enumerate(_list(document, "overrides"), 1):
        with _at(f"override {number}"):
            key, override = _override(_object(entry))
            overrides[key] = override
    return Storyboard(
        tuple(rows),
        negative=_text(document, "negative", DEFAULT_NEGATIVE),
        style=_text(document, "style", NO_STYLE),
        overrides=overrides,
        cover=document.get("cover", "start"),
        warnings=_unmatched([row.label for row in rows], overrides, sections),
    )


def _unmatched(
    labels: Sequence[str], overrides: Collection[tuple[str, int]], sections: Sections
) -> tuple[str, ...]:
    """What of the file the song has no place for, and what of the song the file forgot."""
    told = [f"the song has no section {label!r}: its row is not used" for label in labels
            if label not in sections.labels]
    told += [f"section {label!r} has no prompt of its own: it takes one in turn" for label in distinct(sections.labels)
             if label not in labels]
    told += [f"the song has no {label!r} number {occurrence}: its override is not used"
             for label, occurrence in overrides if sections.labels.count(label) < occurrence]
    return tuple(told[:MAX_WARNINGS])


def _row(entry: Mapping[str, Any], seed: int) -> Row | None:
    """A row; None when its prompt is blank."""
    label, prompt = _string(entry, "label"), _text(entry, "prompt", NO_STYLE)
    if not prompt.text.strip():
        return None
    own_seed = entry.get("seed")
    negative = _text(entry, "negative", None)
    locked = entry.get("locked", False)
    if not isinstance(locked, bool):
        raise StoryboardError(f"'locked' is {_kind(locked)}, not true or false", "leave it out, or write true")
    return Row(label, prompt, derived_seed(label, seed) if own_seed is None else own_seed, negative,
               locked and own_seed is not None)  # fmt: skip


def _override(entry: Mapping[str, Any]) -> tuple[tuple[str, int], Override]:
    label, occurrence = _string(entry, "label"), entry.get("occurrence")
    if isinstance(occurrence, bool) or not isinstance(occurrence, int) or not 1 <= occurrence <= 10_000:
        raise StoryboardError("'occurrence' is not a whole number from 1", "1 is the label's first time")
    override = Override(_text(entry, "prompt", None), _text(entry, "negative", None), entry.get("seed"))
    return (label, occurrence), override


def _text(entry: Mapping[str, Any], name: str, default: Any) -> Any:
    """The text under ``name``, typed by where it comes from; ``default`` when it is absent or null."""
    if entry.get(name) is None:
        return default
    text, origin = _string(entry, name), entry.get(_origin_key(name), "own")
    if origin not in ("own", "found"):
        raise StoryboardError(f"{_origin_key(name)!r} is {str(origin)[:20]!r}", "give \"own\" or \"found\"")
    edited = entry.get(_suggested_key(name), text) != text
    return Found(text) if origin == "found" and not edited else Own(text)


def _string(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str):
        raise StoryboardError(f"{name!r} is {_kind(value)}, not text", "put it in double quotes")
    return value


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > MAX_ROWS:
        what = f"{name!r} is not a list of at most {MAX_ROWS}"
        raise StoryboardError(what, 'write it as [{"label": ...}, ...]')
    return value


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        what = f"it is {_kind(value)}, not an object"
        raise StoryboardError(what, 'write it as {"label": "A", "prompt": "..."}')
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "missing"}
    return names.get(type(value), "a number")


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Tell the place in the file with any trouble inside."""
    try:
        yield
    except StoryboardError as error:
        raise StoryboardError(f"{place}: {error.message}", error.fix) from error


def _origin_key(name: str) -> str:
    return "origin" if name == "prompt" else f"{name}_origin"


def _suggested_key(name: str) -> str:
    return "suggested" if name == "prompt" else f"{name}_suggested"


def _text_fields(name: str, text: Text | None) -> dict[str, Any]:
    """A text with its origin, and with its twin where it is a suggestion of ours."""
    if text is None:
        return {name: None}
    if isinstance(text, Own):
        return {name: text.text, _origin_key(name): "own"}
    return {name: text.text, _origin_key(name): "found", _suggested_key(name): text.text}


def _row_document(row: Row, sections: Sections | None) -> dict[str, Any]:
    document: dict[str, Any] = {"label": row.label}
    if sections is not None:
        here = [section for section in sections if section.label == row.label]
        document["roles"] = list(distinct(section.role for section in here))
        document["times"] = [f"{_clock(section.start)}-{_clock(section.end)}" for section in here]
    negative = _text_fields("negative", row.negative)
    seed = {"seed": row.seed, "locked": True} if row.locked else {"seed": row.seed}
    return {**document, **_text_fields("prompt", row.prompt), **negative, **seed}


def _override_document(override: Override) -> dict[str, Any]:
    texts = {"prompt": override.prompt, "negative": override.negative}
    document: dict[str, Any] = {}
    for name, text in texts.items():
        document.update(_text_fields(name, text))
    return {**document, "seed": override.seed}


def _clock(seconds: float) -> str:
    """``1:02.5``: minutes, seconds, tenths."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
