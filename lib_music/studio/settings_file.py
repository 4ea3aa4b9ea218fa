"""The settings file that a person loads in the Deforum tab by hand: the song as it would be painted now.

Conventions: it stands beside the one of the painted video, which keeps what that video was painted with.
"""

from __future__ import annotations

from pathlib import Path

from lib_music.files import slug
from lib_music.studio.estimate import set_up
from lib_music.studio.motion import Motion
from lib_music.studio.studio import Studio

#: The file's name in the project.
SETTINGS_FILE = "settings-for-deforum.txt"


def settings_file(studio: Studio, project: str, motion: Motion) -> Path:
    """Write a project's settings file with this motion; returns where it is.

    Raises
    ------
    InputError
        The song was not heard yet, or the motion cannot be used.
    ProjectError
        It cannot be written.
    """
    from lib_music.render.deforum_settings import build_settings, write_settings

    setup = set_up(studio, project, motion)
    path = setup.project.path(SETTINGS_FILE)
    write_settings(path, build_settings(setup.plan.animation, batch_name=slug(setup.plan.track.display)))
    return path
