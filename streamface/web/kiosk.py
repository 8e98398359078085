"""The kiosk's page: what to do, who is checked, and a name that somebody claims; nothing of anybody else."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Request, WebSocket, WebSocketDisconnect

from streamface.kiosk.sink import KioskSink
from streamface.kiosk.texts import told
from streamface.web.live import ANSWER_S, QUIET_S, encoded
from streamface.web.site import of

router = APIRouter(prefix="/api/kiosk", tags=["kiosk"])

LOOK_S = 0.05
"""Seconds between two looks at whether something has changed."""
AGAIN_S = 1.0
"""What is shown is told again after so long, for clocks that count down, and to notice that nobody listens."""
Name = Annotated[str, Body(embed=True, min_length=1, max_length=200, description="who somebody says they are")]


@router.get("", summary="What the kiosk shows now")
def now(request: Request) -> dict:
    """State, words, and how far the prompts are."""
    return described(of(request).kiosk)


@router.post("/claim", summary="Say who you are", status_code=204)
def claim(request: Request, name: Name) -> None:
    """Whoever comes next is checked against this person alone; the answer does not say whether there is such one."""
    if not of(request).kiosk.claim(name):
        raise HTTPException(409, "no name is asked for now")


@router.delete("/claim", summary="Take it back", status_code=204)
def cancel(request: Request) -> None:
    """Forget the name, unless it is being checked."""
    of(request).kiosk.cancel()


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """What the kiosk shows, as JSON: at once, with every change, and once a second."""
    kiosk = of(socket).kiosk
    await socket.accept()
    gone = asyncio.create_task(_gone(socket))
    try:
        while not gone.done():
            text = described(kiosk)
            await socket.send_text(json.dumps(text))
            await _change(kiosk, gone)
    except (WebSocketDisconnect, RuntimeError):
        return
    finally:
        gone.cancel()


@router.websocket("/picture")
async def picture(socket: WebSocket, width: int = 960) -> None:
    """The camera's pictures as JPEG, as in a window; the page answers each with any text and gets the next."""
    (view,) = of(socket).views.values()
    await socket.accept()
    width, version = min(max(width, 64), 3840), 0
    try:
        while True:
            snapshot = await view.next(version, QUIET_S)
            if snapshot.version == version:
                continue
            version = snapshot.version
            await socket.send_bytes(await encoded(view, snapshot, False, width))
            await asyncio.wait_for(socket.receive_text(), ANSWER_S)
    except (WebSocketDisconnect, RuntimeError):
        return
    except (TimeoutError, KeyError):  # no answer, or one that is no text
        await socket.close(1008, "no answer")


async def _gone(socket: WebSocket) -> None:
    """Ends when the page does; what it says is not listened to."""
    try:
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
    except RuntimeError:
        return


async def _change(kiosk: KioskSink, gone: asyncio.Task) -> None:
    """Wait until something else is shown, or `AGAIN_S`."""
    before = kiosk.now[0]
    for _ in range(round(AGAIN_S / LOOK_S)):
        await asyncio.sleep(LOOK_S)
        if kiosk.now[0] != before or gone.done():
            return


def described(kiosk: KioskSink) -> dict:
    """What is shown, as JSON."""
    screen, at = kiosk.now
    title, more = told(screen, at)
    return {
        "asks_name": kiosk.claims,
        "state": screen.state,
        "detail": screen.detail,
        "title": title,
        "more": more,
        "person": screen.person,
        "done": screen.done,
        "total": screen.total,
    }
