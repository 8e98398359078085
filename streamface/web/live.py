"""The cameras as they are now."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from streamface.types import Attribute, FaceResult
from streamface.web.site import of
from streamface.web.views import Snapshot, View

router = APIRouter(prefix="/api/cameras", tags=["cameras"])

QUIET_S = 2.0
"""Without a new picture for so long the viewer is told how the camera does all the same."""
ANSWER_S = 20.0
"""A viewer who has not asked for the next picture by then has gone."""
Width = Annotated[int, Query(ge=64, le=3840, description="largest width of the picture in pixels")]
Drawn = Annotated[bool, Query(description="with the labels in the picture")]


@router.get("", summary="All cameras")
def cameras(request: Request) -> list[dict]:
    """Each camera: how it does, and who is in view."""
    return [described(view, view.newest) for view in of(request).views.values()]


@router.get("/{camera}/picture.jpg", summary="The newest picture", response_class=Response,
            responses={200: {"content": {"image/jpeg": {}}}})  # fmt: skip
async def picture(request: Request, camera: str, drawn: Drawn = True, width: Width = 960) -> Response:
    """The newest picture as JPEG."""
    view = _view(request, camera)
    with view.look(drawn):
        snapshot = view.newest
        if drawn and snapshot.image is None:
            snapshot = await view.next(snapshot.version, QUIET_S)
        data = await run_in_threadpool(view.jpeg, snapshot, drawn, width)
    if data is None:
        raise HTTPException(503, "the camera has given no picture yet")
    return Response(data, media_type="image/jpeg")


@router.websocket("/{camera}/live")
async def live(socket: WebSocket, camera: str, drawn: bool = True, width: int = 960) -> None:
    """Pictures and what is known of the people in them, one by one: the next is sent when the viewer asks for it.

    So a slow viewer gets fewer pictures, never late ones, and holds up nobody. A message is JSON, then JPEG where
    there is a picture; the viewer answers each with any text.
    """
    view = of(socket).views.get(camera)
    await socket.accept()
    if view is None:
        await socket.close(1008, "there is no such camera")
        return
    width, version = min(max(width, 64), 3840), 0
    with view.look(drawn):
        try:
            while True:
                snapshot = await view.next(version, QUIET_S)
                fresh = snapshot.version > version
                version = snapshot.version
                data = await encoded(view, snapshot, drawn, width) if fresh else None
                await socket.send_text(_told(view, snapshot, data is not None))
                if data is not None:
                    await socket.send_bytes(data)
                await asyncio.wait_for(socket.receive_text(), ANSWER_S)
        except (WebSocketDisconnect, RuntimeError):
            return
        except (TimeoutError, KeyError):  # no answer, or one that is no text
            await socket.close(1008, "no answer")


async def encoded(view: View, snapshot: Snapshot, drawn: bool, width: int) -> bytes | None:
    """The picture as JPEG, see `View.jpeg`; made in another thread unless another viewer has it already."""
    ready = view.ready(snapshot, drawn, width)
    return await run_in_threadpool(view.jpeg, snapshot, drawn, width) if ready is None else ready


def _told(view: View, snapshot: Snapshot, has_picture: bool) -> str:
    """`described` as text, made once for all viewers who get its picture."""

    def text() -> str:
        return json.dumps({**described(view, snapshot), "picture": has_picture})

    return view.once(snapshot, "text", text) if has_picture else text()


def _view(request: Request, camera: str) -> View:
    view = of(request).views.get(camera)
    if view is None:
        raise HTTPException(404, "there is no such camera")
    return view


def described(view: View, snapshot: Snapshot) -> dict:
    """A camera and the people in its picture as JSON; boxes in shares of the picture, left, top, right, bottom."""
    result = snapshot.result
    if result is None:
        return {"camera": view.camera, "state": "connecting", "reason": "", "faces": [], "version": 0}
    state, frame = result.source_state, result.frame
    width, height = frame.size_wh
    live = frame.media_time is None
    return {
        "camera": view.camera,
        "state": state.state if state else "live",
        "reason": state.reason if state else "",
        "since": state.since if state else None,
        "version": snapshot.version,
        "captured_at": frame.captured_at,
        "media_time": frame.media_time,
        "delay_s": round(time.time() - frame.captured_at, 3) if live else None,
        "size": [width, height],
        "faces": [
            {**_face(face, width, height), "since": snapshot.since.get(face.track.id)}
            for face in result.faces
            if face.track.confirmed
        ],
    }


def _face(face: FaceResult, width: int, height: int) -> dict:
    box, match = face.track.detection.box, face.match
    return {
        "track": face.track.id,
        "box": [
            round(share, 4) for share in (box.left / width, box.top / height, box.right / width, box.bottom / height)
        ],
        "identity": match.identity if match else None,
        "looked_at": match is not None,
        "distance": round(match.distance, 4) if match and match.distance != float("inf") else None,
        "threshold": match.threshold if match else None,
        "stranger": face.stranger.number if face.stranger else None,
        "visit": face.stranger.visit if face.stranger else None,
        "in_sight": face.track.missed == 0,
        "covered": face.covered,
        "quality": None if face.quality is None else round(face.quality, 3),
        "attributes": {name: _attribute(attribute) for name, attribute in face.attributes.items()},
    }


def _attribute(attribute: Attribute) -> dict:
    return {"label": attribute.label, "score": round(attribute.score, 3), "value": attribute.value}
