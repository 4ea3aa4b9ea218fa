"""The Deforum parameters that routes, pins and formulas lead to, and what a value of each means.

Conventions: keys are those of Deforum's settings file. A parameter is one of three kinds:

``rate``   a speed, in its own unit per second whatever the fps; what moves adds up over the song. (Deforum itself takes
           the same per frame.) A zoom is a factor: 1.2 is a fifth larger after a second.
``pose``   a value that Deforum reads at every frame as it is.
``level``  a value that Deforum reads at the frames it diffuses: 0, N, 2N, ... with cadence N.

``low`` and ``high`` bound what a picture survives; a curve that a person writes is kept within them. Tolerances are the
largest errors that thinning may make: of one value, and of the running sum of a rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from lib_music.errors import InputError

Kind = Literal["rate", "pose", "level"]


@dataclass(frozen=True)
class Parameter:
    """One of them; ``rest`` is its value where nothing leads to it.

    ``whole`` says that Deforum cuts it to a whole number, ``odd`` that an even one stops it.
    """

    key: str
    label: str
    kind: Kind
    unit: str
    low: float
    high: float
    rest: float
    tolerance: tuple[float, float]
    whole: bool = False
    odd: bool = False

    def settled(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values that Deforum may be given; the quarter keeps its ``int()`` of one on that whole number."""
        if self.odd:
            return 2 * np.floor(values / 2) + 1.25
        return np.floor(values + 0.5) + 0.25 if self.whole else values


_TURN = "degrees a second"
_WIDTHS = "picture widths a second"
_LEVEL = "as it stands in Deforum"
_FACTOR = "factor a second: 1.2 is a fifth larger each second"
_SEEDS = 2.0**32 - 1
_ODD = "odd number of pixels"

_ALL = (
    Parameter("zoom", "Zoom", "rate", _FACTOR, 0.2, 8.0, 1.0, (0.008, 4e-3)),
    Parameter("angle", "Turn", "rate", _TURN, -720.0, 720.0, 0.0, (0.4, 0.5)),
    Parameter("translation_x", "Sideways", "rate", _WIDTHS, -8.0, 8.0, 0.0, (4e-3, 4e-3)),
    Parameter("translation_y", "Up and down", "rate", _WIDTHS, -8.0, 8.0, 0.0, (4e-3, 4e-3)),
    Parameter("translation_z", "Forward (3D)", "rate", "Deforum's units a second", -400.0, 400.0, 0.0, (0.4, 0.4)),
    Parameter("rotation_3d_x", "Look up and down (3D)", "rate", _TURN, -360.0, 360.0, 0.0, (0.4, 0.5)),
    Parameter("rotation_3d_y", "Look sideways (3D)", "rate", _TURN, -360.0, 360.0, 0.0, (0.4, 0.5)),
    Parameter("rotation_3d_z", "Roll (3D)", "rate", _TURN, -720.0, 720.0, 0.0, (0.4, 0.5)),
    Parameter("transform_center_x", "Centre, across", "pose", "0 left to 1 right", -1.0, 2.0, 0.5, (1e-3, np.inf)),
    Parameter("transform_center_y", "Centre, down", "pose", "0 top to 1 bottom", -1.0, 2.0, 0.5, (1e-3, np.inf)),
    Parameter("perspective_flip_theta", "Flip, theta", "pose", "degrees", -180.0, 180.0, 0.0, (0.05, np.inf)),
    Parameter("perspective_flip_phi", "Flip, phi", "pose", "degrees", -180.0, 180.0, 0.0, (0.05, np.inf)),
    Parameter("perspective_flip_gamma", "Flip, gamma", "pose", "degrees", -180.0, 180.0, 0.0, (0.05, np.inf)),
    Parameter("perspective_flip_fv", "Flip, field of view", "pose", "degrees", 1.0, 179.0, 53.0, (0.05, np.inf)),
    Parameter("fov_schedule", "Field of view (3D)", "pose", "degrees", 1.0, 179.0, 70.0, (0.05, np.inf)),
    Parameter("near_schedule", "Near (3D)", "pose", _LEVEL, 1.0, 10_000.0, 200.0, (0.5, np.inf)),
    Parameter("far_schedule", "Far (3D)", "pose", _LEVEL, 1.0, 100_000.0, 10_000.0, (5.0, np.inf)),
    Parameter("aspect_ratio_schedule", "Aspect ratio (3D)", "pose", _LEVEL, 0.1, 10.0, 1.0, (1e-3, np.inf)),
    Parameter("strength_schedule", "Strength", "level", "0 a new picture, 1 the same", 0.0, 1.0, 0.65, (0.004, np.inf)),
    Parameter("noise_schedule", "Noise", "level", _LEVEL, 0.0, 1.0, 0.04, (0.001, np.inf)),
    Parameter("cfg_scale_schedule", "CFG scale", "level", _LEVEL, 0.0, 40.0, 7.0, (0.05, np.inf)),
    Parameter("contrast_schedule", "Contrast", "level", "times, at every diffusion", 0.5, 1.5, 1.0, (0.001, np.inf)),
    Parameter("noise_multiplier_schedule", "Noise multiplier", "level", _LEVEL, 0.0, 2.0, 1.05, (0.001, np.inf)),
    Parameter("amount_schedule", "Sharpening, amount", "level", _LEVEL, 0.0, 5.0, 0.1, (0.001, np.inf)),
    Parameter("kernel_schedule", "Sharpening, kernel", "level", _ODD, 1.0, 31.0, 5.0, (1e-6, np.inf), True, odd=True),
    Parameter("sigma_schedule", "Sharpening, sigma", "level", _LEVEL, 0.1, 20.0, 1.0, (0.005, np.inf)),
    Parameter("threshold_schedule", "Sharpening, threshold", "level", _LEVEL, 0.0, 255.0, 0.0, (0.05, np.inf)),
    Parameter("steps_schedule", "Steps", "level", "whole steps", 1.0, 150.0, 20.0, (1e-6, np.inf), whole=True),
    Parameter("seed_schedule", "Seed", "level", "whole number", 0.0, _SEEDS, 1.0, (1e-6, np.inf), whole=True),
    Parameter("subseed_schedule", "Subseed", "level", "whole number", 0.0, _SEEDS, 1.0, (1e-6, np.inf), whole=True),
    Parameter("subseed_strength_schedule", "Subseed strength", "level", _LEVEL, 0.0, 1.0, 0.0, (0.001, np.inf)),
    Parameter("clipskip_schedule", "CLIP skip", "level", "whole layers", 1.0, 12.0, 2.0, (1e-6, np.inf), whole=True),
)

PARAMETERS: Mapping[str, Parameter] = MappingProxyType({p.key: p for p in _ALL})
#: Scales all rates; it is no parameter of Deforum's, and only a route leads there.
MOTION = "motion"


def parameter_of(key: object) -> Parameter:
    """The parameter of that key; raises InputError, for the key is foreign."""
    found = PARAMETERS.get(key) if isinstance(key, str) else None
    if found is None:
        raise InputError(f"there is no parameter {str(key)[:40]!r} to lead to", f"one of {', '.join(PARAMETERS)}")
    return found
