"""What one frame may spend: a fixed number of looks for a file, for a live source what the time leaves."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

DETECTION_SHARE = 0.5
"""Largest part of the loop's time that goes into full detections: under overload the rest still follows people."""
LONG_DETECTION = 1.5
"""From so many frames' time on a full detection is too long to wait for: of two frames' time, people keep their numbers
as well when it is made beside the loop, of a longer one better (`benchmarks.tracking`)."""
LOOK_MS, DETECTION_MS, PERIOD_MS = 10.0, 40.0, 40.0
"""What is supposed until it has been measured: a look, a full detection at 1920x1080, the time between two frames."""
FOLLOW = 0.2
"""How far one measurement moves an average: some ten of them tell how fast the machine is now."""


class Budget(ABC):
    """Says yes or no to work that could also be done on a later frame."""

    @abstractmethod
    def begin(self, index: int, captured_at: float) -> None:
        """A new frame, with the number it has in its source."""

    @abstractmethod
    def allows_detection(self) -> bool:
        """Whether a full detection that is due may be done in this frame."""

    @property
    def detection_is_long(self) -> bool:
        """Whether a full detection takes so long that the next frames should not wait for it."""
        return False

    @abstractmethod
    def take_look(self, kinds: tuple[str, ...]) -> bool:
        """Whether one more face may be looked at in this frame, for these kinds; a yes counts as taken."""

    @abstractmethod
    def give_back(self) -> None:
        """The look that was allowed last is not made after all."""

    def detected(self, took_ms: float) -> None:  # noqa: B027, only what measures needs it
        """A full detection is done."""

    def answered(self, kinds: tuple[str, ...], took_ms: float) -> None:  # noqa: B027, as above
        """The oldest look that was taken is done."""


class FixedBudget(Budget):
    """The same for every frame and on every machine.

    looks: faces that may be looked at in one frame; None for all.
    """

    def __init__(self, looks: int | None = 2) -> None:
        self._looks = float("inf") if looks is None else looks
        self._left = self._looks

    def begin(self, index: int, captured_at: float) -> None:
        self._left = self._looks

    def allows_detection(self) -> bool:
        return True

    def take_look(self, kinds: tuple[str, ...]) -> bool:
        if self._left <= 0:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        self._left += 1


class LiveBudget(Budget):
    """What can be done until the next frame comes, by what the same work took lately.

    Looks are made beside the loop. So many are allowed that the worker should be through with them when the next
    frame is there, and one whenever it is idle: a slow machine looks at people more rarely, but no answer waits
    behind many others. A full detection waits while detections have taken more than `DETECTION_SHARE` of the time. One
    that takes longer than `LONG_DETECTION` frames is better made beside the loop.

    clock: seconds in the terms of `Frame.captured_at`.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._look_ms: dict[tuple[str, ...], float] = {}
        self._detection_ms, self._period_ms = DETECTION_MS, PERIOD_MS
        self._open_ms: deque[float] = deque()
        self._before: tuple[int, float] | None = None
        self._next_at = self._detected_at = -float("inf")

    def begin(self, index: int, captured_at: float) -> None:
        if self._before is not None and index > self._before[0] and captured_at > self._before[1]:
            between_ms = 1e3 * (captured_at - self._before[1]) / (index - self._before[0])
            self._period_ms = _followed(self._period_ms, between_ms)
        self._before = index, captured_at
        self._next_at = captured_at + self._period_ms / 1e3

    def allows_detection(self) -> bool:
        pause_s = self._detection_ms / 1e3 * (1 / DETECTION_SHARE - 1)
        return self._clock() >= self._detected_at + pause_s

    @property
    def detection_is_long(self) -> bool:
        return self._detection_ms > LONG_DETECTION * self._period_ms

    def take_look(self, kinds: tuple[str, ...]) -> bool:
        cost_ms = self._look_ms.get(kinds, LOOK_MS)
        left_ms = 1e3 * (self._next_at - self._clock())
        if self._open_ms and sum(self._open_ms) + cost_ms > left_ms:
            return False
        self._open_ms.append(cost_ms)
        return True

    def give_back(self) -> None:
        self._open_ms.pop()

    def detected(self, took_ms: float) -> None:
        self._detection_ms = _followed(self._detection_ms, took_ms)
        self._detected_at = self._clock()

    def answered(self, kinds: tuple[str, ...], took_ms: float) -> None:
        if self._open_ms:
            self._open_ms.popleft()
        self._look_ms[kinds] = _followed(self._look_ms.get(kinds, took_ms), took_ms)


def _followed(average: float, measured: float) -> float:
    return average + FOLLOW * (measured - average)
