"""Who is nearest: against plain numpy, with ties, with nobody, and with nonsense."""

from __future__ import annotations

import numpy as np
import pytest

from streamface.errors import SettingsError, UnknownNameError
from streamface.gallery.base import Photo, Row
from streamface.gallery.distances import METRICS, distance
from streamface.gallery.gallery import Gallery
from streamface.types import Box


def row(path, vector, quality=0.5):
    identity = path.split("/")[0]
    return Row(Photo(path, identity, 1, 1), None, Box(1, 2, 3, 5), quality, np.asarray(vector, np.float32))


def made(people, pictures, dimensions=16, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        row(f"person {p:03}/{i}.jpg", scale * rng.normal(size=dimensions))
        for p in range(people)
        for i in range(1 + (p % pictures))
    ]
    rng.shuffle(rows)
    return Gallery(rows, "net")


def plain(gallery, vector, metric):
    """(person -> (distance, photo)) by the formulas, one picture at a time."""
    best = {}
    for name, photo, other in zip(gallery.people["identity"], gallery.photos, gallery.vectors, strict=True):
        a, b = np.float64(vector), np.float64(other)
        ua, ub = a / np.sqrt((a * a).sum()), b / np.sqrt((b * b).sum())
        far = {
            "cosine": 1 - (ua * ub).sum(),
            "euclidean": np.sqrt(((a - b) ** 2).sum()),
            "euclidean_l2": np.sqrt(((ua - ub) ** 2).sum()),
        }[metric]
        best[name] = min(best.get(name, (np.inf, "")), (far, photo))
    return best


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1.0, 25.0])
def test_nearest_person_and_runner_up_as_by_hand(metric, scale):
    gallery = made(people=30, pictures=4, scale=scale)
    faces = scale * np.random.default_rng(9).normal(size=(20, 16)).astype(np.float32)
    faces[:5] = gallery.vectors[[0, 3, 20, -2, -1]] * np.float32(1.01)
    for face, match in zip(faces, gallery.match(faces, metric, threshold=1e9), strict=True):
        ranked = sorted((far, photo, name) for name, (far, photo) in plain(gallery, face, metric).items())
        assert (match.identity, match.photo) == (ranked[0][2], ranked[0][1])
        assert match.distance == pytest.approx(ranked[0][0], abs=1e-9)
        assert match.runner_up == pytest.approx(ranked[1][0], abs=1e-9)
        assert (match.metric, match.threshold) == (metric, 1e9)


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_those_of_the_shared_function_to_the_last_bit(metric):
    gallery = made(people=5, pictures=2)
    face = np.random.default_rng(1).normal(size=16).astype(np.float32)
    (match,) = gallery.match(face[None], metric, 1)
    at = gallery.photos.index(match.photo)
    assert match.distance == distance(face, gallery.vectors[at], metric)


def test_the_threshold_itself_is_a_match_and_beyond_it_is_unknown_with_distance():
    gallery = Gallery([row("Ann/1.jpg", [1, 0]), row("Bob/1.jpg", [0, 4])], "net")
    face = np.array([[1.0, 2.0]])
    (near,) = gallery.match(face, "euclidean", 2.0)
    (far,) = gallery.match(face, "euclidean", np.nextafter(2.0, 0))
    assert (near.identity, near.distance, near.runner_up) == ("Ann", 2.0, pytest.approx(5**0.5))
    assert (far.identity, far.distance, far.photo) == (None, 2.0, "Ann/1.jpg")


def test_pictures_of_one_person_count_together():
    rows = [row("Ann/1.jpg", [1, 0]), row("Ann/2.jpg", [1, 0.01]), row("Bob/1.jpg", [0, 1])]
    (match,) = Gallery(rows, "net").match(np.array([[1, 0.02]]), "euclidean", 1)
    assert (match.identity, match.photo) == ("Ann", "Ann/2.jpg")
    assert match.runner_up == pytest.approx(np.hypot(1, 0.98)), "the second person, not the second picture"


