"""The frames around faces: what a face is shows in the shape, not in the colour alone."""

from __future__ import annotations

import numpy as np

from streamface.overlay.base import Layer
from streamface.overlay.cards import Card, Cards, State
from streamface.overlay.draw import Colour, brackets, dots, outline, panel
from streamface.overlay.theme import AMBER, MINT, SILVER, Theme
from streamface.types import FrameResult

COLOURS: dict[State, Colour] = {State.KNOWN: MINT, State.UNKNOWN: AMBER, State.PENDING: SILVER}
ARMS = {State.KNOWN: 0.24, State.PENDING: 0.12}
"""Length of the corner brackets as a part of the box's shorter side."""


class BoxesLayer(Layer):
    """Strong corner brackets: known. A thin whole frame: unknown. Small faint corners: not looked at yet.

    Dashed: out of sight in this frame, the place is where the person is expected. Faint: not confirmed yet.
    """

    def __init__(self, cards: Cards) -> None:
        self._cards = cards

    def draw(self, canvas: np.ndarray, result: FrameResult) -> None:
        """Frame each face."""
        theme = self._cards.theme(result)
        for card in self._cards.plan(result):
            if card.box[2] > card.box[0] and card.box[3] > card.box[1]:
                self._frame(canvas, card, theme)

    def _frame(self, canvas: np.ndarray, card: Card, theme: Theme) -> None:
        side = min(card.box[2] - card.box[0], card.box[3] - card.box[1])
        state = card.state if card.face.track.confirmed else State.PENDING
        thin = max(2, round(theme.stroke * 0.7))  # one pixel would vanish between two
        stroke = theme.stroke if state is State.KNOWN else thin
        radius = max(1, min(theme.radius, side // 5))
        pen = (radius, stroke, COLOURS[state], card.opacity)
        if card.face.track.missed:
            outline(canvas, card.box, (radius, thin, COLOURS[state], card.opacity), dash=max(5, theme.em // 2))
        elif state is State.UNKNOWN:
            outline(canvas, card.box, pen)
        else:
            brackets(canvas, card.box, max(radius + stroke, round(side * ARMS[state])), pen)
            if state is State.PENDING and card.face.track.confirmed:
                self._waiting(canvas, card, theme)

    @staticmethod
    def _waiting(canvas: np.ndarray, card: Card, theme: Theme) -> None:
        """Three dots on the lower edge: somebody is being looked at."""
        size = max(2, round(theme.em * 0.16))
        left, top = (card.box[0] + card.box[2] - 5 * size) // 2, card.box[3] - size // 2
        panel(9 * size, 4 * size, 2 * size).put(canvas, left - 2 * size, top - 3 * size // 2)
        dots(canvas, (left, top), size, [SILVER] * 3)
