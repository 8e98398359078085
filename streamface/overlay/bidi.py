"""The order in which the parts of a text with right-to-left letters are drawn.

A subset of the Unicode Bidirectional Algorithm (UAX #9) that names and labels need: the base direction from
the first strong letter, numbers inside right-to-left text, neutral characters, reordering of runs. Explicit
embedding marks are ignored; mirroring and joining of letters is left to the shaper.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

RIGHT_TO_LEFT = {"R", "AL"}
NUMBERS = {"EN", "AN"}


def levels(text: str) -> list[int]:
    """One level a character: even is drawn left to right, odd right to left; the lowest is the base direction."""
    kinds = [unicodedata.bidirectional(c) for c in text]
    base = next((k in RIGHT_TO_LEFT for k in kinds if k == "L" or k in RIGHT_TO_LEFT), False)
    found: list[int | None] = []
    strong = base
    for index, kind in enumerate(kinds):
        if kind == "L" or kind in RIGHT_TO_LEFT:
            strong = kind != "L"
            found.append(1 if strong else 2 * base)
        elif kind in NUMBERS:
            found.append(2 if strong or base else 0)
        elif kind == "NSM" and found:
            found.append(found[-1])
        elif kind in {"CS", "ES"} and _between_numbers(kinds, index):
            found.append(found[-1])
        else:
            found.append(None)
    return _neutrals_resolved(found, int(base))


def _between_numbers(kinds: Sequence[str], index: int) -> bool:
    return 0 < index < len(kinds) - 1 and kinds[index - 1] in NUMBERS and kinds[index + 1] in NUMBERS


def _neutrals_resolved(found: list[int | None], base: int) -> list[int]:
    """Neutral characters between two parts of one direction take it, others take the base direction."""
    resolved: list[int] = []
    for index, level in enumerate(found):
        if level is None:
            before = resolved[-1] if resolved else base
            after = next((v for v in found[index:] if v is not None), base)
            same = before == after or (base == 0 and min(before, after) >= 1)
            level = min(before, after) if same else base
        resolved.append(level)
    return resolved


def visual_order(run_levels: Sequence[int]) -> list[int]:
    """Indices of runs from left to right as drawn (rule L2 of UAX #9)."""
    order = list(range(len(run_levels)))
    for level in range(max(run_levels, default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and run_levels[order[end]] >= level:
                end += 1
            order[start:end] = order[start:end][::-1]
            start = max(end, start + 1)
    return order
