"""Whose face a track shows, from embeddings: Anna, Bert and Eve are at right angles, views of one person alike."""

from __future__ import annotations

import numpy as np
import pytest

from streamface.analysis import Answer, Request
from streamface.handover import RETURN_S, Handover, Handovers, View, unclear
from streamface.memory import Memory
from streamface.naming import NameVotes, one_by_one
from streamface.settings import AnalysisSettings
from streamface.testing import aligned_face, track
from streamface.types import Box, Match

ANNA, BERT, EVE = np.eye(3)
NEAR = 0.07


@one_by_one
def gallery(vector: np.ndarray, agreement: float, factor: float) -> Match:
    """Anna and Bert are known."""
    far = {"Anna": 1 - vector @ ANNA / np.linalg.norm(vector), "Bert": 1 - vector @ BERT / np.linalg.norm(vector)}
    name = min(far, key=far.__getitem__)
    return Match(name if far[name] <= NEAR * factor else None, far[name], "cosine", NEAR * factor)


def votes(*vectors: np.ndarray, since: float = 0.0) -> NameVotes:
    """What is known after these good views, a tenth of a second apart."""
    made = NameVotes(2.0, gallery, NEAR)
    for i, vector in enumerate(vectors):
        made.add(vector, 0.8, since + i / 10)
    return made


def hidden(handovers: Handovers, number: int, at: float) -> None:
    """The track is out of sight at one moment, and back in the next frame."""
    handovers.watch([track(number, missed=1)], at)
    handovers.watch([track(number)], at + 0.04)


def views(handovers: Handovers, vector: np.ndarray, own: NameVotes, *times: float, quality=0.8, missing=None):
    return [handovers.look(View(1, vector, quality, at), own, missing or {}) for at in times]


def test_three_views_of_somebody_new_after_the_face_was_hidden_are_believed():
    handovers, own = Handovers(), votes(ANNA, ANNA)
    hidden(handovers, 1, 5.0)
    assert handovers.wants_look(1)
    assert views(handovers, EVE, own, 5.1, 5.2) == [None, None] and handovers.is_suspected(1)
    assert views(handovers, EVE, own, 5.3) == [Handover(1, None)]
    assert not handovers.wants_look(1) and not handovers.is_suspected(1)


def test_whoever_was_in_sight_all_the_time_is_the_same_person_however_the_views_differ():
    handovers, own = Handovers(), votes(ANNA, ANNA)
    handovers.watch([track(1)], 5.0)
    assert views(handovers, EVE, own, 5.1, 5.2, 5.3, 5.4) == [None] * 4 and not handovers.wants_look(1)


@pytest.mark.parametrize(("step_px", "is_doubted"), [(12, False), (12 + 60, True)])
def test_a_face_that_does_not_go_on_as_it_went_is_doubted(step_px, is_doubted):
    handovers = Handovers()
    for i, left in enumerate((0, 12, 24, 24 + step_px)):
        handovers.watch([track(1, box=Box(left, 0, left + 100, 120))], i / 25)
    assert handovers.wants_look(1) == is_doubted
    assert views(handovers, EVE, votes(ANNA, ANNA), 0.12, 0.2, 0.3)[-1] == (Handover(1, None) if is_doubted else None)


def test_a_view_from_before_the_face_was_hidden_says_nothing_of_who_is_there_now():
    handovers, own = Handovers(), votes(ANNA, ANNA)
    hidden(handovers, 1, 5.0)
    assert views(handovers, ANNA, own, 4.9) == [None] and handovers.wants_look(1)
    assert views(handovers, ANNA, own, 5.1) == [None] and not handovers.wants_look(1)


def test_one_view_of_the_same_person_ends_the_doubt():
    handovers, own = Handovers(), votes(ANNA, ANNA)
    hidden(handovers, 1, 5.0)
    views(handovers, EVE, own, 5.1, 5.2)
    assert views(handovers, ANNA, own, 5.3) == [None]
    assert views(handovers, EVE, own, 5.4, 5.5, 5.6) == [None] * 3


