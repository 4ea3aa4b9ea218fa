"""The HTTP API: everything the page can do, for scripts, pods and the command line.

Conventions: nothing in here knows a WebUI or gradio; only :mod:`~lib_music.api.router` and what it is made of import
FastAPI, :mod:`~lib_music.api.client` speaks to another machine's API with ``requests`` alone. Work is submitted and
polled, so that no call lasts; lists are paged; whatever goes wrong is a problem object (RFC 9457) with our words and
the way on.
"""

from __future__ import annotations

#: Below which path every route lies; the number changes when what is there would break who uses it.
PREFIX = "/music-visualizer/v1"
VERSION = 1
