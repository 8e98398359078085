import types

import cv2
import numpy as np
import pytest
from sink_results import face, result

from streamface.errors import OutputError
from streamface.sinks import _screen, snapshots, window
from streamface.sinks.window import WindowSink


class FakeWindows:
    """The part of cv2 that shows windows: keys come from a list, what was shown is kept."""

    def __init__(self, keys=()):
        self.keys, self.shown, self.titles, self.open = list(keys), [], [], True
        self.destroyed, self.on_key = [], None

    def waitKey(self, ms):  # noqa: N802 - named as in OpenCV
        if self.on_key:
            self.on_key()
        return self.keys.pop(0) if self.keys else -1

    def imshow(self, title, image):
        self.shown.append(image)

    def namedWindow(self, title, flags):  # noqa: N802
        pass

    def setWindowTitle(self, title, text):  # noqa: N802
        self.titles.append(text)

    def getWindowProperty(self, title, what):  # noqa: N802
        return 1.0 if self.open else 0.0

    def destroyWindow(self, title):  # noqa: N802
        self.destroyed.append(title)


@pytest.fixture
def windows(monkeypatch):
    fake = FakeWindows()
    real = {name: getattr(cv2, name) for name in dir(cv2) if not name.startswith("__")}
    parts = {name: getattr(fake, name) for name in dir(fake) if callable(getattr(fake, name)) and name[0] != "_"}
    monkeypatch.setattr(window, "cv2", types.SimpleNamespace(**{**real, **parts}))
    monkeypatch.setattr(_screen, "problem", lambda: None)
    monkeypatch.setattr(_screen, "size_wh", lambda: (1000, 800))
    return fake


def picture(size_wh=(64, 48)):
    return np.full((size_wh[1], size_wh[0], 3), 77, np.uint8)


@pytest.mark.parametrize("key", [ord("q"), ord("Q"), 27, ord("q") | 0x100000])
def test_q_and_esc_end_the_run(windows, key):
    windows.keys = [-1, key]
    with WindowSink("w") as sink:
        sink.write(result(0), picture())
        assert not sink.wants_stop
        sink.write(result(1), picture())
        assert sink.wants_stop
        sink.write(result(2), picture())
    assert len(windows.shown) == 2 and windows.destroyed == ["w"]


def test_closing_the_window_ends_the_run_and_does_not_open_it_again(windows):
    sink = WindowSink("w")
    sink.write(result(0), picture())
    windows.open = False
    sink.write(result(1), picture())
    assert sink.wants_stop and len(windows.shown) == 1
    sink.close()
    sink.close()


def test_space_holds_the_stream_until_space(windows):
    windows.keys = [ord(" "), -1, -1, -1, ord(" ")]
    sink = WindowSink("w")
    sink.write(result(0), picture())
    assert windows.keys == [] and not sink.wants_stop
    assert windows.titles[-1].endswith("paused")
    sink.write(result(1), picture())
    assert windows.titles[-1] == "w"


@pytest.mark.parametrize("how", ["q", "closed", "stopped"])
def test_a_paused_stream_can_be_ended(windows, how):
    state = {"looks": 0}

    def look():
        state["looks"] += 1
        windows.open = not (how == "closed" and state["looks"] > 3)

    windows.on_key = look
    windows.keys = [ord(" "), -1, ord("q") if how == "q" else -1]
    sink = WindowSink("w", stopped=lambda: how == "stopped" and state["looks"] > 3)
    sink.write(result(0), picture())
    assert sink.wants_stop == (how != "stopped")
    assert state["looks"] < 10


def test_s_saves_a_snapshot_and_says_so(windows, tmp_path):
    windows.keys = [ord("s"), -1]
    notes = []
    sink = WindowSink("w", tmp_path / "shots", notice=lambda image, text: notes.append(text) or image)
    sink.write(result(0, face(1), face(4)), picture())
    sink.write(result(1), picture())
    (saved,) = (tmp_path / "shots").iterdir()
    assert saved.suffix == ".png" and saved.stem.endswith("_tracks-1-4")
    assert (cv2.imread(str(saved)) == 77).all()
    assert notes == [f"saved {saved.name}"]


