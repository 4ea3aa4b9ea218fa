"""One picture of a WebUI over HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from lib_music.errors import DeforumError, Interrupted
from lib_music.render.deforum_client import Answer
from lib_music.render.still import Still
from lib_music.render.webui_still import remote_still

STILL = Still("a fox", "fog", 7, 128, 64, "Euler", 5, 6.5)
PNG = b"\x89PNG\r\n\x1a\n" + b"rest"


class Client:
    def __init__(self, status: int, body: Any) -> None:
        self.answer = Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())
        self.asked: list[tuple[str, str, Any, Any]] = []

    def request(self, method: str, path: str, *, patience: float | None = None, **body: Any) -> Answer:
        self.asked.append((method, path, patience, body["json"]))
        return self.answer


def never() -> bool:
    return False


@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_the_picture_is_asked_for_once_as_deforum_would_be(head: str) -> None:
    client = Client(200, {"images": [head + base64.b64encode(PNG).decode()], "info": "{}"})
    assert remote_still("http://x", STILL, never, client=client) == PNG
    ((method, path, patience, asked),) = client.asked
    assert (method, path, patience) == ("POST", "/sdapi/v1/txt2img", 0)
    assert (asked["prompt"], asked["negative_prompt"], asked["seed"]) == ("a fox", "fog", 7)
    assert (asked["width"], asked["height"], asked["sampler_name"], asked["steps"]) == (128, 64, "Euler", 5)
    assert asked["save_images"] is False


@pytest.mark.parametrize(("status", "body", "said"), [
    (404, {}, "has no /sdapi"), (401, {"detail": "Not authenticated"}, "401"),
    (422, {"detail": "Sampler not found"}, "Sampler"),
    (200, b"<html>", "no picture"), (200, {"images": []}, "no picture"), (200, {"images": ["%%%"]}, "no picture"),
    (200, {"images": [base64.b64encode(b"GIF89a").decode()]}, "no PNG"), (200, [], "no picture"),
])  # fmt: skip
def test_any_other_answer_is_told(status: int, body: Any, said: str) -> None:
    with pytest.raises(DeforumError, match=said):
        remote_still("http://x", STILL, never, client=Client(status, body))


def test_who_stops_asks_for_nothing() -> None:
    client = Client(200, {})
    with pytest.raises(Interrupted):
        remote_still("http://x", STILL, lambda: True, client=client)
    assert not client.asked
