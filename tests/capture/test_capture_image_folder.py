import logging

import cv2
import numpy as np
import pytest
from capture_media import number_of, picture

from streamface.capture import image_folder
from streamface.capture.image_folder import ImageFolder
from streamface.errors import SourceError


def save(path, number, size_wh=(64, 48)):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, picture(number, size_wh))[1].tobytes())


def test_each_picture_is_a_frame_in_natural_order(tmp_path):
    save(tmp_path / "img10.png", 3)
    save(tmp_path / "img2.jpg", 1, (80, 60))
    save(tmp_path / "img1.webp", 0)
    save(tmp_path / "img3" / "影.png", 2)
    (tmp_path / "notes.txt").write_text("no picture")
    save(tmp_path / "._img1.png", 9)
    with ImageFolder(tmp_path) as source:
        frames = list(source)
        assert source.read() is None
    assert (source.info.frame_count, source.info.fps, source.info.is_live) == (4, 1.0, False)
    assert (source.info.width, source.info.height) == (64, 48)
    assert [number_of(f.image) for f in frames] == [0, 1, 2, 3]
    assert [f.media_time for f in frames] == [0, 1, 2, 3] and [f.index for f in frames] == [0, 1, 2, 3]
    assert frames[1].size_wh == (80, 60)


def test_a_broken_picture_is_left_out_and_named(tmp_path, caplog):
    save(tmp_path / "1.png", 0)
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:60])
    (tmp_path / "3.jpg").write_bytes(b"")
    save(tmp_path / "4.png", 1)
    with caplog.at_level(logging.WARNING), ImageFolder(tmp_path) as source:
        frames = list(source)
    assert [(number_of(f.image), f.index, f.media_time) for f in frames] == [(0, 0, 0.0), (1, 1, 1.0)]
    assert len(caplog.records) == 2
    assert "2.png" in caplog.text and "3.jpg" in caplog.text


def test_a_single_picture(tmp_path):
    save(tmp_path / "a.jpg", 3)
    with ImageFolder(tmp_path / "a.jpg") as source:
        assert [number_of(f.image) for f in source] == [3]


def test_nothing_to_see(tmp_path):
    with pytest.raises(SourceError, match=r"no picture in .*: give a folder"), ImageFolder(tmp_path):
        pass
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"none of the 1 pictures in .* can be read"), ImageFolder(tmp_path):
        pass


def test_it_can_be_read_twice_and_closed_twice(tmp_path):
    save(tmp_path / "a.png", 3)
    source = ImageFolder(tmp_path)
    for _ in range(2):
        with source:
            assert len(list(source)) == 1
        source.close()
        assert source.read() is None


@pytest.mark.parametrize(("name", "expected"), [("a.JPG", True), ("a.gif", False), ("a.mp4", False), ("no.jpg", False)])
def test_matches(tmp_path, name, expected):
    if name != "no.jpg":
        (tmp_path / name).write_bytes(np.zeros(4))
    assert image_folder.matches(str(tmp_path / name)) is expected
    assert image_folder.matches(str(tmp_path))
