import cv2
import numpy as np
import pytest

from streamface import build, geometry
from streamface.alignment import align, average_landmarks, frontality, quality, sharpness
from streamface.pyramid import Pyramid
from streamface.recognition.dlib_resnet import SPEC
from streamface.types import Box, Detection


@pytest.fixture(scope="module")
def face(settings, portrait) -> Detection:
    return build.detector(settings).detect(portrait)[0]


def test_landmarks_land_on_the_template(portrait, face):
    chip = align(Pyramid(portrait), face, SPEC.template, 150)
    landed = geometry.transform_points(chip.transform, face.landmarks) / 150
    assert landed[:2] == pytest.approx(SPEC.template[:2], abs=0.03)
    assert landed == pytest.approx(SPEC.template, abs=0.12)
    assert chip.image.shape == (150, 150, 3) and not chip.image.flags.writeable


@pytest.mark.parametrize("degrees", [-35, 20, 180])
def test_a_turned_face_gives_the_same_chip(portrait, face, degrees):
    height, width = portrait.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(portrait, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    # OpenCV turns about the middles of pixels, streamface counts from their corners.
    landmarks = geometry.transform_points(turn, face.landmarks - 0.5) + 0.5
    upright = align(Pyramid(portrait), face, SPEC.template, 150).image.astype(int)
    again = align(Pyramid(turned), Detection(face.box, 1.0, landmarks), SPEC.template, 150).image.astype(int)
    assert np.abs(upright - again)[30:120, 30:120].mean() < 5


def test_a_face_without_landmarks_is_cut_by_its_box(portrait, face):
    bare = align(Pyramid(portrait), Detection(face.box, 1.0), SPEC.template, 150).image.astype(int)
    whole = align(Pyramid(portrait), face, SPEC.template, 150).image.astype(int)
    assert np.abs(bare - whole).mean() < 40
    assert average_landmarks(Box(0, 0, 100, 100))[2] == pytest.approx([52, 58.8], abs=0.1)


def test_blur_lowers_sharpness_and_quality(portrait, face):
    values = []
    for sigma in (0.01, 1.5, 4):
        image = cv2.GaussianBlur(portrait, (0, 0), sigma)
        chip = align(Pyramid(image), face, SPEC.template, 150)
        values.append((chip.sharpness, quality(face, chip)))
    assert values[0] > values[1] > values[2]
    assert values[0][1] > values[1][1] > values[2][1]
    assert values[0][0] > 0.6 > 0.45 > values[2][0]


def test_a_small_face_has_less_quality(portrait, face):
    small = cv2.resize(portrait, None, fx=0.15, fy=0.15, interpolation=cv2.INTER_AREA)
    tiny = Detection(Box(*(0.15 * v for v in (face.box.left, face.box.top, face.box.right, face.box.bottom))), 1.0,
                     face.landmarks * 0.15)  # fmt: skip
    large = quality(face, align(Pyramid(portrait), face, SPEC.template, 150))
    assert quality(tiny, align(Pyramid(small), tiny, SPEC.template, 150)) < 0.6 * large


def test_a_profile_is_less_frontal():
    landmarks = np.float32([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]])
    turned = landmarks.copy()
    turned[2, 0] = 68
    box = Box(0, 0, 100, 100)
    assert frontality(Detection(box, 1.0, landmarks)) == 1
    assert frontality(Detection(box, 1.0, turned)) < 0.2
    assert 0 < frontality(Detection(box, 1.0)) < 1


def test_a_face_in_the_dark_has_less_quality(portrait, face):
    dark = (portrait * 0.06).astype(np.uint8)
    light = quality(face, align(Pyramid(portrait), face, SPEC.template, 150))
    assert quality(face, align(Pyramid(dark), face, SPEC.template, 150)) < 0.5 * light


def test_sharpness_stays_within_bounds():
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3)).astype(np.uint8)
    assert sharpness(noise) == 1.0 and sharpness(np.full((150, 150, 3), 9, np.uint8)) == 0.0
