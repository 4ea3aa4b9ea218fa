"""A video made on another machine: the song goes there, the finished video comes back.

Conventions: the folder here holds the video, its settings file and ``remote.json``, which says where it is made, under
which name, and how far that is; it is written before each step that makes something, so that the same command again
goes on, also after a crash on either side. All that is heard, worded and painted stays in the project over there, and
what was edited there stays.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lib_music.api.client import Api
from lib_music.errors import DeforumError, InputError, Interrupted, MusicVisualizerError, ProjectError
from lib_music.files import digest, read_json, slug, write_json
from lib_music.pipeline import SETTINGS, Reporter
from lib_music.request import Request

#: The record's name and version.
RECORD, VERSION = "remote.json", 1
#: Seconds between two looks at a job.
LOOK = 1.0
_NAME = re.compile(r"[\w.-]{1,120}", re.ASCII)


@dataclass(frozen=True)
class Record:
    """How far a video is.

    Attributes
    ----------
    url : str
        Where it is made.
    song : str
        A digest of what it is of: the file, or the link.
    key : str
        Marks the call that begins the project; new with each new upload.
    uploads : mapping of str to str
        What was sent, to its name over there.
    project : str
        Its name over there; empty until it is known.
    said : str
        A digest of the words that were given: they are said once, and edits over there stay.
    """

    url: str
    song: str
    key: str
    uploads: Mapping[str, str] = field(default_factory=dict)
    project: str = ""
    said: str = ""

    def __post_init__(self) -> None:
        texts = (self.url, self.song, self.key, self.project, self.said, *self.uploads, *self.uploads.values())
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("Record: all of it is text")
        if self.project and not _NAME.fullmatch(self.project):
            raise ValueError(f"Record.project is {self.project[:40]!r}, which is no name")


@dataclass(frozen=True)
class Fetched:
    """What has come back; ``frames`` of the whole video."""

    video: Path
    settings: Path
    frames: int


def folder_of(request: Request, out: Path | None) -> Path:
    """Where it goes: ``out``, else beside where one stands, named like the song or the link."""
    name = request.song.stem if request.song is not None else request.title or request.link.rpartition("/")[2]
    return (out or Path.cwd() / slug(name)).resolve()


def is_remote(folder: Path) -> bool:
    """Whether the video of this folder is made elsewhere."""
    return (folder / RECORD).is_file()


def made_elsewhere(api: Api, request: Request, folder: Path, reporter: Reporter) -> Fetched:
    """Make a video over there and fetch it, or go on with that.

    Parameters
    ----------
    api : Api
    request : Request
        Its ``renderer`` is what paints over there.
    folder : Path
        Here; made when it is missing.
    reporter : Reporter

    Raises
    ------
    MusicVisualizerError
        What was given cannot be used, or the server's words. After Interrupted the same command goes on.
    """
    making = _Making(api, _begun(api, request, folder), folder, reporter)
    if not making.record.project:
        making.begin(request)
    making.wait_for("produce")
    making.say(request)
    making.paint({})
    return making.fetch()


def gone_on_elsewhere(api: Api, folder: Path, reporter: Reporter) -> Fetched:
    """Go on with the painting of a folder's video as it was begun, and fetch it; raises as :func:`made_elsewhere`."""
    record = read_record(folder)
    if not record.project:
        raise ProjectError(f"{folder} does not say what to render", "run the render command again")
    making = _Making(api, replace(record, url=api.client.url), folder, reporter)
    making.paint({"resume": True})
    return making.fetch()


def _begun(api: Api, request: Request, folder: Path) -> Record:
    """What the folder says, or a new record; raises ProjectError where the folder is about something else."""
    song = digest(request.song) if request.song is not None else ""
    song = song or hashlib.sha256(request.link.encode()).hexdigest()[:32]
    if not is_remote(folder):
        if folder.is_dir() and any(folder.iterdir()):
            raise ProjectError(f"{folder} is not empty", "give an empty or new folder with --out")
        return Record(api.client.url, song, secrets.token_hex(16))
    found = read_record(folder)
    if found.song != song:
        raise ProjectError(f"{folder} holds the video of another song", "give another --out")
    # A pod that was started again has another address and the same projects.
    return replace(found, url=api.client.url)


