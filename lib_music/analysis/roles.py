"""What part a section plays: intro, verse, build, chorus, drop, break, outro.

Conventions: energies are relative to the song's loudest section (1.0); the rules read a section's energy, its
neighbours', its bass and whether its label returns. The same label has the same role, except at the song's ends
and where a section builds up. There is always a chorus or a drop: in a song of constant energy the loudest label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Role

Values = npt.NDArray[np.float64]
# The loud labels may fill this share of the song: more where a clear gap of energy sets them apart, less where
# they are only within a margin of the loudest.
CLEAR_GAP, CLEAR_SHARE, LOUD = 0.08, 0.72, 0.8
CHORUS_MARGIN, CHORUS_SHARE = 0.05, 0.55
RETURN_BONUS = 0.06
# A drop enters over this many times the energy and the bass of what it follows.
DROP_ENERGY, DROP_BASS = 1.2, 1.6
QUIET, ENDING, SILENT = 0.72, 0.85, 0.1
LONGEST_BUILD = 24.0
# Energy that a section gains on its way, above which it rises.
RISE = 0.15


@dataclass(frozen=True, eq=False)
class Traits:
    """What roles are read from, one row per section.

    Attributes
    ----------
    labels : tuple of str
    lengths : [shape=(n,)] s
    energy : [shape=(n,)] in [0, 1], the loudest section 1
    rise : [shape=(n,)]
        Energy of the section's last quarter minus its first.
    bass : [shape=(n,)]
        Level of the low band, any unit.
    """

    labels: tuple[str, ...]
    lengths: Values
    energy: Values
    rise: Values
    bass: Values

    def __post_init__(self) -> None:
        if not len(self.labels) == self.lengths.size == self.energy.size == self.rise.size == self.bass.size > 0:
            raise ValueError("Traits: one row per section, at least one")


def find_roles(traits: Traits) -> tuple[Role, ...]:
    """Roles of sections [shape=(n,)]."""
    labels, energy, n = traits.labels, traits.energy, len(traits.labels)
    loud = _chorus_labels(traits)
    roles: list[Role] = []
    for i, label in enumerate(labels):
        if label in loud:
            roles.append("chorus")
        elif _builds(traits, i, loud):
            roles.append("build")
        elif _breaks(traits, i, loud):
            roles.append("break")
        else:
            roles.append("verse")
    if n > 1 and labels[0] not in loud and energy[0] < ENDING:
        roles[0] = "intro"
    summits = {label: frame for label in loud if (frame := _framed_by(traits, label, loud))}
    drops = {label for label in loud if _drops(traits, label, roles)} - set(summits.values()) | set(summits)
    for i, label in enumerate(labels):
        if label in drops:
            roles[i] = "drop"
    for i in range(n - 1):
        # What only leads into a chorus, without rising, is the verse before it.
        if roles[i] == "build" and roles[i + 1] == "chorus" and traits.rise[i] <= RISE:
            roles[i] = "verse"
    if n > 2 and (energy[-1] < ENDING * energy[-2] or (energy[-1] < ENDING and labels[-1] == labels[0])):
        roles[-1] = "outro"
    return tuple(roles)


def _chorus_labels(traits: Traits) -> set[str]:
    """The labels of the loudest material: all above the lowest clear gap, else one and others as loud as it.

    Either way they may not fill the song: what is loud all the time is not its chorus.
    """
    names = np.array(traits.labels)
    score, share = {}, {}
    for label in dict.fromkeys(traits.labels):
        mask = names == label
        share[label] = float(traits.lengths[mask].sum() / traits.lengths.sum())
        score[label] = float(np.average(traits.energy[mask], weights=traits.lengths[mask]))
        score[label] += RETURN_BONUS * (mask.sum() > 1)
    ordered = sorted(score, key=lambda label: -score[label])
    for count in range(len(ordered) - 1, 0, -1):
        faintest = score[ordered[count - 1]]
        clear = faintest - score[ordered[count]] >= CLEAR_GAP and faintest >= LOUD * score[ordered[0]]
        if clear and sum(share[label] for label in ordered[:count]) <= CLEAR_SHARE:
            return set(ordered[:count])
    loud, filled = {ordered[0]}, share[ordered[0]]
    for label in ordered[1:]:
        if score[label] >= score[ordered[0]] - CHORUS_MARGIN and filled + share[label] <= CHORUS_SHARE:
            loud.add(label)
            filled += share[label]
    return loud


def _drops(traits: Traits, label: str, roles: list[Role]) -> bool:
    """Whether a loud label mostly enters out of a build, a break or the intro, with a jump of energy and bass."""
    entries = [i for i in range(1, len(traits.labels)) if traits.labels[i] == label != traits.labels[i - 1]]
    jumps = [roles[i - 1] in ("build", "break", "intro") and traits.energy[i] >= DROP_ENERGY * traits.energy[i - 1]
             and traits.bass[i] >= DROP_BASS * traits.bass[i - 1] for i in entries]
    return bool(jumps) and 2 * sum(jumps) >= len(jumps)


def _framed_by(traits: Traits, label: str, loud: set[str]) -> str:
    """The chorus around a drop: a loud label on both sides of the one time that ``label`` is heard, and no louder."""
    labels, energy = traits.labels, traits.energy
    i = labels.index(label)
    if labels.count(label) > 1 or not 0 < i < len(labels) - 1:
        return ""
    before, after = labels[i - 1], labels[i + 1]
    around = before == after and before in loud and energy[i] >= max(energy[i - 1], energy[i + 1])
    return before if around else ""


def _builds(traits: Traits, i: int, loud: set[str]) -> bool:
    """Whether a short section leads up to a loud one: it rises, or stands between a quieter and a louder one."""
    energy, labels = traits.energy, traits.labels
    if not 0 < i < len(labels) - 1 or labels[i + 1] not in loud or traits.lengths[i] > LONGEST_BUILD:
        return False
    if labels.count(labels[i]) > 1:
        return False
    return bool(energy[i] < 0.9 * energy[i + 1] and (traits.rise[i] > RISE or energy[i] > 1.3 * energy[i - 1]))


def _breaks(traits: Traits, i: int, loud: set[str]) -> bool:
    """Whether a quiet section stands between louder ones, of material that was not heard before the first chorus.

    Silence is a break wherever it is.
    """
    energy, labels = traits.energy, traits.labels
    if 0 < i < len(labels) - 1 and energy[i] < SILENT:
        return True
    first = min(k for k, label in enumerate(labels) if label in loud)
    if not first < i < len(labels) - 1 or labels.index(labels[i]) < first:
        return False
    return bool(energy[i] < QUIET and energy[i] < 0.9 * max(energy[i - 1], energy[i + 1]))
