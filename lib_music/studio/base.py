"""Base settings on the page: ours, the person's own Deforum settings file, or what stands in the Deforum tab.

Conventions: a file comes as text that the browser has read; the Deforum tab saves into a file of the project by its own
button, pressed by the page's script, and only a name that the script was given is looked for. All of it is foreign.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.errors import InputError, MusicVisualizerError, SettingsError
from lib_music.files import write_bytes
from lib_music.project import Project
from lib_music.render.deforum_settings import driven_values
from lib_music.render.deforum_ticks import ALWAYS, TICKS, Tick, network_tags, words_of
from lib_music.schedule.animation import Animation
from lib_music.schedule.parameters import PARAMETERS
from lib_music.studio.base_file import (
    FILE,
    MAX_NAME,
    BaseChoice,
    choice_of,
    keep_file,
    read_choice,
    read_kept,
    write_choice,
)
from lib_music.studio.foreign import flag, text, whole
from lib_music.studio.known import known
from lib_music.studio.panels import Panel

if TYPE_CHECKING:
    from lib_music.render.deforum_base import BaseSettings
    from lib_music.studio.estimate import Setup
    from lib_music.studio.known import Known
    from lib_music.studio.studio import Studio

#: Letters of a file that one message takes: it has a million at most, and quotes count twice there. What is longer
#: comes in pieces of so many, and so many of these.
MAX_LETTERS, PIECE, MAX_PIECES = 700_000, 300_000, 112
#: Seconds that the Deforum tab's own Save is waited for, and between two looks.
TAB_PATIENCE, _LOOK = 12.0, 0.1
#: How the file that the tab saves into is called, beside a token of the page's own.
_SAVED = "from-the-deforum-tab-{}.txt"
#: How a piece of a file is called until all of them are here.
_PIECE = "base-settings-{}-{}.part"
_TOKEN = re.compile(r"[0-9a-f]{16}")


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any]:
    """What the page shows of the base settings."""
    choice = choice_of(now.project, now.request)
    warnings: tuple[str, ...] = ()
    base: BaseSettings | None = None
    path = _path(now, choice)
    if path is not None:
        try:
            base = read_kept(path)
            warnings = base.warnings
        except MusicVisualizerError as error:
            warnings = (now.told(error),)
    used = choice.use == "file" and base is not None
    animation = setup.plan.animation if setup else None
    return {
        "use": choice.use,
        "name": choice.name,
        "source": choice.source,
        "lines": list(words_of(base.values)) if base else [],
        "warnings": list(warnings),
        "ticks": [_tick(tick, choice, animation if used else None) for tick in TICKS],
        "always": [{"key": key, "why": why} for key, why in ALWAYS.items()],
        "notes": _notes(now, choice, base, setup) if used and base else [],
        "tab": studio.host.deforum_path(now.project.path(_SAVED.format("TOKEN"))),
        "most": PIECE,
        "pieces": MAX_PIECES,
    }


def _path(now: Known, choice: BaseChoice) -> Path | None:
    """The file that the choice is about, chosen here or named by a command."""
    if read_choice(now.project) is not None:
        return now.project.path(FILE) if choice.name else None
    return now.request.base_settings if now.request is not None and choice.use == "file" else None


def _tick(tick: Tick, choice: BaseChoice, animation: Animation | None) -> dict[str, Any]:
    note = ""
    if animation is not None and tick.id in choice.ticks:
        if tick.unread(animation.mode):
            note = f"not read in {animation.mode}"
        elif not set(tick.keys) & driven_values(animation).keys():
            note = "nothing sets it now" + (": no route, pin or formula leads there" if _leads(tick) else "")
    return {
        "id": tick.id, "group": tick.group, "label": tick.label, "keys": list(tick.keys),
        "on": tick.id in choice.ticks, "note": note,
    }  # fmt: skip


def _leads(tick: Tick) -> bool:
    return any(key in PARAMETERS for key in tick.keys)


def _notes(now: Known, choice: BaseChoice, base: BaseSettings, setup: Setup | None) -> list[str]:
    """What follows from the choice."""
    lines, values = [], base.values
    prompts = values.get("prompts")
    words = [str(text) for text in prompts.values()] if isinstance(prompts, dict) else []
    words += [str(values.get(key) or "") for key in ("animation_prompts_positive", "animation_prompts_negative")]
    if "prompts" not in choice.ticks:
        lines.append("the prompts are your file's, and change at its own frames, not with the sections")
    elif missing := [tag for tag in network_tags(words) if tag not in _style(now)]:
        lines.append(
            f"your prompts name {', '.join(missing[:4])}, ours do not: untick the prompts to keep yours, "
            "or write it into the style for all sections"
        )
    if setup is not None:
        kept = [name for name in ("mode", "cadence", "size", "fps", "steps", "sampler") if name not in choice.ticks]
        if kept:
            shown = setup.shown
            found = {
                "mode": shown.mode, "cadence": f"cadence {setup.plan.animation.cadence}", "sampler": shown.sampler,
                "size": f"{shown.width}×{shown.height}", "fps": f"{shown.fps} fps", "steps": f"{shown.steps} steps",
            }  # fmt: skip
            lines.append(f"your file's, whatever stands in Motion: {', '.join(found[name] for name in kept)}")
    unseen = [line.partition(":")[0] for line in words_of(values) if line.startswith(_UNSEEN)]
    if unseen:
        lines.append(f"the preview moves and repaints as the video will, without {', '.join(dict.fromkeys(unseen))}")
    return lines


#: What only Deforum can show.
_UNSEEN = ("mask", "video mask", "noise mask", "ControlNet", "hybrid video", "guided images")


def _style(now: Known) -> str:
    try:
        board = now.board()
    except MusicVisualizerError:
        return ""
    return board.storyboard.style.text if board else ""


# -- edits -----------------------------------------------------------------------------------------------------------


def _given(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """A settings file that the browser has read: whole, or piece ``part`` of ``of`` under a ``token``."""
    content, name = text(action, "text", MAX_LETTERS), text(action, "name", 1000)
    if "part" in action:
        joined = _joined(project, action, content)
        if joined is None:
            return
        content = joined
    with project.editing():
        _keep(project, content, Path(name.replace("\\", "/")).name or "settings", "file")


def _joined(project: Project, action: Mapping[str, Any], piece: str) -> str | None:
    """The whole file once its last piece is here, else None; what an earlier file left behind goes."""
    token, of = text(action, "token", 40), whole(action, "of", 1, MAX_PIECES)
    part = whole(action, "part", 0, of - 1)
    if not _TOKEN.fullmatch(token):
        raise InputError("that is no piece of a settings file", "reload the page and try again")
    places = [project.path(_PIECE.format(token, number)) for number in range(of)]
    for left in project.folder.glob(_PIECE.format("*", "*")):
        if left not in places:
            left.unlink(missing_ok=True)
    try:
        write_bytes(places[part], piece.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise SettingsError("the settings file holds broken characters", "save it as UTF-8") from error
    if part < of - 1:
        return None
    try:
        return "".join(place.read_text(encoding="utf-8") for place in places)
    except FileNotFoundError as error:
        raise InputError("a piece of the settings file is missing", "choose the file again") from error
    finally:
        for place in places:
            place.unlink(missing_ok=True)


def _taken(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """What the Deforum tab saves into the file that the page's script named to it."""
    token = text(action, "token", 40)
    if studio.host.deforum_path(project.folder) is None:
        raise InputError("there is no Deforum tab here", "save the settings there, and choose the file here")
    if not _TOKEN.fullmatch(token):
        raise InputError("that is no file of the Deforum tab", "reload the page and try again")
    path = project.path(_SAVED.format(token))
    try:
        content = _saved(path)
    finally:
        for left in project.folder.glob(_SAVED.format("*")):
            with contextlib.suppress(OSError):
                left.unlink()
    with project.editing():
        _keep(project, content, f"the Deforum tab, {datetime.datetime.now():%Y-%m-%d %H:%M}", "tab")


