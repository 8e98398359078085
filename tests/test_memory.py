from collections.abc import Sequence

import numpy as np
import pytest

from streamface.analysis import Answer, Request
from streamface.averages import AttributeAverage
from streamface.gallery.live import Denial
from streamface.memory import Memory
from streamface.naming import NameVotes, one_by_one
from streamface.settings import AnalysisSettings
from streamface.testing import aligned_face, track
from streamface.types import Attribute, Match

ANNA, BERT = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
THRESHOLD = 0.1


@one_by_one
def gallery(vector: np.ndarray, agreement: float, factor: float) -> Match:
    """Two people, by cosine distance."""
    unit = vector / np.linalg.norm(vector)
    far = {"Anna": 1 - unit @ ANNA, "Bert": 1 - unit @ BERT}
    (name, first), (_, second) = sorted(far.items(), key=lambda entry: entry[1])
    limit = THRESHOLD * factor
    return Match(name if first <= limit else None, float(first), "cosine", limit, float(second))


def between(distance: float, person: np.ndarray = ANNA) -> np.ndarray:
    """A view at a cosine distance from a person, away from the others."""
    cosine = 1 - distance
    return cosine * person + np.array([0, 0, np.sqrt(1 - cosine**2)])


@pytest.fixture
def votes() -> NameVotes:
    return NameVotes(hold_s=2.0, match=gallery, near=0.07)


def name(votes: NameVotes) -> str | None:
    return votes.shown.identity if votes.shown else "undecided"


def test_a_good_view_names_at_once_and_the_strict_threshold_is_reported(votes):
    votes.add(ANNA, 0.9, 0.0)
    assert name(votes) == "Anna" and votes.shown.threshold == pytest.approx(THRESHOLD)


def test_poor_views_have_to_add_up_before_the_first_word(votes):
    votes.add(ANNA, 0.2, 0.0)
    assert name(votes) == "undecided"
    votes.add(ANNA, 0.2, 0.1)
    votes.add(ANNA, 0.2, 0.2)
    assert name(votes) == "Anna"


def test_the_gallery_learns_how_far_the_views_agree():
    asked = []
    votes = NameVotes(2.0, lambda *given: asked.append(given) or gallery(*given), 0.07)
    votes.add(3 * ANNA, 0.9, 0.0)
    votes.add(3 * ANNA, 0.9, 0.1)
    votes.add(between(0.1) * 5, 0.9, 0.2)
    assert [given[1][0] for given in asked[:2]] == pytest.approx([1, 1])
    directions = (
        0.9 * (ANNA * 1.9 * 0.9 + between(0.1)) / (0.9 * (1.9 * 0.9 + 1))
    )  # the oldest fades, length is nothing
    assert asked[2][1][0] == pytest.approx(np.linalg.norm(directions)) and asked[2][1][0] < 0.98


def test_somebody_not_in_the_gallery_is_unknown_with_a_distance(votes):
    votes.add(np.array([0.3, 0, 1.0]), 0.9, 0.0)
    assert name(votes) is None and votes.shown.distance > THRESHOLD


def test_a_distance_that_wavers_around_the_threshold_does_not_flicker(votes):
    votes.add(ANNA, 0.9, 0.0)
    seen = []
    for i in range(1, 60):
        votes.add(between(0.11 if i % 2 else 0.09), 0.9, i * 0.1)
        seen.append(name(votes))
    assert set(seen) == {"Anna"}


def test_one_odd_view_renames_nobody(votes):
    for i in range(5):
        votes.add(ANNA, 0.6, i * 0.1)
    votes.add(BERT, 1.0, 0.6)
    assert name(votes) == "Anna"
    votes.add(ANNA, 0.6, 0.7)
    assert name(votes) == "Anna"


def test_another_person_on_the_track_is_renamed_after_the_hold_and_not_before(votes):
    for i in range(10):
        votes.add(ANNA, 0.9, i * 0.1)
    names = []
    for i in range(40):
        votes.add(BERT, 0.9, 1.0 + i * 0.1)
        names.append(name(votes))
    assert names[:15] == ["Anna"] * 15
    assert names[-1] == "Bert"


def test_an_unknown_face_that_becomes_clear_gets_its_name_soon(votes):
    votes.add(between(0.16), 0.6, 0.0)
    assert name(votes) is None
    for i in range(1, 8):
        votes.add(ANNA, 0.9, i * 0.1)
    assert name(votes) == "Anna"


class Folder:
    """A gallery whose people may change."""

    def __init__(self, **people: np.ndarray) -> None:
        self.people, self.edition, self.passes = people, 0, 0

    def become(self, **people: np.ndarray) -> None:
        self.people = people
        self.edition += 1

    def __call__(self, vectors: np.ndarray, agreements: Sequence[float], factor: float) -> list[Match]:
        self.passes += 1
        return [self._match(vector, factor) for vector in vectors]

    def _match(self, vector: np.ndarray, factor: float) -> Match:
        unit, limit = vector / np.linalg.norm(vector), THRESHOLD * factor
        first, name = min(((1 - unit @ other, name) for name, other in self.people.items()), default=(np.inf, None))
        return Match(name if first <= limit else None, float(first), "cosine", limit)


