"""Whether the files on disk are still those that this process runs.

Reload UI builds the page anew but keeps our modules, as jobs and threads live in them; after an update of the
extension the page's scripts would then be newer than the Python behind them.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def _files() -> dict[str, int]:
    """Modification time in ns of each of the package's files."""
    found = {}
    for path in _PACKAGE.rglob("*.py"):
        try:
            found[str(path)] = path.stat().st_mtime_ns
        except OSError:
            found[str(path)] = 0
    return found


_loaded = _files()


def is_stale() -> bool:
    """Whether a file was changed, added or removed since this module was first imported."""
    return _files() != _loaded
