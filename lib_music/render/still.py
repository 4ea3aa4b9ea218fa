"""A still, as a value: one picture that a checkpoint shall paint."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Still:
    """One picture to paint: what Deforum would be given for the first frame of a section, without the frames before.

    Attributes
    ----------
    prompt, negative : str
        As the host's own boxes take them.
    seed : int
        0 to 4294967295.
    width, height : int
        Pixels.
    sampler : str
    steps : int
    cfg_scale : float
    """

    prompt: str
    negative: str
    seed: int
    width: int
    height: int
    sampler: str
    steps: int
    cfg_scale: float

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32 or self.steps < 1 or not math.isfinite(self.cfg_scale):
            raise ValueError(f"Still: seed {self.seed!r}, {self.steps!r} steps, cfg scale {self.cfg_scale!r}")
