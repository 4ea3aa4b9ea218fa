"""What part a section plays: intro, verse, build, chorus, drop, break, outro.

Conventions: energies are relative to the song's loudest section (1.0); the rules read a section's energy, its
neighbours', its bass and whether its label returns; the same label has the same role except at the song's ends.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Role

Values = npt.NDArray[np.float64]


def find_roles(labels: tuple[str, ...], lengths: Values, energy: Values, rise: Values, low: Values) -> tuple[Role, ...]:
    """Roles of sections.

    Parameters
    ----------
    labels : tuple of str
    lengths : [shape=(n,)] s
    energy : [shape=(n,)]
        In [0, 1], the loudest section 1.
    rise : [shape=(n,)]
        Energy of the section's last quarter minus its first.
    low : [shape=(n,)]
        Bass level in [0, 1].
    """
    n = len(labels)
    means = {label: float(np.average(energy[mask], weights=lengths[mask]))
             for label in set(labels) if (mask := np.array([x == label for x in labels])).any()}
    loudest = max(means, key=lambda label: means[label] + 0.1 * (labels.count(label) > 1))
    roles: list[Role] = []
    for i, label in enumerate(labels):
        quieter = i > 0 and energy[i - 1] < 0.75 * energy[i]
        if means[label] >= 0.9 * means[loudest]:
            dropped = quieter and low[i - 1] < 0.6 * low[i]
            roles.append("drop" if dropped else "chorus")
        elif 0 < i < n - 1 and rise[i] > 0.15 and energy[i + 1] > energy[i]:
            roles.append("build")
        elif 0 < i < n - 1 and energy[i] < 0.6:
            roles.append("break")
        else:
            roles.append("verse")
    if n > 1 and energy[0] < 0.8 * energy.max():
        roles[0] = "intro"
    if n > 2 and energy[-1] < 0.8 * energy.max():
        roles[-1] = "outro"
    return tuple(roles)
