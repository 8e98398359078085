"""Every trace of somebody in view deleted while the stream runs: nothing comes back, and the stream goes on."""

from __future__ import annotations

import threading
import time

import pytest
from kept_files import contents
from playing import playing

from streamface.sinks._outbox import Outbox

NAME = "Grace Hopper-Erasable"
WATCHED_S = 4.0
"""For so long afterwards nothing of her may be written; the visit in progress would end in it."""


@pytest.fixture
def stream(settings, tmp_path):
    at = tmp_path
    arguments = f"--database {at}/people --store {at}/store.sqlite --stranger-store {at}/strangers.sqlite --strangers "
    arguments += f"--events {at}/events.sqlite --event-pictures {at}/pictures --faces {at}/faces.jsonl --leave-after 1 "
    arguments += f"--webhook http://127.0.0.1:9/ --webhook-queue {at}/queue.sqlite"  # nobody answers there
    with playing(arguments) as made:
        yield made


def track(stream):
    """The largest face in view: Grace Hopper's, who stands in front; None while she is far away."""
    faces = [face for face in stream.faces() if face["in_sight"] and face["box"][3] - face["box"][1] > 0.3]
    return max((face["box"][3] - face["box"][1], face["track"]) for face in faces)[1] if faces else None


def files_that_tell(folder, *what):
    return [path.name for path, data in contents(folder) if any(one in data for one in what)]


def test_every_trace_of_somebody_in_view_is_deleted_and_none_comes_back(stream, tmp_path):
    client = stream.client
    told = stream.enrolled(lambda: track(stream))
    assert client.post(f"/api/enrolments/{told['id']}/save", json={"name": NAME}).status_code == 200
    stream.until(lambda: client.get("/api/visits", params={"person": NAME}).json())
    stream.until(lambda: any(face["identity"] == NAME for face in stream.faces()))
    assert {"events.sqlite", "faces.jsonl", "queue.sqlite", "store.sqlite"} <= set(with_journals(tmp_path))

    before = stream.frames()
    answer = client.post(f"/api/people/{NAME}/erasure", json={"name": NAME})
    assert answer.status_code == 202, answer.text
    seen: list[str] = []
    over = threading.Event()
    watching = threading.Thread(target=lambda: watch(stream, seen, over))
    watching.start()
    task = stream.until(lambda: ended(client, answer.json()["id"]))
    assert task["state"] == "done" and not any(task["left"].values()), task
    assert task["found"]["pictures"] >= 1 and task["found"]["rows"] > 2 and task["found"]["snapshots"] >= 1
    assert stream.frames() > before, "the stream goes on meanwhile"

    seen.clear()
    before, end = stream.frames(), time.monotonic() + WATCHED_S
    while time.monotonic() < end:
        assert client.get("/api/people").json() == []
        assert not client.get("/api/visits", params={"person": NAME}).json()
        time.sleep(0.2)
    over.set()
    watching.join()
    assert stream.frames() > before + 5 and seen and NAME not in seen
    assert with_journals(tmp_path) == [], "neither by her name anywhere on the disk"
    box = Outbox(tmp_path / "queue.sqlite")
    assert NAME not in str(box.first() or "")
    box.close()


def with_journals(folder):
    return sorted({name.removesuffix("-wal") for name in files_that_tell(folder, NAME.encode())})


def ended(client, key):
    told = client.get(f"/api/tasks/{key}").json()
    return told if told["state"] != "running" else None


def watch(stream, seen, over):
    """Note who is named on the page."""
    while not over.wait(0.1):
        seen += [str(face["identity"]) for face in stream.faces()]
