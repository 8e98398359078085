"""Rows about a person in every kind of file that a stream writes."""

from __future__ import annotations

import csv
import json
import os
import sqlite3

import pytest

from streamface.errors import OutputError
from streamface.gallery_commands.erase import delete_files, rows_of
from streamface.sinks._outbox import Outbox
from streamface.sinks.event_file import EventFile
from streamface.sinks.event_output import COLUMNS
from streamface.sinks.event_store import EventStore

TIME = "2025-01-31T12:00:00.000Z"


def event(number, visit, person=None, previous=None, snapshot=None, kind="appeared"):
    values = {"id": str(number), "event": kind, "time": TIME, "camera": "door", "visit": visit, "track": 1}
    values |= {"person": person, "previous": previous, "snapshot": snapshot, "started_at": TIME, "ended_at": TIME}
    return dict.fromkeys(COLUMNS) | values


EVENTS = (
    event(1, "a"),
    event(2, "a", "Ann 王", kind="recognised", snapshot="pictures/a.jpg"),
    event(3, "b", "Bob"),
    event(4, "b", None, "Bob", kind="changed"),
    event(5, "c", "Bob", "Ann 王", kind="changed"),
    event(6, "d", "Anne"),
    event(7, None, kind="camera_lost"),
)
"""Visits a and c are of Ann, as they began or for a while."""
KEPT = ["3", "4", "6", "7"]


def ids(path):
    if path.suffix == ".sqlite":
        db = sqlite3.connect(path)
        found = [row[0] for row in db.execute("SELECT id FROM events ORDER BY number")]
        found += [row[0] for row in db.execute("SELECT person FROM visits WHERE person LIKE 'Ann %'")]
        db.close()
        return found
    text = path.read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines()) if path.suffix == ".csv" else map(json.loads, text.splitlines())
    return [row["id"] for row in rows]


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".sqlite"])
def test_events_of_a_persons_visits(tmp_path, ending):
    path = tmp_path / f"events{ending}"
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(b"x")
    output = EventStore(path) if ending == ".sqlite" else EventFile(path)
    output.begin("door")
    output.add([dict(row) for row in EVENTS])
    output.close()
    before = path.read_bytes()
    found = rows_of(path, "Ann 王", delete=False)
    assert found.rows >= 3 and [p.name for p in found.pictures] == ["a.jpg"]
    assert path.read_bytes() == before
    rows_of(path, "Ann 王", delete=True)
    assert ids(path) == KEPT
    assert rows_of(path, "Ann 王", delete=False).rows == 0
    assert "Ann 王".encode() not in b"".join(file.read_bytes() for file in tmp_path.glob("events*"))


def test_rows_of_faces_go_with_their_track(tmp_path):
    rows = [("1", ""), ("1", "Ann"), ("2", ""), ("2", "Bob"), ("1", ""), ("11", "")]
    path = tmp_path / "faces.csv"
    path.write_text("frame,track,identity\n" + "".join(f"0,{t},{who}\n" for t, who in rows))
    assert rows_of(path, "Ann", delete=True).rows == 3
    assert path.read_text() == "frame,track,identity\n0,2,\n0,2,Bob\n0,11,\n"
    lines = [json.dumps({"track": int(t), "identity": who or None}) for t, who in rows]
    other = tmp_path / "faces.jsonl"
    other.write_text("\n".join([*lines, '{"track": 1, "iden']))  # killed while writing
    assert rows_of(other, "Ann", delete=True).rows == 3
    assert other.read_text() == "\n".join([lines[2], lines[3], lines[5], '{"track": 1, "iden'])


def test_events_that_wait_for_a_receiver(tmp_path):
    path = tmp_path / "queue.sqlite"
    outbox = Outbox(path)
    outbox.add([dict(row) for row in EVENTS])
    outbox.close()
    assert rows_of(path, "Ann 王", delete=True).rows == 3
    db = sqlite3.connect(path)
    assert [row[0] for row in db.execute("SELECT id FROM waiting ORDER BY number")] == KEPT
    db.close()


def test_a_name_that_is_part_of_another_or_holds_odd_ends_of_line(tmp_path):
    path = tmp_path / "events.jsonl"
    odd = "Ann\u2028Lee"
    path.write_text("".join(json.dumps({"person": p}, ensure_ascii=False) + "\n" for p in ("Ann", odd, "Joann")))
    assert rows_of(path, "Ann", delete=True).rows == 1
    assert [json.loads(line)["person"] for line in path.read_text().split("\n")[:-1]] == [odd, "Joann"]


def test_an_empty_file_and_one_that_is_none(tmp_path):
    for name in ("a.csv", "a.jsonl"):
        (tmp_path / name).touch()
        assert rows_of(tmp_path / name, "Ann", delete=True).rows == 0
    (tmp_path / "b.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(OutputError, match=r"b.sqlite .*not a database"):
        rows_of(tmp_path / "b.sqlite", "Ann", delete=False)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may delete anything")
def test_what_cannot_be_deleted_is_told(tmp_path):
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "a.jpg").touch()
    (tmp_path / "locked").chmod(0o500)
    with pytest.raises(OutputError, match="cannot delete"):
        delete_files([tmp_path / "locked" / "a.jpg"])
