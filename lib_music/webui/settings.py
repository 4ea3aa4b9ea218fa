"""Our section of the WebUI's settings, and what the person set there.

Conventions: folders are written relative to the WebUI's data folder, so that no path of the machine stands in an
option; nothing here is a secret, as the WebUI shows its options to everybody. What cannot be used falls back to the
default: :func:`preferences` never raises.
"""

from __future__ import annotations

from typing import Any

from lib_music.errors import RangeError
from lib_music.studio.host import Preferences

SECTION = ("music_visualizer", "Music Visualizer")
OUTPUT_FOLDER = "music_visualizer_output_folder"
ALLOWED_FOLDERS = "music_visualizer_allowed_folders"
PRESET = "music_visualizer_preset"
FPS = "music_visualizer_fps"
CAPTIONER = "music_visualizer_captioner"
DISK_CAP = "music_visualizer_disk_cap"

#: Below the data folder: where projects are, and where songs lie that are too big to upload.
DEFAULT_OUTPUT = "outputs/music-visualizer"
DEFAULT_ALLOWED = "music"
CAPTIONERS = {
    "palette": "the cover's palette (no model, no download)",
    "blip": "BLIP, as in Interrogate CLIP (the WebUI downloads 0.9 GB at first use)",
    "deepbooru": "DeepBooru tags, for drawn covers (the WebUI downloads 0.6 GB at first use)",
}
DEFAULTS = {
    OUTPUT_FOLDER: DEFAULT_OUTPUT,
    ALLOWED_FOLDERS: DEFAULT_ALLOWED,
    PRESET: Preferences.preset,
    FPS: Preferences.fps,
    CAPTIONER: Preferences.captioner,
    DISK_CAP: "",
}


def add_settings() -> None:
    """Register the section; the WebUI asks for it whenever it builds its page."""
    import gradio as gr
    from modules import shared

    def option(key: str, label: str, **more: Any) -> Any:
        info = shared.OptionInfo(DEFAULTS[key], label, section=SECTION, **more)
        shared.opts.add_option(key, info)
        return info

    # Folders are hidden and kept where the host hides its own (--hide-ui-dir-config).
    option(OUTPUT_FOLDER, "Output folder", component=gr.Textbox, component_args=shared.hide_dirs).info(
        "inside the WebUI's data folder; a path relative to it"
    ).needs_reload_ui()
    option(
        ALLOWED_FOLDERS,
        "Folders a song may be opened from by its path",
        component=gr.Textbox,
        component_args=shared.hide_dirs,
        restrict_api=True,
    ).info("relative to the data folder, or absolute; several apart by commas; the output folder is always one")
    option(PRESET, "Default preset", component=gr.Dropdown, component_args=lambda: _choices(PRESET, _presets()))
    option(FPS, "Default frame rate", component=gr.Dropdown, component_args=lambda: _choices(FPS, _rates())).info(
        "frames per second of the video"
    )
    option(
        CAPTIONER, "Who describes the cover", component=gr.Dropdown,
        component_args=lambda: _choices(CAPTIONER, list(CAPTIONERS)),
    ).info("; ".join(f"{name}: {said}" for name, said in CAPTIONERS.items()))  # fmt: skip
    option(DISK_CAP, "The most disk that all visuals may take (GB)", component=gr.Textbox, component_args={}).info(
        "empty: no limit; a painting that would go over it is not begun, and nothing is ever deleted by itself"
    )


def setting(key: str) -> str:
    """One setting as it is now, its default where it was never set or is of another kind."""
    from modules import shared

    # Without a page (--nowebui) the section is never registered.
    value = shared.opts.data.get(key, DEFAULTS[key])
    return value.strip() if isinstance(value, str) else DEFAULTS[key]


def preferences() -> Preferences:
    """The person's choices for a new song."""
    from lib_music.schedule.timebase import parse_fps

    preset, fps, captioner = setting(PRESET), setting(FPS), setting(CAPTIONER)
    try:
        parse_fps(fps)
    except RangeError:
        fps = Preferences.fps
    return Preferences(
        preset=preset if preset in _presets() else Preferences.preset,
        fps=fps,
        captioner=captioner if captioner in CAPTIONERS else Preferences.captioner,
        disk_cap=_gigabytes(setting(DISK_CAP)),
    )


def _gigabytes(typed: str) -> int:
    """Bytes of a number of gigabytes; 0 for what is none."""
    try:
        found = float(typed.replace(",", ".") or 0)
    except ValueError:
        return 0
    return round(found * 1e9) if 0 < found < 1e9 else 0


def _presets() -> list[str]:
    from lib_music.schedule.presets import PRESETS

    return ["auto", *PRESETS]


def _rates() -> list[str]:
    return ["24", "25", "30", "60"]


def _choices(key: str, choices: list[str]) -> dict[str, list[str]]:
    """A list's entries with the one that is set: gradio 4 refuses all settings over one that is not among them."""
    now = setting(key)
    return {"choices": choices if now in choices else [*choices, now]}
