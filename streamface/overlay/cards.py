"""What the label of each person holds and where its parts stand; the layers draw into it.

A label has three forms: `TAG` is one line with the name; `CARD` adds the matched picture and a second line
for age, gender and emotion; `CHART` adds a bar for every emotion. A face's size in the picture decides which
is wished for, the room around it which is possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from streamface.overlay.draw import Cache, Rect
from streamface.overlay.layout import Place, Placer, Request
from streamface.overlay.steady import Steady
from streamface.overlay.text import BOLD, REGULAR, Typesetter
from streamface.overlay.theme import Theme
from streamface.types import FaceResult, FrameResult

TAG, CARD, CHART = 0, 1, 2
FACE_EMS = {CARD: 2.9, CHART: 8.5}
"""Least height of a face, in ems, for a form; 15 % less keeps it."""
NAME_EMS = {TAG: 11, CARD: 13, CHART: 13}
"""Longest name in ems; longer ones end in an ellipsis."""
EMOTION_BAR_EMS = 2.6
"""Least length of a bar in ems; it grows to the label's edge."""
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
LINE = 1.36
"""Height of a line in ems: what Noto Sans needs from the highest accent to the lowest descender."""


class State(Enum):
    """What is known of who somebody is."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Parts:
    """One form of a label: its size, and its parts' places relative to its top left corner."""

    size_wh: tuple[int, int]
    name: str
    name_at: tuple[int, int]
    """Start of the baseline."""
    distance: str
    distance_at: tuple[int, int]
    avatar: tuple[int, int, int] | None
    """Left, top and side of the square for the picture; None for no picture."""
    details: str
    """Age and gender, '' for none."""
    details_at: tuple[int, int]
    emotion: tuple[int, int, int, int] | None
    """Left, top, width, height of the one bar with its word, or of the chart; None for neither."""
    bar_from: int
    """Where bars begin, from the left of `emotion`: behind the longest word."""


@dataclass(frozen=True, slots=True)
class Card:
    """One face as drawn."""

    face: FaceResult
    state: State
    box: Rect
    """The face's box in whole pixels, inside the frame."""
    rect: Rect | None
    """The label; None where there is no room for one or nothing to say."""
    form: int
    parts: Parts | None

    @property
    def opacity(self) -> float:
        """Of lines: faint for a track not yet confirmed, less for one out of sight."""
        if not self.face.track.confirmed:
            return 0.35
        return 0.6 if self.face.track.missed else 1.0


def state_of(face: FaceResult) -> State:
    """Known, unknown, or not looked at yet."""
    if face.match is None:
        return State.PENDING
    return State.UNKNOWN if face.match.identity is None else State.KNOWN


def details_of(face: FaceResult) -> str:
    """Which visit of a stranger it is, gender and age, as one line: 'third visit, Woman, 34'; '' for nothing known."""
    visit = [f"{ordinal(face.stranger.visit)} visit"] if face.stranger and face.stranger.visit > 1 else []
    known = visit + [face.attributes[name].label for name in ("gender", "age") if name in face.attributes]
    return ", ".join(known)


def ordinal(number: int) -> str:
    """'second', 'third', '11th', '22nd'."""
    if number <= len(ORDINALS):
        return ORDINALS[number - 1]
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


