"""Whatever the description of the API allows, and much that it does not, is answered, never with an error of ours."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from desks import people_desk, put

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install schemathesis")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis.errors import Unsatisfiable  # noqa: E402
from schemathesis import GenerationMode  # noqa: E402

from streamface import testing  # noqa: E402
from streamface.configuration import cameras_from  # noqa: E402
from streamface.gallery.stranger_store import StrangerStore  # noqa: E402
from streamface.gallery.stranger_store import View as Seen  # noqa: E402
from streamface.sinks.event_output import row  # noqa: E402
from streamface.sinks.event_store import EventStore  # noqa: E402
from streamface.sinks.visit_events import LEFT, Event  # noqa: E402
from streamface.types import FaceResult, Frame, FrameResult, Match  # noqa: E402
from streamface.web import app, traces  # noqa: E402
from streamface.web.enrolment import Enrolments  # noqa: E402
from streamface.web.guard import FORM_HEADER, Access, hosts_for  # noqa: E402
from streamface.web.site import Site  # noqa: E402
from streamface.web.views import View  # noqa: E402
from streamface.web.visit_book import VisitBook  # noqa: E402

EXAMPLES = 10
"""Requests made up for each operation; each is made once more with names of what is there."""
RED, GREEN = (0, 0, 255), (0, 255, 0)
VISIT = "0" * 32
THERE = {"name": "Ann", "camera": "door", "visit": VISIT, "number": 1}


@pytest.fixture
def site(tmp_path, fake_networks, monkeypatch):
    """Everything that the API can be asked about: people, a camera, visits, strangers."""
    monkeypatch.setattr(traces, "TOLD_S", 0.05)
    cameras = cameras_from(f"-s demo --database {tmp_path}/people --store {tmp_path}/store.sqlite".split())
    put(tmp_path / "people/Ann/1.png", RED)
    put(tmp_path / "people/Bob/1.png", GREEN)
    store = EventStore(tmp_path / "visits.sqlite")
    store.add([row(Event(LEFT, 1e9, "door", VISIT, 1, "Ann", started_at=1e9, ended_at=1e9 + 1))])
    store.close()
    with StrangerStore(tmp_path / "strangers.sqlite") as strangers:
        strangers.create(testing.FakeEncoder().network, 1e9, Seen(np.float32([1, 0, 0]), 0.9))
    view = View("door")
    image = testing.picture(RED, face_px=64)
    face = FaceResult(testing.track(1), Match("Ann", 0.01, "cosine", 0.02))
    view.write(FrameResult(Frame(image, 0, 1e9, None, "door"), (face,)), image)
    with people_desk(tmp_path / "people", tmp_path / "store.sqlite") as desk:
        parts = {
            "visits": VisitBook([tmp_path / "visits.sqlite"], [tmp_path]),
            "strangers": tmp_path / "strangers.sqlite",
        }
        enrolments = Enrolments(desk, testing.FakeRecognizer.spec)
        access = Access(hosts_for("127.0.0.1", ("testserver",)), None)
        made = traces.Traces(cameras, enrolments)
        yield Site({"door": view}, access, enrolments=enrolments, traces=made, **parts)
        made.close()


@pytest.fixture
def api(site):
    """The description of the API, as it gives it itself."""
    return schemathesis.openapi.from_asgi("/api/openapi.json", app.create(site))


MADE_UP = settings(
    max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_no_request_ends_in_an_error_of_ours(api, site, mode):
    """Such as the description allows, and such as it does not."""
    asked: set[tuple[str, str]] = set()

    def ask(case) -> None:
        asked.add((case.method, case.path))
        session = site.access.sessions.begin()
        own = {FORM_HEADER: session.form_token, "cookie": f"streamface={session.token}"}
        check(case, own)
        known = {name: value for name, value in THERE.items() if name in (case.path_parameters or {})}
        if known:
            case.path_parameters = {**case.path_parameters, **known}
            check(case, own)

    for operation in (found.ok() for found in api.get_all_operations()):
        with contextlib.suppress(Unsatisfiable):  # nothing can be wrong with a request that has no values
            MADE_UP(given(operation.as_strategy(generation_mode=mode))(ask))()
    assert len(asked) >= (20 if mode is GenerationMode.POSITIVE else 15), sorted(asked)


def check(case, own) -> None:
    answer = case.call(headers={**dict(case.headers or {}), **own})
    assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"
    assert answer.status_code not in (401, 421) or "/api/session" in case.path, "it went no further than the guard"
