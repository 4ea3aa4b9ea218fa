"""The page's script and style sheet, for the page without a WebUI: there nobody else brings them.

Conventions: both come from the checkout's ``javascript/`` and ``style.css``, which a WebUI loads by itself; they travel
inside the page, so that no address and no path of this machine is in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from lib_music.errors import MusicVisualizerError

ROOT = Path(__file__).parents[2]


def scripts() -> str:
    """All of the page's script, in the order in which a WebUI loads the files. Raises MusicVisualizerError."""
    found = sorted((ROOT / "javascript").glob("*.js"))
    if not found:
        raise MusicVisualizerError("the page's script is missing", "run from a whole checkout of the repository")
    return "\n".join(path.read_text(encoding="utf-8") for path in found)


def start_script() -> str:
    """JavaScript for the page's load event: the script, and a click for the project that was open."""
    return f"""() => {{
{scripts()}
return [];
}}"""


def page_options() -> dict[str, Any]:
    """Title, style sheet and a theme whose fonts are the system's, so that the page needs no network."""
    sheet = ROOT / "style.css"
    css = sheet.read_text(encoding="utf-8") if sheet.is_file() else ""
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    return {"title": "Music Visualizer", "css": css, "theme": theme}
