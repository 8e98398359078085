"""What a predictor of age, gender, emotion or race is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from streamface.types import Attribute

FAMILIES = ("bundled", "published")
"""Whose networks answer: those that the package carries, or those that deepface publishes, which are downloaded."""

ACTIONS = ("age", "gender", "emotion", "race")
"""The attributes that can be asked for, in the order in which they are drawn and written."""


class AttributePredictor(ABC):
    """Turns aligned chips into attributes; not thread-safe, one thread at a time."""

    provides: tuple[str, ...]
    """Which of `ACTIONS` it answers."""

    @abstractmethod
    def predict(
        self, chips: np.ndarray, actions: Sequence[str], features: np.ndarray | None = None
    ) -> list[Mapping[str, Attribute]]:
        """One mapping of action to `Attribute` per chip.

        chips (N, S, S, 3) uint8 BGR as the recognition network's alignment makes them; `features` are that
        network's middle features of the same chips where one pass serves both, else None.
        """

    def predict_crops(self, images: Sequence[np.ndarray], actions: Sequence[str]) -> list[Mapping[str, Attribute]]:
        """What is told better from a whole picture that a face fills than from a chip of it; nothing by default.

        images: (H, W, 3) uint8 BGR of any sizes; one mapping of some of the actions each.
        """
        return [{} for _ in images]

    def passes(self, actions: Sequence[str]) -> list[tuple[str, ...]]:
        """Some of `provides`, grouped by what one pass of a network answers: each group is asked for, and timed, alone.

        By default all in one group.
        """
        return [tuple(actions)]

    def shares_features(self, actions: Sequence[str]) -> bool:
        """True where `predict` for these actions is cheaper with the recognition network's features."""
        return False

    def close(self) -> None:  # noqa: B027, most have nothing to give back
        """Give back what the networks hold."""
