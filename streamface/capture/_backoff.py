"""How long to wait between two attempts at a camera."""

from __future__ import annotations

import random

FIRST_S, MOST_S = 0.5, 30.0
JITTER = 0.2
"""Share by which each wait is made longer or shorter at random, so that many cameras do not come back in step."""
FORGIVE_S = 1.0
"""Seconds of pictures that make up for one doubling, so that ten make up for all. It is the attempt without a picture
that a camera is to be spared: one that runs for ten seconds and drops the connection is back after half a second, one
that drops it at once waits longer each time."""


class Backoff:
    """Doubles the wait from `FIRST_S` to `MOST_S` seconds with each failure."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._doublings = 0

    def failed(self, lived_s: float = 0.0) -> float:
        """Seconds to wait after a connection that gave pictures for `lived_s`."""
        self._doublings = max(0, self._doublings - int(lived_s / FORGIVE_S))
        wait_s = min(MOST_S, FIRST_S * 2**self._doublings)
        self._doublings = min(self._doublings + 1, 10)
        return min(MOST_S, wait_s * self._chance.uniform(1 - JITTER, 1 + JITTER))

    def reset(self) -> None:
        """Begin anew: the camera was away and is back."""
        self._doublings = 0
