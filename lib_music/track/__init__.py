"""What song is this: title, artists, length, cover, each with its source."""

from lib_music.track.track import Field, Source, Track

__all__ = ["Field", "Source", "Track"]
