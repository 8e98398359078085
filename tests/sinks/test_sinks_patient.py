"""Events while their file cannot be written: none is lost when it can be again, and each is there once."""

import os
from contextlib import contextmanager

import pytest
from sink_results import face
from test_sinks_events import EVERY_FILE, play, rows

from streamface import build
from streamface.errors import OutputError
from streamface.settings import OutputSettings, Settings
from streamface.sinks import _patient
from streamface.sinks._patient import Patient
from streamface.sinks.event_output import EventOutput
from streamface.sinks.events import EventsSink, to_file
from streamface.sinks.webhook import Webhook


def event(number, person=None, visit=None, previous=None):
    return {"id": f"{number:032x}", "person": person, "visit": visit, "previous": previous}


class Disk(EventOutput):
    """Takes events while it has room."""

    def __init__(self):
        self.room, self.taken, self.opened, self.forgotten = True, [], 0, []

    def add(self, rows):
        if not self.room:
            raise OutputError("cannot write there: No space left on device; free some space")
        self.taken += [row["id"] for row in rows]

    def again(self):
        self.opened += 1

    def seen(self, visits):
        self.add([])

    def forget(self, people, visits):
        self.forgotten.append((set(people), list(visits)))

    def close(self):
        self.room = False


def patient():
    disk, now = Disk(), [0.0]
    return disk, now, Patient(disk, lambda: now[0])


def ids(*numbers):
    return [event(number)["id"] for number in numbers]


def test_what_could_not_be_written_is_written_in_order_when_it_can(caplog):
    caplog.set_level("INFO")
    disk, now, output = patient()
    output.add([event(1)])
    disk.room = False
    for number in (2, 3):
        output.add([event(number)])
    disk.room = True
    now[0] = 9.0
    output.add([event(4)])
    assert disk.taken == ids(1), "it is tried every 10 s"
    now[0] = 10.0
    output.add([])
    assert disk.taken == ids(1, 2, 3, 4) and disk.opened == 1
    output.add([event(5)])
    assert disk.taken == ids(1, 2, 3, 4, 5)
    failed, well = [record.message for record in caplog.records]
    assert failed.startswith("cannot write there: No space left") and "3 that waited are written" in well
    assert output.failures == [failed]


def test_a_note_that_fails_is_a_failure_too_and_is_not_tried_meanwhile():
    disk, now, output = patient()
    disk.room = False
    output.seen({"v": "2025"})
    disk.room = True
    output.add([event(1)])
    assert disk.taken == [] and len(output.failures) == 1
    now[0] = 10.0
    output.seen({"v": "2025"})
    output.add([])
    assert disk.taken == ids(1)


def test_of_too_many_the_oldest_are_given_up_and_that_is_said_once(monkeypatch):
    monkeypatch.setattr(_patient, "MOST", 3)
    disk, now, output = patient()
    disk.room = False
    for number in range(6):
        output.add([event(number)])
    disk.room, now[0] = True, 10.0
    output.add([])
    assert disk.taken == ids(3, 4, 5)
    assert len(output.failures) == 2 and "the oldest are given up" in output.failures[1]


def test_at_the_end_it_is_tried_once_more_and_what_is_lost_is_said():
    disk, _, output = patient()
    disk.room = False
    output.add([event(1)])
    disk.room = True
    output.close()
    assert disk.taken == ids(1)

    disk, _, output = patient()
    disk.room = False
    output.add([event(1), event(2)])
    output.close()
    output.close()
    assert [text for text in output.failures if "lost" in text] == [
        "2 events are lost: they could not be written up to the end"
    ]


def test_people_who_are_to_be_forgotten_do_not_wait():
    disk, now, output = patient()
    disk.room = False
    output.add([event(1, "Ann"), event(2, "Bob"), event(3, None, "v"), event(4, "Bob", "w", "Ann")])
    output.forget({"Ann"}, ["v"])
    disk.room, now[0] = True, 10.0
    output.add([])
    assert disk.taken == ids(2) and disk.forgotten == [({"Ann"}, ["v"])]


@contextmanager
def full(sink, path):
    """No room for more than a part of a line, or a page."""
    if path.suffix == ".sqlite":
        db = sink._outputs[0]._output._db
        db.execute("PRAGMA max_page_count = 1")  # SQLite makes that: no page more than it has
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        real, left = os.write, [1500]

        def filling(descriptor, data):
            if not left[0]:
                raise OSError(28, "No space left on device")
            done = real(descriptor, bytes(data)[: left[0]])
            left[0] -= done
            return done

        patch.setattr(os, "write", filling)
        yield


@EVERY_FILE
def test_a_disk_that_was_full_for_a_while_costs_a_file_no_event(tmp_path, name):
    path, now = tmp_path / name, [0.0]
    sink = EventsSink([Patient(to_file(path), lambda: now[0])])
    play(sink, [face(1)])
    before = rows(path)
    with full(sink, path):
        play(sink, *([face(number) for number in range(2, 2 + 8 * step)] for step in range(1, 20)), first=1)
        assert sink.failures and len(rows(path)) < 20 * 8
        assert rows(path)[:1] == before
    now[0] = 10.0
    play(sink, [face(1)], first=30)
    sink.close()
    found = rows(path)
    appeared = [row["track"] for row in found if row["event"] == "appeared"]
    assert appeared == [str(number) for number in range(1, 2 + 8 * 19)]
    assert len({row["id"] for row in found}) == len(found) == 2 * len(appeared)


def test_a_queue_that_was_full_for_a_while_loses_no_event(tmp_path):
    now = [0.0]
    webhook = Webhook("http://127.0.0.1:1/", tmp_path / "q.sqlite")
    sink = EventsSink([Patient(webhook, lambda: now[0])])
    try:
        play(sink, [face(1)])
        webhook._outbox._db.execute("PRAGMA max_page_count = 1")
        play(sink, *([face(number)] for number in range(2, 100)), first=1)
        assert "database or disk is full" in sink.failures[0] and sink.waiting["webhook"] < 99
        webhook._outbox._db.execute("PRAGMA max_page_count = 100000")
        now[0] = 10.0
        play(sink, [face(99)], first=100)
        assert sink.waiting["webhook"] >= 99
    finally:
        sink.close()


def test_files_and_queues_of_a_stream_are_waited_for(tmp_path):
    output = OutputSettings(events=tmp_path / "e.jsonl", webhook="http://127.0.0.1:1/", webhook_queue=tmp_path / "q")
    (sink,) = build.files(Settings(output=output))
    assert all(isinstance(output, Patient) for output in sink._outputs) and len(sink._outputs) == 2
    sink.close()
