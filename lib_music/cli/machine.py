"""The commands about this machine: the page in its browser, the projects on its disk, what is installed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lib_music.cli.options import Command
from lib_music.cli.room import cap_option
from lib_music.given import read_whole


def add_commands(command: Command) -> None:
    """Teach the parser these commands."""
    sub = command("serve", "Open the page in this machine's browser, without a WebUI.", serve)
    sub.add_argument("--port", type=read_whole, help="else the first free one from 7870")
    sub.add_argument("--out", type=Path, default=Path("visuals"), metavar="DIR", help="where the projects go")
    sub.add_argument(
        "--allow", type=Path, action="append", default=[], metavar="DIR", help="a folder to take songs from"
    )
    cap_option(sub)
    sub.add_argument("--webui", metavar="URL", help="a WebUI whose Deforum paints; credentials by environment")

    sub = command("list", "List the projects in a folder.", list_projects)
    sub.add_argument("folder", type=Path, nargs="?", default=Path(), metavar="DIR")

    command("doctor", "What is installed, what is missing, how to fix it.", doctor)


def serve(args: argparse.Namespace) -> None:
    """``serve``."""
    from lib_music.ui.serve import serve as open_page

    open_page(args.out, args.port, args.webui, tuple(args.allow), disk_cap=args.disk_cap)


def list_projects(args: argparse.Namespace) -> None:
    """``list``."""
    from lib_music.project import find_projects

    found = 0
    for project in find_projects(args.folder):
        found += 1
        print(project.summary())
    if not found:
        print(f"no projects in {args.folder.resolve()}", file=sys.stderr)


def doctor(_: argparse.Namespace) -> int:
    """``doctor``; 1 where something that is needed is missing."""
    from lib_music.doctor import checks

    worst = 0
    for check in checks():
        mark = "ok  " if check.ok else ("MISS" if check.needed else "-   ")
        print(f"{mark}  {check.name:<22} {check.found}" + (f"   -> {check.fix}" if not check.ok else ""))
        worst = max(worst, 1 if check.needed and not check.ok else 0)
    return worst
