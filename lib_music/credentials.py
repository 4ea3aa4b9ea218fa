"""The client ID and secret of the person's Spotify app: where they lie, and how nobody else gets to see them.

Conventions: the environment comes first (``SPOTIPY_CLIENT_ID`` and ``SPOTIPY_CLIENT_SECRET``, or the same with
``SPOTIFY_``), then one file of ours that its owner alone may read. What is kept is only ever used to ask Spotify for a
token: :class:`Credentials` does not print, compare in the open, pickle or become JSON, and no error here holds a value.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from lib_music.errors import InputError, ProjectError
from lib_music.files import clear_asides, written_aside

#: Names of the environment, the first that is set counts.
ID_VARIABLES = ("SPOTIPY_CLIENT_ID", "SPOTIFY_CLIENT_ID")
SECRET_VARIABLES = ("SPOTIPY_CLIENT_SECRET", "SPOTIFY_CLIENT_SECRET")
FILE = "spotify.json"
MAX_CHARS = 256

_HOW = "copy both from https://developer.spotify.com/dashboard, your app, Settings"
_ENVIRONMENT = f"set {ID_VARIABLES[0]} and {SECRET_VARIABLES[0]} in the environment"
_MAX_FILE = 1 << 16

log = logging.getLogger(__name__)


class Credentials:
    """A client ID and its secret, for :class:`lib_music.track.spotify.Spotify`.

    Parameters
    ----------
    id, secret : str
        Printable ASCII without line breaks, 1 to :data:`MAX_CHARS` characters (Spotify's are 32 hexadecimal
        digits); spaces around are dropped.

    Raises
    ------
    InputError
        They cannot be what Spotify gave out.
    """

    __slots__ = ("_id", "_secret")
    _id: str
    _secret: str

    def __init__(self, id: str, secret: str) -> None:
        object.__setattr__(self, "_id", _checked(id, "client ID", ":"))
        object.__setattr__(self, "_secret", _checked(secret, "client secret", ""))

    @property
    def id(self) -> str:
        """The client ID."""
        return self._id

    @property
    def secret(self) -> str:
        """The client secret."""
        return self._secret

    def __repr__(self) -> str:
        return "Credentials(…)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        mine, theirs = f"{self._id}:{self._secret}", f"{other._id}:{other._secret}"
        return hmac.compare_digest(mine.encode(), theirs.encode())

    def __hash__(self) -> int:
        return hash((self._id, self._secret))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("Credentials do not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("Credentials do not change")

    def __copy__(self) -> Credentials:
        return self

    def __deepcopy__(self, memo: object) -> Credentials:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("Credentials are not to be stored like this")

    def __getstate__(self) -> NoReturn:
        raise TypeError("Credentials are not to be stored like this")


def find(folder: Path | None = None) -> Credentials | None:
    """The person's credentials, or None where they gave none.

    Parameters
    ----------
    folder : Path, optional
        Where the file lies; :func:`config_folder` by default.

    Raises
    ------
    InputError
        They are there but cannot be used: what the variables hold, the file's contents, or who may read it.
    """
    given = _given(ID_VARIABLES), _given(SECRET_VARIABLES)
    if all(given):
        return Credentials(*given)
    return _read((folder or config_folder()) / FILE)


def state(folder: Path | None = None) -> str:
    """Where credentials come from, in a few words, without a letter of them; never raises.

    ``from the environment``, ``stored`` or ``not set``, and what is wrong with them.
    """
    given = _given(ID_VARIABLES), _given(SECRET_VARIABLES)
    half = ""
    if any(given) and not all(given):
        there, lacks = (ID_VARIABLES, SECRET_VARIABLES) if given[0] else (SECRET_VARIABLES, ID_VARIABLES)
        half = f" ({next(n for n in there if os.environ.get(n))} is in the environment, {lacks[0]} is not)"
    where = "from the environment" if all(given) else "stored"
    try:
        found = find(folder)
    except InputError as error:
        return f"{where}, but cannot be used: {error.message}{half}"
    return (where if found else "not set") + half


def store(id: str, secret: str, folder: Path | None = None) -> Path:
    """Keep credentials in a file that its owner alone may read, in place of what was there. Returns its path.

    Raises
    ------
    InputError
        They cannot be what Spotify gave out, or the folder cannot keep them to its owner.
    ProjectError
        The disk refuses.
    """
    credentials = Credentials(id, secret)
    path = (folder or config_folder()) / FILE
    with contextlib.suppress(OSError):  # what it is about is told below
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        clear_asides(path.parent)
    data = json.dumps({"id": credentials.id, "secret": credentials.secret}).encode()
    with written_aside(path) as aside:
        aside.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(aside, flags, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if not _only_mine(descriptor):
                raise InputError(f"the disk of {path.parent} lets everybody read what is stored", _ENVIRONMENT)
            file.write(data)
    return path


def delete(folder: Path | None = None) -> bool:
    """Delete the stored credentials. Returns whether there were any; those of the environment stay.

    Raises ProjectError when the disk refuses.
    """
    path = (folder or config_folder()) / FILE
    try:
        clear_asides(path.parent)
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ProjectError(f"cannot delete {path}: {error.strerror}", "delete it by hand") from error
    return True


def config_folder() -> Path:
    """Where the file lies: ``$MUSIC_VISUALIZER_CONFIG``, or a folder of ours among the user's settings."""
    from platformdirs import user_config_path

    chosen = os.environ.get("MUSIC_VISUALIZER_CONFIG")
    return Path(chosen) if chosen else user_config_path("music-visualizer", appauthor=False)


