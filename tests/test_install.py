"""install.py as the WebUI runs it: in invented environments with a package index of the test's own, and, where
MUSIC_VISUALIZER_INSTALL_TESTS is set, in environments that hold what A1111 1.10.1 and Forge hold."""

from __future__ import annotations

import ast
import base64
import configparser
import contextlib
import ctypes
import functools
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PINS = Path(__file__).parent / "install"
# What of the hosts is metadata only here: gigabytes, or on no index. Their needs as the real ones state them.
NEEDS = {
    "torch": ("filelock", "typing-extensions", "sympy", "networkx", "jinja2", "fsspec"),
    "torchvision": ("numpy", "requests", "torch", "pillow!=8.3.*,>=5.3.0"),
    "triton": ("filelock",),
    "clip": ("ftfy", "regex", "tqdm", "torch", "torchvision"),
}


def load(path: Path) -> object:
    """A file of the extension's root as a module, under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"music_visualizer_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# An invented host


def metadata(name: str, version: str, requires: tuple[str, ...] = ()) -> str:
    head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    return "\n".join([*head, *(f"Requires-Dist: {need}" for need in requires), ""])


def wheel(folder: Path, name: str, version: str, *requires: str, module: str = "") -> None:
    """A wheel with one module that knows its version."""
    stem = f"{re.sub(r'[-_.]+', '_', name)}-{version}"
    files = {
        f"{module or re.sub(r'[-_.]+', '_', name).lower()}.py": f"version = {version!r}\n",
        f"{stem}.dist-info/METADATA": metadata(name, version, requires),
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(text.encode())}\n")
    files[f"{stem}.dist-info/RECORD"] = "".join(record) + f"{stem}.dist-info/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@dataclass
class HostStub:
    """A WebUI's folder, its Python, an index of packages, and our extension in it."""

    folder: Path
    pip: Path | None
    asked: list[str]
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.webui.mkdir()
        self.index.mkdir()
        self.extension.mkdir(parents=True)
        shutil.copy(ROOT / "install.py", self.extension)
        (self.extension / "requirements.txt").write_text("# what is asked for\n\n" + "\n".join(self.asked) + "\n")
        self.fresh_python()

    def fresh_python(self) -> None:
        """A Python that holds nothing but pip; what was in the one before is gone."""
        shutil.rmtree(self.folder / "venv", ignore_errors=True)
        venv.create(self.folder / "venv", symlinks=os.name != "nt")
        if self.pip is not None:
            (self.site / "the_pip.pth").write_text(f"{self.pip}\n")

    @property
    def webui(self) -> Path:
        return self.folder / "stable diffusion webui"

    @property
    def extension(self) -> Path:
        return self.webui / "extensions" / "Ein Name, den jemand wählte"

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @property
    def python(self) -> Path:
        return self.folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @functools.cached_property
    def site(self) -> Path:
        found = [*(self.folder / "venv").glob("lib/python*/site-packages"), self.folder / "venv/Lib/site-packages"]
        return found[0]

    @property
    def log(self) -> Path:
        """Where pip writes down that it was called."""
        return self.folder / "pip.log"

    def holds(self, name: str, version: str, *requires: str) -> None:
        """Put a distribution there."""
        folder = self.site / f"{re.sub(r'[-_.]+', '_', name)}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(metadata(name, version, requires))
        (folder / "RECORD").write_text(f"{folder.name}/METADATA,,\n{folder.name}/RECORD,,\n{folder.name}/INSTALLER,,\n")
        (folder / "INSTALLER").write_text("pip\n")

    def offers(self, name: str, version: str, *requires: str, module: str = "") -> None:
        """Put a wheel into the index."""
        wheel(self.index, name, version, *requires, module=module)

    def versions(self) -> dict[str, str]:
        """Everything that is installed, by its own name for itself."""
        found = {}
        for distribution in importlib.metadata.distributions(path=[str(self.site)]):
            with contextlib.suppress(Exception):  # damaged on purpose
                found[distribution.metadata.get("Name")] = distribution.metadata.get("Version")
        return found

    def start(self, *arguments: str, before: Callable[[], None] | None = None) -> str:
        """What the WebUI does with install.py; returns the one line it prints."""
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "COV_"))}
        done = subprocess.run(
            [self.python, *arguments, self.extension / "install.py"],
            cwd=self.webui,
            env={
                **mine,
                "PYTHONPATH": f"{self.webui}{os.pathsep}",
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.index),
                "PIP_LOG": str(self.log),
                **self.extra,
            },
            capture_output=True,
            timeout=120,
            preexec_fn=before,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert not done.stderr, done.stderr.decode()
        lines = done.stdout.decode("ascii").splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("Music Visualizer: ")
        return lines[0].removeprefix("Music Visualizer: ")


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds pip and nothing else."""
    folder = tmp_path_factory.mktemp("pip")
    there = Path(str(importlib.metadata.distribution("pip").locate_file("")))
    for path in [there / "pip", *there.glob("pip-*.dist-info")]:
        shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


Hosts = Callable[..., HostStub]


@pytest.fixture
def host(tmp_path: Path, pip: Path) -> Hosts:
    """Make a host whose extension asks for the given requirements."""
    return lambda *asked, pip=pip: HostStub(tmp_path, pip, list(asked))


def test_nothing_missing_ends_without_pip_within_a_second(host: Hosts) -> None:
    stub = host("alpha>=1", "Beta_b>=2,<3")
    stub.holds("alpha", "1.5")
    stub.holds("beta-b", "2.0")
    stub.offers("alpha", "9.0")
    before = stub.versions()
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        assert stub.start() == "nothing to install."
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 1
    assert not stub.log.exists(), "pip was started"
    assert stub.versions() == before


def test_our_own_requirements_are_found_without_importing_them() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", ROOT / "install.py"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COMMANDLINE_ARGS": ""},
    )
    assert done.stdout.startswith("Music Visualizer: nothing to install."), done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    heavy = {"numpy", "scipy", "cv2", "PIL", "pydub", "tinytag", "imageio_ffmpeg", "requests", "rich", "pip._internal"}
    assert "importlib.metadata" in imported
    assert not heavy & imported
    assert not [name for name in imported if name.startswith("lib_music")]


def test_modules_are_called_as_install_py_believes() -> None:
    install = load(ROOT / "install.py")
    for requirement in install.requirements():
        name = install.canonical(requirement.name)
        module = install.MODULES.get(name, name.replace("-", "_"))
        assert importlib.util.find_spec(module) is not None, f"{name} is not imported as {module}"


def test_the_tab_looks_for_every_requirement() -> None:
    from lib_music.webui import register

    install = load(ROOT / "install.py")
    wanted = [install.canonical(requirement.name) for requirement in install.requirements()]
    looked_for = {package: module for module, package in register._NEEDED}
    # The one is pydub's, not imported by us; without the other a song's file is still enough.
    for name in set(wanted) - {"audioop-lts", "spotipy"}:
        assert looked_for[name] == install.MODULES.get(name, name.replace("-", "_"))
    assert set(looked_for) <= set(wanted)


def test_installs_only_what_is_missing(host: Hosts) -> None:
    stub = host("alpha>=1", "beta", "gamma")
    stub.holds("alpha", "1.0")
    for name in ("alpha", "beta", "gamma", "never-asked"):
        stub.offers(name, "3.0")
    assert stub.start() == "installed beta 3.0, gamma 3.0; what was there is unchanged."
    assert stub.versions() == {"alpha": "1.0", "beta": "3.0", "gamma": "3.0"}
    stub.log.unlink()
    assert stub.start() == "nothing to install."
    assert not stub.log.exists()


def test_what_a_pod_has_lost_at_its_stop_comes_back(host: Hosts) -> None:
    """Only the WebUI's folder, with our extension in it, outlives a pod; its Python starts anew."""
    stub = host("alpha>=1", "beta")
    for name in ("alpha", "beta"):
        stub.offers(name, "3.0")
    for _ in range(2):
        assert stub.start() == "installed alpha 3.0, beta 3.0; what was there is unchanged."
        assert stub.versions() == {"alpha": "3.0", "beta": "3.0"}
        assert stub.start() == "nothing to install."
        stub.fresh_python()
        assert stub.versions() == {}


