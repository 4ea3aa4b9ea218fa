"""Composes a piece in a style: its form, harmony, themes and parts, and lets players play them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from training import drums, instruments, patterns, theory
from training.form import Layout, layout
from training.material import Harmony, Material
from training.score import Random, Score, Timeline, Track
from training.styles import Style
from training.timing import timing


class Band:
    """The players of a piece and the music they have agreed on."""

    def __init__(self, rng: Random, style: Style, plan: Layout) -> None:
        self.rng, self.style, self.plan = rng, style, plan
        self.key = int(rng.integers(12))
        self.sub = 3 if plan.sub == 3 else 4
        self.swing = float(rng.uniform(*style.swing)) if plan.sub != 3 else 0.5
        self.drumless = rng.random() < style.drumless
        self.families = [style.harmony[int(rng.integers(len(style.harmony)))] for _ in range(2)]
        self.materials: dict[str, Material] = {}
        self.tracks: dict[str, Track] = {}
        self.upside = style.form == "dance" and rng.random() < 0.3
        self._enlist()
        self.push = rng.random() < 0.25 and self.sub == 4
        self.hard = rng.random() < 0.5

    def _track(self, name: str, role: str, groups: tuple[str, ...], jitter: float, *, loose: float = 0.0) -> Track:
        program, patch = instruments.pick(self.rng, groups)
        track = Track(
            role,
            program,
            patch,
            gain=float(10 ** (self.rng.normal(0, 3.0) / 20)),
            swing=self.swing,
            swing_unit=self.style.swing_unit,
            jitter=jitter * float(self.rng.uniform(0.6, 1.5)),
            lag=float(self.rng.normal(0, loose)),
        )
        self.tracks[name] = track
        return track

    def _enlist(self) -> None:
        rng, style = self.rng, self.style
        jitter = float(rng.uniform(*style.jitter))
        if not self.drumless:
            kit = style.kits[int(rng.integers(len(style.kits)))]
            behind = float(rng.uniform(4, 12)) if rng.random() < style.buried else -3.0 * (style.form == "dance")
            self.tracks["drums"] = Track(
                "drums",
                instruments.kit_program(rng, kit),
                kit if kit != "orchestra" else "acoustic",
                gain=float(10 ** ((rng.normal(0, 3.0) - behind) / 20)),
                swing=self.swing,
                swing_unit=style.swing_unit,
                jitter=0.7 * jitter,
            )
            self.tracks["drums"].balance = self._balance()
        if style.bass != ("",) and (not self.drumless or rng.random() < 0.8):
            self._track("bass", "bass", style.basses, jitter, loose=0.004).gain *= 1.6 if self.upside else 1.0
        if style.guitars:
            track = self._track("guitar", "guitar", ("distorted",), jitter)
            self.tracks["muted"] = Track(
                "guitar",
                28 if rng.random() < 0.4 else track.program,
                "mutedguitar",
                gain=track.gain,
                swing=track.swing,
                swing_unit=track.swing_unit,
                jitter=track.jitter,
            )
        for i in range(int(rng.integers(style.layers[0], style.layers[1] + 1))):
            self._track(f"comp{i}", "comp", style.comps, jitter, loose=0.006)
        if rng.random() < 0.6:
            self._track("pad", "pad", style.pads, jitter)
        self._track("lead", "lead", style.leads, 1.6 * jitter, loose=0.008)
        if rng.random() < 0.35:
            self._track("second", "lead", style.leads + style.pads, 1.6 * jitter, loose=0.008)

    def _balance(self) -> dict[int, float]:
        """How loud each drum is; in dance music now and then the off-beats are louder than the kick."""
        rng = self.rng
        out = {key: float(np.exp(rng.normal(-0.1, 0.2))) for key in drums.KEYS.values()}
        if self.upside:
            out[drums.KEYS["k"]] = float(rng.uniform(0.25, 0.6))
            for voice in "ohS":
                out[drums.KEYS[voice]] *= float(rng.uniform(1.0, 1.5))
        return out

    def _names(self, prefix: str) -> list[str]:
        return [n for n in self.tracks if n.startswith(prefix)]

    def material(self, label: str, energy: float, count: int, beats: int) -> Material:
        """What the sections of this letter play, made at its first section."""
        key = f"{label}{beats}"
        if key not in self.materials:
            self.materials[key] = self._new_material(label, energy, count, beats)
        return self.materials[key]

    def _new_material(self, label: str, energy: float, count: int, beats: int) -> Material:
        rng = self.rng
        _, bars = theory.random_progression(rng, self.families[0 if label in "AIO" else 1], self.key)
        if rng.random() < 0.12:  # slow harmony: two bars each
            bars = [b for b in bars for _ in range(2)]
        comp = [self._accompaniment(beats) for _ in self._names("comp")]
        bass, guitar = self._bass(beats), self._guitar(beats)
        pattern = self._drums(label, energy, beats)
        feel = self._other_feel(beats) if pattern is not None and rng.random() < self.style.feels else None
        # Who plays a bar's first chord half a beat early, held over the bar line; how many notes lead into the theme.
        anticipated = self.sub == 4 and rng.random() < (0.22 if self.style.form == "song" else 0.06)
        early = {n for n in self.tracks if anticipated and rng.random() < 0.6}
        upbeat = int(rng.integers(1, 5)) if rng.random() < 0.3 else 0
        theme = self._theme(min(8, max(2, count)), beats)
        active = self._who_plays(label, energy)
        return Material(bars, comp, bass, guitar, pattern, feel, theme, active=active, early=early, upbeat=upbeat)

    def _choose(self, pool: Sequence[str]) -> str:
        return pool[int(self.rng.integers(len(pool)))]

    def _accompaniment(self, beats: int) -> list[list[patterns.Event]]:
        """Two bars of what one instrument plays, often twice the same."""
        rng, pool = self.rng, self.style.comp
        name = self._choose(pool if not self.upside or rng.random() < 0.5 else ("offbeats", "stabs", "euclid"))
        one = patterns.comp(rng, name, beats, self.sub)
        return [one, one if rng.random() < 0.6 else patterns.comp(rng, name, beats, self.sub)]

    def _bass(self, beats: int) -> list[list[patterns.Event]]:
        rng, pool = self.rng, self.style.bass
        name = self._choose(pool if not self.upside or rng.random() < 0.4 else ("offbeat", "psy", "rolling"))
        lines = [patterns.bass(rng, name, beats, self.sub) for _ in range(2)] if name else [[]]
        return lines[:1] if rng.random() < 0.6 else lines

    def _guitar(self, beats: int) -> list[list[patterns.Event]]:
        if not self.style.guitars:
            return []
        rng, name = self.rng, self._choose(self.style.guitars)
        return [patterns.comp(rng, name, beats, self.sub) for _ in range(1 if rng.random() < 0.5 else 2)]

    def _drums(self, label: str, energy: float, beats: int) -> drums.Pattern | None:
        rng, style = self.rng, self.style
        family = self._choose(style.drums if energy > 0.35 else style.breakdown)
        if label == "K" or (label == "U" and rng.random() < 0.5) or (rng.random() < 0.08 and energy < 0.9):
            family = self._choose(style.breakdown)
        pattern = drums.choose(rng, family, beats, self.sub) if family and not self._clash(family) else None
        if pattern is None and family and self.sub == 3:
            triplets = [f for f in style.drums if f in drums.TRIPLET] or ["twelve"]
            pattern = drums.choose(rng, self._choose(triplets), beats, 3)
        return None if pattern is None else self._own_way(pattern, family, beats)

    def _other_feel(self, beats: int) -> drums.Pattern | None:
        """What the drummer changes to within a section."""
        other = self._choose([f for f in self.style.drums if not self._clash(f)] or [""])
        return drums.choose(self.rng, other, beats, self.sub) if other else None

    def _theme(self, count: int, beats: int) -> list[tuple[float, float, float]]:
        rng, style = self.rng, self.style
        sub = 3 if self.sub == 3 else int(rng.choice([2, 2, 4]))
        if style.form == "short" and rng.random() < 0.4:
            return theory.celled(rng, count, beats, self.sub)
        density, syncopation = float(rng.uniform(*style.density)), float(rng.uniform(*style.syncopation))
        return theory.phrase(rng, count, beats, sub, density, syncopation)

    def _own_way(self, pattern: drums.Pattern, family: str, beats: int) -> drums.Pattern:
        """The pattern as this drummer plays it."""
        rng = self.rng
        if family in drums.BACKBEATS and beats == 4 and rng.random() < 0.4:
            pattern = drums.groove(rng, beats, self.sub)
        if self.hard and rng.random() < 0.5 and family not in ("hatsonly", "kickonly"):
            pattern = drums.harder(rng, pattern, beats, self.sub)
        return pattern

    def _clash(self, family: str) -> bool:
        if family in ("hatsonly", "kickonly"):
            return self.sub == 3
        return (family in drums.TRIPLET) != (self.sub == 3)

    def _who_plays(self, label: str, energy: float) -> set[str]:
        rng = self.rng
        out = {n for n in self.tracks if n not in ("lead", "second", "drums")}
        for name in sorted(out):
            if rng.random() > 0.45 + 0.6 * energy:
                out.discard(name)
        if "guitar" in self.tracks and energy > 0.5:
            out |= {"guitar", "muted"}
        if "bass" in self.tracks and energy > 0.5:
            out.add("bass")
        if label == "K" and rng.random() < 0.5:
            out.discard("bass")
        if rng.random() < (0.3 if label in "IO" else 0.82):
            out.add("lead")
        if "second" in self.tracks and rng.random() < 0.4:
            out.add("second")
        if not out - {"lead", "second", "pad"}:  # somebody must carry the harmony
            out |= {n for n in self.tracks if n.startswith("comp") or n in ("bass", "guitar", "muted")}
        return out or {"lead"}

    def perform(self) -> Score:
        """All sections one after the other."""
        plan = self.plan
        chords: list[tuple[float, float, theory.Chord]] = []
        for section in plan.sections:
            bars = plan.bars[section.first : section.last]
            material = self.material(section.label, section.energy, len(bars), plan.metre(section))
            for i, bar in enumerate(bars):
                cell = material.bars[i % len(material.bars)]
                chords += theory.chord_track([cell], [bar.start], [bar.stop - bar.start])
        harmony = Harmony(chords)
        for number, section in enumerate(plan.sections):
            self._section(section, harmony, number + 1 < len(plan.sections))
        self._opening(harmony)
        self._ending(harmony)
        durations = timing(
            self.rng,
            plan.timing,
            plan.beats,
            plan.tempo,
            plan.phrase,
            [plan.bars[s.first].start for s in plan.sections],
        )
        line = Timeline(durations, start=plan.lead_in, gaps=plan.gaps)
        return Score(
            list(self.tracks.values()),
            line,
            plan.bars,
            plan.sections,
            plan.sub,
            float(self.rng.uniform(0.0, 0.6)),
            self._sweeps(),
            {
                "tempo": plan.tempo,
                "timing": plan.timing,
                "drums": "drums" in self.tracks,
                "metre": plan.metre(plan.sections[0]),
            },
        )

    def _sweeps(self) -> list[tuple[float, float]]:
        """Stretches in beats over which a riser grows and the filter opens, up to the next section."""
        out = []
        if self.style.form == "dance" and self.rng.random() < 0.7:
            for section, following in zip(self.plan.sections, self.plan.sections[1:], strict=False):
                if following.energy > section.energy + 0.1 and self.rng.random() < 0.8:
                    stop = self.plan.bars[following.first].start
                    bars = int(self.rng.choice([1, 2, 4, 8]))
                    out.append((float(self.plan.bars[max(section.first, following.first - bars)].start), float(stop)))
        return out

    def _section(self, section, harmony: Harmony, more: bool) -> None:
        plan, rng = self.plan, self.rng
        bars = plan.bars[section.first : section.last]
        if not bars:
            return
        beats = plan.metre(section)
        material = self.material(section.label, section.energy, len(bars), beats)
        level = 0.55 + 0.45 * section.energy
        skip = rng.random() < 0.1 and len(bars) > 3
        silent = range(0)
        if self.hard and rng.random() < 0.25:  # the drummer rests for some bars
            first = int(rng.integers(len(bars)))
            silent = range(first, first + int(rng.integers(1, 5)))
        for i, bar in enumerate(bars):
            stop_bar = skip and i == len(bars) - 1
            size = bar.stop - bar.start
            self._harmonic_bar(material, harmony, i, bar.start, size, level, stop_bar)
            pattern = material.feel if material.feel is not None and i >= len(bars) // 2 else material.drums
            if i in silent:
                pattern = None
            self._drum_bar(
                pattern,
                i,
                bar.start,
                size,
                level,
                last=i == len(bars) - 1,
                more=more,
                stop_bar=stop_bar,
                first=i == 0 and section.first > 0,
            )
        self._melody(material, section, harmony, bars, level)

    def _drum_bar(
        self,
        pattern: drums.Pattern | None,
        i: int,
        start: float,
        size: int,
        level: float,
        *,
        last: bool,
        more: bool,
        stop_bar: bool,
        first: bool,
    ) -> None:
        rng = self.rng
        track = self.tracks.get("drums")
        if track is None:
            return
        if first and level > 0.7 and rng.random() < 0.75:
            track.add(start, 1.0, int(rng.choice([49, 57, 55])), level)
            track.add(start, 0.2, 36, level)
        if pattern is None:
            if last and more and rng.random() < 0.4:
                drums.fill(rng, track, start + size - min(2, size), min(2, size), self.sub, level)
            return
        if stop_bar:
            track.add(start, 0.3, 36, level)
            track.add(start, 0.3, 49, level)
            return
        mark = len(track.notes)
        drums.play(rng, track, pattern, i, start, size, self.sub, level)
        fills = (last and more and rng.random() < 0.75) or (i % 4 == 3 and rng.random() < 0.22)
        if fills:
            span = float(rng.choice([1, 1, 2, size])) if size > 1 else 1.0
            kept = [n for n in track.notes[mark:] if n.start < start + size - span - 1e-6]
            track.notes[mark:] = kept
            drums.fill(rng, track, start + size - span, span, self.sub, level)

    def _harmonic_bar(
        self, material: Material, harmony: Harmony, i: int, start: float, size: int, level: float, stop_bar: bool
    ) -> None:
        parts = [(name, material.comp[k][i % len(material.comp[k])]) for k, name in enumerate(self._names("comp"))]
        if "bass" in self.tracks and material.bass:
            parts.append(("bass", material.bass[i % len(material.bass)]))
        if material.guitar:
            parts.append(("guitar", material.guitar[i % len(material.guitar)]))
        if "pad" in self.tracks:
            edges = [*harmony.changes(start, start + size), start + size]
            parts.append(("pad", [(a - start, b - a, "c", 0.5) for a, b in itertools.pairwise(edges)]))
        for name, events in parts:
            if name not in material.active:
                continue
            for position, length, what, velocity in events:
                if position >= size or (stop_bar and position > 0):
                    continue
                length = min(length, size - position) if not stop_bar else 0.5
                before = 0.5 if name in material.early and position == 0 and i > 0 else 0.0
                # Chords may come early, with the harmony of the beat that follows.
                ahead = 0.5 if self.push and name != "bass" and position % 1 == 0.5 else 0.0
                self._sound(
                    name,
                    start + position - before,
                    length + before,
                    what,
                    velocity * level,
                    harmony.at(start + position + ahead),
                    harmony.at(start + size),
                )

    def _sound(
        self,
        name: str,
        start: float,
        length: float,
        what: str,
        velocity: float,
        chord: theory.Chord,
        following: theory.Chord,
    ) -> None:
        track, rng = self.tracks[name], self.rng
        if name == "bass":
            track.add(start, length, self._bass_pitch(track, what, chord, following), velocity)
            return
        if name == "guitar" and what in "pm0":
            low = theory.nearest(42, (chord.root,))
            pitches = [low] if what == "0" else [low, low + 7, low + 12] if what == "p" else [low, low + 7]
            target = self.tracks["muted"] if what == "m" else track
            for p in pitches:
                target.add(start, length, p, velocity)
            return
        centre = {"pad": 60.0, "comp0": 60.0, "comp1": 66.0, "comp2": 55.0}.get(name, 62.0)
        size = 4 if len(chord.intervals) > 3 and rng.random() < 0.5 else 3
        voices = theory.voicing(chord, centre, size, track.voices if len(track.voices) == size else None)
        track.voices = voices
        strum = 0.02 if track.program in (24, 25) else 0.0
        if what in ("b", "5"):
            root = theory.nearest(
                45, (chord.root,) if what == "b" else (chord.tones()[min(2, len(chord.intervals) - 1)],)
            )
            pitches = [root]
        elif what == "c":
            pitches = voices
        elif what == "t":
            pitches = voices[-2:] if len(voices) < 4 else voices[1:]
        elif what.isdigit():
            k = int(what)
            pitches = [voices[k % len(voices)] + 12 * (k // len(voices))]
        else:
            pitches = voices
        for j, p in enumerate(pitches):
            track.add(start + j * strum, length, p, velocity)

    def _bass_pitch(self, track: Track, what: str, chord: theory.Chord, following: theory.Chord) -> int:
        low = theory.nearest(38, (chord.root,))
        last = track.notes[-1].pitch if track.notes else low
        tones = chord.tones()
        if what == "w":
            pool = tones if self.rng.random() < 0.6 else chord.scale
            return theory.nearest(min(50, max(33, last + self.rng.choice([-4, -2, 2, 3, 4]))), pool)
        if what == "-":
            return theory.nearest(38, (following.root,)) + int(self.rng.choice([-1, 1, 2, -2, 5]))
        step = {"5": 7, "8": 12, "3": chord.intervals[1], "6": 9}.get(what, 0)
        return low + step

    def _melody(self, material: Material, section, harmony: Harmony, bars, level: float) -> None:
        start, stop = bars[0].start, bars[-1].stop
        for name in ("lead", "second"):
            if name not in material.active or name not in self.tracks:
                continue
            track = self.tracks[name]
            low = 60 if name == "lead" else 55
            theme = material.theme
            span = max((t[0] + t[1] for t in theme), default=1.0)
            beats = self.plan.metre(section)
            span = float(int(np.ceil(span / beats - 1e-6)) * beats)
            at = float(start)
            while at < stop:
                if name == "second" and self.rng.random() < 0.3:
                    at += span
                    continue
                moved = [(at + s, d, m if name == "lead" else -m) for s, d, m in theme if at + s < stop - 0.1]
                if name == "second":  # long notes beneath, or the theme in thirds a beat late
                    moved = [(s, max(d, 0.9), m) for k, (s, d, m) in enumerate(moved) if k % 2 == 0]
                if not moved:
                    break
                notes = material.sung if name == "lead" and material.sung and self.rng.random() < 0.7 else []
                pitched = (
                    [(s + at, d, p) for s, d, p in notes if s + at < stop - 0.1]
                    if notes
                    else theory.sung(self.rng, moved, harmony.at, low, low + 19, self.style.ornament)
                )
                if name == "lead" and not material.sung:
                    material.sung = [(s - at, d, p) for s, d, p in pitched]
                for s, d, p in pitched:
                    track.add(s, min(d, stop - s), p, level * self.rng.uniform(0.6, 0.95))
                if name == "lead" and pitched[0][0] < at + 0.5 and at - 0.5 * material.upbeat >= 1:
                    for k in range(1, material.upbeat + 1):
                        near = theory.nearest(pitched[0][2] - 2 * k * self.rng.choice([-1, 1]), harmony.at(at).scale)
                        track.add(at - 0.5 * k, 0.48, near, 0.8 * level)
                at += span

    def _opening(self, harmony: Harmony) -> None:
        """The pick-up or the count-in before the first full bar."""
        plan, rng = self.plan, self.rng
        if not plan.pickup:
            return
        track = self.tracks.get("drums")
        if plan.count_in and track is not None:
            for b in range(plan.pickup):
                track.add(b, 0.1, int(plan.count_key), 0.8)
            return
        lead = self.tracks["lead"]
        scale = harmony.at(plan.pickup).scale
        pitch = theory.nearest(62 + int(rng.integers(-3, 8)), scale)
        for b in range(plan.pickup):
            for offset in (0.0, 0.5) if rng.random() < 0.5 else (0.0,):
                lead.add(b + offset, 0.48, pitch, 0.7)
                pitch = theory.nearest(pitch + int(rng.choice([-2, 2, 2, 3])), scale)

    def _ending(self, harmony: Harmony) -> None:
        """A last chord on the last bar's first beat, now and then."""
        plan, rng = self.plan, self.rng
        if not plan.final or rng.random() < 0.4:
            return
        bar = plan.bars[-1]
        for name, track in self.tracks.items():
            if name == "drums":
                track.notes = [n for n in track.notes if n.start <= bar.start + 1e-6]
                track.add(bar.start, 0.5, 36, 0.9)
                track.add(bar.start, 2.0, 49, 0.9)
                continue
            had = any(n.start >= bar.start - 4 for n in track.notes)
            track.notes = [
                n._replace(length=min(n.length, bar.start - n.start)) for n in track.notes if n.start < bar.start - 1e-6
            ]
            if had and name != "muted":
                self._sound(
                    name,
                    bar.start,
                    bar.stop - bar.start,
                    "b" if name == "bass" else "p" if name == "guitar" else "0",
                    0.8,
                    harmony.at(bar.start),
                    harmony.at(bar.start),
                )


def arrange(rng: Random, style: Style, seconds: float) -> Score:
    """A piece of about `seconds` in a style."""
    return Band(rng, style, layout(rng, style, seconds)).perform()
