"""Who asks for a stranger's number gets it later, so that the disk never holds up a frame."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from streamface.gallery.stranger_store import View
from streamface.gallery.strangers import Evidence, Strangers
from streamface.types import Stranger

TIDY_S = 600.0
"""Seconds of the stream between two looks whether somebody was kept for long enough."""

log = logging.getLogger(__name__)


class StrangerDesk:
    """Hands questions to `Strangers`; several cameras may share it. A context manager.

    Args:
        opened: opens the strangers, and gives what closes them; called by the thread that then asks them.
        live: answer in a thread beside the caller's; else at once, so that a file gives the same result every time.
        pictures: whether the best picture of each visit is wanted.
    """

    def __init__(
        self, opened: Callable[[], tuple[Strangers, Callable[[], None]]], live: bool, pictures: bool = False
    ) -> None:
        self.live, self.pictures = live, pictures
        self._executor = ThreadPoolExecutor(1, "streamface-strangers") if live else _Inline()
        self._tidied: float | None = None
        self._broken = False
        try:
            self._strangers, self._shut = self._executor.submit(opened).result()
        except BaseException:
            self._executor.shutdown()
            raise

    def ask(self, evidence: Evidence) -> Future[Stranger | None]:
        """Who it is: a `Stranger`, or None when more views are wanted or strangers cannot be told any more."""
        return self._executor.submit(self._guarded, self._strangers.identify, evidence)

    def left(self, stranger: Stranger, view: View, at: float) -> None:
        """A visit is over; `at` as in `Evidence`."""
        self._executor.submit(self._guarded, self._strangers.left, stranger, view, at)

    def tick(self, at: float) -> None:
        """To be called now and then with the clock of the stream: nobody is kept too long because nobody comes."""
        if self._tidied is None or abs(at - self._tidied) >= TIDY_S:
            self._tidied = at
            self._executor.submit(self._guarded, self._strangers.tidy)

    def close(self) -> None:
        """Write what is waiting and close the store; may be called twice."""
        if self._shut is not None:
            self._executor.submit(self._shut).result()
            self._executor.shutdown()
            self._shut = None

    def __enter__(self) -> StrangerDesk:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _guarded(self, work: Callable[..., Any], *values: object) -> Any:
        """Strangers are not worth a stream: after a fault nobody new gets a number, and one line says why."""
        if self._broken:
            return None
        try:
            return work(*values)
        except Exception as error:
            self._broken = True
            log.error("strangers get no numbers from now on: %s", error)
            return None


class _Inline:
    """Does at once what is submitted, in the caller's thread."""

    def submit(self, work: Callable[..., Any], *values: object) -> Future:
        done: Future = Future()
        try:
            done.set_result(work(*values))
        except BaseException as error:
            done.set_exception(error)
        return done

    def shutdown(self) -> None:
        """Nothing is waiting."""
