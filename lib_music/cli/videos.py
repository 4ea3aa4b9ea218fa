"""The commands that make videos, or parts of them: render, storyboard, animate, export, resume, demo."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.cli.options import Command, picture_options, renderer_options, request_of, song_options
from lib_music.cli.room import cap_option, check_room, to_paint
from lib_music.cli.terminal import Terminal
from lib_music.errors import InputError
from lib_music.given import read_whole
from lib_music.request import Request

if TYPE_CHECKING:
    from lib_music.api.client import Api
    from lib_music.api.remote import Fetched
    from lib_music.pipeline import Plan, Result
    from lib_music.project import Project
    from lib_music.render.renderer import Renderer


def add_commands(command: Command) -> None:
    """Teach the parser these commands."""
    sub = command("render", "Make the video of a song.", render)
    song_options(sub)
    picture_options(sub)
    sub.add_argument("--captions", action="store_true", help="write each section's prompt into the animatic")
    renderer_options(sub)
    cap_option(sub)

    for name, text, do in (
        ("storyboard", "Word what to paint in each section, into a file to edit.", storyboard),
        ("animate", "Write the Deforum settings file of a song.", animate),
        ("export", "Write a song's ways out: Parseq, Deforum settings, markers for editors, schedules.", export),
    ):
        sub = command(name, text, do)
        song_options(sub)
        picture_options(sub)

    sub = command("resume", "Go on with a project that was stopped.", resume)
    sub.add_argument("folder", type=Path, metavar="DIR")
    renderer_options(sub)
    cap_option(sub)

    sub = command("demo", "Compose a short song, draw its cover, and make their video.", demo)
    sub.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR")
    sub.add_argument("--seed", type=read_whole, default=0)


def check_renderer(request: Request) -> None:
    """What is wrong with the WebUI's address is told before anything is written."""
    if request.renderer == "deforum":
        from lib_music.render.deforum_client import parse_url

        if not request.webui:
            raise InputError("--renderer deforum needs the WebUI's address", "add --webui http://host:7860")
        parse_url(request.webui)


def make_renderer(plan: Plan, project: Project) -> Renderer:
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


def render(args: argparse.Namespace) -> None:
    """``render``."""
    request = request_of(args)
    check_renderer(request)
    if (api := _api_of(request, args.out)) is not None:
        _render_elsewhere(api, request, args.out)
    else:
        _render_here(request, args.out, args.disk_cap)


def _render_here(request: Request, out: Path | None, cap: int = 0, said: tuple[str, ...] = ()) -> None:
    """Make the video in the folder, under a cap of so many bytes; ``said`` is told first."""
    from lib_music.pipeline import make_video

    def painter(plan: Plan, project: Project) -> Renderer:
        found = make_renderer(plan, project)
        check_room(cap, project, to_paint(plan, project, found.name))
        return found

    with Terminal() as reporter:
        for line in said:
            reporter.say(line)
        result = make_video(request, out, reporter, painter)
    print_result(result)


def _api_of(request: Request, out: Path | None) -> Api | None:
    """The Music Visualizer of the WebUI that paints; None where it has none, or the video was begun without it."""
    from lib_music.api.remote import folder_of
    from lib_music.project import Project

    if request.renderer != "deforum" or not request.webui or Project(folder_of(request, out)).file.is_file():
        return None
    return _api_at(request.webui)


def _api_at(url: str) -> Api | None:
    from lib_music.api.client import Api
    from lib_music.render.deforum_client import WebuiClient

    return Api.found(WebuiClient(url))


def _render_elsewhere(api: Api, request: Request, out: Path | None) -> None:
    """Everything but the files that are given and the finished video stays over there."""
    from lib_music.api.remote import folder_of, made_elsewhere
    from lib_music.pipeline import check_inputs

    check_inputs(request)
    if request.song is not None and not request.song.is_file():
        raise InputError(f"no such file: {request.song}", "check the path")
    with Terminal() as reporter:
        reporter.say(f"the Music Visualizer at {api.client.url} makes it")
        _print_fetched(made_elsewhere(api, request, folder_of(request, out), reporter))


def _print_fetched(fetched: Fetched) -> None:
    print(f"video     {fetched.video}")
    print(f"settings  {fetched.settings}  (load it in the Deforum tab)")
    print(f"frames    {fetched.frames}")


def resume(args: argparse.Namespace) -> None:
    from lib_music.api.remote import is_remote
    from lib_music.pipeline import revived
    from lib_music.project import Project

    if is_remote(args.folder):
        return _resume_elsewhere(args)
    project = Project(args.folder)
    request, said = revived(Request.from_dict(project.request(), project), project)
    chosen = {name: getattr(args, name) for name in ("renderer", "webui", "frames_dir") if getattr(args, name)}
    request = dataclasses.replace(request, **chosen)
    check_renderer(request)
    return _render_here(request, args.folder, args.disk_cap, said)


def _resume_elsewhere(args: argparse.Namespace) -> None:
    from lib_music.api.remote import gone_on_elsewhere, read_record
    from lib_music.errors import DeforumError

    url = args.webui or read_record(args.folder).url
    api = _api_at(url)
    if api is None:
        raise DeforumError(f"no Music Visualizer answers at {url}", "start it there, or give its address with --webui")
    with Terminal() as reporter:
        _print_fetched(gone_on_elsewhere(api, args.folder, reporter))


def print_result(result: Result) -> None:
    rate = f", {result.painted / result.seconds:.0f} frames/s" if result.painted and result.seconds else ""
    print(f"video     {result.video}")
    print(f"settings  {result.settings}  (load it in the Deforum tab)")
    again = f"segments rendered again: {result.rendered_again}"
    print(f"frames    {result.frames} ({result.painted} painted now{rate}; {again})")


def _prepare_only(args: argparse.Namespace) -> Plan:
    from lib_music.pipeline import make_plan

    with Terminal() as reporter:
        return make_plan(request_of(args), args.out, reporter)


def storyboard(args: argparse.Namespace) -> None:
    from lib_music.pipeline import STORYBOARD

    plan = _prepare_only(args)
    assert plan.track.cover is not None
    for number, candidate in enumerate(plan.candidates, 1):
        print(f"{number}. {candidate}")
    print(f"storyboard  {plan.track.cover.parent / STORYBOARD}  (edit it, then run the render command again)")


def animate(args: argparse.Namespace) -> None:
    from lib_music.pipeline import SETTINGS

    plan = _prepare_only(args)
    assert plan.track.cover is not None
    print(f"settings  {plan.track.cover.parent / SETTINGS}  (load it in the Deforum tab)")


def export(args: argparse.Namespace) -> None:
    """The ways out: files for Deforum's tab, Parseq and video editors."""
    from lib_music.export.files import KINDS, export_files

    plan = _prepare_only(args)
    assert plan.track.cover is not None
    for kind, path in export_files(plan, plan.track.cover.parent / "export").items():
        print(f"{KINDS[kind][1]:<20} {path}")


def demo(args: argparse.Namespace) -> None:
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
    _render_here(Request(song, cover), args.out / "video")
