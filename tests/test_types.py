import dataclasses

import numpy as np
import pytest

from streamface.testing import aligned_face, track
from streamface.types import Attribute, Box, Detection, Embedding, FaceResult, Frame, FrameResult


def values():
    image = np.zeros((4, 6, 3), np.uint8)
    return [
        Box(0, 0, 1, 1),
        Frame(image, 0, 0.0, 0.0, "x"),
        Detection(Box(0, 0, 1, 1), 1.0, np.zeros((5, 2), np.float32)),
        aligned_face(),
        Embedding(np.zeros(3, np.float32), "n"),
        Attribute("age", "3", 1.0),
        FaceResult(track(1)),
        FrameResult(Frame(image, 0, 0.0, None, "x")),
    ]


@pytest.mark.parametrize("value", values(), ids=lambda v: type(v).__name__)
def test_no_value_can_be_changed(value):
    for field in dataclasses.fields(value):
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError)):
            setattr(value, field.name, None)
        inside = getattr(value, field.name)
        if isinstance(inside, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                inside[...] = 1


def test_mappings_inside_are_copies_that_cannot_be_written():
    scores = {"happy": 1.0}
    attribute = Attribute("emotion", "happy", 1.0, scores=scores)
    scores["happy"] = 0.0
    assert attribute.scores["happy"] == 1.0
    with pytest.raises(TypeError):
        attribute.scores["happy"] = 0.5


def test_the_givers_array_stays_writable():
    image = np.zeros((4, 6, 3), np.uint8)
    frame = Frame(image, 0, 0.0, None, "x")
    image[0] = 1
    assert frame.image[0, 0, 0] == 1 and frame.size_wh == (6, 4)
