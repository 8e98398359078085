"""Boxes as drawn: a little steadier than measured, never behind."""

from __future__ import annotations

import numpy as np

from streamface.types import Box, FaceResult, FrameResult

CALM = 0.3
"""Share of the way that a standing box goes to its measured place in one frame."""
QUICK = 0.06
"""Movement in one frame, as a part of the face's height, from which a box follows at once."""


class Steady:
    """Evens out the trembling of boxes of people who stand still.

    A box goes a share of the way to its measured place that grows with the movement, from `CALM` at rest to
    all of it at `QUICK`: at any speed it lags less than 3 % of the face's height.
    """

    def __init__(self) -> None:
        self._last: dict[int, np.ndarray] = {}
        self._index: int | None = None

    def update(self, result: FrameResult) -> dict[int, Box]:
        """Box as drawn of each track; after a gap in the frames every box is taken as measured."""
        follows = self._index is not None and result.frame.index == self._index + 1
        last = self._last if follows else {}
        self._index = result.frame.index
        self._last = {face.track.id: self._moved(face, last.get(face.track.id)) for face in result.faces}
        return {key: Box(*map(float, sides)) for key, sides in self._last.items()}

    @staticmethod
    def _moved(face: FaceResult, last: np.ndarray | None) -> np.ndarray:
        box = face.track.detection.box
        now = np.array([box.left, box.top, box.right, box.bottom])
        if last is None:
            return now
        step = float(np.abs(now - last).max()) / max(box.height, 1.0)
        return last + (now - last) * min(1.0, CALM + (1 - CALM) * step / QUICK)
