"""The commands about takes and finishing: takes, retake, restore, finish, delete.

Conventions: sections and takes are counted from 1 as they are listed; nothing is deleted without ``--confirm``.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.cli.options import Command, renderer_options
from lib_music.cli.room import cap_option, check_room
from lib_music.cli.terminal import Terminal
from lib_music.cli.videos import check_renderer, make_renderer, print_result
from lib_music.errors import InputError, Interrupted, MusicVisualizerError
from lib_music.given import read_factor, read_whole

if TYPE_CHECKING:
    from lib_music.pipeline import Plan, Reporter
    from lib_music.project import Project


def add_commands(command: Command) -> None:
    """Teach the parser these commands."""
    sub = command("takes", "List the sections of a video, its takes, and how much disk they take.", takes)
    sub.add_argument("folder", type=Path, metavar="DIR")

    sub = command("retake", "Paint a section again; what was there becomes a take.", retake)
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("section", type=read_whole, metavar="N", help="as `takes` lists them, from 1")
    sub.add_argument("--onwards", action="store_true", help="everything from its beginning on")
    sub.add_argument("--fade", type=read_whole, metavar="FRAMES", help="cross-fade at its borders, else a hard join")
    renderer_options(sub)
    cap_option(sub)

    sub = command("restore", "Bring a take back; what is there becomes a take.", restore)
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("take", type=read_whole, metavar="N")
    cap_option(sub)

    sub = command("finish", "Make a larger video, ProRes or pictures of a finished one, beside it.", finish)
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("--factor", type=read_factor, metavar="F", help="times the size, by Lanczos")
    sub.add_argument("--to", choices=("mp4", "prores", "png"), default="mp4", help="(default mp4)")
    cap_option(sub)

    sub = command("delete", "Delete a take, the frames of a finished video, or a whole project, for good.", delete)
    sub.add_argument("folder", type=Path, metavar="DIR")
    what = sub.add_mutually_exclusive_group(required=True)
    what.add_argument("--take", type=read_whole, metavar="N")
    what.add_argument("--frames", action="store_true", help="the video stays")
    what.add_argument("--project", action="store_true")
    sub.add_argument("--confirm", default="", metavar="WORDS", help="take N, frames, or the folder's name")


def takes(args: argparse.Namespace) -> None:
    """``takes``."""
    from lib_music.studio.estimate import read_size
    from lib_music.takes import takes_of
    from lib_music.takes.sizes import sizes_of

    project = _project(args.folder)
    progress = project.progress()
    spans = sorted((tuple(map(int, name.split("-"))), words) for name, words in progress.words.items())
    for number, ((first, last), words) in enumerate(spans, 1):
        print(f"section {number:2}  frames {first} to {last}  {words}")
    sizes = sizes_of(project)
    for take in takes_of(project):
        size = read_size(sizes.takes.get(take.number, 0))
        print(f"take {take.number:5}  frames {take.first} to {take.last}  {size}  {take.told.why}")
    print(f"disk        {read_size(sizes.total)}: video {read_size(sizes.video)}, frames {read_size(sizes.frames)}")


def retake(args: argparse.Namespace) -> None:
    """``retake``."""
    from lib_music.pipeline import Result, render
    from lib_music.studio.estimate import disk_of
    from lib_music.takes.again import Wish, begin_again, stretch_of

    if args.onwards and args.fade is not None:
        raise InputError("--fade is for a section alone", "leave out --onwards or --fade")
    join = "hard" if args.fade is None else "fade"
    wish = Wish(args.section - 1, not args.onwards, join, args.fade or 0)  # type: ignore[arg-type]
    results: list[Result] = []

    with Terminal() as reporter:

        def paint(plan: Plan, project: Project) -> None:
            renderer = make_renderer(plan, project)
            first, last = stretch_of(plan, project.progress(), wish)
            part = (last - first) / plan.animation.timebase.n_frames
            check_room(args.disk_cap, project, round(disk_of(plan.animation, plan.request.renderer) * part))
            if (take := begin_again(plan, project, renderer.name, wish)) is not None:
                reporter.say(f"what was there is take {take.number}")
            with _resumed_by(args.folder):
                results.append(render(plan, project, renderer, reporter))

        _planned(args, reporter, paint)
    print_result(results[0])


#: What errors say who know of no take that is begun.
_SAME_AGAIN = re.compile(r"(run the same command again|start it again)(: it goes on| to go on from there)?")


@contextlib.contextmanager
def _resumed_by(folder: Path) -> Iterator[None]:
    """Name the command that goes on with a take that is begun: the same one again would begin another."""
    resume = f"music-visualizer resume {shlex.quote(str(folder))}"
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("stopped; what is done is kept", f"go on with: {resume}") from None
    except MusicVisualizerError as error:
        fix, named = _SAME_AGAIN.subn(lambda _: f"go on with: {resume}", error.fix)
        error.fix = fix if named else "; ".join(filter(None, (fix, f"then go on with: {resume}")))
        raise


def restore(args: argparse.Namespace) -> None:
    """``restore``."""
    from lib_music.pipeline import join_again
    from lib_music.takes import restore as bring_back
    from lib_music.takes.again import check_shape
    from lib_music.takes.sizes import sizes_of
    from lib_music.takes.take import Told

    videos: list[Path | None] = []
    with Terminal() as reporter:

        def bring(plan: Plan, project: Project) -> None:
            check_shape(plan, project.progress())
            check_room(args.disk_cap, project, 2 * sizes_of(project).video)
            told = Told(f"take {args.take} was restored", painter=project.progress().painter)
            if (take := bring_back(project, args.take, told)) is not None:
                reporter.say(f"what was there is take {take.number}")
            videos.append(join_again(plan, project, reporter))

        _planned(args, reporter, bring)
    print(f"video     {videos[0]}" if videos[0] is not None else "the rest is still to be painted: resume it")


def finish(args: argparse.Namespace) -> None:
    """``finish``."""
    from lib_music.pipeline import titles_of
    from lib_music.studio.finishing import guess_of
    from lib_music.takes.again import check_shape
    from lib_music.video.finish import Finish, Lanczos, Work
    from lib_music.video.finish import finish as make

    if args.factor is None and args.to == "mp4":
        raise InputError("that is the video as it is", "give --factor 2, --to prores or --to png")
    wish = Finish("Lanczos" if args.factor is not None else "", args.factor or 1.0, format=args.to)
    made: list[Path] = []
    with Terminal() as reporter:

        def work(plan: Plan, project: Project) -> None:
            check_shape(plan, project.progress())
            check_room(args.disk_cap, project, guess_of(project, wish))
            made.append(make(Work(project, wish, plan.audio, titles_of(plan)), Lanczos(), reporter))

        _planned(args, reporter, work)
    print(f"finished  {made[0]}")


def delete(args: argparse.Namespace) -> None:
    """``delete``."""
    from lib_music.takes.sizes import delete_frames, delete_project, delete_take

    project = _project(args.folder)
    opened = project.__enter__()
    gone = False
    try:
        if args.take is not None:
            delete_take(opened, args.take, args.confirm)
        elif args.frames:
            if args.confirm != "frames":
                raise InputError("the frames are not deleted without a confirmation", "add --confirm frames")
            delete_frames(opened)
        else:
            delete_project(opened, args.confirm)
            gone = True
    finally:
        if not gone:
            opened.__exit__()
    print(f"deleted   {'the project' if gone else 'the frames' if args.frames else f'take {args.take}'}")


def _project(folder: Path) -> Project:
    from lib_music.project import Project

    project = Project(folder.resolve())
    project.request()  # raises where this is no project
    return project


def _planned(args: argparse.Namespace, reporter: Reporter, then: Callable[[Plan, Project], None]) -> None:
    """Do something with a project's own plan, with the project open."""
    from lib_music.pipeline import make_plan, revived
    from lib_music.request import Request

    project = _project(args.folder)
    request, said = revived(Request.from_dict(project.request(), project), project)
    names = ("renderer", "webui", "frames_dir")
    chosen = {name: getattr(args, name) for name in names if getattr(args, name, None)}
    request = dataclasses.replace(request, **chosen)
    if hasattr(args, "renderer"):
        check_renderer(request)
    for line in said:
        reporter.say(line)
    make_plan(request, args.folder, reporter, None, then)
