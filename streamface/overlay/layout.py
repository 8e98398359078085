"""Where labels go: beside their own face, on nobody's face, on no other label, inside the frame, and steadily.

Every label comes in forms from rich to plain. For each person, in order of track number, the richest form that
has a free place beside the face is taken; who finds none comes first then, with the plainest form. A place once
taken is kept while it stays free, and a better one is moved to only after it has been free for `PATIENCE`
frames, so labels do not jump to and fro.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from streamface.overlay.draw import Rect

PATIENCE = 15
"""Frames for which a better place must stay free before a label moves there."""
SIDES = (
    *("above left", "above", "above right", "below left", "below", "below right"),
    *("right top", "right", "right bottom", "left top", "left", "left bottom", "inside"),
)
"""Where a label may stand, best first; 'inside' is the lower edge of a face that fills the frame."""
INSIDE_SHARE = 0.34
"""Largest part of its own face's height that a label inside it may take."""


@dataclass(frozen=True, slots=True)
class Request:
    """A label that wants a place."""

    key: int
    """Number of the track."""
    face: Rect
    forms: Sequence[tuple[int, int]]
    """(width, height) of each form that may be used, the wished-for one first."""
    names: Sequence[int]
    """What each form is called; the same form keeps its name from frame to frame."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a label stands."""

    rect: Rect
    form: int
    """One of the request's `names`."""
    side: str


@dataclass(slots=True)
class _Habit:
    place: Place
    better_for: int = 0


@dataclass(frozen=True, slots=True)
class _Attempt:
    habits: dict[int, _Habit]
    yielding: frozenset[int]

    @property
    def outside(self) -> frozenset[int]:
        """Whose label stands beside the face."""
        return frozenset(key for key, habit in self.habits.items() if habit.place.side != "inside")


