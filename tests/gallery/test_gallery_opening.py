"""From a folder to a gallery, and the one line when there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from streamface.errors import GalleryError
from streamface.gallery.opening import default_store, open_gallery
from streamface.testing import FakeEncoder, picture

RED, GREEN = (0, 0, 255), (0, 255, 0)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "home"))


def put(path, *colours):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture(*colours))[1].tobytes())


def test_scan_enrol_match(tmp_path):
    put(tmp_path / "people/محمد/1.png", RED)
    put(tmp_path / "people/😀.png", GREEN)
    gallery, report = open_gallery(tmp_path / "people", None, [FakeEncoder()])
    assert (report.embedded, gallery.network, gallery.identities) == (2, "Fake/1/squares", ("محمد", "😀"))
    (match,) = gallery.match(np.array([[0, 0.9, 0.1]]), "cosine", 0.1, network="Fake/1/squares")
    assert (match.identity, match.photo) == ("😀", str(tmp_path / "people/😀.png"))
    assert gallery.thumbnail(match.photo, 20)[10, 10].tolist() == list(GREEN)
    encoder = FakeEncoder()
    again, _ = open_gallery(tmp_path / "people", None, [encoder])
    assert (encoder.calls, again.photos) == (0, gallery.photos)


def test_a_named_store_is_used(tmp_path):
    put(tmp_path / "people/Ann/1.png", RED)
    open_gallery(tmp_path / "people", tmp_path / "mine.sqlite", [FakeEncoder()])
    assert (tmp_path / "mine.sqlite").exists()
    assert not (tmp_path / "home").exists()


def test_each_folder_has_a_store_of_its_own(tmp_path, monkeypatch):
    one, other = default_store(tmp_path / "a/people"), default_store(tmp_path / "b/people")
    assert one != other
    assert one.name.startswith("people-")
    assert one.parent == tmp_path / "home" / "galleries"
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    assert default_store("people") == one
    assert len(default_store(tmp_path / ("😀" * 60)).name.encode()) < 255


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "no folder of people at .*people: make it"),
        (lambda root: root.write_text("x"), "is not a folder"),
        (lambda root: root.mkdir(), "no pictures of people in .*: put them there as .*Person Name"),
        (lambda root: put(root / "Ann/1.png"), r"no usable picture .*\(.*Ann/1.png: no face found.*\): add one as"),
    ],
)
def test_no_gallery(tmp_path, make, message):
    make(tmp_path / "people")
    with pytest.raises(GalleryError, match=message) as caught:
        open_gallery(tmp_path / "people", None, [FakeEncoder()])
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_first_few_reasons_are_named(tmp_path):
    for i in range(5):
        put(tmp_path / f"people/Ann/{i}.png")
    with pytest.raises(GalleryError, match=r"0\.png.*1\.png.*2\.png.*and 2 more") as caught:
        open_gallery(tmp_path / "people", None, [FakeEncoder()])
    assert "3.png" not in str(caught.value)


def test_a_mistyped_folder_leaves_no_store_behind(tmp_path):
    with pytest.raises(GalleryError):
        open_gallery(tmp_path / "peolpe", None, [FakeEncoder()])
    assert not (tmp_path / "home").exists()
