"""The people who are known, over the API."""

from __future__ import annotations

from typing import Annotated

import cv2
from fastapi import APIRouter, HTTPException, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from streamface.errors import ImageError
from streamface.gallery.base import Row
from streamface.gallery.embedding_file import SUFFIX
from streamface.gallery.examine import POOR
from streamface.strangers import snapshot
from streamface.web import uploads
from streamface.web.enrolling import COVERED, NO_FOLDER
from streamface.web.enrolment import face_of
from streamface.web.models import (
    MergeInto,
    NewName,
    NotThisPerson,
    PersonInFull,
    PersonTold,
    PictureTold,
    UploadedTold,
)  # fmt: skip
from streamface.web.people_desk import PeopleDesk
from streamface.web.people_words import DID_NOT_CONSENT, Picture, UnknownPerson, checked, key_of
from streamface.web.site import of
from streamface.web.visits import book

router = APIRouter(prefix="/api/people", tags=["people"])
SIGHT_S = 2.0
"""How long a face in view is waited for."""
MULTIPART = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "maxItems": uploads.MOST_FILES,
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                }
            }
        },
    }
}


def desk(request: Request) -> PeopleDesk:
    """The people of the site; raises 404 without a folder of people."""
    if of(request).enrolments is None:
        raise HTTPException(404, NO_FOLDER)
    return of(request).enrolments.desk


@router.get("", summary="Everybody who is known")
def people(
    request: Request,
    search: Annotated[str, Query(max_length=200, description="part of the name")] = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 500,
) -> list[PersonTold]:
    """Names in order, with how many pictures each has; those of people who did not consent are left out."""
    counts, part = desk(request).counts(), search.casefold()
    against: dict[str, int] = {}
    for row in desk(request).known.gallery.counters:
        against[row.photo.identity] = against.get(row.photo.identity, 0) + 1
    found = [(name, count) for name, count in counts.items() if part in name.casefold()]
    return [PersonTold(name=n, pictures=count, counter_examples=against.get(n, 0)) for n, count in found[:limit]]


@router.get("/{name}", summary="One person")
def person(request: Request, name: str) -> PersonInFull:
    """Every picture of somebody, and of whom it is not."""
    pictures, counters = desk(request).pictures(name), desk(request).counters(name)
    if not pictures:
        raise UnknownPerson(f"nobody here is named {name}")
    return PersonInFull(name=name, pictures=_told(pictures), counter_examples=_told(counters))


@router.get("/{name}/pictures/{key}.jpg", summary="The face in a picture", response_class=Response,
            responses={200: {"content": {"image/jpeg": {}}}})  # fmt: skip
def picture(
    request: Request, name: str, key: str, size: Annotated[int, Query(ge=16, le=640, description="pixels")] = 160
) -> Response:
    """The face in a picture of a person, or in a counter-example, as a square."""
    row = {**desk(request).pictures(name), **desk(request).counters(name)}.get(key)
    face = None if row is None else desk(request).face(row, size)
    if face is None:
        raise HTTPException(404, "there is no such picture")
    return Response(cv2.imencode(".jpg", face)[1].tobytes(), media_type="image/jpeg")


@router.post("/{name}/pictures", summary="Send pictures of somebody, known or new", openapi_extra=MULTIPART)
async def upload(
    request: Request,
    name: str,
    anyway: Annotated[bool, Query(description="also pictures that show another known person")] = False,
) -> list[UploadedTold]:
    """What became of each file; those with one clear face are in use at once."""
    people, identity = desk(request), checked(name)
    async with request.form(max_files=uploads.MOST_FILES, max_fields=10) as form:
        files = [part for part in form.getlist("files") if isinstance(part, UploadFile)]
        if not files:
            raise HTTPException(422, "send one or more pictures as 'files'")
        sent = [(file.filename or "picture", await file.read(uploads.FILE_LIMIT + 1)) for file in files]
    return await run_in_threadpool(_take, people, identity, sent, anyway)


@router.patch("/{name}", summary="Call somebody otherwise")
def rename(request: Request, name: str, to: NewName) -> PersonTold:
    """The folder, the gallery and the visits have the new name from now on."""
    people = desk(request)
    new = people.rename(name, to.name)
    _rename_visits(request, name, new)
    return PersonTold(name=new, pictures=len(people.pictures(new)), counter_examples=len(people.counters(new)))


@router.post("/{name}/merge", summary="Two names of one person become one")
def merge(request: Request, name: str, whom: MergeInto) -> PersonTold:
    """All pictures and visits are those of the other name from now on."""
    people = desk(request)
    people.merge(name, whom.into)
    _rename_visits(request, name, whom.into)
    into = whom.into
    return PersonTold(name=into, pictures=len(people.pictures(into)), counter_examples=len(people.counters(into)))


