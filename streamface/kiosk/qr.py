"""QR codes held before the camera, whose text is the name that somebody claims."""

from __future__ import annotations

import numpy as np

EVERY_S = 0.2
"""Seconds between two looks for a code: one takes 5 to 30 ms."""
WIDEST_PX = 1280
LONGEST = 200
"""Characters of a name; a longer text is none."""


class QrReader:
    """Looks for a QR code in frames, some times a second."""

    def __init__(self) -> None:
        import cv2

        self._detector = cv2.QRCodeDetector()
        self._looked_at = float("-inf")

    def read(self, image: np.ndarray, at: float) -> str | None:
        """The name in a code in an (H, W, 3) uint8 BGR picture taken at `at`; None for none, or too soon to look."""
        if 0 <= at - self._looked_at < EVERY_S:
            return None
        self._looked_at = at
        return cleaned(self._decoded(image))

    def _decoded(self, image: np.ndarray) -> str:
        import cv2

        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if grey.shape[1] > WIDEST_PX:
            size = WIDEST_PX, round(grey.shape[0] * WIDEST_PX / grey.shape[1])
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        try:
            return self._detector.detectAndDecode(grey)[0]
        except (cv2.error, UnicodeDecodeError):  # a damaged code
            return ""


def cleaned(text: str) -> str | None:
    """A claimed name as one line of printable text; None where nothing is left, or too much."""
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return name if 0 < len(name) <= LONGEST else None
