"""From a detected face to the chip that a network takes, and how good a view it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamface import geometry
from streamface.pyramid import Pyramid
from streamface.types import AlignedFace, Box, Detection

LANDMARK_WEIGHTS = (3.0, 3.0, 1.0, 1.0, 1.0)
"""The eyes count three times: against dlib's 68 points, MTCNN places them twice as well as nose and mouth.

On lfw_dev this gains 0.1 points of verification over equal weights.
"""

SHARP_DETAIL = 0.23
"""Share of fine detail (see `sharpness`) in a sharp photograph of a face that was not enlarged: lfw_dev's median."""

FULL_EYE_PX = 40.0
"""Distance of the eyes from which a larger face makes no better embedding."""


def align(pyramid: Pyramid, detection: Detection, template: np.ndarray, side: int) -> AlignedFace:
    """The face cut out of a frame with its landmarks on `template`.

    template (5, 2) in fractions of the chip's side; `side` in pixels. A detection without landmarks is cut by
    its box, as if its landmarks lay where they do on average.
    """
    landmarks = detection.landmarks if detection.landmarks is not None else average_landmarks(detection.box)
    transform = geometry.similarity(landmarks, np.asarray(template) * side, LANDMARK_WEIGHTS)
    chip = pyramid.warped(transform, side)
    return AlignedFace(chip, transform.astype(np.float32), sharpness(chip))


AVERAGE_LANDMARKS = np.array(
    [[0.286, 0.388], [0.749, 0.388], [0.520, 0.588], [0.327, 0.758], [0.731, 0.758]], np.float32
)
"""(5, 2): where the landmarks lie in MTCNN's box, as fractions of it: lfw_dev's medians."""


def average_landmarks(box: Box) -> np.ndarray:
    """(5, 2) float32 landmarks where they lie on average in a face's box."""
    return np.float32([box.left, box.top]) + AVERAGE_LANDMARKS * np.float32([box.width, box.height])


def sharpness(chip: np.ndarray) -> float:
    """0..1: the strength of fine detail in an (S, S, 3) chip against its contrast.

    The standard deviation of the Laplacian over that of the brightness (Pech-Pacheco et al., "Diatom
    autofocusing in brightfield microscopy", ICPR 2000, with the contrast divided out), on the middle of the chip.
    """
    import cv2

    margin = len(chip) // 5
    grey = cv2.cvtColor(chip[margin:-margin, margin:-margin], cv2.COLOR_BGR2GRAY)
    detail, contrast = cv2.Laplacian(grey, cv2.CV_32F).std(), grey.std()
    return float(min(1.0, detail / (SHARP_DETAIL * max(contrast, 8.0))))


@dataclass(frozen=True, slots=True)
class ViewParts:
    """What makes a view good or bad, each 0..1."""

    size: float
    """1 from eyes `FULL_EYE_PX` apart on."""
    sharpness: float
    frontality: float
    light: float
    """Below 1 where the face is nearly black, burnt out or without contrast."""
    brightness: float
    """Mean grey: tells too little light from too much."""

    @property
    def quality(self) -> float:
        """How far the view may be trusted: the parts multiplied."""
        return self.size * (0.3 + 0.7 * self.sharpness) * self.frontality * self.light


def view_parts(detection: Detection, face: AlignedFace) -> ViewParts:
    """What makes a view good or bad."""
    brightness = float(_coarse(face.image).mean()) / 255
    return ViewParts(_size(detection), face.sharpness, frontality(detection), light(face.image), brightness)


def quality(detection: Detection, face: AlignedFace) -> float:
    """0..1: how far a view may be trusted: size, sharpness, pose and light, multiplied.

    A frontal, sharp, well lit face with its eyes 40 pixels apart has 1.
    """
    return float(view_parts(detection, face).quality)


def frontality(detection: Detection) -> float:
    """0..1: 1 for a face that looks at the camera, 0 for a profile, from where the nose lies between the eyes."""
    turned = turn(detection)
    return 0.7 if turned is None else float(np.clip(1.4 - 2.8 * abs(turned), 0.0, 1.0))


def turn(detection: Detection) -> float | None:
    """How far the head is turned: where the nose lies along the line of the eyes, 0 in the middle between them.

    0.5 above the eye on the right of the picture: the person has turned to the own left. None without landmarks.
    """
    if detection.landmarks is None:
        return None
    left, right, nose = detection.landmarks[:3].astype(np.float64)
    along = right - left
    return float((nose - left) @ along / max(along @ along, 1e-6)) - 0.5


def _size(detection: Detection) -> float:
    landmarks = detection.landmarks if detection.landmarks is not None else average_landmarks(detection.box)
    return float(min(1.0, np.linalg.norm(landmarks[1] - landmarks[0]) / FULL_EYE_PX))


def light(chip: np.ndarray) -> float:
    """0..1 of an (S, S, 3) chip: below 1 where the face is nearly black, burnt out or without contrast."""
    grey = _coarse(chip)
    return float(np.clip(min(grey.mean() / 50, (255 - grey.mean()) / 40, grey.std() / 20), 0.1, 1.0))


def _coarse(chip: np.ndarray) -> np.ndarray:
    """Grey values of about 32 x 32 places of a chip."""
    return chip[:: max(1, len(chip) // 32), :: max(1, len(chip) // 32)].mean(2)