def _saved(path: Path) -> str:
    """The text of a file that is being written elsewhere, once it is whole."""
    until = time.monotonic() + TAB_PATIENCE
    content = None
    while time.monotonic() < until:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            content = path.read_text(encoding="utf-8")
            with contextlib.suppress(ValueError, RecursionError):
                json.loads(content)
                return content
        time.sleep(_LOOK)
    if content:
        return content  # whatever is wrong with it is told by who reads it
    raise InputError("the Deforum tab saved nothing", "press its own Save Settings: the WebUI's console says why not")


def _keep(project: Project, content: str, name: str, source: Any) -> None:
    shown = "".join(c if c.isprintable() else " " for c in name).strip()[:MAX_NAME] or "settings"
    before = choice_of(project, known(project).request)
    keep_file(project, content)
    write_choice(project, replace(before, use="file", name=shown, source=source))


def _use(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Ours, or the file that was given."""
    use = text(action, "use", 10)
    with project.editing():
        choice = _settled(project)
        if use == "file" and not choice.name:
            raise InputError("no settings file was given yet", "choose one, or take what stands in the Deforum tab")
        write_choice(project, replace(choice, use=use))  # type: ignore[arg-type]


def _tick_some(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Tick or untick some of the parameters."""
    ids, on = action.get("ids"), flag(action, "on")
    known_ids = [tick.id for tick in TICKS]
    if not isinstance(ids, list) or not ids or any(id not in known_ids for id in ids if isinstance(id, str)):
        raise InputError("there is no such parameter to tick", "reload the page")
    if not all(isinstance(id, str) for id in ids):
        raise InputError("what is ticked is no list of names", "reload the page")
    with project.editing():
        choice = _settled(project)
        now = (set(choice.ticks) | set(ids)) if on else (set(choice.ticks) - set(ids))
        write_choice(project, replace(choice, ticks=tuple(id for id in known_ids if id in now)))


def _settled(project: Project) -> BaseChoice:
    """The choice as the project's own; a command's base is copied into the project first."""
    request = known(project).request
    choice = choice_of(project, request)
    if read_choice(project) is None and choice.name and request is not None and request.base_settings is not None:
        try:
            keep_file(project, request.base_settings.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{choice.name} cannot be read", "choose the settings file again") from error
    return choice


PANEL = Panel(
    "base",
    "motion",
    _draw,
    {"base_file": _given, "base_tab": _taken, "base_use": _use, "base_tick": _tick_some},
)
