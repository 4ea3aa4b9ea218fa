"""docs/api.md says what goes with every action: the OpenAPI page sends its readers there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lib_music.studio.studio import Studio
from tests.studio.places import studio_in

pytest.importorskip("fastapi", reason="FastAPI is not installed here: make test-ui has it")

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return studio_in(tmp_path)


def test_every_action_stands_in_the_page_and_no_other(studio: Studio) -> None:
    from tests.api.served import asked

    offered = set(asked(studio).get("/info").json()["actions"])
    section = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    text = next(part for part in section if part.startswith("Actions\n"))
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    listed = re.findall(r"`(\w+)`", " ".join(rows))[1:]
    assert listed and len(listed) == len(set(listed))
    elsewhere = {"base_tab", "choose", "song_of_album", "right_recording", "without_link"}
    assert set(listed) | elsewhere == offered
    assert all(f"`{name}`" in text for name in elsewhere)
