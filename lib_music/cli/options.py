"""The options that commands share, and the request that their words make.

Conventions: every error is one line with the fix; times are seconds or m:ss, sizes pixels. Each module of commands
has ``add_commands``, which teaches the parser its commands and says who does them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from lib_music.errors import InputError
from lib_music.given import ASPECTS, read_aspect, read_factor, read_size, read_time, read_whole
from lib_music.render.deforum_flow import FLOWS
from lib_music.request import OWN_EARS, Request

#: What does a command; its exit code where that is not 0.
Do = Callable[[argparse.Namespace], int | None]
#: Adds a command by its name, what it is for, and who does it.
Command = Callable[[str, str, Do], argparse.ArgumentParser]


class Parser(argparse.ArgumentParser):
    """Errors as one line, like every other error of ours."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, f"see: {self.prog} --help")


def song_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", metavar="SONG", help="an audio or video file, or a Spotify link")
    card_options(parser)
    parser.add_argument("--start", type=read_time, default=0.0, metavar="S", help="seconds or m:ss into the song")
    parser.add_argument("--duration", type=read_time, metavar="S", help="seconds or m:ss; else to the end")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the project's folder; else one named like the song")
    parser.add_argument(
        "--keep-mismatch", action="store_true", help="the file is right, though not as long as the link's song"
    )
    parser.add_argument(
        "--allow-download",
        action="store_true",
        help="fetch the sound of a link with your own yt-dlp; you need the rights to it, and this gives you none",
    )
    parser.add_argument("--choose", default="", metavar="N", help="which of the recordings found is the song")
    parser.add_argument(
        "--spotify-analysis",
        metavar="FILE|auto",
        help="hear with Spotify's audio-analysis: a saved one, or asked for where your app still has access",
    )
    ear_option(parser)


def ear_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ear", choices=OWN_EARS, default="own", help="who hears the beats: ours, or beat_this where it is installed"
    )


def card_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--audio", type=Path, metavar="FILE", help="the sound of the song that the link names")
    parser.add_argument(
        "--spotify-content",
        action="store_true",
        help="let Spotify's words and cover feed prompts and pictures; its policy restricts that, see the README",
    )
    parser.add_argument(
        "--cover", type=Path, metavar="FILE", help="the picture; else the song's own, else one is drawn"
    )
    parser.add_argument("--title", help="else the song's tag, else its file name")
    parser.add_argument("--artist", help="several are separated by ;")


def picture_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset", default="auto", metavar="NAME|FILE", help="auto, four-on-the-floor, hip-hop, ambient, or a file"
    )
    parser.add_argument("--prompts", type=Path, metavar="FILE", help="an edited storyboard, or one prompt a line")
    parser.add_argument("--style", default="", help="words that follow every prompt")
    parser.add_argument("--negative", help="negative prompt for all sections")
    parser.add_argument("--base-settings", type=Path, metavar="FILE", help="your own Deforum settings to stand on")
    parser.add_argument(
        "--drive", default="", metavar="zoom,strength,…", help="the Deforum keys we may write over them, or none"
    )
    parser.add_argument("--fps", help="24 (default), 25, 30, 60 or any ratio")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--size", type=read_size, metavar="WxH", help="pixels, multiples of 8 (default 512x512)")
    size.add_argument("--aspect", type=read_aspect, metavar="W:H", help=", ".join(ASPECTS))
    parser.add_argument("--seed", type=read_whole, help="else the song's own")
    parser.add_argument("--mode", choices=("2D", "3D"), help="Deforum's animation mode (default 2D)")
    parser.add_argument(
        "--cadence", type=read_whole, help="every how many frames one is diffused (default: the preset's)"
    )
    parser.add_argument(
        "--intensity", type=read_factor, default=1.0, help="times the preset's motion, 0 to 2 (default 1)"
    )
    parser.add_argument("--sampler", default="", help="Deforum's sampler (default Euler a)")
    parser.add_argument("--flow", default="", metavar="NAME", help=f"Deforum's optical flow: {', '.join(FLOWS)}")
    parser.add_argument("--steps", type=read_whole, help="diffusion steps (default 20)")


def renderer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--renderer", choices=("animatic", "deforum"), help="animatic (default), or a WebUI's Deforum")
    parser.add_argument("--webui", metavar="URL", help="the WebUI for --renderer deforum; credentials by environment")
    parser.add_argument(
        "--frames-dir", type=Path, metavar="DIR", help="where the WebUI's output folder is mounted here"
    )


def request_of(args: argparse.Namespace) -> Request:
    """What the words of a command that makes a video, or a part of one, ask for; raises InputError."""
    width, height = args.size or args.aspect or (None, None)
    song, link = song_and_link(args)
    analysis = args.spotify_analysis
    preset, preset_file = _preset(args.preset)
    return Request(
        song=song,
        cover=args.cover,
        title=args.title,
        artist=args.artist,
        preset=preset,
        prompts=args.prompts,
        style=args.style,
        negative=args.negative,
        base_settings=args.base_settings,
        drive=args.drive,
        fps=args.fps,
        width=width,
        height=height,
        start=args.start,
        duration=args.duration,
        seed=args.seed,
        mode=args.mode,
        cadence=args.cadence,
        captions=getattr(args, "captions", False),
        renderer=getattr(args, "renderer", None) or "animatic",
        webui=getattr(args, "webui", None),
        frames_dir=getattr(args, "frames_dir", None),
        intensity=args.intensity,
        sampler=args.sampler,
        steps=args.steps,
        link=link,
        allow_download=args.allow_download,
        choose=args.choose,
        spotify_content=args.spotify_content,
        keep_mismatch=args.keep_mismatch,
        spotify_analysis=Path(analysis) if analysis not in (None, "auto") else None,
        ask_analysis=analysis == "auto",
        flow=args.flow,
        preset_file=preset_file,
        ear=args.ear,
    )


def _preset(given: str) -> tuple[str, Path | None]:
    """A preset's name, or the file that holds one: what looks like a path, or is one."""
    from lib_music.schedule.presets import PRESETS

    path = Path(given)
    if given.strip().lower() in ("auto", *PRESETS) or not (path.suffix or len(path.parts) > 1 or path.is_file()):
        return given, None
    return "auto", path


def song_and_link(args: argparse.Namespace) -> tuple[Path | None, str]:
    """Which file and which link are meant by SONG and --audio; raises InputError."""
    from lib_music.track.link import is_link, only_song, parse_link

    text = str(args.song or "")
    bare = re.fullmatch(r"[0-9A-Za-z]{22}", text) is not None and not Path(text).exists()
    if not bare and not is_link(text):
        if args.audio is not None:
            raise InputError(f"two files are given for one song: {text} and {args.audio}", "give a link and --audio")
        return Path(text), ""
    link = parse_link(text)
    if link.kind not in ("track", "short", "album"):
        only_song(link)
    return args.audio, link.url
