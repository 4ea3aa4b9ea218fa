"""``python -m lib_music``."""

import sys

from lib_music.cli import main

sys.exit(main())
