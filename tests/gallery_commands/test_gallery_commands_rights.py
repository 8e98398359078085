"""Consent that is refused, and everything about a person in one archive."""

from __future__ import annotations

import json
import zipfile

import cv2
import numpy as np
import pytest

from streamface.errors import GalleryError, OutputError, SettingsError
from streamface.gallery.stranger_store import StrangerStore, View
from streamface.gallery_commands.main import main
from streamface.testing import FakeEncoder, picture

ROSE, GREEN, ORANGE, BLUE = (40, 10, 255), (0, 255, 0), (0, 70, 255), (255, 0, 0)

pytestmark = pytest.mark.usefixtures("fakes")


@pytest.fixture
def people(tmp_path):
    """Ann, who did not consent, and Bob."""
    put(tmp_path / "people/Ann/1.png", ROSE)
    put(tmp_path / "people/Bob/1.png", GREEN)
    return tmp_path / "people"


def put(path, *colours):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture(*colours))[1].tobytes())
    return path


def run(*argv):
    lines = []
    code = main([*map(str, argv), "--database", "people"], lines.append, lambda question: None)
    return code, "\n".join(lines)


def test_consent_is_a_file_in_the_folder_of_the_person(people):
    code, said = run("consent", "Ann", "no")
    assert code == 0 and "named nowhere" in said and (people / "Ann/no-consent").exists()
    code, said = run("consent", "Ann", "yes", "--json")
    assert json.loads(said)["consents"] is True and not (people / "Ann/no-consent").exists()
    with pytest.raises(GalleryError, match="nobody here has the name Cid"):
        run("consent", "Cid", "no")
    with pytest.raises(SettingsError, match="maybe"):
        run("consent", "Ann", "maybe")


@pytest.mark.parametrize("command", [["list"], ["list", "--json"], ["check"], ["check", "--json"], ["strangers"],
                                     ["strangers", "--json"], ["remove", "Anna"]])  # fmt: skip
def test_somebody_who_did_not_consent_is_listed_nowhere(people, tmp_path, command):
    put(people / "Ann/poor.png")
    put(people / "Bob/2.png", ROSE)
    with StrangerStore(tmp_path / "s.sqlite") as strangers:
        strangers.create(FakeEncoder().network, 1.0, View(np.float32([0.16, 0.05, 1]), 0.9))
    (people / "Ann/no-consent").touch()
    try:
        _, said = run(*command, "--stranger-store", "s.sqlite")
    except GalleryError as error:
        said = str(error).replace("is named Anna", "")
    assert "Ann" not in said
    if command[0] != "remove":
        assert "Bob" in said or "stranger" in said


def test_adding_a_picture_of_somebody_who_did_not_consent_does_not_name_them(people, tmp_path):
    (people / "Ann/no-consent").touch()
    code, said = run("add", "Bob", put(tmp_path / "a.png", ROSE))
    assert code == 2 and "it shows somebody who did not consent" in said and "Ann" not in said
    _, said = run("add", "Ann", put(tmp_path / "b.png", GREEN))
    assert "it shows Bob" in said


def test_everything_about_a_person_is_in_the_archive_and_nothing_of_others(people, tmp_path):
    (people / "Ann/notes.txt").write_text("allergic")
    put(people / "Ann/.not-this-person/1.png", BLUE)
    put(people / "Bob/.not-this-person/2.png", ROSE)
    put(tmp_path / "snapshots/1.png", ROSE)
    put(tmp_path / "snapshots/2.png", GREEN)
    rows = [
        {"visit": "a", "person": "Ann", "snapshot": None},
        {"visit": "a", "person": None},
        {"visit": "b", "person": "Bob"},
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with StrangerStore(tmp_path / "s.sqlite") as strangers:
        strangers.create(FakeEncoder().network, 1.0, View(np.float32([0.16, 0.05, 1]), 0.9, b"jpeg"))
        strangers.create(FakeEncoder().network, 1.0, View(np.float32([1, 0, 0]), 0.9, b"other"))
    given = ["--events", "events.jsonl", "--stranger-store", "s.sqlite", "--snapshots", "snapshots"]
    code, said = run("export", "Ann", "ann.zip", *given)
    assert code == 0 and said.startswith("wrote ann.zip")
    assert (tmp_path / "ann.zip").stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(tmp_path / "ann.zip") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    (snapshot,) = (name for name in content if name.startswith("pictures/"))
    (events,) = (name for name in content if name.startswith("events/"))
    assert set(content) == {
        "about.txt", "people/Ann/1.png", "people/Ann/notes.txt", "counters/1.png", "embeddings.json", events, snapshot,
        "strangers/1.json", "strangers/1-1.jpg",
    }  # fmt: skip
    assert content[snapshot] == (tmp_path / "snapshots/1.png").read_bytes()
    assert [json.loads(line)["person"] for line in content[events].splitlines()] == ["Ann", None]
    assert len(json.loads(content["embeddings.json"])) == 1
    assert b"Bob" not in b"".join(content.values())
    with pytest.raises(OutputError, match="there already"):
        run("export", "Ann", "ann.zip", *given)
    assert sorted(path.name for path in tmp_path.glob(".ann*")) == []


def test_what_is_exported_is_what_removal_would_delete(people, tmp_path):
    """Nothing is left to be exported of somebody who was removed."""
    run("export", "Ann", "ann.zip")
    assert run("remove", "Ann", "--yes")[0] == 0
    with pytest.raises(GalleryError, match="nobody here is named Ann"):
        run("export", "Ann", "again.zip")
    assert not (tmp_path / "again.zip").exists()
