import numpy as np
import pytest

from streamface import geometry
from streamface.capture import demo
from streamface.capture._choreography import poses
from streamface.errors import SourceError

TRUTH = [{t.person: t for t in demo.truth(i)} for i in range(demo.FRAME_COUNT)]
COLLINS, HOPPER = "Eileen Collins", "Grace Hopper"


def test_the_clip_is_what_it_says():
    with demo.Demo() as source:
        info = source.info
        first, second = source.read(), source.read()
        rest = sum(1 for _ in source)
    assert (info.width, info.height, info.fps, info.frame_count, info.is_live) == (1280, 720, 25, 300, False)
    assert rest + 2 == info.frame_count and info.frame_count / info.fps >= 10
    assert (first.index, first.media_time, second.index, second.media_time) == (0, 0, 1, 0.04)
    assert first.image.shape == (720, 1280, 3) and first.image.dtype == np.uint8 and first.image.flags.c_contiguous


def test_it_is_the_same_each_time_and_can_be_read_again():
    source = demo.Demo()
    for _ in range(2):
        with source:
            assert np.array_equal(source.read().image, demo.render(0))
        assert source.read() is None


def test_nobody_jumps():
    for person in (COLLINS, HOPPER):
        for before, after in zip(TRUTH, TRUTH[1:], strict=False):
            a, b = before[person].box, after[person].box
            if a and b:
                assert np.hypot(b.center[0] - a.center[0], b.center[1] - a.center[1]) < 0.2 * a.height + 12
                assert 0.9 < b.height / a.height < 1.1


def test_faces_grow_and_shrink_turn_and_change_their_light():
    moves = np.array(poses())
    heights = [t[p].box.height for t in TRUTH for p in t if t[p].box]
    assert 55 < min(heights) < 65 and 250 < max(heights) < 290
    roll, yaw, light = (np.abs(moves[:, :, k]).max(0) for k in (3, 4, 6))
    assert (roll > 9).all() and (yaw > 20).all() and (yaw < 30).all()
    assert (moves[:, :, 6].min(0) < 0.6).all() and (light > 1.05).all()


def test_one_passes_behind_the_other():
    hidden = [i for i, t in enumerate(TRUTH) if t[COLLINS].box and t[COLLINS].visible == 0]
    assert 2 <= len(hidden) < 25 and hidden == list(range(hidden[0], hidden[-1] + 1))
    assert all(TRUTH[i][HOPPER].visible == 1 for i in hidden)
    sides = np.sign([t[COLLINS].box.center[0] - t[HOPPER].box.center[0] for t in TRUTH[30:160]])
    assert sides[0] == -1 and sides[-1] == 1 and (np.diff(sides) != 0).sum() == 1


def test_one_leaves_and_comes_back():
    there = np.array([t[COLLINS].box is not None for t in TRUTH])
    assert there[0] and there[-1]
    gone = np.flatnonzero(~there)
    assert 25 <= len(gone) <= 75 and (np.diff(gone) == 1).all()
    assert all(TRUTH[i][COLLINS].visible == 0 for i in gone)
    assert TRUTH[0][HOPPER].box is None


@pytest.mark.parametrize("index", [60, 115, 165, 215, 299])
def test_the_picture_shows_each_face_where_the_truth_says(index):
    """Each face is compared with the photograph, turned back to it by the transform that the truth rests on."""
    import cv2

    image = demo.render(index)
    for portrait, pose in demo._back_to_front(index):
        if TRUTH[index][portrait.person].visible < 0.99:
            continue
        height, width = portrait.solid.shape
        back = cv2.warpPerspective(image, np.linalg.inv(portrait.homography(pose)), (width, height))

        def likeness(dx, dy, back=back, portrait=portrait):
            box, photo = portrait.face, portrait.sprites[0]
            rows, columns = slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))
            moved = np.roll(back, (dy, dx), (0, 1))[rows, columns]
            return np.corrcoef(moved.ravel(), photo[rows, columns, :3].ravel())[0, 1]

        beside = max(likeness(dx, dy) for dx, dy in ((4, 0), (-4, 0), (0, 4), (0, -4)))
        assert likeness(0, 0) > max(0.85, beside), portrait.person


def test_the_box_is_the_one_of_the_photograph_when_nothing_turns():
    portrait = demo.people()[1]
    pose = poses()[0][1]._replace(x=600.0, y=300.0, height=220.0, roll=0.0, yaw=0.0, pitch=0.0)
    points = portrait.face_points(pose)
    box = geometry.boxes_array([portrait.face])[0]
    moved = box - np.tile(portrait.face.center, 2) + (600, 300, 600, 300)
    assert np.allclose([*points.min(0), *points.max(0)], moved, atol=0.01)
    assert portrait.hides(pose, np.array([[600.0, 300.0], [-5.0, 300.0]])).tolist() == [True, False]


def test_missing_portraits_are_one_line(monkeypatch):
    def missing():
        raise FileNotFoundError("portraits/eileen_collins.jpg")

    monkeypatch.setattr(demo, "people", missing)
    with pytest.raises(SourceError, match="portraits are missing: install streamface again"), demo.Demo():
        pass


def test_matches():
    assert demo.matches("demo") and demo.matches(" DEMO ") and not demo.matches("demo.mp4")
