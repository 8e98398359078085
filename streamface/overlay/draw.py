"""Drawing: bitmaps that are rendered once and blended into their own region only.

Shapes come from signed distances, so their edges are smooth at every size; each is kept under the figures
that made it. Blending one bitmap is two passes of OpenCV over its own pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from time import monotonic

import cv2
import numpy as np

from streamface.overlay.theme import INK, PANEL_OPACITY, PAPER, Colour

Rect = tuple[int, int, int, int]
"""Left, top, right, bottom in whole frame pixels; right and bottom are the far edges."""
SHADOW = 0.55
"""Opacity of the dark rim around lines, which keeps them visible on a white wall."""
STRIP = 512
"""Length of the kept pieces that long edges are laid from, in pixels."""
KEEP_S = 20.0
"""Seconds for which a bitmap is kept that is drawn no more."""


class Cache:
    """What was made of late, by key: the latest `size` things, and twice as many at most. Threads may share it.

    What nobody asked for in twice `KEEP_S` goes as well, so what is kept follows what is drawn: names and figures that
    come and go all day do not fill it up.
    """

    def __init__(self, size: int, clock: Callable[[], float] = monotonic) -> None:
        self._size, self._clock = size, clock
        self._young: dict[object, object] = {}
        self._old: dict[object, object] = {}
        self._turned_at = clock()
        self.hits = self.misses = 0

    def get(self, key: object, make: Callable):
        """What `key` stands for, made by `make()` at the first time."""
        made = self._young.get(key, self)
        if made is not self:
            self.hits += 1
            return made
        made = self._old.get(key, self)
        if made is self:
            self.misses += 1
            made = make()
        else:
            self.hits += 1
        self._turn()
        self._young[key] = made
        return made

    def _turn(self) -> None:
        """Now and then, let go of what was not asked for since the last time."""
        now = self._clock()
        if len(self._young) >= self._size or now - self._turned_at > KEEP_S:
            self._old, self._young, self._turned_at = self._young, {}, now


def recent(size: int) -> Callable[[Callable], Callable]:
    """Keep what a function of positional figures makes in a `Cache` of its own."""

    def kept(make: Callable) -> Callable:
        cache = Cache(size)
        return wraps(make)(lambda *figures: cache.get(figures, lambda: make(*figures)))

    return kept


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A bitmap with transparency, ready to blend: `canvas = canvas * keep / 255 + colour`."""

    colour: np.ndarray
    """(h, w, 3) uint8 BGR times opacity."""
    keep: np.ndarray
    """(h, w, 3) uint8: 255 times what stays of the canvas."""
    origin: tuple[int, int] = (0, 0)
    """(x, y) of the first pixel relative to where the sprite is put."""

    @classmethod
    def layered(cls, *layers: tuple[np.ndarray, Colour], origin: tuple[int, int] = (0, 0)) -> Sprite:
        """From (h, w) float opacities 0..1 with their colours, the lowest first."""
        colour = np.zeros((*layers[0][0].shape, 3), np.float32)
        keep = np.ones((*layers[0][0].shape, 1), np.float32)
        for opacity, tone in layers:
            rest = 1 - opacity[..., None]
            colour = colour * rest + opacity[..., None] * np.array(tone, np.float32)
            keep = keep * rest
        # Rounding up what stays and down what comes would leave a veil of 1/255 where opacity is 0.
        kept = np.repeat(np.rint(keep * 255), 3, axis=2).astype(np.uint8)
        return cls(np.rint(colour).astype(np.uint8), np.ascontiguousarray(kept), origin)

    @classmethod
    def tinted(cls, opacity: np.ndarray, colour: Colour, origin: tuple[int, int] = (0, 0)) -> Sprite:
        """One colour through an (h, w) float opacity 0..1."""
        return cls.layered((opacity, colour), origin=origin)

    def put(self, canvas: np.ndarray, x: int, y: int) -> None:
        """Blend onto `canvas` with the sprite's origin at (x, y); what lies outside is cut off."""
        x, y = x + self.origin[0], y + self.origin[1]
        height, width = self.colour.shape[:2]
        left, top = max(0, -x), max(0, -y)
        right, bottom = min(width, canvas.shape[1] - x), min(height, canvas.shape[0] - y)
        if right <= left or bottom <= top:
            return
        region = canvas[y + top : y + bottom, x + left : x + right]
        cv2.multiply(region, self.keep[top:bottom, left:right], dst=region, scale=1 / 255)
        cv2.add(region, self.colour[top:bottom, left:right], dst=region)


