"""Whether a head that turns is solid: a nose moves against eyes and mouth in a way that no plane can.

Two views of a plane are related by a homography (Hartley and Zisserman, "Multiple View Geometry", 2nd ed., 13.1), which
four points determine. Eyes and corners of the mouth lie nearly in one plane; what remains at the nose, the fifth
point, is its height above that plane times the tangent of the turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
"""Of a unit square: where both eyes and both corners of the mouth are put."""
PLANE = [0, 1, 3, 4]
"""Rows of the landmarks that lie nearly in a plane."""
NOSE = 2
TURNED = (0.4, 0.9)
"""Tangent of the turns that count, 22 to 42 degrees: a face from the front shows up to 0.4 by the noise of the
landmarks, and on a photograph that is held more aslant MTCNN places the nose as if the head were turned."""
LEAST_VIEWS = 3
"""Turned views that a measurement needs."""


@dataclass(frozen=True, slots=True)
class Relief:
    """What the views of a turn tell of a face's shape."""

    height: float
    """Of the nose above the plane of eyes and mouth, in widths of the face there, about a distance of the eyes: the
    median over the turned views. 0 for a plane, 0.35 to 0.6 for a head; 0 where there were too few views."""
    views: int
    """Views that were turned neither too little nor too far."""

    @property
    def is_known(self) -> bool:
        """False where the head was not turned, or too fast."""
        return self.views >= LEAST_VIEWS


def nose_in_plane(landmarks: np.ndarray) -> np.ndarray:
    """(2,) where the nose lies in the plane of eyes and mouth, which form the corners of a unit square there.

    landmarks (5, 2) in pixels. Of a flat picture it is the same however the picture is held.
    """
    import cv2

    to_plane = cv2.getPerspectiveTransform(np.float32(landmarks[PLANE]), CORNERS)
    x, y, w = to_plane @ np.array([*landmarks[NOSE], 1.0])
    return np.array([x, y]) / w


def relief(straight: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> Relief:
    """The shape of a face from views from the front and other ones, each (5, 2) landmarks in pixels."""
    front = _front(straight)
    before = np.mean([nose_in_plane(points) for points in straight], 0)[0]
    turns = np.array([_tangent_of_turn(front, points) for points in others])
    counted = [i for i, turn in enumerate(turns) if TURNED[0] <= turn <= TURNED[1]]
    if len(counted) < LEAST_VIEWS:
        return Relief(0.0, len(counted))
    heights = [abs(nose_in_plane(others[i])[0] - before) / turns[i] for i in counted]
    return Relief(float(np.median(heights)), len(counted))


def degrees_turned(straight: Sequence[np.ndarray], points: np.ndarray) -> float:
    """By how many degrees a face seems turned out of its views from the front, whichever way; (5, 2) landmarks each."""
    return float(np.degrees(np.arctan(_tangent_of_turn(_front(straight), points))))


def _front(straight: Sequence[np.ndarray]) -> np.ndarray:
    return np.mean([_normalised(points) for points in straight], 0)


def _normalised(points: np.ndarray) -> np.ndarray:
    """Upright, with the eyes a distance of 1 apart and their middle at the origin."""
    points = points.astype(np.float64)
    middle, along = (points[0] + points[1]) / 2, points[1] - points[0]
    size = float(np.linalg.norm(along))
    cos, sin = along / size
    return (points - middle) @ np.array([[cos, -sin], [sin, cos]]) / size


def _tangent_of_turn(front: np.ndarray, points: np.ndarray) -> float:
    """Tangent of the angle by which the plane of eyes and mouth is turned out of its front view.

    Under weak perspective the front view appears by a linear map whose singular values are in the ratio of the cosine.
    """
    flat, seen = front[PLANE] - front[PLANE].mean(0), points[PLANE] - points[PLANE].mean(0)
    large, small = np.linalg.svd(np.linalg.lstsq(flat, seen.astype(np.float64), rcond=None)[0])[1]
    cosine = small / max(large, 1e-9)
    return float(np.sqrt(1 - cosine**2) / max(cosine, 1e-3))
