"""Deforum's HTTP API, call by call, with every refusal said in words.

Conventions: the API exists only where the WebUI was started with ``--deforum-api``. It takes a batch of
settings, answers with job ids, and tells a job's status; it has no lock of its own and serves one job at a
time. A job's failure carries a label, hardly ever a cause: that is in the WebUI's console.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lib_music.errors import DeforumError, MusicVisualizerError
from lib_music.render.deforum_client import AUTH_VARIABLE, FIRST_PAUSE, PASSING, Answer, Lost, WebuiClient
from lib_music.render.deforum_frames import FolderFrames, FrameSource, RouteFrames
from lib_music.render.deforum_job import JobRecord, JobStatus
from lib_music.render.deforum_runs import AGAIN

JOBS, BATCHES = "/deforum_api/jobs", "/deforum_api/batches"
OUR_ROUTES = "/music_visualizer/api/version"
TRIES = 3

log = logging.getLogger(__name__)


class DeforumApi:
    """The :class:`~lib_music.render.deforum_runs.DeforumRuns` of a remote WebUI.

    ``frames_dir`` is the WebUI's output folder, or the run's, as this machine sees it. Without it the folder that the
    WebUI names is tried here, then its file route.
    """

    def __init__(self, client: WebuiClient, frames_dir: Path | None = None) -> None:
        self.client, self._frames_dir = client, frames_dir

    def check(self) -> None:
        """Make sure that somebody answers who may be Deforum; raises DeforumError.

        Whether the API is there shows when it is given a run.
        """
        answer = self.client.request("GET", f"{JOBS}/music-visualizer", patience=2.0)
        if not answer.ok and answer.status != 404:
            raise refusal(answer, "was asked for Deforum's API")
        if answer.ok and not isinstance(answer.json(), dict):
            raise _no_api(answer)
        ours = self.client.request("GET", OUR_ROUTES, patience=0.0)
        if ours.ok and isinstance(ours.json(), dict):
            log.info("this extension is installed at %s; using Deforum's own API", self.client.url)

    def choices(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """The settings as they are: what is installed there cannot be asked."""
        return (dict(settings),)

    def submit(self, settings: Mapping[str, Any]) -> str:
        """Start a run and return its job id; never twice, even where the answer gets lost."""
        # options_overrides is optional to the older pydantic and required by the newer one.
        body = {"deforum_settings": [dict(settings)], "options_overrides": {}}
        lost: Lost | None = None
        for tried in range(TRIES):
            if tried:
                self.client.sleep(FIRST_PAUSE * 2**tried)
                if lost is not None and lost.sent and (found := self._find(settings["batch_name"])):
                    return found
            try:
                answer = self.client.request("POST", BATCHES, patience=0.0, json=body)
            except Lost as error:
                lost = error
            else:
                if answer.status not in PASSING:
                    return _job_id(answer)
                lost = Lost(
                    f"the WebUI answers {answer.status} to a new run", "look at its console", sent=True
                )
        assert lost is not None
        raise lost

    def job(self, job_id: str) -> JobStatus | None:
        """A job's status; None where the WebUI does not know it, as after a restart."""
        answer = self.client.request("GET", f"{JOBS}/{quote(job_id, safe='')}")
        if answer.status == 404:
            return None
        found = answer.json()
        if not answer.ok or not isinstance(found, dict):
            raise refusal(answer, "was asked how the run goes")
        return JobStatus.from_json(found)

    def cancel(self, job_id: str) -> bool:
        """Stop a job; False where it could not be told or had already ended."""
        try:
            answer = self.client.request("DELETE", f"{JOBS}/{quote(job_id, safe='')}", patience=0.0)
        except DeforumError as error:
            log.warning("the run goes on at %s: %s", self.client.url, error.message)
            return False
        return answer.ok

    def leave(self) -> None:
        """The run there goes on or has ended without us."""

    def sources(self, record: JobRecord) -> list[FrameSource]:
        """A folder that both machines see, and the file route."""
        if self._frames_dir is not None:
            folders = [self._frames_dir / record.batch_name, self._frames_dir]
            return [FolderFrames(folder, record.timestring, record.counted_from) for folder in folders]
        found: list[FrameSource] = []
        outdir = Path(record.outdir)
        # The path is the WebUI's word: never one that would make this machine call on another.
        reachable = outdir.is_absolute() and not record.outdir.startswith(("//", "\\\\"))
        if reachable and outdir.is_dir():
            found.append(FolderFrames(outdir, record.timestring, record.counted_from))
            if self.client.is_local:
                return found
        if record.outdir:
            found.append(RouteFrames(self.client, record.outdir, record.timestring, record.counted_from))
        return found

    def trouble(self, status: JobStatus, count: int, n_frames: int, *, begun: bool) -> MusicVisualizerError:
        """What the job's own word and the number of frames tell; the cause itself is in the WebUI's console."""
        if status.status == "FAILED":
            return _failure(status, count, n_frames, begun=begun)
        if status.status == "SUCCEEDED":
            fix = "check that its disk is not full, and that this machine sees its output folder"
            return DeforumError(f"Deforum says it is done with {count} of {n_frames} frames", fix)
        return DeforumError(f"the run was interrupted there after {count} of {n_frames} frames", AGAIN)

    def place_start_image(self, path: Path) -> dict[str, Any]:
        """Settings that make the WebUI find the start image: its path there, or no start image.

        On this machine that is the file itself; elsewhere it is uploaded as the WebUI's own page would.
        """
        if self.client.is_local:
            return {"init_image": str(path.resolve())}
        files = {"files": ("start" + path.suffix.lower(), path.read_bytes())}
        answer = self.client.request("POST", "/upload", files=files)
        if answer.status == 401 and self.client.sign_in():
            answer = self.client.request("POST", "/upload", files=files)
        placed = answer.json()
        if answer.ok and isinstance(placed, list) and placed and isinstance(placed[0], str):
            return {"init_image": placed[0]}
        log.warning("the WebUI takes no upload (answer %d): beginning without the start image", answer.status)
        return {"use_init": False, "init_image": None}

    def _find(self, batch_name: str) -> str | None:
        """The id of a job that is under way in this folder, where a lost answer would have told it."""
        answer = self.client.request("GET", JOBS)
        jobs = answer.json()
        if not answer.ok or not isinstance(jobs, dict):
            return None
        for job_id, job in reversed(list(jobs.items())):
            if not isinstance(job, dict) or JobStatus.from_json(job).is_over:
                continue
            settings = job.get("deforum_settings")
            if isinstance(settings, list):
                settings = settings[0] if settings else None
            if isinstance(settings, dict) and settings.get("batch_name") == batch_name:
                return str(job_id)
        return None