def _coverage(distance: np.ndarray) -> np.ndarray:
    """Opacity of a shape from the signed distance of pixel centres, negative inside."""
    return np.clip(0.5 - distance, 0, 1).astype(np.float32)


def _rounded(width: int, height: int, radius: float, inset: float = 0) -> np.ndarray:
    """(height, width) signed distances to a rounded rectangle, `inset` pixels inside the bitmap's edge."""
    half_w, half_h = width / 2 - inset, height / 2 - inset
    radius = min(radius, half_w, half_h)
    x = np.abs(np.arange(width) + 0.5 - width / 2)[None, :] - (half_w - radius)
    y = np.abs(np.arange(height) + 0.5 - height / 2)[:, None] - (half_h - radius)
    return np.hypot(np.maximum(x, 0), np.maximum(y, 0)) + np.minimum(np.maximum(x, y), 0) - radius


@recent(48)
def panel(width: int, height: int, radius: int, opacity: float = PANEL_OPACITY) -> Sprite:
    """A dark translucent panel with a hair line of light, which sets it off a dark picture."""
    fill = _coverage(_rounded(width, height, radius))
    line = _coverage(np.abs(_rounded(width, height, radius - 0.5, 0.5)) - 0.5)
    return Sprite.layered((fill * opacity, INK), (line * 0.16, PAPER))


@recent(128)
def pill(width: int, height: int, radius: float, colour: Colour, opacity: float = 1.0) -> Sprite:
    """A filled rounded rectangle: bars, dots, badges."""
    return Sprite.tinted(_coverage(_rounded(width, height, radius)) * opacity, colour)


@recent(128)
def ring(size: int, radius: float, thickness: float, colour: Colour) -> Sprite:
    """The outline of a rounded square."""
    edge = np.abs(_rounded(size, size, radius - thickness / 2, thickness / 2)) - thickness / 2
    return Sprite.tinted(_coverage(edge), colour)


def picture(image: np.ndarray, size: int, radius: int) -> Sprite:
    """A BGR picture of any shape as a square of `size` pixels with rounded corners, cut to its middle."""
    height, width = image.shape[:2]
    side = min(height, width)
    x, y = (width - side) // 2, (height - side) // 2
    way = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    square = cv2.resize(image[y : y + side, x : x + side], (size, size), interpolation=way).astype(np.float32)
    opacity = _coverage(_rounded(size, size, radius))[..., None]
    keep = np.repeat(np.rint(255 * (1 - opacity)), 3, axis=2).astype(np.uint8)
    return Sprite(np.rint(square * opacity).astype(np.uint8), keep)


@recent(128)
def _corner(arm: int, radius: int, stroke: int, colour: Colour, opacity: float) -> Sprite:
    """The top left corner of a frame: a quarter circle with two arms, `arm` pixels long from the corner."""
    rim = max(1, round(stroke / 2))
    reach = stroke // 2 + rim + 1
    at = np.arange(arm + 2 * reach) - reach + 0.5
    x, y = np.meshgrid(at, at)
    along_x = np.hypot(x - np.clip(x, radius, arm), y)
    along_y = np.hypot(x, y - np.clip(y, radius, arm))
    arc = np.where((x < radius) & (y < radius), np.abs(np.hypot(x - radius, y - radius) - radius), np.inf)
    return _line(np.minimum(np.minimum(along_x, along_y), arc), stroke, rim, colour, opacity, (-reach, -reach))


def _line(distance, stroke, rim, colour, opacity, origin) -> Sprite:
    """A line of `stroke` pixels with its dark rim from distances to its middle."""
    shade = np.clip((stroke / 2 + rim + 0.5 - distance) / (rim + 0.5), 0, 1).astype(np.float32)
    line = _coverage(distance - stroke / 2)
    return Sprite.layered((shade * (SHADOW * opacity), INK), (line * opacity, colour), origin=origin)