class Cards:
    """Plans the labels of a frame, once a frame however many layers ask."""

    def __init__(self, text: Typesetter, scale: float = 1.0, thumbnails: bool = True) -> None:
        self._text, self._scale, self._thumbnails = text, scale, thumbnails
        self._steady, self._placer = Steady(), Placer()
        self._planned: tuple[FrameResult, tuple[Card, ...]] | None = None
        self._wished: dict[int, int] = {}
        self._widths: dict[tuple, int] = {}
        self._kept = Cache(256)
        self._theme: tuple[tuple[int, int], Theme] | None = None
        self.reserved: tuple[Rect, ...] = ()
        """Places that other layers keep for themselves, such as the status corner."""

    def theme(self, result: FrameResult) -> Theme:
        """Sizes for this frame."""
        size = result.frame.size_wh
        if self._theme is None or self._theme[0] != size:
            self._theme = size, Theme.for_frame(size, self._scale)
        return self._theme[1]

    def plan(self, result: FrameResult) -> tuple[Card, ...]:
        """The cards of this frame, in order of track number."""
        if self._planned is None or self._planned[0] is not result:
            self._planned = result, self._plan(result)
        return self._planned[1]

    def boxes(self, result: FrameResult) -> list[Rect]:
        """The drawn boxes of this frame."""
        return [card.box for card in self.plan(result)]

    def _plan(self, result: FrameResult) -> tuple[Card, ...]:
        theme, size = self.theme(result), result.frame.size_wh
        drawn = self._steady.update(result)
        faces = sorted(result.faces, key=lambda face: face.track.id)
        alive = {face.track.id for face in faces}
        self._wished = {key: form for key, form in self._wished.items() if key in alive}
        self._widths = {key: width for key, width in self._widths.items() if key[0] in alive}
        boxes = {face.track.id: _whole(drawn[face.track.id].clipped(*size)) for face in faces}
        labelled = [face for face in faces if self._says_something(face)]
        forms = {face.track.id: self._forms(face, boxes[face.track.id], theme, size) for face in labelled}
        requests = [
            Request(key, boxes[key], [parts.size_wh for parts in form.values()], list(form))
            for key, form in forms.items()
            if form
        ]
        obstacles = [*self.reserved, *(boxes[key] for key in alive - {r.key for r in requests})]
        places = self._placer.place(requests, obstacles, size, theme.gap)
        return tuple(self._card(face, boxes, places.get(face.track.id), forms) for face in faces)

    @staticmethod
    def _card(face: FaceResult, boxes: dict, place: Place | None, forms: dict) -> Card:
        box = boxes[face.track.id]
        if place is None:
            return Card(face, state_of(face), box, None, TAG, None)
        return Card(face, state_of(face), box, place.rect, place.form, forms[face.track.id][place.form])

    @staticmethod
    def _says_something(face: FaceResult) -> bool:
        return face.track.confirmed and (face.match is not None or bool(face.attributes))

    def _forms(self, face: FaceResult, box: Rect, theme: Theme, size_wh: tuple[int, int]) -> dict[int, Parts]:
        """The forms that may be used for a face, the wished-for one first."""
        wished = self._wished.get(face.track.id, TAG)
        ems = (box[3] - box[1]) / theme.em
        fits = [form for form, least in FACE_EMS.items() if ems >= least * (0.85 if wished >= form else 1)]
        wished = self._wished[face.track.id] = max(fits, default=TAG)
        if face.match is None:  # no name yet: only what is known of age, gender and emotion
            return {CARD: self._parts(face, CARD, theme, size_wh)} if wished >= CARD else {}
        return {form: self._parts(face, form, theme, size_wh) for form in range(wished, TAG - 1, -1)}

    def _parts(self, face: FaceResult, form: int, theme: Theme, size_wh: tuple[int, int]) -> Parts:
        """The parts of one form; kept, because most figures stay the same from frame to frame."""
        match, emotion = face.match, face.attributes.get("emotion")
        who = match and (match.identity, f"{match.distance:.2f}", face.stranger)
        about = details_of(face), emotion and (emotion.label, *emotion.scores)
        label = (face.track.id, form, theme.em, match and match.identity)
        key = (label, self._widths.get(label), size_wh, who, about)
        build = _Builder(self._text, theme, form, size_wh)
        return self._kept.get(key, lambda: build.parts(face, self._thumbnails, lambda width: self._held(label, width)))

    def _held(self, label: tuple, width: int) -> int:
        """`width`, or the larger one that this label had: a label that breathes with its figures looks nervous."""
        self._widths[label] = max(width, self._widths.get(label, 0))
        return self._widths[label]


