"""The emotion of a face, by the small network that this project trained on FER2013 (docs/models/emotion.md)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from streamface import geometry
from streamface.networks import emotion_cnn
from streamface.pyramid import Pyramid
from streamface.runtime.session import Session

LABELS = emotion_cnn.LABELS
MODEL = Path(__file__).resolve().parents[1] / "bundled" / "emotion.tflite"

TEMPLATE = np.array([[0.3107, 0.3854], [0.6893, 0.3854], [0.5, 0.605], [0.3445, 0.7879], [0.6555, 0.7879]], np.float32)
"""(5, 2): where the landmarks lie on FER2013's pictures, in fractions of the side (training/emotion_template.py)."""


class EmotionPredictor:
    """Probabilities of seven emotions; not thread-safe, one thread at a time.

    Args:
        chip_template: (5, 2) where the landmarks lie on the chips that `predict` gets, in fractions of their side.
        model: LiteRT file or bytes; None for the carried one. Raises `WeightsError` when it is not one.
        threads: threads of one pass.
        mirror: average each answer with that to the mirror image, which is right on one face in a hundred more.
    """

    def __init__(
        self, chip_template: np.ndarray, model: Path | bytes | None = None, threads: int = 1, mirror: bool = True
    ) -> None:
        self._mirror = mirror
        self._chip_template = np.asarray(chip_template, np.float32)
        self._session = Session(MODEL if model is None else model, threads)

    def predict(self, faces: np.ndarray) -> np.ndarray:
        """(N, 7) float32 probabilities in the order of `LABELS`, for (N, S, S, 3) uint8 BGR aligned chips."""
        side = faces.shape[1]
        transform = geometry.similarity(self._chip_template * side, TEMPLATE * emotion_cnn.INPUT_PX)
        return self._run([Pyramid(face).warped(transform, emotion_cnn.INPUT_PX) for face in faces])

    def predict_crops(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(N, 7) as `predict`, for (H, W, 3) uint8 BGR pictures that a face fills, of any size."""
        return self._run([_resized(image) for image in images])

    def _run(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        rows = [self._answer(_grey(picture)) for picture in pictures]
        return np.concatenate([np.empty((0, len(LABELS)), np.float32), *rows])

    def _answer(self, grey: np.ndarray) -> np.ndarray:
        first = self._pass(grey)
        return (first + self._pass(grey[:, ::-1])) / 2 if self._mirror else first

    def _pass(self, grey: np.ndarray) -> np.ndarray:
        """(1, 7), one by one: on a CPU a batch saves nothing, and a change of batch size costs more than a face."""
        return self._session.run(np.ascontiguousarray(grey)[None, ..., None])[0]


def _resized(image: np.ndarray) -> np.ndarray:
    import cv2

    side = emotion_cnn.INPUT_PX
    shrinks = min(image.shape[:2]) > side
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _grey(picture: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
