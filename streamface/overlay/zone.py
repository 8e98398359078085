"""The part of the picture in which faces count."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from streamface.overlay.base import Layer
from streamface.overlay.theme import SILVER
from streamface.types import FrameResult

SHADE = 0.6
"""Brightness of what lies outside the zone."""


class ZoneLayer(Layer):
    """Darkens what lies outside the zone, and draws its edge.

    Args:
        zone: (K, 2) corners (x, y) in shares of the frame's width and height, 0..1.
    """

    def __init__(self, zone: Sequence[tuple[float, float]]) -> None:
        self._zone = np.asarray(zone, np.float32)
        self._dark = np.zeros((0, 0, 3), np.uint8)

    def draw(self, canvas: np.ndarray, result: FrameResult) -> None:
        """Darken `canvas` outside the zone, in place."""
        height, width = canvas.shape[:2]
        corners = np.round(self._zone * np.float32([width, height])).astype(np.int32)
        if self._dark.shape != canvas.shape:
            self._dark = np.full(canvas.shape, round(255 * SHADE), np.uint8)
            cv2.fillPoly(self._dark, [corners], (255, 255, 255))
        cv2.multiply(canvas, self._dark, canvas, 1 / 255)
        cv2.polylines(canvas, [corners], True, SILVER, max(1, height // 540), cv2.LINE_AA)
