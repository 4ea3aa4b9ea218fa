"""A visitor without a browser: talks to the page's application as gradio's own script does."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from lib_music.studio.plain import PlainHost
from lib_music.ui.serve import make_application
from lib_music.ui.tab import PREFIX


class Visitor:
    """Holds what the boxes of the page hold, and presses its buttons over HTTP."""

    def __init__(self, folder: Path, allowed: tuple[Path, ...] = ()) -> None:
        self.enter(make_application(PlainHost(folder, allowed)))

    def enter(self, application: Any) -> None:
        """Open the page of an application."""
        self.client = TestClient(application, base_url="http://127.0.0.1")
        self.config = self.client.get("/config").json()
        self.id_of, self.boxes = {}, {}
        for component in self.config["components"]:
            name = (component["props"].get("elem_id") or "").removeprefix(f"{PREFIX}_")
            self.id_of[name] = component["id"]
            self.boxes[name] = component["props"].get("value")
        self.name_of = {id: name for name, id in self.id_of.items()}

    def dependency(self, name: str, event: str = "click") -> tuple[int, dict[str, Any]]:
        """Number and description of the event that calls a handler."""
        for number, found in enumerate(self.config["dependencies"]):
            # 3.41 writes one trigger beside its targets, 4.40 pairs.
            targets = [t if isinstance(t, list) else [t, found["trigger"]] for t in found["targets"]]
            if [self.id_of[name], event] in targets and found["backend_fn"]:
                return number, found
        raise AssertionError(f"nothing happens at {event} of {name}")

    def press(self, name: str, event: str = "click", **given: Any) -> dict[str, Any]:
        """Press a button with the boxes as they are, but for ``given``; returns what the page shows by it."""
        number, found = self.dependency(name, event)
        names = [self.name_of[id] for id in found["inputs"]]
        unknown = given.keys() - set(names)
        assert not unknown, f"{name} takes {names}, not {unknown}"
        data = [given.get(key, self.boxes.get(key)) for key in names]
        answer = self.post(number, data)
        assert answer.status_code == 200, answer.text
        shown = {}
        for id, value in zip(found["outputs"], answer.json()["data"], strict=True):
            if isinstance(value, dict) and value.get("__type__") == "update":
                if "value" in value:
                    shown[self.name_of[id]] = value["value"]
                if "visible" in value:
                    shown[f"{self.name_of[id]}.visible"] = value["visible"]
            else:
                shown[self.name_of[id]] = value
        self.boxes.update(shown)
        return shown

    def post(self, number: int, data: list[Any]) -> Any:
        """The bare call."""
        body = {"fn_index": number, "data": data, "session_hash": "visitor", "event_data": None}
        return self.client.post("/run/predict", content=json.dumps(body), headers={"content-type": "application/json"})

    def send(self, file: Path | bytes, name: str) -> dict[str, Any]:
        """Upload a file; returns what stands for it in an event."""
        data = file if isinstance(file, bytes) else file.read_bytes()
        answer = self.client.post("/upload", files=[("files", (name, io.BytesIO(data)))])
        assert answer.status_code == 200, answer.text
        return self.named(answer.json()[0], name)

    def named(self, path: str, name: str) -> dict[str, Any]:
        """What stands for a file at ``path`` in an event, as either gradio writes it."""
        if self.config["version"].startswith("3."):
            return {"name": path, "orig_name": name, "size": 1, "data": None, "is_file": True}
        return {"path": path, "orig_name": name, "size": 1, "meta": {"_type": "gradio.FileData"}}

    def act(self, **action: Any) -> dict[str, Any]:
        """One edit of the drawn parts."""
        return self.press("act", request=json.dumps({"project": self.boxes["project"], "action": action}))

    @property
    def view(self) -> dict[str, Any]:
        """What the page draws."""
        return json.loads(self.boxes["view"])

    @property
    def status(self) -> dict[str, Any]:
        """What the page knows of the jobs."""
        return json.loads(self.boxes["status"])

    def wait(self, seconds: float = 240.0) -> dict[str, Any]:
        """Poll as the page's script does until no job runs; returns the last finished job."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            revision = json.loads(self.boxes["view"] or "{}").get("revision", "")
            asked = json.dumps({"project": self.boxes["project"], "revision": revision})
            self.press("poll", request=asked)
            jobs = self.status["jobs"]
            if jobs and all(job["state"] not in ("waiting", "running") for job in jobs):
                return max(jobs, key=lambda job: job["finished"])
            time.sleep(0.1)
        raise AssertionError(f"still at it after {seconds} s: {self.boxes['status'][:500]}")
