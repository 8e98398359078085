"""Recordings in segments and clips: times, names, crashes, full disks, old files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from recordings import boxes, clock_of, decoded, files, label
from sink_results import EPOCH, face, match, result

from streamface.sinks import _footage, recorder
from streamface.sinks._files import name_of
from streamface.sinks._retention import Retention
from streamface.sinks.recorder import RecorderSink, Recording
from streamface.types import FrameResult

RATE = 25
PERSON = face(1)


def picture(shade=0, size_wh=(64, 48), seed=None):
    if seed is not None:
        return np.random.default_rng(seed).integers(0, 255, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    return np.full((size_wh[1], size_wh[0], 3), shade, np.uint8)


def play(sink, times, faces=lambda seconds: (), image=None, live=True):
    for index, seconds in enumerate(times):
        shown = picture(index * 10 % 250) if image is None else image(index)
        sink.write(result(index, *faces(seconds), live=live, seconds=seconds, image=shown), shown)


def record(folder, times, faces=lambda seconds: (), image=None, live=True, **options):
    sink = RecorderSink(Recording(folder, **options))
    play(sink, times, faces, image, live)
    sink.close()
    assert sink.failures == []
    return files(folder)


def seconds(count, rate=RATE, start=0.0):
    return [start + i / rate for i in range(count)]


def test_segments_hold_every_frame_at_its_time(tmp_path):
    times = [0, 0.04, 0.5, 0.52, 1.9, 2.3, 2.31, 3.0, 3.9, 4.5, 4.9, 6.0]
    found = record(tmp_path, times, segment_s=2.0)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "2025-01-01/door_2025-01-01T00-00-00.000Z.mp4",
        "2025-01-01/door_2025-01-01T00-00-02.300Z.mp4",
        "2025-01-01/door_2025-01-01T00-00-04.500Z.mp4",
    ]
    assert np.concatenate([clock_of(path) for path in found]) == pytest.approx(EPOCH + np.array(times), abs=2e-5)
    shades = [image.mean() for path in found for image in decoded(path)[1]]
    assert shades == pytest.approx([i * 10 for i in range(12)], abs=3)


def test_a_file_is_recorded_on_its_own_clock_whatever_the_pace(tmp_path):
    (path,) = record(tmp_path, seconds(30, 5), live=False)
    assert clock_of(path) == pytest.approx(seconds(30, 5), abs=2e-5)
    assert label(path) == {
        "camera": "door",
        "picture": "annotated",
        "started_at": "2025-01-01T00:00:00.000Z",
        "start": 0.0,
        "recorder": "streamface",
    }


def test_browsers_find_the_header_first_and_a_codec_they_know(tmp_path):
    (path,) = record(tmp_path, seconds(60))
    names = boxes(path.read_bytes())
    assert names[:2] == ["ftyp", "moov"] and names[2:] == ["moof", "mdat"] * 3 + ["mfra"]
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.codec_tag, context.pix_fmt) == ("h264", "avc1", "yuv420p")
        assert context.profile in ("Baseline", "Constrained Baseline", "Main", "High")
        assert container.duration / 1e6 == pytest.approx(60 / 25, abs=0.001)
        assert next(container.decode(video=0)).key_frame


def test_a_player_can_jump_to_the_middle(tmp_path):
    (path,) = record(tmp_path, seconds(150))
    with av.open(str(path)) as container:
        container.seek(4_000_000)
        assert 2.0 <= next(container.decode(video=0)).time <= 4.0


@pytest.mark.parametrize("record_, expected", [("annotated", [200]), ("raw", [50]), ("both", [200, 50])])
def test_annotated_raw_or_both_on_one_clock(tmp_path, record_, expected):
    sink = RecorderSink(Recording(tmp_path, recorder.PICTURES[record_]))
    assert sink.wants_image == (record_ != "raw")
    for index in range(50):
        sink.write(result(index, live=True, image=picture(50)), picture(200) if sink.wants_image else None)
    sink.close()
    found = files(tmp_path)
    assert [round(decoded(path)[1][10].mean(), -1) for path in found] == expected
    assert [label(path)["picture"] for path in found] == list(recorder.PICTURES[record_])
    assert all(list(clock_of(path)) == list(clock_of(found[0])) for path in found) and len(clock_of(found[0])) == 50
    assert record_ != "both" or found[1].name == found[0].name.replace(".mp4", "_raw.mp4")


def test_another_size_begins_a_new_file(tmp_path):
    sizes = [(64, 48)] * 30 + [(33, 47)] * 30 + [(64, 48)] * 30
    found = record(tmp_path, seconds(90), image=lambda i: picture(100, sizes[i]))
    assert [decoded(path)[1][0].shape[1::-1] for path in found] == [(64, 48), (34, 48), (64, 48)]
    assert [len(decoded(path)[0]) for path in found] == [30, 30, 30]


@pytest.mark.parametrize(
    ("jump", "parts"), [(9.0, [2]), (11.0, [1, 1]), (-0.5, [2]), (-3600.0, [1, 1]), (86_400.0, [1, 1])]
)
def test_a_gap_or_a_jump_of_the_clock_begins_a_new_file(tmp_path, jump, parts):
    record(tmp_path, [0.0, jump])
    # by name, a clock that was set back gives the later file the earlier time
    assert sorted(len(decoded(path)[0]) for path in files(tmp_path)) == parts


@pytest.mark.parametrize("jump", [60.0, -60.0])
def test_after_a_jump_the_encoder_goes_on_and_every_frame_has_its_time(tmp_path, monkeypatch, jump):
    """A new encoder would hold megabytes more than the first, at every return of a camera."""
    made = []
    monkeypatch.setattr(_footage, "Encoder", lambda *a, _real=_footage.Encoder: made.append(a) or _real(*a))
    times = [0.0, 0.1, 0.5, jump, jump + 0.3, jump + 1.0, 2 * jump, 2 * jump + 0.2]
    found = sorted(record(tmp_path, times), key=lambda path: label(path)["start"], reverse=jump < 0)
    assert [len(decoded(path)[0]) for path in found] == [3, 3, 2] and len(made) == 1
    assert np.concatenate([clock_of(path) for path in found]) == pytest.approx(EPOCH + np.array(times), abs=2e-5)
    shades = [image.mean() for path in found for image in decoded(path)[1]]
    assert shades == pytest.approx([i * 10 for i in range(8)], abs=3)


def test_two_files_of_one_moment_get_two_names(tmp_path):
    record(tmp_path, [0.0])
    record(tmp_path, [0.0])
    assert [path.name for path in files(tmp_path)] == [
        "door_2025-01-01T00-00-00.000Z.mp4",
        "door_2025-01-01T00-00-00.000Z_2.mp4",
    ]


@pytest.mark.parametrize(
    ("camera", "name"),
    [
        ("front door", "front-door"),
        ("/media/films/A walk.mp4", "A-walk"),
        ("rtsp://10.0.0.7:554/stream2", "rtsp-10.0.0.7-554-stream2"),
        ("../..", "camera"),
        ("Tür", "Tür"),
    ],
)
def test_files_are_named_by_the_camera(camera, name):
    assert name_of(camera) == name


# Clips


def within(*spans):
    return lambda t: (PERSON,) if any(a <= t <= b for a, b in spans) else ()


def test_a_clip_has_the_seconds_before_and_after(tmp_path):
    times = seconds(20 * RATE)
    found = record(tmp_path, times, within((6.0, 7.0), (14.0, 14.2)), clip_on="person", before_s=2.0, after_s=1.5)
    spans = [clock_of(path) - EPOCH for path in found]
    assert len(spans) == 2
    for span, first, last in zip(spans, (6.0, 14.0), (7.0, 14.2), strict=True):
        assert first - 3.0 - 0.05 <= span[0] <= first - 2.0 + 1e-4, "from the picture to jump to before"
        assert last + 1.4 < span[-1] <= last + 1.5
        assert np.diff(span) == pytest.approx(1 / RATE, abs=1e-4), "no frame is missing"


def test_clips_that_follow_each_other_share_no_frame(tmp_path):
    spans = within((4.0, 4.2), (6.0, 6.2))
    found = record(tmp_path, seconds(200), spans, clip_on="person", before_s=3.0, after_s=0.5)
    times = np.concatenate([clock_of(path) for path in found])
    assert len(found) == 2 and np.diff(times).min() > 0.03


def test_somebody_who_stays_is_one_clip(tmp_path):
    found = record(tmp_path, seconds(100), within((1.0, 1.1), (2.0, 2.1)), clip_on="person", after_s=1.5)
    assert len(found) == 1


def test_a_clock_that_is_set_back_does_not_prolong_a_clip(tmp_path):
    found = record(tmp_path, [*seconds(10, start=3600.0), *seconds(100)], within((3600.0, 3601.0)), clip_on="person")
    assert [len(decoded(path)[0]) for path in found] == [10]


def test_a_long_clip_is_in_segments(tmp_path):
    found = record(tmp_path, seconds(150), within((1.0, 9.0)), clip_on="person", before_s=0.5, segment_s=2.0)
    times = np.concatenate([clock_of(path) for path in found])
    assert len(found) == 3 and np.diff(times) == pytest.approx(1 / RATE, abs=1e-4)


@pytest.mark.parametrize(
    ("clip_on", "who", "recorded"),
    [
        ("person", face(1), True),
        ("person", face(1, confirmed=False), False),
        ("person", face(1, missed=1), False),
        ("named", face(1, match("Ann")), True),
        ("named", face(1, match(None)), False),
        ("named", face(1), False),
        ("stranger", face(1, match(None)), True),
        ("stranger", face(1, match("Ann")), False),
        ("stranger", face(1), False),
    ],
)
def test_who_is_recorded(tmp_path, clip_on, who, recorded):
    assert len(record(tmp_path, seconds(10), lambda t: (who,), clip_on=clip_on)) == recorded


def test_no_seconds_before_means_no_work_before(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(_footage, "Encoder", lambda *a, _real=_footage.Encoder: made.append(a) or _real(*a))
    sink = RecorderSink(Recording(tmp_path, clip_on="person", before_s=0.0))
    play(sink, seconds(50))
    assert made == []
    play(sink, seconds(5, start=2.0), lambda t: (PERSON,))
    sink.close()
    assert len(decoded(files(tmp_path)[0])[0]) == 5


def test_the_memory_for_the_seconds_before_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(_footage, "MOST_WAITING_BYTES", 100_000)
    sink = RecorderSink(Recording(tmp_path, clip_on="person", before_s=100.0))
    footage, most = sink._footage["annotated"], 0
    for index in range(400):
        image = picture(seed=index)
        sink.write(result(index, live=True, image=image), image)
        most = max(most, footage._waiting_bytes)
        assert footage._waiting_bytes == sum(waiting.packet.size for waiting in footage._waiting)
    sink.close()
    second = 25 * 6000
    assert 50_000 < most < 100_000 + second and files(tmp_path) == []


# When the camera gives nothing


def repeated(index):
    told = result(index, live=True)
    frame = type(told.frame)(told.frame.image, index, told.frame.captured_at, None, "door", True)
    return FrameResult(frame)


def test_what_a_lost_camera_gave_last_is_complete_soon(tmp_path):
    now = [0.0]
    sink = RecorderSink(Recording(tmp_path), lambda: now[0])
    play(sink, seconds(10))
    for now[0] in (0.5, 1.0):
        sink.write(repeated(10), picture())
    assert files(tmp_path) == []
    now[0] = 2.5
    sink.write(repeated(10), picture())
    assert len(decoded(files(tmp_path)[0])[0]) == 10
    play(sink, seconds(10, start=4.0))
    sink.close()
    assert [len(decoded(path)[0]) for path in files(tmp_path)] == [10, 10]


# Crashes

ENDLESS = (
    "import sys; sys.path.insert(0, sys.argv[1]); from test_sinks_recorder import *\n"
    "sink = RecorderSink(Recording(Path(sys.argv[2]), recorder.PICTURES['both'], segment_s=4.0))\n"
    "for i in range(10**9):\n"
    "    image = picture(seed=i); sink.write(result(i, live=True, image=image), image); print(i, flush=True)"
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("frames", [26, 30, 101, 163])
def test_a_killed_run_leaves_files_that_play_to_the_last_second(tmp_path, frames):
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(Path(__file__).parent), str(tmp_path)], stdout=subprocess.PIPE
    ) as run:
        for _ in range(frames):
            last = int(run.stdout.readline())
        run.kill()
    for ending in ("Z.mp4", "Z_raw.mp4"):
        found = [path for path in files(tmp_path) if path.name.endswith(ending)]
        times = np.concatenate([clock_of(path) for path in found]) - EPOCH
        assert np.diff(times) == pytest.approx(1 / RATE, abs=1e-4)
        assert last / RATE - times[-1] <= 0.9
        assert all(set(boxes(path.read_bytes())) <= {"ftyp", "moov", "moof", "mdat", "mfra"} for path in found)


# Full disks


def test_too_little_room_pauses_and_goes_on_later(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    now, free = [0.0], [10**9]
    monkeypatch.setattr(recorder.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free[0]}))
    sink = RecorderSink(Recording(tmp_path, reserve_bytes=1000), lambda: now[0])

    def go_on(start):
        for index, at in enumerate(seconds(50, start=start)):
            now[0] = at
            sink.write(result(index, live=True, seconds=at), picture(100))

    go_on(0)
    free[0] = 999
    go_on(2)
    go_on(4)
    assert len(caplog.records) == 1 and caplog.records[0].message == sink.failures[0]
    assert "No space left on device" in sink.failures[0] and "the recording pauses" in sink.failures[0]
    free[0] = 1500
    go_on(20)
    assert len(caplog.records) == 1, "half as much again is not enough"
    free[0] = 2000
    go_on(40)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    sink.close()
    spans = [clock_of(path) - EPOCH for path in files(tmp_path)]
    assert len(spans) == 2 and 2.0 <= spans[0][-1] < 4.0 and spans[1][0] >= 40
    assert len(sink.failures) == 1


LIMITED = (
    "import sys; sys.path.insert(0, sys.argv[1]); from test_sinks_recorder import *\n"
    "sink = RecorderSink(Recording(Path(sys.argv[2]), reserve_bytes=0))\n"
    "import resource\n"
    "if sys.argv[3]: resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))\n"
    "for i in range(250):\n"
    "    image = picture(seed=i, size_wh=(160, 120)); sink.write(result(i, live=True, image=image), image)\n"
    "sink.close(); print(len(sink.failures), *sink.failures, sep='\\n')"
)


def limited(folder, most):
    command = [sys.executable, "-c", LIMITED, str(Path(__file__).parent), str(folder), most]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    count, *said = done.stdout.splitlines()
    assert int(count) == len(said) == 1 and "\n".join(said) in done.stderr + done.stdout
    return said[0]


@pytest.mark.parametrize("most", [2_000, 700_000, 1_500_001])
def test_a_file_that_may_not_grow_stays_whole(tmp_path, most):
    """The limit of the system on the size of a file: a write that is cut in its middle, for real."""
    said = limited(tmp_path, str(most))
    assert "File too large" in said
    found = files(tmp_path)
    assert len(found) == (most > 100_000), "no file is left without a picture"
    for path in found:
        assert set(boxes(path.read_bytes())) <= {"ftyp", "moov", "moof", "mdat"}
        times = decoded(path)[0]
        assert len(times) >= 25 and np.diff(times) == pytest.approx(0.04, abs=1e-4)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1.5 MB; the test is skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"may not mount a file system here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full_leaves_a_file_that_plays(small_disk):
    said = limited(small_disk, "")
    assert "No space left on device" in said
    (path,) = files(small_disk)
    assert set(boxes(path.read_bytes())) <= {"ftyp", "moov", "moof", "mdat"}
    assert len(decoded(path)[0]) >= 25
    (small_disk / "events.jsonl").write_text("x" * 1000)  # what the failed fragment took is free again


def test_a_folder_that_cannot_be_written_is_found_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(recorder.OutputError, match="cannot write"):
        RecorderSink(Recording(tmp_path / "file" / "recordings"))


def test_a_folder_that_is_taken_away_is_said_once(tmp_path, caplog):
    now = [0.0]
    folder = tmp_path / "recordings"
    sink = RecorderSink(Recording(folder, segment_s=1.0), lambda: now[0])
    play(sink, seconds(20))
    for path in folder.rglob("*"):
        assert path.is_dir()
        path.rmdir()
    folder.rmdir()
    folder.write_text("a file")
    for now[0] in np.arange(0, 60, 0.5):
        play(sink, seconds(1, start=2.0 + now[0]))
    sink.close()
    assert len(caplog.records) == len(sink.failures) == 1


# Old files


def old(folder, names, size=1000):
    """Recordings that changed one hour after the other, up to now."""
    (path,) = record(folder / "made", [0.0])
    data = path.read_bytes()
    for number, name in enumerate(names):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data + bytes(size * 1000 - len(data)))
        changed = time.time() - 3600 * (len(names) - number)
        os.utime(target, (changed, changed))
    path.unlink()
    path.parent.rmdir()


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


A, B, C, D = (f"2025-01-0{day}/door_2025-01-0{day}T00-00-00.000Z.mp4" for day in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, [A, B, C, D]),
        ({"keep_gb": 0.004}, [A, B, C, D]),
        ({"keep_gb": 0.0035}, [B, C, D]),
        ({"keep_gb": 0.0025}, [C, D]),
        ({"keep_days": 2.5 / 24}, [C, D]),
        ({"keep_days": 1}, [A, B, C, D]),
        ({"keep_days": 3.5 / 24, "keep_gb": 0.0015}, [D]),
    ],
)
def test_the_oldest_go_first(tmp_path, options, left):
    old(tmp_path, [A, B, C, D])
    Retention(tmp_path, **options).sweep()
    assert names_in(tmp_path) == left
    assert {path.name for path in tmp_path.glob("2025*")} == {name[:10] for name in left}, "empty folders go too"


def test_only_recordings_are_deleted(tmp_path):
    old(tmp_path, [A, B])
    mine = {
        "2025-01-01/holiday.mp4": b"x",
        "2025-01-01/door_2025-01-01T00-00-00.000Z.mp4.txt": b"x",
        "2025-01-02/cat_2025-01-02T00-00-00.000Z.mp4": b"a film that is named like a recording" * 100,
        "deep/er/" + Path(A).name: (tmp_path / A).read_bytes(),
    }
    for name, data in mine.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "2025-01-02" / "link_2025-01-02T00-00-00.000Z.mp4").symlink_to(tmp_path / "deep/er" / Path(A).name)
    Retention(tmp_path, keep_gb=1e-9).sweep()
    assert names_in(tmp_path) == sorted([*mine, "2025-01-02/link_2025-01-02T00-00-00.000Z.mp4"])


def test_old_files_go_while_the_recording_pauses(tmp_path, monkeypatch):
    now = [0.0]
    old(tmp_path, [A, B])
    monkeypatch.setattr(recorder.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 0}))
    sink = RecorderSink(Recording(tmp_path, keep_gb=0.0015), lambda: now[0])
    play(sink, seconds(50))
    old(tmp_path, [C])
    now[0] = 31.0
    play(sink, seconds(1, start=3.0))
    sink.close()
    assert C in names_in(tmp_path) and B not in names_in(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses by itself")
def test_a_file_that_is_being_written_is_not_deleted(tmp_path):
    sink = RecorderSink(Recording(tmp_path))
    play(sink, seconds(60))
    assert Retention(tmp_path, keep_gb=1e-9).sweep() == []
    sink.close()
    found = files(tmp_path)
    assert Retention(tmp_path, keep_gb=1e-9).sweep() == found and files(tmp_path) == []


def test_the_recorder_itself_keeps_to_the_limit(tmp_path):
    now = [0.0]
    sink = RecorderSink(Recording(tmp_path, segment_s=2.0, keep_gb=0.0005), lambda: now[0])
    for index in range(600):
        now[0] = 2.0 * index
        image = picture(seed=index)
        sink.write(result(index, live=True, image=image), image)
    sink.close()
    found = files(tmp_path)
    total = sum(path.stat().st_size for path in found)
    assert 1 < len(found) < 11 and total < 1_000_000, "a segment is some 300 kB"
    assert clock_of(found[-1])[-1] == pytest.approx(EPOCH + 599 / 25, abs=1e-3), "the newest is there"
