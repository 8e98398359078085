"""The fakes themselves."""

from __future__ import annotations

import numpy as np
import pytest

from streamface.testing import FakeEncoder, picture
from streamface.types import Box


def test_faces_are_found_where_they_were_painted():
    image = picture((200, 10, 30), (0, 0, 255), face_px=(20, 40), gap_px=8)
    assert (image.shape, image.dtype) == ((56, 84, 3), np.uint8)
    encoder = FakeEncoder()
    first, second = encoder.encode(image)
    assert (first.box, second.box) == (Box(8, 8, 28, 28), Box(36, 8, 76, 48))
    assert first.vector == pytest.approx(np.array([200, 10, 30]) / 255)
    assert (second.quality, second.vector.tolist()) == (40 / 64, [0, 0, 1])
    assert encoder.calls == 1


def test_a_grey_picture_has_no_face():
    assert FakeEncoder().encode(picture()) == ()