def safe_folder(served: Iterable[Path], *, hides_dots: bool, fallback: Path | None = None) -> Path:
    """The folder for the file where a program serves some folders of the machine to the browser.

    Parameters
    ----------
    served : iterable of Path
        The folders whose files it hands out.
    hides_dots : bool
        Whether it refuses paths that have a part beginning with a dot (gradio 3 does, gradio 4 does not).
    fallback : Path, optional
        The folder where that of the user cannot be used.

    Returns
    -------
    Path
        :func:`config_folder` or ``fallback``: the first that is not served and can be written to, or holds the file.

    Raises
    ------
    InputError
        Neither will do.
    """
    roots = [root.resolve() for root in served]
    for folder in (config_folder(), fallback):
        if folder is None:
            continue
        real = folder.resolve()
        inside = any(real == root or root in real.parents for root in roots)
        hidden = hides_dots and any(part.startswith(".") for part in real.parts)
        if (not inside or hidden) and _writable(real):
            return real
    raise InputError("there is no folder here that the page does not serve", _ENVIRONMENT)


def clean_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a child process: ``environ`` (ours by default) without credentials and what holds them."""
    given = os.environ if environ is None else environ
    names = (*ID_VARIABLES, *SECRET_VARIABLES, "MUSIC_VISUALIZER_WEBUI_AUTH")
    secrets = [value for name, value in given.items() if name.upper() in names[2:] and len(value) >= 8]
    return {
        name: value
        for name, value in given.items()
        if name.upper() not in names and not any(secret in value for secret in secrets)
    }


def _given(names: Iterable[str]) -> str:
    """The first of the variables that holds something."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _checked(value: object, name: str, forbidden: str) -> str:
    """``value`` without spaces around, or an InputError that does not repeat it."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise InputError(f"the {name} is empty", _HOW)
    if len(text) > MAX_CHARS:
        raise InputError(f"the {name} is {len(text)} characters long; Spotify's are 32", _HOW)
    if not (text.isascii() and text.isprintable()) or any(letter in text for letter in forbidden):
        raise InputError(f"the {name} has characters in it that Spotify's never have", _HOW)
    return text


def _read(path: Path) -> Credentials | None:
    """The stored credentials; None where there is no file. The file's text enters no error, not even as its cause."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait for ever
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(f"{path} is not a file", "delete it")
            if not _only_mine(descriptor):
                fix = f"delete it, then {_ENVIRONMENT}"
                raise InputError(f"{path} can be read by others, and that cannot be changed", fix)
            data = os.read(descriptor, _MAX_FILE)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check who may read it, or delete it") from error
    with contextlib.suppress(ValueError, RecursionError, KeyError, TypeError, InputError):
        stored = json.loads(data)
        return Credentials(stored["id"], stored["secret"])
    raise InputError(f"{path} is damaged", "delete the credentials and set them again")


def _only_mine(descriptor: int) -> bool:
    """Whether nobody but the owner may read or write an open file, after it was made so."""
    if os.name == "nt":  # the folder's own rights hold there
        return True
    rights = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if rights != 0o600:
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o600)
    if rights & 0o077:
        log.warning("the stored Spotify credentials could be read by others; their file's rights are narrowed")
    return not stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077


def _writable(folder: Path) -> bool:
    """Whether the file could be written to ``folder``, which need not be there yet and is not made."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
