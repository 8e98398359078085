"""What somebody may ask for who is known here: everything about them, or that it is deleted; over the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse

from streamface.errors import GalleryError
from streamface.web.enrolling import NO_FOLDER
from streamface.web.models import Confirmed, TaskTold
from streamface.web.people_desk import NOT_FOLLOWED
from streamface.web.people_words import UnknownPerson, checked
from streamface.web.site import of
from streamface.web.traces import DONE, ERASURE, EXPORT, Task, Traces

router = APIRouter(tags=["rights"])
PART = 1 << 20
"""Bytes of an archive that are read at once."""
BUSY = "somebody else's traces are being looked for: wait until that is done"
Key = Annotated[str, InPath(max_length=40, description="of a task")]
ZIP = {200: {"content": {"application/zip": {}}}}


@router.post("/api/people/{name}/export", status_code=202, summary="Put everything about somebody into an archive")
def export(request: Request, name: str) -> TaskTold:
    """As `streamface gallery export`, beside the running stream. `GET /api/tasks/ID` tells how far it is."""
    return _begun(request, EXPORT, name)


@router.post("/api/people/{name}/erasure", status_code=202, summary="Delete every trace of somebody")
def erase(request: Request, name: str, confirmed: Confirmed) -> TaskTold:
    """As `streamface gallery remove`, and the running stream keeps nothing more of the person until they have left.

    The name is sent once more, as it was typed by whoever wants this. Then everything is looked for again.
    """
    if confirmed.name.strip() != name:
        raise HTTPException(409, "the name is not the same: nothing was deleted")
    return _begun(request, ERASURE, name)


@router.get("/api/tasks/{task}", summary="How far an export or an erasure is")
def task(request: Request, task: Key) -> TaskTold:
    """What was found and, after an erasure, what is left. Told for ten minutes after the end."""
    return _told(_found(request, task))


@router.get("/api/tasks/{task}/archive.zip", summary="What was exported", response_class=StreamingResponse,
            responses=ZIP)  # fmt: skip
def archive(request: Request, task: Key) -> StreamingResponse:
    """The archive, for ten minutes; it lies in no folder."""
    found = _found(request, task)
    if found.archive is None or found.state != DONE:
        raise HTTPException(409, "there is no archive (yet)")
    name = quote(f"{found.person}.zip", safe="")
    headers = {
        "content-disposition": f"attachment; filename=\"person.zip\"; filename*=UTF-8''{name}",
        "content-length": str(found.size),
    }
    return StreamingResponse(_parts(os.dup(found.archive.fileno())), media_type="application/zip", headers=headers)


def _begun(request: Request, kind: str, name: str) -> TaskTold:
    traces, identity = _traces(request), checked(name)
    known = of(request).enrolments.desk.known
    if identity in known.private:
        raise UnknownPerson(f"nobody here is named {identity}")
    if kind == ERASURE and known.follower is None:
        raise GalleryError(NOT_FOLLOWED)
    begun = traces.begin(kind, identity, of(request).views)
    if begun is None:
        raise HTTPException(429, BUSY, {"Retry-After": "10"})
    return _told(begun)


def _traces(request: Request) -> Traces:
    if of(request).traces is None:
        raise HTTPException(404, NO_FOLDER)
    return of(request).traces


def _found(request: Request, key: str) -> Task:
    found = _traces(request).find(key)
    if found is None:
        raise HTTPException(404, "there is no such task, or not any more")
    return found


def _told(found: Task) -> TaskTold:
    return TaskTold(
        id=found.id, kind=found.kind, state=found.state, looked_at=found.looked_at, pictures=found.pictures,
        problem=found.problem, found=found.found, left=found.left, unsearched=found.unsearched,
    )  # fmt: skip


def _parts(descriptor: int) -> Iterator[bytes]:
    """The content of an open file, which is closed at the end."""
    try:
        at = 0
        while part := os.pread(descriptor, PART, at):
            at += len(part)
            yield part
    finally:
        os.close(descriptor)
