"""MTCNN with five landmarks, its three networks run through LiteRT.

Method: Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks",
IEEE Signal Processing Letters 2016: P-Net proposes over a pyramid of sizes, R-Net rejects, O-Net refines and
places the landmarks. Between full detections, `refine` runs O-Net alone on the boxes where faces are expected.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streamface import geometry
from streamface.detection.base import Detector
from streamface.networks import mtcnn as networks
from streamface.pyramid import Pyramid
from streamface.runtime.convert import Network
from streamface.runtime.session import Session
from streamface.settings import DetectionSettings, RuntimeSettings
from streamface.types import Box, Detection

NAME = "MTCNN"

CELL_PX = 12
"""P-Net's window: a face of the smallest size is brought to this many pixels."""
STRIDE_PX = 2
PYRAMID_FACTOR = 0.709
"""Ratio of one size to the next: half the area, as published."""
PROPOSAL_SCORE, REJECTION_SCORE, GONE_SCORE = 0.85, 0.7, 0.6
"""Least scores of P-Net and R-Net; below the last, a refined face is gone.

Published for P-Net is 0.6: it lets twice as many proposals through, and on lfw_dev and the crowd clip not one
face more comes of it.
"""
FINEST, FINEST_SCORE = 1 / PYRAMID_FACTOR, 0.6
"""The finest size at which P-Net looks shows faces of so many times the smallest size as large as its window, and there
this score is enough.

P-Net sees faces of 0.7 windows nearly as well as whole ones, so the size above, half of all the work, is left out. On
lfw_dev, the ten tracking clips and the pictures of benchmarks/detection.py nothing is lost.
"""
MIN_SCORE = 0.8
"""Least score of a face unless it is set."""
BATCHES = (4, 1)
"""Batch sizes that are kept ready, of which others are put together. R- and O-Net take as long for a cut-out in a batch
of one as in one of 128, and the memory of large ones came in steps of up to 50 MB with the first crowd."""

KEPT_SESSIONS, KEPT_PASSES = 32, 1000
"""Sessions held, the latest used, and passes of all of them for which one that is not used stays, some minutes of a
stream: pictures of ever new sizes would otherwise add some 20 MB each, a size that 640x360 is taken for once 4 MB."""


def required(settings: DetectionSettings) -> tuple[Network, ...]:
    """The networks to convert before `create`."""
    return tuple(
        Network(
            name,
            networks.__name__,
            "build",
            (name,),
            str(networks.weights_file(name)),
            (1, side or 40, side or 40, 3),
        )
        for name, side in networks.INPUT_PX.items()
    )


def create(settings: DetectionSettings, runtime: RuntimeSettings) -> Mtcnn:
    """The detector; its networks must have been converted."""
    pnet, rnet, onet = (network.path().read_bytes() for network in required(settings))
    return Mtcnn(
        (pnet, rnet, onet),
        settings.min_face_px,
        MIN_SCORE if settings.min_score is None else settings.min_score,
        runtime.threads,
    )


