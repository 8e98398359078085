"""'This is not Ann': a face nearer to a counter-example than to all her pictures does not get her name."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from streamface.gallery.base import Photo, Row
from streamface.gallery.counter_examples import FOLDER, is_counter, split
from streamface.gallery.distances import METRICS, distance
from streamface.gallery.enroll import enroll
from streamface.gallery.gallery import Gallery
from streamface.gallery.matrix import Matrix
from streamface.gallery.scan import pictures
from streamface.gallery.search import nearest
from streamface.gallery.store import Store
from streamface.testing import FakeEncoder, picture
from streamface.types import Box

RED, ORANGE, GREEN = (0, 0, 255), (0, 90, 255), (0, 255, 0)
FACE = Box(0, 0, 1, 1)


def row(path, vector, quality=0.9):
    return Row(Photo(path, path.split("/")[0], 1, 1), None, FACE, quality, np.float32(vector))


def put(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", picture(colour))[1].tobytes())


def by_hand(vectors, starts, face, metric, refusing):
    """The rule word for word, in float64 over everything."""
    people = []
    for person, (start, stop) in enumerate(zip(starts[:-1], starts[1:], strict=True)):
        far = distance(face, vectors[start:stop], metric)
        counters = refusing.get(person)
        if counters is None or distance(face, counters, metric).min() >= far.min():
            people.append((float(far.min()), int(start + far.argmin())))
    (far, found), (other, _) = (*sorted(people), (np.inf, -1), (np.inf, -1))[:2]
    return found, far, other


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("counts", [[1] * 300, [200, 1, 30, 64, 64, 141], [64, 128], [90]])
def test_exact_as_by_hand(metric, counts):
    rng = np.random.default_rng(sum(counts))
    vectors = rng.normal(size=(sum(counts), 16)).astype(np.float32)
    starts = np.append(0, np.cumsum(counts))
    faces = np.concatenate([rng.normal(size=(4, 16)), vectors[:3] * 1.05]).astype(np.float32)
    ranked = [int(np.searchsorted(starts, at, "right")) - 1 for at in distance(faces[0], vectors, metric).argsort()]
    refusing = {person: faces[:1] * 1.01 for person in list(dict.fromkeys(ranked))[: max(1, len(counts) // 2)]}
    refusing[0] = np.concatenate([refusing.get(0, faces[:0]), rng.normal(size=(3, 16)).astype(np.float32)])
    expected = [by_hand(vectors, starts, face, metric, refusing) for face in faces]
    assert nearest(Matrix.of(vectors), starts, faces, metric, refusing) == expected
    assert expected[0] != by_hand(vectors, starts, faces[0], metric, {}), "the case would prove nothing"


@pytest.mark.parametrize("counts", [[1] * 300, [200, 1, 30, 64, 64, 141], [64, 128], [90]])
def test_people_who_are_passed_over_for_one_face_are_not_for_the_others(counts):
    rng = np.random.default_rng(7)
    names = [f"{number:03d}" for number, count in enumerate(counts) for _ in range(count)]
    vectors = rng.normal(size=(sum(counts), 16))
    rows = [row(f"{name}/{i}.jpg", vector) for i, (name, vector) in enumerate(zip(names, vectors, strict=True))]
    gallery, faces = Gallery(rows, "net"), rng.normal(size=(3, 16)).astype(np.float32)
    first = gallery.match(faces, "cosine", 2.0)
    left = [row for row in rows if row.photo.identity != first[0].identity]
    without = gallery.match(faces, "cosine", 2.0, without=[{first[0].identity, "nobody"}, set(), set()])
    assert without[1:] == first[1:]
    assert without[0] == Gallery(left, "net").match(faces[:1], "cosine", 2.0)[0]


def test_the_next_person_gets_the_face_and_a_tie_is_hers():
    rows = [row("Ann/1.jpg", [1, 0]), row("Bob/1.jpg", [0.9, 0.3])]
    counter = row(f"Ann/{FOLDER}/1.jpg", [1, 0.1])
    gallery = Gallery(rows, "net", "", [counter])
    ann, other, tie = gallery.match(np.array([[1, -0.1], [1, 0.12], [1, 0]]), "cosine", 0.5)
    assert ann.identity == "Ann" and tie.identity == "Ann"
    assert other.identity == "Bob" and other.runner_up == float("inf"), "she is no second either"
    (equal,) = Gallery([rows[0]], "net", "", [row(f"Ann/{FOLDER}/1.jpg", [1, 0])]).match(np.eye(1, 2), "cosine", 0.5)
    assert equal.identity == "Ann", "as near as her own picture is not nearer"


def test_nobody_is_left_when_counter_examples_speak_against_everybody():
    gallery = Gallery([row("Ann/1.jpg", [1, 0])], "net", "", [row(f"Ann/{FOLDER}/1.jpg", [0, 1])])
    (match,) = gallery.match(np.array([[0.2, 1]]), "cosine", 2.0)
    assert (match.identity, match.distance, match.photo) == (None, float("inf"), None)


def test_a_counter_example_for_nobody_here_is_ignored():
    gallery = Gallery([row("Ann/1.jpg", [1, 0])], "net", "", [row(f"Bea/{FOLDER}/1.jpg", [1, 0])])
    assert gallery.match(np.eye(1, 2), "cosine", 0.1)[0].identity == "Ann"


@pytest.mark.parametrize(
    ("path", "expected"),
    [(f"Ann/{FOLDER}/1.jpg", True), (f"Ann/{FOLDER}/more/1.jpg", True), ("Ann/1.jpg", False), ("Ann.jpg", False),
     (f"{FOLDER}/1.jpg", False), (f"Ann/x/{FOLDER}/1.jpg", False), (f"Ann/{FOLDER}", False)],
)  # fmt: skip
def test_which_paths_are_counter_examples(path, expected):
    assert is_counter(path) is expected


def test_they_are_enrolled_from_the_folder_kept_and_forgotten(tmp_path):
    people, store = tmp_path / "people", tmp_path / "store.sqlite"
    put(people / "Ann/1.png", RED)
    put(people / f"Ann/{FOLDER}/1.png", ORANGE)
    put(people / f"Bob/{FOLDER}/1.png", GREEN)  # of somebody without a picture
    put(people / f"Ann/{FOLDER}/empty.png", (90, 90, 90))
    encoder = FakeEncoder()
    photos = pictures(people)
    assert photos.paths == ["Ann/1.png"] and len(photos.counters) == 3
    with Store(store) as opened:
        report = enroll(people, opened, [encoder])
        assert [r.photo.path for r in report.counters] == [f"Ann/{FOLDER}/1.png", f"Bob/{FOLDER}/1.png"]
        assert [s.path for s in report.skipped] == [str(people / f"Ann/{FOLDER}/empty.png")]
        assert encoder.calls == 4
        again = enroll(people, opened, [encoder])
        assert encoder.calls == 4 and len(again.counters) == 2, "looked at once only"
        gallery = Gallery(again.people, again.network, str(people), again.counters)
        (match,) = gallery.match(np.array([ORANGE]) / 255, "cosine", 0.2)
        assert match.identity is None
        (people / f"Ann/{FOLDER}/1.png").unlink()
        third = enroll(people, opened, [encoder])
        assert third.forgotten == 1 and opened.counter_paths() == {f"Bob/{FOLDER}/1.png", f"Ann/{FOLDER}/empty.png"}
        (match,) = Gallery(third.people, third.network).match(np.array([ORANGE]) / 255, "cosine", 0.2)
        assert match.identity == "Ann"


def test_they_are_not_taken_for_pictures_of_the_person(tmp_path):
    rows = [row("Ann/1.jpg", [1, 0]), row(f"Ann/{FOLDER}/1.jpg", [0, 1]), Row(Photo("Ann/2.jpg", "Ann", 1, 1), "none")]
    own, counters = split(rows)
    assert [r.photo.path for r in own] == ["Ann/1.jpg"] and [r.photo.path for r in counters] == [f"Ann/{FOLDER}/1.jpg"]


def test_pictures_of_one_person():
    gallery = Gallery([row("Bob/2.jpg", [1, 0]), row("Ann/1.jpg", [0, 1]), row("Bob/1.jpg", [1, 1])], "net")
    assert [r.photo.path for r in gallery.pictures_of("Bob")] == ["Bob/1.jpg", "Bob/2.jpg"]
    assert gallery.pictures_of("Cy") == () == gallery.pictures_of("")
