"""A WebUI with Deforum for tests: real sockets, real files, and the real one's habits.

It serves one job at a time, knows jobs only until it is restarted, leaves an interrupted job unresolved, saves
the half painted picture of an interrupt like any other, counts files to resume, writes blocks of one cadence,
reports a new timestring for a resumed run, and hands out files below its own folder alone.
"""

from __future__ import annotations

import base64
import json
import queue
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np

from lib_music.render.deforum_grammar import read_schedule

HALF = (0, 0, 255)  # BGR red: nothing else is painted in it


def grey(frame: int) -> int:
    """What the host paints at a frame; it tells frames apart by the seed, which must count up."""
    return 20 + frame * 5 % 216


@dataclass
class Habits:
    """What this host does wrong."""

    api: bool = True
    seconds_per_frame: float = 0.002
    auth: str = ""  # user:password for everything
    gradio_auth: str = ""  # user:password for /file= and /upload, by cookie
    needs_overrides: bool = True
    fail_at: int | None = None
    failure: dict[str, Any] = field(default_factory=lambda: {"error_type": "RETRYABLE", "message": "Generation error."})
    stop_at: int | None = None  # the host's own user presses Interrupt
    never_resolves: bool = False
    short_by: int = 0
    mute: bool = False  # as a fork that counts its frames elsewhere
    size: tuple[int, int] | None = None
    cut: int = 0  # connections to cut without an answer
    cut_post_after: bool = False  # take the run, then cut the line
    answer: tuple[int, str, str] | None = None  # status, type, body for every request
    redirect: str = ""
    head: bool = True
    half_files: bool = False  # files appear half written first
    hidden: bool = False  # /file= answers 403
    remote: bool = False  # its folders are not this machine's


#: Where a remote host's folders seem to be.
ELSEWHERE = "/srv/web ui"


