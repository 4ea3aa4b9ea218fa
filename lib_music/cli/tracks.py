"""The commands about what is known of a song: track, and the credentials it asks with."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.cli.options import Command, card_options, song_and_link
from lib_music.cli.terminal import Terminal
from lib_music.errors import InputError, SpotifyError

if TYPE_CHECKING:
    from lib_music.pipeline import Reporter


def add_commands(command: Command) -> None:
    """Teach the parser these commands."""
    text = "Show what is known of a song, or of a link to one: its card, and prompts for it."
    sub = command("track", text, track)
    sub.add_argument("song", metavar="SONG", nargs="?", help="an audio or video file, or a Spotify link")
    card_options(sub)
    sub.add_argument("--out", type=Path, metavar="DIR", help="keep card, cover and prompts in this project")
    sub.add_argument("--json", action="store_true", help="print one JSON object")
    sub.add_argument("--forget", type=Path, metavar="DIR", help="delete what a project keeps of Spotify's")

    text = "Spotify's client ID and secret: set, test, delete, or show whether they are set."
    sub = command("credentials", text, manage_credentials)
    sub.add_argument("what", choices=("set", "test", "delete", "show"), metavar="set|test|delete|show")


def track(args: argparse.Namespace) -> None:
    """Show the card of a song, with or without its sound; kept only where a project is named."""
    import tempfile

    if args.forget is not None:
        return _forget(args)
    if not args.song:
        raise InputError("no song is given", "give a file or a Spotify link")
    song, link = song_and_link(args)
    with Terminal() as reporter, tempfile.TemporaryDirectory(prefix="music-visualizer-") as aside:
        card, prompts = _introduced(args, song, link, args.out or Path(aside) / "card", reporter)
    if args.json:
        print(json.dumps({**card, "prompts": prompts}))
    else:
        _print_card(card, prompts)
    return None


def _introduced(
    args: argparse.Namespace, song: Path | None, link: str, folder: Path, reporter: Reporter
) -> tuple[dict[str, Any], list[str]]:
    """Card and candidate prompts, made in the project at ``folder``."""
    from lib_music.audio import open_audio
    from lib_music.introduce import meet_again, present, read_card
    from lib_music.project import Project
    from lib_music.request import Request
    from lib_music.track.cover import check_cover

    request = Request(song, args.cover, args.title, args.artist, link=link, spotify_content=args.spotify_content)
    if request.cover is not None:
        check_cover(request.cover)
    audio = open_audio(song) if song is not None else None
    project = Project(folder.resolve())
    met = meet_again(request, project)
    if audio is None and met is not None and not (met.title or request.title):
        raise SpotifyError(f"nothing is known of {link}: " + "; ".join(met.warnings), "or give the file of the song")
    with project:
        suggestions = present(request, project, reporter, audio=audio, met=met)
    return read_card(project), [text.text for text in suggestions.texts]


def _print_card(card: dict[str, Any], prompts: list[str]) -> None:
    """The card for people: each field with where it is from."""
    from lib_music.track.know import clock

    spotify = card.get("spotify") or {}
    fields = {
        "title": card["title"],
        "artists": "; ".join(card["artists"]),
        "album": card["album"],
        "date": card["date"],
        "genres": ", ".join(card["genres"]),
        "isrc": card["isrc"],
        "cover": card["cover_why"],
    }
    for name, value in fields.items():
        if value:
            source = card["sources"].get(name)
            print(f"{name:<9} {value}" + (f"  [{source}]" if source else ""))
    lengths = [(card["duration"], "the file"), (spotify.get("duration"), "Spotify")]
    if told := [f"{clock(seconds)} ({whose})" for seconds, whose in lengths if seconds]:
        print(f"{'length':<9} {', '.join(told)}")
    if card.get("attribution"):
        print(f"{'spotify':<9} {card['attribution']}")
    for warning in card["warnings"]:
        print(f"{'note':<9} {warning}")
    for number, prompt in enumerate(prompts, 1):
        print(f"{'prompt ' + str(number):<9} {prompt}")
    if card["duration"] is None:
        print("The song itself is not here: give its file with --audio FILE to make a video.")


def _forget(args: argparse.Namespace) -> None:
    from lib_music.introduce import forget
    from lib_music.project import Project

    project = Project(args.forget)
    if not project.file.is_file():
        raise InputError(f"{args.forget} is no project", "give the folder that --out made")
    with Terminal() as reporter, project:
        had = forget(project, reporter)
    print("what was kept of Spotify's is deleted" if had else "nothing of Spotify's is kept there")


def manage_credentials(args: argparse.Namespace) -> None:
    """Secrets come by the keyboard or a pipe, never as arguments, which everybody on the machine can read."""
    from lib_music import credentials
    from lib_music.track.know import try_credentials

    if args.what == "set":
        given = _typed("client ID: "), _typed("client secret (not shown): ", hidden=True)
        path = credentials.store(*given)
        print(f"stored in {path}; test them with: music-visualizer credentials test")
    elif args.what == "test":
        print(try_credentials())
    elif args.what == "delete":
        print("deleted" if credentials.delete() else "none were stored")
    if args.what != "test" and (now := credentials.state()) != "stored":
        print(f"credentials: {now}")


def _typed(question: str, *, hidden: bool = False) -> str:
    """A line from the keyboard, or from a pipe."""
    import getpass

    if not sys.stdin.isatty():
        return sys.stdin.readline()
    if hidden:
        return getpass.getpass(question)
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()
