"""Age and gender beside the name."""

from __future__ import annotations

import numpy as np

from streamface.overlay.base import Layer
from streamface.overlay.cards import Cards
from streamface.overlay.text import Typesetter
from streamface.overlay.theme import MUTED
from streamface.types import FrameResult


class AttributesLayer(Layer):
    """Writes gender and age on the second line of each label."""

    def __init__(self, cards: Cards, text: Typesetter) -> None:
        self._cards, self._text = cards, text

    def draw(self, canvas: np.ndarray, result: FrameResult) -> None:
        """Draw onto the labels of a frame."""
        theme = self._cards.theme(result)
        for card in self._cards.plan(result):
            if card.rect is not None and card.parts.details:
                x, y = card.parts.details_at
                line = self._text.sprite(card.parts.details, theme.small, MUTED)
                line.put(canvas, card.rect[0] + x, card.rect[1] + y)
