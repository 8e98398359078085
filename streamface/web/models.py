"""What goes over the API about people, as OpenAPI describes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Name = Annotated[str, Field(min_length=1, max_length=200, description="a person's name, in any script")]


class PersonTold(BaseModel):
    """Somebody who is known."""

    name: str
    pictures: int
    counter_examples: int


class PictureTold(BaseModel):
    """A picture of a person, or of whom the person is not."""

    key: str
    quality: float = Field(description="0 to 1: size, sharpness, pose and light together")
    has_picture: bool = Field(description="false for an embedding that is kept without one")


class PersonInFull(BaseModel):
    """Somebody who is known, with every picture."""

    name: str
    pictures: list[PictureTold]
    counter_examples: list[PictureTold]


class NewName(BaseModel):
    """How somebody is called from now on."""

    name: Name


class MergeInto(BaseModel):
    """Who gets the pictures."""

    into: Name


class Confirmed(BaseModel):
    """Whose traces are to be deleted, typed once more."""

    name: Name


class TaskTold(BaseModel):
    """How far an export or an erasure is."""

    id: str
    kind: Literal["export", "erasure"]
    state: Literal["running", "done", "failed"]
    looked_at: int = Field(description="pictures of the cameras that were looked through so far")
    pictures: int = Field(description="all of them, 0 before that begins")
    problem: str | None = Field(description="why it failed")
    found: dict[str, int] = Field(description="kind of trace -> how many there were; for an export, files of each kind")
    left: dict[str, int] = Field(description="what is found by looking again after an erasure: all 0 when it is done")
    unsearched: int = Field(description="recordings, or folders of them, which are not looked through")


class NotThisPerson(BaseModel):
    """Who is not the person: somebody in view, on a visit, or in one of the person's own pictures."""

    camera: str | None = Field(None, max_length=200)
    track: int | None = Field(None, ge=0, le=2**53)
    visit: str | None = Field(None, pattern="^[0-9a-f]{32}$")
    picture: str | None = Field(None, pattern="^[0-9a-f]{20}$")


class Begin(BaseModel):
    """Whose pictures are to be taken."""

    camera: str = Field(max_length=200)
    track: int = Field(ge=0, le=2**53, description="number of the person in the picture")


class Look(BaseModel):
    """Where to look."""

    track: int | None = Field(None, ge=0, le=2**53, description="the person's number, where it is another one by now")


class Save(BaseModel):
    """Who it is."""

    name: Name
    anyway: bool = Field(False, description="also where the face is another known person's")


class TakenTold(BaseModel):
    """A picture that was taken."""

    number: int
    kind: Literal["straight", "left", "right"]
    quality: float


class LikenessTold(BaseModel):
    """Somebody known whom the pictures resemble."""

    person: str | None = Field(description="null for somebody who did not consent")
    distance: float
    limit: float = Field(description="up to this distance a face gets the name")
    is_same: bool = Field(description="true: the face gets this name; false: the two may be taken for each other")


class EnrolmentTold(BaseModel):
    """How far an enrolment is."""

    id: str
    camera: str
    track: int
    hint: str = Field(description="what to do, as a key that does not change")
    text: str = Field(description="the same in words")
    pictures: list[TakenTold]
    wanted: list[str] = Field(description="kinds of pictures that are missing")
    likeness: LikenessTold | None


class Saved(BaseModel):
    """What is known from now on."""

    name: str
    pictures: list[str] = Field(description="keys of the new pictures")


class UploadedTold(BaseModel):
    """What became of a file."""

    file: str
    key: str | None = Field(description="of the picture, null where it was not taken")
    problem: str | None
    remark: str | None


class StrangerTold(BaseModel):
    """Somebody without a name who was here before."""

    number: int
    visits: int
    first_seen: float = Field(description="seconds since 1970")
    last_seen: float
    has_picture: bool
    likeness: LikenessTold | None


class StrangersTold(BaseModel):
    """Those without a name."""

    numbered: bool = Field(description="whether strangers get numbers at all (--strangers)")
    strangers: list[StrangerTold]
