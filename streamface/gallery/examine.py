"""Finding what is wrong with a folder of people: mixed up, twice there, too poor, too alike."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from streamface.errors import ImageError
from streamface.gallery.base import Row
from streamface.gallery.distances import between
from streamface.gallery.support import Support, supported
from streamface.gallery.thumbnails import square_crop
from streamface.images import read_image
from streamface.types import Box

POOR = 0.25
"""Quality below which a picture is left out better: of the pairs of one person on lfw_dev with such a picture 74 % are
within the threshold, of the others 92 %."""
BLURRED = 0.085
"""Fine detail of a face, against its contrast, below which a picture is blurred: all of 120 pictures of lfw_dev have
more, and 99 % of them have less after a Gaussian blur of 4 pixels on faces 90 pixels wide."""
DETAIL_PX = 64
"""Side of the face at which detail is measured."""
SAME_SHARE = 0.5
"""Two folders show one person when so many of the pairs across them look alike."""
COPY_PART = 0.35
"""Part of the threshold within which two faces may be one photograph, in two sizes or files."""
COPY_LIKENESS = 0.9
"""Correlation of two faces' grey values from which on they are one photograph: 0.96 for one made smaller and coded
anew, up to 0.66 for two photographs of one person."""
COPY_PX = 32
CHUNK = 2048
"""Pictures compared with all others at once: 80 MB for 10,000."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as alike."""

    metric: str
    naming: float
    """The threshold for names."""
    alike: float
    """The balanced threshold for yes or no on two pictures, which is wider."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A picture that does not look like the others of its person."""

    identity: str
    path: str
    looks_like: str | None
    """Another person whom it does look like."""
    distance: float
    """To the nearest other picture of its own person."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Two people who look alike."""

    one: str
    other: str
    distance: float
    """Of the nearest pictures."""
    paths: tuple[str, str]
    """The nearest pictures."""
    share: float
    """Part of all pairs of pictures that are within the threshold for names."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Pictures that are one and the same."""

    paths: tuple[str, ...]
    same_bytes: bool
    """False for one photograph in other sizes or files."""


