"""What a world, a medium and a light are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """A place with things in it: ``keys`` that call it, ``subjects``, two ``colours`` of its own."""

    name: str
    keys: frozenset[str]
    subjects: tuple[str, ...]
    colours: tuple[str, str]
    tone: float
    warmth: float


@dataclass(frozen=True)
class Medium:
    """How it is made; of one ``family`` a song takes one before it takes a second; ``keys`` are genres."""

    phrase: str
    family: str
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Light:
    """How it is lit."""

    phrase: str
    family: str
    tone: float
    warmth: float


def keys(words: str) -> frozenset[str]:
    """The keys that stand in a line."""
    return frozenset(words.split())
