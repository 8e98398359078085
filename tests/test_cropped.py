"""The face of a picture that is a face already."""

import cv2
import numpy as np
import pytest

from streamface import build
from streamface.cropped import FRAMING, detection_of_crop, fills
from streamface.detection.base import Detector
from streamface.types import Box, Detection


class Scripted(Detector):
    """Answers what it was told to; keeps the boxes that it was asked about."""

    def __init__(self, refined=(), detected=(), can_refine=True) -> None:
        self.can_refine, self._refined, self._detected = can_refine, list(refined), tuple(detected)
        self.asked: list[Box] = []

    def refine(self, image, boxes):
        self.asked += boxes
        return (self._refined.pop(0),)

    def detect(self, image):
        return self._detected


def _face(side: float = 100, turned: bool = False, shift: float = 0.0) -> Detection:
    points = (FRAMING[::-1] if turned else FRAMING) * side + shift
    return Detection(Box(shift, shift, shift + side, shift + side), 0.9, points.astype(np.float32))


BLANK = np.zeros((100, 100, 3), np.uint8)


def test_the_whole_picture_is_refined_twice():
    first, second = _face(), _face(90, shift=5)
    detector = Scripted([first, second])
    assert detection_of_crop(detector, BLANK) is second
    assert detector.asked == [Box(0, 0, 100, 100), first.box]


@pytest.mark.parametrize("lost", [None, _face(turned=True)])
def test_a_second_look_that_loses_the_face_leaves_the_first(lost):
    first = _face()
    assert detection_of_crop(Scripted([first, lost]), BLANK) is first


@pytest.mark.parametrize(
    "refined",
    [
        None,
        _face(turned=True),  # eyes below the mouth
        _face(20),  # eyes 8 pixels apart in a crop of 100
        _face(100, shift=60),  # landmarks outside the picture
    ],
)
def test_what_is_no_face_of_a_crop_is_replaced_by_detection(refined):
    small, large = _face(40), _face(60, shift=10)
    assert detection_of_crop(Scripted([refined], [small, large]), BLANK) is large


def test_without_a_face_the_picture_is_framed_as_most_crops_are():
    found = detection_of_crop(Scripted([None]), np.zeros((50, 80, 3), np.uint8))
    assert found.box == Box(0, 0, 80, 50) and found.score == 0
    np.testing.assert_allclose(found.landmarks, FRAMING * (80, 50), rtol=1e-6)


def test_a_detector_that_cannot_refine_detects():
    face = _face(80)
    bare = Detection(Box(0, 0, 100, 100), 0.9)  # without landmarks
    assert detection_of_crop(Scripted(detected=[bare, face], can_refine=False), BLANK) is face


def test_a_face_of_half_the_height_does_not_fill_a_crop():
    assert fills(_face(60), BLANK) and fills(_face(140, shift=-20), BLANK)
    assert not fills(_face(50), BLANK)


@pytest.mark.parametrize("height, width", [(1, 1), (8, 300), (300, 8), (64, 64)])
def test_any_size_gets_an_answer(settings, height, width):
    image = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    found = detection_of_crop(build.detector(settings), image)
    assert found.landmarks.shape == (5, 2) and np.isfinite(found.landmarks).all()


@pytest.mark.parametrize("padding", [0.05, 0.2, 0.9])
def test_crops_of_a_real_face_tight_and_loose(settings, portrait, padding):
    detector = build.detector(settings)
    (face,) = detector.detect(portrait)
    box = face.box.padded(padding).clipped(portrait.shape[1], portrait.shape[0])
    left, top = round(box.left), round(box.top)
    crop = np.ascontiguousarray(portrait[top : round(box.bottom), left : round(box.right)])
    crop = cv2.resize(crop, (160, round(160 * crop.shape[0] / crop.shape[1])))
    scale = 160 / (round(box.right) - left)
    found = detection_of_crop(detector, crop)
    off = np.linalg.norm(found.landmarks / scale + (left, top) - face.landmarks, axis=1)
    assert off.max() < 0.08 * face.box.width
