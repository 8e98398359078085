from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from overlay_scenes import apart, attributes, camera, face, result

from streamface.overlay import status
from streamface.overlay.cards import CARD, CHART, TAG, Cards, State, ordinal
from streamface.overlay.draw import Rect
from streamface.overlay.layout import PATIENCE
from streamface.overlay.overlay import SHOWN_MISSED, Overlay
from streamface.overlay.steady import Steady
from streamface.overlay.text import Typesetter
from streamface.overlay.theme import AMBER, RED, Theme
from streamface.settings import OverlaySettings
from streamface.types import Stranger

BOX = (500, 300, 600, 420)


@pytest.fixture(scope="module")
def text():
    return Typesetter()


def changed(image: np.ndarray, shade: int = 120) -> np.ndarray:
    return (image != shade).any(axis=2)


def cards_of(overlay: Overlay, shown) -> tuple:
    return overlay._cards.plan(shown)


def inside(rects: list[Rect], shape: tuple[int, int], grow: int = 0) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for left, top, right, bottom in rects:
        mask[max(0, top - grow) : bottom + grow, max(0, left - grow) : right + grow] = True
    return mask


@pytest.mark.parametrize("size_wh", [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (360, 640), (101, 67)])
def test_a_frame_of_any_size_is_drawn_on_a_copy(size_wh):
    shown = result(face(1, (10, 30, 40, 60), attributes=attributes()), size_wh=size_wh)
    image = Overlay(OverlaySettings()).render(shown, 30.0)
    assert image.shape == (size_wh[1], size_wh[0], 3) and changed(image).any()
    assert (shown.frame.image == 120).all()
    assert not image.flags.writeable


@pytest.mark.parametrize(
    "name", ["Ann", "Ťéß", "محمد علي", "דוד", "श्रीकृष्ण", "สมชาย ใจดี", "山田 太郎", "김민수", "Ελένη", "Щукин", "A" * 90]
)
def test_a_label_changes_pixels_inside_itself_and_nowhere_else(name):
    overlay = Overlay(OverlaySettings(status=False))
    shown = result(face(1, BOX, name))
    image = overlay.render(shown)
    (card,) = cards_of(overlay, shown)
    frame = inside([card.box], image.shape[:2], 6) & ~inside([card.box], image.shape[:2], -6)
    label = inside([card.rect], image.shape[:2])
    assert not (changed(image) & ~frame & ~label).any()
    left, top, right, bottom = card.rect
    assert (image[top:bottom, left:right].min(axis=2) > 200).sum() > 20, "white letters"


def test_known_unknown_and_pending_differ_without_colour():
    pictures = []
    for options in ({"name": "Ann"}, {"name": None}, {"pending": True}, {"name": "Ann", "missed": 2}):
        image = Overlay(OverlaySettings(status=False)).render(result(face(1, BOX, **options)))
        outline = changed(image)[295:425, 495:605]
        pictures.append(outline)
    known, unknown, pending, missed = (p.sum() for p in pictures)
    middle_of_top = [bool(p[3:8, 50:58].any()) for p in pictures]
    assert middle_of_top[:3] == [False, True, False], "only a stranger's frame is closed"
    assert pending < known < unknown and missed not in (known, unknown)


def test_a_person_not_looked_at_yet_has_no_name_but_may_have_an_age(text):
    cards = Cards(text)
    bare, aged = cards.plan(
        result(face(1, BOX, pending=True), face(2, (100, 300, 200, 420), pending=True, attributes=attributes()))
    )
    assert bare.state is State.PENDING and bare.rect is None
    assert aged.parts.name == "" and aged.parts.details == "Woman, 34" and aged.parts.avatar is None


def test_a_stranger_is_shown_by_number_and_visit(text):
    somebody = face(1, (100, 100, 220, 250), None)
    parts = []
    for stranger in (None, Stranger(7), Stranger(7, 3), Stranger(7, 11)):
        shown = result(replace(somebody, stranger=stranger))
        parts.append(Cards(text).plan(shown)[0].parts)
    assert [part.name for part in parts] == ["unknown", "stranger 7", "stranger 7", "stranger 7"]
    visits = [part.details.partition(" visit")[0] for part in parts[2:]]
    assert visits == ["third", "11th"] and "visit" not in parts[0].details + parts[1].details


