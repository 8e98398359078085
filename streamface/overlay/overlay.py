"""The overlay: one copy of the frame with everything drawn on it."""

from __future__ import annotations

import numpy as np

from streamface.overlay.attributes import AttributesLayer
from streamface.overlay.base import Layer
from streamface.overlay.boxes import BoxesLayer
from streamface.overlay.cards import Cards
from streamface.overlay.emotion_bars import EmotionBarsLayer
from streamface.overlay.identity import IdentityLayer, Thumbnail
from streamface.overlay.status import StatusLayer
from streamface.overlay.text import Typesetter
from streamface.settings import OverlaySettings
from streamface.types import FrameResult, readonly


class Overlay:
    """Draws results; one object a stream, because it remembers where labels stood.

    Args:
        settings: what is drawn, and how large.
        thumbnail: (path of a picture, side in pixels) -> (h, w, 3) uint8 BGR of the face in it, or None;
            asked once for each picture and size.
    """

    def __init__(self, settings: OverlaySettings, thumbnail: Thumbnail | None = None) -> None:
        self.text = Typesetter()
        self._cards = Cards(self.text, settings.scale, settings.thumbnails)
        self._status = StatusLayer(self._cards, self.text) if settings.status else None
        self.layers: list[Layer] = [
            BoxesLayer(self._cards),
            IdentityLayer(self._cards, self.text, thumbnail),
            AttributesLayer(self._cards, self.text),
            EmotionBarsLayer(self._cards, self.text),
        ]
        if self._status:
            self.layers.append(self._status)

    def render(self, result: FrameResult, fps: float | None = None) -> np.ndarray:
        """An annotated copy of the frame: (H, W, 3) uint8 BGR, read-only.

        fps: frames per second to show in the corner; None for none.
        """
        canvas = result.frame.image.copy()
        if self._status:
            self._status.fps = fps
            self._cards.reserved = (self._status.reserve(result),)
        for layer in self.layers:
            layer.draw(canvas, result)
        return readonly(canvas)
