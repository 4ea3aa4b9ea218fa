"""Ways out: the same song and the same motion for other people's tools (Parseq, video editors)."""

from lib_music.export.markers import Marker, markers_of, to_csv, to_edl, to_fcpxml
from lib_music.export.parseq import parseq_document

__all__ = ["Marker", "markers_of", "parseq_document", "to_csv", "to_edl", "to_fcpxml"]
