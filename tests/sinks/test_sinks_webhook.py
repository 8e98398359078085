"""Every event arrives, once, whatever the receiver and the program go through."""

import base64
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from http_receiver import receiving

from streamface.build import outputs as build_outputs
from streamface.errors import OutputError, SettingsError
from streamface.settings import OutputSettings, Settings
from streamface.sinks import _outbox, _receiver, _sender
from streamface.sinks._outbox import Outbox, SenderLock
from streamface.sinks._receiver import Outcome
from streamface.sinks._sender import Bell, Sender
from streamface.sinks.event_output import COLUMNS
from streamface.sinks.event_store import EventStore
from streamface.sinks.events import EventsSink
from streamface.sinks.webhook import Webhook
from streamface.types import Frame, FrameResult, SourceEvent


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(_sender, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(_sender, "LONGEST_PAUSE_S", 0.2)


def started(url, path):
    output = Webhook(url, path)
    output.begin("door")
    return output


def event(number):
    return {**dict.fromkeys(COLUMNS), "id": f"{number:032x}", "event": "appeared", "person": "Zoë", "track": number}


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tracks(server):
    return [row["track"] for row in server.taken.values()]


def test_an_event_arrives_at_once_as_json_with_its_key(tmp_path):
    with receiving() as server:
        output = started(f"http://anna:s%40cret@127.0.0.1:{server.port}/hook?a=1", tmp_path / "q.sqlite")
        output.add([event(1)])
        until(lambda: server.requests)
        output.close()
    headers, path, row = server.requests[0]
    assert row == event(1) and path == "/hook?a=1"
    assert headers["Idempotency-Key"] == event(1)["id"]
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"anna:s@cret"
    assert len(Outbox(tmp_path / "q.sqlite")) == 0


def test_events_arrive_in_order_over_one_connection(tmp_path):
    with receiving() as server:
        output = started(f"http://127.0.0.1:{server.port}", tmp_path / "q.sqlite")
        for number in range(50):
            output.add([event(2 * number), event(2 * number + 1)])
        until(lambda: len(server.taken) == 100)
        output.close()
    assert [row["track"] for _, _, row in server.requests] == list(range(100))


@pytest.mark.parametrize("status", [500, 503, 429, 404, 401, 302, 0])
def test_a_receiver_that_fails_gets_each_event_again_with_the_same_key(tmp_path, status, caplog):
    caplog.set_level("INFO")
    with receiving(answers=lambda number: status if number in (1, 2, 4, 7) else 201) as server:
        output = started(f"http://127.0.0.1:{server.port}", tmp_path / "q.sqlite")
        output.add([event(number) for number in range(5)])
        until(lambda: len(Outbox(tmp_path / "q.sqlite")) == 0)
        output.close()
    assert tracks(server) == list(range(5))
    assert 8 <= len(server.requests) <= 10
    assert sum(record.levelname == "WARNING" for record in caplog.records) <= 3, "said once a trouble"


def test_a_receiver_that_fails_in_another_way_is_said_to_once(tmp_path, caplog):
    statuses = [500, 500, 401, 500, 401]
    with receiving(answers=lambda number: statuses[number] if number < len(statuses) else 200) as server:
        output = started(f"http://127.0.0.1:{server.port}", tmp_path / "q.sqlite")
        output.add([event(1)])
        until(lambda: len(Outbox(tmp_path / "q.sqlite")) == 0)
        output.close()
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [text.partition(": ")[2].partition(";")[0] for text in said] == ["it answers 500", "it answers 401"]


class Waiting(Bell):
    """Notes the pauses instead of waiting, and ends after ten."""

    def __init__(self):
        super().__init__()
        self.pauses = []

    def pause(self, seconds):
        self.pauses.append(seconds)
        if len(self.pauses) == 10:
            self.end(0.0)

    def wait_for_news(self, seconds):
        raise AssertionError("the event is gone")


@pytest.mark.parametrize("status", [None, 401, 404, 429, 500, 503])
def test_the_pause_doubles_and_no_event_is_given_up_while_the_trouble_is_the_receivers(tmp_path, monkeypatch, status):
    monkeypatch.undo()  # the pauses as they are

    class Failing:
        shown = "http://there"

        def post(self, letter):
            return Outcome(status, "no")

    bell, outbox, lock = Waiting(), Outbox(tmp_path / "q.sqlite"), SenderLock(tmp_path / "q.sqlite")
    outbox.add([event(1)])
    Sender(Failing(), outbox, lock, bell).run()
    assert bell.pauses == [pytest.approx(s, rel=0.21) for s in (0.5, 1, 2, 4, 8, 16, 20, 20, 20, 20)]
    assert len(set(bell.pauses[-4:])) > 1, "receivers that were down are not asked by everybody in step"
    assert len(outbox) == 1
    outbox.close()
    lock.close()


def test_a_receiver_that_is_down_gets_everything_afterwards_once(tmp_path, caplog):
    caplog.set_level("INFO")
    port = free_port()
    output = started(f"http://anna:secret@127.0.0.1:{port}/token", tmp_path / "q.sqlite")
    for number in range(30):
        output.add([event(number)])
        time.sleep(0.02)
    with receiving(port) as server:
        until(lambda: len(server.taken) == 30)
        output.close()
    assert tracks(server) == list(range(30)) and len(server.requests) == 30
    assert [record.message for record in caplog.records] == [
        f"http://127.0.0.1:{port}: connection refused; events wait until it takes them",
        f"http://127.0.0.1:{port} takes events again",
    ]


def test_how_many_events_wait_is_known_to_whoever_watches_the_stream(tmp_path):
    path = tmp_path / "q ü.sqlite"
    port = free_port()
    sink = EventsSink([Webhook(f"http://127.0.0.1:{port}/", path)])
    assert sink.waiting == {"webhook": 0}
    happened = SourceEvent("frozen", "door", 1.0, "")
    image = np.zeros((4, 4, 3), np.uint8)
    sink.write(FrameResult(Frame(image, 0, 1.0, None, "door"), source_events=(happened,)), None)
    assert sink.waiting == {"webhook": 1}
    with receiving(port):
        until(lambda: sink.waiting == {"webhook": 0})
    sink.close()
    path.unlink()
    assert sink.waiting == {}


def test_what_waits_is_sent_by_the_next_run(tmp_path):
    port = free_port()
    output = started(f"http://127.0.0.1:{port}", tmp_path / "q.sqlite")
    output.add([event(1), event(2)])
    begun = time.monotonic()
    output.close()
    output.close()
    assert time.monotonic() - begun < 6, "not the time that an answer may take"
    with receiving(port) as server:
        output = started(f"http://127.0.0.1:{port}", tmp_path / "q.sqlite")
        until(lambda: len(server.taken) == 2)
        output.close()


KILLED = (
    "import sys; sys.path.insert(0, sys.argv[1]); from test_sinks_webhook import *\n"
    "output = started(sys.argv[2], Path(sys.argv[3]))\n"
    "for i in range(10**9): output.add([event(i)]); print(i, flush=True); time.sleep(0.001)"
)


def test_a_killed_run_loses_no_event_and_none_arrives_twice(tmp_path):
    with receiving() as server:
        url, path, last = f"http://127.0.0.1:{server.port}", tmp_path / "q.sqlite", 0
        arguments = [sys.executable, "-c", KILLED, str(Path(__file__).parent), url, str(path)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as run:
            for _ in range(60):
                last = int(run.stdout.readline())
            run.kill()
        output = started(url, path)
        until(lambda: len(Outbox(path)) == 0)
        output.close()
    assert sorted(tracks(server)) == list(range(len(server.taken))) and len(server.taken) > last
    assert len(server.requests) <= len(server.taken) + 1, "one was on its way"


def test_several_outputs_share_a_queue_and_one_sends(tmp_path):
    with receiving() as server:
        outputs = [started(f"http://127.0.0.1:{server.port}", tmp_path / "q.sqlite") for _ in range(3)]
        for number in range(30):
            outputs[number % 3].add([event(number)])
        for number in (30, 31, 32):
            outputs.pop(0).close()  # whoever sent is gone: another one goes on
            for output in outputs[:1]:
                output.add([event(number)])
        until(lambda: len(Outbox(tmp_path / "q.sqlite")) == 0)
    assert sorted(tracks(server)) == list(range(32)) and len(server.requests) == 32


def test_a_receiver_that_never_answers_holds_nobody_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        output = started(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path / "q.sqlite")
        begun = time.monotonic()
        output.add([event(1)])
        assert time.monotonic() - begun < 3
        time.sleep(0.2)
        output.close()
        assert time.monotonic() - begun < 6, "not the time that an answer may take"
    assert len(Outbox(tmp_path / "q.sqlite")) == 1


def test_a_receiver_that_takes_too_long_is_tried_again(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(_receiver, "TIMEOUT_S", 0.2)
    with receiving(answers=lambda number: time.sleep(0.4) or 200 if number == 1 else 200) as server:
        output = started(f"http://127.0.0.1:{server.port}", tmp_path / "q.sqlite")
        output.add([event(1)])
        until(lambda: len(server.requests) >= 2 and len(Outbox(tmp_path / "q.sqlite")) == 0)
        output.close()
    assert "no answer in 0.2 s" in caplog.text and tracks(server) == [1]


def test_an_event_that_is_refused_is_put_aside_and_the_others_go_on(tmp_path, caplog):
    with receiving() as server:
        server.answers = lambda number: 422 if server.requests[-1][2]["track"] == 1 else 200
        output = started(f"http://127.0.0.1:{server.port}", tmp_path / "q.sqlite")
        output.add([event(0), event(1), event(2)])
        until(lambda: len(server.taken) == 2)
        until(lambda: len(Outbox(tmp_path / "q.sqlite")) == 0)
        output.close()
    db = sqlite3.connect(tmp_path / "q.sqlite")
    assert db.execute("SELECT id, why FROM refused").fetchall() == [(event(1)["id"], "422")]
    db.close()
    assert len(server.requests) == 5 and "refuses an event (422)" in caplog.text


def test_an_event_that_was_deleted_while_it_was_being_sent_is_not_put_aside(tmp_path):
    box = Outbox(tmp_path / "q.sqlite")
    box.add([event(0), event(1)])
    letter = box.first()
    box.remove(letter)
    box.refuse(letter, "422")
    box.refuse(box.first(), "422")
    box.close()
    db = sqlite3.connect(tmp_path / "q.sqlite")
    assert db.execute("SELECT id FROM refused").fetchall() == [(event(1)["id"],)]
    db.close()


def test_a_pause_that_the_receiver_asks_for_is_kept(tmp_path):
    times = []
    with receiving(answers=lambda number: times.append(time.monotonic()) or (503 if number == 1 else 200)) as server:
        server.headers = {"Retry-After": "1"}
        output = started(f"http://127.0.0.1:{server.port}", tmp_path / "q.sqlite")
        output.add([event(1)])
        until(lambda: len(times) == 2)
        output.close()
    assert times[1] - times[0] > 0.75


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, 0), ("7", 7), ("Wed, 21 Oct 2025 07:28:00 GMT", 0), ("inf", 0), ("nan", 0)]
)
def test_retry_after(text, seconds):
    assert _receiver._seconds(text) == seconds


