"""What `check` finds in a folder of people, and what it leaves alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from streamface.errors import ImageError
from streamface.gallery import embedding_file
from streamface.gallery.base import Photo, Row
from streamface.gallery.distances import METRICS, between, distance
from streamface.gallery.embedding_file import KeptFace
from streamface.gallery.enroll import enroll
from streamface.gallery.examine import Limits, examine
from streamface.gallery.store import Store
from streamface.gallery.support import ERRORS, supported
from streamface.testing import FakeEncoder
from streamface.types import Box

LIMITS = Limits("cosine", naming=0.07, alike=0.1)
SIDE = 160
FACE = Box(40, 40, 120, 120)


def towards(person, other, far):
    """The unit vector at a cosine distance `far` from axis `person`, in the direction of axis `other`."""
    vector = np.zeros(32, np.float32)
    vector[person], vector[other] = 1 - far, np.sqrt(1 - (1 - far) ** 2)
    return vector


@pytest.fixture
def folder(tmp_path):
    """Makes rows with pictures of noise, or of what is given."""

    class Folder:
        path = tmp_path
        rows: list[Row] = []

        def add(self, name, vector, quality=0.9, image=None, data=None):
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            image = self.noise(len(self.rows)) if image is None else image
            file.write_bytes(cv2.imencode(".png", image)[1].tobytes() if data is None else data)
            photo = Photo(name, name.split("/")[0], file.stat().st_size, 0)
            scale = image.shape[1] / SIDE
            box = Box(*(side * scale for side in (FACE.left, FACE.top, FACE.right, FACE.bottom)))
            self.rows.append(Row(photo, None, box, quality, vector))
            return file

        @staticmethod
        def noise(seed):
            rough = np.random.default_rng(seed).integers(0, 255, (20, 20, 3), np.uint8)
            return cv2.resize(rough, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)

        def examined(self):
            return examine(tmp_path, sorted(self.rows, key=lambda r: (r.photo.identity, r.photo.path)), LIMITS)

    Folder.rows = []
    return Folder()


def test_nothing_is_found_where_nothing_is_wrong(folder):
    for person in range(3):
        for i in range(3):
            folder.add(f"P{person}/{i}.png", towards(person, 10 + 3 * person + i, 0.02))
    found = folder.examined()
    assert found.faults == 0 and found.support.genuine == 9 and found.support.impostor == 27


def test_a_picture_of_somebody_else_is_told_with_whom_it_shows(folder):
    for i in range(3):
        folder.add(f"Ann/{i}.png", towards(0, 10 + i, 0.02))
        folder.add(f"Bob/{i}.png", towards(1, 20 + i, 0.02))
    folder.add("Ann/wrong.png", towards(1, 25, 0.02))
    found = folder.examined()
    assert [(odd.path, odd.identity, odd.looks_like) for odd in found.odd] == [("Ann/wrong.png", "Ann", "Bob")]
    assert not found.one_in_two and not found.too_alike, "the two people themselves are not alike"
    assert found.support.genuine == 6, "and the picture speaks for no threshold"


def test_of_two_pictures_that_differ_both_are_told(folder):
    folder.add("Ann/1.png", towards(0, 10, 0))
    folder.add("Ann/2.png", towards(1, 10, 0))
    assert {(odd.path, odd.looks_like) for odd in folder.examined().odd} == {("Ann/1.png", None), ("Ann/2.png", None)}


def test_pictures_that_hang_together_through_others_are_one_person(folder):
    for i, far in enumerate((0.0, 0.06, 0.2)):  # the last is near the second only
        folder.add(f"Ann/{i}.png", towards(0, 1, far))
    assert not folder.examined().odd


def test_one_person_in_two_folders_and_two_who_are_alike(folder):
    for i in range(3):
        folder.add(f"Ann/{i}.png", towards(0, 10 + i, 0.02))
        folder.add(f"Anna/{i}.png", towards(0, 20 + i, 0.02))
        folder.add(f"Bob/{i}.png", towards(1, 13 + i, 0.04))
    folder.add("Bert/1.png", towards(1, 17, 0.03))
    folder.add("Bert/2.png", towards(1, 17, 0.12))
    folder.add("Bert/3.png", towards(1, 17, 0.13))
    found = folder.examined()
    assert [(pair.one, pair.other, pair.share) for pair in found.one_in_two] == [("Ann", "Anna", 1.0)]
    (alike,) = found.too_alike
    assert {alike.one, alike.other} == {"Bert", "Bob"} and "Bert/1.png" in alike.paths
    assert alike.distance == pytest.approx(0.0665, abs=0.005)


def test_copies_by_file_and_by_photograph(folder):
    image = folder.noise(99)
    folder.add("Ann/1.png", towards(0, 10, 0.02), image=image)
    folder.add("Ann/2.png", towards(0, 10, 0.02), image=image)
    small = cv2.resize(folder.noise(98), (100, 100), interpolation=cv2.INTER_AREA)
    folder.add("Bob/1.png", towards(1, 11, 0.020), image=folder.noise(98))
    folder.add("Bob/2.png", towards(1, 11, 0.021), image=small)
    folder.add("Bob/3.png", towards(1, 11, 0.022), image=folder.noise(97))
    found = folder.examined()
    assert [(copies.paths, copies.same_bytes) for copies in found.copies] == [
        (("Ann/1.png", "Ann/2.png"), True),
        (("Bob/1.png", "Bob/2.png"), False),
    ]
    assert found.support.genuine == 1, "copies are no evidence"


def test_blurred_and_poor_pictures(folder):
    folder.add("Ann/blurred.png", towards(0, 10, 0.02), image=cv2.GaussianBlur(folder.noise(5), (0, 0), 9))
    folder.add("Ann/poor.png", towards(0, 11, 0.02), quality=0.1)
    folder.add("Ann/fine.png", towards(0, 12, 0.02))
    assert [(poor.path, poor.blurred) for poor in folder.examined().poor] == [
        ("Ann/blurred.png", True),
        ("Ann/poor.png", False),
    ]


def test_a_picture_that_vanished_and_an_embedding_without_one_are_no_fault(folder):
    folder.add("Ann/1.png", towards(0, 10, 0.0)).unlink()
    folder.add("Ann/2.png", towards(0, 10, 0.001)).unlink()
    assert folder.examined().faults == 0


def test_an_empty_folder(folder):
    assert folder.examined().faults == 0


@pytest.mark.parametrize("metric", METRICS)
def test_many_distances_at_once_are_those_one_by_one(metric):
    a, b = np.random.default_rng(0).normal(size=(2, 7, 16)).astype(np.float32)
    assert between(a, b, metric) == pytest.approx(distance(a[:, None], b[None], metric), abs=1e-4)


def test_the_threshold_is_the_share_of_impostors_that_the_data_allow():
    rng = np.random.default_rng(1)
    people = {str(person): [3 * person + i for i in range(3)] for person in range(40)}
    means = np.repeat(rng.normal(size=(40, 32)), 3, axis=0)
    vectors = (means + 0.2 * rng.normal(size=(120, 32))).astype(np.float32)
    found = supported(vectors, people, (), "cosine")
    assert (found.people, found.genuine, found.impostor, found.rate) == (40, 120, 7020, 1e-2)
    far = [distance(vectors[i], vectors[j], "cosine") for i in range(120) for j in range(i) if i // 3 != j // 3]
    assert np.mean(np.array(far) < found.threshold) == pytest.approx(0.01, abs=0.0005)
    assert found.accepted == 1.0


@pytest.mark.parametrize(
    ("people", "each", "why"), [(9, 30, "too few people"), (20, 3, "too few pairs"), (60, 2, "enough")]
)
def test_a_small_gallery_supports_nothing(people, each, why):
    rng = np.random.default_rng(2)
    rows = {str(person): list(range(person * each, (person + 1) * each)) for person in range(people)}
    found = supported(rng.normal(size=(people * each, 16)).astype(np.float32), rows, (), "cosine")
    enough = people >= 10 and found.impostor >= 100 * ERRORS
    assert (found.threshold is not None) == enough == (why == "enough")
    assert found.needed == 3000


def test_pairs_of_people_that_may_be_one_are_left_out():
    vectors = np.random.default_rng(3).normal(size=(12, 16)).astype(np.float32)
    people = {str(i): [i] for i in range(12)}
    mixed = [frozenset(("3", "7")), frozenset(("10", "2")), frozenset(("nobody", "2"))]
    assert supported(vectors, people, mixed, "cosine").impostor == 66 - 2


def test_an_embedding_file_stands_for_a_picture(tmp_path, caplog):
    encoder = FakeEncoder()
    face = KeptFace(encoder.network, 0.75, np.float32([0.25, 0.5, 0.75]))
    for name, data in (
        ("Ann/stranger 7.embedding", embedding_file.coded(face)),
        ("Bob/1.embedding", embedding_file.coded(KeptFace("Other/1", 0.5, face.vector))),
        ("Eve/1.embedding", b'{"network": "x"}'),
        ("Ivy/1.embedding", b""),
    ):
        (tmp_path / "people" / name).parent.mkdir(parents=True)
        (tmp_path / "people" / name).write_bytes(data)
    with Store(tmp_path / "store.sqlite") as store:
        (row,) = enroll(tmp_path / "people", store, [encoder]).rows
        reasons = {s.identity: s.reason for s in enroll(tmp_path / "people", store, [encoder]).skipped}
    assert (row.photo.identity, row.quality, row.vector.tolist()) == ("Ann", 0.75, [0.25, 0.5, 0.75])
    assert "of Other/1, not of Fake" in reasons["Bob"] and "holds no embedding" in reasons["Eve"]
    assert "empty" in reasons["Ivy"] and encoder.calls == 0


@pytest.mark.parametrize("data", [b"[]", b'{"network": "a", "quality": 1, "embedding": [1, "x"]}', b"\xff",
                                  b'{"network": "a", "quality": 1, "embedding": [NaN]}'])  # fmt: skip
def test_what_is_no_embedding(tmp_path, data):
    (tmp_path / "a.embedding").write_bytes(data)
    with pytest.raises(ImageError, match="holds no embedding"):
        embedding_file.read(tmp_path / "a.embedding")
