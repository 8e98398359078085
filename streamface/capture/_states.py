"""How a camera does, from one moment to the next; each change is logged once and kept until somebody takes it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from streamface.types import BLACK, CONNECTING, FROZEN, GARBLED, LIVE, LOST, STALLED, SourceEvent, SourceState

log = logging.getLogger(__name__)

KEPT = 1000
"""Events kept for a reader that does not come; the oldest go first."""

_BEGUN = {FROZEN: "its picture is frozen", BLACK: "its picture is black", GARBLED: "its picture is damaged"}
_OVER = {FROZEN: "its picture moves again", BLACK: "its picture is there again", GARBLED: "its picture is whole again"}


class StateLog:
    """The state of one camera and what led to it; the caller sees to it that one thread at a time is here.

    name: of the source, without credentials.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.time) -> None:
        self._name, self._clock = name, clock
        self._events: deque[SourceEvent] = deque(maxlen=KEPT)
        self._was_live = False
        self._left_live_at = time.monotonic()
        self.state = SourceState(CONNECTING, clock())

    def change(self, state: str, reason: str = "") -> None:
        """Enter `state`; the same one again only brings its reason up to date."""
        before, now = self.state, self._clock()
        if state == before.state:
            if reason != before.reason:
                self.state = replace(before, reason=reason)
                log.info("%s is still %s: %s", self._name, state, reason)
            return
        for trouble in before.troubles:
            self.trouble(trouble, "", over=True)
        if before.state == LIVE:
            self._left_live_at = time.monotonic()  # our clock may be set right meanwhile
        self.state = SourceState(state, now, reason)
        self._events.append(SourceEvent(state, self._name, now, reason, previous=before.state))
        self._say(state, reason, time.monotonic() - self._left_live_at, before.state)
        self._was_live |= state == LIVE

    def trouble(self, kind: str, detail: str, over: bool = False) -> None:
        """A trouble of the live picture begins, or is over."""
        now = self._clock()
        rest = tuple(name for name in self.state.troubles if name != kind)
        self.state = replace(self.state, troubles=rest if over else (*rest, kind))
        self._events.append(SourceEvent(kind, self._name, now, detail, over))
        text = (_OVER if over else _BEGUN)[kind]
        log.warning("%s: %s%s", self._name, text, f" ({detail})" if detail else "")

    def happened(self, kind: str, detail: str) -> None:
        """Something that has no length: another size or rate, a jump of the clock."""
        self._events.append(SourceEvent(kind, self._name, self._clock(), detail))
        log.warning("%s: %s", self._name, detail)

    def take(self) -> tuple[SourceEvent, ...]:
        """The events since the last call, in order."""
        taken = tuple(self._events)
        self._events.clear()
        return taken

    def _say(self, state: str, reason: str, away_s: float, before: str) -> None:
        if state == LIVE and self._was_live:
            log.warning("%s is back after %.1f s", self._name, away_s)
        elif state == LIVE and before == LOST:
            log.warning("%s is there after %.1f s", self._name, away_s)
        elif state == STALLED:
            log.warning("%s gives no picture: %s", self._name, reason)
        elif state == LOST:
            log.warning("%s is lost (%s): trying until it is back", self._name, reason)
