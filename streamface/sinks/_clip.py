"""When a recording runs: always, or while somebody is in view and some seconds around it."""

from __future__ import annotations

from streamface.types import FaceResult, FrameResult

CLIP_ON = ("person", "named", "stranger")


class ClipTrigger:
    """Tells for each frame whether a clip runs.

    Args:
        clip_on: 'person': anybody in view; 'named': somebody with a name; 'stranger': somebody who was looked at and
            has none.
        after_s: seconds for which the clip goes on after the last frame with such a person.
    """

    def __init__(self, clip_on: str, after_s: float) -> None:
        self._clip_on, self._after_s = clip_on, after_s
        self._until = float("-inf")

    def runs(self, result: FrameResult, now: float) -> bool:
        """Whether the frame at `now`, in seconds, belongs to a clip."""
        if any(self._counts(face) for face in result.faces):
            self._until = now + self._after_s
            return True
        return now < self._until

    def _counts(self, face: FaceResult) -> bool:
        if face.track.missed or not face.track.confirmed:
            return False
        if self._clip_on == "person":
            return True
        return face.match is not None and (face.match.identity is not None) == (self._clip_on == "named")
