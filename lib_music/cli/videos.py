"""The commands that make videos, or parts of them: render, resume, storyboard, animate, demo."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING

from lib_music.cli.options import make_parser, request_of
from lib_music.cli.terminal import Terminal
from lib_music.errors import InputError

if TYPE_CHECKING:
    from lib_music.pipeline import Plan, Result
    from lib_music.project import Project
    from lib_music.render.renderer import Renderer
    from lib_music.request import Request


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


def render(args: argparse.Namespace) -> None:
    from lib_music.pipeline import make_video

    request = request_of(args)
    _check_renderer(request)
    with Terminal() as reporter:
        result = make_video(request, args.out, reporter, _make_renderer)
    _print_result(result)


def resume(args: argparse.Namespace) -> None:
    from lib_music.pipeline import make_video, revived
    from lib_music.project import Project
    from lib_music.request import Request

    project = Project(args.folder)
    request, said = revived(Request.from_dict(project.request(), project), project)
    chosen = {name: getattr(args, name) for name in ("renderer", "webui", "frames_dir") if getattr(args, name)}
    request = dataclasses.replace(request, **chosen)
    _check_renderer(request)
    with Terminal() as reporter:
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
    given = ["render", str(song), "--cover", str(cover), "--out", str(args.out / "video")]
    render(make_parser().parse_args(given))
