"""YuNet through OpenCV, for whom its network file is at hand: quick, five landmarks.

Source: Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023.
"""

from __future__ import annotations

import numpy as np

from streamface.detection.base import Detector
from streamface.errors import SettingsError, WeightsError
from streamface.pyramid import Pyramid
from streamface.settings import DetectionSettings, RuntimeSettings
from streamface.types import Box, Detection

NAME = "YuNet"

MIN_SCORE = 0.7
"""Least score of a face unless it is set."""
SMALLEST_PX = 20.0
"""The smallest face looked for is brought to this many pixels; the network finds them down to about 10."""


def create(settings: DetectionSettings, runtime: RuntimeSettings) -> YuNet:
    """The detector; `settings.weights` names its ONNX file."""
    import cv2

    if settings.weights is None:
        raise SettingsError("the YuNet detector needs its network file: give it with --detector-weights FILE.onnx")
    if not settings.weights.is_file():
        raise WeightsError(f"no network file {settings.weights}: give YuNet's with --detector-weights FILE.onnx")
    try:
        network = cv2.FaceDetectorYN.create(str(settings.weights), "", (320, 320), 0.0, 0.3, 5000)
    except cv2.error as error:
        raise WeightsError(
            f"{settings.weights} is not a YuNet network that OpenCV can read: get another file"
        ) from error
    return YuNet(network, settings.min_face_px, MIN_SCORE if settings.min_score is None else settings.min_score)


class YuNet(Detector):
    """One pass over the picture, shrunk as far as the smallest face allows.

    Args:
        network: a `cv2.FaceDetectorYN`.
        min_face_px: smallest face looked for.
        min_score: least score, 0..1.
    """

    def __init__(self, network, min_face_px: float, min_score: float) -> None:
        self._network, self._min_face_px, self._min_score = network, min_face_px, min_score
        network.setScoreThreshold(min_score)

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        pyramid = Pyramid.of(image)
        height, width = pyramid.image.shape[:2]
        scale = min(1.0, SMALLEST_PX / self._min_face_px)
        size_wh = max(32, round(width * scale)), max(32, round(height * scale))
        small = pyramid.resized(size_wh)
        self._network.setInputSize(size_wh)
        _, rows = self._network.detect(small)
        rows = np.empty((0, 15), np.float32) if rows is None else rows
        ratio_xy = np.array([width / size_wh[0], height / size_wh[1]], np.float32)
        found = [_detection(row, ratio_xy) for row in rows[np.argsort(-rows[:, 14], kind="stable")]]
        return tuple(d for d in found if d.box.height >= self._min_face_px)


def _detection(row: np.ndarray, ratio_xy: np.ndarray) -> Detection:
    """A row holds left, top, width, height, five points (the person's right eye first), score."""
    corners = np.stack([row[:2], row[:2] + row[2:4]]) * ratio_xy
    return Detection(Box(*map(float, corners.ravel())), float(row[14]), row[4:14].reshape(5, 2) * ratio_xy)
