"""A few sets of networks for many streams: each look borrows one that is free."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from queue import SimpleQueue

from streamface.analysis import Answer, FaceAnalysis, Request
from streamface.pyramid import Pyramid
from streamface.types import AlignedFace, Detection


class AnalysisPool:
    """What a stream needs of a `FaceAnalysis`, for several threads at once; a context manager that closes the sets.

    A look waits for its turn, in the order of asking, so that no camera keeps the networks from the others: a set that
    is given back goes to whoever waits longest, and not to who asks first from then on, which would be the camera that
    gave it back and has the next face ready.

    Args:
        sets: each with networks of its own, all alike; from now on they belong to this object.
    """

    def __init__(self, sets: Sequence[FaceAnalysis]) -> None:
        self._sets = tuple(sets)
        self._free = deque(self._sets)
        self._waiting: deque[SimpleQueue[FaceAnalysis]] = deque()
        self._lock = threading.Lock()

    def cut(self, pyramid: Pyramid, detection: Detection) -> AlignedFace:
        """The face as the recognition network takes it."""
        return self._sets[0].cut(pyramid, detection)  # reads nothing but the network's template

    def look(self, request: Request) -> Answer:
        """Answer one request."""
        borrowed = self._borrowed()
        try:
            return borrowed.look(request)
        finally:
            self._give_back(borrowed)

    def close(self) -> None:
        """Does nothing: a stream that ends leaves the networks to the others."""

    def _borrowed(self) -> FaceAnalysis:
        """A set, waiting for it."""
        with self._lock:
            if self._free:
                return self._free.popleft()  # in turn: a set's first look costs memory, soon rather than some day
            turn: SimpleQueue[FaceAnalysis] = SimpleQueue()
            self._waiting.append(turn)
        return turn.get()

    def _give_back(self, borrowed: FaceAnalysis) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().put(borrowed)
            else:
                self._free.append(borrowed)

    def __enter__(self) -> AnalysisPool:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for made in self._sets:
            made.close()
