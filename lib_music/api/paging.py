"""Which part of a list is wanted."""

from __future__ import annotations

from typing import Any

from fastapi import Query

#: The first entry, and how many at the most.
OFFSET: Any = Query(0, ge=0, le=10**9, description="of the first entry")
LIMIT: Any = Query(50, ge=1, le=500, description="the most entries")
