"""People without a name: their numbers, their visits, how long they are kept, and what a crash leaves of them."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from streamface.gallery import strangers as strangers_module
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.gallery.stranger_store import MOST_VIEWS, StrangerStore, View
from streamface.gallery.strangers import SAME, Evidence, Limits, Strangers
from streamface.types import Stranger

THRESHOLD = 0.1
LIMITS = Limits(days=30, most=100, pause_s=5)
NETWORK = "Fake/1/squares"


def person(number, off=0.0, towards=63):
    """A face of one of many people at right angles, or one at a cosine distance `off` from it."""
    vector = np.zeros(64, np.float32)
    vector[number], vector[towards] = 1 - off, np.sqrt(1 - (1 - off) ** 2)
    return vector


def seen(vector, at=0.0, **changes):
    return Evidence(View(vector, 0.8), **({"at": at, "live": True} | changes))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "strangers.sqlite"


@pytest.fixture
def opened(path):
    """Opens the strangers of the file: as a program that starts does."""
    stores = []

    def start(limits=LIMITS, network=NETWORK):
        stores.append(StrangerStore(path))
        return Strangers(stores[-1], network, "cosine", THRESHOLD, limits)

    yield start
    for store in stores:
        store.close()


@pytest.fixture
def clock(monkeypatch):
    """Time of day, as the strangers see it."""

    class Clock:
        now = 1_700_000_000.0

        def time(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(strangers_module, "time", clock)
    return clock


def test_everybody_gets_a_number_and_keeps_it(opened):
    strangers = opened()
    assert [strangers.identify(seen(person(i))) for i in range(3)] == [Stranger(1), Stranger(2), Stranger(3)]
    assert strangers.identify(seen(person(1), at=3)) == Stranger(2, 1), "still the same visit"
    assert strangers.identify(seen(person(1, off=0.9 * SAME * THRESHOLD), at=60)) == Stranger(2, 2)
    assert strangers.identify(seen(person(1), at=61)) == Stranger(2, 2)


def test_numbers_outlast_a_restart_and_another_start_soon_after_is_no_visit(opened, clock):
    first = opened()
    first.identify(seen(person(0)))
    first.identify(seen(person(1)))
    clock.now += 3
    assert opened().identify(seen(person(1))) == Stranger(2, 1), "the program was away for a moment"
    clock.now += 3600
    assert opened().identify(seen(person(1))) == Stranger(2, 2)
    assert opened().identify(seen(person(1), live=False)) == Stranger(2, 3), "a file is always seen anew"
    assert opened().identify(seen(person(7))) == Stranger(3, 1)


def test_two_people_a_little_alike_are_not_joined(opened):
    strangers = opened()
    strangers.identify(seen(person(0)))
    near = person(0, off=1.1 * SAME * THRESHOLD)
    assert strangers.identify(seen(near)) is None, "too near for somebody new, too far for the same: more views"
    assert strangers.identify(seen(near, last=True)) == Stranger(2)
    assert strangers.identify(seen(person(0, off=1.1 * THRESHOLD, towards=62))) == Stranger(3), "no doubt here"


def test_nobody_is_in_one_picture_twice(opened):
    strangers = opened()
    strangers.identify(seen(person(0)))
    assert strangers.identify(seen(person(0), taken={1})) is None
    assert strangers.identify(seen(person(0), taken={1}, last=True)) == Stranger(2)


def test_a_visit_seen_in_full_helps_to_know_the_person_again(opened, path):
    strangers = opened()
    stranger = strangers.identify(seen(person(0)))
    other = person(0, off=1.3 * SAME * THRESHOLD)
    assert strangers.identify(seen(other)) is None
    strangers.left(stranger, View(other, 0.9, b"JPEG"), 2.0)
    assert strangers.identify(seen(other, at=50)) == Stranger(1, 2)
    with StrangerStore(path) as store:
        (kept,) = store.every(pictures=True)
        assert [view.picture for view in kept.views] == [b"JPEG"], "a visit has one view, its last word"
        assert [view.picture for view in store.every()[0].views] == [None], "pictures only where asked for"


def test_networks_do_not_meet(opened):
    opened().identify(seen(person(0)))
    assert opened(network="Other/1").identify(seen(person(0))) == Stranger(2)


def test_another_process_is_heard_of(opened, path):
    one, other = opened(), opened()
    assert one.identify(seen(person(0))) == Stranger(1)
    assert other.identify(seen(person(0))) == Stranger(1)
    assert other.identify(seen(person(1))) == Stranger(2)
    assert one.identify(seen(person(1))) == Stranger(2)
    with StrangerStore(path) as store:
        store.forget([1])
    assert one.identify(seen(person(0))) == Stranger(3), "whoever was forgotten or named is gone at once"


def test_a_number_is_never_given_again(opened, path):
    strangers = opened()
    for i in range(3):
        strangers.identify(seen(person(i)))
    with StrangerStore(path) as store:
        store.forget([1, 2, 3])
    assert opened().identify(seen(person(2))) == Stranger(4)


def test_whoever_was_not_seen_for_long_is_forgotten(opened, clock, path):
    strangers = opened()
    strangers.identify(seen(person(0)))
    clock.now += 20 * 86400
    strangers.identify(seen(person(1)))
    clock.now += 11 * 86400
    strangers.tidy()
    with StrangerStore(path) as store:
        assert [kept.number for kept in store.every()] == [2]
    assert person(0).tobytes() not in path.read_bytes(), "nothing of the face is left in the file"
    assert person(1).tobytes() in path.read_bytes()
    assert strangers.identify(seen(person(0))) == Stranger(3)


def test_beyond_the_limit_the_longest_unseen_goes(opened, clock, path):
    strangers = opened(replace(LIMITS, most=3))
    for i in (0, 1, 2, 0, 3, 4):
        clock.now += 60
        strangers.identify(seen(person(i), at=clock.now))
    strangers.tidy()
    with StrangerStore(path) as store:
        assert [kept.number for kept in store.every()] == [1, 4, 5]


def test_a_few_of_the_best_visits_are_kept(path):
    with StrangerStore(path) as store:
        number = store.create(NETWORK, 1.0, View(person(0), 0.5))
        for visit in range(2, 12):
            assert store.come(number, float(visit), again=True) == visit
            store.see(number, visit, float(visit), View(person(0), visit / 12))
        (kept,) = store.every()
        assert [round(view.quality * 12) for view in kept.views] == [11, 10, 9, 8, 7][:MOST_VIEWS]
        assert (kept.visits, kept.first_seen, kept.last_seen) == (11, 1.0, 11.0)
        store.forget([number])
        assert store.come(number, 12.0, again=True) is None
        store.see(number, 12, 12.0, View(person(0), 1.0))
        assert store.every() == ()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_the_owner_may_read_it(path):
    StrangerStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_view_is_left_out(path, opened):
    strangers = opened()
    strangers.identify(seen(person(0)))
    strangers.identify(seen(person(1)))
    db = sqlite3.connect(path)
    db.execute("UPDATE views SET vector = ? WHERE stranger = 1", (np.float32([np.nan] * 64).tobytes(),))
    db.commit()
    db.close()
    assert opened().identify(seen(person(1))) == Stranger(2)


def test_the_desk_answers_live_without_holding_up_whoever_asks(path):
    release, threads = threading.Event(), []

    class Slow:
        def identify(self, evidence):
            threads.append(threading.current_thread().name)
            release.wait(30)
            return Stranger(4)

    with StrangerDesk(lambda: (Slow(), lambda: None), live=True) as desk:
        start = time.monotonic()
        answer = desk.ask(seen(person(0)))
        assert time.monotonic() - start < 10 and not answer.done()
        release.set()
        assert answer.result(5) == Stranger(4)
    assert threads[0].startswith("streamface-strangers")


def test_the_desk_answers_at_once_for_files(path):
    def opened():
        store = StrangerStore(path)
        return Strangers(store, NETWORK, "cosine", THRESHOLD, LIMITS), store.close

    with StrangerDesk(opened, live=False) as desk:
        answer = desk.ask(seen(person(0)))
        assert answer.done() and answer.result() == Stranger(1)
        desk.left(Stranger(1), View(person(1), 0.9), 3.0)
    with StrangerStore(path) as store:
        assert len(store.every()[0].views) == 1 and store.every()[0].views[0].quality == 0.9


@pytest.mark.parametrize("live", [True, False])
def test_a_fault_is_said_once_and_ends_nothing_but_the_numbers(live, caplog):
    class Broken:
        def identify(self, evidence):
            raise sqlite3.IntegrityError("no")

    with StrangerDesk(lambda: (Broken(), lambda: None), live) as desk:
        assert [desk.ask(seen(person(0))).result(5) for _ in range(3)] == [None] * 3
    assert caplog.text.count("strangers get no numbers") == 1


def test_a_store_that_cannot_be_opened_raises_where_the_desk_is_made():
    def refused():
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        StrangerDesk(refused, live=True)


VICTIM = textwrap.dedent(
    """
    import os, sys
    import numpy as np
    from streamface.gallery.stranger_store import StrangerStore, View
    from streamface.gallery.strangers import Evidence, Limits, Strangers

    rng = np.random.default_rng(int(sys.argv[2]))
    with StrangerStore(sys.argv[1]) as store:
        strangers = Strangers(store, "Fake/1", "cosine", 0.01, Limits(30, 1000, 5))
        while True:
            vector = rng.normal(size=64).astype("f4")
            stranger = strangers.identify(Evidence(View(vector, 0.5), 0.0, True))
            os.write(1, b"%d %s\\n" % (stranger.number, vector.tobytes().hex().encode()))
            strangers.left(stranger, View(vector, 0.9, b"JPEG" * 500), 1.0)
    """
)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_process_that_is_killed_loses_no_number_that_was_shown(path, opened):
    root = Path(strangers_module.__file__).parents[2]
    told: dict[int, bytes] = {}
    moments = random.Random(5)
    for round_number in range(6):
        command = [sys.executable, "-c", VICTIM, str(path), str(round_number)]
        victim = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(root)})
        lines = [victim.stdout.readline()]
        time.sleep(moments.uniform(0.0, 0.1))
        victim.send_signal(signal.SIGKILL)
        lines += victim.stdout.read().splitlines(keepends=True)
        victim.stdout.close()
        victim.wait()
        for line in lines:
            if line.endswith(b"\n"):
                number, vector = line.split()
                assert int(number) not in told, "nobody gets a number that was shown for somebody else"
                told[int(number)] = bytes.fromhex(vector.decode())
        with StrangerStore(path) as store:
            assert not store.in_memory
            kept = {entry.number: entry.views[0].vector.tobytes() for entry in store.every()}
        assert told.items() <= kept.items()
    assert len(told) >= 6 and not list(path.parent.glob("*aside*"))
