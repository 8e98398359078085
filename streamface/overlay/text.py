"""Text as bitmaps: shaped by HarfBuzz, drawn once, kept.

HarfBuzz is used directly, not through Pillow: Pillow shapes Arabic or Devanagari only where the system has
FriBiDi, which Windows and slim containers do not.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import uharfbuzz as hb

from streamface.overlay import bidi
from streamface.overlay.draw import Cache, Sprite
from streamface.overlay.fonts import Font, FontBook, cjk_face, invisible
from streamface.overlay.theme import Colour

UNITS = 64
"""Font units a pixel."""
MISSING = "?"
"""Stands for a letter that no font has."""
REGULAR, BOLD = 450, 620
"""Weights: light letters on a dark panel need a little more than the usual 400 and 600."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one font and one direction."""

    text: str
    font: Font
    level: int


class Typesetter:
    """Draws lines of text; keeps what it drew."""

    def __init__(self, book: FontBook | None = None) -> None:
        self._book = book or FontBook()
        self._masks = Cache(256)
        self._sprites = Cache(256)
        self._fitted = Cache(256)

    @property
    def cache(self) -> Cache:
        """The coloured bitmaps, with their counts of hits and misses."""
        return self._sprites

    def width(self, text: str, size_px: int, weight: int = REGULAR) -> int:
        """Width in whole pixels."""
        return self._mask(text, size_px, weight)[1]

    def sprite(self, text: str, size_px: int, colour: Colour, weight: int = REGULAR) -> Sprite:
        """The line as a bitmap whose origin is the pen's start on the baseline."""
        return self._sprites.get((text, size_px, weight, colour), lambda: self._coloured(text, size_px, colour, weight))

    def fitted(self, text: str, size_px: int, weight: int, width_px: int) -> str:
        """`text`, shortened with an ellipsis where it is wider than `width_px`."""
        return self._fitted.get(
            (text, size_px, weight, width_px), lambda: self._shortened(text, size_px, weight, width_px)
        )

    def _coloured(self, text: str, size_px: int, colour: Colour, weight: int) -> Sprite:
        mask, _, left, top = self._mask(text, size_px, weight)
        return Sprite.tinted(mask.astype(np.float32) / 255, colour, origin=(left, top))

    def _shortened(self, text: str, size_px: int, weight: int, width_px: int) -> str:
        parts = clusters(cleaned(text))
        shown = "".join(parts)
        while len(parts) > 1 and self._extent(shown, size_px, weight) > width_px:
            parts.pop()
            shown = "".join(parts).rstrip() + "…"
        return shown

    def _extent(self, text: str, size_px: int, weight: int) -> float:
        return sum(p.x_advance for run in self.runs(text) for _, p in _shaped(run, size_px, weight)) / UNITS

    def _mask(self, text: str, size_px: int, weight: int) -> tuple[np.ndarray, int, int, int]:
        return self._masks.get((text, size_px, weight), lambda: self._rasterised(text, size_px, weight))

    def _rasterised(self, text: str, size_px: int, weight: int) -> tuple[np.ndarray, int, int, int]:
        """(mask, advance, left, top): (h, w) uint8 coverage, its first pixel relative to the pen on the baseline."""
        raster, pen = hb.RasterDraw(), 0
        raster.scale_factor = (UNITS, UNITS)
        for run in self.runs(text):
            font = run.font.at(size_px, weight)
            for glyph, position in _shaped(run, size_px, weight):
                raster.transform = (1, 0, 0, 1, pen + position.x_offset, position.y_offset)
                raster.draw_glyph(font, glyph)
                pen += position.x_advance
        image = raster.render()
        area = image.extents
        if not area.width or not area.height:
            return np.zeros((0, 0), np.uint8), round(pen / UNITS), 0, 0
        rows = np.frombuffer(bytes(image.buffer), np.uint8).reshape(area.height, area.stride)
        mask = rows[::-1, : area.width].copy()
        return mask, round(pen / UNITS), area.x_origin, -(area.y_origin + area.height)

    def runs(self, text: str) -> list[Run]:
        """The parts of one font and one direction, from left to right as drawn."""
        text = cleaned(text)
        face, found, at = cjk_face(text), [], 0
        depths = bidi.levels(text)
        for cluster in clusters(text):
            level, shown = depths[at], cluster
            at += len(cluster)
            font = self._font_for(cluster, found[-1].font if found else None, face)
            if font is None:
                font, shown = self._book.primary, MISSING
            if font is None:
                continue
            if found and found[-1].font is font and found[-1].level == level:
                found[-1] = Run(found[-1].text + shown, font, level)
            else:
                found.append(Run(shown, font, level))
        return [found[i] for i in bidi.visual_order([run.level for run in found])]

    def _font_for(self, cluster: str, current: Font | None, face: int) -> Font | None:
        """The primary font where it has the cluster; signs and blanks stay in the font around them."""
        neutral = not any(c.isalpha() for c in cluster)
        if neutral and current is not None and current.has(cluster):
            return current
        return self._book.find(cluster, face)


def _shaped(run: Run, size_px: int, weight: int):
    buffer = hb.Buffer()
    buffer.add_str(run.text)
    buffer.direction = "rtl" if run.level % 2 else "ltr"
    buffer.guess_segment_properties()
    hb.shape(run.font.at(size_px, weight), buffer)
    return [(i.codepoint, p) for i, p in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)]


def cleaned(text: str) -> str:
    """Composed (folders on macOS spell 'é' as two characters), on one line, without control characters."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cs", "Co", "Cn"})


def clusters(text: str) -> list[str]:
    """Letters with their marks and joiners; what a joiner binds stays together."""
    found: list[str] = []
    for char in text:
        bound = bool(found) and found[-1].endswith("\u200d") and not found[-1][0].isspace()
        if found and (bound or invisible(char) or unicodedata.category(char)[0] == "M"):
            found[-1] += char
        else:
            found.append(char)
    return found