def test_the_host_keeps_its_versions_where_a_newer_package_wants_others(host: Hosts) -> None:
    """The case that breaks hosts: unconstrained, pip would take helper along."""
    stub = host("alpha")
    stub.holds("Helper.Lib", "1.0")
    stub.holds("torch", "2.1.2+cu121")
    stub.offers("helper-lib", "2.0")
    stub.offers("torch", "2.9")
    stub.offers("torch", "2.1.2")
    stub.offers("alpha", "2.0", "helper-lib>=2", "torch>=2.5")
    stub.offers("alpha", "1.0", "helper-lib", "torch", "companion")
    stub.offers("companion", "4.0", "torch>=2.1")
    line = stub.start()
    assert line == "installed alpha 1.0 and 1 that they need; what was there is unchanged."
    assert stub.versions() == {"Helper.Lib": "1.0", "torch": "2.1.2+cu121", "alpha": "1.0", "companion": "4.0"}


def test_what_a_host_forbids_is_left_out_and_the_rest_comes(host: Hosts) -> None:
    stub = host("alpha", "beta")
    stub.holds("helper", "1.0")
    stub.offers("helper", "2.0")
    stub.offers("alpha", "2.0", "helper>=2")
    stub.offers("beta", "1.0")
    line = stub.start()
    assert line.startswith("installed beta 1.0; what was there is unchanged. could not install alpha (pip: ")
    assert "the tab says what is missing" in line
    assert stub.versions() == {"helper": "1.0", "beta": "1.0"}


