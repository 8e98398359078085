"""A site with people in a folder that is followed, without networks."""

from __future__ import annotations

from contextlib import contextmanager

import cv2
import numpy as np
from starlette.testclient import TestClient

from streamface.gallery.examine import Limits
from streamface.gallery.live import LiveGallery
from streamface.gallery.opening import open_gallery
from streamface.gallery.watch import Watcher
from streamface.testing import FakeEncoder, FakeRecognizer, picture
from streamface.web import app
from streamface.web.enrolment import Enrolments
from streamface.web.guard import Access, hosts_for
from streamface.web.people_desk import PeopleDesk
from streamface.web.site import Site

LIMITS = Limits("cosine", 0.02, 0.06)


class Encoder(FakeEncoder):
    """Counts how often its networks were given back."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def put(path, colour):
    """A picture of the 'person' with that colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture(colour, face_px=64))[1].tobytes())
    return path


def jpeg(*colours, face_px=64):
    """The same as a file to send."""
    image = picture(*colours, face_px=face_px)
    return cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 95))[1].tobytes()


def vector(colour):
    """The embedding of a colour."""
    return np.float32(colour) / 255


@contextmanager
def people_desk(folder, store, follows=True):
    """The desk of a folder."""
    gallery, _ = open_gallery(folder, store, [FakeEncoder()], may_be_empty=True)
    live = LiveGallery(gallery)
    desk = PeopleDesk(folder, store, live, Encoder(), LIMITS)
    if not follows:
        yield desk
        return
    with Watcher(live, folder, store, Encoder()) as live.follower:
        yield desk


def client_of(desk, password_hash=None, views=(), **parts):
    """A browser with a session at the site of a desk."""
    enrolments = parts.pop("enrolments", None) or (desk and Enrolments(desk, FakeRecognizer.spec))
    site = Site({view.camera: view for view in views}, Access(hosts_for("127.0.0.1"), password_hash),
                enrolments=enrolments, **parts)  # fmt: skip
    made = TestClient(app.create(site), "http://localhost")
    if password_hash is None:
        made.get("/")
        made.headers["X-Form-Token"] = made.get("/api/session").json()["form_token"]
    return made
