"""Events for an output that cannot be written to for a while, because its disk is full or gone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from streamface.errors import OutputError
from streamface.sinks._outage import Outage
from streamface.sinks.event_output import EventOutput, Row

MOST = 5000
"""Events that wait at most, some 5 MB; of more, the oldest are given up."""

log = logging.getLogger(__name__)


class Patient(EventOutput):
    """Keeps the events that `output` could not take, in memory, until it can take them again.

    A failure is said once, and is in `failures`; every 10 s the output is tried again.

    Args:
        output: takes the events of a call all or none.
        clock: seconds that only ever grow.
    """

    def __init__(self, output: EventOutput, clock: Callable[[], float] = time.monotonic) -> None:
        self._output, self._outage = output, Outage(log, clock)
        self._rows: list[Row] = []
        self._full = False

    @property
    def failures(self) -> list[str]:
        """What was said, the oldest first."""
        return self._outage.failures

    def begin(self, camera: str) -> None:
        """Hand it on."""
        self._output.begin(camera)

    def add(self, rows: Sequence[Row]) -> None:
        """Hand events on, or keep them; never raises."""
        self._rows += rows
        if len(self._rows) > MOST:
            del self._rows[:-MOST]
            if not self._full:
                self._outage.say(f"more than {MOST} events wait: the oldest are given up")
            self._full = True
        if self._outage.is_due():
            self._hand_over()

    def seen(self, visits: Mapping[str, str]) -> None:
        """Hand it on, unless the output fails."""
        self._while_well(lambda: self._output.seen(visits))

    @property
    def waiting(self) -> Mapping[str, int]:
        """Of the output."""
        return self._output.waiting

    def expire(self, before: str) -> None:
        """Hand it on, unless the output fails."""
        self._while_well(lambda: self._output.expire(before))

    def forget(self, people: Collection[str], visits: Sequence[str]) -> None:
        """Drop what waits of these people and visits too."""
        self._rows = [
            row for row in self._rows if row["visit"] not in visits and not {row["person"], row["previous"]} & {*people}
        ]
        self._output.forget(people, visits)

    def close(self) -> None:
        """Try once more, say what is lost, and close the output; may be called twice."""
        if self._rows:
            self._hand_over()
        if self._rows:
            self._outage.say(f"{len(self._rows)} events are lost: they could not be written up to the end")
            self._rows = []
        self._output.close()

    def _hand_over(self) -> None:
        try:
            if self._outage.is_on:
                self._output.again()
            self._output.add(self._rows)
        except OutputError as error:
            self._failed(error)
            return
        self._outage.is_over(f"events can be written again: {len(self._rows)} that waited are written")
        self._rows, self._full = [], False

    def _while_well(self, call: Callable[[], None]) -> None:
        if self._outage.is_on:
            return
        try:
            call()
        except OutputError as error:
            self._failed(error)

    def _failed(self, error: OutputError) -> None:
        self._outage.failed(f"{error}; events wait until it can be written, and all else goes on")
