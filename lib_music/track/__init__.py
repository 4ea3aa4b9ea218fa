"""What song is this: title, artists, length, cover, each with its source."""

from lib_music.track.cover import Cover, prepare_cover
from lib_music.track.tags import read_track
from lib_music.track.track import Field, Source, Track

__all__ = ["Cover", "Field", "Source", "Track", "prepare_cover", "read_track"]
