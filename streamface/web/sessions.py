"""Who has given the password: random tokens in memory, so that a restart signs everybody out."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

IDLE_S = 8 * 3600.0
"""Seconds without a request after which a session has ended."""
MOST = 200
"""Sessions at once; the one unused for longest gives way."""


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser."""

    token: str
    """In its cookie."""
    form_token: str
    """In its pages, and sent back with everything that changes something; another site cannot know it."""

    def allows(self, form_token: str | None) -> bool:
        """True when the request came from one of our own pages."""
        return hmac.compare_digest(self.form_token.encode(), (form_token or "").encode())


class Sessions:
    """The sessions there are; threads may use it.

    Args:
        clock: seconds that never fall.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._used: dict[str, tuple[Session, float]] = {}

    def begin(self) -> Session:
        """A new session."""
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        with self._lock:
            self._used[session.token] = session, self._clock()
            while len(self._used) > MOST:
                del self._used[next(iter(self._used))]
        return session

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie; None for none, an unknown or an old one."""
        now = self._clock()
        with self._lock:
            session, used = self._used.pop(token or "", (None, 0.0))
            if session is None or now - used > IDLE_S:
                return None
            self._used[session.token] = session, now  # at the end, as the latest
        return session

    def end(self, token: str | None) -> None:
        """Sign out."""
        with self._lock:
            self._used.pop(token or "", None)
