"""Events in files: what a row says, that it stays, and what happens when it cannot be written."""

import csv
import datetime
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from sink_results import EPOCH, face, match, result

from streamface.errors import OutputError
from streamface.sinks import event_store
from streamface.sinks.best_view import BestViews
from streamface.sinks.event_output import COLUMNS, EventOutput, utc
from streamface.sinks.events import EventsSink, to_file
from streamface.types import Box, Detection, FaceResult, FrameResult, SourceEvent, Track

ANN = match("Ann", 0.25)


def rows(path):
    """What a file holds, as dictionaries of text or None."""
    if path.suffix == ".sqlite":
        db = sqlite3.connect(path)
        db.row_factory = sqlite3.Row
        found = [dict(row) for row in db.execute("SELECT * FROM events ORDER BY number")]
        db.close()
    elif path.suffix == ".csv":
        with open(path, newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
    else:
        text = path.read_text("utf-8")
        assert text == "" or text.endswith("\n")
        found = [json.loads(line) for line in text.splitlines()]
    return [{k: None if v in (None, "") else str(v) for k, v in row.items() if k != "number"} for row in found]


def play(sink, *frames, step=0.2, live=True, first=0):
    for index, faces in enumerate(frames, first):
        sink.write(result(index, *faces, live=live, seconds=index * step), None)


EVERY_FILE = pytest.mark.parametrize("name", ["e.jsonl", "e.csv", "e.sqlite"])


@EVERY_FILE
def test_events_are_written_as_they_happen_and_at_the_end(tmp_path, name):
    path = tmp_path / "new" / name
    sink = EventsSink([to_file(path)])
    play(sink, [face(1)])
    assert [row["event"] for row in rows(path)] == ["appeared"]
    play(sink, [face(1, ANN)], [face(1, ANN), face(2)], [face(1, ANN), face(2)], first=1)
    assert [row["event"] for row in rows(path)] == ["appeared", "appeared", "recognised"]
    sink.close()
    sink.close()
    found = rows(path)
    assert [row["event"] for row in found[3:]] == ["left", "left"]
    assert set(found[3]) == set(COLUMNS)
    assert found[3]["visit"] == found[0]["visit"] != found[4]["visit"]
    assert len({row["id"] for row in found}) == 5
    told = {name: value for name, value in found[3].items() if name not in ("id", "visit")}
    assert told == {
        "event": "left",
        "time": "2025-01-01T00:00:00.600Z",
        "camera": "door",
        "track": "1",
        "person": "Ann",
        "stranger": None,
        "previous": None,
        "distance": "0.25",
        "started_at": "2025-01-01T00:00:00.000Z",
        "ended_at": "2025-01-01T00:00:00.600Z",
        "start": "0.0",
        "end": "0.6",
        "frame": "3",
        "snapshot": None,
        "detail": None,
    }


def test_a_json_row_has_numbers_and_the_columns_in_order(tmp_path):
    with EventsSink([to_file(tmp_path / "e.jsonl")]) as sink:
        play(sink, [face(1)])
    row = json.loads((tmp_path / "e.jsonl").read_text().splitlines()[0])
    assert list(row) == list(COLUMNS)
    assert (row["track"], row["start"], row["distance"], row["person"]) == (1, 0.0, None, None)


def test_times_are_utc_of_one_length_and_read_by_the_standard_library():
    assert [utc(EPOCH + s) for s in (0, 0.9996, 59.9999)] == [
        "2025-01-01T00:00:00.000Z",
        "2025-01-01T00:00:01.000Z",
        "2025-01-01T00:01:00.000Z",
    ]
    read = datetime.datetime.fromisoformat(utc(EPOCH + 0.5).replace("Z", "+00:00"))
    assert read.timestamp() == EPOCH + 0.5


@EVERY_FILE
def test_a_second_run_adds_to_the_first(tmp_path, name):
    for _ in range(2):
        with EventsSink([to_file(tmp_path / name)]) as sink:
            play(sink, [face(1)])
    assert [row["event"] for row in rows(tmp_path / name)] == ["appeared", "left"] * 2


def test_a_table_with_other_columns_is_left_alone(tmp_path):
    (tmp_path / "e.csv").write_text("when,who\n1,Ann\n")
    with pytest.raises(OutputError, match=r"e\.csv begins with other columns: move it away"):
        to_file(tmp_path / "e.csv")
    assert (tmp_path / "e.csv").read_text() == "when,who\n1,Ann\n"


@pytest.mark.parametrize("name", ["e.jsonl", "e.csv"])
@pytest.mark.parametrize("half", ['{"id": "ab', "x" * 9000])
def test_a_half_line_left_by_a_power_cut_is_cut_off(tmp_path, name, half):
    path = tmp_path / name
    with EventsSink([to_file(path)]) as sink:
        play(sink, [face(1)])
    with open(path, "a") as file:
        file.write(half)
    with EventsSink([to_file(path)]) as sink:
        play(sink, [face(2)])
    assert [row["event"] for row in rows(path)] == ["appeared", "left"] * 2


def test_a_heading_cut_short_is_written_again(tmp_path):
    (tmp_path / "e.csv").write_text(",".join(COLUMNS)[:20])
    with EventsSink([to_file(tmp_path / "e.csv")]) as sink:
        play(sink, [face(1)])
    assert [row["event"] for row in rows(tmp_path / "e.csv")] == ["appeared", "left"]


@pytest.mark.parametrize("name", ["e.jsonl", "e.csv"])
def test_a_run_that_ends_before_its_first_frame_writes_nothing(tmp_path, name):
    EventsSink([to_file(tmp_path / name)]).close()
    assert list(tmp_path.iterdir()) == []


def source_events(*events, repeated=False):
    told = result(0, live=True)
    frame = type(told.frame)(told.frame.image, 0, EPOCH, None, "door", repeated)
    return FrameResult(frame, source_events=tuple(SourceEvent(*event) for event in events))


def test_a_camera_that_is_lost_and_comes_back_is_told_once(tmp_path):
    with EventsSink([to_file(tmp_path / "e.jsonl")], clock=lambda: EPOCH + 9) as sink:
        sink.write(source_events(("live", "door", EPOCH, "", False, "connecting")), None)
        sink.write(source_events(("stalled", "door", EPOCH + 1, "no picture for 2 s"), repeated=True), None)
        sink.write(source_events(("lost", "door", EPOCH + 2, "no answer"), repeated=True), None)
        sink.write(source_events(("lost", "door", EPOCH + 3, "refused"), repeated=True), None)
        sink.write(source_events(repeated=True), None)
        sink.write(source_events(("live", "door", EPOCH + 8.5, "", False, "lost")), None)
        sink.write(source_events(("black", "door", EPOCH + 9, "nothing to see", True)), None)
    found = rows(tmp_path / "e.jsonl")
    expected = ["camera_live", "camera_stalled", "camera_lost", "camera_back", "camera_black_over"]
    assert [row["event"] for row in found] == expected
    assert found[2]["detail"] == "no answer" and found[2]["time"] == "2025-01-01T00:00:02.000Z"
    assert found[3]["camera"] == "door" and found[3]["track"] is None and found[3]["visit"] is None


def test_people_leave_while_the_camera_is_lost(tmp_path):
    now = [EPOCH]
    sink = EventsSink([to_file(tmp_path / "e.jsonl")], clock=lambda: now[0])
    play(sink, [face(1, ANN)], [face(1, ANN)])
    for now[0] in (EPOCH + 3, EPOCH + 6):
        sink.write(source_events(repeated=True), None)
    assert [row["event"] for row in rows(tmp_path / "e.jsonl")][-1] == "left"
    sink.close()


@EVERY_FILE
def test_a_file_that_is_moved_away_or_deleted_is_begun_anew(tmp_path, name):
    path = tmp_path / name
    with EventsSink([to_file(path)]) as sink:
        play(sink, [face(1)])
        path.rename(tmp_path / f"old-{name}")
        play(sink, [face(1), face(2)], first=1)
        assert [row["track"] for row in rows(path)] == ["2"]
        path.unlink()
        play(sink, [face(1), face(2), face(3)], first=2)
        assert [row["track"] for row in rows(path)] == ["3"]
    assert [row["track"] for row in rows(tmp_path / f"old-{name}")] == ["1"]


def test_a_database_of_several_cameras_that_is_moved_away_is_whole(tmp_path):
    path, old = tmp_path / "e.sqlite", tmp_path / "old.sqlite"
    with EventsSink([to_file(path)]) as door, EventsSink([to_file(path)]) as yard:
        for number in range(1, 40):
            if number == 4:
                path.rename(old)
            play(door, [face(track) for track in range(1, number + 1)], first=number)
            play(yard, [face(track) for track in range(101, number + 101)], first=number)
    for file, tracks in ((old, {1, 2, 3, 101, 102, 103}), (path, {*range(4, 40), *range(104, 140)})):
        found = rows(file)
        assert {int(row["track"]) for row in found if row["event"] == "appeared"} == tracks
        with closing(sqlite3.connect(file)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


class Broken(EventOutput):
    closed = 0

    def add(self, rows):
        raise OutputError("cannot write there: No space left on device")

    def close(self):
        self.closed += 1


def test_an_output_that_fails_leaves_the_others_alone(tmp_path, caplog):
    broken = Broken()
    sink = EventsSink([broken, to_file(tmp_path / "e.jsonl")])
    play(sink, [face(1)], [face(1), face(2)])
    sink.close()
    assert [row["event"] for row in rows(tmp_path / "e.jsonl")] == ["appeared", "appeared", "left", "left"]
    assert sink.failures == ["cannot write there: No space left on device"] and broken.closed == 1
    assert [record.message for record in caplog.records] == sink.failures


def test_the_last_output_that_fails_ends_the_sink():
    with pytest.raises(OutputError, match="No space"):
        play(EventsSink([Broken()]), [face(1)])


# SQLite


def visits_of(path):
    db = sqlite3.connect(path)
    found = db.execute("SELECT person, started_at, ended_at, over FROM visits ORDER BY started_at, track").fetchall()
    db.close()
    return found


def test_a_visit_is_one_row_that_is_kept_up_to_date(tmp_path):
    path = tmp_path / "e.sqlite"
    sink = EventsSink([to_file(path)])
    play(sink, [face(1)])
    assert visits_of(path) == [(None, utc(EPOCH), utc(EPOCH), 0)]
    play(sink, *([[face(1, ANN)]] * 3), first=1)
    assert visits_of(path) == [("Ann", utc(EPOCH), utc(EPOCH + 0.6), 0)]
    play(sink, *([[face(1, ANN)]] * 51), first=4)
    assert visits_of(path)[0][2] == utc(EPOCH + 10), "every 10 s it is noted that the visit goes on"
    sink.close()
    assert visits_of(path) == [("Ann", utc(EPOCH), utc(EPOCH + 54 / 5), 1)]


QUESTIONS = {
    "SELECT * FROM visits WHERE person = 'Ann' AND started_at > '2025' ORDER BY started_at": "visits_by_person",
    "SELECT * FROM visits WHERE camera = 'door' AND started_at BETWEEN '2025' AND '2026'": "visits_by_camera",
    "SELECT * FROM visits WHERE started_at BETWEEN '2025' AND '2026' ORDER BY started_at": "visits_by_time",
    "SELECT * FROM visits WHERE stranger = 7 ORDER BY started_at": "visits_by_stranger",
    "SELECT * FROM events WHERE person = 'Ann' ORDER BY time DESC LIMIT 50": "events_by_person",
    "SELECT * FROM events WHERE camera = 'door' AND time > '2025'": "events_by_camera",
    "SELECT * FROM events WHERE time > '2025' ORDER BY time": "events_by_time",
    "SELECT * FROM events WHERE visit = 'x'": "events_by_visit",
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_questions_of_a_web_page_use_an_index(tmp_path, question):
    db = event_store.open_store(tmp_path / "e.sqlite")
    plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {question}"))
    db.close()
    assert QUESTIONS[question] in plan and "TEMP B-TREE" not in plan, plan


def test_the_file_says_what_it_is(tmp_path):
    to_file(tmp_path / "e.sqlite").close()
    db = sqlite3.connect(tmp_path / "e.sqlite")
    values = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version", "journal_mode")]
    db.close()
    assert values == [event_store.APPLICATION_ID, 1, "wal"]


def test_other_files_are_refused_and_left_alone(tmp_path):
    path = tmp_path / "e.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE notes (text)")
    db.close()
    with pytest.raises(OutputError, match="database of another program"):
        to_file(path)
    path.write_text("not a database, but a letter of some length" * 30)
    with pytest.raises(OutputError, match="file is not a database"):
        to_file(path)
    assert path.read_text().startswith("not a database")
    later = tmp_path / "later.sqlite"
    to_file(later).close()
    db = sqlite3.connect(later)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OutputError, match="later streamface"):
        to_file(later)


def test_several_cameras_write_one_database(tmp_path):
    path = tmp_path / "e.sqlite"
    with EventsSink([to_file(path)]) as one, EventsSink([to_file(path)]) as other:
        for index in range(20):
            for sink in (one, other):
                play(sink, [face(index + 1)], first=index)
    assert len(rows(path)) == 80


def test_the_visits_of_one_camera_go_on_when_another_begins(tmp_path):
    path = tmp_path / "e.sqlite"
    with EventsSink([to_file(path)]) as door, EventsSink([to_file(path)]) as yard:
        play(door, [face(1)])
        seen = result(0, face(2), live=True, seconds=1.0)
        yard.write(replace(seen, frame=replace(seen.frame, source="yard")), None)
        assert [over for *_, over in visits_of(path)] == [0, 0]
    assert [over for *_, over in visits_of(path)] == [1, 1]


def test_a_killed_run_loses_no_event_that_was_written_and_its_visits_are_closed_later(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from sink_results import *\n"
        "from streamface.sinks.events import EventsSink, to_file\n"
        "sink = EventsSink([to_file(__import__('pathlib').Path(sys.argv[2]))])\n"
        "for i in range(10**9):\n"
        "    sink.write(result(i, face(i + 1), live=True, seconds=i * 6.0), None); print(i, flush=True)"
    )
    path = tmp_path / "e.sqlite"
    arguments = [sys.executable, "-c", code, str(Path(__file__).parent), str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as run:
        for _ in range(40):
            last = int(run.stdout.readline())
        run.kill()
    assert {row["track"] for row in rows(path) if row["event"] == "appeared"} >= {str(i + 1) for i in range(last + 1)}
    assert [over for *_, over in visits_of(path)].count(0) > 0
    with EventsSink([to_file(path)]) as sink:
        play(sink, [face(1)])
    assert [over for *_, over in visits_of(path)].count(0) == 0


def test_a_full_database_is_an_error_in_one_line(tmp_path):
    output = to_file(tmp_path / "e.sqlite")
    output._db.execute("PRAGMA max_page_count = 20")
    sink = EventsSink([output])
    with pytest.raises(OutputError, match=r"cannot write events to .*e\.sqlite: database or disk is full; free"):
        play(sink, *([[face(i)] for i in range(1, 2000)]))
    sink.close()
    found = rows(tmp_path / "e.sqlite")
    assert len(found) > 10 and found[-1]["track"] == str(len([r for r in found if r["event"] == "appeared"]))


# Pictures


def view(blur, side, track=1):
    """A frame with a square 'face' of fine detail, blurred."""
    image = np.full((400, 600, 3), 90, np.uint8)
    detail = np.random.default_rng(1).integers(0, 255, (side // 4, side // 4, 3), dtype=np.uint8)
    detail = cv2.resize(detail, (side, side), interpolation=cv2.INTER_NEAREST)
    image[100 : 100 + side, 200 : 200 + side] = cv2.GaussianBlur(detail, (0, 0), blur) if blur else detail
    return image, FaceResult(Track(track, Detection(Box(200, 100, 200 + side, 100 + side), 0.9), 5), ANN)


def pictures(folder):
    return sorted(folder.rglob("*.jpg"))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_the_best_picture_is_the_sharpest_and_largest(tmp_path, order):
    views = [view(8, 200), view(0, 200), view(3, 200), view(0, 60)]
    sink = EventsSink([to_file(tmp_path / "e.jsonl")], views=BestViews(tmp_path / "best"))
    for index, number in enumerate(order):
        image, found = views[number]
        sink.write(result(index, found, live=True, seconds=float(index), image=image), None)
    sink.close()
    (path,) = pictures(tmp_path / "best")
    assert path.parent.name == "2025-01-01" and path.name.startswith("door_00-00-00_")
    snapshots = [row["snapshot"] for row in rows(tmp_path / "e.jsonl")]
    assert snapshots == [str(path)] * len(snapshots) and len(snapshots) == 3
    saved = cv2.imread(str(path)).astype(int)
    assert saved.shape == (400, 440, 3), "0.6 of the face's size around it, cut at the frame's edge"
    away = [np.abs(saved - image[0:400, 80:520]).mean() for image, _ in views]
    assert away.index(min(away)) == 1, away


def test_a_picture_is_there_with_the_first_event_and_one_file_a_visit(tmp_path):
    image, found = view(3, 200)
    sink = EventsSink([to_file(tmp_path / "e.jsonl")], views=BestViews(tmp_path / "best"))
    sink.write(result(0, found, live=True, image=image), None)
    assert rows(tmp_path / "e.jsonl")[0]["snapshot"] == str(pictures(tmp_path / "best")[0])
    for index in range(1, 50):
        other = view(0, 100, track=1 + index % 2)
        sink.write(result(index, found, other[1], live=True, seconds=float(index), image=other[0]), None)
    sink.close()
    assert len(pictures(tmp_path / "best")) == len({row["visit"] for row in rows(tmp_path / "e.jsonl")})
    assert not sink._views._views, "nothing is kept of visits that are over"


def test_a_large_face_is_made_smaller(tmp_path):
    image = cv2.resize(view(0, 200)[0], None, fx=5, fy=5)
    found = FaceResult(Track(1, Detection(Box(1000, 500, 2000, 1500), 0.9), 5))
    with EventsSink([to_file(tmp_path / "e.jsonl")], views=BestViews(tmp_path / "best")) as sink:
        sink.write(result(0, found, live=True, image=image), None)
    assert max(cv2.imread(str(pictures(tmp_path / "best")[0])).shape) == 640


def test_a_place_for_pictures_that_fails_costs_the_picture_only(tmp_path, caplog):
    (tmp_path / "best").write_text("a file where the folder should be")
    sink = EventsSink([to_file(tmp_path / "e.jsonl")], views=BestViews(tmp_path / "best"))
    image, found = view(0, 100)
    for index in range(5):
        sink.write(result(index, found, live=True, image=image), None)
    sink.close()
    assert [row["snapshot"] for row in rows(tmp_path / "e.jsonl")] == [None] * 3
    assert len(sink.failures) == 1 and len(caplog.records) == 1


class Told(EventOutput):
    """Notes what it is to forget."""

    def __init__(self):
        self.rows, self.forgotten = [], []

    def add(self, rows):
        self.rows += rows

    def forget(self, people, visits):
        self.forgotten.append((set(people), len(visits)))

    def close(self):
        pass


@pytest.mark.parametrize("repeated", [False, True])
def test_of_somebody_whose_traces_are_deleted_no_picture_or_event_comes_anew(tmp_path, repeated):
    """Whatever was deleted on the disk meanwhile, also while the camera gives nothing."""
    output, (image, found) = Told(), view(0, 200)
    sink = EventsSink([output], views=BestViews(tmp_path / "best"), clock=lambda: EPOCH + 60)
    for index in range(5):
        sink.write(result(index, found, live=True, seconds=index * 0.2, image=image), None)
    for path in pictures(tmp_path / "best"):
        path.unlink()
    told = len(output.rows)
    for index in range(5, 15):
        after = result(index, replace(found, match=match(None)), live=True, seconds=index * 0.2, image=image)
        after = replace(after, erased=frozenset({"Ann"}))
        sink.write(replace(after, faces=(), frame=replace(after.frame, repeated=True)) if repeated else after, None)
    sink.close()
    assert len(output.rows) == told and output.forgotten == [({"Ann"}, 1)]
    assert pictures(tmp_path / "best") == []