@pytest.mark.parametrize(
    ("number", "word"), [(1, "first"), (10, "tenth"), (12, "12th"), (21, "21st"), (111, "111th"), (103, "103rd")]
)
def test_ordinals(number, word):
    assert ordinal(number) == word


def test_unconfirmed_tracks_are_faint_and_without_a_label(text):
    (card,) = Cards(text).plan(result(face(1, BOX, confirmed=False)))
    assert card.rect is None and card.opacity < 0.5


def test_tracks_out_of_sight_are_fainter_and_dashed(text):
    shown = result(face(1, BOX, missed=3))
    (card,) = Cards(text).plan(shown)
    assert card.opacity < 1 and card.rect is not None
    image = Overlay(OverlaySettings(status=False)).render(shown)
    along_bottom = changed(image)[420, 515:585]
    assert 0.15 < along_bottom.mean() < 0.95


@pytest.mark.parametrize(("height", "form"), [(20, TAG), (70, CARD), (170, CHART)])
def test_larger_faces_get_richer_labels(text, height, form):
    shown = result(face(1, (500, 300, 500 + height, 300 + height), attributes=attributes()))
    assert Cards(text).plan(shown)[0].form == form


def test_a_face_at_the_limit_keeps_its_form(text):
    cards, theme = Cards(text), Theme.for_frame((1280, 720))
    limit, forms = 2.9 * theme.em, []
    for index in range(40):
        height = limit + (2 if index % 2 else -2) + (4 if index == 1 else 0)
        shown = result(face(1, (500, 300, 560, 300 + height), attributes=attributes()), index=index * 2)
        forms.append(cards.plan(shown)[0].form)
    assert forms[0] == TAG and set(forms[PATIENCE + 2 :]) == {CARD}


def test_the_distance_is_shown_and_an_empty_gallery_has_none(text):
    near, empty = Cards(text).plan(
        result(face(1, BOX, distance=0.314), face(2, (100, 300, 200, 420), None, distance=float("inf")))
    )
    assert near.parts.distance == "0.31" and empty.parts.distance == ""


