"""``music-visualizer``: the command line.

Exit codes: 0 done; 1 an error of ours or of the machine; 2 what was given cannot be used; 3 the project folder
cannot be used; 4 painting or encoding failed; 130 stopped by the person, resumable.

Conventions: results go to stdout, everything else to stderr; progress is drawn only on a terminal; an error is one line
with the fix, a traceback only with ``--debug``.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import logging
import os
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lib_music import __version__
from lib_music.errors import InputError, Interrupted, MusicVisualizerError, SpotifyError
from lib_music.given import ASPECTS, read_aspect, read_factor, read_size, read_time, read_whole

if TYPE_CHECKING:
    from lib_music.pipeline import Plan, Reporter, Result
    from lib_music.project import Project
    from lib_music.render.renderer import Renderer
    from lib_music.request import Request


class _Parser(argparse.ArgumentParser):
    """Errors as one line, like every other error of ours."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, f"see: {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="music-visualizer", description="A song goes in, a music video comes out.")
    parser.add_argument("--version", action="version", version=f"music-visualizer {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        return sub

    render = command("render", "Make the video of a song.")
    _song_options(render)
    _picture_options(render)
    _render_options(render)

    analyze = command("analyze", "Hear a song: beats, bars, sections, key.")
    analyze.add_argument("song", metavar="SONG")
    analyze.add_argument("--json", action="store_true", help="print one JSON object")
    analyze.add_argument("--start", type=read_time, default=0.0, metavar="S")
    analyze.add_argument("--duration", type=read_time, metavar="S")

    for name, text in (
        ("storyboard", "Word what to paint in each section, into a file to edit."),
        ("animate", "Write the Deforum settings file of a song."),
    ):
        sub = command(name, text)
        _song_options(sub)
        _picture_options(sub)

    resume = command("resume", "Go on with a project that was stopped.")
    resume.add_argument("folder", type=Path, metavar="DIR")
    _renderer_options(resume)

    track = command("track", "Show what is known of a song, or of a link to one: its card, and prompts for it.")
    track.add_argument("song", metavar="SONG", nargs="?", help="an audio or video file, or a Spotify link")
    _card_options(track)
    track.add_argument("--out", type=Path, metavar="DIR", help="keep card, cover and prompts in this project")
    track.add_argument("--json", action="store_true", help="print one JSON object")
    track.add_argument("--forget", type=Path, metavar="DIR", help="delete what a project keeps of Spotify's")

    keys = command("credentials", "Spotify's client ID and secret: set, test, delete, or show whether they are set.")
    keys.add_argument("what", choices=("set", "test", "delete", "show"), metavar="set|test|delete|show")

    demo = command("demo", "Compose a short song, draw its cover, and make their video.")
    demo.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR")
    demo.add_argument("--seed", type=read_whole, default=0)

    page = command("serve", "Open the page in this machine's browser, without a WebUI.")
    page.add_argument("--port", type=read_whole, help="else the first free one from 7870")
    page.add_argument("--out", type=Path, default=Path("visuals"), metavar="DIR", help="where the projects go")
    page.add_argument(
        "--allow", type=Path, action="append", default=[], metavar="DIR", help="a folder to take songs from"
    )
    page.add_argument("--webui", metavar="URL", help="a WebUI whose Deforum paints; credentials by environment")

    listing = command("list", "List the projects in a folder.")
    listing.add_argument("folder", type=Path, nargs="?", default=Path(), metavar="DIR")
    command("doctor", "What is installed, what is missing, how to fix it.")
    return parser


def _song_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("song", metavar="SONG", help="an audio or video file, or a Spotify link")
    _card_options(parser)
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


def _card_options(parser: argparse.ArgumentParser) -> None:
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


def _picture_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", default="auto", help="auto, four-on-the-floor, hip-hop, ambient")
    parser.add_argument("--prompts", type=Path, metavar="FILE", help="an edited storyboard, or one prompt a line")
    parser.add_argument("--style", default="", help="words that follow every prompt")
    parser.add_argument("--negative", help="negative prompt for all sections")
    parser.add_argument("--base-settings", type=Path, metavar="FILE", help="your own Deforum settings to stand on")
    parser.add_argument(
        "--drive", default="", metavar="zoom,strength,…", help="the Deforum keys we may write over them"
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
    parser.add_argument("--steps", type=read_whole, help="diffusion steps (default 20)")


def _render_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--captions", action="store_true", help="write each section's prompt into the animatic")
    _renderer_options(parser)


def _renderer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--renderer", choices=("animatic", "deforum"), help="animatic (default), or a WebUI's Deforum")
    parser.add_argument("--webui", metavar="URL", help="the WebUI for --renderer deforum; credentials by environment")
    parser.add_argument(
        "--frames-dir", type=Path, metavar="DIR", help="where the WebUI's output folder is mounted here"
    )


def _request(args: argparse.Namespace) -> Request:
    from lib_music.request import Request

    width, height = args.size or args.aspect or (None, None)
    song, link = _song_and_link(args)
    analysis = args.spotify_analysis
    return Request(
        song,
        args.cover,
        args.title,
        args.artist,
        args.preset,
        args.prompts,
        args.style,
        args.negative,
        args.base_settings,
        args.drive,
        args.fps,
        width,
        height,
        args.start,
        args.duration,
        args.seed,
        args.mode,
        args.cadence,
        getattr(args, "captions", False),
        getattr(args, "renderer", None) or "animatic",
        getattr(args, "webui", None),
        getattr(args, "frames_dir", None),
        args.intensity,
        args.sampler,
        args.steps,
        link=link,
        allow_download=args.allow_download,
        choose=args.choose,
        spotify_content=args.spotify_content,
        keep_mismatch=args.keep_mismatch,
        spotify_analysis=Path(analysis) if analysis not in (None, "auto") else None,
        ask_analysis=analysis == "auto",
    )


def _song_and_link(args: argparse.Namespace) -> tuple[Path | None, str]:
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


class _Terminal:
    """Progress on stderr: a rich bar on a terminal, nothing elsewhere but what the person must know."""

    def __init__(self) -> None:
        from lib_music.pipeline import Reporter

        self._progress: Any = None
        self._task: Any = None
        outer = self

        class _Reporter(Reporter):
            def stage(self, name: str, total: float = 1.0) -> None:
                outer._stage(name, total)

            def done(self, amount: float) -> None:
                outer._done(amount)

            def say(self, text: str) -> None:
                outer._say(text)

        self.reporter: Reporter = _Reporter()

    def __enter__(self) -> Reporter:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("{task.description:<9}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                refresh_per_second=6,
            )
            self._progress.start()
        return self.reporter

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _stage(self, name: str, total: float) -> None:
        if self._progress is None:
            return
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=total, rate="")

    def _done(self, amount: float) -> None:
        if self._progress is None:
            return
        task = next(task for task in self._progress.tasks if task.id == self._task)
        rate = f"{task.speed:.0f} frames/s" if task.speed and task.total and task.total > 1 else ""
        self._progress.update(self._task, completed=amount, rate=rate)

    def _say(self, text: str) -> None:
        if self._progress is not None:
            self._progress.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr)


