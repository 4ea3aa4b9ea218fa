"""Composes and renders music with exact truth, and trains the listener of `lib_music.analysis` on it.

Not part of the installed package. `training.pieces.piece(seed)` is the way in: one seed, one piece, always the same.
Conventions: time within a composition is counted in beats (the notated beat: a quarter, or a dotted quarter in 6/8
and 12/8) from 0; a timeline turns beats into seconds. Pitches are MIDI numbers, velocities lie in (0, 1], gains
are linear, sound is mono float32.
"""
