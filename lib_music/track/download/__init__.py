"""The audio when none was given: an external yt-dlp looks for the song, and takes it into the project.

Conventions: off until the person switches it on, beside a note on rights; nothing here asks whether it is on. A failure
is a DownloadError with its fix; lengths are seconds, scores in [0, 100].
"""

from lib_music.track.download.fetch import Taken, Watcher, refusal, search, take
from lib_music.track.download.match import Candidate, Verdict, Wanted, best, choices
from lib_music.track.download.program import find_program

__all__ = [
    "Candidate",
    "Taken",
    "Verdict",
    "Wanted",
    "Watcher",
    "best",
    "choices",
    "find_program",
    "refusal",
    "search",
    "take",
]
