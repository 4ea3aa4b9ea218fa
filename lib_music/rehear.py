"""A song heard again, by a newer version or another ear: what the person corrected is carried over.

Conventions: the corrections file itself says what its corrections were made on, and changes only when the person edits
again; one from before that was so learns it here, while the old analysis is still in the project.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lib_music.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lib_music.analysis import Analysis, Conflict, Corrections
    from lib_music.project import Project

CORRECTIONS, ANALYSIS = "corrections.json", "analysis.json"


def keep_hearing(project: Project, analysis: Analysis) -> tuple[Analysis, tuple[str, ...]]:
    """Save what was heard in the (open) project.

    Returns
    -------
    Analysis, tuple of str
        As the person wants it; and what of their corrections is not as they made it.

    Raises
    ------
    ProjectError
        The corrections cannot be read, or the folder cannot be written.
    """
    from lib_music.analysis import Corrections, read_corrections, save_analysis, write_corrections
    from lib_music.analysis.basis import Basis

    path = project.path(CORRECTIONS)
    corrections = read_corrections(path) if path.is_file() else Corrections()
    before = _heard_before(project)
    if corrections != Corrections() and corrections.made_on is None and before is not None:
        made_on = Basis.of(before)
        if not made_on.same_as(analysis):
            corrections = replace(corrections, made_on=made_on)
            write_corrections(path, corrections)
    save_analysis(project.path(ANALYSIS), analysis)
    return corrections.apply(analysis), told(corrections.on(analysis)[1])


def told(conflicts: Iterable[Conflict]) -> tuple[str, ...]:
    """Conflicts as lines for the person."""
    return tuple(f"your correction: {conflict.text}" for conflict in conflicts)


def based(corrections: Corrections, heard: Analysis | None) -> Corrections:
    """Corrections that say what they were made on, where that is known."""
    from lib_music.analysis.basis import Basis

    if corrections.made_on is not None or heard is None:
        return corrections
    return replace(corrections, made_on=Basis.of(heard))


def _heard_before(project: Project) -> Analysis | None:
    from lib_music.analysis import load_analysis

    with suppress(ProjectError):
        return load_analysis(project.path(ANALYSIS)) if project.path(ANALYSIS).is_file() else None
    return None
