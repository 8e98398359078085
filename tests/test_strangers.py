"""From the views of a track to a stranger's number, and the number in the results."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from streamface.analysis import Answer, Request
from streamface.gallery.stranger_desk import StrangerDesk
from streamface.handover import RETURN_S
from streamface.memory import Memory
from streamface.settings import AnalysisSettings
from streamface.strangers import CLEAR, GOOD, LAST_VIEWS, LONGEST_PX, MOST_TRIES, snapshot
from streamface.testing import aligned_face, track
from streamface.types import Box, Match, Stranger

THRESHOLD = 0.1
ANNA, EVE, IVY = np.eye(3)


class Known:
    """A gallery of Anna alone, if at all."""

    def __init__(self) -> None:
        self.edition, self.empty = 0, False

    def __call__(self, vectors: np.ndarray, agreements: Sequence[float], factor: float) -> list[Match]:
        return [self._match(vector, factor) for vector in vectors]

    def _match(self, vector: np.ndarray, factor: float) -> Match:
        far = np.inf if self.empty else 1 - vector @ ANNA / np.linalg.norm(vector)
        limit = THRESHOLD * factor
        return Match("Anna" if far <= limit else None, float(far), "cosine", limit)


class Book:
    """Takes the place of `Strangers`."""

    def __init__(self) -> None:
        self.evidence, self.over, self.answers, self.tidied = [], [], [], 0

    def identify(self, evidence):
        self.evidence.append(evidence)
        return self.answers.pop(0) if self.answers else Stranger(len(self.evidence))

    def left(self, stranger, view, at):
        self.over.append((stranger, view, at))

    def tidy(self):
        self.tidied += 1


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def memory(book, known) -> Memory:
    desk = StrangerDesk(lambda: (book, lambda: None), live=False, pictures=True)
    return Memory(AnalysisSettings(), known, lambda: known.edition, desk)


def look(memory, vector, at, quality=0.8, number=1):
    memory[number].asked(("identity",), at)
    memory.learn([Answer(Request(number, aligned_face(), quality, at, True), np.float32(vector))])
    return memory.result(track(number)).stranger


def test_several_good_views_over_some_time_make_a_number(memory, book):
    assert [look(memory, EVE, at) for at in (0.0, 0.1, 0.2)] == [None, None, None]
    assert look(memory, EVE, 0.5) == Stranger(1)
    assert look(memory, EVE, 0.6) == Stranger(1) and len(book.evidence) == 1
    assert np.allclose(book.evidence[0].view.vector, EVE) and book.evidence[0].at == 0.5


def test_poor_views_make_none(memory, book):
    for i in range(30):
        assert look(memory, EVE, i * 0.1, quality=GOOD - 0.01) is None
    assert not book.evidence
    assert memory[1].is_settled("identity"), "there is no hurry any more"


def test_the_hurry_ends_with_the_number_or_after_many_views(memory):
    look(memory, EVE, 0.0)
    look(memory, EVE, 0.1)
    look(memory, EVE, 0.2)
    assert not memory[1].is_settled("identity")
    look(memory, EVE, 0.5)
    assert memory[1].is_settled("identity")
    tries = 0
    while not memory[2].is_settled("identity"):
        look(memory, EVE, tries * 0.1, quality=0.3, number=2)
        tries += 1
    assert MOST_TRIES <= tries <= MOST_TRIES + 2, "but for the views before the first word on a name"


def test_views_of_different_people_make_none(memory, book):
    for i, vector in enumerate((EVE, IVY) * 4):
        assert look(memory, vector, i * 0.3) is None
    assert not book.evidence


def test_somebody_who_is_nearly_a_known_person_is_looked_at_longer(memory, book):
    cosine = 1 - (CLEAR * 0.98) * THRESHOLD
    nearly = cosine * ANNA + np.sqrt(1 - cosine**2) * EVE
    seen = [look(memory, nearly, i * 0.2) for i in range(LAST_VIEWS)]
    assert memory.result(track(1)).match.identity is None
    assert seen == [None] * (LAST_VIEWS - 1) + [Stranger(1)] and book.evidence[0].last


def test_a_known_person_gets_none(memory, book):
    for i in range(10):
        assert look(memory, ANNA, i * 0.1) is None
    assert not book.evidence and not book.over


def test_doubt_waits_for_more_views_and_ends(memory, book):
    book.answers = [None] * 3
    seen = [look(memory, EVE, i * 0.2) for i in range(6)]
    assert seen == [None] * 5 + [Stranger(4)]
    assert not any(evidence.last for evidence in book.evidence)
    book.evidence, book.answers = [], [None] * 99
    for i in range(LAST_VIEWS):
        look(memory, IVY, i * 0.2, number=2)
    assert [evidence.last for evidence in book.evidence] == [False] * (LAST_VIEWS - VIEWS_BEFORE_LAST) + [True]


VIEWS_BEFORE_LAST = 3
"""Of the first views two are too few, and the last one is the last."""


def test_numbers_of_others_in_sight_are_told(memory, book):
    for i in range(4):
        look(memory, EVE, i * 0.2, number=1)
        look(memory, IVY, i * 0.2, number=2)
    assert [set(evidence.taken) for evidence in book.evidence] == [set(), {1}]
    memory.result(track(1, missed=3))
    memory.refresh(4.0)  # longer than a track of the same face would get the number of track 1 back
    for i in range(4):
        look(memory, EVE, 4 + i * 0.2, number=3)
    assert set(book.evidence[-1].taken) == {2}, "somebody out of sight may be the one who is back"


def test_the_end_of_a_track_ends_the_visit_with_the_mean_of_all_views(memory, book):
    for i in range(8):
        look(memory, EVE if i < 4 else EVE + 0.1 * IVY, i * 0.2, quality=0.5 + 0.05 * i)
    memory.keep([])
    memory.refresh(1.4 + RETURN_S + 0.1)
    ((stranger, view, at),) = book.over
    assert (stranger, at) == (Stranger(1), pytest.approx(1.4))
    assert view.quality == pytest.approx(0.85) and 0.03 < view.vector[2] < 0.1
    assert 0.99 < view.agreement < 1.0, "views that differ are known to have been averaged"
    memory.close()
    assert len(book.over) == 1


def test_closing_ends_the_visits_that_go_on(memory, book):
    for i in range(4):
        look(memory, EVE, i * 0.2)
    memory.close()
    assert len(book.over) == 1


def test_somebody_who_is_enrolled_while_in_view_has_a_name_and_no_number(memory, book, known):
    known.empty = True
    for i in range(4):
        look(memory, ANNA, i * 0.2)
    assert memory.result(track(1)).stranger == Stranger(1)
    known.empty, known.edition = False, 1
    memory.refresh(1.0)
    result = memory.result(track(1))
    assert (result.match.identity, result.stranger) == ("Anna", None)
    look(memory, ANNA, 1.2)
    assert len(book.over) == 1


def test_a_track_that_goes_over_to_somebody_else_gets_another_number(memory, book):
    for i in range(10):
        look(memory, EVE, i * 0.2)
    for i in range(30):
        last = look(memory, IVY, 2 + i * 0.2)
    assert last == Stranger(2)
    assert [stranger for stranger, _, _ in book.over] == [Stranger(1)]
    assert np.allclose(book.over[0][1].vector, EVE), "the newcomer's views are not in the first one's mean"


def test_the_best_view_is_the_picture(memory, book):
    frames = {quality: np.full((200, 300, 3), round(quality * 100), np.uint8) for quality in (0.5, 0.9, 0.6, 0.3)}
    for i, (quality, frame) in enumerate(frames.items()):
        memory[1].see(frame, Box(100, 50, 150, 110), quality)
        look(memory, EVE, i * 0.2, quality=max(quality, 0.5))
    picture = cv2.imdecode(np.frombuffer(book.evidence[0].view.picture, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (132, 110, 3) and abs(int(picture[60, 50, 0]) - 90) <= 1


def test_no_picture_is_cut_where_none_is_wanted(book, known):
    desk = StrangerDesk(lambda: (book, lambda: None), live=False, pictures=False)
    memory = Memory(AnalysisSettings(), known, None, desk)
    memory[1].see(np.zeros((100, 100, 3), np.uint8), Box(10, 10, 50, 50), 0.9)
    for i in range(4):
        look(memory, EVE, i * 0.2)
    assert book.evidence[0].view.picture is None


def test_snapshots_are_small_and_lie_inside_the_frame():
    frame = np.zeros((1080, 1920, 3), np.uint8)
    assert snapshot(frame, Box(0, 0, 800, 900), 0.5).image.shape == (405, LONGEST_PX, 3)
    assert snapshot(frame, Box(-300, 10, -200, 90), 0.5) is None
    edge = snapshot(frame, Box(1900, 1000, 2000, 1100), 0.5).image
    assert edge.shape == (140, 80, 3) and not edge.flags.writeable


def test_without_strangers_nobody_has_a_number(known):
    memory = Memory(AnalysisSettings(), known)
    for i in range(6):
        assert look(memory, EVE, i * 0.2) is None


def test_retention_goes_on_while_nobody_comes(memory, book):
    for hour in range(5):
        memory.refresh(hour * 3600.0)
        memory.refresh(hour * 3600.0 + 1)
    assert book.tidied == 5


def test_somebody_whose_every_trace_is_deleted_gets_no_number_while_they_stay(book, known):
    erasing = set()
    desk = StrangerDesk(lambda: (book, lambda: None), live=False, pictures=True)
    memory = Memory(AnalysisSettings(), known, lambda: known.edition, desk, erasing=lambda: erasing)
    look(memory, ANNA, 0.0)
    erasing.add("Anna")
    known.edition, known.empty = 1, True
    memory.refresh(0.1)
    for i in range(30):
        assert look(memory, ANNA, 0.2 + i * 0.1) is None
    result = memory.result(track(1))
    assert result.unrecorded and result.match.identity is None and memory[1].is_settled("identity")
    memory.close()
    assert not book.evidence and not book.over


def test_whoever_comes_after_somebody_whose_traces_were_deleted_is_a_stranger_like_others(book, known):
    desk = StrangerDesk(lambda: (book, lambda: None), live=False)
    memory = Memory(AnalysisSettings(), known, lambda: known.edition, desk, erasing=lambda: {"Anna"})
    look(memory, ANNA, 0.0)
    known.edition, known.empty = 1, True
    memory.refresh(0.1)
    assert [look(memory, EVE, at, number=2) for at in (0.2, 0.4, 0.7)][-1] == Stranger(1)
    assert not memory.result(track(2)).unrecorded