def seen_in(folder: Folder, vector: np.ndarray) -> Memory:
    memory = Memory(AnalysisSettings(), folder, lambda: folder.edition)
    for i in range(5):
        memory[1].asked(("identity",), i * 0.1)
        memory.learn([Answer(Request(1, aligned_face(), 0.9, i * 0.1, True), vector)])
    return memory


def shown(memory: Memory) -> str | None:
    return memory.result(track(1)).match.identity


def test_people_in_view_are_matched_anew_when_the_gallery_changes():
    folder = Folder(Bert=BERT)
    memory = seen_in(folder, ANNA)
    assert shown(memory) is None
    folder.become(Anna=ANNA, Bert=BERT)
    memory.refresh(0.6)
    assert shown(memory) == "Anna"
    folder.become(Bert=BERT)
    memory.refresh(0.7)
    assert shown(memory) is None, "whoever is removed loses the name at once, not after the hold"
    folder.become(Bert=between(0.05))
    memory.refresh(0.8)
    folder.become(Bert=between(0.05), Anna=ANNA)
    memory.refresh(0.9)
    assert shown(memory) == "Anna", "a nearer person who is added is the answer at once"


def test_all_answers_of_a_frame_are_matched_in_one_pass():
    folder = Folder(Anna=ANNA, Bert=BERT)
    memory = Memory(AnalysisSettings(), folder)
    people = {1: ANNA, 2: BERT, 3: ANNA + BERT}
    for number in people:
        memory[number].asked(("identity",), 0.0)
    memory.learn([answer(number, vector) for number, vector in people.items()])
    assert [memory.result(track(number)).match.identity for number in people] == ["Anna", "Bert", None]
    assert folder.passes == 1


def test_a_name_that_is_held_survives_changes_to_other_people():
    folder = Folder(Anna=between(0.08, ANNA))
    memory = seen_in(folder, ANNA)
    folder.become(Anna=between(0.12, ANNA))
    memory.refresh(0.6)
    assert shown(memory) == "Anna", "within the hold, as without a change"


def test_nobody_is_decided_by_a_change_before_the_first_word():
    folder = Folder(Anna=ANNA)
    memory = Memory(AnalysisSettings(), folder, lambda: folder.edition)
    memory[1].asked(("identity",), 0.0)
    memory.learn([Answer(Request(1, aligned_face(), 0.2, 0.0, True), ANNA)])
    folder.become(Anna=ANNA, Bert=BERT)
    memory.refresh(0.1)
    assert memory.result(track(1)).match is None


def emotion(**scores: float) -> Attribute:
    label = max(scores, key=scores.__getitem__)
    return Attribute("emotion", label, scores[label], scores=scores)


def test_emotion_follows_within_half_a_second():
    average = AttributeAverage(fast=True)
    for i in range(20):
        average.add(emotion(happy=0.9, sad=0.1), 0.8, i * 0.25)
    average.add(emotion(happy=0.1, sad=0.9), 0.8, 5.0)
    average.add(emotion(happy=0.1, sad=0.9), 0.8, 5.25)
    assert average.shown.label == "sad" and sum(average.shown.scores.values()) == pytest.approx(1)


def test_age_settles_and_its_label_stays():
    average, rng = AttributeAverage(fast=False), np.random.default_rng(0)
    labels = []
    for i in range(200):
        years = 34 + rng.normal(0, 6)
        average.add(Attribute("age", str(round(years)), 1, value=years, spread=5.0), 0.7, i * 0.25)
        labels.append(average.shown.label)
    assert abs(average.shown.value - 34) < 1.5
    assert len(set(labels[50:])) <= 2


def test_a_blurred_view_counts_less():
    average = AttributeAverage(fast=False)
    average.add(Attribute("age", "30", 1, value=30.0), 0.9, 0.0)
    average.add(Attribute("age", "60", 1, value=60.0), 0.1, 0.25)
    assert average.shown.value == pytest.approx(33)


@pytest.mark.parametrize("views_a_second", [2, 4, 25])
def test_age_does_not_depend_on_how_often_somebody_is_looked_at(views_a_second):
    average = AttributeAverage(fast=False)
    for at in np.arange(0, 4, 1 / views_a_second):
        average.add(Attribute("age", "", 1, value=20.0 + 10 * at), 0.5, float(at))
    assert average.shown.value == pytest.approx(40, abs=2)


def test_a_label_that_is_nearly_a_tie_is_never_settled():
    clear, tie = AttributeAverage(fast=False), AttributeAverage(fast=False)
    for i in range(20):
        clear.add(Attribute("gender", "Man", 0.8, scores={"Man": 0.8, "Woman": 0.2}), 0.5, i / 4)
        tie.add(Attribute("gender", "Man", 0.55, scores={"Man": 0.55, "Woman": 0.45}), 0.5, i / 4)
    assert clear.is_settled and not tie.is_settled