def test_the_queue_is_bounded_and_the_oldest_go(tmp_path, caplog, monkeypatch):
    box = Outbox(tmp_path / "q.sqlite", most=10)
    assert box.add([event(number) for number in range(8)]) == 0
    assert box.add([event(number) for number in range(8, 15)]) == 5
    assert len(box) == 10 and box.first().id == event(5)["id"]
    box.close()
    monkeypatch.setattr(_outbox, "MOST", 10)
    output = started(f"http://127.0.0.1:{free_port()}", tmp_path / "q.sqlite")
    for number in range(15, 20):
        output.add([event(number)])
    output.close()
    assert caplog.text.count("more events wait than the queue holds") == 1


def test_the_queue_is_for_its_owner_only_and_says_whose_it_is(tmp_path):
    Outbox(tmp_path / "q.sqlite").close()
    assert stat.S_IMODE((tmp_path / "q.sqlite").stat().st_mode) == 0o600
    db = sqlite3.connect(tmp_path / "other.sqlite")
    db.execute("CREATE TABLE notes (text)")
    db.close()
    with pytest.raises(OutputError, match="another program"):
        Outbox(tmp_path / "other.sqlite")


def test_the_lock_of_the_sender_passes_on(tmp_path):
    one, other = SenderLock(tmp_path / "q"), SenderLock(tmp_path / "q")
    assert one.take() and one.take() and not other.take()
    one.close()
    assert other.take()
    other.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://anna:secret@host/x",
        "secret",
        "http://",
        "http://anna:secret@host:port/",
        "https://[secret/",
        "http://h/sec ret",
    ],
)
def test_what_is_no_address_is_said_without_repeating_it(url, tmp_path):
    with pytest.raises(SettingsError, match="--webhook") as caught:
        Webhook(url, tmp_path / "q.sqlite")
    assert "secret" not in str(caught.value) and "ret" not in str(caught.value).split()


