"""What is told of visits: events as they happen, and visits as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4

APPEARED, RECOGNISED, CHANGED, LEFT = "appeared", "recognised", "changed", "left"
CAMERA_LOST, CAMERA_BACK = "camera_lost", "camera_back"


def new_id() -> str:
    """32 hexadecimal digits, never the same twice."""
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one person, or to a camera (then everything about a person is None)."""

    kind: str
    """'appeared': came into view; 'recognised': got a name; 'changed': lost it or got another; 'left': went;
    'camera_lost', 'camera_back' and other kinds that begin with 'camera_'."""
    at: float
    """When it was told, in seconds since 1970 (UTC)."""
    camera: str
    """Name of the source, without credentials."""
    visit: str | None = None
    """The same for all events of one visit."""
    track: int | None = None
    person: str | None = None
    """Name after the event; None while unknown."""
    stranger: int | None = None
    """Number of somebody without a name who is known again; None where strangers are not numbered."""
    previous: str | None = None
    """Name before, for 'changed'."""
    distance: float | None = None
    """At the latest look that gave the name, or that found nobody near; None before the first."""
    start_s: float | None = None
    """When the person came into view: seconds of the file, or since the first frame of a live source."""
    end_s: float | None = None
    """When the person was last seen, up to this event."""
    started_at: float | None = None
    """`start_s` as seconds since 1970 (UTC); for a file, when that frame was read."""
    ended_at: float | None = None
    """The same for `end_s`."""
    frame: int | None = None
    """Number of the frame in which it happened; for 'left' the last one with the person in sight."""
    detail: str | None = None
    """For a camera: what happened, in words."""
    id: str = field(default_factory=new_id)
    """Never the same twice: by it a receiver knows an event that is sent again."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One person from coming into view to leaving."""

    track: int
    """The latest track, where there were several."""
    identity: str | None
    """The last name; None for somebody unknown."""
    start_s: float
    """Seconds of the file, or since the first frame of a live source."""
    end_s: float
    """When the face was last in sight."""
    stranger: int | None = None
    """Number of somebody unknown, where strangers are numbered."""
