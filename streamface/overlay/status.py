"""Frame rate, number of people and state of the source, in a corner without faces."""

from __future__ import annotations

import time

import numpy as np

from streamface.overlay.base import Layer
from streamface.overlay.cards import Cards
from streamface.overlay.draw import Rect, panel, pill
from streamface.overlay.text import BOLD, REGULAR, Typesetter
from streamface.overlay.theme import AMBER, MUTED, PAPER, RED, Theme
from streamface.types import LIVE, FrameResult, SourceState

CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""(right, bottom) of each corner, the wished-for one first."""
PATIENCE = 30
"""Frames for which a better corner must stay free before the panel moves back."""


class StatusLayer(Layer):
    """Writes '30 fps, 5 people' and the time in the file or the camera's state: LIVE, STALLED 0:03, LOST 1:12.

    title: the camera's name, written before; empty for none.
    """

    def __init__(self, cards: Cards, text: Typesetter, title: str = "") -> None:
        self._cards, self._text = cards, text
        self._title = [(title, PAPER, BOLD)] if title else []
        self._corner = CORNERS[0]
        self._better_for = 0
        self._width = 0
        self.fps: float | None = None
        """Frames per second to show; None for none."""

    def reserve(self, result: FrameResult) -> Rect:
        """Choose the corner for this frame, before labels are placed."""
        theme = self._cards.theme(result)
        rects = {corner: self._rect(corner, result, theme) for corner in CORNERS}
        faces = [face.track.detection.box for face in result.faces]
        free = [c for c, r in rects.items() if not any(_touch(r, box) for box in faces)]
        wished = free[0] if free else self._corner
        self._better_for = 0 if wished == self._corner else self._better_for + 1
        if self._corner not in free or self._better_for > PATIENCE:
            self._corner, self._better_for = wished, 0
        return rects[self._corner]

    def draw(self, canvas: np.ndarray, result: FrameResult) -> None:
        """Draw the panel."""
        theme = self._cards.theme(result)
        left, top, right, bottom = self._rect(self._corner, result, theme)
        panel(right - left, bottom - top, theme.radius).put(canvas, left, top)
        x, baseline = left + theme.pad + theme.pad // 2, top + theme.pad + round(theme.em * 1.0)
        if result.frame.media_time is None:
            size = round(theme.em * 0.5)
            pill(size, size, size / 2, _colour(result.source_state)).put(canvas, x, (top + bottom - size) // 2)
            x += size + theme.em // 3
        for part, colour, weight in self._texts(result):
            self._text.sprite(part, theme.small, colour, weight).put(canvas, x, baseline)
            x += self._text.width(part, theme.small, weight) + round(theme.em * 0.6)

    def _texts(self, result: FrameResult) -> list[tuple]:
        people = sum(face.track.confirmed for face in result.faces)
        live = result.frame.media_time is None
        if result.source_state and result.source_state.state != LIVE:
            away_s = time.time() - result.source_state.since
            return [*self._title, (f"{result.source_state.state.upper()} {_clock(max(0.0, away_s))}", PAPER, BOLD)]
        parts = [*self._title, ("LIVE" if live else _clock(result.frame.media_time), PAPER, BOLD)]
        if result.source_state:
            parts += [(trouble.upper(), AMBER, BOLD) for trouble in result.source_state.troubles]
        if self.fps is not None:
            parts.append((f"{self.fps:.0f} fps" if self.fps >= 9.95 else f"{self.fps:.1f} fps", MUTED, REGULAR))
        parts.append((f"{people} {'person' if people == 1 else 'people'}", MUTED, REGULAR))
        return parts

    def _rect(self, corner: tuple[int, int], result: FrameResult, theme: Theme) -> Rect:
        parts = self._texts(result)
        width = 3 * theme.pad + sum(self._text.width(t, theme.small, w) for t, _, w in parts)
        width += (len(parts) - 1) * round(theme.em * 0.6)
        if result.frame.media_time is None:
            width += round(theme.em * 0.5) + theme.em // 3
        height = 2 * theme.pad + round(theme.em * 1.25)
        x = result.frame.size_wh[0] - width - theme.margin if corner[0] else theme.margin
        y = result.frame.size_wh[1] - height - theme.margin if corner[1] else theme.margin
        return x, y, x + width, y + height


def _clock(seconds: float) -> str:
    """'0:05', '12:34', '1:02:03'."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def _colour(state: SourceState | None) -> tuple[int, int, int]:
    """Of the dot before the state: amber while there is no picture, or something is wrong with it."""
    return AMBER if state and (state.state != LIVE or state.troubles) else RED


def _touch(rect: Rect, box) -> bool:
    return box.left < rect[2] and box.right > rect[0] and box.top < rect[3] and box.bottom > rect[1]