class Host:
    """Start with ``with Host(folder) as host``; ``host.url`` is its address."""

    def __init__(self, root: Path, habits: Habits | None = None) -> None:
        self.root, self.habits = root, habits or Habits()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.painted: list[int] = []
        self.interrupted = False
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._number = 0
        host = self

        class Handler(_Handler):
            owner = host

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._threads = [
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True),
            threading.Thread(target=self._work, daemon=True),
        ]

    def __enter__(self) -> Host:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupted = True
        self._queue.put(None)
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(10)

    def submitted(self) -> list[dict[str, Any]]:
        """The settings of all runs."""
        return [job["settings"] for job in self.jobs.values()]

    def folder(self, job: dict[str, Any]) -> Path:
        """Where a run writes."""
        return self.root / "outputs" / str(job["settings"]["batch_name"])

    def accept(self, settings: dict[str, Any]) -> str:
        """Queue a run."""
        self._number += 1
        job_id = f"batch({self._number})-0"
        self.jobs[job_id] = {
            "settings": settings, "status": "ACCEPTED", "phase": "QUEUED", "error_type": "NONE", "updates": 0,
            "message": None, "outdir": None, "timestring": None,
        }
        self._queue.put(job_id)
        return job_id

    def cancel(self, job_id: str) -> bool:
        """As Deforum's DELETE: the flag is global, the queue is not emptied."""
        job = self.jobs[job_id]
        if job["status"] != "ACCEPTED":
            return False
        if job["phase"] not in ("QUEUED", "DONE"):
            self.interrupted = True
        job.update(status="CANCELLED", message="Cancelled due to user request.", updates=job["updates"] + 1)
        return True

    def wait_until(self, phase: str, seconds: float = 10.0) -> None:
        """Until the newest run is in this phase."""
        until = time.monotonic() + seconds
        while not self.jobs or list(self.jobs.values())[-1]["phase"] != phase:
            assert time.monotonic() < until, [job["phase"] for job in self.jobs.values()]
            time.sleep(0.005)

    def _work(self) -> None:
        while (job_id := self._queue.get()) is not None:
            job = self.jobs[job_id]
            self.interrupted = False
            try:
                self._run(job)
            except _Failure:
                job.update(status="FAILED", updates=job["updates"] + 1, **self.habits.failure)

    def _run(self, job: dict[str, Any]) -> None:
        settings, habits = job["settings"], self.habits
        stamp = f"2026{self._number:010}"
        folder = self.folder(job)
        folder.mkdir(parents=True, exist_ok=True)
        self._update(job, phase="PREPARING")
        outdir = str(folder).replace(str(self.root), ELSEWHERE) if habits.remote else str(folder)
        self._update(job, phase="GENERATING", outdir=outdir, timestring=stamp)
        (folder / f"{stamp}_settings.txt").write_text(json.dumps(settings))
        if settings["use_init"] and not self._here(settings["init_image"]).is_file():
            raise _Failure
        cadence, start = int(settings["diffusion_cadence"]), 0
        if settings["resume_from_timestring"]:
            stamp = settings["resume_timestring"]
            count = sum(stamp in p.name.split("_") and ".txt" not in p.name for p in folder.iterdir())
            start = count - count % cadence
        half = False
        for frame in range(start, settings["max_frames"], cadence):
            if habits.fail_at is not None and frame >= habits.fail_at:
                raise _Failure
            if cadence > 1:
                for tween in range(max(start, frame - cadence), frame):
                    self._write(folder / f"{stamp}_{tween:09}.png", settings, tween, half)
            if self.interrupted:
                break
            self.painted.append(frame)
            time.sleep(habits.seconds_per_frame)
            if habits.stop_at is not None and frame >= habits.stop_at:
                self.interrupted = True
            half = self.interrupted
            if cadence == 1 and frame < settings["max_frames"] - habits.short_by:
                self._write(folder / f"{stamp}_{frame:09}.png", settings, frame, half)
            if not habits.mute:
                self._update(job, phase="GENERATING", phase_progress=frame / settings["max_frames"])
        self._update(job, phase="POST_PROCESSING")
        if not self.interrupted and not habits.never_resolves:
            self._update(job, status="SUCCEEDED", phase="DONE")

    def _here(self, path: str) -> Path:
        """A path as this host sees it."""
        return Path(path.replace(ELSEWHERE, str(self.root)) if self.habits.remote else path)

    def _update(self, job: dict[str, Any], **values: Any) -> None:
        if job["status"] == "CANCELLED":
            values.pop("status", None)
        job.update(updates=job["updates"] + 1, **values)

    def _write(self, path: Path, settings: dict[str, Any], frame: int, half: bool) -> None:
        width, height = self.habits.size or (settings["W"], settings["H"])
        shown = int(read_schedule(settings["seed_schedule"], settings["max_frames"])[frame]) - settings["seed"]
        picture = np.full((height, width, 3), grey(shown), np.uint8)
        if half:
            picture[:] = HALF
        data = cv2.imencode(".png", picture)[1].tobytes()
        if self.habits.half_files:
            path.write_bytes(data[: len(data) // 2])
            time.sleep(0.01)
        path.write_bytes(data)


class _Failure(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    owner: Host
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def _any(self) -> None:
        host, habits = self.owner, self.owner.habits
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        host.requests.append((self.command, self.path, dict(self.headers)))
        if habits.cut > 0:
            habits.cut -= 1
            self.close_connection = True
            return None
        if habits.answer is not None:
            status, kind, text = habits.answer
            return self._send(status, text.encode(), kind)
        if habits.redirect:
            return self._send(302, b"", headers={"location": habits.redirect + self.path})
        if habits.auth and self.headers.get("authorization") != _basic(habits.auth):
            return self._json(401, {"detail": "Incorrect username or password"})
        if self.path.startswith("/file="):
            return self._file(unquote(self.path[len("/file="):]))
        if self.path == "/login":
            good = body.decode() == "username={}&password={}".format(*habits.gradio_auth.split(":"))
            cookie = {"set-cookie": "access-token-unsecure=yes; path=/"} if good else {}
            return self._send(200 if good else 400, b"{}", "application/json", cookie)
        if self.path == "/upload":
            target = host.root / "uploaded.png"
            target.write_bytes(body)
            return self._json(200, [str(target)])
        if habits.api and self.path.startswith("/deforum_api/"):
            return self._deforum(body)
        return self._json(404, {"detail": "Not Found"})

    do_GET = do_POST = do_DELETE = do_HEAD = _any

    def _deforum(self, body: bytes) -> None:
        host = self.owner
        what = unquote(self.path.removeprefix("/deforum_api/"))
        if self.command == "POST" and what == "batches":
            found = json.loads(body)
            if host.habits.needs_overrides and "options_overrides" not in found:
                return self._json(422, {"detail": [{"msg": "field required"}]})
            job_id = host.accept(found["deforum_settings"][0])
            if host.habits.cut_post_after:
                host.habits.cut_post_after = False
                self.close_connection = True
                return None
            return self._json(202, {"message": "Job(s) accepted", "batch_id": job_id[:-2], "job_ids": [job_id]})
        if what == "jobs":
            return self._json(200, {name: self._status(name) for name in host.jobs})
        name = what.removeprefix("jobs/")
        if name not in host.jobs:
            return self._json(404, {"id": name, "status": "NOT FOUND"})
        if self.command == "DELETE":
            done = host.cancel(name)
            return self._json(200 if done else 400, {"id": name, "message": "cancelled" if done else "already done"})
        return self._json(200, self._status(name))

    def _status(self, name: str) -> dict[str, Any]:
        job = self.owner.jobs[name]
        return {"id": name, **{k: v for k, v in job.items() if k != "settings"}, "deforum_settings": job["settings"]}

    def _file(self, path: str) -> None:
        host = self.owner
        file = host._here(path)
        if host.habits.gradio_auth and "access-token" not in self.headers.get("cookie", ""):
            return self._json(401, {"detail": "Not authenticated"})
        if host.habits.hidden or host.root not in file.parents:
            return self._json(403, {"detail": f"File not allowed: {path}."})
        if self.command == "HEAD" and not host.habits.head:
            return self._json(405, {"detail": "Method Not Allowed"})
        if not file.is_file():
            return self._json(404, {"detail": "File not found"})
        return self._send(200, file.read_bytes(), "image/png")

    def _json(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(
        self, status: int, body: bytes, kind: str = "text/plain", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()
