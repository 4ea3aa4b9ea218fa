"""The WebUI calls ``preload`` of every extension before it parses its command line. Music Visualizer adds no flag: what
can be set is in the WebUI's Settings, and everything else must work without a restart."""

from __future__ import annotations

import argparse


def preload(parser: argparse.ArgumentParser) -> None:
    """Add nothing to ``parser``."""
