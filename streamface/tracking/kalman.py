"""Tracking by a constant-velocity Kalman filter and the cheapest assignment of detections to faces.

Sources: the filter and the assignment are those of SORT (Bewley et al., "Simple Online and Realtime Tracking",
ICIP 2016); weak detections may continue a face but not start one, as in ByteTrack (Zhang et al., "ByteTrack:
Multi-Object Tracking by Associating Every Detection Box", ECCV 2022); a face that is not where it was
expected is looked for once more around its last sighting, as in OC-SORT (Cao et al., "Observation-Centric SORT",
CVPR 2023), but only for a moment: heads jerk, while around someone hidden for long it would take in strangers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamface.geometry import boxes_array, iou
from streamface.settings import TrackingSettings
from streamface.tracking._association import FORBIDDEN, assign, costs, jumps, same_face
from streamface.tracking._motion import Motion
from streamface.tracking.base import Tracker
from streamface.types import Box, Detection, Track

NAME = "Kalman"

CONFIDENT_SCORE = 0.6
"""Below it a detection may continue a face, but not start one (ByteTrack's threshold)."""
RECOVERY_SCORE = 0.9
"""Least score of a refined box that brings back a missing face: O-Net alone sees faces in one background in fifty."""
SURE_SCORE = 0.99
"""From here on one detection is enough: the pictures of a folder have no second look."""
UNDETECTED_SHARE = 2
"""How many times `max_missed` refinement alone may keep a face that full detection no longer finds, counted to the last
one: on a slow machine, where they are far apart, nobody goes because none was made."""
GAP_SHARE = 2
"""How many times `max_missed` the source may skip at once: after that somebody else may stand there. Not sooner, since
a slow machine may drop nearly as many frames between any two."""
JUMP_FRAMES = 6
"""A face unseen for longer than this did not jump, it was hidden: then only the filter knows where it is."""
LEAST_PATIENCE = 20
"""Frames that a face seen only once may be out of sight."""
OUTSIDE = 0.25
"""A missing face whose centre is so many of its widths or heights outside the picture has left."""
REFINED_ENOUGH = 3
"""Refinements that stand for a second full detection."""
CLOSE_IOU = 0.3
"""Faces that overlap more than this are looked at in full, for they may take each other's number."""
UNSURE_MISSING = 0.5
"""What a missing face pays against one that was just seen, in units of cost, when both claim the same box."""


def create(settings: TrackingSettings) -> Kalman:
    """The tracker."""
    return Kalman(settings.max_missed)


@dataclass(slots=True)
class _Face:
    """What is known of one face besides its motion."""

    detection: Detection
    first_index: int
    seen_index: int
    detected_index: int
    """Of the last full detection."""
    id: int = 0
    """0 until it is confirmed, so that a false alarm uses up no number."""
    detected: int = 1
    refined: int = 0

    def is_sure(self) -> bool:
        return self.detected >= 2 or self.refined >= REFINED_ENOUGH

    def patience(self, max_missed: int) -> int:
        """Frames that it may be out of sight: of a face seen for a moment nobody knows where it was going."""
        return min(max_missed, LEAST_PATIENCE + self.detected + self.refined)


class Kalman(Tracker):
    """Gives each person one number while in view; see the module for the methods.

    A face gets its number, and is returned, with the second full detection or the third refinement that finds
    it; at once in the very first detection of a run. Until then it is followed unseen, and ends with the first
    full detection that misses it.

    Args:
        max_missed: frames that a person may be out of sight, at least 1. Higher keeps numbers through longer
            occlusions, and lets a stranger who comes to the same place take one over.
    """

    size_wh: tuple[int, int] | None = None
    """(width, height) of the frames in pixels, where known: who walks out at the right or the bottom then ends at
    once, and whoever comes in there gets a new number, as at the left and the top."""

    def __init__(self, max_missed: int) -> None:
        self._max_missed = max_missed
        self._motion = Motion()
        self._faces: list[_Face] = []
        self._last_id = 0
        self._index: int | None = None
        self._looked: int | None = None
        self._detected_index = 0
        self._is_first = True
        self._lost = self._close = False

    def predict(self, index: int) -> tuple[Box, ...]:
        self._advance(index)
        return tuple(Box(*box) for box in self._motion.boxes().tolist())

    def update(self, detections: Sequence[Detection], index: int) -> tuple[Track, ...]:
        self._advance(index)
        found = boxes_array(d.box for d in detections)
        confident = np.array([d.score >= CONFIDENT_SCORE for d in detections], dtype=bool)
        rows, columns = self._associate(found, confident)
        self._see(rows, found[columns], [detections[j] for j in columns])
        for i in rows:
            self._faces[i].detected += 1
            self._faces[i].detected_index = index
        self._detected_index = index
        self._end(missed=[i for i, face in enumerate(self._faces) if face.seen_index < index])
        self._start([detections[j] for j in _unclaimed(found, confident, columns)])
        self._lost = False
        return self._finish()

    def refine(self, answers: Sequence[Detection | None], index: int) -> tuple[Track, ...]:
        if len(answers) != len(self._faces):
            raise ValueError(f"{len(answers)} answers for {len(self._faces)} tracks: give one for each predicted box")
        self._advance(index)
        looked = self._looked
        asked = np.array([i for i, answer in enumerate(answers) if answer is not None], dtype=np.intp)
        found = boxes_array(answers[i].box for i in asked)
        rows, columns = self._trusted(asked, found, np.array([answers[i].score for i in asked]))
        self._see(rows, found[columns], [answers[asked[j]] for j in columns])
        for i in rows:
            self._faces[i].refined += 1
        self._lost |= any(looked == face.seen_index < index for face in self._faces)
        self._end(missed=[])
        return self._finish()

    def hand_over(self, track: int, owner: int | None) -> None:
        face = next((face for face in self._faces if face.id == track), None)
        if face is None or any(other.id == owner and other.seen_index == self._index for other in self._faces):
            return
        if owner is None:
            self._last_id += 1
            owner = self._last_id
        self._keep([i for i, other in enumerate(self._faces) if other.id != owner])
        face.id = owner

    @property
    def wants_detection(self) -> bool:
        # A new face asks for none: where it stands still, three refinements confirm it, and where it moves it is lost.
        return self._lost or self._close

    def _advance(self, index: int) -> None:
        """Move every face to frame `index`; after a long gap nobody is known any more."""
        if self._index is not None and index > self._index + GAP_SHARE * self._max_missed:
            self._keep([])
        elif self._index is not None and index > self._index:
            self._motion.move(index - self._index)
        self._index = index

    def _associate(self, found: np.ndarray, confident: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The faces (rows) and the detections (columns) that belong together.

        Confident detections choose first, then weak ones. What is left of the confident ones may be a face that
        jumped: one that was seen a moment ago, and is not where it was expected.
        """
        cost = costs(self._motion.boxes(), self._motion.uncertainty_px(), found)
        pairs = [assign(cost, np.arange(len(cost)), np.flatnonzero(confident))]
        if not confident.all():
            pairs.append(assign(cost, _left(len(cost), pairs, 0), np.flatnonzero(~confident)))
        columns = _left(len(found), pairs, 1)
        columns = columns[confident[columns]]
        if len(columns):
            rows = [i for i in _left(len(cost), pairs, 0) if self._unseen(i) <= JUMP_FRAMES]
            last = boxes_array(face.detection.box for face in self._faces)
            pairs.append(assign(jumps(last, found), np.array(rows, dtype=np.intp), columns))
        return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])

    def _trusted(self, asked: np.ndarray, found: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The faces (rows) and the answers (columns) that belong together.

        Two boxes may have been refined onto one face, and a box onto the face of a neighbour who hides it: each
        face that was found goes to the track that expected it best, whoever asked.
        """
        if not len(asked):
            return asked, asked
        expected = self._motion.boxes()
        missing = np.array([face.seen_index < self._looked for face in self._faces])
        cost = costs(expected, self._motion.uncertainty_px(), found)
        cost[missing[:, None] & (scores < RECOVERY_SCORE)] = FORBIDDEN
        cost[missing] += UNSURE_MISSING
        own = cost[asked, np.arange(len(asked))]
        order, same, kept = np.argsort(own, kind="stable"), same_face(found, found), []
        for k in order:
            if not same[k, kept].any():
                kept.append(k)
        return assign(cost, np.arange(len(self._faces)), np.sort(np.array(kept, dtype=np.intp)))

    def _see(self, rows: np.ndarray, boxes: np.ndarray, detections: Sequence[Detection]) -> None:
        """Faces `rows` are at these (M, 4) boxes of these detections."""
        if len(rows):
            self._motion.correct(rows, boxes)
        for i, detection in zip(rows, detections, strict=True):
            self._faces[i].detection, self._faces[i].seen_index = detection, self._index
        self._looked = self._index

    def _start(self, detections: Sequence[Detection]) -> None:
        """Follow faces that nobody had."""
        for detection in detections:
            known = 2 if self._is_first or detection.score >= SURE_SCORE else 1
            self._faces.append(_Face(detection, self._index, self._index, self._index, detected=known))
        self._motion.add(boxes_array(d.box for d in detections))
        self._is_first = False

    def _end(self, missed: Sequence[int]) -> None:
        """Forget the faces out of sight for too long, and the unconfirmed ones among those `missed` in full."""
        gone = {i for i in missed if not self._faces[i].id}
        left = self._outside()
        for i, face in enumerate(self._faces):
            unseen, undetected = self._unseen(i), self._detected_index - face.detected_index
            late = unseen > face.patience(self._max_missed) or undetected > UNDETECTED_SHARE * self._max_missed
            if late or (unseen and left[i]):
                gone.add(i)
        if gone:
            self._keep([i for i in range(len(self._faces)) if i not in gone])

    def _keep(self, stay: Sequence[int]) -> None:
        self._motion.keep(np.array(stay, dtype=np.intp))
        self._faces = [self._faces[i] for i in stay]

    def _unseen(self, i: int) -> int:
        """Frames since face `i` was last seen."""
        return self._index - self._faces[i].seen_index

    def _outside(self) -> np.ndarray:
        """(N,) True for faces expected outside the picture."""
        boxes = self._motion.boxes()
        allowed = (0.5 - OUTSIDE) * (boxes[:, 2:] - boxes[:, :2])
        outside = (boxes[:, 2:] < allowed).any(axis=1)
        if self.size_wh is not None:
            outside |= (boxes[:, :2] > self.size_wh - allowed).any(axis=1)
        return outside

    def _finish(self) -> tuple[Track, ...]:
        """Number the faces that have become sure, from left to right, and describe all that have a number."""
        boxes = self._motion.boxes()
        for i in np.argsort(boxes[:, 0], kind="stable"):
            face = self._faces[i]
            if not face.id and face.is_sure() and face.seen_index == self._index:
                self._last_id += 1
                face.id = self._last_id
        overlap = np.triu(iou(boxes, boxes), 1)
        self._close = bool((overlap > CLOSE_IOU).any())
        shown = sorted((face.id, i) for i, face in enumerate(self._faces) if face.id)
        return tuple(self._track(self._faces[i], boxes[i]) for _, i in shown)

    def _track(self, face: _Face, box: np.ndarray) -> Track:
        missed = self._index - face.seen_index
        detection = face.detection if not missed else Detection(Box(*box.tolist()), face.detection.score)
        return Track(face.id, detection, self._index - face.first_index + 1, missed)


def _left(count: int, pairs: Sequence[tuple[np.ndarray, np.ndarray]], side: int) -> np.ndarray:
    """Which of `count` rows (side 0) or columns (side 1) are in none of the pairs."""
    free = np.ones(count, dtype=bool)
    for pair in pairs:
        free[pair[side]] = False
    return np.flatnonzero(free)


def _unclaimed(found: np.ndarray, confident: np.ndarray, claimed: np.ndarray) -> np.ndarray:
    """Which of (M, 4) found boxes may start a face: confident ones that lie on no other face, best first."""
    free = confident.copy()
    free[claimed] = False
    taken, new = list(claimed), []
    for j in np.flatnonzero(free):
        if not same_face(found[j : j + 1], found[taken]).any():
            taken.append(j)
            new.append(j)
    return np.array(new, dtype=np.intp)