def test_a_pip_set_to_upgrade_heeds_what_is_there(host: Hosts) -> None:
    stub = host("alpha")
    stub.extra = {"PIP_UPGRADE": "1", "PIP_UPGRADE_STRATEGY": "eager", "PIP_FORCE_REINSTALL": "1", "PIP_PRE": "1"}
    stub.extra["PIP_IGNORE_INSTALLED"] = "1"
    stub.holds("helper", "1.0")
    stub.offers("helper", "2.0")
    stub.offers("helper", "1.0")
    stub.offers("alpha", "1.0", "helper")
    stub.offers("alpha", "2.0rc1", "helper")
    assert stub.start() == "installed alpha 1.0; what was there is unchanged."
    assert stub.versions() == {"helper": "1.0", "alpha": "1.0"}
    assert not (stub.site / "helper.py").exists(), "helper was installed anew"


def test_editable_and_damaged_distributions_do_not_stop_it(host: Hosts) -> None:
    stub = host("alpha")
    source = stub.folder / "someone's checkout"
    (source / "helper.egg-info").mkdir(parents=True)
    (source / "helper.egg-info" / "PKG-INFO").write_text(metadata("helper", "1.0.dev3"))
    (stub.site / "easy-install.pth").write_text(f"{source}\n")
    (stub.site / "helper.egg-link").write_text(f"{source}\n.")
    stub.holds("old-debian", "1.1build1")
    stub.holds("with.local", "0.3.0+git.20240101")
    stub.holds("~umpy", "1.25.0")
    (stub.site / "~umpy-1.25.0.dist-info" / "METADATA").write_text(metadata("numpy", "1.25.0"))
    stub.holds("numpy", "1.26.2")
    (stub.site / "empty-1.0.dist-info").mkdir()
    (stub.site / "nameless-1.0.dist-info").mkdir()
    (stub.site / "nameless-1.0.dist-info" / "METADATA").write_bytes(b"Version: 1.0\n\nnot much")
    (stub.site / "odd name-1.0.dist-info").mkdir()
    (stub.site / "odd name-1.0.dist-info" / "METADATA").write_text(metadata("odd name; x", "1.0\nEvil: yes"))
    for version in ("1.26.2", "2.4"):
        stub.offers("numpy", version)
    stub.offers("helper", "2.0")
    stub.offers("with-local", "0.4")
    stub.offers("alpha", "1.0", "numpy", "helper>=1.0.dev1", "with.local")
    before = stub.versions()
    assert stub.start() == "installed alpha 1.0; what was there is unchanged."
    assert stub.versions() == {**before, "alpha": "1.0"}