def test_a_near_tie_keeps_the_label():
    average = AttributeAverage(fast=False)
    average.add(Attribute("gender", "Man", 0.52, scores={"Man": 0.52, "Woman": 0.48}), 0.5, 0.0)
    average.add(Attribute("gender", "Woman", 0.53, scores={"Man": 0.47, "Woman": 0.53}), 0.5, 0.2)
    assert average.shown.label == "Man"


def answer(number: int, vector=None, **attributes: Attribute) -> Answer:
    request = Request(number, aligned_face(), 0.8, 1.0, vector is not None)
    return Answer(request, vector, attributes)


def test_memory_forgets_tracks_that_are_gone_and_drops_late_answers():
    memory = Memory(AnalysisSettings(), gallery)
    memory[1].asked(("identity",), 0.0)
    memory.learn([answer(1, ANNA)])
    assert memory.result(track(1)).match.identity == "Anna"
    memory.keep([2])
    memory.learn([answer(1, ANNA)])
    assert memory.result(track(1)).match is None


def test_a_result_holds_what_was_learnt():
    memory = Memory(AnalysisSettings(), None)
    memory[4].asked(("emotion",), 0.9)
    memory[4].waiting = True
    memory.learn([answer(4, None, emotion=emotion(happy=0.7, sad=0.3))])
    face = memory.result(track(4))
    assert face.match is None and face.attributes["emotion"].label == "happy"
    assert (face.quality, face.analyzed_at) == (0.8, 1.0) and not memory[4].waiting


class Denying(Folder):
    """A gallery that passes over whom it is told to, and takes what an operator says."""

    def __init__(self, **people: np.ndarray) -> None:
        super().__init__(**people)
        self.said: list[Denial] = []

    def __call__(self, vectors, agreements, factor, without=()):
        left = [{n: v for n, v in self.people.items() if n not in names} for names in without] or [self.people]
        return [Folder(**people)._match(vector, factor) for vector, people in zip(vectors, left, strict=True)]

    def denied(self) -> list[Denial]:
        said, self.said = self.said, []
        return said

    def memory(self) -> Memory:
        return Memory(AnalysisSettings(), self, lambda: self.edition, denied=self.denied)


def looked(memory: Memory, vector: np.ndarray, at: float, number: int = 1) -> str | None:
    memory[number].asked(("identity",), at)
    memory.learn([Answer(Request(number, aligned_face(), 0.9, at, True), vector)])
    return memory.result(track(number)).match.identity


def test_who_is_said_not_to_be_anna_is_not_called_so_again_whatever_the_distances_say():
    folder = Denying(Anna=ANNA)
    memory = folder.memory()
    assert looked(memory, ANNA, 0.0) == "Anna"
    folder.said = [Denial("Anna", 1), Denial("Anna", 9)]
    memory.refresh(0.1)
    assert shown(memory) is None, "with the next frame"
    assert {looked(memory, ANNA, 0.2 + i * 0.1) for i in range(50)} == {None}
    folder.become(Anna=ANNA, Bert=BERT)
    memory.refresh(6.0)
    assert shown(memory) is None, "whatever changes in the gallery"
    assert looked(memory, ANNA, 6.1, number=9) == "Anna", "a number that was not followed then is not meant"


def test_the_next_person_gets_the_face_that_is_not_annas():
    folder = Denying(Anna=ANNA, Bert=between(0.05))
    memory = folder.memory()
    assert looked(memory, ANNA, 0.0) == "Anna"
    folder.said = [Denial("Anna", 1)]
    memory.refresh(0.1)
    assert shown(memory) == "Bert"


def test_what_was_denied_may_be_taken_back_and_goes_with_another_name():
    folder = Denying(Anna=ANNA)
    memory = folder.memory()
    looked(memory, ANNA, 0.0)
    folder.said = [Denial("Anna", 1), Denial("Anna", None, "Anne")]
    folder.become(Anne=ANNA)
    memory.refresh(0.1)
    assert shown(memory) is None
    folder.said = [Denial("Anne", None)]
    memory.refresh(0.2)
    assert shown(memory) == "Anne"
    memory.keep(())
    assert looked(memory, ANNA, 0.3, number=2) == "Anne"


def test_what_was_denied_goes_on_under_another_number_but_anna_herself_is_anna():
    folder = Denying(Anna=ANNA)
    memory = folder.memory()
    lookalike = between(0.06)
    looked(memory, lookalike, 0.0)
    folder.said = [Denial("Anna", 1)]
    memory.refresh(0.1)
    memory.keep(())
    memory.refresh(4.0)
    assert looked(memory, between(0.05), 4.1, number=2) is None, "more like the lookalike than like Anna"
    assert looked(memory, between(0.005), 4.2, number=3) == "Anna"
    memory.keep(())
    memory.refresh(100.0)
    assert looked(memory, lookalike, 100.1, number=4) == "Anna", "another visit, for which there is the counter-example"
