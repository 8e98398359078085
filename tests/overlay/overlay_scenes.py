"""Hand-made results for tests of the overlay."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from streamface.types import Attribute, Box, Detection, FaceResult, Frame, FrameResult, Match, SourceState, Track

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def attributes(emotion: str = "happy", score: float = 0.64) -> dict[str, Attribute]:
    """Age, gender and emotion as a predictor gives them."""
    rest = (1 - score) / 6
    scores = {name: score if name == emotion else rest for name in EMOTIONS}
    return {
        "age": Attribute("age", "34", 1.0, 34.0, spread=4.0),
        "gender": Attribute("gender", "Woman", 0.9, scores={"Woman": 0.9, "Man": 0.1}),
        "emotion": Attribute("emotion", emotion, score, scores=scores),
    }


def face(track: int, box: tuple, name: str | None = "Ann", **options) -> FaceResult:
    """A face; options: pending, missed, confirmed, photo, distance, attributes."""
    match = None
    if not options.get("pending"):
        match = Match(name, options.get("distance", 0.31), "cosine", 0.5, photo=options.get("photo"))
    detection = Detection(Box(*map(float, box)), 0.99)
    about = Track(track, detection, 20, options.get("missed", 0), options.get("confirmed", True))
    return FaceResult(about, match, options.get("attributes", {}))


def result(
    *faces: FaceResult, size_wh: tuple[int, int] = (1280, 720), index: int = 0, shade: int = 120, live: bool = False
) -> FrameResult:
    """A plain grey frame with faces."""
    image = np.full((size_wh[1], size_wh[0], 3), shade, np.uint8)
    return FrameResult(Frame(image, index, 1_700_000_000.0 + index / 25, None if live else index / 25, "test"), faces)


def camera(state: str, *troubles: str, for_s: float = 0.0) -> FrameResult:
    """A plain frame of a camera in that state for `for_s` seconds; the last one again where it is not live."""
    frame = replace(result(live=True).frame, repeated=state != "live")
    return FrameResult(frame, source_state=SourceState(state, time.time() - for_s, "cut", troubles))


def apart(a: tuple, b: tuple) -> bool:
    """True where two (left, top, right, bottom) rectangles share no pixel."""
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
