"""People who did not consent are nobody on the page and in its API, and nothing is learnt from covered faces."""

import pytest
from desks import client_of, jpeg, people_desk, put, vector

from streamface import testing
from streamface.gallery.stranger_store import StrangerStore
from streamface.gallery.stranger_store import View as Seen
from streamface.sinks.event_output import row
from streamface.sinks.event_store import EventStore
from streamface.sinks.visit_events import LEFT, Event
from streamface.testing import FakeRecognizer
from streamface.types import FaceResult, Frame, FrameResult, Match
from streamface.web import guide
from streamface.web.enrolment import Enrolments, Taken
from streamface.web.people_words import DID_NOT_CONSENT, Picture
from streamface.web.views import View
from streamface.web.visit_book import VisitBook

RED, ROSE, ORANGE, GREEN, BLUE = (0, 0, 255), (40, 10, 255), (0, 90, 255), (0, 255, 0), (255, 0, 0)
VISITS = {"Ann": "a" * 32, "Bob": "b" * 32}


@pytest.fixture
def folder(tmp_path):
    """Ann, who did not consent, and Bob."""
    put(tmp_path / "people/Ann/1.png", RED)
    put(tmp_path / "people/Bob/1.png", GREEN)
    (tmp_path / "people/Ann/no-consent").touch()
    return tmp_path / "people"


@pytest.fixture
def desk(folder, tmp_path):
    with people_desk(folder, tmp_path / "store.sqlite") as made:
        made.known.read_consent(folder)
        yield made


@pytest.fixture
def client(desk, tmp_path):
    """With visits of both of before, and two strangers, of whom the first is Ann."""
    store = EventStore(tmp_path / "visits.sqlite")
    (tmp_path / "1.jpg").write_bytes(jpeg(RED))
    for at, (name, visit) in enumerate(VISITS.items()):
        event = Event(LEFT, 1e9 + at, "door", visit, 1, name, started_at=1e9 + at, ended_at=1e9 + at)
        store.add([row(event, tmp_path / "1.jpg")])
    store.close()
    with StrangerStore(tmp_path / "strangers.sqlite") as strangers:
        for colour in (ROSE, BLUE):
            strangers.create(desk.network, 1e9, Seen(vector(colour), 0.9, jpeg(colour)))
    visits = VisitBook([tmp_path / "visits.sqlite"], [tmp_path], lambda: desk.known.private)
    return client_of(desk, visits=visits, strangers=tmp_path / "strangers.sqlite")


def send(client, name, data, **query):
    (told,) = client.post(f"/api/people/{name}/pictures", files=[("files", ("1.jpg", data))], params=query).json()
    return told


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_nothing_that_lists_people_names_somebody_who_did_not_consent(client):
    paths = (
        "people", "people?search=ann", "visits", "visits/names", "visits?person=Ann", "strangers?visits=1", "cameras",
    )  # fmt: skip
    answers = [client.get(f"/api/{path}") for path in paths]
    assert all(answer.status_code == 200 for answer in answers)
    assert "Ann" not in "".join(answer.text for answer in answers)
    assert [person["name"] for person in answers[0].json()] == ["Bob"]
    assert [visit["id"] for visit in answers[2].json()] == [VISITS["Bob"]]
    assert [one["number"] for one in answers[5].json()["strangers"]] == [2]


