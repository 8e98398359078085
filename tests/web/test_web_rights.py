"""Everything about a person exported, and every trace deleted, over the API; see also test_web_rights_live.py."""

import io
import json
import threading
import time
import zipfile

import pytest
from desks import client_of, jpeg, people_desk, put, vector
from kept_files import contents

from streamface import testing
from streamface.configuration import cameras_from
from streamface.errors import OutputError
from streamface.gallery.counter_examples import FOLDER
from streamface.gallery.stranger_store import StrangerStore
from streamface.gallery.stranger_store import View as Seen
from streamface.gallery_commands import removal
from streamface.sinks.event_output import row
from streamface.sinks.event_store import EventStore
from streamface.sinks.visit_events import LEFT, Event
from streamface.testing import FakeEncoder, FakeRecognizer
from streamface.types import FaceResult, Frame, FrameResult, Match
from streamface.web import guide, traces
from streamface.web.enrolment import Enrolments, Taken
from streamface.web.people_words import Picture
from streamface.web.traces import Traces
from streamface.web.views import View

RED, ROSE, GREEN, BLUE = (0, 0, 255), (40, 10, 255), (0, 255, 0), (255, 0, 0)
NAME = "Ann <i> Ö"


@pytest.fixture
def settings(tmp_path, fake_networks):
    """What the stream was started with: everything is written somewhere."""
    at = tmp_path
    return cameras_from(
        f"-s demo --database {at}/people --store {at}/store.sqlite --events {at}/events.sqlite --strangers "
        f"--event-pictures {at}/pictures --stranger-store {at}/strangers.sqlite --recordings {at} --serve 0".split()
    )


@pytest.fixture
def folder(tmp_path):
    """Ann and Bob, visits of both with pictures, and a stranger who is Ann."""
    put(tmp_path / f"people/{NAME}/1.png", RED)
    put(tmp_path / f"people/{NAME}/{FOLDER}/1.png", BLUE)
    put(tmp_path / "people/Bob/1.png", GREEN)
    put(tmp_path / f"people/Bob/{FOLDER}/hers.png", ROSE)
    put(tmp_path / "pictures/hers.png", RED)
    put(tmp_path / "pictures/his.png", GREEN)
    store = EventStore(tmp_path / "events.sqlite")
    for number, name in enumerate((NAME, "Bob")):
        event = Event(LEFT, 1e9, "door", f"{number:032x}", 1, name, started_at=1e9, ended_at=1e9 + 1)
        store.add([row(event)])
    store.close()
    with StrangerStore(tmp_path / "strangers.sqlite") as strangers:
        strangers.create(FakeEncoder().network, 1e9, Seen(vector(RED), 0.9))
        strangers.create(FakeEncoder().network, 1e9, Seen(vector(BLUE), 0.9))
    return tmp_path / "people"


@pytest.fixture
def view():
    """A camera that shows Ann."""
    made = View("door")
    show(made, NAME)
    return made


@pytest.fixture
def site(desk, settings, view):
    """(browser, traces)"""
    enrolments = Enrolments(desk, FakeRecognizer.spec)
    made = Traces(settings, enrolments)
    yield client_of(desk, views=[view], enrolments=enrolments, traces=made), made
    made.close()


def show(view, name, erased=()):
    face = FaceResult(testing.track(1), Match(name, 0.01, "cosine", 0.02))
    view.write(FrameResult(Frame(testing.picture(RED), 0, 1e9, None, "door"), (face,), erased=frozenset(erased)), None)


def quoted(name):
    from urllib.parse import quote

    return quote(name, safe="")


def begin(client, kind, person=NAME, typed=None):
    body = {} if typed is None else {"name": typed}
    return client.post(f"/api/people/{quoted(person)}/{kind}", json=body)