@dataclass(frozen=True, slots=True)
class Poor:
    """A picture that is used and should not be."""

    path: str
    quality: float
    """0..1: size, sharpness, pose and light together."""
    blurred: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was found."""

    odd: tuple[Odd, ...]
    one_in_two: tuple[Alike, ...]
    too_alike: tuple[Alike, ...]
    copies: tuple[Copies, ...]
    poor: tuple[Poor, ...]
    support: Support

    @property
    def faults(self) -> int:
        """How many things there are to mend."""
        return sum(map(len, (self.odd, self.one_in_two, self.too_alike, self.copies, self.poor)))


def examine(folder: Path, rows: Sequence[Row], limits: Limits) -> Findings:
    """Look at the usable pictures of a folder, ordered by person."""
    people: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        people[row.photo.identity].append(index)
    vectors = np.stack([row.vector for row in rows]) if rows else np.zeros((0, 1), np.float32)
    faces = _Faces(folder, rows)
    copies, repeated = _copies(faces, vectors, limits)
    odd = {index: far for own in people.values() for index, far in _odd(vectors, own, limits)}
    alike, nearest = _across(rows, vectors, people, limits, set(odd))
    one_in_two = tuple(pair for pair in alike if pair.share >= SAME_SHARE)
    too_alike = tuple(pair for pair in alike if pair.share < SAME_SHARE)
    told = tuple(
        Odd(rows[i].photo.identity, rows[i].photo.path, nearest.get(i), round(far, 4)) for i, far in odd.items()
    )
    poor = tuple(
        Poor(row.photo.path, round(row.quality, 3), blurred)
        for index, row in enumerate(rows)
        if (blurred := faces.blurred(index)) or row.quality < POOR
    )
    clean = {name: [i for i in own if i not in odd and i not in repeated] for name, own in people.items()}
    mixed = {frozenset((pair.one, pair.other)) for pair in one_in_two}
    return Findings(told, one_in_two, too_alike, copies, poor, supported(vectors, clean, mixed, limits.metric))


def _odd(vectors: np.ndarray, own: Sequence[int], limits: Limits) -> Iterator[tuple[int, float]]:
    """Pictures of one person that hang together with fewer others than most do, and how far they are from them."""
    if len(own) < 2:
        return
    far = between(vectors[own], vectors[own], limits.metric)
    count, group = connected_components(csr_array(far <= limits.alike), directed=False)
    if count == 1:
        return
    sizes = np.bincount(group)
    main = int(sizes.argmax()) if (sizes == sizes.max()).sum() == 1 else -1
    for place, index in enumerate(own):
        if group[place] != main:
            yield index, float(far[place][group != group[place]].min())


def _across(
    rows: Sequence[Row], vectors: np.ndarray, people: Mapping[str, list[int]], limits: Limits, odd: set[int]
) -> tuple[list[Alike], dict[int, str]]:
    """Pairs of people with pictures that look alike; and whom each odd picture looks like."""
    names = np.array([row.photo.identity for row in rows], object)
    number = np.unique(names, return_inverse=True)[1] if len(rows) else np.zeros(0, int)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    best: dict[tuple[str, str], tuple[float, int, int]] = {}
    looks: dict[int, tuple[float, str]] = {}
    for start in range(0, len(rows), CHUNK):
        far = between(vectors[start : start + CHUNK], vectors, limits.metric)
        far[number[start : start + CHUNK, None] == number[None]] = np.inf
        for i, j in zip(*np.nonzero(far <= limits.naming), strict=True):
            one, other, distance = start + int(i), int(j), float(far[i, j])
            if one in odd:
                if other not in odd:
                    looks[one] = min(looks.get(one, (np.inf, "")), (distance, names[other]))
            elif other not in odd and one < other:
                pair = (names[one], names[other])
                counts[pair] += 1
                best[pair] = min(best.get(pair, (np.inf, 0, 0)), (distance, one, other))
    size = {name: sum(index not in odd for index in own) for name, own in people.items()}
    alike = [
        Alike(*pair, round(far, 4), (rows[i].photo.path, rows[j].photo.path),
              round(counts[pair] / (size[pair[0]] * size[pair[1]]), 3))
        for pair, (far, i, j) in sorted(best.items(), key=lambda entry: entry[1])
    ]  # fmt: skip
    return alike, {index: name for index, (_, name) in looks.items()}


def _copies(faces: _Faces, vectors: np.ndarray, limits: Limits) -> tuple[tuple[Copies, ...], set[int]]:
    """Groups of pictures that are the same, and all but the first of each group."""
    rows, exact = faces.rows, _same_bytes(faces.folder, faces.rows)
    first = {index: group[0] for group in exact for index in group}
    found = [Copies(tuple(rows[i].photo.path for i in group), True) for group in exact]
    pairs = []
    for start in range(0, len(rows), CHUNK):
        far = between(vectors[start : start + CHUNK], vectors, limits.metric)
        near = np.argwhere(far <= COPY_PART * limits.naming)
        pairs += [(start + int(i), int(j)) for i, j in near if start + i < j]
    pairs = [(i, j) for i, j in pairs if first.get(i, i) == i and first.get(j, j) == j and faces.same(i, j)]
    repeated = {index for group in exact for index in group[1:]}
    for group in _joined(pairs):
        found.append(Copies(tuple(rows[i].photo.path for i in group), False))
        repeated |= set(group[1:])
    return tuple(found), repeated


def _same_bytes(folder: Path, rows: Sequence[Row]) -> list[list[int]]:
    by_size: dict[int, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        by_size[row.photo.size].append(index)
    groups: dict[bytes, list[int]] = defaultdict(list)
    for own in by_size.values():
        for index in own if len(own) > 1 else ():
            try:
                groups[hashlib.sha256((folder / rows[index].photo.path).read_bytes()).digest()].append(index)
            except OSError:  # deleted meanwhile
                continue
    return [group for group in groups.values() if len(group) > 1]


def _joined(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Groups of what is joined by pairs."""
    groups: dict[int, set[int]] = {}
    for i, j in pairs:
        whole = groups.get(i, {i}) | groups.get(j, {j})
        groups |= dict.fromkeys(whole, whole)
    return [sorted(group) for group in {id(group): group for group in groups.values()}.values()]


class _Faces:
    """What the pictures themselves tell: blur, and whether two are one photograph in two sizes; each is read once."""

    def __init__(self, folder: Path, rows: Sequence[Row]) -> None:
        self.folder, self.rows = folder, rows
        self._kept: dict[int, tuple[np.ndarray, float] | None] = {}

    def same(self, i: int, j: int) -> bool:
        a, b = self._looked(i), self._looked(j)
        return a is not None and b is not None and float((a[0] * b[0]).mean()) >= COPY_LIKENESS

    def blurred(self, index: int) -> bool:
        looked = self._looked(index)
        return looked is not None and looked[1] < BLURRED

    def _looked(self, index: int) -> tuple[np.ndarray, float] | None:
        """(COPY_PX, COPY_PX) grey values of mean 0 and deviation 1, and the detail; None where there is no picture."""
        if index not in self._kept:
            try:
                image = read_image(self.folder / self.rows[index].photo.path)
                self._kept[index] = _likeness(image, self.rows[index].box), _detail(image, self.rows[index].box)
            except (ImageError, OSError):  # deleted meanwhile, or an embedding without a picture
                self._kept[index] = None
        return self._kept[index]


def _likeness(image: np.ndarray, box: Box) -> np.ndarray:
    grey = cv2.cvtColor(square_crop(image, box, COPY_PX), cv2.COLOR_BGR2GRAY).astype(np.float32)
    return (grey - grey.mean()) / max(float(grey.std()), 1e-6)


def _detail(image: np.ndarray, box: Box) -> float:
    """How much a face changes by a slight blur, against its contrast."""
    grey = cv2.cvtColor(square_crop(image, box.padded(-0.15), DETAIL_PX), cv2.COLOR_BGR2GRAY).astype(np.float32)
    return float((grey - cv2.GaussianBlur(grey, (0, 0), 1.0)).std()) / max(float(grey.std()), 8.0)
