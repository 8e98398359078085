"""The usable pictures of a gallery by column, with their embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from streamface.gallery.base import Row
from streamface.gallery.matrix import Matrix, lengths, panels, stacked
from streamface.gallery.pictures import Pictures
from streamface.geometry import boxes_array
from streamface.types import Box


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What enrolment knows of the pictures of a folder, the faces apart."""

    pictures: Pictures
    used: np.ndarray
    """(pictures,) bool: those with a face to match against."""
    reasons: dict[int, str]
    """Number of an unusable picture -> why; one that is in neither could not be opened, and is tried again."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The faces of some pictures, a multiple of 64 of them except in the last block."""

    boxes: np.ndarray
    """(n, 4) float64."""
    qualities: np.ndarray
    """(n,) float64."""
    panels: np.ndarray
    """(k, D, 64) float32, as in `Matrix`."""
    lengths: np.ndarray
    """(k, 64) float32."""

    @classmethod
    def of(cls, boxes: np.ndarray, qualities: np.ndarray, vectors: np.ndarray) -> Block:
        """The block of (n, D) float32 `vectors`."""
        made = panels(vectors)
        return cls(boxes, qualities, made, lengths(made))


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """N usable rows, ordered by person and path."""

    pictures: Pictures
    boxes: np.ndarray
    """(N, 4) float64: the faces, in pixels of their pictures."""
    qualities: np.ndarray
    """(N,) float64."""
    matrix: Matrix

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Table:
        """`rows`, all usable, in any order; raises `SettingsError` for embeddings that do not belong together."""
        ordered = sorted(rows, key=lambda row: (row.photo.identity, row.photo.path))
        boxes = boxes_array(row.box for row in ordered)
        qualities = np.array([row.quality for row in ordered], np.float64)
        matrix = Matrix.of(stacked([row.vector for row in ordered]))
        return cls(Pictures.of([row.photo for row in ordered]), boxes, qualities, matrix)

    @classmethod
    def joined(cls, pictures: Pictures, blocks: Iterable[Block]) -> Table:
        """The faces of `pictures` in blocks, in order."""
        parts = list(blocks)
        if not parts:
            return cls.of(())
        joined = [np.concatenate([getattr(part, name) for part in parts]) for name in Block.__slots__]
        return cls(pictures, *joined[:2], Matrix(*joined[2:], len(joined[1])))

    def __len__(self) -> int:
        return len(self.qualities)

    def row(self, index: int) -> Row:
        """One picture with its face."""
        box, vector = Box(*self.boxes[index].tolist()), self.matrix.take(np.array([index]))[0]
        return Row(self.pictures.photo(index), None, box, float(self.qualities[index]), vector)
