"""Enrolling somebody in view, over the API."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from streamface.web import guide
from streamface.web.enrolment import Enrolment, Enrolments, Refused
from streamface.web.models import Begin, EnrolmentTold, LikenessTold, Look, Save, Saved, TakenTold
from streamface.web.people_words import Likeness
from streamface.web.site import of

router = APIRouter(prefix="/api/enrolments", tags=["enrolment"])
COVERED = "the face is covered in the picture, so nothing can be learnt from it: send photographs instead"
NO_FOLDER = "there is no folder of people: start with --database DIR"


def enrolments(request: Request) -> Enrolments:
    """Those of the site; raises 404 without a folder of people."""
    if of(request).enrolments is None:
        raise HTTPException(404, NO_FOLDER)
    return of(request).enrolments


@router.post("", status_code=201, summary="Begin to take pictures of somebody in view")
def begin(request: Request, asked: Begin) -> EnrolmentTold:
    """From now on `look` takes pictures of this person; nothing is kept before `save`."""
    view = of(request).views.get(asked.camera)
    if view is None:
        raise HTTPException(404, "there is no such camera")
    if enrolments(request).covered:
        raise HTTPException(409, COVERED)
    made = enrolments(request).begin(view, asked.track)
    if made is None:
        raise HTTPException(429, "several people are being enrolled: end one of these first", {"Retry-After": "30"})
    return told(made)


@router.post("/{enrolment}/look", summary="Judge the newest picture, and take it when it is good")
def look(request: Request, enrolment: str, where: Look | None = None) -> EnrolmentTold:
    """What is to be done next. To be called a few times a second, for as long as somebody sits before the page."""
    found = _found(request, enrolment)
    found.look(where.track if where else None)
    return told(found)


@router.get("/{enrolment}", summary="How far it is")
def state(request: Request, enrolment: str) -> EnrolmentTold:
    """The pictures that were taken, and whom they resemble."""
    return told(_found(request, enrolment))


@router.get("/{enrolment}/pictures/{number}.jpg", summary="A picture that was taken", response_class=Response,
            responses={200: {"content": {"image/jpeg": {}}}})  # fmt: skip
def picture(request: Request, enrolment: str, number: int) -> Response:
    """The picture as it will be kept."""
    for taken in _found(request, enrolment).taken:
        if taken.number == number:
            return Response(taken.picture.data, media_type="image/jpeg")
    raise HTTPException(404, "there is no such picture")


@router.delete("/{enrolment}/pictures/{number}", summary="Leave a picture out")
def drop(request: Request, enrolment: str, number: int) -> EnrolmentTold:
    """Another one is taken in its place."""
    found = _found(request, enrolment)
    if not found.drop(number):
        raise HTTPException(404, "there is no such picture")
    return told(found)


@router.post("/{enrolment}/save", summary="Keep the pictures under a name",
             responses={409: {"description": "the face is somebody else's, or no picture was taken yet"}})  # fmt: skip
def save(request: Request, enrolment: str, who: Save) -> Saved:
    """The person is in the folder and in the store, and named in the next frame."""
    found = _found(request, enrolment)
    try:
        name, keys = found.save(who.name, who.anyway)
    except Refused as refused:
        likeness = likeness_told(refused.likeness)
        raise HTTPException(
            409, {"message": str(refused), "likeness": likeness.model_dump() if likeness else None}
        ) from refused
    enrolments(request).end(enrolment)
    return Saved(name=name, pictures=keys)


@router.delete("/{enrolment}", summary="End without keeping anything", status_code=204)
def cancel(request: Request, enrolment: str) -> None:
    """The pictures that were taken are forgotten."""
    _found(request, enrolment)
    enrolments(request).end(enrolment)


def told(one: Enrolment) -> EnrolmentTold:
    """An enrolment for the page."""
    return EnrolmentTold(
        id=one.id,
        camera=one.camera,
        track=one.track,
        hint=one.hint,
        text=guide.HINTS[one.hint],
        pictures=[TakenTold(number=t.number, kind=t.kind, quality=round(t.quality, 3)) for t in one.taken],
        wanted=one.wanted,
        likeness=likeness_told(one.likeness),
    )


def likeness_told(found: Likeness | None) -> LikenessTold | None:
    """A likeness for the page."""
    if found is None:
        return None
    return LikenessTold(
        person=found.person, distance=round(found.distance, 4), limit=round(found.limit, 4), is_same=found.is_same
    )


def _found(request: Request, enrolment: str) -> Enrolment:
    found = enrolments(request).find(enrolment)
    if found is None:
        raise HTTPException(404, "this enrolment is over: begin another one")
    return found
