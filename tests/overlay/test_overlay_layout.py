import numpy as np
import pytest
from overlay_scenes import apart

from streamface.overlay.layout import PATIENCE, Placer, Request

SIZE = (640, 360)


def request(key, face, forms=((120, 50), (80, 20)), names=(1, 0)):
    return Request(key, face, forms, names)


def crowd(rng, count):
    """Faces that may overlap one another and hang over the edge, clipped as boxes are drawn."""
    faces = []
    for _ in range(count):
        side = int(rng.integers(8, 120))
        x, y = int(rng.integers(-20, SIZE[0])), int(rng.integers(-20, SIZE[1]))
        faces.append((max(x, 0), max(y, 0), min(x + side, SIZE[0]), min(y + side, SIZE[1])))
    return [f for f in faces if f[2] > f[0] and f[3] > f[1]]


@pytest.mark.parametrize("seed", range(60))
def test_labels_cover_no_other_face_no_label_and_no_edge(seed):
    rng = np.random.default_rng(seed)
    placer, status = Placer(), (4, 4, 150, 30)
    faces = crowd(rng, int(rng.integers(1, 9)))
    for _ in range(6):  # the same people, walking
        faces = [tuple(np.clip(np.add(f, np.tile(rng.integers(-9, 10, 2), 2)), 0, [*SIZE, *SIZE])) for f in faces]
        requests = [request(i, f) for i, f in enumerate(faces)]
        placed = placer.place(requests, [status], SIZE, gap=6)
        for key, place in placed.items():
            left, top, right, bottom = place.rect
            assert left >= 0 and top >= 0 and right <= SIZE[0] and bottom <= SIZE[1]
            assert (right - left, bottom - top) == {1: (120, 50), 0: (80, 20)}[place.form]
            assert apart(place.rect, status)
            assert all(apart(place.rect, f) for i, f in enumerate(faces) if i != key)
            assert all(apart(place.rect, other.rect) for i, other in placed.items() if i != key)


def test_a_label_with_room_stands_above_its_face_in_its_richest_form():
    place = Placer().place([request(1, (200, 150, 260, 220))], [], SIZE, gap=6)[1]
    assert place.form == 1 and place.side == "above left"
    assert place.rect == (200, 150 - 6 - 50, 320, 150 - 6)


@pytest.mark.parametrize(
    ("face", "side"),
    [
        ((200, 10, 260, 80), "below left"),  # no room above
        ((100, 0, 200, 360), "right top"),  # as tall as the frame
        ((500, 0, 600, 360), "left top"),  # as tall as the frame, at its right
        ((10, 0, 630, 360), "inside"),  # fills the frame
    ],
)
def test_the_next_side_is_taken_where_the_first_has_no_room(face, side):
    place = Placer().place([request(1, face)], [], SIZE, gap=6)[1]
    assert place.side == side
    if side != "inside":
        assert apart(place.rect, face)


def test_a_label_inside_its_face_stays_in_the_lower_part():
    face = (0, 0, 640, 360)
    rect = Placer().place([request(1, face)], [], SIZE, gap=6)[1].rect
    assert rect[1] >= 240


def test_a_plainer_form_is_used_where_the_rich_one_does_not_fit():
    walls = [(0, 0, 640, 100), (0, 180, 640, 360), (0, 100, 200, 180), (360, 100, 640, 180)]
    place = Placer().place([request(1, (220, 135, 260, 175))], walls, SIZE, gap=6)[1]
    assert place.form == 0


def test_nobody_is_left_without_a_label_while_others_have_large_ones():
    faces = [(40 + 70 * i, top, 100 + 70 * i, top + 60) for top in (140, 204) for i in range(4)]
    forms = ((300, 100), (60, 20))
    placed = Placer().place([request(i, f, forms) for i, f in enumerate(faces)], [], SIZE, gap=6)
    assert len(placed) == 8 and all(place.side != "inside" for place in placed.values())
    assert {place.form for place in placed.values()} == {0, 1}, "only those in the way give up their large label"


def test_who_gave_up_a_large_label_keeps_the_small_one_for_a_while():
    faces = [(40 + 70 * i, top, 100 + 70 * i, top + 60) for top in (140, 204) for i in range(4)]
    wanted, placer = [request(i, f, ((300, 100), (60, 20))) for i, f in enumerate(faces)], Placer()
    shown = [placer.place(wanted, [], SIZE, gap=6) for _ in range(3 * PATIENCE)]
    assert all(places == shown[0] for places in shown)


def test_a_label_stays_on_its_side_until_the_better_one_has_been_free_for_long():
    placer, face, above = Placer(), (200, 150, 260, 220), (190, 80, 330, 140)
    wanted = [request(1, face)]
    first = placer.place(wanted, [above], SIZE, gap=6)[1]
    assert first.side != "above left"
    for _ in range(PATIENCE):
        assert placer.place(wanted, [], SIZE, gap=6)[1] == first
    assert placer.place(wanted, [], SIZE, gap=6)[1].side == "above left"


def test_a_thing_that_comes_and_goes_does_not_make_a_label_jump_back():
    placer, face, above = Placer(), (200, 150, 260, 220), (190, 80, 330, 140)
    sides = [placer.place([request(1, face)], [above] if i % 4 == 0 else [], SIZE, gap=6)[1].side for i in range(40)]
    assert len(set(sides)) == 1


def test_a_label_wider_than_the_frame_is_left_out():
    assert Placer().place([request(1, (10, 10, 30, 30), ((700, 20),), (0,))], [], SIZE, gap=6) == {}


def test_no_requests_give_no_places():
    assert Placer().place([], [(0, 0, 9, 9)], SIZE, gap=6) == {}
