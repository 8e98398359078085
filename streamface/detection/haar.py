"""The Haar cascade of OpenCV 4, for comparison: no landmarks, frontal faces only.

Source: Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR 2001.
OpenCV 5 no longer has it.
"""

from __future__ import annotations

import numpy as np

from streamface.detection.base import Detector
from streamface.errors import MissingPackageError
from streamface.pyramid import Pyramid
from streamface.settings import DetectionSettings, RuntimeSettings
from streamface.types import Box, Detection

NAME = "Haar"


def create(settings: DetectionSettings, runtime: RuntimeSettings) -> Haar:
    """The detector; raises `MissingPackageError` on an OpenCV without cascades."""
    import cv2

    if not hasattr(cv2, "CascadeClassifier"):
        raise MissingPackageError("the Haar detector (or choose --detector MTCNN)", "'opencv-python<5'")
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    return Haar(cascade, settings.min_face_px)


class Haar(Detector):
    """A sliding window over the grey picture.

    Args:
        cascade: a `cv2.CascadeClassifier`.
        min_face_px: smallest face looked for.

    The cascade has no probability: a face's score is 1 for a clear one, less where the cascade was in doubt.
    """

    def __init__(self, cascade, min_face_px: float) -> None:
        self._cascade, self._min_face_px = cascade, min_face_px

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        import cv2

        grey = cv2.equalizeHist(cv2.cvtColor(Pyramid.of(image).image, cv2.COLOR_BGR2GRAY))
        side = round(self._min_face_px)
        boxes, _, levels = self._cascade.detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=5, minSize=(side, side), outputRejectLevels=True
        )
        found = [
            Detection(Box(float(x), float(y), float(x + w), float(y + h)), float(1 / (1 + np.exp(-level / 2))))
            for (x, y, w, h), level in zip(boxes, np.ravel(levels), strict=True)
        ]
        return tuple(sorted(found, key=lambda d: -d.score))
