"""Install what Music Visualizer needs and the WebUI lacks; change nothing that is there.

The WebUI runs this file as a process of its own at every start (and once after *Install from URL*), in its own folder
and with its own Python. So:

- when nothing is missing it ends at once: no pip, only a look at the installed distributions;
- what is missing is installed one requirement at a time, under pip constraints that pin **every** installed
  distribution to the version it has, and from wheels only, so that nothing is compiled while the WebUI waits;
- what is there in another version than we ask for stays as it is, and is named;
- OpenCV's distributions share one folder: any of them, or an importable ``cv2``, will do;
- whatever goes wrong ends in one line and exit code 0. The WebUI starts without us, and the tab says what is missing.

Nothing is remembered between starts: a failed try is cheap (pip gives up after two short timeouts and is not asked
again in this start), and the start after a repair succeeds by itself.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import shlex
import site
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
OPENCV = (
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
    "opencv-python-rolling",
)
# Where the module is not called as its distribution.
MODULES = {"pillow": "PIL", "audioop-lts": "audioop", **dict.fromkeys(OPENCV, "cv2")}
PIPS = "pip._vendor.packaging"
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
OFFLINE = re.compile(
    r"connection broken by|Max retries exceeded|Failed to establish|Name or service not known|getaddrinfo failed|"
    r"Temporary failure in name resolution|timed out|ConnectTimeout|ReadTimeout|ProxyError",
    re.IGNORECASE,
)
SECRET = re.compile(r"(?<=://)[^/@\s]+(?=@)")
# A pip that is set to upgrade, or to install over what is there, would not heed what is installed.
PIP_ENVIRONMENT = {"PIP_UPGRADE": "0", "PIP_FORCE_REINSTALL": "0", "PIP_IGNORE_INSTALLED": "0", "PIP_PRE": "0"}
LONGEST = 600  # s for one requirement: the largest wheel (ffmpeg, 66 MB) over a slow line


class NotInstalled(Exception):
    """Why a requirement could not be installed, in a few words; ``final`` when trying another makes no sense."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


def main() -> None:
    """Do it, and say it in one line."""
    try:
        line = run()
    except (Exception, KeyboardInterrupt) as error:  # the WebUI starts, whatever happens here
        line = f"could not install what it needs: {type(error).__name__}: {error}."
    with contextlib.suppress(OSError):  # nobody listens
        say(line)


def say(line: str) -> None:
    """One line on stdout, which is what the WebUI shows; in ASCII, which every console can print."""
    text = " ".join(line.split()).encode("ascii", "backslashreplace").decode("ascii")
    print(f"Music Visualizer: {''.join(letter for letter in text if letter.isprintable())}", flush=True)


def run() -> str:
    """Install what is missing. Returns what was done, in one line."""
    if "--skip-install" in flags():
        return "nothing is installed (--skip-install)."
    if not (3, 10) <= sys.version_info[:2] <= (3, 13):
        return f"needs Python 3.10 to 3.13, this is {sys.version.split()[0]}: nothing is installed."
    if sys.path and Path(sys.path[0] or ".").resolve() == HERE:
        del sys.path[0]  # our own folder: what lies in it is not installed
    wanted = requirements()
    notes = [note for requirement in wanted if (note := another_version(requirement))]
    missing = [requirement for requirement in wanted if not is_there(requirement)]
    if not missing:
        return " ".join(["nothing to install.", *notes])
    before = installed()
    failed = install_all(missing)
    return report(missing, failed, before, installed(), notes)


def flags() -> list[str]:
    """The arguments that this process and, as far as its environment tells, the WebUI were given."""
    given = os.environ.get("COMMANDLINE_ARGS", "")
    try:
        return [*sys.argv[1:], *shlex.split(given)]
    except ValueError:  # an unbalanced quote, or a Windows path
        return [*sys.argv[1:], *given.split()]


# What is asked for, and what is there


def packaging(module: str, first: str = "packaging") -> Any:
    """A module of ``packaging``: the installed one, which is the quicker, or pip's own copy."""
    other = PIPS if first == "packaging" else "packaging"
    try:
        return importlib.import_module(f"{first}.{module}")
    except ImportError:
        return importlib.import_module(f"{other}.{module}")


def requirements() -> list[Any]:
    """The requirements that hold for this Python and platform."""
    parse = packaging("requirements").Requirement
    lines = (line.partition("#")[0].strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines())
    every = [parse(line) for line in lines if line]
    return [requirement for requirement in every if requirement.marker is None or requirement.marker.evaluate()]


def canonical(name: str) -> str:
    """``name`` as distributions are compared: Pillow and pillow, ruamel.yaml and ruamel_yaml are one."""
    return re.sub(r"[-_.]+", "-", name).lower()


def family(requirement: Any) -> tuple[str, ...]:
    """The distributions of which one is enough."""
    name = canonical(requirement.name)
    return OPENCV if name in OPENCV else (name,)


def version_of(name: str) -> str:
    """The installed version of ``name``, empty when it is not installed (or so broken that it has none)."""
    try:
        return importlib.metadata.version(name) or ""
    except Exception:  # not found, and what damaged metadata may raise
        return ""


def is_there(requirement: Any) -> bool:
    """Whether it is installed in any version, or importable without being installed (conda, a build by hand)."""
    if any(version_of(name) for name in family(requirement)):
        return True
    name = canonical(requirement.name)
    try:
        spec = importlib.util.find_spec(MODULES.get(name, name.replace("-", "_")))
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None  # a folder of that name somewhere has no origin


