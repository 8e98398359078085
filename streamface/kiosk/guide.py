"""What is wrong with a view, and what the person may do about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamface.kiosk.screen import BACK, FACE_CAMERA, LIGHT, MIDDLE, NEARER, ONE, STILL
from streamface.kiosk.views import Ranking, View

LEAST_EYES_PX = 26.0
"""Distance of the eyes below which embeddings are worse."""
TALLEST = 0.95
"""Of a face, in shares of the picture's height."""
LEAST_LIGHT, LEAST_SHARPNESS = 0.6, 0.25
MOST_TURN, MOST_ROLL = 0.16, 25.0
"""`View.turn` either way, and degrees, of a face from the front."""
FASTEST = 2.5
"""Distances of the eyes a second that a face may move."""
SECOND = 0.5
"""A second face of this share of the first one's height stands beside it."""
HINT_S = 0.25
"""A hint is given once it has been the one to give for so long, so that it does not flicker."""


def main_face(views: Sequence[View]) -> View | None:
    """The largest face: whoever stands in front."""
    return max(views, key=lambda view: view.height, default=None)


def is_accompanied(face: View, views: Sequence[View]) -> bool:
    """True when somebody stands beside `face`."""
    return any(view.track != face.track and view.height >= SECOND * face.height for view in views)


def is_clear(seen: View | Ranking) -> bool:
    """True for a view that is neither dark, burnt out nor blurred."""
    return seen.light >= LEAST_LIGHT and seen.sharpness >= LEAST_SHARPNESS


def hint(face: View, views: Sequence[View], speed: float, least_height: float) -> str | None:
    """The first thing to do for a good view, one of `screen.HINTS`; None for a good one.

    speed: of the face, in distances of the eyes a second.
    """
    if is_accompanied(face, views):
        return ONE
    if face.height < least_height or face.eyes_px < LEAST_EYES_PX and abs(face.turn) < MOST_TURN:
        return NEARER
    if face.height > TALLEST:
        return BACK
    if not face.is_whole:
        return MIDDLE
    if face.light < LEAST_LIGHT:
        return LIGHT
    if abs(face.turn) > MOST_TURN or abs(face.roll) > MOST_ROLL:
        return FACE_CAMERA
    if speed > FASTEST or face.sharpness < LEAST_SHARPNESS:
        return STILL
    return None


class Motion:
    """How fast the face in front moves.

    In distances of the eyes a second, of the middle between the eyes, over the time since the frame before.
    """

    def __init__(self) -> None:
        self._before: tuple[int, float, np.ndarray] | None = None

    def speed(self, face: View, at: float) -> float:
        """Take one more view of it; 0 for the first one of a track."""
        middle = face.landmarks[:2].mean(0)
        before, self._before = self._before, (face.track, at, middle)
        if before is None or before[0] != face.track or at <= before[1]:
            return 0.0
        return float(np.linalg.norm(middle - before[2])) / max(face.eyes_px, 1.0) / (at - before[1])


class Steady:
    """A hint that does not flicker: the one that was meant for `HINT_S`."""

    def __init__(self) -> None:
        self._meant: tuple[str | None, float] = (None, float("-inf"))
        self._shown: str | None = None

    def __call__(self, meant: str | None, at: float) -> str | None:
        """The hint to show when `meant` is the one of this frame."""
        if meant != self._meant[0]:
            self._meant = meant, at
        if at - self._meant[1] >= HINT_S:
            self._shown = meant
        return self._shown
