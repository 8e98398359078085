"""How far two embeddings lie apart."""

from __future__ import annotations

import numpy as np

from streamface.errors import SettingsError
from streamface.plugins import choose

METRICS = ("cosine", "euclidean", "euclidean_l2")
"""1 - cosine; the length of the difference; the same after both vectors are brought to length 1."""

TINY = 1e-12
"""Shortest length that a vector is divided by: a zero vector stays zero and is as far from all as a right angle."""


def distance(a: np.ndarray, b: np.ndarray, metric: str) -> np.ndarray:
    """Distances of (..., D) and (..., D) embeddings, broadcast against each other, in float64.

    Metrics as in `METRICS`, spelled in any way; cosine lies in 0..2, euclidean_l2 too. Raises `UnknownNameError`
    for another metric, `SettingsError` for embeddings of unequal length or with values that are no numbers.
    """
    metric = choose("metric", metric, METRICS)
    a, b = checked(a), checked(b)
    if a.shape[-1] != b.shape[-1]:
        raise SettingsError(f"embeddings of {a.shape[-1]} and {b.shape[-1]} values: compare within one network")
    return _distance(np.asarray(a, np.float64), np.asarray(b, np.float64), metric)


def _distance(a: np.ndarray, b: np.ndarray, metric: str) -> np.ndarray:
    if metric == "euclidean":
        return np.linalg.norm(a - b, axis=-1)
    a, b = unit(a), unit(b)
    if metric == "euclidean_l2":
        return np.linalg.norm(a - b, axis=-1)
    return np.maximum(1.0 - (a * b).sum(axis=-1), 0.0)


AVERAGED = 1 / 3
"""How much nearer to everybody a mean of embeddings lies, as a cosine distance, per part of agreement that its views
lack. On lfw_dev, photographs shrunk to five sizes: one view lies within 0.070 of one stranger in 1,000, means of
several within 0.066, 0.064 and 0.060 where the views agree by 0.993, 0.983 and 0.974. Averaging without this triples
the wrong names."""


def between(a: np.ndarray, b: np.ndarray, metric: str) -> np.ndarray:
    """(M, N) float32 distances of each of (M, D) from each of (N, D), by one matrix product; off by 1e-3 near 0."""
    if metric == "euclidean":
        squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * (a @ b.T)
        return np.sqrt(np.maximum(squares, 0.0))
    cosine = np.maximum(1.0 - unit(a) @ unit(b).T, 0.0)
    return cosine if metric == "cosine" else np.sqrt(2.0 * cosine)


def tightened(threshold: float, metric: str, agreement: float, length: float = 1.0) -> float:
    """The threshold for a mean of views, so that a stranger is as seldom within it as within `threshold` for one view.

    agreement: length of the mean of the views' directions, 0..1; 1 for one view. length: of the mean, which matters for
    the metric euclidean.
    """
    less = AVERAGED * (1.0 - agreement)
    if metric == "cosine":
        return max(0.0, threshold - less)
    scale = length if metric == "euclidean" else 1.0
    return scale * max(0.0, (threshold / scale) ** 2 - 2 * less) ** 0.5  # of unit vectors |a - b|^2 is twice the cosine


def unit(vectors: np.ndarray) -> np.ndarray:
    """(..., D) vectors brought to length 1; a zero vector stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), TINY)


def checked(vectors: np.ndarray) -> np.ndarray:
    """`vectors` as an array of finite numbers; raises `SettingsError` otherwise."""
    vectors = np.asarray(vectors)
    if vectors.ndim == 0 or vectors.dtype.kind not in "fiu":
        raise SettingsError(f"an embedding must be a row of numbers, not {vectors.dtype} of shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise SettingsError("an embedding holds values that are no numbers: leave that face out")
    return vectors