def finished(client, answer):
    assert answer.status_code == 202, answer.text
    key, end = answer.json()["id"], time.monotonic() + 30
    while (told := client.get(f"/api/tasks/{key}").json())["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.02)
    return told


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_everything_about_a_person_comes_as_one_archive(site, folder):
    client, _ = site
    before = files(folder.parent)
    told = finished(client, begin(client, "export"))
    assert told["state"] == "done" and told["problem"] is None and told["unsearched"] == 1, told
    assert (told["found"]["people"], told["found"]["counters"], told["found"]["strangers"]) == (1, 1, 1)
    answer = client.get(f"/api/tasks/{told['id']}/archive.zip")
    assert answer.headers["content-type"] == "application/zip" and answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''Ann%20%3Ci%3E%20%C3%96.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert content[f"people/{NAME}/1.png"] == (folder / NAME / "1.png").read_bytes()
    (events,) = (value for name, value in content.items() if name.startswith("events/"))
    assert [json.loads(line)["person"] for line in events.splitlines()] == [NAME, NAME]
    assert b"Bob" not in b"".join(content.values())
    assert files(folder.parent) == before, "nothing is changed by it, and the archive lies in no folder"


def test_every_trace_is_deleted_and_looked_for_again(site, desk, folder, tmp_path, monkeypatch, view):
    monkeypatch.setattr(traces, "TOLD_S", 0.2)
    client, _ = site
    told = finished(client, begin(client, "erasure", typed=NAME))
    assert told["state"] == "done" and not any(told["left"].values()), told
    assert told["found"] == {
        "pictures": 1, "other files": 1, "embeddings": 2, "counter-examples": 1, "strangers": 1, "rows": 2,
        "snapshots": 1,
    }  # fmt: skip
    assert told["unsearched"] == 1
    assert desk.match(vector(RED)).identity is None and desk.match(vector(GREEN)).identity == "Bob"
    assert files(folder) == ["Bob/1.png"] and files(tmp_path / "pictures") == ["his.png"]
    with StrangerStore(tmp_path / "strangers.sqlite") as strangers:
        assert [kept.number for kept in strangers.every()] == [2]
    for path, data in contents(tmp_path):
        assert NAME.encode() not in data and vector(RED).tobytes() not in data, path
    assert desk.known.erasing == {NAME}, "the stream goes on without the name"
    assert finished(client, begin(client, "export"))["problem"].startswith("nobody here is named")


def test_whoever_gets_the_name_afterwards_is_known_again(site, desk, view):
    client, _ = site
    show(view, None, {NAME})
    assert finished(client, begin(client, "erasure", typed=NAME))["state"] == "done"
    answer = client.post(f"/api/people/{quoted(NAME)}/pictures", files=[("files", ("1.jpg", jpeg(RED)))])
    assert answer.json()[0]["key"] and desk.match(vector(RED)).identity == NAME
    assert desk.known.erasing == frozenset()


def test_nothing_is_deleted_before_the_cameras_outputs_have_heard(site, folder, view):
    client, made = site
    begun = begin(client, "erasure", typed=NAME).json()
    time.sleep(0.3)
    assert made.find(begun["id"]).state == "running" and files(folder)[0].startswith("Ann")
    show(view, None, {NAME})
    end = time.monotonic() + 5  # less than what a camera that gives nothing is waited for
    while made.find(begun["id"]).state == "running" and time.monotonic() < end:
        time.sleep(0.02)
    assert made.find(begun["id"]).state == "done" and files(folder) == ["Bob/1.png"]


def test_an_enrolment_of_the_person_ends_with_it(site, desk, view):
    client, made = site
    enrolments = made._enrolments
    hers, other = (enrolments.begin(view, 1) for _ in range(2))
    for one, colour in ((hers, RED), (other, BLUE)):
        one.taken = (Taken(1, guide.STRAIGHT, 0.9, Picture(jpeg(colour), desk.encoded(jpeg(colour)).row)),)
    show(view, None, {NAME})
    finished(client, begin(client, "erasure", typed=NAME))
    assert enrolments.find(hers.id) is None and enrolments.find(other.id) is other


@pytest.mark.parametrize("typed", ["ann <i> ö", "Bob", "Ann"])
def test_the_name_has_to_be_typed(site, folder, typed):
    client, _ = site
    before = files(folder)
    answer = begin(client, "erasure", typed=typed)
    assert answer.status_code == 409 and "not the same" in answer.json()["detail"] and files(folder) == before
    assert begin(client, "erasure").status_code == 422


def test_one_after_the_other(site, monkeypatch):
    client, made = site
    going_on = threading.Event()
    monkeypatch.setattr(made, "_export", lambda task, removal: going_on.wait(10))
    first = begin(client, "export").json()
    for kind, typed in (("export", None), ("erasure", NAME)):
        refused = begin(client, kind, typed=typed)
        assert refused.status_code == 429 and refused.headers["retry-after"]
    assert client.get(f"/api/tasks/{first['id']}/archive.zip").status_code == 409
    going_on.set()
    assert finished(client, begin_when_free(client))["state"] == "done"


def begin_when_free(client):
    end = time.monotonic() + 10
    while (answer := begin(client, "export")).status_code == 429 and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def test_what_cannot_be_deleted_is_said_and_the_person_stays(site, desk, folder, monkeypatch, view):
    def refuse(place):
        raise OutputError(f"cannot delete {place.name} (Permission denied): allow it")

    monkeypatch.setattr(removal, "_delete_place", refuse)
    show(view, None, {NAME})
    client, _ = site
    told = finished(client, begin(client, "erasure", typed=NAME))
    assert told["state"] == "failed" and "Permission denied" in told["problem"]
    assert desk.known.erasing == frozenset() and (folder / NAME / "1.png").exists()


def test_what_is_still_there_after_deleting_is_counted(site, folder, monkeypatch, view):
    monkeypatch.setattr(removal.erase, "delete_files", lambda paths: None)
    show(view, None, {NAME})
    client, _ = site
    left = finished(client, begin(client, "erasure", typed=NAME))["left"]
    assert left["counter-examples"] == 1 and left["snapshots"] > 0 and left["pictures"] == left["rows"] == 0


def test_a_fault_of_ours_is_one_line(site, monkeypatch, caplog):
    monkeypatch.setattr(traces, "write", lambda *_: 1 / 0)
    client, _ = site
    told = finished(client, begin(client, "export"))
    assert told["state"] == "failed" and told["problem"] == "fault: ZeroDivisionError"


def test_who_did_not_consent_and_who_is_not_there_are_nobody(site, desk, folder):
    client, _ = site
    (folder / NAME / "no-consent").touch()
    desk.known.read_consent(folder)
    for kind, typed in (("export", None), ("erasure", NAME)):
        assert begin(client, kind, typed=typed).status_code == 404
    told = finished(client, begin(client, "export", "Cy"))
    assert told["state"] == "failed" and "nobody here is named Cy" in told["problem"] and "Ann" not in told["problem"]
    assert client.get("/api/tasks/unknown").status_code == 404


def test_old_tasks_and_their_archives_are_forgotten(desk, settings, folder):
    now = [0.0]
    made = Traces(settings, Enrolments(desk, FakeRecognizer.spec), clock=lambda: now[0])
    client = client_of(desk, enrolments=made._enrolments, traces=made)
    keys = [finished(client, begin(client, "export"))["id"] for _ in range(traces.MOST_KEPT + 2)]
    archives = [made._tasks[key].archive for key in keys[-traces.MOST_KEPT :]]
    assert made.find(keys[0]) is None and made.find(keys[-1]) is not None
    now[0] = traces.KEPT_S + 1
    assert made.find(keys[-1]) is None and all(archive.closed for archive in archives)
    made.close()


def test_an_archive_is_gone_after_a_while_though_nobody_asks(site, monkeypatch):
    monkeypatch.setattr(traces, "KEPT_S", -0.9)
    client, made = site
    task = made.begin(traces.EXPORT, NAME, {})
    end = time.monotonic() + 10
    while (task.archive is None or not task.archive.closed) and time.monotonic() < end:
        time.sleep(0.02)
    assert task.archive.closed and not made._tasks


def test_a_task_that_ends_after_all_was_closed_leaves_no_timer(desk, settings, folder, monkeypatch):
    made, going_on = Traces(settings, Enrolments(desk, FakeRecognizer.spec)), threading.Event()
    monkeypatch.setattr(made, "_export", lambda task, removal: going_on.wait(10))
    task = made.begin(traces.EXPORT, NAME, {})
    made.close()
    going_on.set()
    end = time.monotonic() + 10
    while any(thread.name == "streamface-traces" for thread in threading.enumerate()) and time.monotonic() < end:
        time.sleep(0.02)
    assert task.state == traces.DONE and not made._timers


def test_a_task_that_is_over_has_its_time(desk, settings, folder):
    """Whoever sees that it is over may ask at once how long ago that was."""
    made, seen = None, []

    def clock():
        seen.extend(task.state for task in made._tasks.values())
        return 0.0

    made = Traces(settings, Enrolments(desk, FakeRecognizer.spec), clock=clock)
    task = made.begin(traces.EXPORT, NAME, {})
    end = time.monotonic() + 10
    while task.state == traces.RUNNING and time.monotonic() < end:
        time.sleep(0.02)
    assert task.ended_at == 0.0 and seen == [traces.RUNNING]
    made.close()


def test_without_a_folder_or_a_watch_that_is_said(folder, tmp_path, settings):
    assert begin(client_of(None), "export").status_code == 404
    with people_desk(folder, tmp_path / "still.sqlite", follows=False) as still:
        enrolments = Enrolments(still, FakeRecognizer.spec)
        client = client_of(still, enrolments=enrolments, traces=Traces(settings, enrolments))
        answer = begin(client, "erasure", typed=NAME)
        assert answer.status_code == 409 and "--no-watch" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["..%2f..%2fevil", "%2e%2e", ".hidden", "%00", "x" * 300])
def test_no_name_leads_anywhere(site, folder, path):
    client, _ = site
    before = files(folder.parent)
    assert 400 <= client.post(f"/api/people/{path}/export").status_code < 500
    assert 400 <= client.get(f"/api/tasks/{path}/archive.zip").status_code < 500
    assert files(folder.parent) == before


def test_the_encoder_of_the_desk_is_not_used_by_it(site, desk):
    """It belongs to those who enrol meanwhile."""
    client, _ = site
    before = desk._encoder.calls
    finished(client, begin(client, "export"))
    assert desk._encoder.calls == before
