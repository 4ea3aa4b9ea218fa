"""Where the credentials lie, who may read them, and that nothing shows them."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import os
import pickle
import pprint
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music import credentials
from lib_music.credentials import FILE, Credentials, clean_environment, delete, find, safe_folder, state, store
from lib_music.errors import InputError, MusicVisualizerError, ProjectError

ID, SECRET = "1d" * 16, "5ec7e7" * 5 + "5e"
NAMES = ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET", "SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET")


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path / "config"))


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def holds(error: BaseException) -> str:
    """All that an error could tell of itself and of what caused it."""
    words = ""
    while error is not None:
        words += f"{error} {error!r} {error.args!r} {vars(error)!r} {''.join(traceback.format_exception(error))}"
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return words


def test_none() -> None:
    assert find() is None
    assert state() == "not set"
    assert delete() is False


@pytest.mark.parametrize("first", ["SPOTIPY", "SPOTIFY"])
def test_the_environment_comes_first(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store("stored", "stored secret")
    monkeypatch.setenv(f"{first}_CLIENT_ID", f" {ID}\n")
    monkeypatch.setenv(f"{first}_CLIENT_SECRET", SECRET)
    assert find() == Credentials(ID, SECRET)
    assert state() == "from the environment"
    assert delete() is True
    assert state() == "from the environment"


def test_spotipys_own_name_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(NAMES, (ID, SECRET, "other", "other secret"), strict=True):
        monkeypatch.setenv(name, value)
    assert find() == Credentials(ID, SECRET)


@pytest.mark.parametrize("name", NAMES)
def test_half_of_it_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, SECRET)
    assert find() is None
    assert state().startswith(f"not set ({name} is in the environment, SPOTIPY_CLIENT_")
    store(ID, SECRET)
    assert find() == Credentials(ID, SECRET)
    assert state().startswith("stored (")
    assert SECRET not in state()


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_what_is_empty_is_not_set(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, empty)
    assert find() is None and state() == "not set"


def test_stored_found_replaced_and_deleted(tmp_path: Path) -> None:
    path = store(ID, SECRET)
    assert path == tmp_path / "config" / FILE
    assert find() == Credentials(ID, SECRET) and state() == "stored"
    store("another", "another secret")
    assert find() == Credentials("another", "another secret")
    assert [entry.name for entry in path.parent.iterdir()] == [FILE]
    assert delete() is True
    assert not [*path.parent.iterdir()] and find() is None and state() == "not set"


def test_another_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data" / ".music_visualizer"
    store(ID, SECRET, folder)
    assert find() is None and find(folder) == Credentials(ID, SECRET) and state(folder) == "stored"
    assert delete(folder) is True


posix = pytest.mark.skipif(os.name == "nt", reason="rights as POSIX has them")


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_nobody_else_reads_its_first_byte(umask: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at after every step that touches the disk."""
    (tmp_path / "config").mkdir()
    seen = []

    def look(name: str) -> None:
        real = getattr(os, name)

        def looking(*args: object, **more: object) -> object:
            result = real(*args, **more)
            seen.extend(rights(entry) for entry in (tmp_path / "config").iterdir())
            return result

        monkeypatch.setattr(os, name, looking)

    for name in ("open", "fsync", "fchmod", "replace", "rename"):
        look(name)
    before = os.umask(umask)
    try:
        path = store(ID, SECRET)
    finally:
        os.umask(before)
    assert len(seen) >= 3
    assert not any(mode & 0o077 for mode in seen)
    assert rights(path) == 0o600
    assert find() == Credentials(ID, SECRET)


@posix
def test_a_new_folder_is_its_owners(tmp_path: Path) -> None:
    store(ID, SECRET)
    assert rights(tmp_path / "config") == 0o700


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o604, 0o777, 0o400, 0o700])
def test_wider_rights_are_narrowed(mode: int, caplog: pytest.LogCaptureFixture) -> None:
    path = store(ID, SECRET)
    path.chmod(mode)
    assert find() == Credentials(ID, SECRET)
    assert rights(path) == 0o600
    assert bool(caplog.records) == bool(mode & 0o077)


