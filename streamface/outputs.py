"""What happens to results: drawn where somebody wants a picture, and given to every sink, beside the loop."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter

import numpy as np

from streamface.errors import OutputError
from streamface.profiling import Profile
from streamface.sinks.base import Sink
from streamface.types import FrameResult, readonly

log = logging.getLogger(__name__)

WAITING = 2
"""Results that may wait for the writer: one more than it takes to keep it at work, 6 MB each at 1920x1080."""

Draw = Callable[[FrameResult], np.ndarray]


class Outputs:
    """Draws each result once and gives it to the sinks, in order; a context manager that closes them.

    A window must be served by the main thread, so sinks with `on_main_thread` are written to in `put`, which then
    also draws. All others, and drawing for them, have a thread of their own behind a short queue: the loop goes on
    with the next frame while this one is encoded, and waits when the queue is full. A sink that fails is closed,
    named in the failures and left out from then on.

    Args:
        sinks: where results go; opened here, and closed whatever happens.
        draw: the annotated picture of a result; used by one thread only.
        profile: told what drawing and writing took.
        failures: gets a line for each sink that had to be given up.
    """

    def __init__(self, sinks: Sequence[Sink], draw: Draw, profile: Profile, failures: list[str]) -> None:
        self._given, self._draw, self._profile, self._failures = tuple(sinks), draw, profile, failures
        self._here = [sink for sink in sinks if sink.on_main_thread]
        self._beside = [sink for sink in sinks if not sink.on_main_thread]
        self._queue: queue.Queue[tuple[FrameResult, np.ndarray | None] | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._closing = ExitStack()

    def __enter__(self) -> Outputs:
        with ExitStack() as opening:
            for sink in self._given:
                opening.enter_context(sink)
            self._closing = opening.pop_all()
        if self._beside:
            self._thread = threading.Thread(target=self._work, name="streamface-writer", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Write what waits, end the thread, then close the sinks."""
        with self._closing:
            if self._thread is not None:
                self._hand_over(None)
                self._thread.join()
                self._thread = None
        if self._error is not None and exc_info[0] is None:
            raise self._error

    @property
    def wants_stop(self) -> bool:
        """True when a sink wants the run to end, or none of those given is left."""
        alive = [*self._here, *self._beside]
        return any(sink.wants_stop for sink in alive) or bool(self._given and not alive)

    @property
    def waiting(self) -> dict[str, int]:
        """Name of a queue -> entries that wait: results for the writer, and what the sinks have waiting."""
        return {"writer": self._queue.qsize(), **{k: n for sink in self._given for k, n in sink.waiting.items()}}

    def put(self, result: FrameResult) -> None:
        """Take one result; what went wrong in the thread is raised here."""
        image = self._drawn(result) if _want_image(self._here, result) else None
        self._here = self._written(self._here, result, image)
        if self._beside:
            self._hand_over((result, image))
        if self._error is not None:
            raise self._error

    def _hand_over(self, item: tuple[FrameResult, np.ndarray | None] | None) -> None:
        """Wait for room, but not for a thread that has ended."""
        while self._thread is not None and self._thread.is_alive():
            try:
                return self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
        return None

    def _work(self) -> None:
        try:
            for result, image in iter(self._queue.get, None):
                if image is None and _want_image(self._beside, result):
                    image = self._drawn(result)
                self._beside = self._written(self._beside, result, image)
        except BaseException as error:  # raised again by `put`, or at the end
            self._error = error

    def _drawn(self, result: FrameResult) -> np.ndarray:
        with self._timed(result, "draw"):
            return readonly(self._draw(result))

    def _written(self, sinks: Iterable[Sink], result: FrameResult, image: np.ndarray | None) -> list[Sink]:
        """The sinks that are still alive after this result."""
        with self._timed(result, "write"):
            return [sink for sink in sinks if self._took(sink, result, image)]

    def _took(self, sink: Sink, result: FrameResult, image: np.ndarray | None) -> bool:
        """False when the sink failed and has been closed."""
        if not _wants(sink, result):
            return True
        try:
            sink.write(result, image if sink.wants_image else None)
        except OutputError as error:
            log.error("%s", error)
            self._failures.append(str(error))
            sink.close()
            return False
        return True

    @contextmanager
    def _timed(self, result: FrameResult, stage: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self._profile.add(result.frame.index, {stage: (perf_counter() - start) * 1e3})


def _wants(sink: Sink, result: FrameResult) -> bool:
    return sink.wants_repeated or not result.frame.repeated


def _want_image(sinks: Iterable[Sink], result: FrameResult) -> bool:
    return any(sink.wants_image and _wants(sink, result) for sink in sinks)
