from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from streamface.overlay import draw
from streamface.overlay.theme import MINT, PAPER

WHITE = (255, 255, 255)


def canvas(shade=100, size=(80, 120)):
    return np.full((*size, 3), shade, np.uint8)


def test_a_cache_makes_each_thing_once_and_forgets_the_oldest():
    cache, made = draw.Cache(2), []

    def get(keys):
        for key in keys:
            assert cache.get(key, lambda key=key: made.append(key) or key.upper()) == key.upper()

    get("aabab")
    assert made == ["a", "b"] and (cache.hits, cache.misses) == (3, 2)
    get("cdcd")
    assert made == ["a", "b", "c", "d"]
    get("a")
    assert made == ["a", "b", "c", "d"], "twice as many at most"
    get("ef")
    get("b")
    assert made[4:] == ["e", "f", "b"]


def test_what_is_in_use_stays_while_others_come_and_go():
    cache, made = draw.Cache(10), []
    for number in range(1000):
        for key in ("Ann", "Bob", number):
            cache.get(key, lambda key=key: made.append(key))
    assert made.count("Ann") == made.count("Bob") == 1 and len(cache._young) + len(cache._old) <= 20


def test_what_is_drawn_no_more_is_not_kept_however_much_room_there_is():
    now = 0.0
    cache, made = draw.Cache(100, lambda: now), []

    def get(keys):
        for key in keys:
            cache.get(key, lambda key=key: made.append(key))

    get("ab")
    for now in (0.6 * draw.KEEP_S, 1.2 * draw.KEEP_S, 1.8 * draw.KEEP_S, 2.4 * draw.KEEP_S):
        get(["a", f"at {now}"])
    assert len(cache._young) + len(cache._old) <= 4
    made.clear()
    get("ab")
    assert made == ["b"]


def test_threads_may_share_what_is_kept():
    cache = draw.Cache(3)
    faults = []

    def work(shift):
        for n in range(3000):
            key = (n + shift) % 7
            if cache.get(key, lambda key=key: 10 * key) != 10 * key:
                faults.append(key)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, shift) for shift in range(4)]:
            done.result()
    assert not faults and len(cache._young) + len(cache._old) <= 14


@pytest.mark.parametrize("opacity", [0.0, 0.25, 0.5, 1.0])
def test_a_sprite_blends_by_its_opacity(opacity):
    image = canvas(100)
    draw.Sprite.tinted(np.full((4, 4), opacity, np.float32), WHITE).put(image, 10, 20)
    expected = round(100 + opacity * 155)
    assert np.abs(image[20:24, 10:14].astype(int) - expected).max() <= 1
    image[20:24, 10:14] = 100
    assert (image == 100).all()


@pytest.mark.parametrize("shade", [0, 1, 127, 254, 255])
def test_a_transparent_pixel_leaves_the_picture_exactly_as_it_is(shade):
    image = canvas(shade)
    draw.Sprite.tinted(np.zeros((9, 9), np.float32), MINT).put(image, 0, 0)
    assert (image == shade).all()


def test_layers_lie_over_one_another():
    full = np.ones((2, 2), np.float32)
    image = canvas()
    draw.Sprite.layered((full, (10, 20, 30)), (full * 0.5, (110, 120, 130))).put(image, 0, 0)
    assert image[0, 0].tolist() == [60, 70, 80]


@pytest.mark.parametrize(
    ("x", "y", "touched"), [(-2, -3, 6), (118, 78, 4), (-4, 10, 0), (120, 10, 0), (10, 80, 0), (-90, -90, 0)]
)
def test_a_sprite_over_the_edge_is_cut(x, y, touched):
    image = canvas(0)
    draw.Sprite.tinted(np.ones((4, 4) if x > 0 else (6, 4), np.float32), WHITE).put(image, x, y)
    assert (image[..., 0] > 0).sum() == touched


def test_the_origin_moves_a_sprite():
    image = canvas(0)
    draw.Sprite.tinted(np.ones((1, 1), np.float32), WHITE, origin=(3, -2)).put(image, 10, 10)
    assert np.argwhere(image[..., 0]).tolist() == [[8, 13]]


def test_a_panel_darkens_its_own_region_only_and_has_round_corners():
    image = canvas(255)
    draw.panel(40, 20, 6).put(image, 10, 10)
    outside = image.copy()
    outside[10:30, 10:50] = 255
    assert (outside == 255).all()
    assert (image[10, 10] > 240).all(), "the corner is cut off"
    assert (image[20, 30] < 100).all(), "the middle is dark enough for white letters"


def test_edges_are_smooth():
    image = canvas(0)
    draw.pill(21, 21, 10.5, PAPER).put(image, 0, 0)
    levels = np.unique(image[:21, :21, 0])
    assert levels[0] == 0 and levels[-1] == 255 and len(levels) > 8


@pytest.mark.parametrize("opacity", [1.0, 0.35])
def test_brackets_leave_the_sides_open_and_an_outline_closes_them(opacity):
    rect, pen = (20, 20, 100, 70), (5, 2, MINT, opacity)
    open_, closed = canvas(), canvas()
    draw.brackets(open_, rect, 15, pen)
    draw.outline(closed, rect, pen)
    for x, y in ((60, 20), (60, 70), (20, 45), (100, 45)):
        assert (open_[y, x] == 100).all()
        assert abs(int(closed[y, x, 1]) - 100) > 20
    for image in (open_, closed):
        assert (image[30:60, 30:90] == 100).all(), "the face itself stays free"


def test_brackets_are_the_same_in_all_corners():
    image = canvas(size=(90, 120))
    draw.brackets(image, (20, 20, 100, 70), 15, (5, 3, MINT, 1.0))
    part = image[10:80, 10:110]
    assert (part == part[::-1]).all() and (part == part[:, ::-1]).all()


@pytest.mark.parametrize("side", [30, 700, 1600])
def test_a_dashed_outline_has_gaps_and_no_seam(side):
    image = canvas(size=(side + 40, side + 40))
    draw.outline(image, (20, 20, 20 + side, 20 + side), (4, 2, MINT, 1.0), dash=6)
    on = np.abs(image[20, 30 : 10 + side, 1].astype(int) - 100) > 60
    runs = np.diff(np.flatnonzero(np.diff(on.astype(int))))
    assert 0.2 < on.mean() < 0.8
    assert len(runs) == 0 or runs.max() <= 9


def test_a_picture_is_cut_to_its_middle_and_rounded():
    photo = np.zeros((100, 300, 3), np.uint8)
    photo[:, 100:200] = (10, 200, 30)
    image = canvas(0)
    draw.picture(photo, 40, 8).put(image, 5, 5)
    assert image[25, 25].tolist() == [10, 200, 30] and image[5, 5].tolist() == [0, 0, 0]
    assert (image[25, 5:45] == (10, 200, 30)).all()


def test_the_smallest_boxes_can_be_drawn():
    for side in (1, 2, 3, 5):
        image = canvas()
        draw.brackets(image, (10, 10, 10 + side, 10 + side), 1, (1, 1, MINT, 1.0))
        draw.outline(image, (10, 10, 10 + side, 10 + side), (1, 1, MINT, 1.0), dash=3)
        assert (image != 100).any()
