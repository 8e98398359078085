"""Who has a mark of no consent, and who sets it."""

from __future__ import annotations

import os
import time

import pytest

from streamface.errors import GalleryError
from streamface.gallery.consent import mark, not_consenting, person_of
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import NEAR, LiveGallery
from streamface.gallery.opening import open_gallery
from streamface.gallery.watch import Watcher
from streamface.testing import FakeEncoder
from streamface.types import Match


@pytest.fixture
def folder(tmp_path):
    for path in ("Ann/1.png", "Ann/.not-this-person/2.png", "Bob.png", "Änne 王/1.png"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"picture")
    return tmp_path


@pytest.mark.parametrize("name", ["Ann", "Bob", "Änne 王"])
def test_a_mark_is_set_and_taken_away(folder, name):
    before = sorted(folder.rglob("*"))
    (made,) = mark(folder, name, consents=False)
    assert made.is_file() and not_consenting(folder) == {name}
    assert mark(folder, name, consents=False) == (made,)
    assert mark(folder, name, consents=True) == (made,) and not not_consenting(folder)
    assert mark(folder, name, consents=True) == () and sorted(folder.rglob("*")) == before


def test_marks_are_files_that_anybody_can_set(folder):
    (folder / "Ann/no-consent.txt").touch()
    (folder / "Bob.no-consent").touch()
    assert not_consenting(folder) == {"Ann", "Bob"}


def test_somebody_with_folder_and_picture_has_one_mark(folder):
    (folder / "Ann.png").touch()
    (folder / "Ann.no-consent").touch()
    mark(folder, "Ann", consents=False)
    assert mark(folder, "Ann", consents=True) and not not_consenting(folder)


def test_nobody_of_that_name_is_said(folder):
    with pytest.raises(GalleryError, match="nobody here has the name Cid"):
        mark(folder, "Cid", consents=False)


@pytest.mark.parametrize(
    ("photo", "name"), [("people/Ann/1.png", "Ann"), ("people/Ann/a/b.png", "Ann"), ("people/Dr. Bob.png", "Dr. Bob")]
)
def test_whose_picture_it_is_follows_from_its_path(photo, name):
    assert person_of("people", photo) == name


@pytest.mark.parametrize(
    ("match", "private"),
    [
        (None, False),
        (Match("Ann", 0.01, "cosine", 0.1, photo="people/Ann/1.png"), True),
        (Match("Bob", 0.01, "cosine", 0.1, photo="people/Bob/1.png"), False),
        (Match(None, 0.1 * NEAR, "cosine", 0.1, photo="people/Ann/1.png"), True),  # Ann, perhaps
        (Match(None, 0.1 * NEAR + 1e-6, "cosine", 0.1, photo="people/Ann/1.png"), False),
        (Match(None, 0.12, "cosine", 0.1, photo="people/Bob/1.png"), False),
        (Match(None, float("inf"), "cosine", 0.1), False),
    ],
)  # fmt: skip
def test_who_may_be_somebody_who_did_not_consent(match, private):
    live = LiveGallery(Gallery((), "Fake", "people"), frozenset({"Ann"}))
    assert live.is_private(match) is private


def test_marks_are_followed_while_a_stream_runs(tmp_path):
    import cv2

    from streamface.testing import picture

    class Encoder(FakeEncoder):
        def close(self):
            pass

    (tmp_path / "people/Ann").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "people/Ann/1.png"), picture((0, 0, 255)))
    live = LiveGallery(open_gallery(tmp_path / "people", tmp_path / "store.sqlite", [Encoder()])[0])
    with Watcher(live, tmp_path / "people", tmp_path / "store.sqlite", Encoder()):
        for consents in (False, True):
            mark(tmp_path / "people", "Ann", consents)
            end = time.monotonic() + 5
            while bool(live.private) is consents and time.monotonic() < end:
                time.sleep(0.05)
            assert live.private == (frozenset() if consents else {"Ann"})


def test_a_folder_that_cannot_be_read_changes_nothing(tmp_path):
    live = LiveGallery(Gallery((), "Fake", os.fspath(tmp_path)), frozenset({"Ann"}))
    live.read_consent(tmp_path / "gone")
    assert live.private == {"Ann"}
