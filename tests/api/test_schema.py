"""The API against its own schema: schemathesis asks what it allows, and what it does not."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed here: make test-ui has it")
pytest.importorskip("schemathesis", reason="schemathesis is not installed here: make test-ui has it")

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig

from lib_music.api.guard import Guard, Limits, Rate
from tests.api.served import PIECE, application
from tests.studio.places import heard, studio_in

#: For each route, beside the systematic cases: each bound and each kind of value, one at a time. The seed is always the
#: same.
EXAMPLES = 6
CONFIG = SchemathesisConfig.from_dict({
    # Other methods on each path are asked in test_app.
    "phases": {"coverage": {"enabled": True, "unexpected-methods": []}},
    "generation": {"with-security-parameters": False},
    # A header that is missing is told as any other value that is.
    "checks": {"missing_required_header": {"expected-statuses": [422]}},
})  # fmt: skip
USER = ("anna", "secret")
load_all_checks()


@schemathesis.serializer(PIECE["Content-Type"])
def _piece(ctx: Any, value: Any) -> bytes:
    """A piece of an upload is the bytes that it is."""
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


#: What the schema allows may still be no song, no upload and no place: that it is taken is not promised.
LEFT_OUT = ("positive_data_acceptance",)


@pytest.fixture(scope="module")
def api() -> Iterator[Any]:
    """A server with one song that was heard; whoever has no credentials stays out."""
    with tempfile.TemporaryDirectory() as folder:
        studio = studio_in(Path(folder))
        heard(studio)
        often = Rate(10**6, 1e6)
        limits = Limits(calls=often, makes=often, refusals=often, uploads=10**4)
        app = application(studio, Guard((USER,), needed=True), limits)
        yield schemathesis.openapi.from_asgi("/openapi.json", app, config=CONFIG)


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_every_call_is_answered_as_the_schema_says(case: Any) -> None:
    case.call_and_validate(auth=USER, excluded_checks=[CHECKS.get_one(name) for name in LEFT_OUT])
