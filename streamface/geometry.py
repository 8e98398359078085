"""Boxes and points: overlap, non-maximum suppression, similarity transforms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from streamface.types import Box


def boxes_array(boxes: Iterable[Box]) -> np.ndarray:
    """(N, 4) float64 of left, top, right, bottom."""
    return np.array([(b.left, b.top, b.right, b.bottom) for b in boxes], dtype=np.float64).reshape(-1, 4)


def areas(boxes: np.ndarray) -> np.ndarray:
    """(N,) areas of (N, 4) boxes; 0 where a box is turned inside out."""
    return np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)


def intersections(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) areas shared by each of (N, 4) and each of (M, 4) boxes."""
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    return np.maximum(width, 0) * np.maximum(height, 0)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) intersection over union of (N, 4) and (M, 4) boxes, 0..1."""
    shared = intersections(a, b)
    union = areas(a)[:, None] + areas(b)[None, :] - shared
    return shared / np.maximum(union, 1e-9)


def coverage(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) intersection over the smaller of the two areas, 0..1: 1 when one box lies inside the other."""
    return intersections(a, b) / np.maximum(np.minimum(areas(a)[:, None], areas(b)[None, :]), 1e-9)


def suppress(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Greedy non-maximum suppression: a box goes when its IoU with a better one is above `threshold`.

    boxes (N, 4), scores (N,). Returns the kept indices, best first.
    """
    import cv2

    if not len(boxes):
        return np.empty(0, np.intp)
    left_top_size = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    # OpenCV leaves out scores that are not above 0; only their order matters here, so lift them.
    kept = cv2.dnn.NMSBoxes(left_top_size, scores - np.min(scores) + 1.0, 0.0, threshold)
    return np.asarray(kept, np.intp)


def suppress_nested(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """As `suppress`, measured by `coverage`: it also takes a small box inside a large one."""
    order, kept = np.argsort(-scores, kind="stable"), []
    overlap = coverage(boxes, boxes) > threshold
    for i in order:
        if not overlap[i, kept].any():
            kept.append(i)
    return np.array(kept, np.intp)


def similarity(source: np.ndarray, target: np.ndarray, weights: Sequence[float] | None = None) -> np.ndarray:
    """The rotation, uniform scale and shift that brings points nearest to others in the least-squares sense.

    source and target (N, 2), N >= 2; weights (N,), how much each point counts (None: all the same).
    Returns (2, 3) float64. No mirroring.
    Method: Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE PAMI 1991; in the plane it has the closed form used here.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    share = np.ones(len(source)) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()
    mean_s, mean_t = share @ source, share @ target
    s, t, w = source - mean_s, target - mean_t, share[:, None]
    spread = max((w * s * s).sum(), 1e-12)
    a = (w * s * t).sum() / spread
    b = (share * (s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0])).sum() / spread
    linear = np.array([[a, -b], [b, a]])
    return np.hstack([linear, (mean_t - linear @ mean_s)[:, None]])


def transform_points(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, 2) points moved by a (2, 3) transform, float32."""
    return (np.asarray(points, np.float64) @ transform[:, :2].T + transform[:, 2]).astype(np.float32)
