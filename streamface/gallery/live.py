"""The gallery in use, which may be swapped for a newer one while it is being asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import numpy as np

from streamface.gallery.base import Row
from streamface.gallery.gallery import Gallery
from streamface.types import Match


class Follower(Protocol):
    """Keeps a gallery true to its folder; see `watch.Watcher`."""

    def change(self, made: Sequence[Row], gone: Collection[str] = ()) -> bool:
        """Put what was made of pictures in the folder into the gallery, and take others out of it, at once."""


class LiveGallery:
    """Holds one immutable `Gallery` at a time; threads may share it, and one of them may swap.

    A swap is one assignment, so that nobody who asks ever waits.
    """

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.edition = 0
        """Grows with each swap; whoever keeps answers asks again when it has grown."""
        self.follower: Follower | None = None
        """Who swaps; None for a folder that is not followed."""
        self._listeners: list[Callable[[], None]] = []

    def swap(self, gallery: Gallery) -> None:
        """Use `gallery` from now on."""
        self.gallery = gallery
        self.edition += 1  # after the gallery: who sees the new number also gets the new answers
        for told in self._listeners:
            told()

    def on_swap(self, told: Callable[[], None]) -> None:
        """Call `told` after each swap, in the thread that swaps."""
        self._listeners.append(told)

    def match(
        self, vectors: np.ndarray, metric: str, threshold: float, network: str | None = None
    ) -> tuple[Match, ...]:
        """As `Gallery.match`, of the gallery in use."""
        return self.gallery.match(vectors, metric, threshold, network)

    def thumbnail(self, photo: str, size_px: int) -> np.ndarray | None:
        """As `Gallery.thumbnail`, of the gallery in use."""
        return self.gallery.thumbnail(photo, size_px)