OPENCV = ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless")


@pytest.mark.parametrize("name", OPENCV)
def test_never_a_second_opencv(host: Hosts, name: str) -> None:
    stub = host("opencv-python-headless>=4.8")
    stub.holds(name, "4.11.0.86")
    stub.offers("opencv-python-headless", "4.12", module="cv2")
    assert stub.start() == "nothing to install."
    assert not stub.log.exists()


def test_an_opencv_built_by_hand_will_do_but_an_empty_folder_will_not(host: Hosts) -> None:
    stub = host("opencv-python-headless>=4.8")
    stub.offers("opencv-python-headless", "4.12", module="cv2")
    (stub.site / "cv2").mkdir()
    (stub.site / "cv2" / "__init__.py").write_text("raise ImportError('not to be imported now')\n")
    assert stub.start() == "nothing to install."
    shutil.rmtree(stub.site / "cv2")
    (stub.webui / "cv2").mkdir()
    assert stub.start() == "installed opencv-python-headless 4.12; what was there is unchanged."


def test_another_version_is_named_and_left(host: Hosts) -> None:
    stub = host("alpha>=2", "opencv-python-headless>=4.8", "beta", "gamma>=1")
    stub.holds("alpha", "1.0")
    stub.holds("opencv-contrib-python", "4.5")
    stub.holds("beta", "unknown")
    stub.holds("gamma", "unknown")
    stub.offers("alpha", "2.0")
    line = stub.start()
    assert line == (
        "nothing to install. alpha 1.0 is here, >=2 is asked for: left as it is. "
        "opencv-contrib-python 4.5 is here, >=4.8 is asked for: left as it is. "
        "gamma unknown is here, >=1 is asked for: left as it is."
    )
    assert stub.versions()["alpha"] == "1.0"
    assert not stub.log.exists()


def test_markers_are_heeded(host: Hosts) -> None:
    stub = host("alpha; python_version < '3'", "beta>=1; python_version >= '3.10'")
    for name in ("alpha", "beta"):
        stub.offers(name, "1.0")
    assert stub.start() == "installed beta 1.0; what was there is unchanged."


@pytest.mark.parametrize(
    "given", ["--skip-install", "--listen --skip-install --port 7860", "--x 'C:\\u --skip-install"]
)
def test_skip_install_means_us_too(host: Hosts, given: str) -> None:
    stub = host("alpha")
    stub.offers("alpha", "1.0")
    stub.extra = {"COMMANDLINE_ARGS": given}
    assert stub.start() == "nothing is installed (--skip-install)."
    assert not stub.versions()


