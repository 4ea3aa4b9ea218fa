"""What a handler gives back to the page, in plain values: no gradio in here.

Conventions: a :data:`Shown` maps names of components (without their common prefix) to values; what is not named stays
as it is. Text for the page's HTML is escaped here and nowhere else.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib_music.errors import MusicVisualizerError

Shown = dict[str, Any]


class _Refused:
    """What stands for a file that was not sent to the page."""

    def __repr__(self) -> str:
        return "REFUSED"


REFUSED = _Refused()


@dataclass(frozen=True)
class Update:
    """A component's new value with new choices or label, or whether it is shown at all; None leaves each as it is."""

    value: Any = None
    choices: tuple[str, ...] | None = None
    visible: bool | None = None
    label: str | None = None

    def changes(self) -> dict[str, Any]:
        """What changes, by gradio's names."""
        found: dict[str, Any] = {}
        if self.choices is not None:
            found.update(choices=list(self.choices), value=self.value)
        if self.label is not None:
            found.update(label=self.label, value=self.value)
        if self.visible is not None:
            found["visible"] = self.visible
        return found


def chosen(value: str, offered: tuple[str, ...]) -> Update:
    """A choice from a list, which gets an entry more where a project holds what is not in it."""
    return Update(value, offered if value in offered or not value else (*offered, value))


def to_json(value: Mapping[str, Any]) -> str:
    """JSON for a hidden box of the page."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def lines(*texts: str, bad: bool = False) -> str:
    """Lines of plain text as HTML."""
    kind = "music-visualizer-said music-visualizer-error" if bad else "music-visualizer-said"
    role = "alert" if bad else "status"
    said = "".join(f"<p>{html.escape(text)}</p>" for text in texts if text)
    return f'<div class="{kind}" role="{role}">{said}</div>' if said else ""


def error_lines(error: MusicVisualizerError) -> str:
    """An error as one readable line."""
    return lines(f"{error.message} — {error.fix}" if error.fix else error.message, bad=True)


def link(url: str, text: str) -> str:
    """A link to a file of ours, which the browser saves."""
    return f'<a href="{html.escape(url, quote=True)}" download>{html.escape(text)}</a>'
