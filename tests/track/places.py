"""The outside for tests: Spotify's hosts and API, all played by the server of :mod:`tests.track.spotify_server`."""

from __future__ import annotations

import io
from pathlib import Path

from lib_music.track.know import Outside
from lib_music.track.spotify import Spotify
from lib_music.track.web import Web
from tests.track.spotify_server import Place, Reply

HOSTS = ("open.spotify.com", "spotify.link", "spotify.app.link", "i.scdn.co", "image-cdn-ak.spotifycdn.com")
#: A client ID and a secret as Spotify gives them out; no test may find them anywhere.
PLANTED_ID, PLANTED_SECRET = "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "fedcba98765432100123456789abcdef"


def outside(place: Place, *, folder: Path | None = None, timeout: float = 5.0) -> Outside:
    """Everything that is asked goes to ``place``; the checks of hosts and addresses are the real ones."""
    routes = dict.fromkeys(HOSTS, place.url)

    def web() -> Web:
        return Web(timeout=timeout, routes=routes)

    return Outside(
        web,
        lambda found: Spotify(
            found, base=f"{place.url}/v1/", token_url=f"{place.url}/api/token", timeout=timeout, web=web()
        ),
        folder,
    )


def picture(colour: str = "red", side: int = 640) -> Reply:
    """A cover as Spotify's hosts send it."""
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(data, "JPEG")
    return Reply(200, data.getvalue(), (("Content-Type", "image/jpeg"),))
