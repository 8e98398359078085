"""Where the face is in a picture that is a face already, cropped by somebody else."""

from __future__ import annotations

import numpy as np

from streamface.detection.base import Detector
from streamface.types import Box, Detection

FRAMING = np.array([[0.303, 0.289], [0.697, 0.289], [0.500, 0.524], [0.324, 0.694], [0.676, 0.694]], np.float32)
"""(5, 2): where the landmarks lie in a cropped face, in fractions of the picture: UTKFace's medians, made symmetric."""

EYES_APART = (0.12, 0.7)
"""Least and largest distance of the eyes that is believed, against the mean of width and height."""

FILLED_SHARE = 0.55
"""Of a crop's height, how tall a face is at least that fills it."""

SMALLEST_SHARE = 0.3
"""The smallest face looked for in a loose crop, against the shorter side."""


def detection_of_crop(detector: Detector, image: np.ndarray) -> Detection:
    """The face of an (H, W, 3) uint8 BGR picture that shows one face and little else; never None, never raises.

    First the detector's refinement is asked with the whole picture as the box, once more with its own answer;
    then, for a crop with much around the face, its detection. An answer counts when its landmarks are plausible
    for a crop. Otherwise the picture is taken to be framed as most face crops are: the landmarks are `FRAMING`,
    the box the whole picture, the score 0.
    """
    height, width = image.shape[:2]
    whole = Box(0.0, 0.0, float(width), float(height))
    found = _refined(detector, image, whole) or _detected(detector, image)
    return found or Detection(whole, 0.0, FRAMING * np.float32([width, height]))


def fills(detection: Detection, image: np.ndarray) -> bool:
    """Whether the face of a crop (H, W, 3) takes up so much of it that the crop shows little else."""
    return detection.box.height >= FILLED_SHARE * image.shape[0]


def _refined(detector: Detector, image: np.ndarray, box: Box) -> Detection | None:
    if not detector.can_refine:
        return None
    (first,) = detector.refine(image, [box])
    if first is None or not _plausible(first, image):
        return None
    (second,) = detector.refine(image, [first.box])
    return second if second is not None and _plausible(second, image) else first


def _detected(detector: Detector, image: np.ndarray) -> Detection | None:
    """The largest plausible face that a full detection finds."""
    found = [d for d in detector.detect(image) if d.landmarks is not None and _plausible(d, image)]
    found = [d for d in found if d.box.height >= SMALLEST_SHARE * min(image.shape[:2])]
    return max(found, key=lambda d: d.box.area, default=None)


def _plausible(detection: Detection, image: np.ndarray) -> bool:
    """Whether the landmarks lie in the picture, the eyes above the mouth and as far apart as a crop has them."""
    height, width = image.shape[:2]
    points = detection.landmarks / np.float32([width, height])
    if points.min() < -0.1 or points.max() > 1.1:
        return False
    eye_left, eye_right, _, mouth_left, mouth_right = detection.landmarks.astype(np.float64)
    along, down = eye_right - eye_left, (mouth_left + mouth_right - eye_left - eye_right) / 2
    apart = np.hypot(*along) / ((width + height) / 2)
    not_mirrored = along[0] * down[1] - along[1] * down[0] > 0.3 * along @ along
    return bool(not_mirrored and down[1] > 0 and EYES_APART[0] <= apart <= EYES_APART[1])
