"""A few sets of networks for many streams: each look borrows one that is free."""

from __future__ import annotations

import queue
from collections.abc import Sequence

from streamface.analysis import Answer, FaceAnalysis, Request
from streamface.pyramid import Pyramid
from streamface.types import AlignedFace, Detection


class AnalysisPool:
    """What a stream needs of a `FaceAnalysis`, for several threads at once; a context manager that closes the sets.

    A look waits for its turn, in the order of asking, so that no camera keeps the networks from the others.

    Args:
        sets: each with networks of its own, all alike; from now on they belong to this object.
    """

    def __init__(self, sets: Sequence[FaceAnalysis]) -> None:
        self._sets = tuple(sets)
        self._free: queue.Queue[FaceAnalysis] = queue.Queue()
        for made in self._sets:
            self._free.put(made)

    def cut(self, pyramid: Pyramid, detection: Detection) -> AlignedFace:
        """The face as the recognition network takes it."""
        return self._sets[0].cut(pyramid, detection)  # reads nothing but the network's template

    def look(self, request: Request) -> Answer:
        """Answer one request."""
        borrowed = self._free.get()
        try:
            return borrowed.look(request)
        finally:
            self._free.put(borrowed)

    def close(self) -> None:
        """Does nothing: a stream that ends leaves the networks to the others."""

    def __enter__(self) -> AnalysisPool:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for made in self._sets:
            made.close()