@recent(256)
def _edge(stroke: int, colour: Colour, opacity: float, dash: int) -> Sprite:
    """A piece of horizontal edge, about `STRIP` pixels long; `dash` pixels of line and as many of gap, 0 for none."""
    rim = max(1, round(stroke / 2))
    reach = stroke // 2 + rim + 1
    y = np.abs(np.arange(2 * reach) - reach + 0.5)[:, None]
    length = STRIP - STRIP % (2 * dash) if dash else STRIP  # whole dashes, so that pieces join without a seam
    x = np.arange(length)[None, :] + 0.5
    gap = np.maximum(np.abs(x % (2 * dash) - dash) - dash / 2, 0) if dash else np.zeros_like(x)
    return _line(np.hypot(y, gap), stroke, rim, colour, opacity, (0, -reach))


def _turned(sprite: Sprite, quarter: int) -> Sprite:
    """`sprite` turned clockwise by quarters, its origin with it."""
    x, y = sprite.origin
    height, width = sprite.colour.shape[:2]
    origins = [(x, y), (-y - height, x), (-x - width, -y - height), (y, -x - width)]
    turned = [np.ascontiguousarray(np.rot90(a, -quarter)) for a in (sprite.colour, sprite.keep)]
    return Sprite(*turned, origin=origins[quarter])


@recent(128)
def _corners(arm: int, radius: int, stroke: int, colour: Colour, opacity: float) -> tuple[Sprite, ...]:
    first = _corner(arm, radius, stroke, colour, opacity)
    return tuple(_turned(first, quarter) for quarter in range(4))


@recent(256)
def _edges(stroke: int, colour: Colour, opacity: float, dash: int) -> tuple[Sprite, Sprite]:
    first = _edge(stroke, colour, opacity, dash)
    return first, _turned(first, 1)


def brackets(canvas: np.ndarray, rect: Rect, arm: int, pen: tuple[int, int, Colour, float]) -> None:
    """Four rounded corners of `rect`; pen is (radius, stroke, colour, opacity)."""
    left, top, right, bottom = rect
    radius, stroke, colour, opacity = pen
    arm = max(radius, min(arm, (right - left) // 2, (bottom - top) // 2))
    spots = ((left, top), (right, top), (right, bottom), (left, bottom))
    for sprite, (x, y) in zip(_corners(arm, radius, stroke, colour, opacity), spots, strict=True):
        sprite.put(canvas, x, y)


def outline(canvas: np.ndarray, rect: Rect, pen: tuple[int, int, Colour, float], dash: int = 0) -> None:
    """The whole rounded outline of `rect`, dashed where `dash` is above 0; pen as in `brackets`."""
    left, top, right, bottom = rect
    radius, stroke, colour, opacity = pen
    brackets(canvas, rect, radius, pen)
    flat, upright = _edges(stroke, colour, opacity, dash)
    # The corners end in round caps of half a stroke, which the edges start behind.
    skip = radius + stroke // 2 + 1
    for y in (top, bottom):
        _laid(canvas, flat, (left + skip, y), (right - left - 2 * skip, 0))
    for x in (left, right):
        _laid(canvas, upright, (x, top + skip), (0, bottom - top - 2 * skip))


def _laid(canvas: np.ndarray, piece: Sprite, start: tuple[int, int], run: tuple[int, int]) -> None:
    """Lay pieces of edge from `start` along `run`, one of whose figures is 0."""
    length, whole = max(run), max(piece.colour.shape[:2])
    for done in range(0, length, whole):
        part = min(whole, length - done)
        cut = np.s_[:, :part] if run[0] else np.s_[:part]
        x, y = start[0] + (done if run[0] else 0), start[1] + (done if run[1] else 0)
        Sprite(piece.colour[cut], piece.keep[cut], piece.origin).put(canvas, x, y)


def dots(canvas: np.ndarray, at: tuple[int, int], size: int, colours: Sequence[Colour]) -> None:
    """A row of round dots, the first one's top left at `at`, one dot's width apart."""
    for index, colour in enumerate(colours):
        pill(size, size, size / 2, colour).put(canvas, at[0] + index * 2 * size, at[1])
