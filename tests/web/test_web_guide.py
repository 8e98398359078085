"""What the guide says, and what it takes."""

import numpy as np
import pytest
from desks import client_of, jpeg, people_desk, put

from streamface.alignment import ViewParts
from streamface.gallery.live import Denial
from streamface.testing import FakeRecognizer
from streamface.types import Box, Detection, FaceResult, Frame, FrameResult, Track
from streamface.web import guide
from streamface.web.enrolment import IDLE_S, MOST_OPEN, Enrolment, Enrolments
from streamface.web.views import View

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)
GOOD = ViewParts(1.0, 1.0, 1.0, 1.0, 0.5)
ALL = ["straight", "left", "right"]


def parts(**changes):
    from dataclasses import replace

    return replace(GOOD, **changes)


@pytest.mark.parametrize(
    ("view", "turn", "wanted", "kind", "hint"),
    [
        (GOOD, 0.0, ALL, "straight", guide.LOOK_STRAIGHT),
        (GOOD, None, ["straight"], "straight", guide.LOOK_STRAIGHT),  # a detector without landmarks
        (GOOD, 0.2, ALL, "left", guide.LOOK_STRAIGHT),  # good for something else that is wanted
        (GOOD, 0.2, ["left"], "left", guide.TURN_LEFT),
        (GOOD, -0.2, ["left"], None, guide.TURN_LEFT),
        (GOOD, -0.2, ["right"], "right", guide.TURN_RIGHT),
        (GOOD, 0.12, ["left"], None, guide.TURN_LEFT),  # between straight and turned
        (GOOD, 0.45, ["left"], "left", guide.TURN_LEFT),
        (GOOD, 0.55, ["left"], None, guide.LESS_TURN),
        (GOOD, 0.55, ["straight"], None, guide.LOOK_STRAIGHT),
        (GOOD, 0.0, [], None, guide.DONE),
        (parts(size=0.6), 0.0, ALL, None, guide.NEARER),
        (parts(size=0.6), 0.2, ["left"], "left", guide.TURN_LEFT),  # turned eyes are nearer together
        (parts(size=0.4), 0.2, ["left"], None, guide.NEARER),
        (parts(light=0.3, brightness=0.1), 0.0, ALL, None, guide.LIGHT),
        (parts(light=0.3, brightness=0.97), 0.0, ALL, None, guide.LESS_LIGHT),
        (parts(sharpness=0.1), 0.0, ALL, None, guide.STILL),
    ],
)
def test_hints(view, turn, wanted, kind, hint):
    assert guide.judged(view, turn, wanted) == (kind, hint)
    assert guide.HINTS[hint]


def test_two_straight_ones_and_one_of_each_side_are_wanted():
    assert guide.still_wanted([]) == ALL and guide.still_wanted(["straight", "left"]) == ["straight", "right"]
    assert guide.still_wanted(["straight"], can_turn=False) == ["straight"]
    assert guide.still_wanted(["straight", "straight", "left", "right"]) == []


@pytest.fixture
def desk(tmp_path):
    put(tmp_path / "people/Ann/1.png", RED)
    with people_desk(tmp_path / "people", tmp_path / "store.sqlite") as made:
        yield made


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def show(view, colour, turn=0.0, track=7, missed=0, size=120):
    """A frame with one sharp 'face', turned that far; dark where the colour is."""
    image = np.full((240, 320, 3), 90, np.uint8)
    blocks = np.kron(np.random.default_rng(1).integers(0, 2, (40, 40)), np.ones((6, 6)))[:size, :size, None]
    image[40 : 40 + size, 60 : 60 + size] = blocks * (200 if max(colour) > 20 else 10) + 20
    box = Box(60, 40, 60 + size, 40 + size)
    marks = np.float32([[0.3, 0.35], [0.7, 0.35], [0.5 + 0.4 * turn, 0.55], [0.35, 0.75], [0.65, 0.75]]) * size + (
        60,
        40,
    )
    seen = Track(track, Detection(box, 0.99, marks.astype(np.float32)), 9, missed)
    index = view.newest.version
    view.write(FrameResult(Frame(image, index, 1e9 + index, None, "door"), (FaceResult(seen),)), None)


class Looking:
    """An enrolment at the desk, which sees a face of one colour in everything."""

    def __init__(self, desk, clock, monkeypatch):
        self.view = View("door")
        self.made = Enrolment(self.view, 7, desk, FakeRecognizer.spec, clock)
        self._clock, self._desk, self._patch = clock, desk, monkeypatch

    def see(self, colour=BLUE, wait_s=1.0, **how):
        show(self.view, colour, **how)
        encoded = type(self._desk).encoded
        self._patch.setattr(self._desk, "encoded", lambda data: encoded(self._desk, jpeg(colour)))
        self._clock.now += wait_s
        self.made.look()
        return self.made.hint


@pytest.fixture
def looking(desk, clock, monkeypatch):
    return Looking(desk, clock, monkeypatch)


def kinds(made):
    return [taken.kind for taken in made.taken]


def test_pictures_are_taken_one_by_one_until_there_are_enough(looking):
    assert looking.see() == guide.LOOK_STRAIGHT and kinds(looking.made) == ["straight"]
    assert looking.see(wait_s=0.1) == guide.LOOK_STRAIGHT and len(looking.made.taken) == 1, "too soon for another"
    assert looking.see() == guide.TURN_LEFT
    assert looking.see(turn=0.25) == guide.TURN_RIGHT
    assert looking.see(turn=0.25) == guide.TURN_RIGHT and len(looking.made.taken) == 3
    assert looking.see(turn=-0.25) == guide.DONE
    assert looking.see() == guide.DONE and kinds(looking.made) == ["straight", "straight", "left", "right"]
    assert looking.made.drop(2) and not looking.made.drop(2) and looking.made.wanted == ["straight"]
    assert looking.see() == guide.DONE and [taken.number for taken in looking.made.taken] == [1, 3, 4, 5]