def test_poor_views_are_no_proof_of_somebody_new():
    handovers, own = Handovers(), votes(ANNA, ANNA)
    hidden(handovers, 1, 5.0)
    assert views(handovers, EVE, own, 5.1, 5.2, 5.3, 5.4, 5.5, quality=0.2) == [None] * 5


def test_a_face_of_whom_little_was_known_before_is_not_doubted():
    handovers = Handovers()
    hidden(handovers, 1, 5.0)
    assert views(handovers, EVE, NameVotes(2.0, gallery, NEAR), 5.1, 5.2, 5.3) == [None] * 3


def test_two_views_give_somebody_who_was_out_of_sight_the_own_number_back():
    handovers, own, missing = Handovers(), votes(ANNA, ANNA), {7: votes(BERT, BERT), 8: votes(EVE, EVE)}
    assert views(handovers, BERT, own, 5.1, 5.2, missing=missing) == [None, Handover(1, 7)]


def test_who_looks_like_both_stays_who_it_is():
    handovers, own, missing = Handovers(), votes(ANNA, ANNA), {7: votes(ANNA + 0.2 * BERT, ANNA + 0.2 * BERT)}
    view = ANNA + 0.11 * BERT
    assert missing[7].distance(view) < own.distance(view), "a little nearer to the other one is no proof"
    assert views(handovers, view, own, 5.1, 5.2, 5.3, missing=missing) == [None] * 3


def test_two_different_suspects_in_turn_prove_nothing():
    handovers, own, missing = Handovers(), votes(ANNA, ANNA), {7: votes(BERT, BERT), 8: votes(EVE, EVE)}
    for at in (5.1, 5.3, 5.5):
        assert views(handovers, BERT, own, at, missing=missing) == [None]
        assert views(handovers, EVE, own, at + 0.1, missing=missing) == [None]


def test_a_new_track_that_looks_like_somebody_who_just_went_out_of_sight_is_that_person():
    handovers, missing = Handovers(), {7: votes(BERT, BERT)}
    assert views(handovers, BERT, votes(since=5.1), 5.1, missing=missing) == [None]
    assert views(handovers, BERT, votes(BERT, since=5.1), 5.2, missing=missing) == [Handover(1, 7)]


def test_a_track_that_was_there_together_with_its_double_is_another_person():
    handovers, missing = Handovers(), {7: votes(BERT, BERT, since=5.0)}
    twin = votes(BERT, since=4.0)
    assert views(handovers, BERT, twin, 5.2, 5.3, 5.4, missing=missing) == [None] * 3


def test_faces_are_unclear_while_missing_and_while_they_touch():
    left, touching, apart = Box(0, 0, 100, 120), Box(80, 0, 180, 120), Box(900, 0, 1000, 120)
    people = [track(1, box=left), track(2, box=touching), track(3, box=apart), track(4, missed=2)]
    assert unclear(people) == {1, 2, 4}
    assert unclear([]) == set()


@pytest.fixture
def memory() -> Memory:
    return Memory(AnalysisSettings(), gallery, near=NEAR)


def seen(memory: Memory, number: int, vector: np.ndarray, at: float) -> None:
    """The track is in clear sight at that moment, and looked at."""
    memory.refresh(at)
    memory.watch([track(number)])
    memory.learn([Answer(Request(number, aligned_face(), 0.8, at, True), vector, {})])
    if number in memory._tracks:
        memory.result(track(number))


def gone(memory: Memory, number: int, at: float) -> None:
    memory.refresh(at)
    memory.watch([track(number, missed=1)])
    memory.result(track(number, missed=1))


def moved(memory: Memory) -> list[Handover]:
    found, memory.handovers = memory.handovers, []
    return found