def test_only_wheels_are_installed(host: Hosts) -> None:
    """A source archive could run anything, compile for minutes, or hang."""
    stub = host("alpha")
    trace = stub.folder / "it ran"
    with tarfile.open(stub.index / "alpha-1.0.tar.gz", "w:gz") as archive:
        for name, text in (
            ("setup.py", f"open({str(trace)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='alpha')\n"),
            ("PKG-INFO", metadata("alpha", "1.0")),
        ):
            info = tarfile.TarInfo(f"alpha-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    assert "could not install alpha (pip: " in stub.start()
    assert not trace.exists()


def test_no_network_is_said_once_and_costs_little(host: Hosts) -> None:
    stub = host("alpha", "beta", "gamma")
    stub.extra = {"PIP_NO_INDEX": "0", "INDEX_URL": "http://someone:secret@127.0.0.1:9/simple"}
    begin = time.perf_counter()
    line = stub.start()
    assert time.perf_counter() - begin < 30
    assert line.startswith("could not install alpha, beta, gamma (the package index does not answer).")
    assert "secret" not in line
    log = stub.log.read_text()
    assert "127.0.0.1" in log and "/simple/alpha/" in log
    assert "/simple/beta/" not in log and "/simple/gamma/" not in log


@pytest.mark.skipif(os.name != "posix", reason="folders are not write-protected this way on Windows")
def test_read_only_site_packages(host: Hosts) -> None:
    stub = host("alpha")
    stub.offers("alpha", "1.0")
    stub.site.chmod(0o555)
    try:
        line = stub.start(before=_without_override if os.geteuid() == 0 else None)
    finally:
        stub.site.chmod(0o755)
    assert line.startswith(f"could not install alpha ({stub.site} is read-only).")
    assert not stub.log.exists()
    assert not stub.versions()


def _without_override() -> None:
    """Let root heed write protection as everyone does: drop CAP_DAC_OVERRIDE before the program starts."""
    pr_capbset_drop, cap_dac_override = 24, 1
    if ctypes.CDLL(None, use_errno=True).prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0):
        os.kill(os.getpid(), signal.SIGABRT)


def test_a_python_without_pip(host: Hosts) -> None:
    stub = host("alpha", "beta", pip=None)
    packaging = Path(str(importlib.metadata.distribution("packaging").locate_file("packaging")))
    shutil.copytree(packaging, stub.site / "packaging")
    stub.holds("beta", "1.0")
    assert stub.start().startswith("could not install alpha (this Python has no pip).")
    stub.holds("alpha", "1.0")
    assert stub.start() == "nothing to install."


def fake_pip(stub: HostStub, code: str) -> None:
    """Another pip, that does what ``code`` says."""
    packaging = Path(str(importlib.metadata.distribution("packaging").locate_file("packaging")))
    shutil.copytree(packaging, stub.site / "packaging")
    (stub.site / "pip").mkdir()
    (stub.site / "pip" / "__init__.py").touch()
    (stub.site / "pip" / "__main__.py").write_text(code)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(3)", "(pip: it failed without a word)"),
        ("raise RuntimeError('boom \\u2603')", "(pip: RuntimeError: boom \\u2603)"),
        ("print('ERROR: disk\\x1b[31m full ' + 'x' * 9000); raise SystemExit(1)", "(pip: disk"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe'); raise SystemExit(1)", "(pip: "),
        ("print('ERROR: 404 at https://me:pass@index/'); raise SystemExit(1)", "(pip: 404 at https://****@index/)"),
        ("import os; os.abort()", "(pip: it failed without a word)"),
        ("", "(pip put it where this Python does not look)"),
    ],
)
def test_a_pip_that_fails(host: Hosts, code: str, said: str) -> None:
    stub = host("alpha", pip=None)
    stub.extra = {"PYTHONIOENCODING": "utf-8"}
    fake_pip(stub, code)
    line = stub.start()
    assert line.startswith(f"could not install alpha {said}")
    assert len(line) < 800 and line.isprintable()


def test_a_changed_host_is_said_loudly(host: Hosts) -> None:
    stub = host("alpha", pip=None)
    stub.holds("helper", "1.0")
    stub.holds("other", "1.0")
    site = str(stub.site)
    fake_pip(
        stub,
        "import os, shutil\n"
        f"os.chdir({site!r})\n"
        "os.rename('helper-1.0.dist-info', 'helper-2.0.dist-info')\n"
        "open('helper-2.0.dist-info/METADATA', 'w').write('Name: helper\\nVersion: 2.0\\n')\n"
        "shutil.rmtree('other-1.0.dist-info')\n"
        "os.mkdir('alpha-1.0.dist-info')\n"
        "open('alpha-1.0.dist-info/METADATA', 'w').write('Name: alpha\\nVersion: 1.0\\n')\n",
    )
    line = stub.start()
    assert line.startswith("WARNING: INSTALLING CHANGED PACKAGES OF THE WEBUI: helper 1.0 -> 2.0, other 1.0 -> gone;")
    assert line.endswith("installed alpha 1.0.")


