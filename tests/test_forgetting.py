"""Results on their way say nothing of people of whom every trace is being deleted."""

import time

import numpy as np
import pytest

from streamface import testing
from streamface.forgetting import without
from streamface.types import FaceResult, Frame, FrameResult, LatestView, Match, Stranger


def result(*names):
    image = np.zeros((48, 64, 3), np.uint8)
    faces = tuple(
        FaceResult(
            testing.track(number),
            Match(name, 0.1, "cosine", 0.3, photo=f"{name}/1.jpg"),
            stranger=Stranger(4, 2),
            latest=LatestView(np.ones(4, np.float32), 0.9, 1.0, 0.5, 0.0),
        )
        for number, name in enumerate(names, 1)
    )
    return FrameResult(Frame(image, 0, time.time(), None, "door"), faces)


def test_whoever_is_erased_is_nobody_and_no_output_may_keep_anything_of_them():
    before = result("Ann", "Bob", None)
    ann, bob, nobody = (told := without(before, {"Ann"})).faces
    assert (ann.match.identity, ann.match.photo, ann.stranger, ann.latest) == (None, None, None, None)
    assert "Ann" not in repr(ann) and ann.unrecorded and ann.track == before.faces[0].track
    assert bob is before.faces[1] and nobody is before.faces[2] and told.erased == {"Ann"}


@pytest.mark.parametrize("erased", [set(), frozenset()])
def test_with_nobody_erased_a_result_stays_as_it_is(erased):
    before = result("Ann")
    assert without(before, erased) is before
