"""A face without a picture, as a file in a person's folder: what is left of a stranger who got a name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streamface.errors import ImageError
from streamface.types import readonly

SUFFIX = ".embedding"
"""Of such files; their content is JSON."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptFace:
    """What such a file holds."""

    network: str
    quality: float
    vector: np.ndarray
    """(D,) float32, read-only."""


def coded(face: KeptFace) -> bytes:
    """The content of a file."""
    entry = {"network": face.network, "quality": round(face.quality, 4), "embedding": face.vector.tolist()}
    return json.dumps(entry).encode()


def read(path: Path) -> KeptFace:
    """Read a face; raises `ImageError` for a file that is none, `OSError` for one that cannot be opened."""
    data = path.read_bytes()
    try:
        entry = json.loads(data)
        vector = np.array(entry["embedding"], np.float32)
        if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
            raise ValueError("its embedding is not a row of numbers")
        return KeptFace(str(entry["network"]), float(entry["quality"]), readonly(vector))
    except (ValueError, TypeError, KeyError) as error:
        raise ImageError(f"the file holds no embedding ({error}): delete it, or use a picture") from error
