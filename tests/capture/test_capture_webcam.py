"""Webcams, with OpenCV's capture replaced by one that the test plays."""

import cv2
import numpy as np
import pytest

from streamface.capture import _webcam_device, webcam
from streamface.capture._webcam_device import WebcamDevice
from streamface.capture.webcam import Webcam
from streamface.errors import SourceError
from streamface.settings import CaptureSettings


class Capture:
    """What cv2.VideoCapture does with a camera that gives some pictures and is then pulled out."""

    made: list = []

    def __init__(self, number, interface, pictures=3, fails_first=0, fps=30.0):
        self.number, self.interface, self.left, self.fails, self.fps = number, interface, pictures, fails_first, fps
        self.given = 0
        self.released = False
        Capture.made.append(self)

    def isOpened(self):  # noqa: N802
        return self.left > 0

    def get(self, what):
        assert what == cv2.CAP_PROP_FPS
        return self.fps

    def read(self):
        if self.fails:
            self.fails -= 1
            return False, None
        if self.given == self.left:
            return False, None
        self.given += 1
        return True, np.full((48, 64, 3), self.given, np.uint8)

    def release(self):
        self.released = True


@pytest.fixture
def plug(monkeypatch):
    Capture.made = []

    def put(**behaviour):
        monkeypatch.setattr(cv2, "VideoCapture", lambda number, interface: Capture(number, interface, **behaviour))

    return put


def read_until_error(device):
    pictures = []
    with pytest.raises(SourceError) as caught:
        while True:
            pictures.append(device.read())
    return pictures, str(caught.value)


def test_a_camera_until_it_is_pulled_out(plug):
    plug()
    device = WebcamDevice(2)
    assert (device.opened.is_live, device.opened.fps) == (True, 30.0)
    pictures, message = read_until_error(device)
    assert [p.pixels[0, 0, 0] for p in pictures] == [1, 2, 3] and pictures[0].size_wh == (64, 48)
    assert message == "camera 2 gives no more pictures: check its cable, then start again"
    assert [c.number for c in Capture.made] == [2] and Capture.made[0].released


def test_a_camera_may_fail_while_it_wakes_up_and_not_know_its_rate(plug):
    plug(fails_first=2, fps=0.0)
    device = WebcamDevice(0)
    assert device.opened.fps is None
    assert read_until_error(device)[0]


def test_a_second_interface_is_tried(plug, monkeypatch):
    monkeypatch.setattr(_webcam_device.sys, "platform", "linux")
    monkeypatch.setattr(
        cv2, "VideoCapture", lambda number, interface: Capture(number, interface, 0 if interface == cv2.CAP_V4L2 else 3)
    )
    read_until_error(WebcamDevice(0))
    assert [c.interface for c in Capture.made] == [cv2.CAP_V4L2, cv2.CAP_ANY]
    assert all(c.released for c in Capture.made)


def test_a_camera_that_does_not_exist(capfd):
    with pytest.raises(SourceError, match="there is no camera 987: connect one, or name another source"):
        with Webcam(CaptureSettings("987", timeout_s=20)):
            pass
    assert capfd.readouterr() == ("", "")


def test_a_camera_that_is_in_use(plug, monkeypatch):
    plug(pictures=0)
    monkeypatch.setattr(_webcam_device.Path, "exists", lambda self: True)
    with pytest.raises(SourceError, match="is there but cannot be opened: close other programs"):
        WebcamDevice(0)
    assert _webcam_device.knock(1.0, number=0)


@pytest.mark.parametrize(
    ("source", "expected"),
    [("0", True), (" 12 ", True), ("/dev/video3", True), ("-1", False), ("0.mp4", False), ("", False), ("½", False)],
)
def test_matches(source, expected):
    assert webcam.matches(source) is expected


def test_create():
    source = webcam.create(CaptureSettings(source="/dev/video3", timeout_s=4))
    assert (source.number, source.settings.timeout_s, source.name) == (3, 4, "camera 3")
