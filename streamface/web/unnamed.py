"""Those without a name who were here before, over the API."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi import Path as InPath

from streamface.gallery.stranger_store import Kept, StrangerStore
from streamface.gallery_commands.strangers import files_of
from streamface.sinks.visit_log import Wanted
from streamface.web.enrolling import likeness_told
from streamface.web.models import NewName, Saved, StrangersTold, StrangerTold
from streamface.web.people import desk
from streamface.web.people_words import Likeness, UnknownPerson, checked
from streamface.web.site import of

router = APIRouter(prefix="/api/strangers", tags=["strangers"])
Number = Annotated[int, InPath(ge=1, le=2**62, description="of a stranger")]


@router.get("", summary="Those who were here before")
def strangers(
    request: Request,
    visits: Annotated[int, Query(ge=1, le=10_000, description="at least so many")] = 2,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> StrangersTold:
    """Strangers who are worth a name: the most frequent first."""
    path = of(request).strangers
    if path is None:
        return StrangersTold(numbered=False, strangers=[])
    every = [kept for kept in _kept(path) if kept.visits >= visits and not _may_not_be_named(request, kept)]
    every.sort(key=lambda kept: (-kept.visits, -kept.last_seen))
    return StrangersTold(numbered=True, strangers=[_told(request, kept) for kept in every[:limit]])


@router.get("/{number}/picture.jpg", summary="The best picture of a stranger", response_class=Response,
            responses={200: {"content": {"image/jpeg": {}}}})  # fmt: skip
def picture(request: Request, number: Number) -> Response:
    """From the strangers' own store, or of the latest visit that has one."""
    kept = next((kept for kept in _kept(_store(request), pictures=True, number=number)), None)
    if kept is not None and not _may_not_be_named(request, kept):
        data = next((view.picture for view in kept.views if view.picture), None) or _of_a_visit(request, number)
        if data:
            return Response(data, media_type="image/jpeg")
    raise HTTPException(404, "there is no picture of this stranger")


@router.post("/{number}/name", summary="Give a stranger a name")
def name(request: Request, number: Number, who: NewName) -> Saved:
    """What is kept of the stranger becomes that person's, known or new; the number is forgotten."""
    people, identity, path = desk(request), checked(who.name), _store(request)
    with StrangerStore(path) as store:
        found = store.every(people.network, pictures=True, number=number)
        if not found or not found[0].views or _may_not_be_named(request, found[0]):
            raise UnknownPerson(f"there is no stranger {number}")
        before = set(people.pictures(identity))
        people.take_in(identity, lambda folder, encoder: _put(found[0], folder, identity, encoder))
        store.forget([number])  # after the files: a crash leaves somebody twice rather than not at all
    people.rest()
    return Saved(name=identity, pictures=[key for key in people.pictures(identity) if key not in before])


@router.delete("/{number}", summary="Forget a stranger", status_code=204)
def forget(request: Request, number: Number) -> None:
    """Embeddings and pictures are deleted; the number is given to nobody else."""
    with StrangerStore(_store(request)) as store:
        if not store.every(number=number):
            raise UnknownPerson(f"there is no stranger {number}")
        store.forget([number])


def _put(kept: Kept, folder: Path, identity: str, encoder) -> Iterable[Path]:
    made = files_of(kept, folder, identity, encoder)
    return [Path(path) for paths in made.values() for path in paths]


def _store(request: Request) -> Path:
    if of(request).strangers is None:
        raise HTTPException(404, "strangers are not numbered: start with --strangers")
    return of(request).strangers


def _kept(path: Path, pictures: bool = False, number: int | None = None) -> tuple[Kept, ...]:
    if not path.is_file():
        return ()
    with StrangerStore(path) as store:
        return store.every(pictures=pictures, number=number)


def _likeness(request: Request, kept: Kept) -> Likeness | None:
    people = of(request).enrolments.desk if of(request).enrolments else None
    if people is None or not kept.views or kept.network != people.network:
        return None
    return people.likeness(kept.views[0].vector)


def _may_not_be_named(request: Request, kept: Kept) -> bool:
    """Whether the stranger looks like somebody who did not consent, and so is not shown or named here."""
    likeness = _likeness(request, kept)
    return likeness is not None and likeness.is_unnamed and likeness.is_same


def _told(request: Request, kept: Kept) -> StrangerTold:
    has_picture = bool(_of_a_visit(request, kept.number)) or any(
        view.picture for one in _kept(_store(request), True, kept.number) for view in one.views
    )
    return StrangerTold(
        number=kept.number, visits=kept.visits, first_seen=kept.first_seen, last_seen=kept.last_seen,
        has_picture=has_picture, likeness=likeness_told(_likeness(request, kept)),
    )  # fmt: skip


def _of_a_visit(request: Request, number: int) -> bytes | None:
    visits = of(request).visits
    if visits is None:
        return None
    for visit in visits.visits(Wanted(stranger=number, limit=5)):
        path = visits.picture(visit)
        if path is not None:
            return path.read_bytes()
    return None
