"""Who it is: the label's panel, the matched picture, the name or 'unknown', and the distance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamface.overlay.base import Layer
from streamface.overlay.boxes import COLOURS
from streamface.overlay.cards import Card, Cards, State
from streamface.overlay.draw import Cache, Sprite, panel, picture, pill, ring
from streamface.overlay.text import BOLD, REGULAR, Typesetter, clusters
from streamface.overlay.theme import INK, MUTED, PAPER, Theme
from streamface.types import FrameResult

Thumbnail = Callable[[str, int], "np.ndarray | None"]
"""(path of a picture, wished side in pixels) -> (h, w, 3) uint8 BGR of the face in it, or None."""


class IdentityLayer(Layer):
    """Draws the panel of each label and who the person is.

    thumbnail: gives the picture of a match; without one, or where it gives None, the name's first letter
    stands in its place, and a question mark for somebody unknown.
    """

    def __init__(self, cards: Cards, text: Typesetter, thumbnail: Thumbnail | None = None) -> None:
        self._cards, self._text, self._thumbnail = cards, text, thumbnail
        self.pictures = Cache(128)

    def forget_pictures(self) -> None:
        """Ask for each picture anew; any thread may call it."""
        self.pictures = Cache(128)

    def draw(self, canvas: np.ndarray, result: FrameResult) -> None:
        """Draw the labels of a frame."""
        theme = self._cards.theme(result)
        for card in self._cards.plan(result):
            if card.rect is not None:
                self._label(canvas, card, theme)

    def _label(self, canvas: np.ndarray, card: Card, theme: Theme) -> None:
        left, top, right, bottom = card.rect
        parts = card.parts
        panel(right - left, bottom - top, theme.radius).put(canvas, left, top)
        if parts.avatar:
            self._avatar(canvas, card, theme)
        elif card.state is not State.PENDING:
            self._strip(canvas, card, theme)
        if not parts.name:
            return
        name = self._text.sprite(parts.name, theme.em, *_look(card.state))
        name.put(canvas, left + parts.name_at[0], top + parts.name_at[1])
        if parts.distance:
            distance = self._text.sprite(parts.distance, theme.small, MUTED)
            distance.put(canvas, left + parts.distance_at[0], top + parts.distance_at[1])

    @staticmethod
    def _strip(canvas: np.ndarray, card: Card, theme: Theme) -> None:
        """A coloured strip at the left edge; half as long for somebody unknown."""
        left, top, _, bottom = card.rect
        full = bottom - top - 2 * theme.pad + 2
        height = full if card.state is State.KNOWN else full // 2
        width = max(2, round(theme.em * 0.16))
        strip = pill(width, height, width / 2, COLOURS[card.state])
        strip.put(canvas, left + theme.pad - width // 2, (top + bottom - height) // 2)

    def _avatar(self, canvas: np.ndarray, card: Card, theme: Theme) -> None:
        x, y, side = card.parts.avatar
        x, y, radius = card.rect[0] + x, card.rect[1] + y, max(2, theme.radius - 2)
        photo = card.face.match.photo if card.state is State.KNOWN else None
        shown = self.pictures.get((photo, side), lambda: self._picture(photo, side, radius)) if photo else None
        if shown is not None:
            shown.put(canvas, x, y)
            ring(side, radius, max(1, theme.stroke * 0.6), COLOURS[card.state]).put(canvas, x, y)
        else:
            self._monogram(canvas, card, (x, y, side, radius))

    def _picture(self, photo: str, side: int, radius: int) -> Sprite | None:
        image = self._thumbnail(photo, side) if self._thumbnail else None
        return None if image is None or not image.size else picture(image, side, radius)

    def _monogram(self, canvas: np.ndarray, card: Card, place: tuple[int, int, int, int]) -> None:
        """A known name's first letter on colour; a hollow square with a question mark for somebody unknown."""
        x, y, side, radius = place
        known, colour = card.state is State.KNOWN, COLOURS[card.state]
        if known:
            pill(side, side, radius, colour).put(canvas, x, y)
        else:
            ring(side, radius, max(1.0, side * 0.04), colour).put(canvas, x, y)
        letter = clusters(card.parts.name.upper())[0] if known else "?"
        sign = self._text.sprite(letter, round(side * 0.56), INK if known else colour, BOLD)
        height, width = sign.colour.shape[:2]
        sign.put(canvas, x + (side - width) // 2 - sign.origin[0], y + (side - height) // 2 - sign.origin[1])


def _look(state: State) -> tuple:
    """(colour, weight) of the name."""
    return (PAPER, BOLD) if state is State.KNOWN else (COLOURS[state], REGULAR)
