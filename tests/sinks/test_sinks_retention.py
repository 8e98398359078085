"""Events and pictures that are older than was wanted."""

from __future__ import annotations

import os
import sqlite3
import time

import numpy as np
import pytest

from streamface.errors import SettingsError
from streamface.sinks._files import LineFile, alone_with
from streamface.sinks._outbox import Outbox
from streamface.sinks.event_output import COLUMNS, EventOutput, utc
from streamface.sinks.events import EXPIRE_EVERY_S, EventsSink, to_file
from streamface.sinks.housekeeping import Housekeeping
from streamface.types import Frame, FrameResult

DAY = 86_400.0
NOW = 1_800_000_000.0
RESULT = FrameResult(Frame(np.zeros((4, 4, 3), np.uint8), 0, NOW, None, "door"))


def event(number, days_ago, visit="a", person="Ann"):
    at = utc(NOW - days_ago * DAY)
    values = {"id": str(number), "event": "left", "time": at, "camera": "door", "visit": visit, "person": person}
    return dict.fromkeys(COLUMNS) | values | {"started_at": at, "ended_at": at}


def ids(path):
    if path.suffix == ".sqlite":
        db = sqlite3.connect(path)
        found = [row[0] for row in db.execute("SELECT id FROM events ORDER BY number")]
        found += [row[0] for row in db.execute("SELECT id FROM visits ORDER BY id")]
        db.close()
        return found
    lines = path.read_text(encoding="utf-8").split("\n")  # a name may hold other ends of line
    return [line for line in lines if "left" in line]


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".sqlite"])
def test_old_events_go_and_the_file_is_written_on(tmp_path, ending):
    path = tmp_path / f"events{ending}"
    output = to_file(path)
    output.add([event(1, 9, "old"), event(2, 8, "old"), event(3, 2, "new", "Änn\u2028e, \"B\"")])
    output.expire(utc(NOW - 7 * DAY))
    output.add([event(4, 0, "newest")])
    output.close()
    if ending == ".sqlite":
        assert ids(path) == ["3", "4", "new", "newest"]
        assert b"old" not in b"".join(file.read_bytes() for file in tmp_path.glob("events*"))
    else:
        assert [line.count(utc(NOW - 2 * DAY)) + 2 * line.count(utc(NOW)) for line in ids(path)] == [3, 6]
        assert (path.read_text().splitlines()[0] == ",".join(COLUMNS)) is (ending == ".csv")
    assert [file.name for file in tmp_path.iterdir() if "part" in file.name] == []


def test_a_file_without_old_events_is_left_alone(tmp_path):
    path = tmp_path / "events.jsonl"
    output = to_file(path)
    output.expire(utc(NOW))
    assert not path.exists()
    output.add([event(1, 2)])
    before = path.stat().st_ino
    output.expire(utc(NOW - 7 * DAY))
    output.close()
    assert path.stat().st_ino == before


def test_a_line_that_cannot_be_read_goes_with_the_one_before(tmp_path):
    path = tmp_path / "events.jsonl"
    output = to_file(path)
    output.add([event(1, 9)])
    with open(path, "a") as file:
        file.write("cut o\n")
    output.add([event(2, 1)])
    output.expire(utc(NOW - 7 * DAY))
    output.close()
    assert len(path.read_text().splitlines()) == 1 and '"id": "2"' in path.read_text()


def test_events_that_wait_for_a_receiver_are_given_up(tmp_path):
    outbox = Outbox(tmp_path / "queue.sqlite")
    outbox.add([event(1, 9), event(2, 9), event(3, 1)])
    outbox.refuse(outbox.first(), "no")
    outbox.expire(utc(NOW - 7 * DAY))
    assert len(outbox) == 1 and outbox.first().id == "3"
    outbox.close()
    db = sqlite3.connect(tmp_path / "queue.sqlite")
    assert db.execute("SELECT count(*) FROM refused").fetchone() == (0,)
    db.close()


class Asked(EventOutput):
    def __init__(self):
        self.before = []

    def add(self, rows):
        pass

    def expire(self, before):
        self.before.append(before)

    def close(self):
        pass


def test_outputs_are_asked_now_and_then_with_the_days_that_are_set():
    clock, output = [NOW], Asked()
    sink = EventsSink([output], clock=lambda: clock[0], keep_days=7)
    sink.write(RESULT, None)
    sink.write(RESULT, None)
    clock[0] += EXPIRE_EVERY_S
    sink.write(RESULT, None)
    sink.close()
    assert output.before == [utc(NOW - 7 * DAY), utc(NOW + EXPIRE_EVERY_S - 7 * DAY)]
    other = Asked()
    with EventsSink([other]) as sink:
        sink.write(RESULT, None)
    assert other.before == []


def test_a_file_that_somebody_takes_lines_out_of_is_written_on(tmp_path):
    """As `gallery remove` does, and the page."""
    path = tmp_path / "rows.jsonl"
    file = LineFile(path)
    file.write(["one", "two"])
    with alone_with(path):
        (tmp_path / "new").write_text("two\n")
        os.replace(tmp_path / "new", path)
    file.write(["three"])
    file.close()
    assert path.read_text() == "two\nthree\n"


def picture(path, days_old):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"picture")
    os.utime(path, (time.time() - days_old * DAY,) * 2)
    return path


def test_old_pictures_go_and_nothing_else(tmp_path):
    old = [
        picture(tmp_path / "2025-01-31/door_12-00-00_0123456789ab.jpg", 9),
        picture(tmp_path / "2025-01-31_12-00-00.123_tracks-1-4.png", 9),
        picture(tmp_path / "2025-01-31_12-00-00.123_2.png", 9),
    ]
    kept = [
        picture(tmp_path / "2025-02-07/door_12-00-00_0123456789ab.jpg", 3),
        picture(tmp_path / "holiday.jpg", 900),
        picture(tmp_path / "album/door_12-00-00_0123456789ab.jpg", 900),
        picture(tmp_path / "2025-01-30/door.jpg", 900),
    ]
    with Housekeeping([tmp_path, tmp_path / "not there"], keep_days=7) as sink:
        sink.write(RESULT, None)
    assert [path.exists() for path in old] == [False] * 3 and not (tmp_path / "2025-01-31").exists()
    assert all(path.exists() for path in kept)


def test_keeping_events_for_some_days_needs_events():
    from streamface import build
    from streamface.configuration import settings_from

    with pytest.raises(SettingsError, match="--keep-events"):
        build.files(settings_from(["-s", "demo", "--keep-events", "7"]))
    made = build.files(settings_from(["-s", "demo", "--keep-pictures", "7"]))
    assert [type(sink).__name__ for sink in made] == ["Housekeeping"]
    made[0].close()
