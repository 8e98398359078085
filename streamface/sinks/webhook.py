"""Events as POST requests, each arriving once: queued on the disk, sent again until the receiver has taken them."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from streamface.errors import OutputError
from streamface.runtime import cache
from streamface.sinks._outbox import Outbox, SenderLock, length
from streamface.sinks._receiver import Receiver
from streamface.sinks._secret import resolved
from streamface.sinks._sender import Bell, Sender
from streamface.sinks.event_output import EventOutput, Row

NAME = "webhook"
FAREWELL_S = 1.0
"""At the end of the run, what waits is still sent for so long; the rest is sent by the next run."""

log = logging.getLogger(__name__)


class Webhook(EventOutput):
    """Sends every event to one address, in order; what the receiver has not taken waits on the disk.

    An event is sent until the receiver answers with 2xx. It carries its `id` as `Idempotency-Key`, by which the
    receiver knows one that it took although the answer was lost. Outputs of several cameras, or processes, may share
    a queue: one of them sends.

    Args:
        url: see `Receiver`; '@FILE' reads it from a file.
        queue: SQLite file of the events that wait; None: in the cache folder, one an address.

    Raises `SettingsError` for what is no address, `OutputError` for a queue that cannot be written.
    """

    def __init__(self, url: str, queue: Path | None = None) -> None:
        url = resolved(url, "--webhook")
        self._receiver, self._bell = Receiver(url), Bell()
        self._path = queue or cache.folder("webhook") / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.sqlite"
        self._outbox = Outbox(self._path)
        self._full = False
        self._thread = threading.Thread(target=self._send, name="streamface-webhook", daemon=True)

    def begin(self, camera: str) -> None:
        """Send what waits from earlier runs, and from now on every event."""
        self._thread.start()

    def add(self, rows: Sequence[Row]) -> None:
        """Queue events; they are on the disk when this returns."""
        if not rows:
            return
        try:
            lost = self._outbox.add(rows)
        except sqlite3.Error as error:
            raise OutputError(f"cannot queue events in {self._path}: {error}; free some space") from error
        if lost and not self._full:
            log.error("%s: more events wait than the queue holds: the oldest are given up", self._receiver.shown)
        self._full = bool(lost)
        self._bell.ring()

    def expire(self, before: str) -> None:
        """Give up what has waited for too long."""
        try:
            self._outbox.expire(before)
        except sqlite3.Error as error:
            raise OutputError(f"cannot delete old events in {self._path}: {error}; free some space") from error

    @property
    def waiting(self) -> Mapping[str, int]:
        """Events in the queue, of everybody who shares it."""
        waiting = length(self._path)
        return {} if waiting is None else {"webhook": waiting}

    def close(self) -> None:
        """Send what can be sent within a second, and end."""
        self._bell.end(FAREWELL_S)
        if self._thread.ident is not None:
            self._thread.join(FAREWELL_S)
            self._receiver.hang_up()  # ends a wait for an answer; a thread that cannot be ended dies with the process
            self._thread.join(0.3)
        self._outbox.close()

    def _send(self) -> None:
        """The sender's thread."""
        try:
            outbox = Outbox(self._path)
        except OutputError as error:
            log.error("%s", error)
            return
        lock = SenderLock(self._path)
        try:
            Sender(self._receiver, outbox, lock, self._bell).run()
        finally:
            self._receiver.hang_up()
            outbox.close()
            lock.close()
