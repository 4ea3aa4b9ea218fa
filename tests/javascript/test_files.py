"""Rules that hold for every line of the page's script and style sheet, whichever browser reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "javascript").glob("*.js"))
#: What would turn found text into markup or code.
FORBIDDEN = (
    "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment", "DOMParser",
    "setHTMLUnsafe", "eval(", "new Function", "javascript:", "srcdoc",
)  # fmt: skip


def code(path: Path) -> str:
    """A script without its line comments."""
    return re.sub(r"(?m)(^|\s)//.*$", "", path.read_text("utf-8"))


def style() -> str:
    return re.sub(r"/\*.*?\*/", "", (ROOT / "style.css").read_text("utf-8"), flags=re.S)


def selectors() -> list[str]:
    """Every selector of the sheet, lists taken apart, also of rules inside at-rules."""
    found = []
    for prelude in re.findall(r"([^{}]+)\{", style()):
        prelude = prelude.rsplit(";", 1)[-1].strip()
        if not prelude.startswith("@"):
            found += [one.strip() for one in prelude.split(",")]
    return found


def test_there_is_something_to_check() -> None:
    assert len(SCRIPTS) >= 2 and len(selectors()) > 100


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_found_text_never_becomes_markup_or_code(path: Path) -> None:
    found = [word for word in FORBIDDEN if word in code(path)]
    assert not found


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_one_closed_function_with_one_global(path: Path) -> None:
    text = code(path).strip()
    assert text.startswith("(function (mv) {") and '"use strict";' in text
    assert text.endswith("})((window.musicVisualizer = window.musicVisualizer || {}));")
    assert not re.findall(r"(?:window|globalThis|self)\.(?!musicVisualizer\b)\w+\s*=[^=]", text)
    assert "import " not in text and "require(" not in text and "XMLHttpRequest" not in text
    # Edits go through gradio alone; what may be fetched is a file of this very server, checked by safeUrl.
    assert text.count("fetch(") == text.count('fetch(url, {credentials: "same-origin"})')
    assert "fetch(" not in text or "const url = mv.core.safeUrl(" in text
    assert not re.search(r"https?://", text), "the page asks nobody else"


def test_every_rule_stays_inside_the_tab() -> None:
    outside = [one for one in selectors() if not re.match(r"(\.dark )?#music_visualizer(?![\w-])", one)]
    assert not outside


def test_no_selector_has_a_comma_inside_brackets() -> None:
    """gradio 4 writes its own prefix after every comma of a page's style sheet, wherever it stands."""
    assert not re.findall(r":(?:is|where|not|has)\([^)]*,", style())


def test_nothing_is_fetched_by_the_sheet() -> None:
    assert not re.search(r"@import|url\(|@font-face", style())