@posix
def test_rights_that_cannot_be_narrowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has no rights (a mounted drive), or somebody else's file."""
    path = store(ID, SECRET)
    path.chmod(0o644)

    def refuse(*args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)
    with pytest.raises(InputError, match="can be read by others") as raised:
        find()
    assert "SPOTIPY_CLIENT_ID" in raised.value.fix
    assert state().startswith("stored, but cannot be used: ")
    delete()
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda descriptor: os.stat_result((0o100777, *real(descriptor)[1:])))
    with pytest.raises(InputError, match="lets everybody read"):
        store(ID, SECRET)
    assert not [*path.parent.iterdir()]


DAMAGED = [
    b"", b"{", b"[]", b"null", b"3", b"\xff\xfe\x00", b"[" * 60_000, b"{}", b'{"id": "a"}', b'{"id": 1, "secret": 2}',
    b'{"id": "a:b", "secret": "c"}', b'{"id": "a", "secret": "' + SECRET.encode() + b'\\n"x}',
    b'{"id": "a", "secret": "x\\u0000' + SECRET.encode() + b'"}', b'{"secret": "' + SECRET.encode(),
]  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED)
def test_a_damaged_file_is_told_without_its_text(data: bytes) -> None:
    path = store(ID, SECRET)
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged") as raised:
        find()
    assert SECRET not in holds(raised.value)
    assert state().startswith("stored, but cannot be used: ") and SECRET not in state()
    store(ID, SECRET)
    assert find() == Credentials(ID, SECRET)


@posix
def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "config" / FILE).mkdir(parents=True)
    with pytest.raises(InputError, match="not a file"):
        find()
    (tmp_path / "config" / FILE).rmdir()
    os.mkfifo(tmp_path / "config" / FILE)
    with pytest.raises(InputError, match="not a file"):  # and does not wait for a writer
        find()
    assert delete() is True


@posix
def test_a_link_laid_in_the_way_is_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "public.txt"
    target.write_text("")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / FILE).symlink_to(target)
    store(ID, SECRET)
    assert target.read_text() == "" and not (tmp_path / "config" / FILE).is_symlink()


def test_what_a_killed_run_left_goes_away(tmp_path: Path) -> None:
    path = store(ID, SECRET)
    left = path.with_name(".spotify.4194999-123.part.json")
    for clear in (lambda: store(ID, SECRET), delete):
        left.write_text(SECRET)
        clear()
        assert not left.exists()


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file in the folder's place")
    with pytest.raises(ProjectError) as raised:
        store(ID, SECRET)
    assert SECRET not in holds(raised.value) and ID not in holds(raised.value).replace(str(tmp_path), "")
    assert find() is None and delete() is False


