import pytest

from streamface.overlay.bidi import levels, visual_order


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("ab 1", [0, 0, 0, 0]),
        ("אב", [1, 1]),
        ("אב 12", [1, 1, 1, 2, 2]),  # a number in Hebrew runs from left to right
        ("אב 1.2", [1, 1, 1, 2, 2, 2]),  # ... its point with it
        ("א a", [1, 1, 2]),  # Latin in a Hebrew line
        ("a א", [0, 0, 1]),  # the blank between two directions is of the line's
        ("a א ב c", [0, 0, 1, 1, 1, 0, 0]),  # the blank between two Hebrew letters is theirs
        ("(א)", [1, 1, 1]),
        ("نور", [1, 1, 1]),
        ("e\u0301", [0, 0]),
    ],
)
def test_levels(text, expected):
    assert levels(text) == expected


@pytest.mark.parametrize(
    ("runs", "order"),
    [
        ([], []),
        ([0], [0]),
        ([0, 1, 0], [0, 1, 2]),
        ([1, 2], [1, 0]),
        ([1, 2, 1], [2, 1, 0]),
        ([0, 1, 2, 1], [0, 3, 2, 1]),
    ],
)
def test_visual_order(runs, order):
    assert visual_order(runs) == order
