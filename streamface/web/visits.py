"""The latest visits, with their pictures."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from starlette.responses import FileResponse

from streamface.sinks.event_output import utc
from streamface.sinks.visit_log import Wanted
from streamface.web.site import of
from streamface.web.visit_book import VisitBook

router = APIRouter(prefix="/api/visits", tags=["visits"])
PAGE = 50
YEAR_10000_S = 253402300800.0
Name = Annotated[str | None, Query(max_length=200)]


def book(request: Request) -> VisitBook:
    """The visits of the site; raises 404 where none are kept."""
    if of(request).visits is None:
        raise HTTPException(404, "visits are not kept: leave --no-visits out, or add --events FILE.sqlite")
    return of(request).visits


@router.get("", summary="The latest visits")
def visits(
    request: Request,
    person: Name = None,
    camera: Name = None,
    unknown: Annotated[bool, Query(description="only people without a name")] = False,
    stranger: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    after: Annotated[datetime | None, Query(description="still there at this time, or later")] = None,
    before: Annotated[datetime | None, Query(description="came before this time")] = None,
    older_than: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="id of the last one known")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = PAGE,
) -> list[dict]:
    """Visits by person, camera and time, the latest first."""
    kept, last = book(request), None
    if older_than is not None:
        found = kept.visit(older_than)
        if found is None:
            raise HTTPException(404, "there is no such visit")
        last = found["started_at"], found["id"]
    wanted = Wanted(person, unknown, stranger, camera, _utc(after), _utc(before), last, limit)
    return [_told(kept, visit) for visit in kept.visits(wanted)]


@router.get("/names", summary="Who and where to choose from")
def names(request: Request) -> dict[str, list[str]]:
    """People and cameras that occur in visits."""
    return book(request).names()


@router.get("/{visit}/picture.jpg", summary="The best picture of a visit", response_class=Response,
            responses={200: {"content": {"image/jpeg": {}}}})  # fmt: skip
def picture(request: Request, visit: str) -> Response:
    """The best picture as JPEG."""
    kept = book(request)
    found = kept.visit(visit)
    path = kept.picture(found) if found else None
    if path is None:
        raise HTTPException(404, "there is no picture of this visit")
    return FileResponse(path, media_type="image/jpeg", headers={"cache-control": "no-store"})


def _told(kept: VisitBook, visit: dict) -> dict:
    """A visit for the page; where its picture lies is nobody's business."""
    return {**{name: value for name, value in visit.items() if name != "snapshot"},
            "picture": kept.picture(visit) is not None}  # fmt: skip


def _utc(at: datetime | None) -> str | None:
    """A time without a zone counts as UTC."""
    if at is None:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=timezone.utc)  # noqa: UP017, Python 3.10
    seconds = aware.timestamp()
    if not 0 <= seconds < YEAR_10000_S:
        raise HTTPException(422, "the time must lie between 1970 and 9999")
    return utc(seconds)