def test_a_pip_that_hangs_is_ended(host: Hosts) -> None:
    stub = host("alpha", "beta", pip=None)
    fake_pip(stub, "import time; time.sleep(100)")
    script = stub.extension / "install.py"
    script.write_text(re.sub(r"^LONGEST = \d+", "LONGEST = 1", script.read_text(), flags=re.MULTILINE))
    assert stub.start().startswith("could not install alpha, beta (pip took longer than ")


@pytest.mark.parametrize("text", [None, b"alpha ! 1\n", b"\xff\xfe\x00", b"alpha @ \n-r other.txt\n"])
def test_a_damaged_checkout_does_not_stop_the_host(host: Hosts, text: bytes | None) -> None:
    stub = host()
    path = stub.extension / "requirements.txt"
    path.unlink() if text is None else path.write_bytes(text)
    assert stub.start().startswith("could not install what it needs: ")


def test_a_python_that_is_too_old_gets_a_sentence() -> None:
    """Forge starts on 3.8, too; the file has to be read there before it can say so."""
    ast.parse((ROOT / "install.py").read_text(), feature_version=(3, 8))
    ast.parse((ROOT / "preload.py").read_text(), feature_version=(3, 8))


# The checkout


def tracked() -> list[str]:
    """Every file of the checkout that git has or would have."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a checkout")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What *Install from URL* would make of this checkout, in a folder of another name."""
    names = tracked()
    folder = tmp_path / "extensions" / "sd-webui-what-ever"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    _git(folder, "init", "-q")
    _git(folder, "add", "--all", "--force")
    _git(folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "all")
    return folder


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_clone_is_small() -> None:
    """All files, and all that the history brings along: at most 20 MB together."""
    files = sum((ROOT / name).stat().st_size for name in tracked())
    assert files <= 10e6
    # What a clone sends; in the folder itself objects may lie about that were never packed.
    pack = ["git", "-C", str(ROOT), "pack-objects", "--revs", "--stdout", "-q"]
    sent = subprocess.run(pack, input=b"HEAD\n", stdout=subprocess.PIPE, check=True)
    assert files + len(sent.stdout) <= 20e6


def test_any_folder_name_will_do_and_a_pull_finds_it_clean(clone: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import lib_music, lib_music.pipeline, lib_music.render.animatic, lib_music.studio.host\n"
        "print(lib_music.__file__)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(clone)], cwd=clone.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parent == clone / "lib_music"
    subprocess.run([sys.executable, clone / "install.py"], cwd=clone.parent, env=environment, check=True)
    subprocess.run([sys.executable, "-m", "compileall", "-q", clone], env=environment, check=True)
    assert [*clone.rglob("__pycache__")]
    assert _git(clone, "status", "--porcelain", "--untracked-files=all") == ""


def test_metadata_as_the_host_reads_it(clone: Path) -> None:
    config = configparser.ConfigParser()
    assert config.read(clone / "metadata.ini")
    assert config.get("Extension", "Name") == config.get("Extension", "Name").lower().strip() == "music-visualizer"
    assert not config.get("Extension", "Requires", fallback="")


def test_preload_adds_nothing() -> None:
    parser = ArgumentParser()
    before = parser.format_help()
    load(ROOT / "preload.py").preload(parser)
    assert parser.format_help() == before


# The real hosts' packages


@pytest.fixture(scope="module")
def python310() -> str:
    """A Python 3.10, which both hosts ask for."""
    if not os.environ.get("MUSIC_VISUALIZER_INSTALL_TESTS"):
        pytest.skip("installs some 300 packages: set MUSIC_VISUALIZER_INSTALL_TESTS=1")
    for found in _pythons():
        asked = "import sys, venv, ensurepip; print(sys.executable if sys.version_info[:2] == (3, 10) else '')"
        done = subprocess.run([found, "-c", asked], capture_output=True, text=True, env={**os.environ, **_PYENV})
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    pytest.skip("needs Python 3.10 with venv, on PATH or in pyenv")


_PYENV: dict[str, str] = {}


def _pythons() -> Iterator[str]:
    if shutil.which("pyenv"):
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True).stdout.split()
        versions = [version for version in listed if re.fullmatch(r"3\.10\.\d+", version)]
        if versions:
            _PYENV["PYENV_VERSION"] = versions[-1]
    yield from filter(None, [shutil.which("python3.10"), sys.executable])


