import subprocess
import sys

import pytest
from capture_media import write_clip

from streamface.capture.demo import Demo
from streamface.capture.image_folder import ImageFolder
from streamface.capture.network import NetworkSource
from streamface.capture.select import open_source
from streamface.capture.video_file import VideoFile
from streamface.capture.webcam import Webcam
from streamface.errors import SettingsError, SourceError
from streamface.settings import CaptureSettings


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("demo", Demo),
        ("Demo", Demo),
        ("0", Webcam),
        ("rtsp://cam/live", NetworkSource),
        ("https://cam/video.mjpg", NetworkSource),
        ("clip.mkv", VideoFile),
        ("folder", ImageFolder),
        ("folder/1.jpg", ImageFolder),
        # names that are also a camera and the demo need a './'
        ("./0", ImageFolder),
        ("./demo", VideoFile),
    ],
)
def test_what_is_named_is_opened(tmp_path, monkeypatch, source, kind):
    monkeypatch.chdir(tmp_path)
    write_clip("clip.mkv", count=1)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "1.jpg").write_bytes(b"x")
    (tmp_path / "0").mkdir()
    (tmp_path / "demo").write_bytes(b"x")
    made = open_source(CaptureSettings(source=source, timeout_s=2))
    assert type(made) is kind


@pytest.mark.parametrize(
    ("source", "error", "expected"),
    [
        ("nowhere.mp4", SourceError, "there is no file or folder nowhere.mp4: check the path"),
        ("-1", SourceError, "there is no file or folder -1"),
        ("ftp://bob:geheim@cam/a", SettingsError, "cannot read ftp:// addresses: use one of rtsp, rtsps, http, https"),
        ("rtsp:/bob:geheim@cam/a", SourceError, r"no file or folder \*\*\*@cam/a: an address begins with rtsp://"),
        (" ", SettingsError, "the source is empty"),
    ],
)
def test_what_cannot_be_opened(source, error, expected):
    with pytest.raises(error, match=expected) as caught:
        open_source(CaptureSettings(source=source))
    assert "geheim" not in str(caught.value)


def test_choosing_a_source_is_light():
    code = (
        "import sys; from streamface.capture.select import open_source; from streamface.settings import *;"
        "open_source(CaptureSettings(source='0'));"
        "print([m for m in ('cv2', 'av', 'imutils', 'PIL') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
