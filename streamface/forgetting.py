"""People of whom every trace is being deleted: they are told no more, in results that were on their way neither."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from streamface.types import FaceResult, FrameResult, Match


def without(result: FrameResult, erased: Collection[str]) -> FrameResult:
    """The result without these people's names; it says whose traces no output may keep."""
    if not erased:
        return result
    faces = tuple(_nobody(face) if _is_one_of(face, erased) else face for face in result.faces)
    return replace(result, faces=faces, erased=frozenset(erased))


def _is_one_of(face: FaceResult, people: Collection[str]) -> bool:
    return face.match is not None and face.match.identity in people


def _nobody(face: FaceResult) -> FaceResult:
    match = Match(None, float("inf"), face.match.metric, face.match.threshold)
    return replace(face, match=match, stranger=None, latest=None, unrecorded=True)
