"""An output that cannot be written to for a while: what is said of it, and when it is tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable

RETRY_S = 10.0
"""Seconds from a failure to the next try."""
MOST_FAILURES = 20
"""Lines kept for the end of the run: a disk may fill up every night of a month."""


class Outage:
    """Of one output, whose failures are said once each time.

    Args:
        log: of the module of the output.
        clock: seconds that only ever grow.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float]) -> None:
        self._log, self._clock = log, clock
        self._retry_at = float("-inf")
        self.is_on = False
        self.failures: list[str] = []

    def is_due(self) -> bool:
        """False while the next try has to wait."""
        return not self.is_on or self._clock() >= self._retry_at

    def failed(self, text: str) -> None:
        """A try failed: say so if it is the first, and wait."""
        if not self.is_on:
            self.say(text)
        self.is_on = True
        self.wait()

    def wait(self) -> None:
        """The next try is due after `RETRY_S`."""
        self._retry_at = self._clock() + RETRY_S

    def is_over(self, text: str) -> None:
        """A try succeeded: say so if any failed before."""
        if self.is_on:
            self._log.info("%s", text)
        self.is_on = False

    def say(self, text: str) -> None:
        """An error, in the log and for the end of the run."""
        self._log.error("%s", text)
        self.failures = [*self.failures, text][-MOST_FAILURES:]
