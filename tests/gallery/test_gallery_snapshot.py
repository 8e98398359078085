"""The file beside the store: the same people as without it, never stale, never trusted when damaged."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time

import cv2
import numpy as np
import pytest

from streamface.gallery import enroll as enroll_module
from streamface.gallery import snapshot
from streamface.gallery.base import Photo, Row
from streamface.gallery.enroll import enroll
from streamface.gallery.opening import open_gallery
from streamface.gallery.store import Store
from streamface.testing import FakeEncoder, picture
from streamface.types import Box

NETWORK = FakeEncoder().network


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(enroll_module, "LARGE", 1)


@pytest.fixture
def people(tmp_path):
    folder = tmp_path / "people"
    for i in range(150):  # more than two panels
        put(folder, f"P{i % 7}/{i:03}.png", (i, 200, 90))
    (folder / "P3/broken.jpg").write_bytes(b"this is no picture")
    (folder / "P9").mkdir()
    (folder / "P9/empty.png").write_bytes(b"")
    return folder


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.sqlite"


def put(folder, path, colour):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(cv2.imencode(".png", picture(colour))[1].tobytes())
    return file


def opened(people, store, encoder=None):
    with Store(store) as kept:
        return enroll(people, kept, [encoder or FakeEncoder()])


def beside(store):
    return snapshot.path_for(store, NETWORK)


def is_mapped(report):
    base = report.people.matrix.panels
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    return base is not None


def same(a, b):
    assert [(r.photo, r.box, r.quality) for r in a.rows] == [(r.photo, r.box, r.quality) for r in b.rows]
    assert np.array_equal([r.vector for r in a.rows], [r.vector for r in b.rows])
    assert [(s.path, s.identity, s.reason) for s in a.skipped] == [(s.path, s.identity, s.reason) for s in b.skipped]
    return True


def test_a_mapped_gallery_is_the_same_as_one_read_from_the_store(people, store, monkeypatch):
    first = opened(people, store)
    monkeypatch.setattr(enroll_module, "_known", None)  # the second start reads nothing from the store
    mapped = opened(people, store)
    monkeypatch.undo()
    monkeypatch.setattr(enroll_module, "LARGE", 10**9)
    beside(store).unlink()
    read = opened(people, store)
    assert (is_mapped(first), is_mapped(mapped), is_mapped(read)) == (True, True, False)
    assert len(read.rows) == 150
    assert [os.path.basename(s.path) for s in read.skipped] == ["broken.jpg", "empty.png"]
    assert same(first, read)
    assert same(mapped, read)
    assert (mapped.embedded, mapped.forgotten, any(s.is_new for s in mapped.skipped)) == (0, 0, False)


def test_matching_and_the_table_work_from_the_file(people, store):
    plain, _ = open_gallery(people, None, [FakeEncoder()])
    for _ in range(2):
        gallery, _ = open_gallery(people, store, [FakeEncoder()])
    faces = np.random.default_rng(0).uniform(0, 1, (5, 3))
    assert gallery.match(faces, "euclidean", 1) == plain.match(faces, "euclidean", 1)
    assert gallery.people.drop(columns="embedding").equals(plain.people.drop(columns="embedding"))
    assert gallery.identities == plain.identities == tuple(f"P{i}" for i in range(7))
    assert gallery.thumbnail(gallery.photos[-1], 20) is not None
    assert gallery.thumbnail("elsewhere.png", 20) is None


def test_small_galleries_have_none(people, store, monkeypatch):
    monkeypatch.setattr(enroll_module, "LARGE", 151)
    opened(people, store)
    assert not beside(store).exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_the_owner_may_read_it(people, store):
    opened(people, store)
    assert stat.S_IMODE(beside(store).stat().st_mode) == 0o600


def add(people, store):
    put(people, "New/1.png", (1, 2, 250))


def change(people, store):
    os.utime(put(people, "P0/000.png", (1, 2, 250)), ns=(1, 2))


def remove(people, store):
    (people / "P0/000.png").unlink()


def rename(people, store):
    (people / "P0").rename(people / "P8")


def change_by_another_program(people, store):
    db = sqlite3.connect(store)
    db.execute("UPDATE faces SET quality = 0.125, vector = ? WHERE photo = 1", (np.float32([9, 9, 9]).tobytes(),))
    db.commit()
    db.close()


def another_network(people, store):
    opened(people, store, FakeEncoder("other"))


def a_later_enrolment_that_was_killed_before_it_wrote_the_file(people, store):
    with Store(store) as kept:
        kept.save(NETWORK, [Row(Photo("P0/000.png", "P0", 1, 1), None, Box(0, 0, 1, 1), 1.0, np.float32([1, 0, 0]))])


@pytest.mark.parametrize(
    "work",
    [
        add,
        change,
        remove,
        rename,
        change_by_another_program,
        another_network,
        a_later_enrolment_that_was_killed_before_it_wrote_the_file,
    ],
)
def test_a_stale_file_is_not_believed(people, store, tmp_path, work):
    opened(people, store)
    work(people, store)
    again = opened(people, store)
    assert is_mapped(again)
    beside(store).unlink()
    assert same(again, opened(people, store))
    assert len({tuple(row.vector) for row in again.rows} ^ {(i / 255, 200 / 255, 90 / 255) for i in range(150)}) > 0


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


@pytest.mark.parametrize("at", [0, 20, 500, 4096 + 700, -3])
def test_one_wrong_bit_is_noticed(people, store, at, caplog):
    sound = opened(people, store)
    rows = sound.rows
    del sound
    spoiled = beside(store).read_bytes()
    flip(beside(store), at)
    caplog.clear()
    again = opened(people, store)
    assert [row.vector.tolist() for row in again.rows] == [row.vector.tolist() for row in rows]
    assert is_mapped(again)
    assert beside(store).read_bytes() == spoiled, "it was made anew"
    assert not caplog.text, "nothing was lost, so there is nothing to warn of"


@pytest.mark.parametrize("size", [0, 10, 4096, 5000, -1])
def test_a_file_that_was_cut_is_made_anew(people, store, size):
    opened(people, store)
    beside(store).write_bytes(beside(store).read_bytes()[:size])
    again = opened(people, store)
    assert len(again.rows) == 150
    assert is_mapped(again)


def test_a_disk_without_room_means_a_slow_start_and_nothing_else(people, store, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot.os, "fsync", refuse)
    report = opened(people, store)
    assert len(report.rows) == 150
    assert not is_mapped(report)
    assert [file.name for file in store.parent.iterdir() if "matrix" in file.name] == []


def test_a_file_that_cannot_be_opened_is_tried_at_every_start(people, store):
    (people / "P1/link.png").symlink_to(people / "later.txt")
    reports = [opened(people, store) for _ in range(2)]
    assert [report.embedded for report in reports] == [153, 1]
    assert all(is_mapped(report) for report in reports)
    assert [s.is_new for s in reports[1].skipped] == [True, False, False]
    (people / "later.txt").write_bytes((people / "P0/000.png").read_bytes())
    assert len(opened(people, store).rows) == 151


def test_an_old_part_of_a_killed_process_is_cleared_away(people, store):
    old, young = (store.with_name(f"{beside(store).name}.{pid}.part") for pid in (1, 2))
    for part in (old, young):
        part.write_bytes(b"x")
    os.utime(old, (1, 1))
    opened(people, store)
    assert (old.exists(), young.exists()) == (False, True)


VICTIM = textwrap.dedent(
    """
    import os, sys
    from streamface.gallery import enroll as module
    from streamface.gallery.store import Store
    from streamface.testing import FakeEncoder

    module.LARGE = 1
    os.write(1, b"begun\\n")
    while True:
        os.utime(sys.argv[1] + "/P0/000.png", (1, int.from_bytes(os.urandom(4), "big")))
        with Store(sys.argv[2]) as store:
            module.enroll(sys.argv[1], store, [FakeEncoder()])
    """
)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_process_that_is_killed_leaves_a_file_that_is_whole_or_none(people, store, caplog):
    moments = random.Random(5)
    expected = sorted((i / 255, 200 / 255, 90 / 255) for i in range(150))
    for _ in range(4):
        command = [sys.executable, "-c", VICTIM, str(people), str(store)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as victim:
            victim.stdout.readline()
            time.sleep(moments.uniform(0.05, 0.4))
            victim.send_signal(signal.SIGKILL)
        report = opened(people, store)
        assert is_mapped(report)
        found = sorted(tuple(map(float, row.vector)) for row in report.rows)
        assert np.allclose(found, expected)
    assert "set aside" not in caplog.text
