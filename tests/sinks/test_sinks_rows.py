import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sink_results import face, match, result

from streamface.errors import OutputError
from streamface.sinks import _files
from streamface.sinks.events import EventsSink, to_file
from streamface.sinks.faces import COLUMNS, FacesSink
from streamface.types import LIVE, Attribute, SourceState, Stranger

AGE = Attribute("age", "34", 1.0, 34.26, spread=4.04)
GENDER = Attribute("gender", "Woman", 0.9, scores={"Woman": 0.9, "Man": 0.1})
EMOTION = Attribute("emotion", "happy", 0.7, scores={"happy": 0.7, "sad": 0.3})
RACE = Attribute("race", "asian", 0.8, scores={"asian": 0.8, "white": 0.2})
FULL = {
    "frame": 3,
    "time": 0.12,
    "track": 2,
    "x1": 20.0,
    "y1": 20.12,
    "x2": 70.0,
    "y2": 80.5,
    "score": 0.9877,
    "identity": "Zoë 김",
    "distance": 0.3,
    "threshold": 0.5,
    "age": 34.3,
    "gender": "Woman",
    "emotion": "happy",
    "race": "asian",
    "age_spread": 4.0,
    "gender_scores": {"Woman": 0.9, "Man": 0.1},
    "emotion_scores": {"happy": 0.7, "sad": 0.3},
    "race_scores": {"asian": 0.8, "white": 0.2},
    "stranger": None,
    "visit": None,
}


def events_to(path):
    return EventsSink([to_file(path)])


def full():
    return face(2, match("Zoë 김"), age=AGE, gender=GENDER, emotion=EMOTION, race=RACE)


def lines(path):
    text = path.read_text("utf-8")
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def written(path, *results):
    with FacesSink(path) as sink:
        for one in results:
            sink.write(one, None)
    return path


def test_a_json_row_holds_everything_that_is_known(tmp_path):
    (row,) = lines(written(tmp_path / "a.jsonl", result(3, full())))
    assert row == FULL and list(row) == list(COLUMNS)


