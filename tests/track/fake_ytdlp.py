"""A stand-in for the yt-dlp executable: a program of its own that plays what it was told, and notes how it was called.

``install`` puts it into a folder; the plan lies beside it as JSON, with one entry for each kind of call ("search",
"isrc", "fetch", "version"). It takes no part of its orders from the environment, which is under test.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def install(folder: Path, **plan: Any) -> Path:
    """An executable that plays ``plan``.

    Each entry may hold ``stdout`` and ``stderr`` (str), ``status``, ``sound`` (a file that "arrives"), ``suffix``,
    ``leave`` (names of files to leave as well), ``progress`` (fractions), ``sleep`` s, ``die`` (a signal to end by),
    ``grandchild`` (start one that holds the pipes open), ``flood`` (write without end).
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    program = folder / "yt-dlp"
    program.write_text(f"#!{sys.executable}\n" + Path(__file__).read_text())
    program.chmod(0o755)
    return program


def calls(program: Path) -> list[dict[str, Any]]:
    """How it was called so far: ``argv``, ``env``, ``cwd`` and ``pid`` of each call."""
    noted = program.with_name("calls.jsonl")
    return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []


def kind_of(argv: list[str]) -> str:
    """What is asked of it."""
    if "--version" in argv:
        return "version"
    if argv[-1].startswith("ytsearch"):
        query = argv[-1].partition(":")[2]
        return "isrc" if len(query) == 12 and query[-7:].isdigit() else "search"
    return "fetch"


def main(argv: list[str]) -> int:
    """Play one call."""
    here = Path(__file__).parent
    with (here / "calls.jsonl").open("a") as noted:
        call = {"argv": argv, "env": dict(os.environ), "cwd": str(Path.cwd()), "pid": os.getpid()}
        noted.write(json.dumps(call) + "\n")
    step = json.loads((here / "plan.json").read_text()).get(kind_of(argv), {})
    if step.get("grandchild"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        (here / "grandchild").write_text(str(child.pid))
    while step.get("flood"):
        sys.stdout.write("x" * 65536)
    target = argv[argv.index("-o") + 1] if "-o" in argv else ""
    for name in step.get("leave", []):
        Path(target).with_name(name).write_bytes(b"half of it")
    for share in step.get("progress", []):
        print(f"mv-progress {int(share * 1000)} NA 1000", flush=True)
        time.sleep(0.15)
    print(step.get("stderr", ""), file=sys.stderr, flush=True)
    time.sleep(step.get("sleep", 0))
    if step.get("die"):
        os.kill(os.getpid(), getattr(signal, step["die"]))
    if step.get("sound"):
        shutil.copyfile(step["sound"], target.replace("%(ext)s", step.get("suffix", "wav")))
    sys.stdout.write(step.get("stdout", ""))
    return int(step.get("status", 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
