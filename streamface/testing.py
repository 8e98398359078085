"""Fakes for tests of code that uses streamface: deterministic, and without networks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from streamface.alignment import average_landmarks
from streamface.detection.base import Detector
from streamface.gallery.base import EncodedFace
from streamface.geometry import boxes_array, iou
from streamface.pyramid import Pyramid
from streamface.recognition.base import Forward, NetworkSpec, Recognizer
from streamface.types import AlignedFace, Box, Detection, Track

BACKGROUND = 90
"""Grey of the pictures that `picture` makes."""


def picture(*colours_bgr: tuple[int, int, int], face_px: int | Sequence[int] = 24, gap_px: int = 12) -> np.ndarray:
    """A grey (H, W, 3) uint8 BGR image with a square 'face' of each colour, from left to right.

    face_px is the side of each square, or one side for every face; a colour must not be grey itself. Save it in a
    format without loss: JPEG smears the edges.
    """
    sides = [face_px] * len(colours_bgr) if isinstance(face_px, int) else list(face_px)
    image = np.full((max(sides, default=24) + 2 * gap_px, sum(sides) + gap_px * (len(sides) + 1), 3), BACKGROUND)
    left = gap_px
    for colour, side in zip(colours_bgr, sides, strict=True):
        image[gap_px : gap_px + side, left : left + side] = colour
        left += side + gap_px
    return image.astype(np.uint8)


class FakeEncoder:
    """A `gallery.base.Encoder` that takes areas of one strong colour for faces and their colour for the embedding.

    The vector is (blue, green, red) / 255, the score 0.99, the quality the side of the square over 64 pixels, at
    most 1. Faces come from left to right.
    """

    def __init__(self, network: str = "Fake/1/squares") -> None:
        self.network = network
        self.calls = 0
        """Pictures encoded so far."""

    def encode(self, image: np.ndarray) -> tuple[EncodedFace, ...]:
        """One face per coloured area of at least 16 pixels in an (H, W, 3) uint8 BGR image."""
        self.calls += 1
        coloured = (image.max(axis=2).astype(int) - image.min(axis=2) > 20).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(coloured, connectivity=4)
        faces = [self._face(image, labels == i, stats[i]) for i in range(1, count) if stats[i][cv2.CC_STAT_AREA] >= 16]
        return tuple(sorted(faces, key=lambda face: face.box.left))

    def _face(self, image: np.ndarray, mask: np.ndarray, stats: np.ndarray) -> EncodedFace:
        left, top, width, height = (float(v) for v in stats[:4])
        colour = np.median(image[mask], axis=0) / 255
        box = Box(left, top, left + width, top + height)
        return EncodedFace(box, 0.99, min(1.0, width / 64), colour.astype(np.float32))


def track(number: int, missed: int = 0, box: Box | None = None, landmarks: np.ndarray | None = None) -> Track:
    """A confirmed track, by default of a frontal face 100 pixels wide that does not overlap its neighbours'."""
    box = box or Box(120.0 * number, 50.0, 120.0 * number + 100, 170.0)
    return Track(number, Detection(box, 0.99, landmarks), age=5, missed=missed)


def aligned_face(side: int = 150, grey: int = 128) -> AlignedFace:
    """An even grey chip."""
    return AlignedFace(np.full((side, side, 3), grey, np.uint8), np.eye(2, 3, dtype=np.float32), 0.5)


class FakeDetector(Detector):
    """Finds the coloured squares that `FakeEncoder` finds, with landmarks where a frontal face has them."""

    can_refine = True

    def __init__(self) -> None:
        self.detected, self.refined = 0, 0
        """Calls so far."""

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        self.detected += 1
        return self._found(Pyramid.of(image).image)

    def refine(self, image: np.ndarray | Pyramid, boxes: Sequence[Box]) -> tuple[Detection | None, ...]:
        self.refined += 1
        found = self._found(Pyramid.of(image).image)
        overlap = iou(boxes_array(boxes), boxes_array(d.box for d in found))
        return tuple(found[int(row.argmax())] if row.size and row.max() > 0.3 else None for row in overlap)

    def _found(self, image: np.ndarray) -> tuple[Detection, ...]:
        faces = FakeEncoder().encode(image)
        return tuple(Detection(face.box, face.score, average_landmarks(face.box)) for face in faces)


class FakeRecognizer(Recognizer):
    """The colour in the middle of a chip is its embedding; the whole chip's mean its features."""

    spec = NetworkSpec(
        name="Fake",
        input_px=32,
        dimensions=3,
        template=np.float32([[0.32, 0.3], [0.68, 0.3], [0.5, 0.52], [0.34, 0.7], [0.66, 0.7]]),
        thresholds={"cosine": 0.01, "euclidean": 0.1, "euclidean_l2": 0.14},
    )

    def __init__(self) -> None:
        self.passes = 0

    def forward(self, chips: np.ndarray) -> Forward:
        self.passes += len(chips)
        middle = chips[:, 14:18, 14:18].reshape(len(chips), 16, 3).mean(1) / 255
        return Forward(middle.astype(np.float32), chips.mean((1, 2), keepdims=True).astype(np.float32))
