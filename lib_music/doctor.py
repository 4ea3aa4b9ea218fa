"""What is installed, what is missing, how to fix it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lib_music import credentials
from lib_music.errors import FfmpegError
from lib_music.ffmpeg import ffmpeg_exe


@dataclass(frozen=True)
class Check:
    """One finding: ``needed`` for the main job, or an extra."""

    name: str
    ok: bool
    found: str
    fix: str
    needed: bool = True


def checks() -> Iterator[Check]:
    """All findings, most needed first."""
    version = platform.python_version()
    yield Check("python", (3, 10) <= sys.version_info[:2] <= (3, 13), version, "use Python 3.10 to 3.13")
    for module, package in (
        ("numpy", "numpy"),
        ("scipy", "scipy"),
        ("cv2", "opencv-python-headless"),
        ("PIL", "pillow"),
        ("tinytag", "tinytag"),
        ("pydub", "pydub"),
        ("filelock", "filelock"),
        ("rich", "rich"),
        ("requests", "requests"),
        ("platformdirs", "platformdirs"),
    ):
        yield _package(module, package, True)
    yield from _ffmpeg()
    yield _writable()
    yield _package("gradio", "gradio", False, f"the page; {how_to_add('ui', 'gradio')}")
    yield _package("torch", "torch", False, f"captions by a model; {how_to_add('caption', 'torch transformers')}")
    yield _package("spotipy", "spotipy", False, f"songs by their Spotify link; {_pip('spotipy')}")
    yield Check(
        "spotify credentials",
        (said := credentials.state()) in ("stored", "from the environment"),
        said,
        "only for songs by their Spotify link: music-visualizer credentials set",
        needed=False,
    )
    webui = os.environ.get("MUSIC_VISUALIZER_WEBUI_AUTH")
    yield Check(
        "webui credentials",
        webui is not None,
        "set" if webui else "not set",
        "only for a WebUI that asks: MUSIC_VISUALIZER_WEBUI_AUTH=user:password",
        needed=False,
    )


def _package(module: str, package: str, needed: bool, use: str = "") -> Check:
    there = importlib.util.find_spec(module) is not None
    found = "not installed"
    if there:
        try:
            found = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found = "there"
    return Check(package, there, found, use or _pip(package), needed)


def how_to_add(name: str, packages: str) -> str:
    """How to add an extra: from this very checkout, for an index may hold another project of our name."""
    checkout = Path(__file__).resolve().parents[1]
    if not (checkout / "pyproject.toml").is_file():
        return _pip(packages)
    return _pip(f"-e {shlex.quote(f'{_near(checkout)}[{name}]')}")


def _pip(what: str) -> str:
    """The command that installs into the Python that runs now."""
    return f"{shlex.quote(_near(Path(sys.executable or 'python3')))} -m pip install {what}"


def _near(path: Path) -> str:
    """``path`` as seen from here, where it lies below."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _ffmpeg() -> Iterator[Check]:
    try:
        exe = ffmpeg_exe()
        encoders = subprocess.run(
            [exe, "-hide_banner", "-encoders"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            env=credentials.clean_environment(),
        ).stdout
    except (FfmpegError, OSError, subprocess.SubprocessError) as error:
        yield Check("ffmpeg", False, str(error), f"{_pip('imageio-ffmpeg')}, or put ffmpeg on PATH")
        return
    yield Check("ffmpeg", True, Path(exe).name, "")
    for encoder in ("libx264", "aac"):
        there = f" {encoder} " in encoders
        yield Check(
            f"ffmpeg {encoder}",
            there,
            "there" if there else "missing",
            "unset MUSIC_VISUALIZER_FFMPEG, or install a full ffmpeg",
        )


def _writable() -> Check:
    from lib_music.pipeline import cache_folder

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Check("cache folder", True, str(folder), "")
    except OSError as error:
        return Check("cache folder", False, f"{folder}: {error.strerror}", "set MUSIC_VISUALIZER_CACHE to a folder")