@router.delete("/{name}", summary="Forget somebody's face", status_code=204)
def remove(request: Request, name: str) -> None:
    """Pictures, counter-examples and embeddings are deleted; visits and recordings stay."""
    desk(request).remove(name)


@router.delete("/{name}/pictures/{key}", summary="Delete one picture or counter-example", status_code=204)
def remove_picture(request: Request, name: str, key: str) -> None:
    """A person without any picture left is no longer known."""
    desk(request).remove_picture(name, key)


@router.post("/{name}/not", summary="This is not that person", status_code=204)
async def not_this_person(request: Request, name: str, who: NotThisPerson) -> None:
    """The picture becomes a counter-example: a face nearer to it than to all of the person's own does not get the name.

    One of `picture`, `visit`, or `camera` and `track`. Somebody who is in view loses the name with the next frame and
    for the rest of the visit, whether or not the picture can be kept.
    """
    people = desk(request)
    await run_in_threadpool(people.check_known, name)
    if who.picture is not None:
        await run_in_threadpool(people.turn_into_counter, name, who.picture)
        return
    _deny(request, name, who)
    data = await _shown(request, who)
    try:
        made = await run_in_threadpool(people.encoded, data)
    except ImageError as error:
        raise HTTPException(409, f"the face is not seen well enough ({error})") from error
    finally:
        people.rest()
    await run_in_threadpool(people.add_counter, name, made)


def _deny(request: Request, name: str, who: NotThisPerson) -> None:
    """Tell the running stream at once, if it is somebody who is there now."""
    camera, track = who.camera, who.track
    if who.visit is not None:
        found = book(request).visit(who.visit)
        camera, track = (found["camera"], found["track"]) if found and not found["over"] else (None, None)
    if camera in of(request).views and track is not None:
        desk(request).known.deny(camera, track, name)


async def _shown(request: Request, who: NotThisPerson) -> bytes:
    """The picture of a visit, or of a face in view."""
    if who.visit is not None:
        found = book(request).visit(who.visit)
        path = book(request).picture(found) if found else None
        if path is None:
            raise HTTPException(404, "there is no picture of this visit")
        return await run_in_threadpool(path.read_bytes)
    view = of(request).views.get(who.camera or "")
    if view is None or who.track is None:
        raise HTTPException(422, "say who it is: 'camera' and 'track', 'visit' or 'picture'")
    newest, waited = view.newest, 0
    while face_of(newest, who.track) is None and waited < 10:
        newest, waited = await view.next(newest.version, SIGHT_S / 10), waited + 1
    face = face_of(newest, who.track)
    if face is None:
        raise HTTPException(409, "the face is not in view now: try again")
    if face.covered:
        raise HTTPException(409, COVERED)
    shot = snapshot(newest.result.frame.image, face.track.detection.box, face.quality or 0.0)
    if shot is None:
        raise HTTPException(409, "the face is not in view now: try again")
    return shot.jpeg()


def _take(people: PeopleDesk, identity: str, sent: list[tuple[str, bytes]], anyway: bool) -> list[UploadedTold]:
    told, taken = [], []
    for name, data in sent:
        try:
            made = people.encoded(uploads.as_jpeg(data))
        except ImageError as error:
            told.append(UploadedTold(file=name, key=None, problem=str(error), remark=None))
            continue
        problem, remark = _objection(people, identity, made)
        if problem is None or (anyway and problem != DID_NOT_CONSENT):
            taken.append((len(told), made))
            problem, remark = None, remark or problem
        told.append(UploadedTold(file=name, key=None, problem=problem, remark=remark))
    people.rest()
    keys = people.add(identity, [made for _, made in taken]) if taken else []
    for (place, _), key in zip(taken, keys, strict=True):
        told[place].key = key
    return told


def _objection(people: PeopleDesk, identity: str, made: Picture) -> tuple[str | None, str | None]:
    """Why a picture is better not taken, and what is to be said of it."""
    found = people.likeness(made.row.vector)
    if found is not None and found.is_unnamed and found.is_same:
        return DID_NOT_CONSENT, None
    if found is not None and found.person != identity:
        if found.is_same:
            return f"it shows {found.called} ({found.far})", None
        return None, f"close to {found.called} ({found.far}): the two may be taken for each other"
    own = people.distance_to(identity, made.row.vector)
    if own is not None and own > people.limits.alike:
        return None, f"it does not look like the other pictures of {identity} (distance {own:.3f})"
    return None, "a poor picture: a larger, sharper one names better" if made.row.quality < POOR else None


def _rename_visits(request: Request, old: str, new: str) -> None:
    if of(request).visits is not None and old != new:
        of(request).visits.rename(old, new)


def _told(rows: dict[str, Row]) -> list[PictureTold]:
    return [
        PictureTold(key=key_of(row), quality=round(row.quality, 3), has_picture=not row.photo.path.endswith(SUFFIX))
        for row in rows.values()
    ]
