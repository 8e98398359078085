"""The pictures of a folder by column: a million of them as a few arrays instead of a million objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from streamface.gallery.base import Photo


class Strings(Sequence):
    """Texts one after another in one block of bytes, each ended by a zero; made into `str` when asked for.

    block is uint8, such as a part of a file mapped into memory.
    """

    def __init__(self, block: np.ndarray) -> None:
        self.block = block
        self._ends = np.flatnonzero(block == 0)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Strings:
        """`texts`, none of which may hold a zero character."""
        return cls(np.frombuffer("\0".join([*texts, ""]).encode("utf-8", "surrogatepass"), np.uint8))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        start = int(self._ends[index - 1]) + 1 if index else 0
        return self.block[start : int(self._ends[index])].tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        return iter(self.block.tobytes().decode("utf-8", "surrogatepass").split("\0")[:-1])


class _Picked(Sequence):
    """Some of a sequence's texts."""

    def __init__(self, texts: Sequence[str], places: np.ndarray) -> None:
        self._texts, self._places = texts, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> str:
        return self._texts[int(self._places[index])]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """N pictures of P people, ordered by person and path; the columns of `base.Photo`."""

    paths: Sequence[str]
    names: Sequence[str]
    """Of the people, each once, in order."""
    starts: np.ndarray
    """(P + 1,) int64: the pictures of person p are those from starts[p] to before starts[p + 1]."""
    sizes: np.ndarray
    mtimes_ns: np.ndarray
    counters: tuple[Photo, ...] = ()
    """Pictures of whom somebody is not (`counter_examples`), in order, not among the N."""

    @classmethod
    def of(cls, photos: Sequence[Photo]) -> Pictures:
        """`photos`, which are in order."""
        names = list(dict.fromkeys(photo.identity for photo in photos))
        number = {name: i for i, name in enumerate(names)}
        counts = np.bincount([number[photo.identity] for photo in photos] or [0], minlength=len(names))[: len(names)]
        sizes, mtimes = ([getattr(photo, name) for photo in photos] for name in ("size", "mtime_ns"))
        starts = np.append(0, np.cumsum(counts, dtype=np.int64)).astype(np.int64)
        return cls([p.path for p in photos], names, starts, np.array(sizes, np.int64), np.array(mtimes, np.int64))

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[Photo]:
        return (Photo(*columns) for columns in zip(self.paths, *self.columns(), strict=True))

    def columns(self) -> tuple[list[str], list[int], list[int]]:
        """Identity, size and time of each picture."""
        identities = np.repeat(np.array(list(self.names), object), np.diff(self.starts))
        return identities.tolist(), self.sizes.tolist(), self.mtimes_ns.tolist()

    def person(self, index: int) -> int:
        """Number of the person on a picture."""
        return int(np.searchsorted(self.starts, index, "right")) - 1

    def identity(self, index: int) -> str:
        """Name of the person on a picture."""
        return self.names[self.person(index)]

    def photo(self, index: int) -> Photo:
        """One picture."""
        size, mtime = int(self.sizes[index]), int(self.mtimes_ns[index])
        return Photo(self.paths[index], self.identity(index), size, mtime)

    def picked(self, mask: np.ndarray) -> Pictures:
        """Those where (N,) bool `mask` is true; people without a picture stay in `names`."""
        if mask.all():
            return self
        starts = np.append(0, np.cumsum(mask, dtype=np.int64))[self.starts]
        paths = _Picked(self.paths, np.flatnonzero(mask))
        return replace(self, paths=paths, starts=starts, sizes=self.sizes[mask], mtimes_ns=self.mtimes_ns[mask])

    def packed(self) -> Pictures:
        """The same with their texts as `Strings`."""
        return replace(self, paths=_packed(self.paths), names=_packed(self.names))

    def same(self, other: Pictures) -> bool:
        """True when the files have not changed between the two, and the people are called the same."""
        mine, theirs = self.packed(), other.packed()
        pairs = [(getattr(mine, name), getattr(theirs, name)) for name in ("sizes", "mtimes_ns", "starts")]
        pairs += [(mine.paths.block, theirs.paths.block), (mine.names.block, theirs.names.block)]
        return self.counters == other.counters and all(np.array_equal(a, b) for a, b in pairs)


def _packed(texts: Sequence[str]) -> Strings:
    return texts if isinstance(texts, Strings) else Strings.of(texts)
