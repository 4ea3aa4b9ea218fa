"""``music-visualizer serve`` as a person starts it: a process of its own, on a free port, in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

#: s; a first start compiles gradio's modules.
STARTS_WITHIN = 120.0


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET of it ends in 200."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def end(process: subprocess.Popen[bytes], how: int = signal.SIGTERM) -> None:
    """End a process that we started; for good after 20 s."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Server:
    """A running ``serve``; ``folder`` holds its projects and its log."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path, *more: str, port: int | None = None) -> Server:
        """Start it and wait until it answers; raises AssertionError with its log when it does not."""
        folder.mkdir(parents=True, exist_ok=True)
        port = port or free_port()
        environment = {
            **os.environ,
            "MUSIC_VISUALIZER_CACHE": str(folder / "cache"),
            "PYTHONUNBUFFERED": "1",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_TEMP_DIR": str(folder / "gradio"),
        }
        command = [
            sys.executable,
            "-m",
            "lib_music",
            "serve",
            "--port",
            str(port),
            "--out",
            str(folder / "visuals"),
            *more,
        ]
        with (folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, env=environment)
        server = cls(folder, port, process)
        deadline = time.monotonic() + STARTS_WITHIN
        while not answers(server.url):
            assert process.poll() is None and time.monotonic() < deadline, server.log()
            time.sleep(0.2)
        return server

    @property
    def url(self) -> str:
        """The page."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def visuals(self) -> Path:
        """The folder of projects."""
        return self.folder / "visuals"

    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "log.txt").read_text("utf-8", "replace")

    def stop(self) -> None:
        """As Ctrl-C does."""
        end(self.process)

    def kill(self) -> None:
        """As a crash does."""
        end(self.process, signal.SIGKILL)

    @contextmanager
    def painting_held(self) -> Iterator[None]:
        """A video that is being painted stands still meanwhile, however fast the machine: no encoder takes a frame."""
        over, stopped = threading.Event(), set[int]()

        def hold() -> None:
            while not over.wait(0.01):
                for child in encoders(self.process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGSTOP)
                        stopped.add(child)

        holder = threading.Thread(target=hold, daemon=True)
        holder.start()
        try:
            yield
        finally:
            over.set()
            holder.join()
            for child in stopped:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGCONT)


def encoders(parent: int) -> list[int]:
    """The ffmpeg processes that a process feeds with pictures."""
    found = []
    for listed in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):
            for child in listed.read_text("ascii").split():
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if b"rawvideo" in words:
                    found.append(int(child))
    return found
