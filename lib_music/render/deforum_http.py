"""Frames painted by a remote WebUI's Deforum, over its HTTP API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.render.deforum_api import DeforumApi
from lib_music.render.deforum_client import WebuiClient
from lib_music.render.deforum_follow import Pace
from lib_music.render.deforum_renderer import DeforumRenderer, never
from lib_music.render.renderer import ShouldStop

if TYPE_CHECKING:
    import requests


class DeforumHttpRenderer(DeforumRenderer):
    """A :class:`~lib_music.render.deforum_renderer.DeforumRenderer` over a remote WebUI.

    Parameters
    ----------
    url : str
        The WebUI's address, ``http://host:7860``; without credentials, which come from the environment
        variable ``MUSIC_VISUALIZER_WEBUI_AUTH`` as ``user:password``.
    batch_name : str
        What the output folder there shall be called; made a slug and followed by a mark of the settings.
    frames_dir : Path, optional
        The WebUI's output folder, or the run's, as this machine sees it. Without it the folder that the WebUI
        names is tried here, then its file route.
    job_file : Path, optional
        Where to remember the run between segments, so that nothing is painted twice.
    poll : float
        Seconds between two looks.
    patience : float
        Seconds for which a lost connection is tried again.
    stall : float
        Seconds without any sign of life after which a run is given up.
    settle : float
        Seconds for which files may take to show up after the run is over.
    session : requests.Session, optional
    should_stop : callable
        Asked while waiting; True stops the run there and raises Interrupted.

    Raises
    ------
    InputError
        The address or the credentials cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        batch_name: str = "music-visualizer",
        frames_dir: Path | None = None,
        job_file: Path | None = None,
        poll: float = 1.0,
        patience: float = 120.0,
        stall: float = 1800.0,
        settle: float = 15.0,
        session: requests.Session | None = None,
        should_stop: ShouldStop = never,
    ) -> None:
        client = WebuiClient(url, session=session, patience=patience, sleep=self._pause)
        pace = Pace(poll, stall, settle)
        super().__init__(
            DeforumApi(client, frames_dir), batch_name=batch_name, job_file=job_file, pace=pace, should_stop=should_stop
        )
