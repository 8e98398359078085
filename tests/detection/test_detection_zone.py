import numpy as np

from streamface.detection._zone import ZoneDetector
from streamface.testing import FakeDetector, picture

RED, GREEN, BLUE = (0, 0, 200), (0, 200, 0), (200, 0, 0)


def test_only_faces_whose_centre_is_inside_count():
    image = picture(RED, GREEN, BLUE)  # centres at 1/6, 3/6 and 5/6 of the width
    found = ZoneDetector(FakeDetector(), [(0.4, 0), (1, 0), (1, 1), (0.4, 1)]).detect(image)
    assert len(found) == 2 and min(face.box.left for face in found) > image.shape[1] / 3


def test_the_zone_follows_the_resolution():
    zone = ZoneDetector(FakeDetector(), [(0, 0), (0.34, 0), (0.34, 1), (0, 1)])
    for image in (picture(RED, GREEN, BLUE), picture(RED, GREEN, BLUE, face_px=72, gap_px=36)):
        (only,) = zone.detect(image)
        assert only.box.right < image.shape[1] / 3


def test_a_face_that_leaves_the_zone_is_gone_for_refinement():
    image, plain = picture(RED, GREEN), FakeDetector()
    boxes = [face.box for face in plain.detect(image)]
    answers = ZoneDetector(plain, [(0.5, 0), (1, 0), (1, 1), (0.5, 1)]).refine(image, boxes)
    assert answers[0] is None and np.isclose(answers[1].box.left, boxes[1].left)
