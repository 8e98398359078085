import sqlite3

import pytest

from streamface.sinks.event_output import row, utc
from streamface.sinks.event_store import EventStore
from streamface.sinks.visit_events import APPEARED, CHANGED, LEFT, Event
from streamface.sinks.visit_log import VisitLog, Wanted

VISITS = [  # number, camera, person, stranger, from, to
    (1, "door", "Ann", None, 100, 160),
    (2, "yard", "Bob", None, 150, 170),
    (3, "door", None, 7, 200, 210),
    (4, "door", "Ann", None, 300, 310),
    (5, "yard", None, None, 300, 500),
]


def write(path, visits):
    store = EventStore(path)
    for number, camera, person, stranger, start, end in visits:
        key = f"{number:032x}"
        about = {"camera": camera, "visit": key, "track": number, "person": person, "stranger": stranger}
        store.add([row(Event(APPEARED, start, started_at=start, ended_at=start, **about))])
        store.add([row(Event(LEFT, end, started_at=start, ended_at=end, **about))])
    store.close()


@pytest.fixture(params=["one file", "one a camera"])
def log(request, tmp_path):
    if request.param == "one file":
        write(tmp_path / "all.sqlite", VISITS)
        return VisitLog([tmp_path / "all.sqlite", tmp_path / "all.sqlite"])
    for camera in ("door", "yard"):
        write(tmp_path / f"{camera}.sqlite", [visit for visit in VISITS if visit[1] == camera])
    return VisitLog([tmp_path / "door.sqlite", tmp_path / "yard.sqlite"])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"person": "Ann"}, [4, 1]),
        ({"person": "Ann' OR 1=1 --"}, []),
        ({"unknown": True}, [5, 3]),
        ({"stranger": 7}, [3]),
        ({"camera": "door"}, [4, 3, 1]),
        ({"camera": "door", "person": "Ann", "before": utc(300)}, [1]),
        ({"after": utc(165)}, [5, 4, 3, 2]),  # those who were still there count
        ({"after": utc(160), "before": utc(200)}, [2, 1]),
        ({"limit": 2}, [5, 4]),
        ({"older_than": (utc(300), f"{5:032x}"), "limit": 2}, [4, 3]),  # two began at the same moment
    ],
)
def test_by_person_camera_and_time(log, wanted, expected):
    assert [int(visit["id"], 16) for visit in log.visits(Wanted(**wanted))] == expected


def test_names_and_single_visits(log):
    assert log.names() == {"people": ["Ann", "Bob"], "cameras": ["door", "yard"]}
    found = log.visit(f"{3:032x}")
    assert (found["stranger"], found["started_at"], found["over"]) == (7, utc(200), 1)
    assert log.visit("f" * 32) is None


def test_a_name_is_written_to_another_in_every_row(log, tmp_path):
    assert log.rename("Ann", "Anne") == 2
    assert log.names()["people"] == ["Anne", "Bob"]
    file = next(iter(tmp_path.glob("*.sqlite")))
    with sqlite3.connect(file) as db:
        assert not db.execute("SELECT count(*) FROM events WHERE 'Ann' IN (person, previous)").fetchone()[0]
    db.close()


def test_the_name_before_is_written_to_another_too(tmp_path):
    store = EventStore(tmp_path / "e.sqlite")
    store.add([row(Event(CHANGED, 5, "door", "a" * 32, 1, "Bob", previous="Ann", started_at=1, ended_at=5))])
    store.close()
    VisitLog([tmp_path / "e.sqlite"]).rename("Ann", "Anne")
    with sqlite3.connect(tmp_path / "e.sqlite") as db:
        assert db.execute("SELECT person, previous FROM events").fetchall() == [("Bob", "Anne")]
    db.close()


def test_what_is_not_there_or_not_ours_has_no_visits(tmp_path):
    (tmp_path / "empty.sqlite").touch()
    with sqlite3.connect(tmp_path / "other.sqlite") as db:
        db.execute("CREATE TABLE visits (id TEXT)")
    db.close()
    log = VisitLog([tmp_path / name for name in ("none.sqlite", "empty.sqlite", "other.sqlite")])
    assert log.visits(Wanted()) == [] and log.rename("a", "b") == 0 and log.names() == {"people": [], "cameras": []}
    assert not (tmp_path / "none.sqlite").exists()
