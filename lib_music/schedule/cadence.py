"""Which frames diffusion paints, and what it sees there.

Conventions: with cadence N the frames 0, N, 2N, ... are diffused. Deforum cross-fades what it painted at kN over
the files kN ... kN + N - 1, and samples strength, cfg, noise, prompts and seeds at kN alone. So a moment b is served
best by the diffused frame ``N * floor(b / N)``: its cross-fade is centred within half a cadence of b, and it is
complete at most N - 1 frames later.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Diffusions per second for which the presets' strengths are written.
REFERENCE_DIFFUSIONS = 7.5


def snap(frame: int, cadence: int) -> int:
    """The diffused frame that shows a moment of ``frame``."""
    return frame - frame % cadence


def block_extreme(values: Array, cadence: int) -> Array:
    """Each cadence block's largest value on all of its frames [shape=(n,)]: no pulse falls between."""
    n = values.size
    padded = np.concatenate((values, np.full(-n % cadence, values[-1])))
    return np.repeat(padded.reshape(-1, cadence).max(axis=1), cadence)[:n]


def strength_at(strength: Array | float, diffusions_per_second: float) -> Array:
    """A strength written for 7.5 diffusions a second, for another rate: ``s ** sqrt(7.5 / n)``.

    More diffusions a second each keep more, so that the picture is renewed at the same pace.
    """
    scaled = np.asarray(strength, np.float64) ** np.sqrt(REFERENCE_DIFFUSIONS / diffusions_per_second)
    return np.asarray(np.clip(scaled, 0.0, 1.0), np.float64)
