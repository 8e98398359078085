import threading
import time

import pytest

from streamface.analysis import Answer, Request
from streamface.testing import aligned_face
from streamface.workers import BackgroundWorker, InlineWorker, OrderedWorker


def request(number: int) -> Request:
    return Request(number, aligned_face(), 1.0, 0.0, True)


class Slow:
    """An analysis that waits to be let through."""

    def __init__(self) -> None:
        self.go, self.seen = threading.Event(), []

    def look(self, asked: Request) -> Answer:
        self.go.wait(5)
        self.seen.append(asked.track)
        return Answer(asked, None)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def test_inline_answers_at_once():
    analysis = Slow()
    analysis.go.set()
    with InlineWorker(analysis) as worker:
        assert worker.submit(request(1)) and worker.submit(request(2))
        assert [answer.request.track for answer in worker.collect(2)] == [1, 2]
        assert worker.collect(0) == []


def test_ordered_takes_all_at_once_and_gives_each_frame_its_own_answers():
    analysis, before = Slow(), set(threading.enumerate())
    with OrderedWorker(analysis) as worker:
        assert all(worker.submit(request(i)) for i in range(50))
        assert not analysis.seen
        analysis.go.set()
        assert [answer.request.track for answer in worker.collect(3)] == [0, 1, 2]
        assert worker.collect(0) == []
        assert [answer.request.track for answer in worker.collect(1)] == [3]
    assert set(threading.enumerate()) <= before


def test_an_ordered_error_is_raised_with_its_own_frame():
    class Broken:
        def look(self, asked):
            if asked.track == 1:
                raise RuntimeError("bad network")
            return Answer(asked, None)

    with OrderedWorker(Broken()) as worker:
        worker.submit(request(0)), worker.submit(request(1))
        assert len(worker.collect(1)) == 1
        with pytest.raises(RuntimeError, match="bad network"):
            worker.collect(1)


def test_background_does_not_block_and_refuses_when_full():
    analysis = Slow()
    with BackgroundWorker(analysis, room=2) as worker:
        taken = [worker.submit(request(i)) for i in range(6)]
        assert taken.count(True) in (2, 3)  # one may be at work, two wait
        assert worker.collect(0) == []
        analysis.go.set()
        answers = []
        wait_for(lambda: answers.extend(worker.collect(0)) or len(answers) == taken.count(True))
        assert [answer.request.track for answer in answers] == analysis.seen


def test_background_ends_without_the_waiting_requests_and_leaves_no_thread():
    analysis, before = Slow(), set(threading.enumerate())
    worker = BackgroundWorker(analysis, room=4)
    for i in range(4):
        worker.submit(request(i))
    closing = threading.Thread(target=worker.close)
    closing.start()
    wait_for(lambda: worker._stopping.is_set())
    analysis.go.set()
    closing.join(5)
    assert set(threading.enumerate()) <= before and len(analysis.seen) <= 1


def test_an_error_in_the_analysis_is_raised_where_answers_are_collected():
    class Broken:
        def look(self, asked):
            raise RuntimeError("bad network")

    with BackgroundWorker(Broken()) as worker:
        worker.submit(request(1))
        wait_for(lambda: worker._error is not None)
        with pytest.raises(RuntimeError, match="bad network"):
            worker.collect(0)
