"""``make bench``: prints the table and writes it under ``benchmarks/results/``."""

from __future__ import annotations

import platform
from pathlib import Path

from benchmarks import cost, memory, rendering

HEAD = ("what", "against", "figure", "must reach")


def main() -> None:
    """Run everything; the slowest part is the memory of an hour's render."""
    rows = [HEAD, *rendering.rows(), *cost.speed_rows(), *memory.rows()]
    text = "\n".join("| " + " | ".join(row) + " |" + ("\n|---|---|---|---|" if row is HEAD else "") for row in rows)
    text = f"# Speed and memory\n\nPython {platform.python_version()}, {platform.machine()}, one run.\n\n{text}\n"
    out = Path(__file__).parent / "results" / "speed.md"
    out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
