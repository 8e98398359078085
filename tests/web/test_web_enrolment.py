"""From a click on a face in a playing clip to its name in the next frames, with the real networks."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest
from playing import playing

from streamface import build
from streamface.gallery.counter_examples import FOLDER
from streamface.gallery.store import Store
from streamface.web.people_desk import PeopleDesk

NAME = 'Грейс "G" <b>Hopper'
MOST_WAIT_S = 1.5
"""From the answer to 'save' until the name is in a result: some frames of a machine that others use too."""
ROUNDS_S = 120.0
"""Some rounds of the clip, of twelve seconds where the machine keeps up."""


@pytest.fixture
def stream(settings, tmp_path):
    arguments = f"--database {tmp_path}/people --store {tmp_path}/store.sqlite --events {tmp_path}/events.sqlite"
    with playing(f"{arguments} --event-pictures {tmp_path}/pictures") as made:
        yield made


def large(stream):
    """The largest face in view: Grace Hopper's, who stands in front; None while she is far away, about two thirds of
    the clip, in which Eileen Collins comes near."""
    faces = [face for face in stream.faces() if face["in_sight"] and face["box"][3] - face["box"][1] > 0.3]
    return max(faces, key=lambda face: face["box"][3] - face["box"][1], default=None)


def track(stream):
    face = large(stream)
    return face and face["track"]


def is_called(stream, name):
    face = large(stream)
    return face is not None and face["looked_at"] and face["identity"] == name


def until_she(stream, what, within_s):
    """Wait for `what` of her; only the time in which she is large counts, as long as she comes back at all."""
    spent, last, end = 0.0, time.monotonic(), time.monotonic() + ROUNDS_S
    while not what():
        now = time.monotonic()
        spent, last = spent + (now - last if large(stream) else 0.0), now
        assert spent < within_s and now < end, f"not within {spent:.1f} s; in view: {stream.faces()}"
        time.sleep(0.05)


def test_from_click_to_name_and_everything_that_may_be_changed(stream, tmp_path):
    client = stream.client
    assert client.get("/api/people").json() == []
    told = stream.enrolled(lambda: track(stream))
    assert told["pictures"][0]["kind"] == "straight" and told["likeness"] is None and "left" in told["wanted"]
    shot = client.get(f"/api/enrolments/{told['id']}/pictures/{told['pictures'][0]['number']}.jpg")
    assert min(cv2.imdecode(np.frombuffer(shot.content, np.uint8), cv2.IMREAD_COLOR).shape[:2]) > 100
    assert not list((tmp_path / "people").iterdir()), "nothing is kept before it is saved"

    before, begun = stream.frames(), time.monotonic()
    saved = client.post(f"/api/enrolments/{told['id']}/save", json={"name": f"  {NAME} "})
    assert saved.status_code == 200 and saved.json()["name"] == NAME
    took_s = time.monotonic() - begun
    files = [path.relative_to(tmp_path / "people").as_posix() for path in (tmp_path / "people").rglob("*.jpg")]
    assert len(files) == len(told["pictures"]) and all(file.startswith(f"{NAME}/") for file in files)
    until_she(stream, lambda: is_called(stream, NAME), MOST_WAIT_S)
    assert stream.frames() - before >= 5 * took_s, "the stream went on while the person was enrolled"
    with Store(tmp_path / "store.sqlite") as store:
        (row,) = store.rows(build.network_key(stream.settings)).values()
        assert row.photo.identity == NAME and np.isfinite(row.vector).all()

    (person,) = client.get("/api/people").json()
    assert person == {"name": NAME, "pictures": 1, "counter_examples": 0}
    (picture,) = client.get(f"/api/people/{quoted(NAME)}").json()["pictures"]
    face = client.get(f"/api/people/{quoted(NAME)}/pictures/{picture['key']}.jpg?size=64")
    assert cv2.imdecode(np.frombuffer(face.content, np.uint8), cv2.IMREAD_COLOR).shape == (64, 64, 3)

    again = stream.enrolled(lambda: track(stream))
    assert again["likeness"]["person"] == NAME and again["likeness"]["is_same"]
    refused = client.post(f"/api/enrolments/{again['id']}/save", json={"name": "Somebody Else"})
    assert refused.status_code == 409 and refused.json()["detail"]["likeness"]["person"] == NAME
    assert client.delete(f"/api/enrolments/{again['id']}").status_code == 204

    assert client.patch(f"/api/people/{quoted(NAME)}", json={"name": "Grace"}).json()["name"] == "Grace"
    until_she(stream, lambda: is_called(stream, "Grace"), 20)
    stream.until(lambda: client.get("/api/visits?person=Grace").json())
    assert not client.get(f"/api/visits?person={quoted(NAME)}").json()

    worsen(tmp_path / "people/Grace")
    until_she(stream, lambda: ((large(stream) or {}).get("distance") or 0) > 0.01, 20)
    stream.until(lambda: not_grace(stream).status_code == 204)
    until_she(stream, lambda: is_called(stream, None), 20)
    assert client.get("/api/people").json() == [{"name": "Grace", "pictures": 1, "counter_examples": 1}]
    assert len(list((tmp_path / "people/Grace" / FOLDER).iterdir())) == 1
    (counter,) = client.get("/api/people/Grace").json()["counter_examples"]
    assert client.delete(f"/api/people/Grace/pictures/{counter['key']}").status_code == 204
    until_she(stream, lambda: is_called(stream, "Grace"), 20)

    assert client.delete("/api/people/Grace").status_code == 204
    assert client.get("/api/people").json() == [] and not list((tmp_path / "people").iterdir())
    until_she(stream, lambda: is_called(stream, None), 20)
    assert np.asarray(row.vector, "<f4").tobytes() not in (tmp_path / "store.sqlite").read_bytes()


def test_a_name_that_is_denied_goes_at_once_and_does_not_come_back(stream, monkeypatch):
    """Before the picture has been looked at as a counter-example, and however near she is to her own."""
    client = stream.client
    told = stream.enrolled(lambda: track(stream))
    assert client.post(f"/api/enrolments/{told['id']}/save", json={"name": "Grace"}).status_code == 200
    until_she(stream, lambda: is_called(stream, "Grace"), 20)
    looks_at = PeopleDesk.encoded
    answered = threading.Event()
    monkeypatch.setattr(PeopleDesk, "encoded", lambda desk, data: answered.wait(30) and looks_at(desk, data))
    hers = stream.until(lambda: track(stream) if is_called(stream, "Grace") else None)

    def deny():
        """Until the picture is kept: she may be out of sight, or badly seen, just then."""
        shown, end = hers, time.monotonic() + ROUNDS_S
        while time.monotonic() < end:
            body = {"camera": "demo", "track": shown}
            if client.post("/api/people/Grace/not", json=body).status_code == 204:
                return
            shown = stream.until(lambda: track(stream))

    asking = threading.Thread(target=deny)
    asking.start()

    def name_of_hers():
        return [face["identity"] for face in stream.faces() if face["track"] == hers]

    stream.until(lambda: name_of_hers() != ["Grace"], MOST_WAIT_S)
    assert not answered.is_set()
    for _ in range(20):
        assert name_of_hers() in ([None], [])
        time.sleep(0.05)
    answered.set()
    asking.join()
    assert client.get("/api/people").json()[0]["counter_examples"] == 1
    for _ in range(20):
        assert name_of_hers() in ([None], [])
        time.sleep(0.05)


def worsen(folder):
    """A picture that she is still known by, but that is less like her in the clip than what the clip shows."""
    (path,) = folder.glob("*.jpg")
    cv2.imwrite(str(path), cv2.GaussianBlur(cv2.imread(str(path))[:, ::-1], (0, 0), 2.5))


def not_grace(stream):
    face = stream.until(lambda: large(stream))
    return stream.client.post("/api/people/Grace/not", json={"camera": "demo", "track": face["track"]})


def quoted(name):
    from urllib.parse import quote

    return quote(name, safe="")
