"""Which threshold a gallery's own pictures support, and on how much that rests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from streamface.gallery.distances import between, distance

RATES = (1e-4, 1e-3, 1e-2)
"""False match rates, the strictest that the data allow is taken."""
ERRORS = 30
"""Expected false matches in the data for a rate to be told from it, and genuine pairs for the share accepted: with 30
errors the true rate lies within 30 % with 90 % confidence (the rule of 30; Doddington et al., "The NIST speaker
recognition evaluation", Speech Communication 31, 2000)."""
PEOPLE = 10
"""Fewer people say nothing about others, however many pictures there are of each."""
MOST_PAIRS = 4_000_000
"""Impostor pairs looked at; of more, so many are drawn at random."""


@dataclass(frozen=True, slots=True)
class Support:
    """The threshold that fits these people, or why there is none."""

    people: int
    genuine: int
    """Pairs of pictures of one person."""
    impostor: int
    """Pairs of pictures of two people."""
    needed: int
    """Impostor pairs that the mildest rate would take."""
    rate: float | None = None
    """False matches in so many comparisons, at `threshold`; None where there are too few pairs."""
    threshold: float | None = None
    accepted: float | None = None
    """Part of the genuine pairs within `threshold`; None where there are too few."""


def supported(
    vectors: np.ndarray, people: Mapping[str, Sequence[int]], mixed: Collection[frozenset[str]], metric: str
) -> Support:
    """Measure it on (N, D) embeddings, given the rows of each person; `mixed` pairs of people are not compared."""
    people = {name: own for name, own in people.items() if own}
    genuine = _genuine(vectors, people, metric)
    impostor = _impostor(vectors, people, mixed, metric)
    needed = round(ERRORS / RATES[-1])
    counts = len(people), len(genuine), len(impostor), needed
    rates = [rate for rate in RATES if len(impostor) >= ERRORS / rate]
    if not rates or len(people) < PEOPLE:
        return Support(*counts)
    threshold = float(np.partition(impostor, int(rates[0] * len(impostor)))[int(rates[0] * len(impostor))])
    accepted = float(np.mean(genuine <= threshold)) if len(genuine) >= ERRORS else None
    return Support(*counts, rates[0], threshold, accepted)


def _genuine(vectors: np.ndarray, people: Mapping[str, Sequence[int]], metric: str) -> np.ndarray:
    parts = [np.zeros(0, np.float32)]
    for own in people.values():
        if len(own) > 1:
            far = between(vectors[list(own)], vectors[list(own)], metric)
            parts.append(far[np.triu_indices(len(own), 1)])
    return np.concatenate(parts)


def _impostor(
    vectors: np.ndarray, people: Mapping[str, Sequence[int]], mixed: Collection[frozenset[str]], metric: str
) -> np.ndarray:
    names, rows = list(people), [index for own in people.values() for index in own]
    owner = np.repeat(np.arange(len(names)), [len(own) for own in people.values()])
    count = len(rows)
    if count * (count - 1) // 2 <= MOST_PAIRS:
        i, j = np.triu_indices(count, 1)
    else:
        i, j = np.random.default_rng(0).integers(0, count, (2, MOST_PAIRS))
    other = owner[i] != owner[j]
    i, j = i[other], j[other]
    if mixed:
        place = {name: number for number, name in enumerate(names)}
        codes = {tuple(sorted(place[name] for name in pair)) for pair in mixed if pair <= place.keys()}
        low, high = np.minimum(owner[i], owner[j]), np.maximum(owner[i], owner[j])
        keep = ~np.isin(low * len(names) + high, [a * len(names) + b for a, b in codes])
        i, j = i[keep], j[keep]
    index = np.array(rows, int)
    step = 100_000
    parts = [
        distance(vectors[index[i[k : k + step]]], vectors[index[j[k : k + step]]], metric)
        for k in range(0, len(i), step)
    ]
    return np.concatenate([np.zeros(0), *parts])
