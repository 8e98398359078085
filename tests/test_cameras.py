import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from streamface import build
from streamface.cameras import Cameras
from streamface.configuration import cameras_from
from streamface.errors import OutputError
from streamface.sinks.base import Sink

FRAMES = 8


class Kept(Sink):
    """Keeps what it is given."""

    def __init__(self, camera: str, closed: list[str]) -> None:
        self.camera, self.results, self._closed = camera, [], closed

    def write(self, result, image) -> None:
        self.results.append(result)

    def close(self) -> None:
        if self.camera not in self._closed:
            self._closed.append(self.camera)


def watch(arguments: str, tmp_path: Path | None = None):
    """(summaries, sink by camera, cameras whose sink was closed) of a run of `arguments`."""
    kept, closed = {}, []

    def sinks(settings):
        kept[settings.capture.camera] = Kept(settings.capture.camera, closed)
        return [kept[settings.capture.camera]]

    with Cameras(cameras_from(f"--no-display {arguments}".split())) as cameras:
        summaries = cameras.run(sinks)
    return summaries, kept, closed


@pytest.fixture(scope="module")
def two_demos():
    return watch(f"-s demo -s demo --max-frames {FRAMES} --actions age")


def test_each_camera_is_analysed_under_its_own_name(two_demos):
    summaries, kept, closed = two_demos
    assert list(summaries) == ["demo", "demo 2"] and sorted(closed) == ["demo", "demo 2"]
    for name, sink in kept.items():
        assert [result.frame.index for result in sink.results] == list(range(FRAMES))
        assert {result.frame.source for result in sink.results} == {name}
        assert summaries[name].frames == FRAMES and not summaries[name].failures


def test_sharing_networks_changes_no_result(two_demos):
    _, alone, _ = watch(f"-s demo -s nowhere.mp4 --max-frames {FRAMES} --actions age")
    for together, single in zip(two_demos[1]["demo 2"].results, alone["demo"].results, strict=True):
        assert len(together.faces) == len(single.faces) > 0
        for one, other in zip(together.faces, single.faces, strict=True):
            assert one.track.detection.box == other.track.detection.box
            assert one.attributes.keys() == other.attributes.keys()
            for name, attribute in one.attributes.items():
                assert np.isclose(attribute.value, other.attributes[name].value)


CAMERAS = """
actions: none
cameras:
  - {name: plain, source: demo}
  - {name: door, source: demo, actions: [age], zone: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
  - {name: elsewhere, source: demo, zone: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}
  - {name: near, source: demo, min-face: 150}
"""


def test_each_camera_has_a_zone_a_least_face_and_actions_of_its_own(tmp_path):
    """In all of them somebody 85 pixels wide walks through the left half."""
    (tmp_path / "cameras.yaml").write_text(CAMERAS)
    _, kept, _ = watch(f"--config {tmp_path / 'cameras.yaml'} --max-frames {FRAMES}")
    told = {name: [set(face.attributes) for result in sink.results for face in result.faces]
            for name, sink in kept.items()}  # fmt: skip
    assert len(told["door"]) == len(told["plain"]) == FRAMES and not told["elsewhere"] and not told["near"]
    assert told["door"][-1] == {"age"} and not any(told["plain"])


def test_a_camera_that_fails_leaves_the_others_alone():
    summaries, kept, closed = watch(f"-s nowhere.mp4 -s demo --max-frames {FRAMES} --actions none")
    assert "there is no file or folder nowhere.mp4" in summaries["nowhere"].failures[0]
    assert summaries["demo"].frames == FRAMES and not summaries["demo"].failures
    assert sorted(closed) == ["demo", "nowhere"] and not kept["nowhere"].results


class Slow(Sink):
    """So slow that the others have long ended."""

    def write(self, result, image) -> None:
        time.sleep(0.3)


class Faulty(Sink):
    """A mistake of ours."""

    def write(self, result, image) -> None:
        raise ZeroDivisionError("of ours")


