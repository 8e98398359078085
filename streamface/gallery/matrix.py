"""Embeddings laid out so that a few faces are multiplied with a million of them at the speed of memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamface.errors import SettingsError
from streamface.gallery.distances import TINY, checked

PANEL = 64
"""Embeddings side by side in one panel.

8 faces against 1,000,000 embeddings of 128 values, one thread: 52 ms in panels of 64, 79 ms in one matrix by columns,
97 ms by rows (OpenBLAS 0.3.31, AVX-512). A product this small goes past the repacking that BLAS does for larger ones.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """N embeddings of D float32 values; read-only, may lie in a file mapped into memory."""

    panels: np.ndarray
    """(K, D, 64): embedding i is `panels[i // 64, :, i % 64]`; the last panel is filled up with zeros."""
    lengths: np.ndarray
    """(K, 64) float32, at least `TINY`."""
    count: int
    """N."""

    @classmethod
    def of(cls, vectors: np.ndarray) -> Matrix:
        """(N, D) `vectors`; raises `SettingsError` for values that are no numbers."""
        if not len(vectors):
            return cls(np.zeros((0, 0, PANEL), np.float32), np.zeros((0, PANEL), np.float32), 0)
        made = panels(checked(vectors))
        return cls(made, lengths(made), len(vectors))

    @property
    def shape(self) -> tuple[int, int]:
        """(N, D)."""
        return self.count, self.panels.shape[1]

    @property
    def longest(self) -> float:
        """Length of the longest embedding."""
        return float(self.lengths.max(initial=0))

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(R, D) float32 copies of the embeddings at (R,) `rows`."""
        rows = np.asarray(rows)
        return np.ascontiguousarray(self.panels[rows // PANEL, :, rows % PANEL])

    def all(self) -> np.ndarray:
        """(N, D) float32."""
        count, dimensions, width = self.panels.shape
        return self.panels.transpose(0, 2, 1).reshape(count * width, dimensions)[: self.count]


def panels(vectors: np.ndarray) -> np.ndarray:
    """(K, D, 64) float32 of (N, D) `vectors`."""
    count, dimensions = vectors.shape
    padded = np.zeros((-(-count // PANEL) * PANEL, dimensions), np.float32)
    padded[:count] = vectors
    return np.ascontiguousarray(padded.reshape(-1, PANEL, dimensions).transpose(0, 2, 1))


def lengths(made: np.ndarray) -> np.ndarray:
    """(K, 64) float32 lengths of the embeddings in (K, D, 64) panels."""
    found = np.empty((len(made), PANEL), np.float32)
    for start in range(0, len(made), 64):
        part = made[start : start + 64].astype(np.float64)
        found[start : start + 64] = np.sqrt((part * part).sum(axis=1))
    return np.maximum(found, np.float32(TINY))


def stacked(vectors: list[np.ndarray]) -> np.ndarray:
    """(N, D) of N vectors; raises `SettingsError` where they differ in length."""
    found = {len(vector) for vector in vectors}
    if len(found) > 1:
        raise SettingsError(f"embeddings of {len(found)} lengths in one gallery: build it from one network")
    return np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)
