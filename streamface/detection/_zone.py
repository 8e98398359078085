"""Faces outside a part of the picture are ignored."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from streamface.detection.base import Detector
from streamface.pyramid import Pyramid
from streamface.types import Box, Detection


class ZoneDetector(Detector):
    """Another detector's faces whose centre lies inside a polygon, its edge included.

    Args:
        detector: finds the faces; closed with this one.
        zone: (K, 2) corners (x, y) in shares of the frame's width and height, 0..1, so that a camera may change its
            resolution.
    """

    def __init__(self, detector: Detector, zone: Sequence[tuple[float, float]]) -> None:
        self._detector, self._zone = detector, np.asarray(zone, np.float32)
        self.can_refine = detector.can_refine

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        """All faces inside the zone, best score first."""
        pyramid = Pyramid.of(image)
        corners = self._corners(pyramid)
        return tuple(found for found in self._detector.detect(pyramid) if _inside(corners, found.box))

    def refine(self, image: np.ndarray | Pyramid, boxes: Sequence[Box]) -> tuple[Detection | None, ...]:
        """One answer per box; None also for a face that has left the zone."""
        pyramid = Pyramid.of(image)
        corners = self._corners(pyramid)
        answers = self._detector.refine(pyramid, boxes)
        return tuple(found if found and _inside(corners, found.box) else None for found in answers)

    def close(self) -> None:
        """Close the detector."""
        self._detector.close()

    def _corners(self, pyramid: Pyramid) -> np.ndarray:
        height, width = pyramid.image.shape[:2]
        return self._zone * np.float32([width, height])


def _inside(corners: np.ndarray, box: Box) -> bool:
    return cv2.pointPolygonTest(corners, box.center, False) >= 0
