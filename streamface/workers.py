"""Who runs the analysis: the loop itself, a thread that answers each frame in turn (files), or one beside (live)."""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from streamface.analysis import Answer, FaceAnalysis, Request


class Worker(ABC):
    """Takes requests, gives answers later; a context manager."""

    is_ordered: bool = True
    """True where the answers of a frame come with that frame, however long they take."""

    @abstractmethod
    def submit(self, request: Request) -> bool:
        """Take a request; False when there is no room, and it is to be asked again on a later frame."""

    @abstractmethod
    def collect(self, taken: int) -> list[Answer]:
        """Answers that have come; an error in the analysis is raised here.

        taken: how many requests of the frame at hand were taken. A worker for files answers just these, waiting for
        them where need be; one for live sources gives what it has.
        """

    @abstractmethod
    def close(self) -> None:
        """End, without waiting for requests that have not begun."""

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class InlineWorker(Worker):
    """Answers at once, in the caller's thread."""

    def __init__(self, analysis: FaceAnalysis) -> None:
        self._analysis, self._answers = analysis, []

    def submit(self, request: Request) -> bool:
        self._answers.append(self._analysis.look(request))
        return True

    def collect(self, taken: int) -> list[Answer]:
        answers, self._answers = self._answers[:taken], self._answers[taken:]
        return answers

    def close(self) -> None:
        self._answers = []


class OrderedWorker(Worker):
    """Answers in a thread of its own, every request, in order: the same answers as in the loop, some frames later.

    analysis: used by that thread alone.
    """

    def __init__(self, analysis: FaceAnalysis) -> None:
        self._analysis = analysis
        self._thread = ThreadPoolExecutor(1, "streamface-analysis")
        self._begun: deque[Future[Answer]] = deque()

    def submit(self, request: Request) -> bool:
        self._begun.append(self._thread.submit(self._analysis.look, request))
        return True

    def collect(self, taken: int) -> list[Answer]:
        return [self._begun.popleft().result() for _ in range(taken)]

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._begun.clear()


class BackgroundWorker(Worker):
    """Answers in a thread of its own.

    Args:
        analysis: used by that thread alone.
        room: requests that may wait; beyond it `submit` says no.
    """

    is_ordered = False

    def __init__(self, analysis: FaceAnalysis, room: int = 4) -> None:
        self._analysis = analysis
        self._requests: queue.Queue[Request | None] = queue.Queue(room)
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="streamface-analysis", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> bool:
        try:
            self._requests.put_nowait(request)
        except queue.Full:
            return False
        return True

    def collect(self, taken: int) -> list[Answer]:
        if self._error is not None:
            raise self._error
        answers = []
        while not self._answers.empty():
            answers.append(self._answers.get())
        return answers

    def close(self) -> None:
        self._stopping.set()
        try:
            self._requests.put_nowait(None)
        except queue.Full:
            pass  # the thread looks at the event after each request, and there are some to come
        self._thread.join()

    def _work(self) -> None:
        try:
            while (request := self._requests.get()) is not None and not self._stopping.is_set():
                self._answers.put(self._analysis.look(request))
        except BaseException as error:  # handed to the loop by `collect`
            self._error = error
