"""The square around a face."""

from __future__ import annotations

import weakref

import cv2
import numpy as np
import pytest

from streamface.gallery import thumbnails as thumbnails_module
from streamface.gallery.base import Photo, Row
from streamface.gallery.gallery import Gallery
from streamface.gallery.thumbnails import KEPT, Thumbnails, square_crop
from streamface.types import Box


@pytest.fixture
def photo(tmp_path):
    image = np.zeros((100, 160, 3), np.uint8)
    image[30:70, 60:100] = (10, 20, 250)
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), image)
    return str(path)


def test_the_face_is_centred_with_a_margin(photo):
    thumbnail = Thumbnails().get(photo, 64, {photo: Box(60, 30, 100, 70)}.get)
    assert (thumbnail.shape, thumbnail.dtype, thumbnail.flags.writeable) == ((64, 64, 3), np.uint8, False)
    reddish = thumbnail[..., 2] > 125
    rows, columns = np.flatnonzero(reddish.any(1)), np.flatnonzero(reddish.any(0))
    assert (rows[0], rows[-1]) == pytest.approx((12, 51), abs=1), "40 of 64 pixels, 12 on each side"
    assert (columns[0], columns[-1]) == pytest.approx((12, 51), abs=1)


@pytest.mark.parametrize(
    "box",
    [
        Box(0, 0, 40, 40),
        Box(130, 70, 160, 100),
        Box(-20, -20, 30, 30),
        Box(0, 0, 160, 100),
        Box(150, 10, 190, 90),
        Box(-50, -50, -10, -10),
        Box(80, 50, 80.2, 50.2),
    ],
)
@pytest.mark.parametrize("size_px", [1, 48, 200])
def test_any_box_gives_a_square_of_real_pixels(box, size_px):
    image = np.full((100, 160, 3), 200, np.uint8)
    crop = square_crop(image, box, size_px)
    assert crop.shape == (size_px, size_px, 3)
    assert (crop == 200).all()


@pytest.mark.parametrize(
    ("box", "left", "top"),
    [
        (Box(60, 30, 85, 55), 53, 23),  # in the middle: 25 pixels wide, 40 with the margin
        (Box(0, 0, 25, 25), 0, 0),
        (Box(135, 75, 160, 100), 120, 60),  # moved inside, not made smaller
    ],
)
def test_the_square_stays_whole_at_the_edges(box, left, top):
    y, x = np.mgrid[:100, :160]
    image = np.dstack([x, y, x]).astype(np.uint8)
    crop = square_crop(image, box, 40)
    assert crop[0, 0, :2] == pytest.approx((left, top), abs=1)
    assert crop[-1, -1, :2] == pytest.approx((left + 39, top + 39), abs=1)


def test_a_picture_is_read_once_a_size(photo, monkeypatch):
    reads = []
    real = thumbnails_module.read_image
    monkeypatch.setattr(thumbnails_module, "read_image", lambda path: (reads.append(path), real(path))[1])
    thumbnails, box_of = Thumbnails(), {photo: Box(60, 30, 100, 70)}.get
    assert thumbnails.get(photo, 32, box_of) is thumbnails.get(photo, 32, box_of)
    thumbnails.get(photo, 40, box_of)
    assert len(reads) == 2
    for size in range(50, 50 + KEPT):
        thumbnails.get(photo, size, box_of)
    assert len(thumbnails._kept) == KEPT


def test_no_thumbnail_of_unknown_missing_or_broken_pictures(photo, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    box = Box(0, 0, 10, 10)
    box_of = {str(tmp_path / "gone.jpg"): box, str(tmp_path / "broken.jpg"): box}.get
    for path in (photo, str(tmp_path / "gone.jpg"), str(tmp_path / "broken.jpg"), ""):
        assert Thumbnails().get(path, 32, box_of) is None


def test_through_the_gallery_by_the_path_of_a_match(photo, tmp_path):
    row = Row(Photo("face.png", "face", 1, 1), None, Box(60, 30, 100, 70), 1.0, np.ones(3, np.float32))
    gallery = Gallery([row], "net", str(tmp_path))
    (match,) = gallery.match(np.ones((1, 3)), "cosine", 1)
    assert match.photo == photo
    assert gallery.thumbnail(match.photo, 16)[8, 8, 2] > 200


def test_a_gallery_that_was_replaced_is_gone_at_once(photo, tmp_path):
    """Not when the collector of cycles comes by, which in a long run is rarely."""
    row = Row(Photo("face.png", "face", 1, 1), None, Box(60, 30, 100, 70), 1.0, np.ones(3, np.float32))
    gallery = Gallery([row], "net", str(tmp_path))
    gallery.match(np.ones((1, 3)), "cosine", 1)
    gallery.thumbnail(photo, 16)
    gone = weakref.ref(gallery)
    del gallery
    assert gone() is None
