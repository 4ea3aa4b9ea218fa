"""Presets of the person's own: files in the workspace, for all its songs.

Conventions: they lie in ``.presets`` and go by the name that is written in them; of two with one name the first counts,
and one that cannot be read is left out.
"""

from __future__ import annotations

from pathlib import Path

from lib_music.errors import InputError, MusicVisualizerError
from lib_music.files import slug
from lib_music.schedule.overrides import Formula
from lib_music.schedule.preset_file import read_preset, write_preset
from lib_music.schedule.presets import PRESETS, Preset
from lib_music.studio.host import Host

#: Where they are kept in the workspace, and how many.
PRESETS_FOLDER, MOST_PRESETS = ".presets", 200


def kept_presets(host: Host) -> list[str]:
    """Names of the presets that are kept, in order."""
    return sorted(preset_files(host), key=str.casefold)


def preset_files(host: Host) -> dict[str, Path]:
    """Where each lies, by its name; one that cannot be read is left out."""
    found: dict[str, Path] = {}
    for path in sorted((host.workspace() / PRESETS_FOLDER).glob("*.json"))[:MOST_PRESETS]:
        try:
            found.setdefault(read_preset(path)[0].name, path)
        except MusicVisualizerError:
            continue
    return found


def named_preset(host: Host, name: str) -> tuple[Preset, tuple[Formula, ...]]:
    """A built-in or a kept preset by its name; raises InputError."""
    if name in PRESETS:
        return PRESETS[name], ()
    path = preset_files(host).get(name)
    if path is None:
        raise InputError(f"there is no preset {name[:60]!r}", "choose one of the list")
    return read_preset(path)


def keep_preset(host: Host, preset: Preset, formulas: tuple[Formula, ...], replace: bool = False) -> None:
    """Keep a preset under its name; raises InputError where that is taken, or there are too many.

    One of the person's own of that name is only written over with ``replace``.
    """
    if preset.name in (*PRESETS, "auto"):
        raise InputError(f"{preset.name} is the name of a built-in preset", "choose another")
    kept, folder = preset_files(host), host.workspace() / PRESETS_FOLDER
    if preset.name in kept and not replace:
        raise InputError(f"there is a preset {preset.name!r} already", 'choose another name, or say "replace": true')
    if preset.name not in kept and len(kept) >= MOST_PRESETS:
        raise InputError(f"there are {MOST_PRESETS} presets already", "delete some")
    write_preset(kept.get(preset.name) or _free(folder, preset.name), preset, formulas)


def _free(folder: Path, name: str) -> Path:
    """A file of the folder that nobody has."""
    stem, number = slug(name, "preset"), 1
    while (path := folder / (f"{stem}.json" if number == 1 else f"{stem}-{number}.json")).exists():
        number += 1
    return path
