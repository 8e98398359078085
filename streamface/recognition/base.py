"""What a recognition network is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

METRICS = ("cosine", "euclidean", "euclidean_l2")
"""1 - cosine; the length of the difference; the same after both vectors are brought to length 1."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkSpec:
    """The facts of a network that the rest of the program needs; one constant in each backend's file."""

    name: str
    """Public name, as printed and as kept beside embeddings."""
    input_px: int
    """Side of the square chip."""
    dimensions: int
    """Length of the embedding."""
    template: np.ndarray
    """(5, 2) float32: where the landmarks lie on the chip, in fractions of its side."""
    thresholds: Mapping[str, float]
    """Largest distance that names somebody, per metric: strict, at about one false match in 1,000 comparisons."""
    verify_thresholds: Mapping[str, float] | None = None
    """Largest distance between two pictures of one person, per metric: where verification makes fewest mistakes.

    None for a network with one set of published thresholds for both.
    """
    weights: str = ""
    """Which weights, for a network that has several: 'carried', 'published' or a file's name."""
    version: str = "1"
    """Changes when embeddings are no longer comparable with older ones: chips, weights or code."""


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """What one pass gives for N chips."""

    embeddings: np.ndarray
    """(N, D) float32."""
    features: np.ndarray | None = None
    """(N, h, w, c) float32 from the middle of the network, for attribute heads that share it; else None."""


class Recognizer(ABC):
    """A network that turns aligned chips into embeddings; not thread-safe, one thread at a time."""

    spec: NetworkSpec

    @abstractmethod
    def forward(self, chips: np.ndarray) -> Forward:
        """One pass over (N, S, S, 3) uint8 BGR chips, N >= 0; S is `spec.input_px`."""

    def embed(self, chips: np.ndarray, mirror: bool = False, first: Forward | None = None) -> np.ndarray:
        """(N, D) float32 embeddings of (N, S, S, 3) uint8 BGR chips.

        With `mirror`, the mean of each chip and its mirror image, brought to length 1: a little more accurate at
        twice the time. `first` is the pass over the chips themselves where it has been made already.
        """
        first = first or self.forward(chips)
        if not mirror or not len(chips):
            return first.embeddings
        second = self.forward(np.ascontiguousarray(chips[:, :, ::-1]))
        return unit(unit(first.embeddings) + unit(second.embeddings))

    def close(self) -> None:  # noqa: B027, most have nothing to give back
        """Give back what the network holds."""


def unit(vectors: np.ndarray) -> np.ndarray:
    """(N, D) vectors brought to length 1; a zero vector stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