def test_the_address_may_stand_in_a_file(tmp_path):
    with receiving() as server:
        (tmp_path / "url").write_text(f"http://127.0.0.1:{server.port}/secret\n")
        output = started(f"@{tmp_path}/url", tmp_path / "q.sqlite")
        output.add([event(1)])
        until(lambda: server.taken)
        output.close()
    assert server.requests[0][1] == "/secret"
    for text in ("\n", None):
        (tmp_path / "empty").write_text(text) if text else None
        with pytest.raises(SettingsError, match="--webhook names"):
            Webhook(f"@{tmp_path}/{'empty' if text else 'missing'}", tmp_path / "q.sqlite")


def test_a_full_disk_is_an_error_in_one_line(tmp_path):
    output = started(f"http://127.0.0.1:{free_port()}", tmp_path / "q.sqlite")
    output._outbox._db.execute("PRAGMA max_page_count = 8")
    with pytest.raises(OutputError, match=r"cannot queue events in .*q\.sqlite: database or disk is full"):
        for number in range(1000):
            output.add([event(number)])
    output.close()


def test_a_kill_between_the_queue_and_the_file_leaves_no_event_of_the_file_unsent(tmp_path, monkeypatch):
    """Whatever stands in the file is in the queue, so it is queued first."""
    files = OutputSettings(
        events=tmp_path / "e.sqlite", webhook="http://127.0.0.1:9/hook", webhook_queue=tmp_path / "q"
    )
    (sink,) = build_outputs.events(replace(Settings(), output=files))
    monkeypatch.setattr(EventStore, "add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    frame = Frame(np.zeros((8, 8, 3), np.uint8), 0, 1.7e9, None, "door")
    with pytest.raises(KeyboardInterrupt):
        sink.write(FrameResult(frame, source_events=(SourceEvent("lost", "door", 1.7e9, ""),)), None)
    with sqlite3.connect(tmp_path / "q") as queue:
        assert queue.execute("SELECT count(*) FROM waiting").fetchone()[0] == 1
    monkeypatch.undo()
    sink.close()
