"""The kiosk's page and its API, through the real application."""

import random

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery
from streamface.kiosk.attempt import Rules
from streamface.kiosk.levels import Limits
from streamface.kiosk.lock import Lock
from streamface.kiosk.looking import Looking
from streamface.kiosk.machine import Kiosk
from streamface.kiosk.sink import KioskSink, Told
from streamface.kiosk.texts import TITLES
from streamface.types import Frame, FrameResult
from streamface.web import app
from streamface.web.guard import Access, hosts_for
from streamface.web.site import Site
from streamface.web.views import View


def frame(index: int = 0) -> FrameResult:
    return FrameResult(Frame(np.full((90, 160, 3), 90, np.uint8), index, 1e9 + index, None, "door"))


def made(claims: bool = False) -> tuple[KioskSink, TestClient]:
    """A kiosk before which nobody stands, and a browser that has its page."""
    machine = Kiosk(Rules(Limits(0.07, 0.007, 3)), Lock(0, 1), 0.22, claims, random.Random(1))
    kiosk = KioskSink(machine, Looking(LiveGallery(Gallery((), "Fake/1")), "cosine", "Fake/1"), Told("normal", 0.07))
    kiosk.write(frame(), None)
    site = Site({"door": View("door")}, Access(hosts_for("127.0.0.1"), None), kiosk=kiosk)
    client = TestClient(app.create(site), base_url="http://localhost")
    assert client.get("/").status_code == 200
    client.headers["X-Form-Token"] = client.get("/api/session").json()["form_token"]
    return kiosk, client


def test_the_page_has_a_picture_for_everything_that_may_be_said():
    client = made()[1]
    page = client.get("/").text
    for key in TITLES:
        state, _, detail = key.partition(" ")
        icon = detail if state in ("guide", "prompt") else state
        assert f'id="i-{icon}"' in page, key
    for name in ("kiosk.js", "kiosk.css"):
        assert f"/static/{name}" in page and client.get(f"/static/{name}").status_code == 200


def test_what_is_shown_is_told():
    told = made()[1].get("/api/kiosk").json()
    assert told == {
        "asks_name": False, "state": "idle", "detail": None, "title": "Step in front of the camera",
        "more": "", "person": None, "done": 0, "total": 0,
    }  # fmt: skip


def test_changes_come_by_themselves():
    kiosk, client = made(claims=True)
    with client.websocket_connect("ws://localhost/api/kiosk/live") as socket:
        assert socket.receive_json()["state"] == "claim"
        assert client.post("/api/kiosk/claim", json={"name": "Änna <b>"}).status_code == 204
        kiosk.write(frame(1), None)
        told = socket.receive_json()
        while told["state"] == "claim":
            told = socket.receive_json()
        assert told["state"] == "idle" and told["person"] == "Änna <b>"
    assert client.delete("/api/kiosk/claim").status_code == 204
    kiosk.write(frame(2), None)
    assert client.get("/api/kiosk").json()["state"] == "claim"


@pytest.mark.parametrize("name", ["", "x" * 201, None, 5])
def test_what_is_no_name_is_refused(name):
    assert made(claims=True)[1].post("/api/kiosk/claim", json={"name": name}).status_code == 422


def test_a_name_is_taken_only_when_it_is_asked_for():
    assert made()[1].post("/api/kiosk/claim", json={"name": "Anna"}).status_code == 409
    assert made(claims=True)[1].post("/api/kiosk/claim", json={"name": "\n\t"}).status_code == 409


def test_nobody_learns_from_a_claim_who_is_known():
    answers = [made(claims=True)[1].post("/api/kiosk/claim", json={"name": name}) for name in ("Anna", "Nobody")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(204, b"")}


def test_another_site_claims_nothing():
    _, client = made(claims=True)
    del client.headers["X-Form-Token"]
    assert client.post("/api/kiosk/claim", json={"name": "Anna"}).status_code == 403
    assert client.delete("/api/kiosk/claim").status_code == 403
    headers = {"Origin": "http://evil.example"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/kiosk/live", headers=headers) as socket:
        socket.receive_json()


def test_the_camera_is_shown_without_a_word_on_who_is_in_view():
    kiosk, view = made()[0], View("door")
    view.write(frame(), None)
    site = Site({"door": view}, Access(hosts_for("127.0.0.1"), None), kiosk=kiosk)
    client = TestClient(app.create(site), base_url="http://localhost")
    with client.websocket_connect("ws://localhost/api/kiosk/picture?width=80") as socket:
        image = cv2.imdecode(np.frombuffer(socket.receive_bytes(), np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (45, 80, 3)
        view.write(frame(1), None)
        socket.send_text("next")
        assert socket.receive_bytes()


@pytest.mark.parametrize("path", ["/api/cameras", "/api/cameras/door/picture.jpg", "/api/people", "/api/visits"])
def test_whoever_stands_before_a_kiosk_reaches_nothing_else(path):
    _, client = made()
    assert client.get(path).status_code == 404 and client.post(path).status_code == 404
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/cameras/door/live") as socket:
        socket.receive_json()


def test_a_stream_that_is_no_kiosk_has_none():
    site = Site({"door": View("door")}, Access(hosts_for("127.0.0.1"), None))
    client = TestClient(app.create(site), base_url="http://localhost")
    assert client.get("/api/kiosk").status_code == 404