class Mtcnn(Detector):
    """The cascade of three networks.

    Args:
        models: LiteRT bytes of P-, R- and O-Net.
        min_face_px: smallest face looked for.
        min_score: least score of O-Net, 0..1.
        threads: threads of one network.
    """

    can_refine = True

    def __init__(self, models: tuple[bytes, bytes, bytes], min_face_px: float, min_score: float, threads: int) -> None:
        self.min_face_px, self.min_score = min_face_px, min_score
        self._models, self._threads = dict(zip("pro", models, strict=True)), threads
        self._sessions: dict[tuple[str, object], tuple[Session, int]] = {}
        """By what they are for, the latest used last; and the number of the pass they were last used for."""
        self._passes = 0

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        pyramid = Pyramid.of(image)
        boxes = self._propose(pyramid)
        boxes = self._reject(pyramid, boxes)
        boxes, scores, _ = self._place(pyramid, boxes)
        kept = scores >= self.min_score
        kept &= boxes[:, 3] - boxes[:, 1] >= 0.8 * self.min_face_px  # a window's face is up to a fifth smaller
        boxes, scores = boxes[kept], scores[kept]
        best = geometry.suppress_nested(boxes, scores, 0.7)
        # Once more on its own answer, as between detections: the landmarks gain 0.3 points of verification.
        placed, _, landmarks = self._place(pyramid, boxes[best])
        return tuple(map(_detection, placed, scores[best], landmarks))

    def refine(self, image: np.ndarray | Pyramid, boxes: Sequence[Box]) -> tuple[Detection | None, ...]:
        if not boxes:
            return ()
        placed, scores, landmarks = self._place(Pyramid.of(image), geometry.boxes_array(boxes))
        return tuple(
            _detection(placed[i], scores[i], landmarks[i]) if scores[i] >= GONE_SCORE else None
            for i in range(len(boxes))
        )

    def close(self) -> None:
        self._sessions.clear()

    def _propose(self, pyramid: Pyramid) -> np.ndarray:
        """(N, 4) boxes from P-Net over all sizes."""
        height, width = pyramid.image.shape[:2]
        found, sizes = [np.empty((0, 5))], _sizes((width, height), self.min_face_px)
        for size_wh in sizes:
            image = pyramid.resized(size_wh) if size_wh[0] <= width else _enlarged(pyramid.image, size_wh)
            answer = self._session("p", size_wh).run(image[None].astype(np.float32))[0][0]
            least = FINEST_SCORE if size_wh == sizes[0] else PROPOSAL_SCORE
            found.append(_proposals(answer, least, width / size_wh[0], height / size_wh[1]))
        rows = np.concatenate(found)
        return rows[geometry.suppress(rows[:, :4], rows[:, 4], 0.7), :4]

    def _reject(self, pyramid: Pyramid, boxes: np.ndarray) -> np.ndarray:
        """The (N, 4) boxes that R-Net takes for faces, moved as it says."""
        squares = _squared(boxes)
        answer = self._run("r", pyramid, squares)
        scores = _sigmoid(answer[:, -1])
        kept = scores >= REJECTION_SCORE
        moved = _moved(squares[kept], answer[kept, :4])
        return moved[geometry.suppress(moved, scores[kept], 0.7)]

    def _place(self, pyramid: Pyramid, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N, 4) boxes, (N,) scores and (N, 5, 2) landmarks from O-Net."""
        squares = _squared(boxes)
        answer = self._run("o", pyramid, squares)
        corner, size = squares[:, None, :2], (squares[:, 2:] - squares[:, :2])[:, None]
        landmarks = corner + size * np.stack([answer[:, 4:9], answer[:, 9:14]], -1)
        return _moved(squares, answer[:, :4]), _sigmoid(answer[:, -1]), landmarks.astype(np.float32)

    def _run(self, network: str, pyramid: Pyramid, squares: np.ndarray) -> np.ndarray:
        """(N, outputs) of R- or O-Net on the cut-outs of (N, 4) boxes."""
        side = {"r": 24, "o": 48}[network]
        outputs, start = [np.empty((0, {"r": 5, "o": 15}[network]), np.float32)], 0
        while left := len(squares) - start:
            size = next(size for size in BATCHES if size <= left)
            batch = pyramid.squares(squares[start : start + size], side).astype(np.float32)
            outputs.append(self._session(network, size).run(batch)[0])
            start += size
        return np.concatenate(outputs)

    def _session(self, network: str, shape: object) -> Session:
        """A session of its own for each input shape, so that none is set up anew from frame to frame."""
        key = network, shape
        found, _ = self._sessions.pop(key, None) or (Session(self._models[network], self._threads), 0)
        self._passes += 1
        self._sessions[key] = found, self._passes
        oldest = next(iter(self._sessions))
        if len(self._sessions) > KEPT_SESSIONS or self._passes - self._sessions[oldest][1] > KEPT_PASSES:
            del self._sessions[oldest]
        return found


def _sizes(size_wh: tuple[int, int], min_face_px: float) -> list[tuple[int, int]]:
    """Widths and heights at which P-Net looks at an image, largest first."""
    # In a picture not much larger than a face the finest size costs nothing, and the next may not fit.
    finest = FINEST if min(size_wh) >= 3 * min_face_px else 1.0
    scale, found = CELL_PX / (finest * min_face_px), []
    while min(size_wh) * scale >= CELL_PX:
        found.append((round(size_wh[0] * scale), round(size_wh[1] * scale)))
        scale *= PYRAMID_FACTOR
    return list(dict.fromkeys(found))


def _proposals(answer: np.ndarray, least: float, ratio_x: float, ratio_y: float) -> np.ndarray:
    """(N, 5) boxes in frame pixels and scores from P-Net's (rows, columns, 5) answer at one size."""
    logit = np.log(least / (1 - least))
    rows, columns = np.nonzero(answer[:, :, 4] >= logit)
    hits = answer[rows, columns].astype(np.float64)
    corner = np.stack([columns, rows], 1) * STRIDE_PX
    boxes = np.hstack([corner, corner + CELL_PX]) + CELL_PX * hits[:, :4]
    boxes *= (ratio_x, ratio_y, ratio_x, ratio_y)
    kept = geometry.suppress(boxes, hits[:, 4], 0.5)
    return np.hstack([boxes, _sigmoid(hits[:, 4:])])[kept]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -60, 60).astype(np.float64)))


def _squared(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) squares around the same middles, as large as the longer side."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.max(boxes[:, 2:] - boxes[:, :2], axis=1, initial=0, keepdims=True) / 2
    return np.hstack([middle - half, middle + half])


def _moved(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(N, 4) boxes with each edge moved by its offset, in widths and heights."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes + offsets * np.hstack([size, size])


def _enlarged(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    import cv2

    return cv2.resize(image, size_wh, interpolation=cv2.INTER_LINEAR)


def _detection(box: np.ndarray, score: float, landmarks: np.ndarray) -> Detection:
    return Detection(Box(*map(float, box)), float(score), landmarks)
