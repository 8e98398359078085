"""What somebody who is being enrolled should do next, from one view of the face."""

from __future__ import annotations

from collections.abc import Collection

from streamface.alignment import ViewParts

STRAIGHT, LEFT, RIGHT = "straight", "left", "right"
WANTED = {STRAIGHT: 2, LEFT: 1, RIGHT: 1}
"""Pictures of each kind; left and right are the person's own."""
LEAST_SIZE, LEAST_SIZE_TURNED = 0.7, 0.5
"""Of `ViewParts.size`; eyes that are turned by 45 degrees are seen so much nearer together."""
LEAST_SHARPNESS = 0.4
LEAST_LIGHT, DARK = 0.7, 0.4
"""Least of `ViewParts.light`; below `DARK` in brightness more light is wanted, above it less."""
STRAIGHT_TURN, LEAST_TURN, MOST_TURN = 0.10, 0.14, 0.50
"""Of `alignment.turn`: up to the first the person looks straight, between the others turned by a good measure, 20 to
45 degrees. From `python -m benchmarks.guide`: up to 0.10 views of one person are accepted as often as those from the
front, to 0.50 nearly, beyond in one case of three; the measure of somebody who looks straight varies by 0.02."""

GONE, NEARER, LIGHT, LESS_LIGHT, STILL = "gone", "nearer", "more light", "less light", "hold still"
LOOK_STRAIGHT, TURN_LEFT, TURN_RIGHT, LESS_TURN = "look straight", "turn left", "turn right", "less turned"
OTHER, COVERED, DONE = "somebody else", "covered", "done"
HINTS = {
    GONE: "The face is not in view: come back, or cancel and choose it again.",
    NEARER: "Come nearer.",
    LIGHT: "More light on the face.",
    LESS_LIGHT: "Less light on the face.",
    STILL: "Hold still.",
    LOOK_STRAIGHT: "Look straight at the camera.",
    TURN_LEFT: "Turn the head a little to your left.",
    TURN_RIGHT: "Turn the head a little to your right.",
    LESS_TURN: "Not quite so far.",
    OTHER: "This looks like somebody else: cancel, and choose the face again.",
    COVERED: "The face is covered, so no picture can be taken of it. If it stays covered, send photographs instead.",
    DONE: "That is enough.",
}
"""Hint -> what the page says."""
ASKED = {STRAIGHT: LOOK_STRAIGHT, LEFT: TURN_LEFT, RIGHT: TURN_RIGHT}


def still_wanted(taken: Collection[str], can_turn: bool = True) -> list[str]:
    """Kinds of which pictures are missing, in the order of asking; only straight ones where turns cannot be seen."""
    kinds = WANTED if can_turn else (STRAIGHT,)
    return [kind for kind in kinds if list(taken).count(kind) < WANTED[kind]]


def judged(parts: ViewParts, turn: float | None, wanted: Collection[str]) -> tuple[str | None, str]:
    """(kind, hint): what a view is good for, None for nothing, and what to do.

    turn as `alignment.turn` gives it; wanted as `still_wanted`.
    """
    if not wanted:
        return None, DONE
    kind, asked = _kind(turn), ASKED[next(iter(wanted))]
    if parts.size < (LEAST_SIZE if kind == STRAIGHT else LEAST_SIZE_TURNED):
        return None, NEARER
    if parts.light < LEAST_LIGHT:
        return None, LIGHT if parts.brightness < DARK else LESS_LIGHT
    if turn is not None and abs(turn) > MOST_TURN and asked != LOOK_STRAIGHT:
        return None, LESS_TURN
    if kind not in wanted:
        return None, asked
    return (None, STILL) if parts.sharpness < LEAST_SHARPNESS else (kind, asked)


def _kind(turn: float | None) -> str | None:
    if turn is None or abs(turn) <= STRAIGHT_TURN:
        return STRAIGHT
    if LEAST_TURN <= abs(turn) <= MOST_TURN:
        return LEFT if turn > 0 else RIGHT
    return None