def test_a_fault_of_ours_ends_one_camera_and_the_run_lasts_until_the_last_one_has_ended(monkeypatch):
    monkeypatch.setattr("streamface.cameras.FAREWELL_S", 0.1)  # what they have once all are told to end
    with Cameras(cameras_from(f"--no-display -s demo -s demo --max-frames {FRAMES} --actions none".split())) as made:
        summaries = made.run(lambda settings: [Faulty() if settings.capture.camera == "demo" else Slow()])
    assert summaries["demo"].failures == ["fault: ZeroDivisionError: of ours"]
    assert summaries["demo 2"].frames == FRAMES and not summaries["demo 2"].failures


def test_the_window_shows_every_camera_and_its_keys_end_the_run(monkeypatch):
    class Window(Sink):
        wants_stop, seen = False, []

        def write(self, result, image) -> None:
            self.seen.append([bool(tile.std() > 5) for tile in np.hsplit(image, 2)])
            self.wants_stop = self.seen[-1] == [True, True]  # as when q is pressed then

    monkeypatch.setattr(build, "window", lambda *arguments: Window())
    with Cameras(cameras_from("-s demo -s demo --actions none".split())) as made:
        summaries = made.run(lambda settings: [])
        whole = made.streams["demo"].info.frame_count
    assert Window.seen[-1] == [True, True]
    assert all(0 < summary.frames < whole and not summary.failures for summary in summaries.values())


def stop_once_all_run(cameras: Cameras) -> threading.Thread:
    """Stop them as soon as each has given a frame: networks are set up by then, however slow the machine."""

    def stop():
        while not all(stream.summary.frames for stream in cameras.streams.values()):
            time.sleep(0.02)  # the test's own time limit ends this
        cameras.stop()

    stopping = threading.Thread(target=stop, daemon=True)
    stopping.start()
    return stopping


def test_stop_ends_every_camera():
    with Cameras(cameras_from("--no-display -s demo -s demo --loop --actions none".split())) as cameras:
        stopping = stop_once_all_run(cameras)
        summaries = cameras.run(lambda settings: [])
        stopping.join()
    assert all(not summary.failures for summary in summaries.values())
    assert not [t.name for t in threading.enumerate() if t.name.startswith("streamface-demo")]


def test_files_are_finished_also_where_that_takes_a_while(caplog):
    finished = []

    class Slow(Kept):
        def close(self):
            if self.camera not in finished:  # it may be closed twice
                time.sleep(2)  # a receiver that does not answer, and a slow disk
            finished.append(self.camera)

    with Cameras(cameras_from("--no-display -s demo -s demo --loop --actions none".split())) as cameras:
        stopping = stop_once_all_run(cameras)
        cameras.run(lambda settings: [Slow(settings.capture.camera, [])])
        stopping.join()
    assert {"demo", "demo 2"} <= set(finished) and "left behind" not in caplog.text


def test_readings_tell_how_each_camera_does():
    with Cameras(
        cameras_from(f"--no-display -s demo -s nowhere.mp4 --max-frames {FRAMES} --actions none".split())
    ) as made:
        before, during = made.readings(), []

        class Asking(Sink):
            def write(self, result, image) -> None:
                during.append(made.readings()[0])

        made.run(lambda settings: [Asking()])
        after = made.readings()
    assert [reading.state for reading in before] == ["connecting", "connecting"]
    assert {reading.state for reading in during} == {"live"} and max(reading.people for reading in during) >= 1
    assert (after[0].camera, after[0].state, after[0].frames) == ("demo", "ended", FRAMES)
    assert after[0].spent_ms["detect"] > 0 and after[0].delay_s is None
    assert (after[1].camera, after[1].state) == ("nowhere", "ended")


def test_a_file_that_cannot_be_written_is_said_before_anything_runs(tmp_path):
    (tmp_path / "taken").write_text("")
    cameras = cameras_from("--no-display -s demo -s demo --actions none".split())
    cameras = [
        replace(settings, output=replace(settings.output, faces=tmp_path / "taken" / f"{n}.jsonl"))
        for n, settings in enumerate(cameras)
    ]
    with Cameras(cameras) as made, pytest.raises(OutputError):
        made.run()
