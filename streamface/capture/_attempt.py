"""One connection to a camera, by the clock; and the readers that could not be ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from streamface.capture._wire import Ended

SLACK_S = 1.0
"""How much later than the reader's own timeouts it counts as hanging: they give a better reason."""
START_S = 20.0
"""How long a reader's process may take to start, on a machine that is busy."""
AWAY_S = 40.0
"""How long a reader may wait for a camera that is away, beyond its delay, before it tries."""
STALL_S, STALL_INTERVALS = 2.0, 4
"""No picture for so long, and for so many times the longest of the last intervals: the camera stalls."""
MOST_ABANDONED = 3
"""Readers that not even killing ended, beyond which no new one is started: each may hold a device and memory."""


class Reader(Protocol):
    """What reads a camera beside the program."""

    def close(self, politely: bool) -> bool:
        """End it within a second or two; False when it does not end."""

    def is_gone(self) -> bool:
        """True when nothing of it is left."""


class Attempt:
    """From the start of one reader to its end.

    timeout_s: to open, and for each picture. delay_s: what the reader waits before it connects.
    """

    def __init__(self, timeout_s: float, delay_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout_s, self._clock = timeout_s, clock
        self._latest = clock() + START_S + delay_s + (AWAY_S if delay_s else 0.0)
        self._first_at = self._last_at = clock()
        self._intervals: deque[float] = deque(maxlen=10)
        self.tried = False
        self.pictures = 0
        self.is_live = True
        self.ended: Ended | None = None

    def begin(self) -> None:
        """The reader connects now, or the program keeps it waiting: its time begins again."""
        self.tried = True
        self._last_at = self._clock()
        self._latest = self._last_at + self._timeout_s + SLACK_S

    def picture(self) -> None:
        """A picture came."""
        now = self._clock()
        if self.pictures:
            self._intervals.append(now - self._last_at)
        else:
            self._first_at = now
        self.pictures += 1
        self._last_at = now
        self._latest = now + self._timeout_s + SLACK_S

    def quiet_s(self) -> float:
        """Seconds since the last picture, or since the reader connects."""
        return self._clock() - self._last_at

    def lived_s(self) -> float:
        """Seconds from the first picture to the last."""
        return self._last_at - self._first_at if self.pictures else 0.0

    def is_stalled(self) -> bool:
        """True when a picture is missing that should have come."""
        usual_s = max(self._intervals, default=0.0)
        return self.pictures > 0 and self.quiet_s() > max(STALL_S, STALL_INTERVALS * usual_s)

    def is_overdue(self) -> bool:
        """True when the reader should have given a picture or ended, and has not."""
        return self._clock() > self._latest


class Readers:
    """Ends readers, and counts those that do not end: hung inside the system, where nothing reaches them."""

    def __init__(self) -> None:
        self.abandoned: list[Reader] = []

    def dismiss(self, reader: Reader, politely: bool) -> None:
        """End a reader, or leave it behind."""
        if not reader.close(politely):
            self.abandoned.append(reader)

    def are_too_many(self) -> bool:
        """True while `MOST_ABANDONED` readers hang; looks at them again."""
        self.abandoned = [reader for reader in self.abandoned if not reader.is_gone()]
        return len(self.abandoned) >= MOST_ABANDONED
