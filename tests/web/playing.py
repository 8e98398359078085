"""A clip that plays in a stream with the real networks, and the site that shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from streamface import build
from streamface.cameras import Cameras
from streamface.configuration import cameras_from
from streamface.web import app
from streamface.web.guard import Access, hosts_for
from streamface.web.parts import parts
from streamface.web.site import Site
from streamface.web.views import View

WITHIN_S = 60.0


class Playing:
    """The running stream, and a browser with a session."""

    def __init__(self, client: TestClient, cameras: Cameras) -> None:
        self.client, self.cameras, self.settings = client, cameras, next(iter(cameras.streams.values())).settings
        assert client.get("/").status_code == 200
        client.headers["X-Form-Token"] = client.get("/api/session").json()["form_token"]

    def faces(self) -> list[dict]:
        """Everybody in the picture now."""
        return [face for camera in self.client.get("/api/cameras").json() for face in camera["faces"]]

    def until(self, what: Callable[[], object], within_s: float = WITHIN_S) -> object:
        """What `what` gives once it is true."""
        end = time.monotonic() + within_s
        while not (found := what()):
            assert time.monotonic() < end, f"not within {within_s} s; in view: {self.faces()}"
            time.sleep(0.05)
        return found

    def frames(self) -> int:
        """How many frames were analysed so far."""
        return sum(reading.frames for reading in self.cameras.readings())

    def enrolled(self, track: Callable[[], int | None], most: int = 1) -> dict:
        """An enrolment of somebody in view, looked at until it has so many pictures."""
        first = self.until(track)
        answer = self.client.post("/api/enrolments", json={"camera": "demo", "track": first})
        assert answer.status_code == 201, answer.text
        key = answer.json()["id"]

        def looked() -> dict | None:
            told = self.client.post(f"/api/enrolments/{key}/look", json={"track": track()}).json()
            return told if len(told["pictures"]) >= most else None

        return self.until(looked)


@contextmanager
def playing(arguments: str) -> Iterator[Playing]:
    """The demo clip over and over; `arguments` as on the command line."""
    settings = cameras_from(f"-s demo --loop --serve 0 --no-display --actions none {arguments}".split())
    with Cameras(settings) as cameras:
        views = {name: View(name) for name in cameras.streams}
        access = Access(hosts_for("127.0.0.1"), None)
        site = Site(views, access, **parts(settings, cameras.shared.people))
        run = threading.Thread(
            target=cameras.run, args=(lambda camera: [*build.files(camera), views[camera.capture.camera]],)
        )
        run.start()
        try:
            yield Playing(TestClient(app.create(site), "http://localhost"), cameras)
        finally:
            cameras.stop()
            run.join()
            if site.enrolments is not None:
                site.enrolments.desk.rest()
            if site.traces is not None:
                site.traces.close()