def test_the_thumbnail_is_asked_once_and_drawn():
    asked, photo = [], np.full((50, 50, 3), (0, 0, 250), np.uint8)

    def thumbnail(path, side):
        asked.append((path, side))
        return photo

    overlay = Overlay(OverlaySettings(status=False), thumbnail)
    for index in range(5):
        shown = result(face(1, BOX, photo="ann.jpg", attributes=attributes()), index=index)
        image = overlay.render(shown)
    assert len(asked) == 1 and asked[0][0] == "ann.jpg"
    (card,) = cards_of(overlay, shown)
    x, y, side = card.parts.avatar
    assert image[card.rect[1] + y + side // 2, card.rect[0] + x + side // 2].tolist() == [0, 0, 250]


@pytest.mark.parametrize("thumbnail", [None, lambda path, side: None])
def test_without_a_picture_the_first_letter_stands_in(thumbnail):
    overlay = Overlay(OverlaySettings(status=False), thumbnail)
    shown = result(face(1, BOX, "Zoë", photo="z.jpg", attributes=attributes()))
    image = overlay.render(shown)
    (card,) = cards_of(overlay, shown)
    x, y, side = card.parts.avatar
    square = image[card.rect[1] + y :, card.rect[0] + x :][:side, :side]
    assert square.std() > 20


def test_thumbnails_can_be_switched_off(text):
    (card,) = Cards(text, thumbnails=False).plan(result(face(1, BOX, attributes=attributes())))
    assert card.parts.avatar is None and card.form == CARD


def test_nothing_is_rendered_again_while_nothing_changes():
    overlay = Overlay(OverlaySettings())
    people = [face(i, (100 + 200 * i, 300, 170 + 200 * i, 390), f"P{i}", attributes=attributes()) for i in range(5)]
    overlay.render(result(*people), 30)
    drawn = overlay.text.cache.misses
    for index in range(1, 10):
        overlay.render(result(*people, index=index), 30)
    assert overlay.text.cache.misses == drawn and overlay.text.cache.hits > 9 * 15


def test_a_longer_bar_stands_for_a_stronger_emotion():
    lengths = []
    for score in (0.2, 0.9):
        image = Overlay(OverlaySettings(status=False)).render(result(face(1, BOX, attributes=attributes(score=score))))
        blue = (image[..., 0] > 240) & (image[..., 2] < 110)
        lengths.append(int(blue.any(axis=0).sum()))
    assert lengths[1] > 2 * lengths[0] > 0


def test_every_emotion_has_a_bar_beside_a_large_face():
    overlay = Overlay(OverlaySettings(status=False))
    shown = result(face(1, (400, 100, 700, 480), attributes=attributes()))
    overlay.render(shown)
    (card,) = cards_of(overlay, shown)
    assert card.form == CHART
    few = overlay.text.cache.misses
    assert few >= 7 + 3  # seven words, name, distance, details


@pytest.mark.parametrize("seed", range(12))
def test_labels_of_a_walking_crowd_cover_no_other_face_and_no_label(seed, text):
    rng = np.random.default_rng(seed)
    size = [(640, 360), (1280, 720), (1920, 1080)][seed % 3]
    cards, count = Cards(text), int(rng.integers(2, 9))
    places = rng.uniform(0, 0.9, (count, 2)) * size
    sides = rng.uniform(0.04, 0.3, count) * size[1]
    for index in range(8):
        places += rng.normal(0, 0.01, places.shape) * size[1]
        people = [
            face(i + 1, (x, y, x + s, y + s), None if i % 3 == 0 else f"Person {i}", attributes=attributes())
            for i, ((x, y), s) in enumerate(zip(places, sides, strict=True))
        ]
        planned = cards.plan(result(*people, size_wh=size, index=index))
        labels = [card for card in planned if card.rect is not None]
        for card in labels:
            assert 0 <= card.rect[0] and card.rect[2] <= size[0] and 0 <= card.rect[1] and card.rect[3] <= size[1]
            others = [o for o in planned if o is not card]
            assert all(apart(card.rect, other.box) for other in others if other.box[2] > other.box[0])
            assert all(apart(card.rect, other.rect) for other in others if other.rect)


def test_a_label_does_not_tremble_with_its_figures(text):
    cards, rects = Cards(text), []
    for index in range(30):
        distance = 0.31 if index % 2 else 0.3
        about = attributes(("sad", "surprise")[index % 2])
        rects.append(cards.plan(result(face(1, BOX, distance=distance, attributes=about), index=index))[0].rect)
    assert len(set(rects)) == 1


def test_boxes_hold_still_and_never_lag():
    steady, rng = Steady(), np.random.default_rng(0)
    raw, drawn = [], []
    for index in range(200):
        x = 500 + rng.normal(0, 0.6)
        raw.append(x)
        drawn.append(steady.update(result(face(1, (x, 300, x + 100, 420)), index=index))[1].left)
    assert np.std(np.diff(drawn)) < 0.5 * np.std(np.diff(raw))
    for speed in (1, 3, 6, 20):
        steady = Steady()
        for index in range(40):
            x = 10.0 + speed * index
            box = steady.update(result(face(1, (x, 300, x + 100, 420)), index=index))[1]
        assert abs(box.left - x) < 0.03 * 120


def test_a_gap_in_the_frames_takes_boxes_as_measured():
    steady = Steady()
    steady.update(result(face(1, (100, 100, 200, 200)), index=0))
    assert steady.update(result(face(1, (101, 100, 201, 200)), index=5))[1].left == 101


@pytest.mark.parametrize(("live", "corner"), [(True, "red"), (False, "no red")])
def test_the_status_shows_a_live_source(live, corner):
    image = Overlay(OverlaySettings()).render(result(live=live), 29.97)
    red = ((image[..., 2] > 240) & (image[..., 0] < 120)).any()
    assert red == (corner == "red")
    assert changed(image)[:60, :300].any() and not changed(image)[80:].any()


def test_the_status_moves_away_from_a_face_and_can_be_switched_off():
    crowded = result(face(1, (0, 0, 200, 120)))
    image = Overlay(OverlaySettings()).render(crowded, 30)
    assert changed(image)[:40, 1100:].any()
    image = Overlay(OverlaySettings(status=False)).render(result(), 30)
    assert not changed(image).any()


def test_only_confirmed_people_are_counted():
    overlay = Overlay(OverlaySettings())
    texts = overlay._status._texts(result(face(1, BOX), face(2, BOX, confirmed=False)))
    assert texts[-1][0] == "1 person"
    assert overlay._status._texts(result())[-1][0] == "0 people"


def test_larger_scale_means_larger_letters():
    small, large = (Theme.for_frame((1280, 720), scale).em for scale in (1.0, 2.0))
    assert large == 2 * small or abs(large - 2 * small) == 1


@pytest.mark.parametrize(
    ("size_wh", "em"), [((640, 360), 11), ((1280, 720), 17), ((1920, 1080), 23), ((3840, 2160), 42)]
)
def test_letters_grow_slower_than_the_frame(size_wh, em):
    assert Theme.for_frame(size_wh).em == em == Theme.for_frame(size_wh[::-1]).em


def test_a_notice_is_written_on_a_copy():
    overlay, image = Overlay(OverlaySettings()), np.full((360, 640, 3), 120, np.uint8)
    noted = overlay.notice(image, "saved a.png")
    assert (image == 120).all() and changed(noted)[250:].any() and not changed(noted)[:200].any()


@pytest.mark.parametrize(("missed", "drawn"), [(SHOWN_MISSED, True), (SHOWN_MISSED + 1, False)])
def test_somebody_long_out_of_sight_is_not_drawn(missed, drawn):
    shown = result(face(1, (500, 300, 600, 430), missed=missed))
    overlay = Overlay(OverlaySettings(status=False))
    assert (overlay.render(shown) != shown.frame.image).any() == drawn


@pytest.mark.parametrize(
    ("state", "for_s", "expected"),
    [
        (("lost",), 75.4, ["LOST 1:15"]),
        (("stalled",), 3.2, ["STALLED 0:03"]),
        (("connecting",), 0.0, ["CONNECTING 0:00"]),
        (("live", "frozen"), 9.0, ["LIVE", "FROZEN", "0 people"]),
        (("live",), 9.0, ["LIVE", "0 people"]),
    ],
)
def test_the_status_tells_how_a_camera_does(state, for_s, expected, monkeypatch):
    shown = camera(*state, for_s=for_s)
    monkeypatch.setattr(status, "time", SimpleNamespace(time=lambda: shown.source_state.since + for_s))
    overlay = Overlay(OverlaySettings())
    image = overlay.render(shown)
    assert [text for text, _, _ in overlay._status._texts(shown)] == expected
    assert (image[400, 900] == (60 if shown.frame.repeated else 120)).all()  # an old picture is dark
    amber, red = ((image == colour).all(axis=2).any() for colour in (AMBER, RED))
    assert (amber, red) == (expected[0] != "LIVE" or "FROZEN" in expected, expected == ["LIVE", "0 people"])


def test_a_camera_has_its_name_beside_the_status():
    plain, named = (Overlay(OverlaySettings(), title=title).render(result(), 30.0) for title in ("", "front door"))
    changed = (plain != named).any(2)
    assert changed.any() and not changed[changed.shape[0] // 4 :].any()
    wider = [np.nonzero((image != image[-1, -1]).any(2))[1].max() for image in (plain, named)]
    assert wider[1] > wider[0] + 20
