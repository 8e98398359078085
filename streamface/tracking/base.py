"""What a tracker is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from streamface.types import Box, Detection, Track


class Tracker(ABC):
    """Gives each person one number for as long as they are in view.

    On each frame the stream calls `predict` once and then either `update` (after a full detection) or
    `refine` (after a look at the predicted boxes only). Frame indices only grow; gaps are dropped frames.
    """

    size_wh: tuple[int, int] | None = None
    """(width, height) of the frame, set by the stream before each one: whoever leaves at its edge is gone."""

    @abstractmethod
    def predict(self, index: int) -> tuple[Box, ...]:
        """Where each live track is expected in frame `index`, in the order that `refine` takes answers."""

    @abstractmethod
    def update(self, detections: Sequence[Detection], index: int) -> tuple[Track, ...]:
        """Join a full detection of frame `index` with the tracks, start new ones, end old ones.

        Returns the tracks to show in this frame, ordered by id: all confirmed ones, and new ones marked
        `confirmed=False`.
        """

    @abstractmethod
    def refine(self, answers: Sequence[Detection | None], index: int) -> tuple[Track, ...]:
        """Move each track to the answer for its predicted box (None: not seen there); never starts a track."""

    def hand_over(self, track: int, owner: int | None) -> None:  # noqa: B027, a promise that need not be kept
        """From the next frame on the face followed as `track` has the number of `owner`, whose face it was found to be.

        owner: None for somebody new, who gets a new number.
        Both may have ended meanwhile. A tracker that keeps no such promise leaves this as it is: then numbers stay.
        """

    @property
    @abstractmethod
    def wants_detection(self) -> bool:
        """True when the next frame should be detected in full, for instance because a face went missing."""
