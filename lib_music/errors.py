"""What can go wrong, drawn as a tree.

::

    MusicVisualizerError                 exit code 1
      InputError                         exit code 2   what the person gave cannot be used
        AudioError                                     the song
        CoverError                                     the picture
        AnalysisError                                  an audio-analysis of Spotify's
        LinkError                                      the Spotify link
        StoryboardError                                the prompts file
        SettingsError                                  the Deforum settings file, a schedule, a formula
        RangeError                                     --start, --duration, --fps, --size ...
      SpotifyError                       exit code 1   Spotify refused, failed or cannot be reached
      DownloadError                      exit code 1   no audio could be fetched; the way on is to upload the file
      ProjectError                       exit code 3   the project folder: busy, damaged, another song's
        ProjectBusyError
      RenderError                        exit code 4   painting or encoding failed
        FfmpegError
        DeforumError                                   the WebUI or its Deforum refused or failed
      InstallationError                  exit code 1   a part of this program is missing or damaged
      Interrupted                        exit code 130 the person stopped it; the project can be resumed

Conventions: ``message`` states the value that was wrong, ``fix`` says what to do about it; both are
one line of plain text and may be shown to the person as they are. Secrets never enter either.
"""

from __future__ import annotations


def _one_line(text: str, limit: int = 400) -> str:
    """Fold found text (file names, stderr) into one printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class MusicVisualizerError(Exception):
    """Base of all errors that are meant to be read by the person.

    Parameters
    ----------
    message : str
        What is wrong, with the offending value.
    fix : str
        The likely way on; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, fix: str = "") -> None:
        self.message = _one_line(message)
        self.fix = _one_line(fix)
        super().__init__(f"{self.message} ({self.fix})" if self.fix else self.message)


class InputError(MusicVisualizerError):
    """What the person gave cannot be used."""

    exit_code = 2


class AudioError(InputError):
    """The song cannot be read."""


class CoverError(InputError):
    """The picture cannot be read."""


class LinkError(InputError):
    """The link is not one of a song on Spotify."""


class AnalysisError(InputError):
    """An audio-analysis of Spotify's cannot be used for this song."""


class EarError(InputError):
    """The ear that was asked for cannot be had on this machine."""


class StoryboardError(InputError):
    """The prompts file cannot be read."""


class SettingsError(InputError):
    """A Deforum settings file, a schedule or a formula cannot be used."""


class RangeError(InputError):
    """A number is outside what can be rendered."""


class SpotifyError(MusicVisualizerError):
    """Spotify refused, failed or cannot be reached."""


class DownloadError(MusicVisualizerError):
    """No audio could be fetched; the fix always ends in a way on without it."""


class ProjectError(MusicVisualizerError):
    """The project folder cannot be used."""

    exit_code = 3


class ProjectBusyError(ProjectError):
    """Another run works on this project folder."""


class RenderError(MusicVisualizerError):
    """Painting or encoding failed."""

    exit_code = 4


class FfmpegError(RenderError):
    """ffmpeg failed; the message is its own, translated."""


class DeforumError(RenderError):
    """The WebUI or its Deforum refused or failed."""


class InstallationError(MusicVisualizerError):
    """A part of this program is missing or damaged."""


class Interrupted(MusicVisualizerError):
    """The person stopped the work; what is done is kept."""

    exit_code = 130
