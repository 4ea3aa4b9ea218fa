"""A real WebUI with our checkout among its extensions, in a data folder of its own.

Named by the environment:

- ``WEBUI_DIR``: the folder of AUTOMATIC1111 or Forge, with Deforum in ``extensions`` and a checkpoint in ``models``;
- ``WEBUI_PYTHON``: its Python (default: the one of its ``venv`` folder), with our requirements in it: see install.py;
- ``WEBUI_ARGS``: more flags for it. Without an NVIDIA card those for the CPU are given anyway.

Conventions: nothing is written in ``WEBUI_DIR``. The host gets ``--data-dir``: a folder of ours with links to its
models and its other extensions, and a copy of what git knows of this checkout, so that no cache of ours gets in.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.browser.server import end, free_port

CHECKOUT = Path(__file__).resolve().parents[2]
#: The name of the copy; a person's may be any.
NAME = "a-name-of-any-kind"
STARTS_WITHIN = 300.0
#: What both WebUIs print last when they start.
UP = "Startup time: "


def missing() -> str:
    """Why there is no installation to test with, one line with the fix; empty when there is one."""
    if not os.environ.get("WEBUI_DIR"):
        return "tests against a real WebUI: set WEBUI_DIR to its folder and WEBUI_PYTHON to its Python"
    if not (Path(os.environ["WEBUI_DIR"]) / "launch.py").is_file():
        return f"WEBUI_DIR={os.environ['WEBUI_DIR']} holds no launch.py"
    return ""


@dataclass(frozen=True)
class Installation:
    """Where the WebUI is and how it is started."""

    folder: Path
    python: Path
    arguments: tuple[str, ...]

    @classmethod
    def named(cls) -> Installation:
        """The one that the environment names."""
        folder = Path(os.environ["WEBUI_DIR"]).resolve()
        python = Path(os.environ.get("WEBUI_PYTHON") or folder / "venv" / "bin" / "python")
        return cls(folder, python, tuple(shlex.split(os.environ.get("WEBUI_ARGS", ""))))

    @property
    def forge(self) -> bool:
        """Forge, not AUTOMATIC1111."""
        return (self.folder / "modules_forge").is_dir()

    def flags(self) -> list[str]:
        """Flags that the tests and this machine need."""
        needed = ["--skip-install", "--api"]
        if self.forge:
            on_cpu = ["--always-cpu", "--skip-torch-cuda-test"]
            # With its data elsewhere, Forge would not give the browser its own scripts.
            needed += ["--gradio-allowed-path", str(self.folder)]
        else:
            on_cpu = ["--use-cpu", "all", "--skip-torch-cuda-test", "--no-half", "--do-not-download-clip"]
        return [*needed, *([] if shutil.which("nvidia-smi") else on_cpu), *self.arguments]

    def environment(self, data: Path) -> dict[str, str]:
        """Its own Python, no network, no browser window, temporary files in the data folder."""
        kept = {
            k: v
            for k, v in os.environ.items()
            if k not in {"PYTHONPATH", "PYTHONHOME", "COMMANDLINE_ARGS", "MUSIC_VISUALIZER_CACHE"}
        }
        bin_dir = self.python.parent
        return {
            **kept,
            "VIRTUAL_ENV": str(bin_dir.parent),
            "PATH": f"{bin_dir}{os.pathsep}{kept.get('PATH', '')}",
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "SD_WEBUI_RESTARTING": "1",
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(data / "tmp"),
            "XDG_CACHE_HOME": str(data / "xdg"),
        }

    def place(self, data: Path, *, ours: bool = True, **options: Any) -> Path:
        """Make the data folder: links to models and extensions, our own files as git has them, and its options.

        "Original" emphasis divides by the mean of what the text encoder gives: with a toy checkpoint that may be 0.
        """
        for name in ("extensions", "models", "tmp"):
            (data / name).mkdir(parents=True)
        for entry in (self.folder / "models").iterdir():
            (data / "models" / entry.name).symlink_to(entry)
        for entry in (self.folder / "extensions").iterdir():
            if entry.is_dir() and not (entry / "lib_music").exists():
                (data / "extensions" / entry.name).symlink_to(entry)
        (data / "config.json").write_text(json.dumps({"emphasis": "No norm", **options}), "utf-8")
        if ours:
            copy_checkout(data / "extensions" / NAME)
        return data


def copy_checkout(target: Path) -> None:
    """Copy what a commit of the working tree would hold."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=CHECKOUT, check=True, capture_output=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, copy = CHECKOUT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


@dataclass
class WebUI:
    """A WebUI that runs, or did: it can be killed and started again on the same data."""

    installation: Installation
    data: Path
    more: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The page."""
        return f"http://127.0.0.1:{self.port}/"

    def log(self) -> str:
        """What it has printed."""
        return (self.data / "log.txt").read_text("utf-8", "replace")

    def start(self) -> WebUI:
        """Start it and wait until it is up; raises AssertionError with the end of its log when it does not come up.

        Not asked over HTTP: a request before its API is added makes A1111 give up ("Cannot add middleware after an
        application has started").
        """
        here = self.installation
        command = [
            str(here.python),
            "-u",
            "launch.py",
            "--port",
            str(self.port),
            "--data-dir",
            str(self.data),
            *here.flags(),
            *self.more,
        ]
        (self.data / "log.txt").touch()
        before = self.log().count(UP)
        with (self.data / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=here.folder, env=here.environment(self.data)
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while self.log().count(UP) == before:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log()[-4000:]
            time.sleep(0.3)
        return self

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        assert self.process is not None
        end(self.process, signal.SIGKILL)

    def stop(self) -> None:
        """As a person does."""
        if self.process is not None:
            end(self.process)

    def get(self, path: str) -> Any:
        """JSON of one of its routes."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any], timeout: float = 600) -> Any:
        """JSON of one of its routes that takes JSON."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)
