"""Optical flow between diffused frames: Deforum's own, which moves what it blends.

Conventions: ids are Deforum's values of ``optical_flow_cadence``; it is read where the cadence is above 1. RAFT is a
model that torchvision downloads; the others are computed.
"""

from __future__ import annotations

from collections.abc import Mapping

#: The settings key, and its values with what they are.
KEY = "optical_flow_cadence"
FLOWS: Mapping[str, str] = {
    "None": "none: a plain cross-fade",
    "DIS Medium": "DIS Medium",
    "DIS Fine": "DIS Fine",
    "Farneback": "Farneback",
    "RAFT": "RAFT (downloads its model at first use)",
}