@pytest.mark.parametrize(
    ("id", "secret"),
    [
        ("", SECRET), (ID, ""), ("  ", SECRET), (ID, f"{SECRET}\n{SECRET}"), (ID, f"{SECRET}\0"), (ID, SECRET + "é"),
        (ID, SECRET + "\u202e"), (f"{ID}:x", SECRET), (ID, SECRET * 10), (None, SECRET), (ID, 3), (ID, SECRET.encode()),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_and_not_repeated(id: str, secret: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        store(id, secret)
    assert "dashboard" in raised.value.fix
    assert SECRET not in holds(raised.value) and ID not in holds(raised.value)
    assert not (tmp_path / "config").exists()


def test_a_variable_that_cannot_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", f"{SECRET}\n{SECRET}")
    with pytest.raises(InputError, match="client secret") as raised:
        find()
    assert SECRET not in holds(raised.value)
    assert state().startswith("from the environment, but cannot be used: ") and SECRET not in state()


SIGNS = "".join(map(chr, range(0x21, 0x7F))).replace(":", "")
PRINTABLE = st.text(SIGNS, min_size=1, max_size=60)


@given(id=PRINTABLE, secret=PRINTABLE)
@settings(max_examples=100, deadline=None)
def test_odd_ones_are_kept_as_they_are(id: str, secret: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("odd")
    store(f" {id}\n", f"\t{secret} ", folder)
    found = find(folder)
    assert found is not None and (found.id, found.secret) == (id, secret)


@dataclasses.dataclass(frozen=True)
class _Holder:
    """A value of ours that holds credentials, by mistake or not."""

    credentials: Credentials


def test_nothing_shows_them(caplog: pytest.LogCaptureFixture) -> None:
    kept = Credentials(ID, SECRET)
    holder = _Holder(kept)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("x").warning("%s %r", kept, holder)
    printed = io.StringIO()
    print(kept, holder, file=printed)
    pprint.pprint([kept, holder], stream=printed)
    shown = [repr(kept), str(kept), f"{kept}", f"{kept!r:>40}", f"{kept!a}", repr(holder), repr([kept]),
             repr(dataclasses.asdict(holder)), json.dumps({"x": kept}, default=str), caplog.text, printed.getvalue()]
    assert not any(SECRET in words or ID in words for words in shown)


def test_they_are_not_stored_in_any_other_way() -> None:
    kept = Credentials(ID, SECRET)
    assert copy.copy(kept) is kept and copy.deepcopy([kept])[0] is kept
    for attempt in (
        lambda: pickle.dumps(kept), lambda: pickle.dumps(kept, 0), lambda: json.dumps(kept), lambda: vars(kept),
        lambda: dataclasses.asdict(kept), lambda: kept.__getstate__(), lambda: kept.__reduce__(),  # type: ignore[call-overload]
        lambda: dict(kept), lambda: list(kept),  # type: ignore[call-overload]
    ):  # fmt: skip
        with pytest.raises(TypeError) as raised:
            attempt()
        assert SECRET not in holds(raised.value)
    with pytest.raises(AttributeError):
        kept.other = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        kept._secret = "x"
    with pytest.raises(AttributeError):
        del kept._secret


def test_equal_ones_are_equal() -> None:
    assert Credentials(ID, SECRET) == Credentials(ID, SECRET) != Credentials(ID, "x")
    assert len({Credentials(ID, SECRET), Credentials(ID, SECRET)}) == 1
    assert Credentials(ID, SECRET) != (ID, SECRET)


def test_children_do_not_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("SPOTIPY_REDIRECT_URI", "kept")
    code = "import os; print(dict(os.environ))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
    assert SECRET not in done.stdout and "SPOTIPY_REDIRECT_URI" in done.stdout
    assert os.environ["SPOTIPY_CLIENT_SECRET"] == SECRET
    assert clean_environment({"spotipy_client_secret": "x", "A": "b"}) == {"A": "b"}


# Where a page serves folders of the machine


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "webui").mkdir()
    return tmp_path / "webui"


def test_the_users_folder_where_it_is_not_served(data: Path, tmp_path: Path) -> None:
    for hides_dots in (True, False):
        assert safe_folder([data], hides_dots=hides_dots, fallback=data / ".mv") == (tmp_path / "config").resolve()
    assert not (tmp_path / "config").exists(), "asking makes nothing"


def test_a_served_folder_only_behind_a_dot_and_only_where_that_hides(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(data / "config"))
    assert safe_folder([data], hides_dots=True, fallback=data / ".mv") == (data / ".mv").resolve()
    with pytest.raises(InputError, match="does not serve") as raised:
        safe_folder([data], hides_dots=False, fallback=data / ".mv")
    assert "SPOTIPY_CLIENT_ID" in raised.value.fix
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(data / ".config" / "music-visualizer"))
    assert safe_folder([data], hides_dots=True) == (data / ".config" / "music-visualizer").resolve()


@posix
def test_links_do_not_hide_where_it_lies(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "open").mkdir()
    (tmp_path / ".hidden").symlink_to(data / "open")
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path / ".hidden"))
    with pytest.raises(InputError):
        safe_folder([data], hides_dots=True)


def test_a_home_that_cannot_be_written(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path / "file" / "config"))
    assert safe_folder([data], hides_dots=True, fallback=data / ".mv") == (data / ".mv").resolve()
    with pytest.raises(InputError):
        safe_folder([data], hides_dots=True)


def test_the_folder_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSIC_VISUALIZER_CONFIG")
    assert credentials.config_folder().is_absolute() and "music-visualizer" in str(credentials.config_folder())


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_is_kept_or_refused(id: str, secret: str) -> None:
    try:
        kept = Credentials(id, secret)
    except MusicVisualizerError as error:
        assert error.message.startswith("the client ")
        return
    assert kept.secret == secret.strip() and kept.id == id.strip()