def another_version(requirement: Any) -> str:
    """A note when it is installed in a version that we do not ask for; it stays."""
    for name in family(requirement):
        version = version_of(name)
        if not version:
            continue
        try:
            fits = not requirement.specifier or requirement.specifier.contains(version, prereleases=True)
        except Exception:  # a version that is none
            fits = False
        if fits:
            return ""
        return f"{name} {version} is here, {requirement.specifier} is asked for: left as it is."
    return ""


def installed() -> dict[str, str]:
    """Every distribution this Python sees: canonical name to version, the one that is imported where there are two."""
    found = {}
    for distribution in importlib.metadata.distributions():
        try:
            if "Name" not in distribution.metadata:
                continue
            name = distribution.metadata["Name"]
        except Exception:  # left over or damaged: pip does not see it either
            continue
        if isinstance(name, str) and NAME.fullmatch(name) and (version := version_of(name)):
            found[canonical(name)] = version
    return found


# Installing


def install_all(missing: list[Any]) -> dict[str, str]:
    """Install one after the other. Returns name to reason for those that could not be."""
    failed: dict[str, str] = {}
    why = obstacle()
    for requirement in missing:
        if is_there(requirement):  # came with one of the others
            continue
        try:
            if why:
                raise NotInstalled(why, final=True)
            install(requirement)
        except NotInstalled as error:
            failed[requirement.name] = str(error)
            why = str(error) if error.final else ""
    return failed


def obstacle() -> str:
    """Why pip need not be started at all; empty when it may be."""
    folder = sysconfig.get_path("purelib")
    shared = sys.prefix == sys.base_prefix and site.ENABLE_USER_SITE  # there pip turns to the person's own folder
    if not shared and not os.access(folder, os.W_OK):
        return f"{folder} is read-only"
    if importlib.util.find_spec("pip") is None:
        return "this Python has no pip"
    return ""


def install(requirement: Any) -> None:
    """Install one requirement beside everything that is there. Raises NotInstalled."""
    # The marker has been looked at; without it the text is the same to every pip.
    text = f"{requirement.name}{requirement.specifier}"
    with tempfile.TemporaryDirectory(prefix="music-visualizer-") as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(pins(installed())) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        command += ["--only-binary", ":all:", "--progress-bar", "off", "--timeout", "10", "--retries", "1"]
        command += ["--constraint", str(constraints), text]
        try:
            done = subprocess.run(
                command,
                env=pip_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            raise NotInstalled(f"pip took longer than {LONGEST // 60} minutes", final=True) from None
        except OSError as error:
            raise NotInstalled(f"pip could not be started: {error}", final=True) from error
    importlib.invalidate_caches()
    if is_there(requirement):  # even if pip stumbled afterwards
        return
    raise failure(done.stdout) if done.returncode else NotInstalled("pip put it where this Python does not look")


def pip_environment() -> dict[str, str]:
    """What pip is to find in its environment; INDEX_URL is the WebUI's own way to name another index."""
    index = os.environ.get("INDEX_URL", "")
    return {**os.environ, **PIP_ENVIRONMENT, **({"PIP_INDEX_URL": index} if index else {})}


def pins(versions: dict[str, str]) -> list[str]:
    """A pip constraint for every distribution; one that pip could not read would fail all, so it is left out."""
    parse = packaging("requirements", PIPS).Requirement
    invalid = packaging("version", PIPS).InvalidVersion
    valid = packaging("version", PIPS).Version
    lines = []
    for name, version in sorted(versions.items()):
        try:
            valid(version)
            line = f"{name}=={version}"
        except invalid:
            line = f"{name}==={version}"
        try:
            parse(line)
        except ValueError:
            continue
        lines.append(line)
    return lines


def failure(output: str) -> NotInstalled:
    """What pip's output says, in a few words."""
    if OFFLINE.search(output):
        return NotInstalled("the package index does not answer", final=True)
    lines = SECRET.sub("****", output).splitlines()
    errors = [line[6:].strip() for line in lines if line.upper().startswith("ERROR:")]
    crashed = "Exception:" in errors  # a traceback follows
    text = next(iter(lines[-1:] if crashed or not errors else errors), "it failed without a word")
    return NotInstalled(f"pip: {text[:300]}")


# What is said


def report(
    missing: list[Any], failed: dict[str, str], before: dict[str, str], after: dict[str, str], notes: list[str]
) -> str:
    """What was done, in one line: what is new, what is still missing and why, and what must never be."""
    said = []
    changed = [f"{name} {old} -> {after.get(name, 'gone')}" for name, old in before.items() if after.get(name) != old]
    if changed:
        said.append(f"WARNING: INSTALLING CHANGED PACKAGES OF THE WEBUI: {', '.join(changed)}; please report this.")
    new = {name: version for name, version in after.items() if name not in before}
    ours = [name for requirement in missing if (name := canonical(requirement.name)) in new]
    if ours:
        others = len(new) - len(ours)
        came = f" and {others} that they need" if others else ""
        unchanged = "" if changed else "; what was there is unchanged"
        said.append(f"installed {', '.join(f'{name} {new[name]}' for name in ours)}{came}{unchanged}.")
    for why in dict.fromkeys(failed.values()):
        said.append(f"could not install {', '.join(name for name in failed if failed[name] == why)} ({why}).")
    if failed:
        said.append("The WebUI starts all the same, the tab says what is missing, and the next start tries again.")
    return " ".join([*said, *notes]) or "nothing to install."


if __name__ == "__main__":
    main()