@pytest.mark.parametrize("metric", METRICS)
def test_of_two_equally_near_the_first_by_name_with_an_equal_runner_up(metric):
    rows = [row("Zoe/1.jpg", [1, 2, 3]), row("Ann/1.jpg", [1, 2, 3]), row("Mia/1.jpg", [-1, 0, 0])]
    (match,) = Gallery(rows, "net").match(np.array([[1, 2, 3.5]]), metric, 9)
    assert match.identity == "Ann"
    assert match.distance == match.runner_up


def test_one_person_has_no_runner_up():
    (match,) = Gallery([row("Ann/1.jpg", [1, 0]), row("Ann/2.jpg", [0, 1])], "net").match(np.ones((1, 2)), "cosine", 1)
    assert match.runner_up == np.inf


@pytest.mark.parametrize("metric", METRICS)
def test_an_empty_gallery_knows_nobody(metric):
    gallery = Gallery([], "net")
    matches = gallery.match(np.ones((2, 128), np.float32), metric, 0.4)
    assert [(m.identity, m.distance, m.runner_up, m.photo) for m in matches] == [(None, np.inf, np.inf, None)] * 2
    assert (len(gallery), gallery.identities, len(gallery.people)) == (0, (), 0)
    assert list(gallery.people.columns) == ["identity", "image", "x1", "y1", "x2", "y2", "quality", "embedding"]


def test_no_faces_no_matches():
    assert made(2, 1).match(np.zeros((0, 16)), "cosine", 1) == ()


@pytest.mark.parametrize(
    ("vectors", "options", "message"),
    [
        (np.ones((1, 15)), {}, r"\(1, 15\) do not fit a gallery of \(3, 16\)"),
        (np.ones(16), {}, r"\(16,\) do not fit"),
        (np.full((1, 16), np.nan), {}, "no numbers"),
        (np.ones((1, 16)), {"network": "other"}, "embedded with net, the face with other"),
    ],
)
def test_embeddings_that_do_not_belong(vectors, options, message):
    with pytest.raises(SettingsError, match=message):
        made(2, 2).match(vectors, "cosine", 1, **options)


def test_the_right_network_and_any_spelling_of_the_metric():
    (match,) = made(2, 2).match(np.ones((1, 16)), "Euclidean-L2", 1, network="net")
    assert match.metric == "euclidean_l2"
    with pytest.raises(UnknownNameError):
        made(2, 2).match(np.ones((1, 16)), "hamming", 1)


def test_embeddings_of_two_lengths_are_refused():
    with pytest.raises(SettingsError, match="2 lengths"):
        Gallery([row("Ann/1.jpg", [1, 0]), row("Bob/1.jpg", [1, 0, 0])], "net")


def test_the_table():
    gallery = Gallery([row("Bob/2.jpg", [3, 4], 0.9), row("Ann/1.jpg", [1, 0], 0.25)], "net", "database")
    people = gallery.people
    assert list(people["identity"]) == ["Ann", "Bob"]
    assert list(people["image"]) == ["database/Ann/1.jpg", "database/Bob/2.jpg"]
    assert people[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [[1, 2, 3, 5]] * 2
    assert list(people["quality"]) == [0.25, 0.9]
    assert np.array_equal(np.stack(people["embedding"]), gallery.vectors)
    assert gallery.vectors.dtype == np.float32
    assert (gallery.identities, len(gallery)) == (("Ann", "Bob"), 2)


def test_nothing_changes_a_gallery():
    gallery = made(3, 2)
    before = gallery.match(np.ones((1, 16)), "cosine", 2)
    gallery.people.loc[:, "identity"] = "somebody else"
    with pytest.raises(ValueError, match="read-only"):
        gallery.vectors[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        gallery.people["embedding"][0][:] = 0
    assert gallery.match(np.ones((1, 16)), "cosine", 2) == before