def refusal(answer: Answer, what: str) -> DeforumError:
    """An answer that is no success, in words."""
    if answer.status in (401, 403):
        return DeforumError(
            f"the WebUI refuses us (answer {answer.status})",
            f"set the environment variable {AUTH_VARIABLE}=user:password to its --api-auth or --gradio-auth",
        )
    if answer.status in (404, 405):
        return _no_api(answer)
    if answer.status == 422:
        return DeforumError(f"the WebUI rejects the settings: {_detail(answer)}", "update Deforum there")
    if answer.status in (520, 522, 524, 502, 503, 504):
        return DeforumError(
            f"a proxy answers {answer.status} for the WebUI, which {what}",
            "wait until the WebUI has started, or go around the proxy",
        )
    if answer.ok:
        return _no_api(answer)
    return DeforumError(
        f"the WebUI answers {answer.status} when it {what}: {_detail(answer)}", "look at its console"
    )


def _failure(status: JobStatus, count: int, n_frames: int, *, begun: bool) -> DeforumError:
    said = status.message or status.error_type
    if "cn_1_weight" in said or (not begun and status.error_type != "TERMINAL"):
        return DeforumError(
            f"Deforum failed before the first frame: {said}",
            "install ControlNet there, or paint in that WebUI's own Music Visualizer tab, if it stopped at "
            "'cn_1_weight'; for any other cause see the WebUI's console",
        )
    if not begun:
        return DeforumError(f"Deforum refuses the settings: {said}", "see the WebUI's console")
    return DeforumError(
        f"Deforum failed after {count} of {n_frames} frames: {said}", f"see the WebUI's console; {AGAIN}"
    )


def _no_api(answer: Answer) -> DeforumError:
    page = "html" in answer.content_type and answer.ok
    return DeforumError(
        "that address answers with a web page, not with Deforum's API" if page else "no Deforum API there",
        "install Deforum and start the WebUI with --deforum-api; check the address",
    )


def _job_id(answer: Answer) -> str:
    found = answer.json()
    if not answer.ok:
        raise refusal(answer, "was given a new run")
    ids = found.get("job_ids") if isinstance(found, dict) else None
    if not isinstance(ids, list) or len(ids) != 1 or not isinstance(ids[0], str):
        raise DeforumError("the WebUI took the run but named no job", "update Deforum there")
    return ids[0]


def _detail(answer: Answer) -> str:
    """What the answer says, as text; a page of HTML says nothing."""
    found = answer.json()
    if isinstance(found, dict):
        return str(found.get("message") or found.get("detail") or found.get("error") or "")[:200]
    return "" if "html" in answer.content_type else answer.body[:200].decode("utf-8", "replace")