def both_known_and_one_ended(memory: Memory) -> None:
    """Bert on track 1, which has ended, and Anna on track 2."""
    for number, person in ((1, BERT), (2, ANNA)):
        for at in (0.1, 0.2, 0.3):
            seen(memory, number, person, at)
    memory.keep([2])


def test_memory_goes_back_with_the_number_and_the_views_between_spoil_no_name(memory):
    for at in (0.1, 0.2, 0.3):
        seen(memory, 1, BERT, at)
    gone(memory, 1, 0.4)
    for at in (0.1, 0.2, 0.3):
        seen(memory, 2, ANNA, at)
    gone(memory, 2, 0.4)
    for at in (0.5, 0.6):
        seen(memory, 2, BERT, at)
    assert moved(memory) == [Handover(2, 1)]
    memory.keep([1])
    assert memory.result(track(1)).match.identity == "Bert"
    assert memory.result(track(1)).analyzed_at == 0.6, "the last view counts for the one it shows"


def test_somebody_whose_track_has_ended_is_found_again_for_a_while(memory):
    both_known_and_one_ended(memory)
    gone(memory, 2, 0.4)
    for at in (0.5, 0.6):
        seen(memory, 2, BERT, at)
    assert moved(memory) == [Handover(2, 1)] and memory.result(track(1)).match.identity == "Bert"


def test_a_new_track_that_may_be_somebody_who_is_back_has_its_name_at_once(memory):
    for at in (0.1, 0.2, 0.3):
        seen(memory, 1, BERT, at)
    gone(memory, 1, 0.4)
    seen(memory, 2, BERT, 0.5)
    assert memory.result(track(2)).match.identity == "Bert" and moved(memory) == []
    seen(memory, 2, BERT, 0.6)
    assert moved(memory) == [Handover(2, 1)]


def test_after_some_seconds_nobody_is_waited_for(memory):
    both_known_and_one_ended(memory)
    for at in (0.4 + RETURN_S, 0.5 + RETURN_S, 0.6 + RETURN_S):
        seen(memory, 2, BERT, at)
    assert moved(memory) == []


def test_answers_that_were_on_their_way_go_to_whom_they_show(memory):
    both_known_and_one_ended(memory)
    gone(memory, 2, 0.4)
    for at in (0.5, 0.6):
        seen(memory, 2, BERT, at)
    late = Answer(Request(2, aligned_face(), 0.8, 0.7, True), BERT, {})
    memory.learn([late])
    assert memory.result(track(1)).analyzed_at == 0.7 and memory.result(track(2)).match.identity == "Anna"


def test_where_a_tracker_keeps_its_number_the_track_starts_anew(memory):
    for at in (0.1, 0.2, 0.3):
        seen(memory, 2, ANNA, at)
    gone(memory, 2, 0.4)
    for at in (0.5, 0.6, 0.7):
        seen(memory, 2, BERT, at)
    assert moved(memory) == [Handover(2, None)] and memory.result(track(2)).match.identity == "Anna"
    seen(memory, 2, BERT, 0.8)
    assert memory.result(track(2)).match.identity == "Bert"


def test_from_being_hidden_until_a_look_has_told_a_name_is_in_doubt(memory):
    for at in (0.1, 0.2, 0.3):
        seen(memory, 1, ANNA, at)
    assert not memory.result(track(1)).doubted
    gone(memory, 1, 0.4)
    assert memory.result(track(1, missed=1)).doubted
    memory.refresh(0.5)
    memory.watch([track(1)])
    assert memory.result(track(1)).doubted, "in sight again, and not looked at yet"
    seen(memory, 1, BERT, 0.6)
    assert memory.result(track(1)).doubted and memory.result(track(1)).match.identity == "Anna"
    seen(memory, 1, ANNA, 0.7)
    assert not memory.result(track(1)).doubted


def test_nobody_without_a_decision_is_doubted(memory):
    memory.refresh(0.1)
    memory.watch([track(1, missed=1)])
    assert not memory.result(track(1, missed=1)).doubted