class _Making:
    """A video on its way."""

    def __init__(self, api: Api, record: Record, folder: Path, reporter: Reporter) -> None:
        self.api, self.record, self.folder, self.reporter = api, record, folder, reporter

    @property
    def one(self) -> str:
        """The project's address."""
        return f"/projects/{self.record.project}"

    def keep(self, **changes: Any) -> None:
        """Write down how far it is."""
        self.record = replace(self.record, **changes)
        write_json(self.folder / RECORD, {"version": VERSION, **asdict(self.record)})

    def shown(self) -> Any:
        """What the server says of the project; raises ProjectError where it is gone."""
        try:
            return self.api.call("GET", self.one)
        except ProjectError as error:
            fix = f"give the address of the WebUI that began it, or delete {self.folder / RECORD} to begin again"
            raise ProjectError(f"{self.api.client.url} does not have {self.record.project}", fix) from error

    # -- the steps -------------------------------------------------------------------------------------------------

    def begin(self, request: Request) -> None:
        """Send the song and have it heard."""
        self.keep()

        def sent(name: str, file: Path | None) -> str:
            if file is None:
                return ""

            def announced(id: str) -> None:
                self.keep(uploads={**self.record.uploads, name: id}, key=secrets.token_hex(16))

            self.reporter.stage(name)
            return self.api.upload(file, self._progress, self.record.uploads.get(name, ""), announced)

        song = {
            "upload": sent("song", request.song), "link": request.link, "cover_upload": sent("cover", request.cover),
            "analysis_upload": sent("analysis", request.spotify_analysis), "title": request.title or "",
            "artist": request.artist or "", **_switches(request),
        }  # fmt: skip
        made = self.api.call("POST", "/projects", song, key=self.record.key)
        self.keep(project=made["project"])
        self.finished(made["job"])
        for upload in self.record.uploads.values():
            self.api.drop(upload)

    def _progress(self, done: float) -> None:
        self.reporter.done(done)
        self.reporter.check()

    def wait_for(self, kind: str) -> bool:
        """Wait for the project's jobs of that kind; whether there were any."""
        active = self.api.pages("/jobs", project=self.record.project, active="true")
        jobs = [job["id"] for job in reversed(active) if job["kind"] == kind]
        for job in jobs:
            self.finished(job)
        return bool(jobs)

    def say(self, request: Request) -> None:
        """Answer what is asked, and give words, base settings and motion."""
        now = self.shown()
        while now["question"]:
            submitted = self.api.call("POST", f"{self.one}/answer", _answer(request, now["question"], self.reporter),
                                      key=secrets.token_hex(8))  # fmt: skip
            self.finished(submitted["job"])
            before, now = now, self.shown()
            if now["question"] == before["question"]:
                raise InputError(now["question"]["text"], now["question"]["fix"])
        if not now["heard"]:
            again = self.api.call("POST", f"{self.one}/produce", _switches(request), key=secrets.token_hex(8))
            self.finished(again["job"])
        self._words(request)
        motion = _motion(request)
        held = self.api.call("GET", f"{self.one}/motion")
        if any(held[name] != value for name, value in motion.items()):
            self.api.call("PATCH", f"{self.one}/motion", motion)

    def _words(self, request: Request) -> None:
        """Prompts, style, negative and base settings, once for each thing that is said."""
        text = _text_of(request.prompts) if request.prompts is not None else None
        base = _text_of(request.base_settings) if request.base_settings is not None else None
        said = hashlib.sha256(repr((text, request.style, request.negative, base, request.drive)).encode()).hexdigest()
        if said == self.record.said:
            return
        if text is not None:
            for note in self.api.call("PUT", f"{self.one}/storyboard", {"text": text})["notes"]:
                self.reporter.say(note)
        words = {"style": request.style or None, "negative": request.negative}
        if any(value is not None for value in words.values()):
            self.api.call("PATCH", f"{self.one}/storyboard", {k: v for k, v in words.items() if v is not None})
        if base is not None and request.base_settings is not None:
            self._stand_on(base, request.base_settings.name, request.drive)
        self.keep(said=said)

    def _stand_on(self, text: str, name: str, drive: str) -> None:
        from lib_music.render.deforum_settings import resolve_drive
        from lib_music.render.deforum_ticks import TICKS, ticks_of

        wanted = ticks_of(resolve_drive(drive) if drive else frozenset())
        acts: list[dict[str, Any]] = [{"do": "base_file", "name": name, "text": text}]
        for on in (True, False):
            ids = [tick.id for tick in TICKS if (tick.id in wanted) is on]
            acts += [{"do": "base_tick", "ids": ids, "on": on}] if ids else []
        for act in acts:
            self.api.call("POST", f"{self.one}/actions", act, key=secrets.token_hex(8))

    def paint(self, how: dict[str, Any]) -> None:
        """Have it painted, or go on where that stopped; a painting that runs already is waited for."""
        self.shown()
        if self.wait_for("visualize"):
            return
        submitted = self.api.call("POST", f"{self.one}/render", how, key=secrets.token_hex(8))
        for note in submitted["notes"]:
            self.reporter.say(note)
        self.finished(submitted["job"])

    def finished(self, job: str) -> None:
        """Wait for a job; stopping here stops it there."""
        stage, told = "", 0
        try:
            while True:
                now = self.api.call("GET", f"/jobs/{job}")
                if now["stage"] and now["stage"] != stage:
                    stage = now["stage"]
                    self.reporter.stage(stage)
                if stage:
                    self.reporter.done(now["fraction"])
                for line in now["said"][told:]:
                    self.reporter.say(line)
                told = len(now["said"])
                if now["state"] in ("done", "failed", "interrupted"):
                    break
                self.reporter.check()
                self.api.client.sleep(LOOK)
        except (KeyboardInterrupt, Interrupted):
            self._stop(job)
            raise
        if now["state"] == "interrupted":
            raise Interrupted(f"stopped over there: {now['error']}", "run the same command again: it goes on")
        if now["state"] == "failed":
            raise DeforumError(now["error"], now["fix"])

    def _stop(self, job: str) -> None:
        try:
            self.api.call("POST", f"/jobs/{job}/interrupt", key=secrets.token_hex(8))
        except MusicVisualizerError as error:
            self.reporter.say(f"it could not be stopped over there: {error.message}")

    def fetch(self) -> Fetched:
        """Fetch the video and its settings."""
        song = self.shown()["song"]
        title = " - ".join(part for part in (", ".join(song["artists"]), song["title"]) if part)
        video, settings = self.folder / f"{slug(title)}.mp4", self.folder / SETTINGS
        self.reporter.stage("fetching")
        self.api.fetch(f"{self.one}/video", video, self._progress)
        self.api.fetch(f"{self.one}/files/settings", settings, lambda done: None)
        return Fetched(video, settings, int(self.api.call("GET", f"{self.one}/cost")["frames"]))


