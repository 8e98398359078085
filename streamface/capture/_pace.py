"""Is the reader behind the camera? Then it must leave pictures out, or its delay grows for as long as it is slow."""

from __future__ import annotations

from collections import deque

BEHIND_S = 1.0
"""Seconds by which data may come later than it used to before pictures are left out; more where key frames are rarer,
because only from a key frame on can the next picture be shown: from that much on there is one in what is waiting."""
WINDOW_S = 60.0
"""The earliest arrival in so many seconds is what data used to take: longer, and a camera's clock that runs a little
slow would look like a delay."""
PACKETS = 15
"""Packets over which the time spent waiting is counted."""
MOST_IDLE = 0.2
"""A reader that waits for data more than this share of its time is not behind: the data itself comes late."""


class Pace:
    """Says which packets of a live stream to leave out, by the camera's time stamps and the time spent waiting."""

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque()  # (now, delay), delay rising: a sliding minimum
        self._waits: deque[tuple[float, float]] = deque(maxlen=PACKETS + 1)  # (now, waited)
        self._key_stamp: float | None = None
        self._key_interval_s = float("inf")
        self._skipping = False

    def skips(self, stamp: float, is_key: bool, now: float, waited_s: float) -> bool:
        """Whether to leave out the packet of that time stamp, which came at `now` after a wait of `waited_s`."""
        self._waits.append((now, waited_s))
        busy = self._is_busy()
        late_s = self._late_s(stamp, now, busy)
        if is_key:
            self._learn(stamp)
        if self._skipping:  # up to the newest key frame of those that wait
            self._skipping = not is_key or late_s > self._key_interval_s
        else:
            self._skipping = busy and late_s > max(BEHIND_S, 1.2 * self._key_interval_s)
        return self._skipping

    def _late_s(self, stamp: float, now: float, busy: bool) -> float:
        """By how much this packet came later than the earliest of the last minute in which the reader kept up."""
        delay_s = now - stamp
        jumped = self._least and abs(delay_s - self._least[0][1]) > WINDOW_S
        if jumped or (self._skipping and not busy):
            self._least.clear()  # the camera's clock jumped; or nothing lies waiting, so this is as early as it comes
        while self._least and self._least[-1][1] >= delay_s:
            self._least.pop()
        if not (self._least and busy):  # a busy reader's own delay is no measure
            self._least.append((now, delay_s))
        while len(self._least) > 1 and now - self._least[0][0] > WINDOW_S:
            self._least.popleft()
        return delay_s - self._least[0][1]

    def _learn(self, stamp: float) -> None:
        """How far apart the key frames are."""
        if self._key_stamp is not None and stamp > self._key_stamp:
            self._key_interval_s = stamp - self._key_stamp
        self._key_stamp = stamp

    def _is_busy(self) -> bool:
        passed_s = self._waits[-1][0] - self._waits[0][0]
        waited_s = sum(waited for _, waited in list(self._waits)[1:])
        return len(self._waits) > PACKETS and waited_s <= MOST_IDLE * passed_s
