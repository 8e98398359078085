import threading

import numpy as np
import pytest

from streamface.detection._ahead import DetectAhead
from streamface.pyramid import Pyramid
from streamface.testing import FakeDetector, picture

RED, GREEN = (40, 40, 220), (40, 200, 60)


@pytest.fixture
def ahead():
    detector = DetectAhead(FakeDetector(), FakeDetector())
    yield detector
    detector.close()


def lefts(detections):
    return [round(d.box.left) for d in detections]


def test_what_was_expected_is_detected_once_and_given_to_its_own_frame(ahead):
    first, second = Pyramid(picture(RED)), Pyramid(picture(RED, GREEN))
    ahead.expect(first)
    ahead.expect(second)
    assert len(ahead.detect(first)) == 1 and len(ahead.detect(second)) == 2
    assert ahead._full.detected == 2 and ahead.beside_ms >= 0


def test_a_frame_that_nobody_expected_is_detected_too(ahead):
    expected, sudden = Pyramid(picture(RED)), Pyramid(picture(RED, GREEN))
    ahead.expect(expected)
    assert len(ahead.detect(sudden)) == 2 and len(ahead.detect(expected)) == 1
    assert len(ahead.detect(picture(GREEN))) == 1


def test_refinement_is_done_at_once_by_the_other_one(ahead):
    (found,) = ahead.detect(picture(RED))
    (answer,) = ahead.refine(picture(RED), [found.box])
    assert lefts([answer]) == lefts([found])
    assert (ahead._full.refined, ahead._quick.refined, ahead._quick.detected) == (0, 1, 0)


def test_an_error_comes_with_its_frame(ahead):
    bad, good = Pyramid(np.zeros(3)), Pyramid(picture(RED))
    ahead.expect(bad)
    ahead.expect(good)
    with pytest.raises(Exception, match="axis|dimension|index"):
        ahead.detect(bad)
    assert len(ahead.detect(good)) == 1


def test_closing_leaves_no_thread_and_no_work():
    before, detector = set(threading.enumerate()), DetectAhead(FakeDetector(), FakeDetector())
    for _ in range(5):
        detector.expect(Pyramid(picture(RED)))
    detector.close()
    assert set(threading.enumerate()) <= before
