"""`streamface gallery`: each command from its arguments to the files and lines it leaves."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamface import build
from streamface.errors import GalleryError, SettingsError, UnknownNameError
from streamface.gallery.stranger_store import StrangerStore, View
from streamface.gallery_commands.main import main
from streamface.gallery_commands.removal import Removal
from streamface.runtime import cache
from streamface.settings import Settings
from streamface.sinks._outbox import Outbox
from streamface.testing import FakeEncoder, picture

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)
ORANGE, YELLOW = (0, 70, 255), (0, 230, 255)
"""At 0.036 and 0.26 of cosine from red."""
ROSE = (40, 10, 255)
"""Whose bytes are found by chance nowhere else."""

pytestmark = pytest.mark.usefixtures("fakes")


@pytest.fixture
def people(tmp_path):
    return tmp_path / "people"


def put(path, *colours, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture(*colours, **options))[1].tobytes())
    return path


def run(*argv, answer=None):
    """(exit code, lines)."""
    lines = []
    code = main([*map(str, argv), "--database", "people"], lines.append, lambda question: answer)
    return code, lines


def run_json(*argv):
    code, lines = run(*argv, "--json")
    return code, json.loads("\n".join(lines))


def test_add_makes_the_folder_and_the_person(tmp_path, people):
    code, lines = run("add", "Zoë", put(tmp_path / "z.png", RED), put(tmp_path / "y.png", RED, face_px=40))
    assert lines[0] == "people was not there: a new folder of people"
    assert code == 0 and [line.split()[0] for line in lines[1:]] == ["added", "added"]
    assert sorted(p.name for p in (people / "Zoë").iterdir()) == ["y.png", "z.png"]
    code, value = run_json("list")
    assert value["people"] == {"Zoë": {"pictures": ["Zoë/y.png", "Zoë/z.png"], "unusable": []}}


def test_add_leaves_no_new_folder_where_it_added_nothing(tmp_path, people):
    code, lines = run("add", "Zoë", put(tmp_path / "z.png"))
    assert code == 2 and len(lines) == 1 and lines[0].startswith("not added") and not people.exists()


def test_add_keeps_what_is_there_and_uses_the_folder_of_the_person(tmp_path, people):
    put(people / "Zoe\u0308/a.png", RED)  # as macOS spells it
    code, _ = run("add", "Zoë", put(tmp_path / "a.png", RED, face_px=40))
    assert code == 0 and [p.name for p in people.iterdir()] == ["Zoe\u0308"]
    assert sorted(p.name for p in (people / "Zoe\u0308").iterdir()) == ["a-2.png", "a.png"]


@pytest.mark.parametrize(
    ("colours", "said"),
    [
        ((), "no face found"),
        ((RED, GREEN), "2 faces"),
        ((GREEN,), "it shows Bob (distance 0.000, threshold 0.020)"),
    ],
)
def test_add_refuses_what_is_not_one_face_of_somebody_new(tmp_path, people, colours, said):
    put(people / "Bob/1.png", GREEN)
    code, lines = run("add", "Ann", put(tmp_path / "a.png", *colours))
    assert code == 2 and lines[0].startswith("not added") and said in lines[0]
    assert not (people / "Ann").exists()


def test_add_takes_it_anyway_when_told_to(tmp_path, people):
    put(people / "Bob/1.png", GREEN)
    code, lines = run("add", "Ann", put(tmp_path / "a.png", GREEN), "--anyway")
    assert code == 0 and "mind: it shows Bob" in lines[1] and (people / "Ann/a.png").exists()


def test_add_tells_of_likeness_and_of_a_picture_that_is_there(tmp_path, people):
    put(people / "Bob/1.png", RED)
    code, lines = run("add", "Ann", put(tmp_path / "a.png", ORANGE))
    assert code == 0 and "close to Bob (distance 0.036)" in lines[1]
    code, lines = run("add", "Ann", tmp_path / "a.png", put(tmp_path / "far.png", BLUE), tmp_path / "missing.png")
    assert code == 2 and "it is there already" in lines[0] and "does not look like Ann's other pictures" in lines[2]
    assert "no picture at" in lines[3] and not any("--anyway" in line for line in lines)


def test_remove_where_nobody_can_answer_says_what_to_do(people):
    def nobody(question):
        raise EOFError

    put(people / "Ann/1.png", RED)
    with pytest.raises(SettingsError, match="say --yes to remove"):
        main(["remove", "Ann", "--database", "people"], print, nobody)
    assert (people / "Ann/1.png").exists()


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "@eaDir", " "])
def test_names_that_are_no_folder(tmp_path, people, name):
    with pytest.raises(GalleryError, match="cannot be the name"):
        run("add", name, put(tmp_path / "a.png", RED))


def test_list_tells_what_is_not_used(people):
    put(people / "Ann/1.png", RED)
    put(people / "Ann/2.png", RED, GREEN)
    put(people / "Bob.png")
    code, lines = run("list")
    assert code == 0 and lines[0] == "1 people, 1 pictures in use, 2 not"
    assert "Ann: 1 picture" in lines[1] and "2 faces" in lines[2] and "Bob: 0 pictures" in lines[3]


def test_check_finds_planted_faults_and_says_what_the_threshold_rests_on(people):
    for i, side in enumerate((30, 40, 50)):
        put(people / f"Ann/{i}.png", RED, face_px=side)
    put(people / "Ann/wrong.png", GREEN, face_px=34)
    put(people / "Bob/1.png", GREEN, face_px=44)
    put(people / "Bob/2.png")
    code, value = run_json("check")
    assert code == 2
    assert [(odd["path"], odd["looks_like"]) for odd in value["odd"]] == [("Ann/wrong.png", "Bob")]
    assert [entry["path"].endswith("Bob/2.png") for entry in value["unusable"]] == [True]
    assert value["support"]["threshold"] is None and value["threshold_in_use"] == 0.02
    code, lines = run("check")
    assert any("looks like Bob" in line for line in lines)
    assert "too little to tell one from this gallery (" in lines[-2]


def test_check_of_a_good_folder_says_so(people):
    detail = cv2.resize(np.random.default_rng(0).integers(0, 90, (16, 16, 1), np.uint8), (64, 64),
                        interpolation=cv2.INTER_NEAREST)  # fmt: skip
    for name, channel in (("Ann", 2), ("Bob", 1)):
        image = picture(RED, face_px=64)
        image[12:76, 12:76] = 0
        image[12:76, 12:76, channel] = 255 - detail
        (people / name).mkdir(parents=True)
        cv2.imwrite(str(people / name / "1.png"), image)
    code, lines = run("check")
    assert (code, lines[0]) == (0, "Nothing is wrong with these pictures.")


def events(path, *people):
    path.write_text("".join(json.dumps({"visit": f"v{who}", "person": who, "snapshot": None}) + "\n" for who in people))
    return path


def test_remove_leaves_nothing_and_proves_it(tmp_path, people):
    put(people / "Ann/1.png", ROSE)
    put(people / "Ann/deeper/2.png", ROSE, face_px=40)
    (people / "Ann/notes.txt").write_text("secret")
    put(people / "Bob/1.png", GREEN)
    run("list")
    store = build.store(Settings(gallery=type(Settings().gallery)(database=people)))
    vector = (np.float64(ROSE) / 255).astype(np.float32).tobytes()
    assert vector in store.read_bytes()
    aside = store.with_name(f"{store.name}.aside-1")
    mapped = store.with_name(f"{store.name}.1.matrix")
    aside.write_bytes(vector)
    mapped.write_bytes(vector)
    seen, other = put(tmp_path / "snapshots/1.png", GREEN, ROSE), put(tmp_path / "snapshots/2.png", GREEN)
    log = events(tmp_path / "events.jsonl", "Ann", "Bob")
    with StrangerStore(tmp_path / "s.sqlite") as strangers:
        strangers.create(FakeEncoder().network, 1.0, View(np.float32([0.16, 0.05, 1]), 0.9))
        strangers.create(FakeEncoder().network, 1.0, View(np.float32([1, 0, 0]), 0.9))
    given = ("remove", "Ann", "--events", log, "--stranger-store", "s.sqlite", "--snapshots", "snapshots")
    code, lines = run(*given, answer="no")
    assert code == 2 and lines[-1] == "nothing was deleted" and (people / "Ann/1.png").exists()
    text = "\n".join(lines)
    for part in ("2 pictures", "notes.txt", "2 embeddings", "stranger 1", "1 row in", "snapshots/1.png"):
        assert part in text
    code, lines = run(*given, answer="Ann")
    assert code == 0 and lines[-1] == "Nothing is left."
    assert not (people / "Ann").exists() and not seen.exists() and not aside.exists()
    assert not mapped.exists()
    assert other.exists() and (people / "Bob/1.png").exists()
    assert vector not in store.read_bytes() and np.float32([0, 1, 0]).tobytes() in store.read_bytes()
    assert [json.loads(line)["person"] for line in log.read_text().splitlines()] == ["Bob"]
    with StrangerStore(tmp_path / "s.sqlite") as strangers:
        assert [kept.number for kept in strangers.every()] == [2]
    with pytest.raises(GalleryError, match="nobody here is named Ann"):
        run(*given, "--yes")


def test_what_is_left_is_looked_for_and_not_taken_on_trust(tmp_path, people, monkeypatch):
    """Of a removal that deletes nothing every kind is still found."""
    put(people / "Ann/1.png", ROSE)
    put(people / "Bob/.not-this-person/1.png", ROSE)
    put(people / "Bob/1.png", GREEN)
    put(tmp_path / "snapshots/1.png", ROSE)
    log = events(tmp_path / "events.jsonl", "Ann", "Bob")
    with StrangerStore(tmp_path / "s.sqlite") as strangers:
        strangers.create(FakeEncoder().network, 1.0, View(np.float32([0.16, 0.05, 1]), 0.9))
    run("list")
    monkeypatch.setattr(Removal, "carry_out", lambda self, plan: None)
    given = ("--events", log, "--stranger-store", "s.sqlite", "--snapshots", "snapshots")
    code, value = run_json("remove", "Ann", "--yes", *given)
    assert code == 2 and value["left"] and all(value["left"].values()), value["left"]
    assert run("remove", "Ann", "--yes", *given)[1][-1] == "Something is left: see above."


def test_a_journal_that_goes_while_it_is_looked_for_is_nothing_left(people, monkeypatch):
    put(people / "Ann/1.png", ROSE)
    run("list")
    read, gone = Path.read_bytes, []

    def without_journal(path):
        if path.name.endswith("-passing"):  # as a journal does where the stream closes its store
            path.unlink()
            gone.append(path)
        return read(path)

    left = Removal.left

    def looked_for(removal, plan):
        store = build.store(removal._settings)
        store.with_name(f"{store.name}-passing").touch()
        return left(removal, plan)

    monkeypatch.setattr(Path, "read_bytes", without_journal)
    monkeypatch.setattr(Removal, "left", looked_for)
    assert run("remove", "Ann", "--yes")[0] == 0 and gone


def test_remove_deletes_what_its_events_show_and_what_waits_for_a_receiver(tmp_path, people):
    put(people / "Ann/1.png", RED)
    put(people / "Bob/1.png", GREEN)
    shown, other = put(tmp_path / "p/1.jpg", BLUE), put(tmp_path / "p/2.jpg", BLUE)  # a face that is not recognised
    rows = [{"id": who, "visit": who, "person": who, "previous": None, "snapshot": str(path)}
            for who, path in (("Ann", shown), ("Bob", other))]  # fmt: skip
    log = tmp_path / "events.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    queue = cache.home() / "webhook" / "of-a-test.sqlite"
    queue.parent.mkdir(parents=True)
    with closing(Outbox(queue)) as outbox:
        outbox.add(rows)
        code, value = run_json("remove", "Ann", "--yes", "--events", log)
        assert code == 0 and value["removed"]["rows"][str(queue)] == 1
        assert not shown.exists() and other.exists()
        assert len(outbox) == 1 and outbox.first().id == "Bob"


def test_remove_looks_among_counter_examples_and_keeps_those_who_are_meant_by_them(tmp_path, people):
    put(people / "Ann/1.png", ROSE)
    put(people / "Bob/1.png", GREEN)
    shown = put(people / "Bob/.not-this-person/1.png", ROSE)
    other = put(people / "Ann/.not-this-person/1.png", (9, 250, 9))
    with StrangerStore(tmp_path / "s.sqlite") as strangers:
        strangers.create(FakeEncoder().network, 1.0, View(np.float32([0, 1, 0]), 0.9))
    run("list")
    vector = (np.float64(ROSE) / 255).astype(np.float32).tobytes()
    code, value = run_json("remove", "Ann", "--yes", "--stranger-store", "s.sqlite")
    assert code == 0 and not any(value["left"].values())
    assert value["removed"]["counters"] == ["people/Bob/.not-this-person/1.png"] and not value["removed"]["strangers"]
    assert not shown.exists() and not other.exists() and (people / "Bob/1.png").exists()
    assert vector not in build.store(Settings(gallery=type(Settings().gallery)(database=people))).read_bytes()


def test_remove_finds_events_of_somebody_whose_pictures_are_gone(tmp_path, people):
    put(people / "Bob/1.png", GREEN)
    log = events(tmp_path / "events.jsonl", "Ann", "Bob")
    code, value = run_json("remove", "Ann", "--yes", "--events", log)
    assert code == 0 and value["removed"]["rows"] == {str(log): 1} and not any(value["left"].values())
    assert "remembered" not in value["removed"], "no embedding is printed"


def test_remove_looks_into_the_files_of_the_settings(tmp_path, people):
    put(people / "Ann/1.png", RED)
    put(people / "Bob/1.png", GREEN)
    log = events(tmp_path / "door.jsonl", "Ann", "Bob")
    cameras = "[{name: door, source: demo}, {name: yard, source: '0'}]"
    (tmp_path / "cameras.yaml").write_text(f"events: '{{camera}}.jsonl'\ncameras: {cameras}\n")
    code, _ = run("remove", "Ann", "--yes", "--config", "cameras.yaml")
    assert code == 0 and "Ann" not in log.read_text() and "Bob" in log.read_text()


def test_remove_says_what_it_does_not_do(tmp_path, people):
    elsewhere = put(tmp_path / "elsewhere/1.png", RED).parent
    people.mkdir()
    (people / "Ann").symlink_to(elsewhere)
    put(people / "Bob/1.png", GREEN)
    (tmp_path / "clip.mp4").touch()
    (tmp_path / "config.yaml").write_text("output: clip.mp4\n")
    code, lines = run("remove", "Ann", "--yes", "--config", "config.yaml")
    assert code == 0 and (elsewhere / "1.png").exists() and not (people / "Ann").is_symlink()
    text = "\n".join(lines)
    assert "is a link: what it leads to stays" in text and "Recordings are not looked through: clip.mp4" in text


def test_remove_suggests_who_was_meant_and_asks_nobody_in_json(people):
    put(people / "Anna Smith/1.png", RED)
    with pytest.raises(GalleryError, match="did you mean Anna Smith"):
        run("remove", "Ana Smith")
    with pytest.raises(SettingsError, match="--yes"):
        run("remove", "Anna Smith", "--json")


@pytest.fixture
def strangers(tmp_path):
    """Stranger 1 with a usable picture, one without any and one in which nobody is found."""
    network = FakeEncoder().network
    shown = cv2.imencode(".png", picture(BLUE, face_px=40))[1].tobytes()
    with StrangerStore(tmp_path / "s.sqlite") as store:
        number = store.create(network, 1e9, View(np.float32([1, 0, 0]), 0.9, shown))
        for visit, data in ((2, None), (3, b"no picture")):
            store.come(number, 1e9 + visit, again=True)
            store.see(number, visit, 1e9 + visit, View(np.float32([1, 0, 0.1]), 0.5, data))
        store.create(network, 1e9, View(np.float32([0, 0, 1]), 0.9))
        store.create("Other/1", 1e9, View(np.float32([0, 0, 1]), 0.9))
    return tmp_path / "s.sqlite"


def test_strangers_are_listed_with_whom_they_look_like(people, strangers):
    put(people / "Ann/1.png", RED)
    code, value = run_json("strangers", "--stranger-store", strangers)
    first, second = value["strangers"]
    assert (first["number"], first["visits"], first["pictures"], first["embeddings"]) == (1, 3, 2, 3)
    assert (first["first_seen"], first["looks_like"]) == ("2001-09-09T01:46:40Z", None)
    assert second["looks_like"] == "Ann"
    _, lines = run("strangers", "--stranger-store", strangers)
    assert lines[0].startswith("stranger 1: 3 visits") and lines[1].endswith("looks like Ann")
    assert lines[2].startswith(f"kept in {strangers}")
    assert run("strangers")[1] == ["no strangers are kept"]


def test_a_stranger_gets_a_name(people, strangers):
    put(people / "Ann/1.png", RED)
    code, lines = run("name-stranger", "1", "Ivy", "--stranger-store", strangers)
    assert code == 0 and lines[0] == "stranger 1 is Ivy from now on"
    assert sorted(p.name for p in (people / "Ivy").iterdir()) == [
        "stranger 1-2.embedding", "stranger 1.embedding", "stranger 1.jpg",
    ]  # fmt: skip
    assert sum("picture:" in line for line in lines) == 1 and sum("since no usable" in line for line in lines) == 2
    _, value = run_json("list")
    assert len(value["people"]["Ivy"]["pictures"]) == 3 and not value["people"]["Ivy"]["unusable"]
    with StrangerStore(strangers) as store:
        assert [kept.number for kept in store.every()] == [2, 3]
    assert np.float32([1, 0, 0.1]).tobytes() not in strangers.read_bytes()


@pytest.mark.parametrize(
    ("number", "store", "said"),
    [("9", "s.sqlite", "no stranger 9: those known are 1, 2, 3"), ("3", "s.sqlite", "seen with Other/1"),
     ("1", "none.sqlite", "no strangers are kept")],
)  # fmt: skip
def test_strangers_who_cannot_be_named(people, strangers, number, store, said):
    put(people / "Ann/1.png", RED)
    with pytest.raises(GalleryError, match=said):
        run("name-stranger", number, "Ivy", "--stranger-store", store)


def test_mistakes_are_one_line(people):
    for argv in (["list"], ["add", "Ann"], ["nonsense"], ["name-stranger", "x", "Ann"], []):
        with pytest.raises(SettingsError):
            main(argv, lambda line: None)
    with pytest.raises(GalleryError, match="no folder of people at"):
        run("list")
    with pytest.raises(UnknownNameError):
        build.model_module(Settings(recognition=type(Settings().recognition)(model="nonsense")))


def test_a_broken_file_of_events_is_told_before_anything_is_deleted(tmp_path, people):
    put(people / "Ann/1.png", RED)
    (tmp_path / "events.sqlite").write_bytes(b"none" * 300)
    with pytest.raises(OSError, match=r"events.sqlite .*not a database"):
        run("remove", "Ann", "--yes", "--events", "events.sqlite")
    assert (people / "Ann/1.png").exists()
    db = sqlite3.connect(tmp_path / "fine.sqlite")
    db.close()
