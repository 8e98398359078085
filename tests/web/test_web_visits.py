import sqlite3

import pytest
from desks import client_of, jpeg, people_desk, put
from starlette.testclient import TestClient

from streamface.gallery.live import Denial
from streamface.sinks.event_output import row
from streamface.sinks.event_store import EventStore
from streamface.sinks.visit_events import APPEARED, LEFT, Event
from streamface.web import app
from streamface.web.guard import Access, hosts_for
from streamface.web.site import Site
from streamface.web.views import View
from streamface.web.visit_book import VisitBook

NUMBERS = [f"{number:032x}" for number in range(5)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/1.jpg").write_bytes(b"\xff\xd8 a picture")
    (tmp_path / "secret.jpg").write_bytes(b"a secret")
    (tmp_path / "pictures/secret.txt").write_bytes(b"a secret")
    (tmp_path / "pictures/link.jpg").symlink_to(tmp_path / "secret.jpg")
    return tmp_path


@pytest.fixture
def client(folder):
    store = EventStore(folder / "events.sqlite")
    places = ("pictures/1.jpg", "secret.jpg", "pictures/../secret.jpg", "pictures/link.jpg", "pictures/secret.txt")
    for at, (number, place) in enumerate(zip(NUMBERS, places, strict=True)):
        event = Event(APPEARED, 1e9 + at, "door", number, 1, "Ann <b>" if at else None, started_at=1e9 + at,
                      ended_at=1e9 + at)  # fmt: skip
        store.add([row(event, folder / place)])
    store.close()
    return made(VisitBook([folder / "events.sqlite"], [folder / "pictures"]))


def made(book):
    return TestClient(app.create(Site({"door": View("door")}, Access(hosts_for("127.0.0.1"), None), book)),
                      "http://localhost")  # fmt: skip


def test_the_latest_come_first_and_say_whether_there_is_a_picture(client):
    visits = client.get("/api/visits").json()
    assert [visit["id"] for visit in visits] == NUMBERS[::-1]
    assert [visit["picture"] for visit in visits] == [False] * 4 + [True]
    assert "snapshot" not in visits[0] and visits[0]["person"] == "Ann <b>" and visits[0]["over"] is False
    assert client.get("/api/visits/names").json() == {"people": ["Ann <b>"], "cameras": ["door"]}


@pytest.mark.parametrize(
    ("query", "count"),
    [("unknown=true", 1), ("person=Ann <b>", 4), ("camera=yard", 0), ("after=2001-09-09T01:46:42Z", 3),
     ("before=2001-09-09T01:46:42", 2), ("before=2001-09-09T03:46:42%2B02:00", 2), ("limit=2", 2),
     (f"older_than={NUMBERS[2]}", 2), ("stranger=3", 0)],
)  # fmt: skip
def test_by_person_camera_and_time(client, query, count):
    assert len(client.get(f"/api/visits?{query}").json()) == count


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "after=yesterday", "older_than=x", f"older_than={'f' * 32}", "person=" + "x" * 201,
     "before=9999-12-31T23:59:59-23:59", "after=0001-01-01T00:00:00+23:59", "stranger=99999999999999999999"],
)  # fmt: skip
def test_a_malformed_question_is_a_plain_refusal(client, query):
    assert 400 <= client.get(f"/api/visits?{query}").status_code < 500


def test_no_picture_from_elsewhere_is_served_whatever_the_file_of_events_says(client, folder):
    answer = client.get(f"/api/visits/{NUMBERS[0]}/picture.jpg")
    assert answer.status_code == 200 and answer.content.startswith(b"\xff\xd8")
    assert answer.headers["content-type"] == "image/jpeg" and answer.headers["cache-control"] == "no-store"
    for number in (*NUMBERS[1:], "..%2f..%2fsecret", "f" * 32, "%00"):
        answer = client.get(f"/api/visits/{number}/picture.jpg")
        assert answer.status_code in (400, 404) and b"secret" not in answer.content
    with sqlite3.connect(folder / "events.sqlite") as db:
        db.execute("UPDATE visits SET snapshot = '/etc/passwd'")
    db.close()
    assert client.get(f"/api/visits/{NUMBERS[0]}/picture.jpg").status_code == 404


@pytest.mark.parametrize(("kind", "told"), [(APPEARED, [Denial("Ann", 5)]), (LEFT, [])])
def test_not_this_person_on_a_visit_that_goes_on_is_told_to_the_stream(tmp_path, kind, told):
    put(tmp_path / "people/Ann/1.png", (0, 0, 255))
    (tmp_path / "1.jpg").write_bytes(jpeg((255, 0, 0)))
    store = EventStore(tmp_path / "events.sqlite")
    event = Event(kind, 1e9, "door", NUMBERS[0], 5, "Ann", started_at=1e9, ended_at=1e9)
    store.add([row(event, tmp_path / "1.jpg")])
    store.close()
    with people_desk(tmp_path / "people", tmp_path / "store.sqlite") as desk:
        visits = VisitBook([tmp_path / "events.sqlite"], [tmp_path])
        client = client_of(desk, views=[View("door")], visits=visits)
        assert client.post("/api/people/Ann/not", json={"visit": NUMBERS[0]}).status_code == 204
        assert desk.known.take_denials("door") == told
        assert client.get("/api/people").json()[0]["counter_examples"] == 1


def test_where_no_visits_are_kept_that_is_said():
    answer = made(None).get("/api/visits")
    assert answer.status_code == 404 and "--no-visits" in answer.json()["detail"]
