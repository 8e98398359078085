"""Hand-made results for tests of the outputs."""

from __future__ import annotations

import numpy as np

from streamface.types import Attribute, Box, Detection, FaceResult, Frame, FrameResult, Match, Track

EPOCH = 1_735_689_600.0
"""2025-01-01T00:00:00Z."""


def match(name: str | None, distance: float = 0.3) -> Match:
    """A gallery's answer."""
    return Match(name, distance, "cosine", 0.5)


def face(track: int, found: Match | None = None, missed: int = 0, confirmed: bool = True, **attributes) -> FaceResult:
    """A face at a place that its track number decides."""
    box = Box(10.0 * track, 20.123456, 10.0 * track + 50, 80.5)
    about = {name: value for name, value in attributes.items() if isinstance(value, Attribute)}
    return FaceResult(Track(track, Detection(box, 0.98765), 9, missed, confirmed), found, about)


def result(index: int, *faces: FaceResult, live: bool = False, seconds: float | None = None, image=None) -> FrameResult:
    """Frame number `index` of a source of 25 frames a second."""
    seconds = index / 25 if seconds is None else seconds
    picture = np.zeros((4, 4, 3), np.uint8) if image is None else image
    return FrameResult(Frame(picture, index, EPOCH + seconds, None if live else seconds, "door"), faces)