def test_poor_views_are_not_taken(looking):
    assert looking.see(size=24) == guide.NEARER
    assert looking.see(missed=2) == guide.GONE
    assert looking.see(track=8) == guide.GONE
    assert looking.see(colour=(4, 3, 3)) == guide.LIGHT
    assert looking.made.taken == ()
    looking.made.look(track=8)
    assert looking.made.track == 8


def test_the_same_frame_is_looked_at_once(looking, clock):
    looking.see()
    clock.now += 10
    looking.made.look()
    assert len(looking.made.taken) == 1


def test_somebody_else_on_the_same_track_is_noticed(looking):
    looking.see()
    assert looking.see(colour=GREEN) == guide.OTHER and len(looking.made.taken) == 1


def test_a_face_without_a_usable_picture_is_not_taken(looking, desk, monkeypatch):
    show(looking.view, BLUE)
    monkeypatch.setattr(desk, "encoded", lambda data: type(desk).encoded(desk, jpeg(BLUE, GREEN)))
    looking.made.look()
    assert looking.made.hint == guide.STILL and not looking.made.taken


def test_who_is_somebody_already_is_told_and_not_saved_under_another_name(looking, desk):
    looking.see(colour=RED)
    assert (looking.made.likeness.person, looking.made.likeness.is_same) == ("Ann", True)
    with pytest.raises(Exception, match="this is Ann already") as refused:
        looking.made.save("Cy")
    assert refused.value.likeness.person == "Ann"
    name, keys = looking.made.save("Ann")
    assert name == "Ann" and set(keys) < set(desk.pictures("Ann")) and len(desk.pictures("Ann")) == 2
    assert looking.made.save("Cy", anyway=True)[0] == "Cy"


def test_who_looks_unlike_the_person_of_that_name_is_told(looking, desk):
    looking.see(colour=BLUE)
    with pytest.raises(Exception, match="does not look like the pictures of Ann"):
        looking.made.save("Ann")
    with pytest.raises(Exception, match="cannot be the name of a folder"):
        looking.made.save("../Ann")
    assert desk.match(np.float32([1, 0, 0])).identity is None


def test_a_few_are_open_at_most_and_forgotten_ones_end(desk, clock):
    enrolments, view = Enrolments(desk, FakeRecognizer.spec, clock), View("door")
    opened = [enrolments.begin(view, number) for number in range(MOST_OPEN)]
    assert all(opened) and enrolments.begin(view, 9) is None
    clock.now = IDLE_S - 1
    opened[0].look()
    clock.now = IDLE_S + 1
    assert enrolments.find(opened[1].id) is None and enrolments.find(opened[0].id) is opened[0]
    assert enrolments.begin(view, 9) is not None
    enrolments.end(opened[0].id)
    assert enrolments.find(opened[0].id) is None


def test_over_the_api_a_flood_is_refused_and_what_is_not_there_is_said(desk):
    view = View("door")
    client = client_of(desk, views=[view])
    answers = [client.post("/api/enrolments", json={"camera": "door", "track": 7}) for _ in range(MOST_OPEN + 3)]
    assert [answer.status_code for answer in answers] == [201] * MOST_OPEN + [429] * 3
    key = answers[0].json()["id"]
    assert client.post(f"/api/enrolments/{key}/look").json()["hint"] == guide.GONE
    empty = client.post(f"/api/enrolments/{key}/save", json={"name": "Cy"})
    assert empty.status_code == 409 and "no picture yet" in empty.json()["detail"]
    for path in (f"{key}/pictures/1.jpg", "nothing", "nothing/pictures/1.jpg"):
        assert client.get(f"/api/enrolments/{path}").status_code == 404
    assert client.delete(f"/api/enrolments/{key}").status_code == 204
    assert client.get(f"/api/enrolments/{key}").status_code == 404
    assert client.post("/api/enrolments", json={"camera": "yard", "track": 7}).status_code == 404
    assert client.post("/api/enrolments", json={"camera": "door", "track": -1}).status_code == 422


@pytest.mark.parametrize("body", [{}, {"camera": "door"}, {"camera": "yard", "track": 1}, {"track": 7}])
def test_not_this_person_needs_to_say_who(desk, body):
    assert client_of(desk, views=[View("door")]).post("/api/people/Ann/not", json=body).status_code == 422


def test_the_stream_is_told_at_once_who_it_is_not_whether_or_not_the_picture_is_kept(desk):
    view = View("door")
    client = client_of(desk, views=[view])
    show(view, BLUE, track=7)  # in which the encoder of these tests finds no face
    answer = client.post("/api/people/Ann/not", json={"camera": "door", "track": 7})
    assert answer.status_code == 409 and "not seen well enough" in answer.json()["detail"]
    assert desk.known.take_denials("door") == [Denial("Ann", 7)] and desk.known.take_denials("door") == []
    assert client.post("/api/people/Nobody/not", json={"camera": "door", "track": 7}).status_code == 404
    assert client.post("/api/people/Ann/not", json={"camera": "yard", "track": 7}).status_code == 422
    assert desk.known.take_denials("door") == desk.known.take_denials("yard") == []


def test_not_this_person_of_nobody_in_view_is_said(desk, monkeypatch):
    from streamface.web import people

    monkeypatch.setattr(people, "SIGHT_S", 0.1)
    answer = client_of(desk, views=[View("door")]).post("/api/people/Ann/not", json={"camera": "door", "track": 7})
    assert answer.status_code == 409 and "not in view" in answer.json()["detail"]
