"""What a layer of the overlay is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from streamface.types import FrameResult


class Layer(ABC):
    """Draws one kind of thing; layers run in order over the one copy of the frame."""

    @abstractmethod
    def draw(self, canvas: np.ndarray, result: FrameResult) -> None:
        """Draw onto `canvas`, an (H, W, 3) uint8 BGR copy of the frame, in place."""