def _check_renderer(request: Request) -> None:
    """What is wrong with the WebUI's address is told before anything is written."""
    if request.renderer == "deforum":
        from lib_music.render.deforum_client import parse_url

        if not request.webui:
            raise InputError("--renderer deforum needs the WebUI's address", "add --webui http://host:7860")
        parse_url(request.webui)


def _make_renderer(plan: Plan, project: Project) -> Renderer:
    request = plan.request
    if request.renderer == "deforum" and request.webui:
        from lib_music.files import slug
        from lib_music.render.deforum_http import DeforumHttpRenderer

        return DeforumHttpRenderer(
            request.webui,
            batch_name=slug(plan.track.display),
            frames_dir=request.frames_dir,
            job_file=project.path("deforum_job.json"),
        )
    from lib_music.render.animatic import Animatic

    return Animatic.from_file(plan.cover, captions=request.captions)


def _render(args: argparse.Namespace) -> None:
    from lib_music.pipeline import make_video

    request = _request(args)
    _check_renderer(request)
    with _Terminal() as reporter:
        result = make_video(request, args.out, reporter, _make_renderer)
    _print_result(result)


def _track(args: argparse.Namespace) -> None:
    """Show the card of a song, with or without its sound; kept only where a project is named."""
    import tempfile

    if args.forget is not None:
        return _forget(args)
    if not args.song:
        raise InputError("no song is given", "give a file or a Spotify link")
    song, link = _song_and_link(args)
    with _Terminal() as reporter, tempfile.TemporaryDirectory(prefix="music-visualizer-") as aside:
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
    with _Terminal() as reporter, project:
        had = forget(project, reporter)
    print("what was kept of Spotify's is deleted" if had else "nothing of Spotify's is kept there")


def _credentials(args: argparse.Namespace) -> None:
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


def _resume(args: argparse.Namespace) -> None:
    from lib_music.pipeline import make_video, revived
    from lib_music.project import Project
    from lib_music.request import Request

    project = Project(args.folder)
    request, said = revived(Request.from_dict(project.request(), project), project)
    chosen = {name: getattr(args, name) for name in ("renderer", "webui", "frames_dir") if getattr(args, name)}
    request = dataclasses.replace(request, **chosen)
    _check_renderer(request)
    with _Terminal() as reporter:
        for line in said:
            reporter.say(line)
        result = make_video(request, args.folder, reporter, _make_renderer)
    _print_result(result)