def test_a_csv_row_holds_the_same(tmp_path):
    with open(written(tmp_path / "a.csv", result(3, full())), newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    for name, value in FULL.items():
        if isinstance(value, dict):
            assert json.loads(row[name]) == value
        else:
            assert row[name] == ("" if value is None else str(value))


def test_a_stranger_has_a_number_and_a_visit(tmp_path):
    somebody = replace(face(1, match(None, 0.8)), stranger=Stranger(7, 3))
    (row,) = lines(written(tmp_path / "a.jsonl", result(0, somebody)))
    assert (row["identity"], row["stranger"], row["visit"]) == (None, 7, 3)


def test_what_is_not_known_is_null_or_empty(tmp_path):
    (row,) = lines(written(tmp_path / "a.jsonl", result(0, face(1))))
    unknown = set(COLUMNS) - {"frame", "time", "track", "x1", "y1", "x2", "y2", "score"}
    assert {name for name, value in row.items() if value is None} == unknown
    with open(written(tmp_path / "a.csv", result(0, face(1))), newline="") as file:
        (row,) = csv.DictReader(file)
    assert {name for name, value in row.items() if value == ""} == unknown


def test_somebody_unknown_has_a_distance_and_an_empty_gallery_has_none(tmp_path):
    far, empty = lines(
        written(tmp_path / "a.jsonl", result(0, face(1, match(None, 0.8)), face(2, match(None, float("inf")))))
    )
    assert (far["identity"], far["distance"], far["threshold"]) == (None, 0.8, 0.5)
    assert (empty["identity"], empty["distance"]) == (None, None)


def test_rows_are_of_faces_that_were_seen(tmp_path):
    rows = lines(written(tmp_path / "a.jsonl", result(0, face(1, missed=2), face(2, confirmed=False), face(3))))
    assert [row["track"] for row in rows] == [3]


def test_a_live_source_has_times_of_the_day(tmp_path):
    (row,) = lines(written(tmp_path / "a.jsonl", result(25, face(1), live=True)))
    assert row["time"] == 1_735_689_601.0


def test_a_run_without_faces_leaves_the_heading(tmp_path):
    assert written(tmp_path / "a.csv", result(0)).read_text() == ",".join(COLUMNS) + "\n"
    assert written(tmp_path / "a.jsonl", result(0)).read_text() == ""


def test_names_with_commas_quotes_and_line_ends_survive(tmp_path):
    name = 'O"Neil, Ann\nMary'
    with open(written(tmp_path / "a.csv", result(0, face(1, match(name)))), newline="") as file:
        assert [row["identity"] for row in csv.DictReader(file)] == [name]
    assert lines(written(tmp_path / "a.jsonl", result(0, face(1, match(name)))))[0]["identity"] == name


def test_an_existing_file_is_kept_until_the_first_frame(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("stale\n")
    sink = FacesSink(path)
    sink.close()
    assert path.read_text() == "stale\n"
    written(path, result(0, face(1)))
    assert "stale" not in path.read_text()


def test_a_run_without_a_frame_leaves_no_file(tmp_path):
    FacesSink(tmp_path / "a" / "b" / "c.csv").close()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_each_row_reaches_the_file_at_once(tmp_path):
    sink = FacesSink(tmp_path / "a.jsonl")
    for index in range(3):
        sink.write(result(index, face(1)), None)
        assert len(lines(tmp_path / "a.jsonl")) == index + 1
    sink.close()
    sink.close()


def test_a_killed_run_leaves_whole_lines(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from sink_results import *\n"
        "from streamface.sinks.faces import FacesSink\n"
        "sink = FacesSink(sys.argv[2])\n"
        "for i in range(10**9): sink.write(result(i, face(1), face(2)), None); print(i, flush=True)"
    )
    arguments = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "a.jsonl")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as run:
        for _ in range(40):
            run.stdout.readline()
        run.kill()
    rows = lines(tmp_path / "a.jsonl")
    assert len(rows) >= 80


@pytest.mark.parametrize(
    ("sink", "name"), [(FacesSink, "a.txt"), (to_file, "a.txt"), (FacesSink, "a"), (to_file, "a.json")]
)
def test_another_ending_is_refused(sink, name, tmp_path):
    with pytest.raises(OutputError, match=r"end the name in"):
        sink(tmp_path / name)


@pytest.mark.parametrize("sink", [FacesSink, events_to])
def test_a_place_that_cannot_be_written_is_found_at_once(sink, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.jsonl").mkdir()
    for path in (tmp_path / "file" / "a.jsonl", tmp_path / "folder.jsonl"):
        with pytest.raises(OutputError, match="cannot write") as caught:
            sink(path)
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_found_at_once(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot write"):
        FacesSink(tmp_path / "a.jsonl")


def test_a_read_only_file_system_is_found_at_once(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    (tmp_path / "there.jsonl").write_text("")
    monkeypatch.setattr(_files, "open", refuse, raising=False)
    with monkeypatch.context() as system:
        system.setattr(os, "open", refuse)
        for name in ("there.jsonl", "new.jsonl"):
            with pytest.raises(OutputError, match="Read-only file system"):
                FacesSink(tmp_path / name)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("sink", [FacesSink, events_to])
def test_a_full_disk_is_an_error_in_one_line(sink, tmp_path):
    (tmp_path / "a.jsonl").symlink_to("/dev/full")
    output = sink(tmp_path / "a.jsonl")
    with pytest.raises(OutputError, match="No space left on device; free some space"):
        output.write(result(0, face(1)), None)
    output.close()
    output.close()


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_rows_of_a_camera_go_on_when_the_disk_has_room_again(tmp_path, monkeypatch, caplog, name):
    caplog.set_level("INFO")
    now, real, room = [0.0], os.write, [300]
    sink = FacesSink(tmp_path / name, clock=lambda: now[0])

    def filling(descriptor, data):
        if not room[0]:
            raise OSError(28, "No space left on device")
        done = real(descriptor, bytes(data)[: room[0]])
        room[0] -= done
        return done

    def see(index):
        state = SourceState(LIVE, 0.0)
        sink.write(replace(result(index, full(), full(), live=True), source_state=state), None)

    monkeypatch.setattr(os, "write", filling)
    for index in range(3):
        see(index)
    room[0] = 10**9
    now[0] = 9.0
    see(3)
    now[0] = 10.0
    see(4)
    see(5)
    sink.close()
    assert len(sink.failures) == 1 and "No space left on device" in sink.failures[0]
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    with open(tmp_path / name, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file)) if name.endswith("csv") else [json.loads(line) for line in file]
    assert [int(row["frame"]) for row in rows] == [4, 4, 5, 5]


def test_a_table_that_is_moved_away_is_begun_anew_with_its_heading(tmp_path):
    path = tmp_path / "f.csv"
    with FacesSink(path) as sink:
        sink.write(result(0, full()), None)
        path.rename(tmp_path / "old.csv")
        sink.write(result(1, full()), None)
    for number, name in enumerate(("old.csv", "f.csv")):
        with open(tmp_path / name, newline="", encoding="utf-8") as file:
            assert [int(row["frame"]) for row in csv.DictReader(file)] == [number]


@pytest.mark.parametrize("fits", [0, 1, 100, 260])
def test_a_disk_that_fills_within_a_row_leaves_whole_rows(fits, tmp_path, monkeypatch):
    sink, path, real = FacesSink(tmp_path / "a.jsonl"), tmp_path / "a.jsonl", os.write
    sink.write(result(0, face(1)), None)
    left = [fits]

    def filling(descriptor, data):
        if not left[0]:
            raise OSError(28, "No space left on device")
        done = real(descriptor, bytes(data)[: left[0]])
        left[0] -= done
        return done

    monkeypatch.setattr(os, "write", filling)
    with pytest.raises(OutputError):
        sink.write(result(1, face(1), face(2)), None)
    monkeypatch.undo()
    rows = lines(path)
    assert [row["frame"] for row in rows] == [0]
    sink.write(result(2, face(1)), None)
    assert lines(path) == rows, "nothing more is written after an error"