def _freeze(python: Path) -> dict[str, str]:
    every = "[(d.metadata['Name'], d.version) for d in m.distributions()]"
    code = f"import importlib.metadata as m, json; print(json.dumps({every}))"
    return dict(json.loads(subprocess.run([python, "-c", code], capture_output=True, check=True).stdout))


def _complaints(python: Path) -> set[str]:
    return set(subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True).stdout.splitlines())


def _fill(python: Path, pins: Path, folder: Path) -> None:
    """Install what ``pins`` lists: stubs for what is metadata only, everything else as it is."""
    lines = [line for line in pins.read_text().splitlines() if line and not line.startswith("#")]
    every = dict(line.split("==") for line in lines)
    stubs = {n: v for n, v in every.items() if n in NEEDS or n.startswith("nvidia-")}
    for name, version in stubs.items():
        needs = tuple(f"{n}=={v}" for n, v in stubs.items() if name == "torch" and n.startswith(("nvidia-", "triton")))
        wheel(folder / "stubs", name, version, *NEEDS.get(name, ()), *needs)
    real = [f"{n}=={v}" for n, v in every.items() if n not in stubs]
    command = [python, "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
    environment = {**os.environ, "PIP_CONSTRAINT": ""}
    # By themselves: of two wheels of one version pip would take the one built for this machine.
    subprocess.run([*command, "--no-index", *(folder / "stubs").iterdir()], env=environment, check=True)
    done = subprocess.run([*command, *real], capture_output=True, text=True, timeout=1800, env=environment)
    if done.returncode and re.search("connection broken|Max retries", done.stderr):
        pytest.skip("needs a package index")
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a1111-1.10.1", "forge"])
def test_a_hosts_packages_stay_as_they_are(name: str, python310: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # two gigabytes, which pytest would keep
        _installs_into(name, python310, Path(folder))


def _installs_into(name: str, python310: str, tmp_path: Path) -> None:
    subprocess.run([python310, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    _fill(python, PINS / f"{name}.txt", tmp_path)
    before, complaints = _freeze(python), _complaints(python)
    webui = tmp_path / "webui"
    extension = webui / "extensions" / "anything"
    for path in tracked():
        (extension / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, extension / path)
    environment = {**os.environ, "PYTHONPATH": f"{webui}{os.pathsep}", "COMMANDLINE_ARGS": "", "PIP_CONSTRAINT": ""}

    def start() -> str:
        command = [python, extension / "install.py"]
        done = subprocess.run(command, cwd=webui, env=environment, capture_output=True, text=True, check=True)
        assert not done.stderr
        return done.stdout

    begin = time.perf_counter()
    said = start()
    print(f"{name}, {len(before)} distributions; in {time.perf_counter() - begin:.0f} s: {said}")
    after = _freeze(python)
    assert "what was there is unchanged." in said and "could not" not in said and "left as it is" not in said, said
    assert {n: v for n, v in after.items() if n in before} == before
    assert before["torch"].endswith("+cu121") and len(before) > 100
    new = {n.lower() for n in after if n not in before}
    assert {"tinytag", "imageio-ffmpeg", "platformdirs"} <= new
    assert not [n for n in new if n.startswith("opencv")]
    assert _complaints(python) == complaints

    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        assert start() == "Music Visualizer: nothing to install.\n"
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 1
    code = (
        f"import sys; sys.path.insert(0, {str(extension)!r})\n"
        "import lib_music.cli, lib_music.pipeline, lib_music.render.animatic, lib_music.video.mux\n"
        "import cv2, scipy.signal, PIL.Image, pydub, tinytag, filelock, platformdirs, requests, rich, imageio_ffmpeg\n"
        "print(imageio_ffmpeg.get_ffmpeg_exe())\n"
    )
    done = subprocess.run([python, "-c", code], cwd=webui, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