def test_by_name_too_there_is_nobody(client, desk, folder):
    before = files(folder)
    (key,) = desk.pictures("Bob")
    assert client.get("/api/people/Ann").status_code == 404
    assert client.get(f"/api/people/Ann/pictures/{key}.jpg").status_code == 404
    for method, path, body in (
        ("DELETE", "/api/people/Ann", None), ("PATCH", "/api/people/Ann", {"name": "Cy"}),
        ("POST", "/api/people/Ann/merge", {"into": "Bob"}), ("POST", "/api/people/Bob/merge", {"into": "Ann"}),
        ("DELETE", f"/api/people/Ann/pictures/{key}", None), ("POST", "/api/people/Ann/not", {"picture": key}),
        ("POST", "/api/strangers/1/name", {"name": "Cy"}),
    ):  # fmt: skip
        answer = client.request(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    for path in (f"/api/visits/{VISITS['Ann']}/picture.jpg", "/api/strangers/1/picture.jpg"):
        assert client.get(path).status_code == 404, path
    assert client.get(f"/api/visits/{VISITS['Bob']}/picture.jpg").status_code == 200
    assert files(folder) == before


def test_the_name_is_given_to_nobody(client, folder):
    before = files(folder)
    answers = [client.patch("/api/people/Bob", json={"name": "Ann"}),
               client.post("/api/strangers/2/name", json={"name": "Ann"}),
               client.post("/api/people/Ann/pictures", files=[("files", ("1.jpg", jpeg(BLUE)))])]  # fmt: skip
    for answer in answers:
        assert answer.status_code == 409 and "cannot be used" in answer.json()["detail"]
        assert "consent" not in answer.text
    assert files(folder) == before


def test_the_face_is_kept_under_no_other_name_whatever_is_said(client, desk, folder):
    for query in ({}, {"anyway": True}):
        told = send(client, "Cy", jpeg(RED), **query)
        assert told["key"] is None and told["problem"] == DID_NOT_CONSENT
    near = send(client, "Cy", jpeg(ORANGE))
    assert near["key"] and "close to somebody who did not consent" in near["remark"] and "Ann" not in near["remark"]
    assert client.get("/api/people/Cy").json()["pictures"][0]["key"] == near["key"]


def test_the_warning_of_an_enrolment_does_not_name_them(desk):
    view = View("door")
    enrolments = Enrolments(desk, FakeRecognizer.spec)
    client = client_of(desk, views=[view], enrolments=enrolments)
    made = enrolments.begin(view, 1)
    made.taken = (Taken(1, guide.STRAIGHT, 0.9, Picture(jpeg(RED), desk.encoded(jpeg(RED)).row)),)
    likeness = client.get(f"/api/enrolments/{made.id}").json()["likeness"]
    assert likeness["person"] is None and likeness["is_same"]
    for anyway in (False, True):
        refused = client.post(f"/api/enrolments/{made.id}/save", json={"name": "Cy", "anyway": anyway})
        assert refused.status_code == 409 and refused.json()["detail"] == DID_NOT_CONSENT


def test_a_mark_of_this_moment_counts(client, folder):
    (folder / "Bob/no-consent").touch()
    assert client.patch("/api/people/Bob", json={"name": "Bobby"}).status_code == 404
    assert (folder / "Bob/no-consent").exists()
    (folder / "Bob/no-consent").unlink()
    assert client.patch("/api/people/Bob", json={"name": "Bobby"}).status_code == 200


def shown(view, covered):
    """A frame with one face."""
    image = testing.picture(BLUE, face_px=64)
    face = FaceResult(testing.track(1), Match("Bob", 0.01, "cosine", 0.02), covered=covered)
    view.write(FrameResult(Frame(image, 0, 1e9, None, "door"), (face,)), image)


def test_a_covered_face_is_not_enrolled_and_that_is_said(desk):
    """Whether for `--blur`, for want of consent, or until it is decided who it is."""
    view = View("door")
    client = client_of(desk, views=[view])
    shown(view, covered=True)
    assert client.get("/api/cameras").json()[0]["faces"][0]["covered"]
    begun = client.post("/api/enrolments", json={"camera": "door", "track": 1}).json()
    told = client.post(f"/api/enrolments/{begun['id']}/look").json()
    assert told["hint"] == guide.COVERED and "photographs" in told["text"] and not told["pictures"]
    answer = client.post("/api/people/Bob/not", json={"camera": "door", "track": 1})
    assert answer.status_code == 409 and "covered" in answer.json()["detail"]
    shown(view, covered=False)
    assert client.post(f"/api/enrolments/{begun['id']}/look").json()["hint"] != guide.COVERED


def test_where_strangers_are_covered_an_enrolment_does_not_even_begin(desk):
    client = client_of(desk, views=[View("door")], enrolments=Enrolments(desk, FakeRecognizer.spec, covered=True))
    answer = client.post("/api/enrolments", json={"camera": "door", "track": 1})
    assert answer.status_code == 409 and "covered" in answer.json()["detail"]
