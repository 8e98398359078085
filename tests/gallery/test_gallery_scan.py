"""Which files count as pictures of whom."""

from __future__ import annotations

import os
import unicodedata

import pytest

from streamface.errors import GalleryError
from streamface.gallery import scan as scan_module
from streamface.gallery.scan import person_name, scan


def make(root, *paths):
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def found(root):
    return [(photo.identity, photo.path) for photo in scan(root)]


def test_folders_files_and_nested_pictures_name_their_person(tmp_path):
    make(tmp_path, "Ann Lee/1.jpg", "Ann Lee/2020/summer/b.PNG", "Dr. Who.jpeg", "Zoe/2.WebP", "Ann Lee.bmp")
    assert found(tmp_path) == [
        ("Ann Lee", "Ann Lee.bmp"),
        ("Ann Lee", "Ann Lee/1.jpg"),
        ("Ann Lee", "Ann Lee/2020/summer/b.PNG"),
        ("Dr. Who", "Dr. Who.jpeg"),
        ("Zoe", "Zoe/2.WebP"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        ".hidden.jpg",
        ".hidden/1.jpg",
        "Ann/.thumbs/1.jpg",
        "Ann/._1.jpg",  # what macOS leaves on foreign drives
        "README.md",
        "Ann/notes.txt",
        "Ann/jpg",
        "__MACOSX/Ann/1.jpg",
        "Ann/@eaDir/1.jpg",  # thumbnails of a Synology drive
        "Ann/clip.mp4",
    ],
)
def test_other_files_are_ignored(tmp_path, path):
    make(tmp_path, path, "Bob/1.jpg")
    assert found(tmp_path) == [("Bob", "Bob/1.jpg")]


@pytest.mark.parametrize("name", ["محمد علي", "山田 太郎", "😀👩‍🚀", "Łukasz Żółć", "Владимир", "हिन्दी"])
def test_names_in_any_script(tmp_path, name):
    make(tmp_path, f"{name}/1.jpg", f"{name}.jpg")
    assert {identity for identity, _ in found(tmp_path)} == {unicodedata.normalize("NFC", name)}
    assert len(found(tmp_path)) == 2


def test_composed_and_decomposed_spellings_are_one_person(tmp_path):
    composed, decomposed = "Zoé", "Zoe\u0301"
    make(tmp_path, f"{composed}/1.jpg", f"{decomposed}/2.jpg")
    photos = scan(tmp_path)
    assert [photo.identity for photo in photos] == [composed, composed]
    assert all((tmp_path / photo.path).exists() for photo in photos), "paths stay as they are spelled on disk"


def test_names_are_one_printable_line():
    assert person_name(" Ann\n \tLee\x1b[31m ") == "Ann Lee[31m"


def test_a_name_that_is_no_text_is_left_out_with_a_warning(tmp_path, caplog):
    make(tmp_path, "Bob/1.jpg")
    broken = os.fsencode(tmp_path) + b"/\xff\xfe.jpg"
    try:
        with open(broken, "wb"):
            pass
    except OSError:
        pytest.skip("this file system takes only names that are text")
    assert found(tmp_path) == [("Bob", "Bob/1.jpg")]
    assert "rename it" in caplog.text


def test_the_state_of_the_file_is_part_of_a_photo(tmp_path):
    make(tmp_path, "Ann/1.jpg")
    before = scan(tmp_path)
    assert before == scan(tmp_path)
    status = os.stat(tmp_path / "Ann/1.jpg")
    assert (before[0].size, before[0].mtime_ns) == (1, status.st_mtime_ns)
    os.utime(tmp_path / "Ann/1.jpg", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert before != scan(tmp_path)


def test_links_are_followed_to_a_person_but_never_in_circles(tmp_path, caplog):
    elsewhere = tmp_path / "elsewhere"
    root = tmp_path / "people"
    make(elsewhere, "1.jpg")
    make(root, "Ann/1.jpg")
    (root / "Bob").symlink_to(elsewhere)
    (root / "everybody").symlink_to(root)
    (root / "above").symlink_to(tmp_path)
    (root / "self").symlink_to(root / "self")
    (root / "Ann" / "again").symlink_to(root)
    (root / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert found(root) == [("Ann", "Ann/1.jpg"), ("Bob", "Bob/1.jpg"), ("gone", "gone.jpg")]
    assert caplog.text.count("leads back") == 2


@pytest.mark.parametrize("spelling", ["{}", "{}/", "."])
def test_the_folder_may_be_spelled_in_any_way(tmp_path, monkeypatch, spelling):
    make(tmp_path, "Ann/1.jpg")
    monkeypatch.chdir(tmp_path)
    assert [photo.path for photo in scan(spelling.format(tmp_path))] == ["Ann/1.jpg"]


def test_a_missing_folder_a_file_and_an_unreadable_folder_are_one_line_errors(tmp_path, monkeypatch):
    make(tmp_path, "file.jpg")
    with pytest.raises(GalleryError, match="no folder of people at .*nowhere: make it"):
        scan(tmp_path / "nowhere")
    with pytest.raises(GalleryError, match="is not a folder"):
        scan(tmp_path / "file.jpg")

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(scan_module.os, "scandir", refuse)
    with pytest.raises(GalleryError, match=r"Permission denied\): allow reading"):
        scan(tmp_path)


def test_an_unreadable_person_is_left_out_with_a_warning(tmp_path, monkeypatch, caplog):
    make(tmp_path, "Ann/1.jpg", "Bob/1.jpg")
    real = os.scandir

    def refuse(path):
        if str(path).endswith("Ann"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(scan_module.os, "scandir", refuse)
    assert found(tmp_path) == [("Bob", "Bob/1.jpg")]
    assert "allow reading" in caplog.text