def _switches(request: Request) -> dict[str, Any]:
    return {
        "allow_download": request.allow_download, "spotify_content": request.spotify_content,
        "spotify_ear": request.ask_analysis or request.spotify_analysis is not None,
    }  # fmt: skip


def _motion(request: Request) -> dict[str, Any]:
    """What the command says of motion; what it does not say is the server's."""
    names = ("preset", "intensity", "fps", "cadence", "width", "height", "mode", "seed", "steps")
    said = {name: getattr(request, name) for name in names}
    known = {name: value for name, value in said.items() if value is not None}
    if request.sampler:
        known["sampler"] = request.sampler
    return {
        **known, "start": request.start, "duration": request.duration, "renderer": request.renderer,
        "captions": request.captions,
    }  # fmt: skip


def _answer(request: Request, asked: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """What the command line says to a question; raises InputError where it says nothing."""
    choices = asked.get("choices") or []
    if asked["kind"] == "mismatch" and request.keep_mismatch:
        return {"do": "right_recording", "on": True}
    if asked["kind"] == "recording" and request.choose:
        ids = [str(choice["id"]) for choice in choices]
        place = int(request.choose) - 1 if request.choose.isdigit() else -1
        id = ids[place] if 0 <= place < len(ids) else request.choose
        if id in ids:
            return {"do": "choose", "id": id}
    for number, choice in enumerate(choices, 1):
        reporter.say(f"{number}. {choice['title']} – {choice['by']}  {choice['url']}")
    raise InputError(asked["text"], asked["fix"])


def read_record(folder: Path) -> Record:
    """What a folder says of the video that is made elsewhere; raises ProjectError."""
    data = read_json(folder / RECORD)
    try:
        if data.pop("version") != VERSION:
            raise ValueError("it is of another version")
        return Record(**data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ProjectError(f"{folder / RECORD} cannot be read", "give another --out") from error


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text", "check the path, and save it as UTF-8") from error
