"""A picture of what was heard: waveform, onset strength, beats, sections and confidence, in rows like a score.

Conventions: PNG on white, drawn at twice its size and reduced; a row holds the same number of seconds, so many that the
picture stays a page; where beats are too dense only downbeats, and then neither, are drawn. Text is data, drawn as it
is. Each row, from above: sections with label and role, waveform in the section's colour with beats (thin) and
downbeats (strong, numbered by bar), onset strength, confidence of beats (line) and beat presence (area).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis.clicks import check_target
from lib_music.analysis.types import Analysis, Floats, Section
from lib_music.audio import Audio
from lib_music.files import write_bytes
from lib_music.lettering import font, legible, scales

WIDTH, MARGIN = 1600, 64
#: Heights in a row: band, waveform, onset strength, confidence, ruler; and the space below.
BAND, WAVE, NOVELTY, SURE, RULER, GAP = 26, 96, 44, 40, 16, 26
ROW = BAND + WAVE + NOVELTY + SURE + RULER + GAP
TITLE = 64
#: Seconds of a row, and the most rows.
LENGTHS, MOST_ROWS = (10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0), 8
#: Columns of the waveform a second of the song gives at the most.
OUTLINE_RATE = 200
_INK, _FAINT, _GRID = (38, 38, 46), (120, 120, 132), (226, 226, 232)
#: Of the row ``sure``: how sure each beat is, and that there is a beat at all.
_SURE, _PRESENT = (22, 130, 72), (208, 232, 214)
_COLOURS = (
    (79, 70, 229), (13, 148, 136), (194, 65, 12), (190, 24, 93), (3, 105, 161),
    (124, 58, 237), (77, 124, 15), (185, 28, 28), (161, 98, 7), (87, 83, 78),
)  # fmt: skip


def write_picture(path: Path, audio: Audio, analysis: Analysis, title: str) -> None:
    """Draw ``analysis`` of ``audio`` into a PNG; ``title`` stands above.

    Raises
    ------
    InputError
        The name is another kind of file, or that of the song itself.
    ProjectError
        The disk refuses.
    """
    check_target(path, audio, ".png")
    packed = io.BytesIO()
    draw_picture(analysis, outline(audio), title).save(packed, "PNG", optimize=True)
    write_bytes(path, packed.getvalue())


def outline(audio: Audio) -> Floats:
    """Lowest and highest sample of each 1/200 s [shape=(n, 2)]."""
    rate, step = 22_000, 22_000 // OUTLINE_RATE
    parts, left = [], np.empty(0, np.float32)
    for block in audio.blocks(rate):
        left = np.concatenate([left, block])
        whole = left[: left.size // step * step].reshape(-1, step)
        parts.append(np.stack([whole.min(axis=1), whole.max(axis=1)], axis=1))
        left = left[whole.size :]
    if left.size:
        parts.append(np.array([[left.min(), left.max()]], np.float32))
    return np.concatenate(parts) if parts else np.zeros((1, 2), np.float32)


@dataclass(frozen=True)
class _Sheet:
    """Where time lies on the page: rows of ``length`` s, ``scale`` pixels a unit."""

    length: float
    rows: int
    scale: int = 2

    def span(self, row: int) -> tuple[float, float]:
        return row * self.length, (row + 1) * self.length

    def top(self, row: int) -> int:
        return TITLE + row * ROW

    def x(self, row: int, t: float) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * (t - row * self.length) / self.length


def draw_picture(analysis: Analysis, wave: Floats, title: str) -> Any:
    """The picture, as a PIL image."""
    from PIL import Image, ImageDraw

    fitting = [length for length in LENGTHS if analysis.duration <= MOST_ROWS * length]
    length = fitting[0] if fitting else analysis.duration / MOST_ROWS
    # Letters of one size would be halved with the picture.
    scale = 2 if scales(font(11)) else 1
    sheet = _Sheet(length, max(1, int(np.ceil(analysis.duration / length - 1e-9))), scale)
    size = (WIDTH * sheet.scale, (TITLE + sheet.rows * ROW) * sheet.scale)
    image = Image.new("RGB", size, "white")
    pen = _Pen(ImageDraw.Draw(image), sheet.scale)
    _head(pen, analysis, title)
    for row in range(sheet.rows):
        _row(pen, sheet, row, analysis, wave)
    return image.reduce(sheet.scale) if sheet.scale > 1 else image


class _Pen:
    """Drawing in page units."""

    def __init__(self, draw: Any, scale: int) -> None:
        self.draw, self.scale = draw, scale
        self.fonts = {size: font(size * scale) for size in (11, 13, 22)}  # one and the same in Pillow 9

    def box(self, left: float, top: float, right: float, bottom: float, colour: Any) -> None:
        s = self.scale
        if right * s >= left * s + 1 and bottom * s >= top * s + 1:
            self.draw.rectangle((left * s, top * s, right * s - 1, bottom * s - 1), fill=colour)

    def line(self, points: list[tuple[float, float]], colour: Any, width: float = 1.0) -> None:
        s = self.scale
        if len(points) > 1:
            self.draw.line([(x * s, y * s) for x, y in points], fill=colour, width=max(1, round(width * s)))

    def area(self, points: list[tuple[float, float]], floor: float, colour: Any) -> None:
        s = self.scale
        if len(points) > 1:
            closed = [(points[0][0], floor), *points, (points[-1][0], floor)]
            self.draw.polygon([(x * s, y * s) for x, y in closed], fill=colour)

    def length(self, text: str, size: int) -> float:
        """How long the text is."""
        return float(self.fonts[size].getlength(legible(text, self.fonts[size]))) / self.scale

    def text(self, x: float, y: float, text: str, colour: Any, size: int = 11, room: float | None = None) -> None:
        """Text from its upper left corner, shortened to ``room``."""
        letters, s = self.fonts[size], self.scale
        text = legible(text, letters)
        if room is not None and letters.getlength(text) > room * s:
            while text and letters.getlength(text + "..") > room * s:
                text = text[:-1]
            text = text + ".." if text else ""
        if text:
            self.draw.text((x * s, y * s), text, fill=colour, font=letters)


def _head(pen: _Pen, analysis: Analysis, title: str) -> None:
    beats = analysis.beats
    said = [f"{beats.tempo:.1f} BPM" if beats.times.size else "no beat found"]
    said += [f"or {bpm:.0f} ({100 * weight:.0f} %)" for bpm, weight in beats.alternatives if weight >= 0.05]
    if beats.times.size:
        said.append(f"{beats.times.size} beats, {beats.downbeats.size} bars of {beats.beats_per_bar}")
    said += [f"{analysis.key} {analysis.mode}"] if analysis.key else []
    said.append(f"{_clock(analysis.duration)} long")
    clean = "".join(c if c.isprintable() else " " for c in title)
    pen.text(MARGIN, 10, clean, _INK, 22, WIDTH - 2 * MARGIN)
    pen.text(MARGIN, 39, "  ·  ".join(said), _FAINT, 13, _legend(pen) - 24 - MARGIN)


def _legend(pen: _Pen) -> float:
    """What the row ``sure`` shows, in its own colours, at the right of the head; returns where it begins."""
    line, area, swatch = "how sure each beat is", "that there is a beat at all, 0 to 1", 22
    left = WIDTH - MARGIN - pen.length(line, 13) - pen.length(area, 13) - 2 * swatch - 34 - pen.length("sure:", 13)
    pen.text(left, 39, "sure:", _FAINT, 13)
    x = left + pen.length("sure:", 13) + 8
    pen.line([(x, 47), (x + swatch, 47)], _SURE, 1.5)
    pen.text(x + swatch + 5, 39, line, _FAINT, 13)
    x += swatch + pen.length(line, 13) + 16
    pen.box(x, 41, x + swatch, 53, _PRESENT)
    pen.text(x + swatch + 5, 39, area, _FAINT, 13)
    return left


def _row(pen: _Pen, sheet: _Sheet, row: int, analysis: Analysis, wave: Floats) -> None:
    start, end = sheet.span(row)
    stop = min(end, analysis.duration)
    top = sheet.top(row)
    tops = np.cumsum([top, BAND, WAVE, NOVELTY, SURE])
    colours = _colours(analysis)
    left, right = sheet.x(row, start), sheet.x(row, stop)
    for section in analysis.sections:
        if section.end > start and section.start < stop:
            a, b = sheet.x(row, max(section.start, start)), sheet.x(row, min(section.end, stop))
            _section(pen, section, (a, b), tops, colours[section.label], begins=section.start >= start)
    _beats(pen, sheet, row, analysis, tops)
    _wave(pen, sheet, row, analysis, wave, tops[1])
    _novelty(pen, sheet, row, analysis, tops[2])
    _confidence(pen, sheet, row, analysis, tops[3])
    pen.line([(left, tops[4]), (right, tops[4])], _GRID)
    step = next(s for s in (1, 2, 5, 10, 30, 60, 120, 300, 600) if sheet.length / s <= 12 or s == 600)
    for t in np.arange(np.ceil(start / step) * step, stop + 1e-6, step):
        x = sheet.x(row, float(t))
        pen.line([(x, tops[4]), (x, tops[4] + 4)], _FAINT)
        pen.text(x + 3, tops[4] + 2, _clock(float(t)), _FAINT)
    for name, y in (("wave", tops[1] + WAVE / 2 - 6), ("onsets", tops[2] + 14), ("sure", tops[3] + 12)):
        pen.text(10, y, name, _FAINT)


def _colours(analysis: Analysis) -> dict[str, tuple[int, int, int]]:
    labels = list(dict.fromkeys(analysis.sections.labels))
    return {label: _COLOURS[i % len(_COLOURS)] for i, label in enumerate(labels)}


def _tint(colour: tuple[int, int, int], share: float) -> tuple[int, ...]:
    """A colour on white."""
    return tuple(round(255 - share * (255 - c)) for c in colour)


def _section(
    pen: _Pen, section: Section, span: tuple[float, float], tops: Any, colour: tuple[int, int, int], *, begins: bool
) -> None:
    a, b = span
    pen.box(a, tops[0], b, tops[1] - 2, _tint(colour, 0.3))
    pen.box(a, tops[1], b, tops[2], _tint(colour, 0.07))
    if begins:
        pen.line([(a, tops[0]), (a, tops[4])], colour, 1.5)
    pen.text(a + 5, tops[0] + 4, section.label, _INK, 13, b - a - 8)
    label = pen.length(section.label, 13)
    pen.text(a + 12 + label, tops[0] + 6, section.role, _FAINT, 11, b - a - label - 16)


def _beats(pen: _Pen, sheet: _Sheet, row: int, analysis: Analysis, tops: Any) -> None:
    beats = analysis.beats
    start, end = sheet.span(row)
    inside = (beats.times >= start) & (beats.times < end)
    apart = (WIDTH - 2 * MARGIN) / max(1, int(inside.sum()))
    bars = np.cumsum(beats.positions == 1)
    down = int(((beats.positions == 1) & inside).sum())
    bar_apart = apart * max(1, beats.beats_per_bar)
    numbered = max(1, round(30 * down / (WIDTH - 2 * MARGIN) + 0.5))
    for t, position, bar in zip(beats.times[inside], beats.positions[inside], bars[inside], strict=True):
        x = sheet.x(row, float(t))
        if position == 1 and bar_apart >= 4:
            pen.line([(x, tops[1]), (x, tops[2])], (70, 70, 80), 1.5)
            if (bar - 1) % numbered == 0 and bar_apart >= 8:
                pen.text(x + 2, tops[1] + 1, str(bar), _FAINT)
        elif position != 1 and apart >= 4:
            pen.line([(x, tops[1] + WAVE * 0.78), (x, tops[2])], (140, 140, 150), 1.0)


def _wave(pen: _Pen, sheet: _Sheet, row: int, analysis: Analysis, wave: Floats, top: float) -> None:
    start, end = sheet.span(row)
    stop = min(end, analysis.duration)
    peak = max(float(np.abs(wave).max()), 1e-4)
    middle, half = top + WAVE / 2, 0.45 * WAVE
    colours = _colours(analysis)
    columns = np.arange(sheet.x(row, start), sheet.x(row, stop), 0.5)
    edges = start + (np.append(columns, columns[-1] + 0.5) - MARGIN) * sheet.length / (WIDTH - 2 * MARGIN)
    at = np.clip((edges * OUTLINE_RATE).astype(np.int64), 0, len(wave) - 1)
    places = np.searchsorted(analysis.sections.intervals[:, 0], edges, side="right") - 1
    for x, a, b, place in zip(columns, at[:-1], at[1:], places, strict=False):
        part = wave[a : max(a + 1, b)]
        low, high = float(part[:, 0].min()) / peak, float(part[:, 1].max()) / peak
        colour = _tint(colours[analysis.sections.labels[max(0, int(place))]], 0.75)
        pen.line([(x, middle - half * high), (x, middle - half * low + 0.5)], colour, 0.5)


def _curve(
    sheet: _Sheet, row: int, analysis: Analysis, values: Any, top: float, height: float
) -> list[tuple[float, float]]:
    """Points of a curve of time over the row; ``values`` gives them for times."""
    start, end = sheet.span(row)
    stop = min(end, analysis.duration)
    times = np.linspace(start, stop, max(2, round((sheet.x(row, stop) - sheet.x(row, start)) * 2)))
    return [(sheet.x(row, float(t)), top + height * (1 - float(v))) for t, v in zip(times, values(times), strict=True)]


def _novelty(pen: _Pen, sheet: _Sheet, row: int, analysis: Analysis, top: float) -> None:
    onset = analysis.envelopes["onset"]
    # The strongest in each column: a curve read only here and there would miss attacks.
    width = max(1, round(onset.rate * sheet.length / (2 * (WIDTH - 2 * MARGIN))))
    peaks = np.pad(onset.values, (0, -onset.values.size % width)).reshape(-1, width).max(axis=1, initial=0)

    def values(times: Any) -> Any:
        return peaks[np.clip((times * onset.rate / width).astype(int), 0, peaks.size - 1)] if peaks.size else 0 * times

    pen.area(_curve(sheet, row, analysis, values, top + 4, NOVELTY - 6), top + NOVELTY - 2, (112, 128, 160))


def _confidence(pen: _Pen, sheet: _Sheet, row: int, analysis: Analysis, top: float) -> None:
    floor = top + SURE - 4
    for share in (0.0, 0.5, 1.0):
        y = floor - share * (SURE - 8)
        start, end = sheet.span(row)
        pen.line([(sheet.x(row, start), y), (sheet.x(row, min(end, analysis.duration)), y)], _GRID)
    pen.area(_curve(sheet, row, analysis, analysis.beat_presence.at, top + 4, SURE - 8), floor, _PRESENT)
    beats = analysis.beats
    start, end = sheet.span(row)
    inside = np.flatnonzero((beats.times >= start) & (beats.times < end))
    if inside.size:
        step = max(1, inside.size // (WIDTH - 2 * MARGIN))
        sure = [(float(beats.times[i]), float(beats.confidence[i])) for i in inside[::step]]
        pen.line([(sheet.x(row, t), floor - c * (SURE - 8)) for t, c in sure], _SURE, 1.5)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