class Placer:
    """Finds places frame by frame; remembers each person's last one."""

    def __init__(self) -> None:
        self._habits: dict[int, _Habit] = {}
        self._yielding: dict[int, int] = {}  # who gives up the richer forms -> for how many frames more

    def place(
        self, requests: Sequence[Request], obstacles: Sequence[Rect], size_wh: tuple[int, int], gap: int
    ) -> dict[int, Place]:
        """A place for each request that can have one; the others are absent.

        obstacles: what no label may cover beside the faces of the requests, such as faces without a label.
        gap: pixels between a label and its face or the frame's edge; half as far from everything else.
        Who gets no label beside the face comes first with the plainest form, for at least `PATIENCE` frames;
        where that does not help, all get their plainest form.
        """
        everybody = frozenset(request.key for request in requests)
        yielding = everybody & {key for key, frames in self._yielding.items() if frames}
        best = found = self._attempt(requests, yielding, obstacles, size_wh, gap)
        while len(best.outside) < len(requests) and yielding < everybody:
            lost = everybody - found.outside - yielding
            yielding = yielding | lost if lost else everybody
            found = self._attempt(requests, yielding, obstacles, size_wh, gap)
            best = max(best, found, key=lambda attempt: (len(attempt.outside), len(attempt.habits)))
        self._habits = best.habits
        still = {key: frames - 1 for key, frames in self._yielding.items() if frames > 1}
        self._yielding = {key: still.get(key, PATIENCE) for key in best.yielding}
        return {key: habit.place for key, habit in best.habits.items()}

    def _attempt(
        self,
        requests: Sequence[Request],
        yielding: frozenset[int],
        obstacles: Sequence[Rect],
        size_wh: tuple[int, int],
        gap: int,
    ) -> _Attempt:
        """Place one after the other, those in `yielding` first and in their plainest form."""
        faces = {request.key: request.face for request in requests}
        taken, habits = list(obstacles), {}
        for request in sorted(requests, key=lambda r: r.key not in yielding):
            if request.key in yielding:
                request = Request(request.key, request.face, request.forms[-1:], request.names[-1:])
            others = [face for key, face in faces.items() if key != request.key]
            habit = self._one(request, np.array([*others, *taken], np.int64).reshape(-1, 4), size_wh, gap)
            if habit is not None:
                habits[request.key] = habit
                taken.append(habit.place.rect)
        return _Attempt(habits, yielding)

    def _one(self, request: Request, others: np.ndarray, size_wh: tuple[int, int], gap: int) -> _Habit | None:
        habit = self._habits.get(request.key)
        every = _options(request, size_wh, gap)
        options = _until(every, habit)
        kept = options[-1] if habit and options and _same(options[-1], habit.place) else None
        if kept is not None and not _open([kept], others, 0, request.face)[0]:
            kept = None
        if kept is None:
            options += every
        roomy = _open(options, others, max(1, gap // 2), request.face)
        best = next((option for option, ok in zip(options, roomy, strict=True) if ok), None)
        if kept is None or best is None:
            chosen, waited = kept or best, 0
        else:
            waited = 0 if _same(best, kept) else habit.better_for + 1
            chosen, waited = (best, 0) if waited > PATIENCE else (kept, waited)
        return None if chosen is None else _Habit(chosen, waited)


def _until(options: Iterator[Place], habit: _Habit | None) -> list[Place]:
    """The options up to the one of last time, which alone can matter while that one is free."""
    found: list[Place] = []
    if habit is not None:
        for option in options:
            found.append(option)
            if _same(option, habit.place):
                break
    return found


def _same(a: Place, b: Place) -> bool:
    return a.form == b.form and a.side == b.side


def _options(request: Request, size_wh: tuple[int, int], gap: int) -> Iterator[Place]:
    """All places of a request, best first, moved into the frame."""
    for (width, height), name in zip(request.forms, request.names, strict=True):
        if width > size_wh[0] or height > size_wh[1]:
            continue
        edge_x, edge_y = min(gap, (size_wh[0] - width) // 2), min(gap, (size_wh[1] - height) // 2)
        for side in SIDES:
            x, y = _corner(side, request.face, (width, height), gap)
            x = min(max(x, edge_x), size_wh[0] - width - edge_x)
            y = min(max(y, edge_y), size_wh[1] - height - edge_y)
            yield Place((x, y, x + width, y + height), name, side)


def _corner(side: str, face: Rect, size_wh: tuple[int, int], gap: int) -> tuple[int, int]:
    """Top left corner of a label of `size_wh` on a side of a face."""
    left, top, right, bottom = face
    width, height = size_wh
    middle_x, middle_y = (left + right - width) // 2, (top + bottom - height) // 2
    across = {"left": left, "right": right - width}
    along = {"top": top, "bottom": bottom - height}
    where, _, aligned = side.partition(" ")
    if where in ("above", "below"):
        return across.get(aligned, middle_x), top - gap - height if where == "above" else bottom + gap
    if where == "inside":
        return middle_x, bottom - gap - height
    return right + gap if where == "right" else left - gap - width, along.get(aligned, middle_y)


def _free(rects: np.ndarray, others: np.ndarray, space: int) -> np.ndarray:
    """(N,) True where none of (M, 4) others comes nearer than `space` pixels to each of (N, 4) rects."""
    a, b = rects[:, None, :], others[None, :, :]
    apart = (a[..., 0] >= b[..., 2] + space) | (a[..., 2] + space <= b[..., 0])
    apart |= (a[..., 1] >= b[..., 3] + space) | (a[..., 3] + space <= b[..., 1])
    return apart.all(axis=1)


def _open(options: Sequence[Place], others: np.ndarray, space: int, face: Rect) -> np.ndarray:
    """(N,) True where an option keeps `space` pixels from all (M, 4) others and does not cover its own face.

    An option inside its own face may cover a small part of its lower edge.
    """
    rects = np.array([option.rect for option in options], np.int64).reshape(-1, 4)
    clear = _free(rects, np.array([face], np.int64), 1)
    height = face[3] - face[1]
    for index, option in enumerate(options):
        if option.side == "inside":
            lies_in = rects[index, 0] >= face[0] and rects[index, 2] <= face[2]
            low = rects[index, 1] >= face[1] + height // 2
            clear[index] = lies_in and low and rects[index, 3] - rects[index, 1] <= INSIDE_SHARE * height
    return clear & _free(rects, others, space)
