"""The emotion: one word with its bar, or a bar for every emotion where a face is large."""

from __future__ import annotations

import numpy as np

from streamface.overlay.base import Layer
from streamface.overlay.cards import CHART, Card, Cards
from streamface.overlay.draw import pill
from streamface.overlay.text import Typesetter
from streamface.overlay.theme import MUTED, PAPER, SKY, Theme
from streamface.types import Attribute, FrameResult


class EmotionBarsLayer(Layer):
    """Draws probabilities as bars; the chart keeps the network's order, so that bars do not change places."""

    def __init__(self, cards: Cards, text: Typesetter) -> None:
        self._cards, self._text = cards, text

    def draw(self, canvas: np.ndarray, result: FrameResult) -> None:
        """Draw onto the labels of a frame."""
        theme = self._cards.theme(result)
        for card in self._cards.plan(result):
            emotion = card.face.attributes.get("emotion")
            if card.rect is None or emotion is None or card.parts.emotion is None:
                continue
            if card.form == CHART and emotion.scores:
                self._chart(canvas, card, emotion, theme)
            else:
                self._single(canvas, card, emotion, theme)

    def _single(self, canvas: np.ndarray, card: Card, emotion: Attribute, theme: Theme) -> None:
        x, y, width, height = card.parts.emotion
        row = (card.rect[0] + x, card.rect[1] + y, width, height, card.parts.bar_from)
        self._row(canvas, row, (emotion.label, emotion.score, True), theme)

    def _chart(self, canvas: np.ndarray, card: Card, emotion: Attribute, theme: Theme) -> None:
        x, y, width, height = card.parts.emotion
        step = height // len(emotion.scores)
        for index, (label, score) in enumerate(emotion.scores.items()):
            row = (card.rect[0] + x, card.rect[1] + y + index * step, width, step, card.parts.bar_from)
            self._row(canvas, row, (label, score, label == emotion.label), theme)

    def _row(self, canvas: np.ndarray, row: tuple[int, ...], bar: tuple[str, float, bool], theme: Theme) -> None:
        """One word and its bar; row is (left, top, width, height, start of the bar), bar (word, 0..1, strongest)."""
        x, y, width, height, start = row
        word, score, strongest = bar
        ink = PAPER if strongest else MUTED
        self._text.sprite(word, theme.small, ink).put(canvas, x, y + round(theme.small * 1.04))
        length = max(4, width - start)
        thick = max(3, round(theme.small * 0.3))
        left, top = x + width - length, y + (height - thick) // 2
        pill(length, thick, thick / 2, PAPER, 0.22).put(canvas, left, top)
        filled = max(thick, round(length * min(max(score, 0.0), 1.0)))
        pill(filled, thick, thick / 2, SKY if strongest else MUTED).put(canvas, left, top)
