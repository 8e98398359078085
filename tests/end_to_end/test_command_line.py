"""The program as a user starts it."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from streamface.cli import main

ROOT = Path(__file__).resolve().parents[2]
DATABASE = str(ROOT / "database")
DEMO = ["--source", "demo", "--no-display", "--actions", "none"]


@pytest.fixture(autouse=True)
def _own_place(tmp_path, monkeypatch, settings):
    """`settings` has the networks ready, so that a run does not wait for them."""
    monkeypatch.chdir(tmp_path)


def frames_of(path: Path) -> list[float]:
    """The time of each frame of a video, all of it decoded."""
    with av.open(str(path)) as video:
        assert video.streams.video[0].codec.name == "h264"
        return [frame.time for frame in video.decode(video=0)]


def test_the_demo_is_named_recorded_and_written_down(tmp_path, capsys):
    outputs = ["--output", "o.mp4", "--faces", "f.jsonl", "--events", "e.jsonl"]
    assert main([*DEMO, "--database", DATABASE, "--max-frames", "60", *outputs]) == 0
    assert frames_of(tmp_path / "o.mp4") == pytest.approx([i * 0.04 for i in range(60)], abs=0.002)
    faces = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    assert {row["frame"] for row in faces} == set(range(60))
    named = {row["track"]: row["identity"] for row in faces}
    assert named[1] == "Eileen Collins" and named[2] is None
    unknown = [row for row in faces if row["track"] == 2 and row["distance"] is not None]
    assert unknown and all(row["distance"] > row["threshold"] for row in unknown)
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert [(e["event"], e["track"]) for e in events] == [
        ("appeared", 1),
        ("recognised", 1),
        ("appeared", 2),
        ("left", 1),
        ("left", 2),
    ]
    said = capsys.readouterr().out
    assert said.startswith("60 frames in ") and "Eileen Collins" in said and "milliseconds per frame: " in said


def test_of_cameras_that_never_came_no_time_per_frame_is_told(capsys):
    cameras = ["--source", "rtsp://127.0.0.1:1/a", "--source", "rtsp://127.0.0.1:1/b", "--wait", "--give-up-after", "1"]
    assert main([*cameras, "--no-display", "--actions", "none"]) == 2
    said = capsys.readouterr().out
    assert said.count(": 0 frames in ") == 2 and "per frame" not in said


def test_clips_of_people_lie_on_the_clock_of_the_rows(tmp_path):
    outputs = [
        "--recordings",
        "r",
        "--clip-on",
        "person",
        "--clip-before",
        "0.2",
        "--record",
        "both",
        "--faces",
        "f.jsonl",
    ]
    assert main([*DEMO, "--max-frames", "60", *outputs]) == 0
    annotated, raw = sorted((tmp_path / "r").rglob("*.mp4"))
    assert raw.name == annotated.name.replace(".mp4", "_raw.mp4")
    with av.open(str(annotated)) as video:
        start = json.loads(video.metadata["comment"])["start"]
    times = [start + at for at in frames_of(annotated)]
    rows = [json.loads(line)["time"] for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    assert set(rows) <= {round(at, 2) for at in times} and frames_of(raw) == frames_of(annotated)


def test_two_runs_write_the_same_rows(tmp_path):
    for name in ("a.csv", "b.csv"):
        assert main([*DEMO, "--database", DATABASE, "--max-frames", "50", "--faces", name]) == 0
    first, second = ((tmp_path / name).read_text() for name in ("a.csv", "b.csv"))
    assert first == second and len(list(csv.DictReader(first.splitlines()))) > 50


def test_the_truth_of_the_demo_is_found(tmp_path):
    """Over the whole clip: both people are followed, and no name is ever wrong."""
    from streamface.capture.demo import truth

    assert main([*DEMO, "--database", DATABASE, "--faces", "f.jsonl"]) == 0
    rows = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    found, expected, wrong = 0, 0, []
    for index in range(300):
        here = [row for row in rows if row["frame"] == index]
        for person, box, visible in truth(index):
            if box is None or visible < 0.9 or box.height < 60:
                continue
            expected += 1
            x, y = box.center
            over = [row for row in here if row["x1"] < x < row["x2"] and row["y1"] < y < row["y2"]]
            found += bool(over)
            allowed = (person, None) if person == "Eileen Collins" else (None,)
            wrong += [(index, row["identity"]) for row in over if row["identity"] not in allowed]
    assert expected > 300 and found / expected > 0.97
    assert wrong == []


def test_a_configuration_file_and_python_dash_m(tmp_path):
    (tmp_path / "c.yaml").write_text("source: demo\ndisplay: false\nmax_frames: 3\nactions: none\n")
    command = [sys.executable, "-m", "streamface", "--config", "c.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0 and done.stdout.startswith("3 frames in ")


def test_no_display_is_said_and_no_error(capfd, caplog):
    caplog.set_level("INFO")
    assert main(["--source", "demo", "--max-frames", "2", "--actions", "none"]) == 0
    assert "--no-display" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "nowhere.mp4"], "nowhere.mp4"),
        (["--source", "words.mp4"], "words.mp4"),
        (["--source", "empty.mp4"], "empty.mp4 is empty"),
        (["--source", "nobody"], "nobody"),
        (["--source", "63"], "camera 63"),
        (["--source", "rtsp://anna:secret@127.0.0.1:9/door"], "127.0.0.1:9"),
        (["--source", "demo", "--database", "nobody"], "Person Name"),
        (["--source", "demo", "--database", "missing"], "missing"),
        (["--source", "demo", "--model", "best"], "unknown model 'best'"),
        (["--source", "demo", "--metric", "miles"], "unknown metric 'miles'"),
        (["--source", "demo", "--detector", "eyes"], "unknown detector 'eyes'"),
        (["--source", "demo", "--actions", "age,height"], "unknown action 'height'"),
        (["--source", "demo", "--output", "words.mp4/x.mp4"], "words.mp4"),
        (["--source", "demo", "--output", "x.txt"], "x.txt"),
        (["--source", "demo", "--faces", "x.txt"], "x.txt"),
        (["--source", "demo", "--events", "x.txt"], "x.txt"),
        (["--source", "demo", "--clip-on", "person"], "add --recordings DIR"),
        (["--source", "demo", "--recordings", "r", "--clip-on", "cats"], "clip-on is 'cats'"),
        (["--source", "demo", "--recordings", "words.mp4/r"], "words.mp4"),
        (["--source", "demo", "--recordings", "r", "--clip-on", "stranger"], "add --database DIR"),
        (["--source", "demo", "--webhook", "ftp://anna:secret@host"], "--webhook must begin with http"),
        (["--source", "demo", "--mqtt", "anna:secret@host"], "STREAMFACE_MQTT_PASSWORD"),
        (["--source", "demo", "--min-face", "2"], "min-face"),
        (["--source", "demo", "--nonsense"], "--nonsense"),
        (["--source", "demo", "--attributes", "mine"], "unknown attributes 'mine'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, arguments, said):
    (tmp_path / "words.mp4").write_text("no video at all")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "nobody").mkdir()
    assert main([*arguments, "--no-display", "--timeout", "2"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("streamface: ") and said in lines[0]
    assert "secret" not in lines[0] and "Traceback" not in lines[0]


def test_a_broken_picture_of_a_person_is_named_and_the_others_count(tmp_path, caplog):
    people = tmp_path / "people"
    (people / "Anna").mkdir(parents=True)
    (people / "Anna" / "1.jpg").write_bytes(b"\xff\xd8 broken")
    (people / "Eileen").mkdir()
    (people / "Eileen" / "1.jpg").write_bytes((ROOT / "database" / "Eileen Collins" / "portrait.jpg").read_bytes())
    caplog.set_level("INFO")
    assert main([*DEMO, "--database", "people", "--max-frames", "3", "--faces", "f.jsonl"]) == 0
    assert "Anna/1.jpg" in caplog.text
    assert json.loads((tmp_path / "f.jsonl").read_text().splitlines()[0])["identity"] == "Eileen"


def test_a_full_disk_ends_that_output_and_no_other(tmp_path, capsys, monkeypatch):
    from streamface.errors import OutputError
    from streamface.sinks.faces import FacesSink

    written = []

    def full(self, result, image):
        written.append(result.frame.index)
        if len(written) == 5:
            raise OutputError("cannot write f.jsonl: No space left on device; free some space")

    monkeypatch.setattr(FacesSink, "write", full)
    assert main([*DEMO, "--max-frames", "20", "--output", "o.mp4", "--faces", "f.jsonl"]) == 2
    assert len(written) == 5 and len(frames_of(tmp_path / "o.mp4")) == 20


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_whole_files_and_a_summary(tmp_path, number):
    command = [sys.executable, str(ROOT / "run_stream.py"), *DEMO, "--output", "o.mp4", "--faces", "f.jsonl"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    rows = tmp_path / "f.jsonl"
    deadline = time.monotonic() + 60
    while not (rows.exists() and rows.read_bytes().count(b"\n") > 10) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 0, err
    frames = int(out.split()[0])
    assert 5 < frames < 300 and len(frames_of(tmp_path / "o.mp4")) == frames
    assert "Traceback" not in err
    assert all(json.loads(line) for line in rows.read_text().splitlines())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_program_leaves_recordings_that_play_and_every_event(tmp_path):
    outputs = [
        "--recordings",
        "r",
        "--segment",
        "0.05",
        "--record",
        "both",
        "--events",
        "e.sqlite",
        "--faces",
        "f.jsonl",
    ]
    command = [sys.executable, str(ROOT / "run_stream.py"), *DEMO, "--database", DATABASE, *outputs]
    rows = tmp_path / "f.jsonl"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 200
        while not (rows.exists() and rows.read_bytes().count(b"\n") > 100) and time.monotonic() < deadline:
            time.sleep(0.01)
        running.kill()
    seen = [json.loads(line) for line in rows.read_text().splitlines()]
    for ending in ("Z.mp4", "Z_raw.mp4"):
        found = sorted(path for path in (tmp_path / "r").rglob("*.mp4") if path.name.endswith(ending))
        times = []
        for path in found:
            with av.open(str(path)) as video:
                start = json.loads(video.metadata["comment"])["start"]
            times += [start + at for at in frames_of(path)]
        assert seen[-1]["time"] - times[-1] < 1.5
        assert times == pytest.approx([i * 0.04 for i in range(len(times))], abs=0.001)
    db = sqlite3.connect(tmp_path / "e.sqlite")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    told = {row[0] for row in db.execute("SELECT track FROM events WHERE event = 'appeared'")}
    db.close()
    assert told >= {row["track"] for row in seen[:-2]}


def test_a_fault_of_ours_is_one_line_and_exit_code_1(monkeypatch, capsys):
    monkeypatch.setattr("streamface.build.prepare", lambda _: 1 / 0)
    assert main(DEMO) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        main([*DEMO, "--debug"])


def test_a_missing_system_library_is_said(monkeypatch, capsys):
    def missing(_):
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr("streamface.build.prepare", missing)
    assert main(DEMO) == 2
    assert "apt-get install libgl1" in capsys.readouterr().err


def test_a_running_stream_never_loads_tensorflow(tmp_path):
    code = (
        "import sys; from streamface.cli import main;"
        "main(['--source', 'demo', '--no-display', '--max-frames', '5', '--database', sys.argv[1]]);"
        "sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras', 'torch') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, DATABASE],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


def test_each_picture_of_a_folder_is_detected_in_full(tmp_path, portrait):
    """The second picture has nothing to do with the first: nobody is where somebody was."""
    import cv2
    import numpy as np

    (tmp_path / "pictures").mkdir()
    empty = np.full_like(portrait, 128)
    beside, below = (np.concatenate([empty, portrait], axis=axis) for axis in (1, 0))
    for number, image in enumerate([empty, portrait, beside, below, portrait]):
        cv2.imwrite(str(tmp_path / "pictures" / f"{number}.png"), image)
    arguments = ["--source", "pictures", "--no-display", "--actions", "none", "--faces", "f.jsonl"]
    assert main([*arguments, "--database", DATABASE]) == 0
    rows = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    assert [(row["frame"], row["identity"]) for row in rows] == [(i, "Eileen Collins") for i in (1, 2, 3, 4)]


def test_a_profile_is_printed_and_plotted(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert main([*DEMO, "--max-frames", "12", "--database", DATABASE, "--profile", "p.png"]) == 0
    table = capsys.readouterr().out
    assert [line.split()[0] for line in table.splitlines() if line.endswith("%")][:2] == ["decode", "detect"]
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
