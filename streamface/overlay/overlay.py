"""The overlay: one copy of the frame with everything drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from streamface.overlay.attributes import AttributesLayer
from streamface.overlay.base import Layer
from streamface.overlay.boxes import BoxesLayer
from streamface.overlay.cards import LINE, Cards
from streamface.overlay.draw import panel
from streamface.overlay.emotion_bars import EmotionBarsLayer
from streamface.overlay.identity import IdentityLayer, Thumbnail
from streamface.overlay.status import StatusLayer
from streamface.overlay.text import BOLD, Typesetter
from streamface.overlay.theme import PAPER, Theme
from streamface.overlay.zone import ZoneLayer
from streamface.settings import OverlaySettings
from streamface.types import FrameResult, readonly

SHOWN_MISSED = 8
"""Frames for which somebody out of sight is still drawn: long enough for a blink of the detector, too short for a
label to hang in the air after a person has left."""


class Overlay:
    """Draws results; one object a stream, because it remembers where labels stood.

    Args:
        settings: what is drawn, and how large.
        thumbnail: (path of a picture, side in pixels) -> (h, w, 3) uint8 BGR of the face in it, or None;
            asked once for each picture and size.
        zone: corners of the part of the picture in which faces count, as `DetectionSettings.zone`.
        title: the camera's name, to be shown with the status; empty for none.
    """

    def __init__(
        self,
        settings: OverlaySettings,
        thumbnail: Thumbnail | None = None,
        zone: Sequence[tuple[float, float]] | None = None,
        title: str = "",
    ) -> None:
        self.text = Typesetter()
        self._scale = settings.scale
        self._cards = Cards(self.text, settings.scale, settings.thumbnails)
        self._status = StatusLayer(self._cards, self.text, title) if settings.status else None
        self._identity = IdentityLayer(self._cards, self.text, thumbnail)
        self.layers: list[Layer] = [ZoneLayer(zone)] if zone else []
        self.layers += [
            BoxesLayer(self._cards),
            self._identity,
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
        if result.frame.repeated:
            canvas //= 2  # so that nobody takes an old picture for a live one
        in_sight = tuple(face for face in result.faces if face.track.missed <= SHOWN_MISSED)
        result = replace(result, faces=in_sight)
        if self._status:
            self._status.fps = fps
            self._cards.reserved = (self._status.reserve(result),)
        for layer in self.layers:
            layer.draw(canvas, result)
        return readonly(canvas)

    def forget_pictures(self) -> None:
        """Ask for each thumbnail anew, since the folder of people has changed; any thread may call it."""
        self._identity.forget_pictures()

    def notice(self, image: np.ndarray, text: str) -> np.ndarray:
        """A copy of an (H, W, 3) image with a short text in its lower middle, such as a confirmation."""
        canvas = image.copy()
        height, width = canvas.shape[:2]
        theme = Theme.for_frame((width, height), self._scale)
        shown = self.text.fitted(text, theme.em, BOLD, width - 6 * theme.pad)
        across, high = self.text.width(shown, theme.em, BOLD) + 4 * theme.pad, round(theme.em * LINE) + 2 * theme.pad
        left, top = (width - across) // 2, height - high - 4 * theme.margin
        panel(across, high, high // 2, 0.86).put(canvas, left, top)
        line = self.text.sprite(shown, theme.em, PAPER, BOLD)
        line.put(canvas, left + 2 * theme.pad, top + theme.pad + round(theme.em * 1.04))
        return canvas
