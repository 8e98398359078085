"""The thread that takes events from the queue to their receiver."""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable

from streamface.sinks._outbox import Letter, Outbox, SenderLock
from streamface.sinks._receiver import Outcome, Receiver

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 20.0
"""From a failure to the next try: twice as long each time."""
MOST_RETRY_AFTER_S = 300.0
"""The longest pause that a receiver may ask for."""
IDLE_S = 1.0
"""Seconds between two looks for events of other processes."""
REFUSALS = frozenset({400, 406, 409, 413, 414, 415, 422})
"""Answers that are about this one event, rather than about the receiver, which may be mended."""
MOST_REFUSALS = 3
"""After so many of them an event is put aside."""

log = logging.getLogger(__name__)


class Bell:
    """Wakes the sender when there is something to send, or when it is to end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._news = False
        self._end: float | None = None

    def ring(self) -> None:
        """There is something to send."""
        with self._changed:
            self._news = True
            self._changed.notify_all()

    def end(self, within_s: float) -> None:
        """Send what can be sent at once, for so long at most, and end."""
        with self._changed:
            if self._end is None:
                self._end = time.monotonic() + within_s
            self._changed.notify_all()

    @property
    def ending(self) -> bool:
        """Whether `end` was called."""
        return self._end is not None

    @property
    def ended(self) -> bool:
        """Whether the time of `end` is over."""
        return self._end is not None and time.monotonic() >= self._end

    def wait_for_news(self, seconds: float) -> None:
        """Until there is something to send, or it is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._news or self._end, seconds)
            self._news = False

    def pause(self, seconds: float) -> None:
        """Whatever comes, except the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._end, seconds)


class Sender:
    """Sends the events of a queue, the oldest first, until the bell says that it is to end."""

    def __init__(self, receiver: Receiver, outbox: Outbox, lock: SenderLock, bell: Bell) -> None:
        self._receiver, self._outbox, self._lock, self._bell = receiver, outbox, lock, bell
        self._pause_s = FIRST_PAUSE_S
        self._problems: set[str] = set()  # said since the receiver last took an event
        self._arrived: int | None = None
        self._refused, self._refusals = 0, 0

    def run(self) -> None:
        """Returns when the time is over, or there is nothing to do and it is to end."""
        while not self._bell.ended:
            letter = self._on_disk(self._first)
            if letter is not None and self._deliver(letter):
                continue
            if self._bell.ending:
                return
            if letter is None:
                self._bell.wait_for_news(IDLE_S)
            else:
                self._bell.pause(self._pause_s * random.uniform(0.8, 1.2))

    def _first(self) -> Letter | None:
        return self._outbox.first() if self._lock.take() else None

    def _deliver(self, letter: Letter) -> bool:
        """True when the next one may follow."""
        if letter.number != self._arrived:
            outcome = self._receiver.post(letter)
            if outcome.problem:
                return self._failed(letter, outcome)
            self._arrived = letter.number
            self._well()
        # An event that arrived and cannot be taken off the queue is not sent again by this process.
        return self._on_disk(lambda: self._outbox.remove(letter) or True) is True

    def _failed(self, letter: Letter, outcome: Outcome) -> bool:
        if outcome.status in REFUSALS:
            self._refusals = self._refusals + 1 if letter.number == self._refused else 1
            self._refused = letter.number
            if self._refusals >= MOST_REFUSALS:
                log.error("%s refuses an event (%s): it is put aside", self._receiver.shown, outcome.status)
                return self._on_disk(lambda: self._outbox.refuse(letter, str(outcome.status)) or True) is True
        longer = min(LONGEST_PAUSE_S, self._pause_s * 2) if self._problems else FIRST_PAUSE_S
        if outcome.problem not in self._problems:
            log.warning("%s: %s; events wait until it takes them", self._receiver.shown, outcome.problem)
        self._pause_s = max(longer, min(outcome.retry_after_s, MOST_RETRY_AFTER_S))
        self._problems.add(outcome.problem)
        return False

    def _well(self) -> None:
        if self._problems:
            log.info("%s takes events again", self._receiver.shown)
        self._problems.clear()

    def _on_disk(self, work: Callable[[], object]) -> object:
        """What `work` gives, or None while the queue cannot be read or written."""
        try:
            return work()
        except sqlite3.Error as error:
            if not self._bell.ending:
                log.error("%s: the queue of events cannot be used: %s", self._receiver.shown, error)
                self._bell.pause(LONGEST_PAUSE_S)
            return None
