"""One command from its words to its exit code."""

from __future__ import annotations

import argparse
import io
import logging
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from lib_music import __version__
from lib_music.cli import hearing, machine, takes, tracks, videos
from lib_music.cli.options import Do, Parser
from lib_music.errors import Interrupted, MusicVisualizerError


def make_parser() -> argparse.ArgumentParser:
    """All that can be typed."""
    parser = Parser(prog="music-visualizer", description="A song goes in, a music video comes out.")
    parser.add_argument("--version", action="version", version=f"music-visualizer {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, text: str, do: Do) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        sub.set_defaults(do=do)
        return sub

    for family in (videos, hearing, tracks, takes, machine):
        family.add_commands(command)
    return parser


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    logging.getLogger("lib_music").propagate = False
    logging.getLogger("lib_music").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A title that the terminal cannot show must not cost the work that is done.
            stream.reconfigure(errors="backslashreplace")
    try:
        signal.signal(signal.SIGTERM, _stop)
        args = make_parser().parse_args(arguments)
        do: Do = args.do
        return do(args) or 0
    except KeyboardInterrupt:
        return _fail(Interrupted("stopped; what is done is kept", _way_on(arguments)), debug)
    except BrokenPipeError:
        # Whoever read our output went away (``| head``); Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MusicVisualizerError as error:
        _print_choices(error)
        return _fail(error, debug)
    except Exception as error:  # a fault of ours: the person still gets one line, and --debug the rest
        return _fail(MusicVisualizerError(f"{type(error).__name__}: {error}", "run again with --debug for more"), debug)


def _print_choices(error: MusicVisualizerError) -> None:
    """What the person can choose from, where that is what is missing."""
    from lib_music.track.know import AlbumError, ChoiceError, clock

    if isinstance(error, AlbumError):
        for number, song in enumerate(error.songs, 1):
            print(f"{number:3}. {song.title} – {', '.join(song.artists)} ({clock(song.duration)})  {song.url}")
    if isinstance(error, ChoiceError):
        for number, one in enumerate(error.choices, 1):
            length = "length unknown" if one.duration is None else clock(one.duration)
            apart = "" if one.difference is None else f", {one.difference:+.0f} s"
            print(f"{number:3}. {one.title} – {one.channel} ({length}{apart}; likeness {one.score:.0f} %)  {one.url}")


def _way_on(arguments: Sequence[str]) -> str:
    again = arguments[:1] in (["render"], ["resume"], ["demo"], ["finish"])
    return f"go on with: music-visualizer {shlex.join(arguments)}" if again else ""


def _fail(error: MusicVisualizerError, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    fix = f" — {error.fix}" if error.fix else ""
    print(f"music-visualizer: {error.message}{fix}", file=sys.stderr)
    return error.exit_code
