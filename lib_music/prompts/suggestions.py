"""The candidates of a song as they stand: what was suggested, and what the person made of it.

Conventions: kept as ``prompts.json`` in the project. A candidate that reads as it was suggested is found text; once it
is edited it is the person's own, to the letter. ``dealt`` remembers which text each label was given last, so that a
row which still reads so can follow when the candidates change, and one that was edited never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lib_music.errors import ProjectError, StoryboardError
from lib_music.files import read_json, write_json
from lib_music.prompts.text import Found, Own, Text

#: The file's name in the project.
SUGGESTIONS = "prompts.json"
VERSION = 1
#: The most candidates on a page.
MAX_TEXTS = 50


@dataclass(frozen=True)
class Suggestions:
    """The candidates of a song.

    Attributes
    ----------
    captioner : str
        Name of the one who looked at the cover.
    suggested : tuple of Found
    texts : tuple of Found or Own
        What stands there now, at least as many; a blank one is passed over.
    dealt : mapping of label to text
        What each label was given last.
    warnings : tuple of str
        What went wrong when they were made.
    """

    captioner: str
    suggested: tuple[Found, ...]
    texts: tuple[Text, ...] = ()
    dealt: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        texts = self.texts or self.suggested
        if len(texts) > MAX_TEXTS:
            raise StoryboardError(f"{len(texts)} candidates are too many", f"keep them to {MAX_TEXTS}")
        pairs = zip_longest(texts, self.suggested, fillvalue=Own(""))
        object.__setattr__(self, "texts", tuple(s if t.text == s.text and s.text else t for t, s in pairs))
        object.__setattr__(self, "dealt", MappingProxyType(dict(self.dealt)))

    def anew(self, captioner: str, suggested: Sequence[Found], warnings: Sequence[str] = ()) -> Suggestions:
        """Other suggestions: what stood as suggested becomes the new one, what the person wrote stays."""
        pairs = zip_longest(self.texts, suggested, fillvalue=None)
        texts = tuple(t if isinstance(t, Own) else s or Own("") for t, s in pairs)
        return Suggestions(captioner, tuple(suggested), texts, self.dealt, tuple(warnings))


def read_suggestions(path: Path) -> Suggestions | None:
    """Read ``prompts.json``; None when there is none or it is damaged, as suggestions can be made again."""
    try:
        data: Any = read_json(path) if path.is_file() else None
        if not isinstance(data, dict) or data.get("version") != VERSION:
            return None
        return Suggestions(
            str(data["captioner"]),
            tuple(Found(_text(text)) for text in data["suggested"]),
            tuple(Own(_text(text)) for text in data["texts"]),
            {_text(label): _text(text) for label, text in data.get("dealt", {}).items()},
            tuple(_text(line) for line in data.get("warnings", ())),
        )
    except (ProjectError, StoryboardError, KeyError, TypeError, AttributeError):
        return None


def write_suggestions(path: Path, suggestions: Suggestions) -> None:
    """Write ``prompts.json``."""
    document = {
        "version": VERSION,
        "captioner": suggestions.captioner,
        "suggested": [found.text for found in suggestions.suggested],
        "texts": [text.text for text in suggestions.texts],
        "dealt": dict(suggestions.dealt),
        "warnings": list(suggestions.warnings),
    }
    write_json(path, document)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is not text")
    return value
