"""What a face detector is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from streamface.pyramid import Pyramid
from streamface.types import Box, Detection


class Detector(ABC):
    """Finds faces in one image; not thread-safe, one thread at a time."""

    can_refine: bool = False
    """True where `refine` is much cheaper than `detect`, so that a stream detects on some frames only."""

    beside_ms: float | None = None
    """Milliseconds of work in the last `detect` where it was done in another thread, so that waiting says nothing."""

    @abstractmethod
    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        """All faces of at least the set size in an (H, W, 3) uint8 BGR image, best score first.

        A stream gives its pyramid of the frame, so that all stages share the smaller images.
        """

    def expect(self, pyramid: Pyramid) -> None:  # noqa: B027, only one that works beside the loop makes use of it
        """A frame that `detect` will be asked for soon, in this order: time to begin, where that can be done beside."""

    def refine(self, image: np.ndarray | Pyramid, boxes: Sequence[Box]) -> tuple[Detection | None, ...]:
        """One answer per box: the face that is there now, with landmarks, or None when it is gone.

        boxes are where the faces are expected, in pixels of the (H, W, 3) image; they may lie off by
        a quarter of their size.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot refine")

    def close(self) -> None:  # noqa: B027, most have nothing to give back
        """Give back what the detector holds."""