class _Builder:
    """Lays out one form of one label."""

    def __init__(self, text: Typesetter, theme: Theme, form: int, size_wh: tuple[int, int]) -> None:
        self._text, self._theme, self._form = text, theme, form
        self._longest = min(NAME_EMS[form] * theme.em, round(0.42 * size_wh[0]))

    def parts(self, face: FaceResult, thumbnails: bool, held) -> Parts:
        """All parts; `held(width)` gives the width to use."""
        theme, state = self._theme, state_of(face)
        line, second = round(theme.em * LINE) if face.match else 0, round(theme.small * LINE)
        details, emotion = self._second_line(face)
        two_lines = bool(details or emotion)
        height = 2 * theme.pad + line + (second if two_lines else 0)
        avatar = self._avatar(face, thumbnails, height)
        left = avatar[0] + avatar[2] + theme.pad if avatar else theme.pad + (self._mark() if face.match else 0)
        name, distance = self._name(state, face), self._distance(face)
        name_width = self._text.width(name, theme.em, _weight(state))
        distance_x = left + name_width + (round(0.5 * theme.em) if name_width else 0)
        first_right = distance_x + self._text.width(distance, theme.small)
        details_width = self._text.width(details, theme.small)
        emotion_x = left + details_width + (round(0.6 * theme.em) if details_width else 0)
        second_right = emotion_x + self._emotion_width(emotion) if emotion else left + details_width
        width = held(max(first_right, second_right if two_lines else 0) + theme.pad)
        second_top = theme.pad + line
        bar = (emotion_x, second_top, width - theme.pad - emotion_x, second) if emotion else None
        if self._form == CHART and emotion:
            rows = len(emotion)
            chart_top, rows_height = height, rows * second + theme.pad
            bar, height = (theme.pad, chart_top, width - 2 * theme.pad, rows * second), height + rows_height
        return Parts(
            size_wh=(width, height),
            name=name,
            name_at=(left, theme.pad + round(theme.em * 1.04)),
            distance=distance,
            distance_at=(distance_x, theme.pad + round(theme.em * 1.04)),
            avatar=avatar,
            details=details,
            details_at=(left, second_top + round(theme.small * 1.04)),
            emotion=bar,
            bar_from=self._bar_from(emotion),
        )

    def _second_line(self, face: FaceResult) -> tuple[str, tuple[str, ...]]:
        """What stands below the name: details, and the words of emotions that need room."""
        if self._form == TAG:
            return "", ()
        emotion = face.attributes.get("emotion")
        words = () if emotion is None else tuple(emotion.scores) or (emotion.label,)
        return details_of(face), words

    def _avatar(self, face: FaceResult, thumbnails: bool, height: int) -> tuple[int, int, int] | None:
        if not thumbnails or self._form == TAG or face.match is None:
            return None
        inset = max(2, self._theme.pad // 2)
        return inset, inset, height - 2 * inset

    def _mark(self) -> int:
        """Room for the strip or sign in front of a name without a picture."""
        return round(0.35 * self._theme.em)

    def _name(self, state: State, face: FaceResult) -> str:
        if state is State.KNOWN:
            return self._text.fitted(face.match.identity, self._theme.em, BOLD, self._longest)
        if face.stranger is not None:
            return f"stranger {face.stranger.number}"
        return "unknown" if state is State.UNKNOWN else ""

    def _distance(self, face: FaceResult) -> str:
        if face.match is None or not np.isfinite(face.match.distance):
            return ""
        return f"{face.match.distance:.2f}"

    def _bar_from(self, words: Sequence[str]) -> int:
        widest = max((self._text.width(word, self._theme.small) for word in words), default=0)
        return widest + round(0.5 * self._theme.em)

    def _emotion_width(self, words: Sequence[str]) -> int:
        return self._bar_from(words) + round(EMOTION_BAR_EMS * self._theme.em)


def _weight(state: State) -> int:
    return BOLD if state is State.KNOWN else REGULAR


def _whole(box) -> Rect:
    return round(box.left), round(box.top), round(box.right), round(box.bottom)
