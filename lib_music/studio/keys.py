"""The credentials of the person's Spotify app on the page: set, tested and deleted, and never shown.

Conventions: what is typed goes to :mod:`lib_music.credentials` and nowhere else; nothing here gives back, keeps or says
a letter of it. Where the host has no folder that it does not serve, the environment alone counts.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music import credentials
from lib_music.errors import InputError
from lib_music.studio.studio import Studio

if TYPE_CHECKING:
    from lib_music.track.know import Outside


def state(studio: Studio) -> tuple[str, ...]:
    """What is set and where a secret can be kept, as lines; never raises."""
    try:
        folder, cannot = studio.host.credentials_folder(), ""
    except InputError as error:
        folder, cannot = None, f"they cannot be stored here: {error.message}; {error.fix}"
    said = credentials.state(folder).replace(str(folder or credentials.config_folder()), "the folder of credentials")
    return tuple(line for line in (f"Spotify credentials: {said}", cannot) if line)


def store(studio: Studio, id: str, secret: str) -> None:
    """Keep both in place of what was there; raises InputError or ProjectError."""
    credentials.store(id, secret, studio.host.credentials_folder())


def delete(studio: Studio) -> bool:
    """Delete what is stored; whether there was anything. Those of the environment stay."""
    return credentials.delete(_folder(studio))


def test(studio: Studio) -> str:
    """Make a real call, as a token alone proves nothing. One line.

    Raises
    ------
    InputError
        None are set, or they cannot be used.
    SpotifyError
        Spotify refuses them or cannot be reached.
    """
    from lib_music.track.know import try_credentials

    return try_credentials(outside(studio))


def outside(studio: Studio) -> Outside:
    """How Spotify is asked from this page, with the credentials that lie where its host keeps them."""
    from lib_music.track import know

    return replace(know.OUTSIDE, folder=_folder(studio))


def _folder(studio: Studio) -> Path | None:
    try:
        return studio.host.credentials_folder()
    except InputError:
        return None
