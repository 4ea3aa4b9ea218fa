"""Frames to mp4."""
