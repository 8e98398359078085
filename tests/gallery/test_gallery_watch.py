"""A gallery that follows its folder: what comes, goes and breaks while it is in use."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from streamface.gallery import _notices, watch
from streamface.gallery import enroll as enroll_module
from streamface.gallery.base import Photo
from streamface.gallery.live import LiveGallery
from streamface.gallery.opening import open_gallery
from streamface.gallery.store import Store
from streamface.gallery.watch import Watcher
from streamface.runtime import priority
from streamface.testing import FakeEncoder, picture

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


class Encoder(FakeEncoder):
    def __init__(self):
        super().__init__()
        self.closed = 0
        self.niceness = set()

    def encode(self, image):
        if hasattr(os, "getpriority"):
            self.niceness.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return super().encode(image)

    def close(self):
        self.closed += 1


def coded(*colours):
    return cv2.imencode(".png", picture(*colours))[1].tobytes()


def put(path, *colours):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(coded(*colours))
    return path


@pytest.fixture(params=["told", "polling"])
def told(request, monkeypatch):
    """Both with notices of the system and without."""
    if request.param == "polling":
        monkeypatch.setattr(_notices, "on_network_drive", lambda folder: True)
    return request.param


@pytest.fixture
def people(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "SETTLE_S", 0.1)
    monkeypatch.setattr(watch, "SURE_S", 0.4)
    put(tmp_path / "people/Ann/1.png", RED)
    return tmp_path / "people"


@pytest.fixture
def follow(people, tmp_path):
    """Starts a watcher: (the live gallery, its encoder)."""
    started = []

    def start():
        store, encoder = tmp_path / "store.sqlite", Encoder()
        gallery, _ = open_gallery(people, store, [FakeEncoder()])
        live = LiveGallery(gallery)
        started.append(Watcher(live, people, store, encoder))
        return live, encoder

    start.watchers = started
    yield start
    for watcher in started:
        watcher.close()


def becomes(live, *identities, within_s=30.0):
    end = time.monotonic() + within_s
    while live.gallery.identities != identities and time.monotonic() < end:
        time.sleep(0.01)
    assert live.gallery.identities == identities


def name(live, *colour):
    return live.match(np.array([colour]) / 255, "cosine", 0.1)[0].identity


def test_what_is_added_changed_and_removed_takes_effect(told, people, follow, tmp_path):
    live, encoder = follow()
    first, editions = live.gallery, []
    live.on_swap(lambda: editions.append(live.edition))
    put(people / "Bob/1.png", GREEN)
    becomes(live, "Ann", "Bob")
    assert (name(live, *GREEN), name(live, *BLUE)) == ("Bob", None)
    changed = put(people / "Ann/1.png", BLUE)
    os.utime(changed, ns=(1, 2))
    end = time.monotonic() + 30
    while name(live, *BLUE) != "Ann" and time.monotonic() < end:
        time.sleep(0.01)
    assert (name(live, *BLUE), name(live, *RED)) == ("Ann", None)
    (people / "Bob").rename(people / "Robert")
    becomes(live, "Ann", "Robert")
    (people / "Robert/1.png").unlink()
    becomes(live, "Ann")
    assert name(live, *GREEN) is None
    assert first.identities == ("Ann",) and len(first) == 1, "whoever still asks the old gallery gets its answers"
    assert editions == list(range(1, live.edition + 1))
    with Store(tmp_path / "store.sqlite") as store:
        assert store.paths() == {"Ann/1.png"}, "the next start embeds nothing anew, and nobody removed is kept"
        assert store.rows(encoder.network)["Ann/1.png"].vector.tolist() == [1, 0, 0]


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads have priorities of their own on Linux only")
def test_embedding_gives_way_to_recognition(people, follow):
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    live, encoder = follow()
    put(people / "Bob/1.png", GREEN)
    becomes(live, "Ann", "Bob")
    assert min(encoder.niceness) >= priority.NICENESS
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_a_half_written_picture_is_waited_for_without_a_word(people, follow, caplog, monkeypatch):
    monkeypatch.setattr(watch, "SURE_S", 30)  # it takes longer to write on a machine that does much else
    live, _ = follow()
    data = coded(GREEN)
    (people / "Bob").mkdir()
    with open(people / "Bob/1.png", "wb") as file:
        for i in range(6):
            file.write(data[i * len(data) // 6 : (i + 1) * len(data) // 6])
            file.flush()
            time.sleep(0.15)  # longer than it takes to settle
    becomes(live, "Ann", "Bob")
    assert "skipped" not in caplog.text


def test_a_picture_that_stays_broken_is_named_once_and_taken_when_mended(people, follow, caplog):
    live, _ = follow()
    (people / "Bob.png").write_bytes(coded(GREEN)[:40])
    put(people / "Eve.png", BLUE)
    becomes(live, "Ann", "Eve")
    time.sleep(1.2)
    assert caplog.text.count("skipped") == 1 and "Bob.png" in caplog.text
    put(people / "Bob.png", GREEN)
    becomes(live, "Ann", "Bob", "Eve")


def test_a_usable_picture_that_is_spoiled_takes_its_person_along(people, follow, caplog):
    live, _ = follow()
    put(people / "Bob.png", GREEN)
    becomes(live, "Ann", "Bob")
    (people / "Bob.png").write_bytes(b"spoiled")
    becomes(live, "Ann")
    assert caplog.text.count("skipped") == 1


def test_a_folder_that_vanishes_keeps_everybody_and_is_followed_again(told, people, follow, caplog):
    live, _ = follow()
    put(people / "Eve.png", BLUE)
    becomes(live, "Ann", "Eve")  # it has looked: it knows which folder it was
    (people / "Eve.png").unlink()
    becomes(live, "Ann")
    away = people.with_name("away")
    people.rename(away)
    end = time.monotonic() + 60
    while "stay" not in caplog.text and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.6)
    assert live.gallery.identities == ("Ann",)
    assert caplog.text.count("the people known so far stay") == 1
    people.mkdir()  # an empty mount point
    time.sleep(1.2)
    assert live.gallery.identities == ("Ann",)
    people.rmdir()
    away.rename(people)
    put(people / "Bob.png", GREEN)
    becomes(live, "Ann", "Bob")
    put(people / "Eve.png", BLUE)
    becomes(live, "Ann", "Bob", "Eve")


def test_the_last_person_may_be_removed(people, follow):
    live, _ = follow()
    (people / "Ann/1.png").unlink()
    becomes(live)
    assert name(live, *RED) is None


def test_somebody_removed_does_not_wait_for_hundreds_who_are_added(people, follow, monkeypatch):
    monkeypatch.setattr(watch, "ROUND", 4)
    live, encoder = follow()
    slow = threading.Event()
    encode = encoder.encode

    def dawdling(image):
        slow.wait(0.05)
        return encode(image)

    encoder.encode = dawdling
    for i in range(100):
        put(people / f"Crowd/{i}.png", GREEN)
    end = time.monotonic() + 30
    while "Crowd" not in live.gallery.identities and time.monotonic() < end:
        time.sleep(0.01)
    (people / "Ann/1.png").unlink()
    end = time.monotonic() + 20
    while "Ann" in live.gallery.identities and time.monotonic() < end:
        time.sleep(0.01)
    assert live.gallery.identities == ("Crowd",) and len(live.gallery) < 100
    slow.set()
    end = time.monotonic() + 60
    while len(live.gallery) < 100 and time.monotonic() < end:
        time.sleep(0.02)
    assert len(live.gallery) == 100


def test_a_fault_ends_the_watching_and_nothing_else(people, follow, caplog):
    live, encoder = follow()

    def fail(image):
        raise MemoryError("no room")

    encoder.encode = fail
    put(people / "Bob.png", GREEN)
    end = time.monotonic() + 30
    while "no longer watched" not in caplog.text and time.monotonic() < end:
        time.sleep(0.01)
    assert "no longer watched for changes: no room" in caplog.text
    end = time.monotonic() + 10
    while not encoder.closed and time.monotonic() < end:
        time.sleep(0.01)
    assert name(live, *RED) == "Ann" and encoder.closed == 1


def test_the_networks_are_given_back_when_nothing_comes(people, follow, monkeypatch):
    monkeypatch.setattr(watch, "IDLE_S", 0.2)
    monkeypatch.setattr(watch, "REST_S", 0.1)
    live, encoder = follow()
    put(people / "Bob.png", GREEN)
    becomes(live, "Ann", "Bob")
    end = time.monotonic() + 30
    while not encoder.closed and time.monotonic() < end:
        time.sleep(0.01)
    assert encoder.closed
    put(people / "Eve.png", BLUE)
    becomes(live, "Ann", "Bob", "Eve")


@pytest.mark.parametrize(
    ("mounts", "network"),
    [
        ("36 35 98:0 / / rw - ext4 /dev/sda rw", False),
        ("36 35 98:0 / / rw - ext4 /dev/sda rw\n40 36 0:5 / {here} rw shared:1 - nfs4 server:/x rw", True),
        ("36 35 98:0 / / rw - ext4 /dev/sda rw\n40 36 0:5 / {here}x rw - nfs4 server:/x rw", False),
        ("36 35 98:0 / / rw - cifs //server/x rw\n40 36 0:5 / {here} rw - tmpfs tmpfs rw", False),
        ("40 36 0:5 / {here} rw - ext4 /dev/sda rw\n41 36 0:5 / {here} rw - fuse.sshfs server rw", True),
    ],
)
def test_network_drives_are_told_by_their_mount(tmp_path, monkeypatch, mounts, network):
    (tmp_path / "mountinfo").write_text(mounts.format(here=os.path.realpath(tmp_path)))
    monkeypatch.setattr(_notices, "MOUNTS", tmp_path / "mountinfo")
    assert _notices.on_network_drive(tmp_path / "people") is network


def test_where_the_system_has_no_watches_left_the_folder_is_looked_through(people, follow, monkeypatch, caplog):
    from watchdog.observers import Observer

    def refuse(self, *args, **kwargs):
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(Observer, "schedule", refuse)
    live, _ = follow()
    put(people / "Bob.png", GREEN)
    becomes(live, "Ann", "Bob")
    assert caplog.text.count("inotify watch limit reached") == 1


def test_a_store_that_cannot_be_written_is_said_and_everybody_stays(people, tmp_path, caplog):
    (tmp_path / "file").write_text("x")
    store = tmp_path / "file" / "store.sqlite"
    gallery, _ = open_gallery(people, store, [FakeEncoder()])
    live = LiveGallery(gallery)
    with Watcher(live, people, store, Encoder()):
        put(people / "Bob.png", GREEN)
        time.sleep(0.8)
    assert live.gallery is gallery
    assert caplog.text.count("is not watched for changes") == 1


def test_a_large_gallery_is_enrolled_anew_once_the_folder_stands_still(told, people, follow, monkeypatch):
    monkeypatch.setattr(watch, "MOST_AT_HAND", 0)
    live, encoder = follow()
    put(people / "Bob.png", GREEN)
    becomes(live, "Ann", "Bob")
    put(people / "Eve.png", BLUE)
    (people / "Bob.png").unlink()
    becomes(live, "Ann", "Eve")
    editions, calls = live.edition, encoder.calls
    time.sleep(1.0)
    assert (live.edition, encoder.calls) == (editions, calls), "nothing is done while nothing changes"


def test_slow_networks_take_few_pictures_a_round(people, follow, monkeypatch):
    monkeypatch.setattr(watch, "ROUND_S", 0.05)
    live, encoder = follow()
    encode, editions = encoder.encode, []
    live.on_swap(lambda: editions.append(len(live.gallery)))
    encoder.encode = lambda image: (time.sleep(0.1), encode(image))[1]
    for i in range(5):
        put(people / f"Crowd/{i}.png", GREEN)
    end = time.monotonic() + 30
    while len(editions) < 5 and time.monotonic() < end:
        time.sleep(0.02)
    assert editions == [2, 3, 4, 5, 6]


def test_a_counter_example_takes_effect_and_goes_again(people, follow):
    orange = (0, 90, 255)
    live, _ = follow()
    assert name(live, *orange) == "Ann"

    def answers(identity, within_s=30.0):
        end = time.monotonic() + within_s
        while name(live, *orange) != identity and time.monotonic() < end:
            time.sleep(0.01)
        return name(live, *orange) == identity

    counter = put(people / "Ann/.not-this-person/1.png", orange)
    assert answers(None)
    assert name(live, *RED) == "Ann", "her own face keeps the name"
    counter.unlink()
    assert answers("Ann")


@pytest.mark.parametrize("is_taken_out", [True, False])
def test_a_picture_that_is_taken_out_while_it_is_embedded_leaves_nothing_in_the_store(
    people, follow, tmp_path, monkeypatch, is_taken_out
):
    live, encoder = follow()
    path, begun, go_on, encode = people / "Bob/1.png", threading.Event(), threading.Event(), encoder.encode

    def held_up(image):
        begun.set()
        assert go_on.wait(30)
        return encode(image)

    monkeypatch.setattr(encoder, "encode", held_up)
    put(path, GREEN)
    assert begun.wait(30)
    if is_taken_out:
        path.unlink()
        assert follow.watchers[0].change([], ["Bob/1.png"])
    go_on.set()
    put(people / "Cid/1.png", BLUE)
    becomes(live, *(["Ann", "Cid"] if is_taken_out else ["Ann", "Bob", "Cid"]))
    with Store(tmp_path / "store.sqlite") as store:
        assert ("Bob/1.png" in store.rows(encoder.network)) is not is_taken_out


def test_what_was_made_elsewhere_is_in_use_at_once_and_stays(people, follow, tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "SETTLE_S", 30)  # the disk may be slow
    live, encoder = follow()
    path = put(people / "Bob/1.png", GREEN)
    with Store(tmp_path / "other.sqlite") as other:
        made = enroll_module.embed(people, [photo_of(people, path)], other, [FakeEncoder()])
    with Store(tmp_path / "store.sqlite") as store:
        store.save(encoder.network, made.values())
    editions = live.edition
    assert live.follower is None  # who builds it says who follows
    assert follow.watchers[0].change(list(made.values()))
    assert name(live, *GREEN) == "Bob" and live.edition == editions + 1
    monkeypatch.setattr(watch, "SETTLE_S", 0.1)
    for _ in range(3):  # it looks, and again once that has settled
        (people / "no picture.txt").touch()
        time.sleep(0.5)
    assert name(live, *GREEN) == "Bob" and encoder.calls == 0, "nothing is looked at again"
    os.rename(people / "Bob", people / "Robert")
    moved = replace(made["Bob/1.png"], photo=photo_of(people, people / "Robert/1.png"))
    assert follow.watchers[0].change([moved], ["Bob/1.png"])
    assert name(live, *GREEN) == "Robert"


def photo_of(people, path):
    status = path.stat()
    return Photo(path.relative_to(people).as_posix(), path.parent.name, status.st_size, status.st_mtime_ns)
