"""The SQLite file: kept, separate by network, and never a reason to fail."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import threading

import numpy as np
import pytest

from streamface.errors import GalleryError
from streamface.gallery import _database
from streamface.gallery.base import Photo, Row
from streamface.gallery.store import Store
from streamface.types import Box

A, B = "Net/1/a", "Net/1/b"


def row(path="Ann/1.jpg", value=1.0, size=10, mtime_ns=1_700_000_000_123_456_789, **changes):
    photo = Photo(path, path.split("/")[0], size, mtime_ns)
    vector = np.full(8, value, np.float32)
    return Row(photo, **({"box": Box(1.5, 2.5, 30.25, 40), "quality": 0.7, "vector": vector} | changes))


def same(a, b):
    fields = (a.photo, a.reason, a.box, a.quality) == (b.photo, b.reason, b.box, b.quality)
    return fields and ((a.vector is None and b.vector is None) or np.array_equal(a.vector, b.vector))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "made" / "on the way" / "people.sqlite"


def test_rows_come_back_as_they_were(path):
    used, skipped = row("山田/é 1.jpg", 1 / 3), Row(Photo("Bob/2.png", "Bob", 0, 5), "the file is empty")
    with Store(path) as store:
        store.save(A, [used, skipped])
        assert not store.in_memory
    with Store(path) as store:
        rows = store.rows(A)
    assert set(rows) == {"山田/é 1.jpg", "Bob/2.png"}
    assert same(rows["山田/é 1.jpg"], used)
    assert same(rows["Bob/2.png"], skipped)
    assert not rows["山田/é 1.jpg"].vector.flags.writeable
    assert [file.name for file in path.parent.iterdir()] == ["people.sqlite"], "no journal stays behind"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_the_owner_may_read_it(path):
    Store(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_networks_do_not_disturb_each_other(path):
    with Store(path) as store:
        store.save(A, [row(value=1)])
        store.save(B, [row(value=2)])
        store.save(A, [row(value=3)])
        assert store.rows(A)["Ann/1.jpg"].vector[0] == 3
        assert store.rows(B)["Ann/1.jpg"].vector[0] == 2
        assert store.rows("Net/2/a") == {}


@pytest.mark.parametrize("change", [{"size": 11}, {"mtime_ns": 6}])
def test_a_changed_picture_loses_what_other_networks_made_of_it(path, change):
    with Store(path) as store:
        store.save(A, [row(value=1), row("Bob/1.jpg")])
        store.save(B, [row(value=2)])
        store.save(B, [row(value=3, **change)])
        assert set(store.rows(A)) == {"Bob/1.jpg"}
        assert store.rows(B)["Ann/1.jpg"].vector[0] == 3


def test_forgotten_pictures_are_gone_from_every_network_and_from_the_file(path):
    marked = np.frombuffer(b"SECRETFACEVECTOR" * 8, np.float32)
    with Store(path) as store:
        store.save(A, [row(vector=marked), row("Bob/1.jpg")])
        store.save(B, [row(vector=marked)])
        assert b"SECRETFACE" in path.read_bytes()
        store.forget(["Ann/1.jpg", "never/seen.jpg"])
        assert (store.paths(), set(store.rows(A)), store.rows(B)) == ({"Bob/1.jpg"}, {"Bob/1.jpg"}, {})
    assert b"SECRETFACE" not in path.read_bytes()


def test_a_batch_is_kept_whole_or_not_at_all(path):
    broken = Row(Photo("Bob/1.jpg", None, 1, 1), "against NOT NULL, as a stand-in for a crash")
    with Store(path) as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.save(A, [row(), broken, row("Eve/1.jpg")])
        store.save(A, [row("Eve/1.jpg")])
        assert store.paths() == {"Eve/1.jpg"}


def spoil_header(path):
    path.write_bytes(b"this is not a database" * 100)


def spoil_middle(path):
    data = bytearray(path.read_bytes())
    data[4096:12288] = os.urandom(8192)
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:5000])


def replace_by_foreign(path):
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE photos (id)")
    db.close()


def raise_version(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("spoil", [spoil_header, spoil_middle, cut, replace_by_foreign, raise_version])
def test_a_damaged_or_foreign_file_is_set_aside(path, spoil, is_large, caplog, monkeypatch):
    if is_large:
        monkeypatch.setattr(_database, "LARGE", 0)
    for number in (1, 2):
        with Store(path) as store:
            store.save(A, [row(f"Ann/{i}.jpg") for i in range(200)])
        spoil(path)
        spoiled = path.read_bytes()
        with Store(path) as store:
            assert not store.in_memory
            assert store.paths() == set()
            store.save(A, [row()])
        with Store(path) as store:
            assert set(store.rows(A)) == {"Ann/1.jpg"}
        assert path.with_name(f"people.sqlite.aside-{number}").read_bytes() == spoiled
    assert caplog.text.count("set aside") == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows does not rename a file that is open")
def test_the_log_of_a_foreign_file_goes_with_it(path):
    path.parent.mkdir(parents=True)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE theirs (id)")
    written = path.with_name("people.sqlite-wal").read_bytes()
    with Store(path) as store:
        store.save(A, [row()])
    other.close()
    with Store(path) as store:
        assert set(store.rows(A)) == {"Ann/1.jpg"}
    assert not path.with_name("people.sqlite-wal").exists()
    assert b"theirs" in written
    theirs = sqlite3.connect(path.with_name("people.sqlite.aside-1"))
    assert theirs.execute("SELECT count(*) FROM theirs").fetchone() == (0,)
    theirs.close()


def test_an_empty_file_is_simply_filled(path, caplog):
    path.parent.mkdir(parents=True)
    path.touch()
    with Store(path) as store:
        store.save(A, [row()])
    with Store(path) as store:
        assert set(store.rows(A)) == {"Ann/1.jpg"}
    assert not caplog.text


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("vector", b""),
        ("vector", b"123"),
        ("vector", np.array([1, np.nan], "<f4").tobytes()),
        ("vector", None),
        ("vector", "text"),
        ("x2", None),
        ("quality", "text"),
    ],
)
def test_a_face_that_is_not_whole_counts_as_unknown(path, column, value):
    with Store(path) as store:
        store.save(A, [row(), row("Bob/1.jpg")])
    db = sqlite3.connect(path)
    db.execute(f"UPDATE faces SET {column} = ? WHERE photo = 1", (value,))
    db.commit()
    db.close()
    with Store(path) as store:
        assert set(store.rows(A)) == {"Bob/1.jpg"}


def test_a_file_that_breaks_while_open_is_an_error_of_one_line(path):
    with Store(path) as store:
        store.save(A, [row(f"Ann/{i}.jpg") for i in range(200)])
        store._db.read("PRAGMA cache_size = 0")
        spoil_middle(path)
        with pytest.raises(GalleryError, match=r"cannot read the store .*people.sqlite \(.*\): delete it"):
            store.rows(A)


def test_two_stores_on_one_file_write_in_turn(path):
    def write(name):
        with Store(path) as store:
            for i in range(20):
                store.save(A, [row(f"{name}/{i}.jpg")])

    threads = [threading.Thread(target=write, args=(name,)) for name in ("Ann", "Bob", "Eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store(path) as store:
        assert len(store.rows(A)) == 60


def test_a_file_that_another_process_is_making_is_not_taken_for_a_strangers(path, monkeypatch):
    """Its tables and its number come at once, or not at all."""
    made, real = [], sqlite3.connect

    class Slow(sqlite3.Connection):
        def execute(self, query, *values):
            found = super().execute(query, *values)
            if "user_version" in query and not made:  # another process comes between two questions
                made.append(True)
                other = threading.Thread(target=lambda: Store(path).close())
                other.start()
                other.join(0.5)
                made.append(other)
            return found

    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: real(*a, **{"factory": Slow, **k}))
    with Store(path) as store:
        made[1].join()
        store.save(A, [row("Ann/1.jpg")])
    monkeypatch.undo()
    assert [file.name for file in path.parent.iterdir()] == ["people.sqlite"], "nothing was set aside"
    with Store(path) as store:
        assert set(store.rows(A)) == {"Ann/1.jpg"}


@pytest.mark.parametrize("where", ["under a file", "a folder"])
def test_a_place_that_cannot_be_written_means_memory(tmp_path, where, caplog):
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file" / "people.sqlite" if where == "under a file" else tmp_path
    with Store(path) as store:
        assert store.in_memory
        store.save(A, [row()])
        assert set(store.rows(A)) == {"Ann/1.jpg"}
    assert caplog.text.count("for this run only") == 1


def test_a_read_only_file_is_still_read(path, monkeypatch, caplog):
    with Store(path) as store:
        store.save(A, [row(), row("Bob/1.jpg")])
    real = os.open

    def refuse(name, flags, *rest):
        if flags & os.O_RDWR:
            raise OSError(30, "Read-only file system")
        return real(name, flags, *rest)

    monkeypatch.setattr(_database.os, "open", refuse)
    with Store(path) as store:
        assert store.in_memory
        assert set(store.rows(A)) == {"Ann/1.jpg", "Bob/1.jpg"}
        store.forget(["Bob/1.jpg"])
        assert store.paths() == {"Ann/1.jpg"}
    assert "Read-only file system" in caplog.text
    monkeypatch.undo()
    with Store(path) as store:
        assert len(store.paths()) == 2, "the file itself is left as it was"


def test_a_disk_that_fills_up_means_memory_and_nothing_is_lost(path, caplog):
    with Store(path) as store:
        store.save(A, [row()])
        pages = store._db.read("PRAGMA page_count")[0][0]
        store._db.read(f"PRAGMA max_page_count = {pages}")  # SQLite answers as it does for a full disk
        many = [row(f"Bob/{i}.jpg") for i in range(300)]
        store.save(A, many)
        assert store.in_memory
        assert len(store.rows(A)) == 301
        store.save(A, [row("Eve/1.jpg")])
        assert len(store.rows(A)) == 302
    assert caplog.text.count("for this run only") == 1
    with Store(path) as store:
        assert set(store.rows(A)) == {"Ann/1.jpg"}, "what was written before is still there"


def test_a_file_that_stays_locked_means_memory(path, monkeypatch, caplog):
    Store(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(_database, "BUSY_S", 0.05)
    with Store(path) as store:
        assert store.in_memory
    assert "locked" in caplog.text
    other.close()


def test_without_a_path_it_lies_in_memory(caplog):
    with caplog.at_level(logging.INFO), Store() as store:
        store.save(A, [row()])
        assert store.in_memory
        assert set(store.rows(A)) == {"Ann/1.jpg"}
    assert not caplog.text
    store.close()