def _print_result(result: Result) -> None:
    rate = f", {result.painted / result.seconds:.0f} frames/s" if result.painted and result.seconds else ""
    print(f"video     {result.video}")
    print(f"settings  {result.settings}  (load it in the Deforum tab)")
    again = f"segments rendered again: {result.rendered_again}"
    print(f"frames    {result.frames} ({result.painted} painted now{rate}; {again})")


def _analyze(args: argparse.Namespace) -> None:
    from lib_music.analysis import analysis_to_dict
    from lib_music.audio import open_audio
    from lib_music.pipeline import hear

    with _Terminal() as reporter:
        audio = open_audio(Path(args.song), start=args.start, duration=args.duration)
        for warning in audio.warnings:
            reporter.say(warning)
        found = analysis_to_dict(hear(audio, reporter))
    if args.json:
        print(json.dumps(found))
        return
    key = f"{found['key']} {found['mode']}".strip() or "unknown"
    print(f"tempo     {found['tempo']:.1f} BPM, {len(found['beats'])} beats, {len(found['downbeats'])} bars")
    print(f"key       {key}")
    for section in found["sections"]:
        print(
            f"{section['start']:8.2f} – {section['end']:8.2f}  {section['label']}  {section['role']:<7} "
            f"energy {section['energy']:.2f}"
        )


def _prepare_only(args: argparse.Namespace) -> Plan:
    from lib_music.pipeline import make_plan

    with _Terminal() as reporter:
        return make_plan(_request(args), args.out, reporter)


def _storyboard(args: argparse.Namespace) -> None:
    from lib_music.pipeline import STORYBOARD

    plan = _prepare_only(args)
    assert plan.track.cover is not None
    for number, candidate in enumerate(plan.candidates, 1):
        print(f"{number}. {candidate}")
    print(f"storyboard  {plan.track.cover.parent / STORYBOARD}  (edit it, then run the render command again)")


def _animate(args: argparse.Namespace) -> None:
    from lib_music.pipeline import SETTINGS

    plan = _prepare_only(args)
    assert plan.track.cover is not None
    print(f"settings  {plan.track.cover.parent / SETTINGS}  (load it in the Deforum tab)")


def _demo(args: argparse.Namespace) -> None:
    """Compose a song and draw a cover, then do with them what would be done with anybody's."""
    from lib_music.demo.compose import compose, write
    from lib_music.demo.cover import draw_cover

    args.out.mkdir(parents=True, exist_ok=True)
    song, cover = args.out / "song.mp3", args.out / "cover.png"
    if not song.is_file():
        write(compose(args.seed), song)
    if not cover.is_file():
        draw_cover(args.seed, cover)
    print(f"song      {song}")
    print(f"cover     {cover}")
    given = ["render", str(song), "--cover", str(cover), "--out", str(args.out / "video")]
    _render(_parser().parse_args(given))


def _serve(args: argparse.Namespace) -> None:
    from lib_music.ui.serve import serve

    serve(args.out, args.port, args.webui, tuple(args.allow))


def _list(args: argparse.Namespace) -> None:
    from lib_music.project import find_projects

    found = 0
    for project in find_projects(args.folder):
        found += 1
        print(project.summary())
    if not found:
        print(f"no projects in {args.folder.resolve()}", file=sys.stderr)


def _doctor(_: argparse.Namespace) -> int:
    from lib_music.doctor import checks

    worst = 0
    for check in checks():
        mark = "ok  " if check.ok else ("MISS" if check.needed else "-   ")
        print(f"{mark}  {check.name:<22} {check.found}" + (f"   -> {check.fix}" if not check.ok else ""))
        worst = max(worst, 1 if check.needed and not check.ok else 0)
    return worst


COMMANDS = {
    "render": _render,
    "resume": _resume,
    "analyze": _analyze,
    "track": _track,
    "credentials": _credentials,
    "storyboard": _storyboard,
    "animate": _animate,
    "demo": _demo,
    "serve": _serve,
    "list": _list,
    "doctor": _doctor,
}


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
        args = _parser().parse_args(arguments)
        return COMMANDS[args.command](args) or 0
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
    again = arguments[:1] in (["render"], ["resume"], ["demo"])
    return f"go on with: music-visualizer {shlex.join(arguments)}" if again else ""


def _fail(error: MusicVisualizerError, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    fix = f" — {error.fix}" if error.fix else ""
    print(f"music-visualizer: {error.message}{fix}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