def test_s_works_while_paused(windows, tmp_path):
    windows.keys = [ord(" "), ord("s"), ord("s"), ord(" ")]
    WindowSink("w", tmp_path).write(result(0, face(1)), picture())
    assert len(list(tmp_path.iterdir())) == 2


def test_a_snapshot_that_cannot_be_saved_does_not_end_the_run(windows, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    windows.keys = [ord("s"), -1]
    sink = WindowSink("w", tmp_path / "file" / "shots")
    sink.write(result(0), picture())
    sink.write(result(1), picture())
    assert not sink.wants_stop and "cannot write" in caplog.text
    assert windows.titles[-1] == "w - not saved"


@pytest.mark.parametrize(
    ("size_wh", "shown_wh"), [((640, 480), (640, 480)), ((1920, 1080), (900, 506)), ((600, 1440), (300, 720))]
)
def test_large_frames_are_shown_in_the_size_of_the_screen(windows, size_wh, shown_wh):
    image = picture(size_wh)
    WindowSink("w").write(result(0), image)
    assert windows.shown[0].shape[1::-1] == shown_wh


def test_a_failing_window_is_an_output_error(windows, monkeypatch):
    def fail(title, image):
        raise cv2.error("boom")

    monkeypatch.setattr(window.cv2, "imshow", fail)
    with pytest.raises(OutputError, match="--no-display"):
        WindowSink("w").write(result(0), picture())


def build(gui):
    return lambda: f"General\n  GUI:                           {gui}\n  Media I/O:\n"


@pytest.mark.parametrize(
    ("platform", "gui", "display", "wayland", "opens", "works"),
    [
        ("linux", "NONE", ":0", None, True, False),  # opencv-python-headless
        ("linux", "QT5", None, None, False, False),  # a server
        ("linux", "QT5", ":0", None, True, True),
        ("linux", "QT5", ":0", None, False, False),  # DISPLAY is set, nobody answers
        ("linux", "QT5", None, "wayland-0", False, False),  # the wheels' Qt knows X11 only
        ("linux", "GTK3", None, "wayland-0", False, True),
        ("darwin", "COCOA", None, None, True, True),
        ("win32", "WIN32UI", None, None, True, True),
    ],
)
def test_a_display_is_looked_for_without_opening_a_window(monkeypatch, platform, gui, display, wayland, opens, works):
    monkeypatch.setattr(_screen.cv2, "getBuildInformation", build(gui))
    monkeypatch.setattr(_screen.sys, "platform", platform)
    for name, value in (("DISPLAY", display), ("WAYLAND_DISPLAY", wayland)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_screen, "_size_on_x11", lambda: (800, 600) if opens else None)
    assert window.available() == works
    if not works:
        with pytest.raises(OutputError, match="no window: "):
            WindowSink("w")


def test_a_display_that_nobody_serves_is_no_display(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":8765")
    assert _screen._size_on_x11() is None


def test_snapshots_never_overwrite(tmp_path):
    paths = {snapshots.save(tmp_path, result(0, face(1)), picture()) for _ in range(3)}
    assert len(paths) == len(list(tmp_path.iterdir())) == 3
    assert sorted(path.stem[-2:] for path in paths) == ["-1", "_2", "_3"]


def test_snapshot_names_hold_time_and_confirmed_tracks(tmp_path):
    shown = result(3, face(7), face(9, confirmed=False), seconds=0.25)
    assert snapshots.save(tmp_path, shown, picture()).name.endswith(".250_tracks-7.png")
    assert snapshots.save(tmp_path, result(3, seconds=0.5), picture()).name.endswith(".500.png")


def test_a_half_written_snapshot_is_removed(tmp_path, monkeypatch):
    class Full:
        def __init__(self, path, mode):
            self.file = open(path, mode)

        def __enter__(self):
            return self

        def __exit__(self, *info):
            self.file.close()

        def write(self, data):
            self.file.write(data[:10])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshots, "open", Full, raising=False)
    with pytest.raises(OutputError, match="No space left"):
        snapshots.save(tmp_path, result(0), picture())
    assert list(tmp_path.iterdir()) == []
