"""People, their pictures and their names, as the page and its API speak of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from streamface.errors import GalleryError
from streamface.gallery.base import Row
from streamface.gallery.joining import checked_name

NAME_LENGTH = 80
"""Characters of a name at most; four bytes each still fit into a folder's name with what is added."""
NOT_NAMED = "somebody who did not consent"
DID_NOT_CONSENT = "the face is that of somebody who did not consent, and is not kept under another name"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A JPEG with one face in it."""

    data: bytes
    row: Row
    """What enrolment makes of it, under no path yet."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Somebody known whom a face resembles."""

    person: str | None
    """None for somebody who did not consent."""
    distance: float
    limit: float
    """Up to this distance the face gets the name."""

    @property
    def is_unnamed(self) -> bool:
        """True for somebody who did not consent."""
        return self.person is None

    @property
    def called(self) -> str:
        """The name, or what stands for it."""
        return NOT_NAMED if self.person is None else self.person

    @property
    def far(self) -> str:
        """The distance in words."""
        return f"distance {self.distance:.3f}, threshold {self.limit:.3f}"

    @property
    def is_same(self) -> bool:
        """True for a face that gets the name, False for one that is near."""
        return self.distance <= self.limit


class UnknownPerson(GalleryError):
    """Nobody, or no picture, of that name is known."""


def key_of(row: Row) -> str:
    """What a picture is called towards others: never a path."""
    return hashlib.sha256(row.photo.path.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def checked(name: str) -> str:
    """A name as it is written; raises `GalleryError` for one that cannot be a folder's, or is too long."""
    identity = checked_name(name)
    if "\ufffd" in identity:  # stands for bytes that were no text
        raise GalleryError("the name holds characters that cannot be read: type it again")
    if len(identity) > NAME_LENGTH or len(identity.encode()) > 200:
        raise GalleryError(f"the name is too long: {NAME_LENGTH} characters at most")
    return identity


def picture_of(rows: Mapping[str, Row], key: str) -> Row:
    """The picture of a key; raises `UnknownPerson`."""
    if key not in rows:
        raise UnknownPerson("there is no such picture")
    return rows[key]
