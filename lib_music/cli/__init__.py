"""``music-visualizer``: the command line.

Exit codes: 0 done; 1 an error of ours or of the machine; 2 what was given cannot be used; 3 the project folder
cannot be used; 4 painting or encoding failed; 130 stopped by the person, resumable.

Conventions: results go to stdout, everything else to stderr; progress is drawn only on a terminal; an error is one line
with the fix, a traceback only with ``--debug``.
"""

from lib_music.cli.run import main

__all__ = ["main"]
