"""What is embedded, what is skipped, and what survives an interruption."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamface.errors import ImageError, SettingsError
from streamface.gallery import crew as crew_module
from streamface.gallery import enroll as enroll_module
from streamface.gallery.enroll import enroll
from streamface.gallery.store import Store
from streamface.testing import FakeEncoder, picture
from streamface.types import Box

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


@pytest.fixture
def people(tmp_path):
    return tmp_path / "people"


@pytest.fixture
def store():
    with Store() as opened:
        yield opened


def put(people, path, *colours, **options):
    file = people / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(cv2.imencode(".png", picture(*colours, **options))[1].tobytes())
    return file


def paths(report):
    return [row.photo.path for row in report.rows]


def test_faces_are_embedded_with_box_and_quality(people, store):
    put(people, "Ann/1.png", RED, face_px=32)
    report = enroll(people, store, [FakeEncoder()])
    (row,) = report.rows
    assert (row.photo.identity, row.box, row.quality) == ("Ann", Box(12, 12, 44, 44), 0.5)
    assert row.vector.tolist() == [0, 0, 1]
    assert (report.embedded, report.forgotten, report.skipped) == (1, 0, ())


def test_a_second_start_embeds_nothing(people, store):
    put(people, "Ann/1.png", RED)
    put(people, "Bob.png", GREEN)
    enroll(people, store, [FakeEncoder()])
    again = FakeEncoder()
    report = enroll(people, store, [again])
    assert (again.calls, report.embedded, paths(report)) == (0, 0, ["Ann/1.png", "Bob.png"])


def test_only_new_and_changed_pictures_are_embedded(people, store):
    put(people, "Ann/1.png", RED)
    put(people, "Bob/1.png", GREEN)
    enroll(people, store, [FakeEncoder()])
    changed = put(people, "Bob/1.png", BLUE)
    os.utime(changed, ns=(1, 2))
    put(people, "Eve/1.png", GREEN)
    encoder = FakeEncoder()
    report = enroll(people, store, [encoder])
    assert encoder.calls == report.embedded == 2
    assert [row.vector.tolist() for row in report.rows] == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_deleted_pictures_are_forgotten_and_renamed_people_renamed(people, store):
    put(people, "Ann/1.png", RED)
    put(people, "Bob/1.png", GREEN)
    enroll(people, store, [FakeEncoder()])
    (people / "Ann/1.png").unlink()
    (people / "Bob").rename(people / "Robert")
    report = enroll(people, store, [FakeEncoder()])
    assert [(row.photo.identity, row.photo.path) for row in report.rows] == [("Robert", "Robert/1.png")]
    assert report.forgotten == 2
    assert store.paths() == {"Robert/1.png"}


def test_a_folder_that_is_empty_for_once_forgets_nobody(people, store):
    put(people, "Ann/1.png", RED)
    enroll(people, store, [FakeEncoder()])
    (people / "Ann").rename(people / ".unmounted")
    assert enroll(people, store, [FakeEncoder()]).rows == ()
    assert store.paths() == {"Ann/1.png"}


def test_another_network_embeds_anew_and_keeps_the_first(people, store):
    put(people, "Ann/1.png", RED)
    enroll(people, store, [FakeEncoder("one")])
    other = FakeEncoder("two")
    assert enroll(people, store, [other]).network == "two"
    first = FakeEncoder("one")
    enroll(people, store, [first])
    assert (other.calls, first.calls) == (1, 0)


def test_encoders_of_two_networks_are_refused(people, store):
    put(people, "Ann/1.png", RED)
    with pytest.raises(SettingsError, match="2 networks"):
        enroll(people, store, [FakeEncoder("one"), FakeEncoder("two")])
    with pytest.raises(SettingsError, match="0 networks"):
        enroll(people, store, [])


def test_unusable_pictures_are_named_once_and_not_tried_again(people, store, caplog):
    put(people, "Ann/nobody.png")
    put(people, "Ann/two.png", RED, GREEN)
    put(people, "Ann/fine.png", RED)
    (people / "Ann/broken.jpg").write_bytes(b"\xff\xd8\xff this is no picture")
    (people / "Ann/empty.jpg").write_bytes(b"")
    report = enroll(people, store, [FakeEncoder()])
    assert paths(report) == ["Ann/fine.png"]
    assert {Path(s.path).name: s.is_new for s in report.skipped} == dict.fromkeys(
        ["broken.jpg", "empty.jpg", "nobody.png", "two.png"], True
    )
    for part in ("broken.jpg", "the file is empty", "no face found", "2 faces, none of them clearly the largest"):
        assert part in caplog.text
    caplog.clear()
    encoder = FakeEncoder()
    again = enroll(people, store, [encoder])
    assert (encoder.calls, len(again.skipped), any(s.is_new for s in again.skipped)) == (0, 4, False)
    assert [s.reason for s in again.skipped] == [s.reason for s in report.skipped]
    assert "skipped" not in caplog.text


def test_a_mended_picture_is_tried_again_and_a_newly_broken_one_named(people, store):
    mended, spoiled = people / "Ann/1.png", put(people, "Ann/2.png", RED)
    mended.write_bytes(b"")
    enroll(people, store, [FakeEncoder()])
    put(people, "Ann/1.png", RED)
    spoiled.write_bytes(b"no picture")
    report = enroll(people, store, [FakeEncoder()])
    assert paths(report) == ["Ann/1.png"]
    assert [(Path(s.path).name, s.is_new) for s in report.skipped] == [("2.png", True)]


def test_a_file_that_cannot_be_opened_is_tried_at_every_start(people, store):
    put(people, "Ann/fine.png", RED)
    (people / "Ann/link.png").symlink_to(people / "later.txt")
    report = enroll(people, store, [FakeEncoder()])
    assert [s.reason for s in report.skipped] == ["cannot be opened (No such file or directory): allow reading it"]
    assert store.paths() == {"Ann/fine.png"}


@pytest.mark.parametrize(
    ("sides", "accepted"),
    [
        ((50, 31), True),  # 2.6 times the area
        ((31, 50), True),  # wherever it stands
        ((50, 32), False),  # 2.44 times
        ((60, 20, 25), True),
        ((60, 20, 50), False),
        ((30, 30), False),
    ],
)
def test_a_clearly_largest_face_is_the_persons(people, store, sides, accepted):
    put(people, "Ann/1.png", *(RED, GREEN, BLUE)[: len(sides)], face_px=sides)
    report = enroll(people, store, [FakeEncoder()])
    assert bool(report.rows) is accepted
    if accepted:
        assert report.rows[0].box.width == max(sides)


def test_large_photographs_are_shrunk_and_boxes_given_in_their_own_pixels(people, store):
    image = np.full((3000, 4000, 3), 90, np.uint8)
    image[600:1400, 1000:1800] = RED
    (people / "Ann").mkdir(parents=True)
    cv2.imwrite(str(people / "Ann/1.png"), image)
    seen = []

    class Watching(FakeEncoder):
        def encode(self, image):
            seen.append(image.shape[0] * image.shape[1])
            return super().encode(image)

    (row,) = enroll(people, store, [Watching()]).rows
    assert 0.95 * crew_module.MAX_PIXELS < seen[0] <= crew_module.MAX_PIXELS
    assert (row.box.left, row.box.top, row.box.right, row.box.bottom) == pytest.approx((1000, 600, 1800, 1400), abs=4)


def test_each_encoder_has_its_own_thread(people, store):
    for i in range(12):
        put(people, f"Ann/{i}.png", RED)
    together = threading.Barrier(3, timeout=10)
    users = {}

    class Meeting(FakeEncoder):
        def encode(self, image):
            users.setdefault(id(self), set()).add(threading.get_ident())
            if self.calls == 0:
                together.wait()  # passes only when three are at work at the same time
            return super().encode(image)

    encoders = [Meeting() for _ in range(3)]
    assert len(enroll(people, store, encoders).rows) == 12
    assert all(len(threads) == 1 for threads in users.values())
    assert len(set.union(*users.values())) == 3
    assert [t.name for t in threading.enumerate() if t.name.startswith("enroll")] == []


def test_an_image_error_of_the_encoder_skips_and_another_error_ends(people, store):
    for i in range(5):
        put(people, f"Ann/{i}.png", RED)

    class Picky(FakeEncoder):
        def encode(self, image):
            if self.calls == 1:
                self.calls += 1
                raise ImageError("too dark: take another")
            return super().encode(image)

    report = enroll(people, store, [Picky()])
    assert ([s.reason for s in report.skipped], len(report.rows)) == (["too dark: take another"], 4)

    class Failing(FakeEncoder):
        def encode(self, image):
            if self.calls == 3:
                raise MemoryError("no room")
            return super().encode(image)

    with pytest.raises(MemoryError, match="no room"):
        enroll(people, store, [Failing("other")])
    assert len(store.rows("other")) == 3


def test_a_face_whose_embedding_is_no_number_does_not_count(people, store):
    put(people, "Ann/1.png", RED)

    class Broken(FakeEncoder):
        def _face(self, *args):
            face = super()._face(*args)
            return type(face)(face.box, face.score, face.quality, face.vector * np.nan)

    assert "no face" in enroll(people, store, [Broken()]).skipped[0].reason


def test_an_interrupt_keeps_what_was_found_and_the_next_start_goes_on(people, store, monkeypatch):
    for i in range(40):
        put(people, f"Ann/{i:02}.png", RED)

    class Slow(FakeEncoder):
        def encode(self, image):
            time.sleep(0.01)
            return super().encode(image)

    class Bar:
        seen = 0

        def __enter__(self):
            return self

        def __exit__(self, *exc_info):
            pass

        def update(self):
            Bar.seen += 1
            if Bar.seen == 7:
                raise KeyboardInterrupt

    monkeypatch.setattr(enroll_module, "_bar", lambda *_: Bar())
    encoders = [Slow(), Slow()]
    with pytest.raises(KeyboardInterrupt):
        enroll(people, store, encoders)
    kept = len(store.rows(FakeEncoder().network))
    assert 7 <= kept < 40, "everybody stops"
    assert kept == sum(encoder.calls for encoder in encoders), "the pictures in hand are finished and kept"
    assert not [t for t in threading.enumerate() if t.name.startswith("enroll")]
    monkeypatch.undo()
    encoder = FakeEncoder()
    assert len(enroll(people, store, [encoder]).rows) == 40
    assert encoder.calls == 40 - kept


def test_batches_are_written_on_the_way(people, store, monkeypatch):
    monkeypatch.setattr(enroll_module, "BATCH", 4)
    monkeypatch.setattr(enroll_module, "BATCH_S", float("inf"))
    for i in range(10):
        put(people, f"Ann/{i}.png", RED)
    sizes = []
    save = store.save
    monkeypatch.setattr(store, "save", lambda network, rows: (sizes.append(len(rows)), save(network, rows)))
    enroll(people, store, [FakeEncoder()])
    assert sizes == [4, 4, 2]
    monkeypatch.setattr(enroll_module, "BATCH_S", 0.0)
    enroll(people, store, [FakeEncoder("other")])
    assert sizes[3:] == [1] * 10


@pytest.mark.parametrize(
    ("progress", "terminal", "shown"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_the_bar_is_for_terminals_and_for_work(people, store, monkeypatch, progress, terminal, shown):
    put(people, "Ann/1.png", RED)
    stderr = io.StringIO()
    stderr.isatty = lambda: terminal
    threads = set(threading.enumerate())
    monkeypatch.setattr(sys, "stderr", stderr)
    enroll(people, store, [FakeEncoder()], progress)
    assert ("Embedding pictures" in stderr.getvalue()) is shown
    assert set(threading.enumerate()) <= threads, "tqdm's own thread would stay"
    stderr.truncate(0)
    enroll(people, store, [FakeEncoder()], progress)
    assert stderr.getvalue() == ""


VICTIM = textwrap.dedent(
    """
    import os, sys, time
    from streamface.gallery import enroll as module
    from streamface.gallery.store import Store
    from streamface.testing import FakeEncoder

    class Slow(FakeEncoder):
        def encode(self, image):
            time.sleep(0.002)
            return super().encode(image)

    module.BATCH = 3  # many small commits, so that the end often falls into one
    with Store(sys.argv[2]) as store:
        save = store.save
        store.save = lambda *batch: (save(*batch), os.write(1, b"saved\\n"))
        module.enroll(sys.argv[1], store, [Slow(), Slow()])
    """
)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_process_that_is_killed_leaves_a_store_that_goes_on(people, tmp_path, caplog):
    for i in range(150):
        put(people, f"P{i % 7}/{i:03}.png", (i, 200, 90))
    path = tmp_path / "store.sqlite"
    moments = random.Random(4)
    kept = [0]
    for _ in range(4):
        command = [sys.executable, "-c", VICTIM, str(people), str(path)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as victim:
            victim.stdout.readline()  # the first batch is in
            time.sleep(moments.uniform(0, 0.03))
            victim.send_signal(signal.SIGKILL)
        with Store(path) as store:
            rows = store.rows(FakeEncoder().network)
        for row in rows.values():
            assert row.vector.tolist() == pytest.approx(np.array([int(row.photo.path[-7:-4]), 200, 90]) / 255)
        kept.append(len(rows))
    assert kept == sorted(kept)
    assert kept[-1] > 0
    encoder = FakeEncoder()
    with Store(path) as store:
        assert len(enroll(people, store, [encoder]).rows) == 150
    assert encoder.calls == 150 - kept[-1]
    assert not caplog.text, "nothing was set aside"


def test_a_reason_does_not_repeat_the_path(people, store, monkeypatch):
    put(people, "Ann/1.png", RED)

    def refuse(path):
        raise ImageError(f"{path} is no picture: replace it")

    monkeypatch.setattr(crew_module, "read_image", refuse)
    (skipped,) = enroll(people, store, [FakeEncoder()]).skipped
    assert (skipped.path, skipped.reason) == (str(people / "Ann/1.png"), "the file is no picture: replace it")
