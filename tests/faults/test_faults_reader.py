"""A reader's process that hangs or dies, a camera over UDP, and passwords, against a real RTSP server."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from fault_camera import FPS, RtspCamera, number_of
from processes import children, readers

from streamface.capture import _attempt
from streamface.capture.network import NetworkSource
from streamface.errors import SourceError
from streamface.settings import CaptureSettings
from streamface.types import LIVE, LOST, STALLED

ROOT = Path(__file__).resolve().parents[2]
USER, SECRET = f"watchman-{secrets.token_hex(4)}", f"geheim-{secrets.token_hex(4)}"
"""Of this run alone: processes of another one are looked through too."""


def next_picture(source, seconds=20):
    """The next frame that is not a repeated one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        frame = source.read()
        if not frame.repeated:
            return frame
    raise AssertionError("no picture")


@pytest.fixture
def camera(clips):
    with RtspCamera(clips, "moving", FPS) as made:
        yield made


def test_a_reader_that_hangs_in_whatever_it_does_is_killed_and_replaced(camera):
    with NetworkSource(CaptureSettings(f"rtsp://127.0.0.1:{camera.port}/live", timeout_s=2.5)) as source:
        next_picture(source)
        (stuck,) = readers()
        os.kill(stuck, signal.SIGSTOP)  # not even its own timeouts work now
        while source.state.state != LOST:
            source.read()
        next_picture(source)
        assert [event.kind for event in source.take_events()] == [LIVE, STALLED, LOST, LIVE]
        assert len(readers()) == 1 and stuck not in readers() and not Path(f"/proc/{stuck}").exists()
    assert not readers()


def test_a_reader_that_hangs_before_it_says_a_word_is_killed_and_replaced(camera, monkeypatch):
    with NetworkSource(CaptureSettings(f"rtsp://127.0.0.1:{camera.port}/live")) as source:
        monkeypatch.setattr(_attempt, "AWAY_S", 0.0)
        for _ in range(10):
            monkeypatch.setattr(_attempt, "START_S", 1.0)
            (first,) = readers()
            os.kill(first, signal.SIGKILL)  # as a crash in a decoder would
            while not (now := readers()) or first in now:
                time.sleep(0.005)
            os.kill(now[0], signal.SIGSTOP)  # while it waits for its turn
            monkeypatch.setattr(_attempt, "START_S", 20.0)
            assert next_picture(source)
            if now[0] not in readers():
                break  # otherwise it was stopped too late, after its first picture
        else:
            raise AssertionError("no reader was stopped before it said a word")


def test_udp_on_request(camera):
    settings = CaptureSettings(f"rtsp://127.0.0.1:{camera.port}/live", timeout_s=10, transport="udp")
    with NetworkSource(settings) as source:
        numbers = [number_of(source.read().image) for _ in range(20)]
        assert len(set(numbers)) > 15
        (pid,) = readers()
        assert _has_udp_socket(pid)
    settings = CaptureSettings(f"rtsp://127.0.0.1:{camera.port}/live", timeout_s=10)
    with NetworkSource(settings) as source:
        source.read()
        (pid,) = readers()
        assert not _has_udp_socket(pid)


def _has_udp_socket(pid):
    return bool(psutil.Process(pid).net_connections(kind="udp"))


def test_a_wrong_password_is_one_line(clips):
    with RtspCamera(clips, "moving", FPS, (USER, SECRET)) as camera:
        with pytest.raises(SourceError, match="user name or password is wrong") as caught:
            NetworkSource(CaptureSettings(f"rtsp://{USER}:x{SECRET}@127.0.0.1:{camera.port}/live")).open()
    assert SECRET not in str(caught.value) and USER not in str(caught.value)


def _everything_readable(pid):
    """What others can see of a process: its command line, its name, its environment."""
    for name in ("cmdline", "comm", "environ"):
        with contextlib.suppress(OSError):
            yield f"/proc/{pid}/{name}", Path(f"/proc/{pid}/{name}").read_bytes()


@contextlib.contextmanager
def running(folder, *options):
    """The program with `run.yaml`; its output goes to the file 'output'."""
    command = [sys.executable, "-m", "streamface", "--config", "run.yaml", "--no-display", "--actions", "none"]
    with open(folder / "output", "wb") as output:
        program = subprocess.Popen(
            [*command, *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def wait_for(path, text, seconds=60):
    """Wait until `text` stands in a file."""
    end = time.monotonic() + seconds
    while text not in path.read_text():
        assert time.monotonic() < end, path.read_text()
        time.sleep(0.05)


def test_the_password_is_nowhere(clips, tmp_path, settings):
    """In no log, error, event, row or list of processes, of a run in which the camera is lost and comes back.

    The address stands on the program's own command line, from which it is wiped.
    """
    seen = {}
    with RtspCamera(clips, "moving", FPS, (USER, SECRET)) as camera:
        address = f"rtsp://{USER}:{SECRET}@127.0.0.1:{camera.port}/live"
        (tmp_path / "run.yaml").write_text("events: e.jsonl\nfaces: f.jsonl\ntimeout: 4\n")
        with running(tmp_path, "--give-up-after", "12", "--source", address) as program:
            wait_for(tmp_path / "output", "mtcnn detector")
            for process in Path("/proc").glob("[0-9]*"):
                if int(process.name) not in (camera.pid, os.getpid()):
                    seen.update(_everything_readable(process.name))
            (reader,) = children(program.pid)
            assert any(b"streamface-reader" in text for place, text in seen.items() if str(reader) in place)
            os.kill(reader, signal.SIGKILL)
            wait_for(tmp_path / "output", "is back after")
            camera.__exit__()
            assert program.wait(60) == 2
    assert "given up" in (tmp_path / "output").read_text()
    seen.update((path.name, path.read_bytes()) for path in tmp_path.iterdir() if path.name != "run.yaml")
    kinds = [json.loads(line)["event"] for line in seen["e.jsonl"].splitlines()]
    assert len(kinds) >= 3, kinds  # lost, back, lost
    for place, text in seen.items():
        assert SECRET.encode() not in text and USER.encode() not in text, place
