"""The site as an ASGI application."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated

from fastapi import Body, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles

from streamface import __version__
from streamface.errors import StreamfaceError
from streamface.web import enrolling, kiosk, live, passwords, people, rights, unnamed, visits
from streamface.web.guard import COOKIE, Guard
from streamface.web.people_words import UnknownPerson
from streamface.web.sessions import IDLE_S, Session
from streamface.web.site import Site, of

STATIC = Path(__file__).parent / "static"


def create(site: Site) -> Guard:
    """The application; no path leads to a file outside `static/`, and nothing on a page comes from elsewhere."""
    app = FastAPI(
        title="streamface", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.site = site
    shows_people = site.kiosk is None  # whoever stands before a kiosk may not come near anything else
    for part in (live, visits, people, enrolling, unnamed, rights) if shows_people else (kiosk,):
        app.include_router(part.router)
    app.add_exception_handler(StreamfaceError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    for kind in (OSError, sqlite3.Error):
        app.add_exception_handler(kind, _failed)
    app.add_api_route("/", _page("index.html" if shows_people else "kiosk.html"), include_in_schema=False)
    if not shows_people:
        app.add_api_route("/kiosk", _page("kiosk.html"), include_in_schema=False)
    app.add_api_route("/login", _login_page, include_in_schema=False)
    app.add_api_route("/api/session", _sign_in, methods=["POST"], tags=["session"], summary="Sign in")
    app.add_api_route("/api/session", _session, methods=["GET"], tags=["session"], summary="The form token")
    app.add_api_route("/api/session", _sign_out, methods=["DELETE"], tags=["session"], summary="Sign out")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return Guard(app, site.access)


def _refused(request: Request, error: StreamfaceError) -> JSONResponse:
    """What cannot be done, in the one line that the error has for the user."""
    return JSONResponse({"detail": str(error)}, 404 if isinstance(error, UnknownPerson) else 409)


def _failed(request: Request, error: OSError | sqlite3.Error) -> JSONResponse:
    """What the disk did not do."""
    reason = getattr(error, "strerror", None) or str(error)
    return JSONResponse({"detail": f"a file could not be read or written ({reason}): look at the disk"}, 503)


def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
    """What is wrong with a request, without repeating what was sent, which may be no text at all."""
    told = [{key: fault[key] for key in ("loc", "msg", "type")} for fault in error.errors()]
    return JSONResponse({"detail": told}, 422)


def _page(name: str):
    def page(request: Request) -> Response:
        response = FileResponse(STATIC / name)
        if request.state.session is None:  # nobody needs a password here: the page needs a form token all the same
            _set_cookie(response, request, of(request).access.sessions.begin())
        return response

    return page


def _login_page(request: Request) -> Response:
    if of(request).access.password_hash is None:
        return RedirectResponse("/", 303)
    return FileResponse(STATIC / "login.html")


async def _sign_in(
    request: Request, response: Response, password: Annotated[str, Body(embed=True, max_length=1024)] = ""
) -> dict[str, str]:
    """Begin a session: its cookie, and the token that every change has to bring in the header X-Form-Token."""
    access, address = of(request).access, request.client.host if request.client else ""
    if access.password_hash is not None:
        wait_s = access.throttle.wait_s(address)
        if wait_s > 0:
            raise HTTPException(429, f"too many wrong passwords: wait {wait_s:.0f} s", {"Retry-After": f"{wait_s:.0f}"})
        access.throttle.wrong(address)  # counted before the slow check, so that many at once gain nothing
        if not await run_in_threadpool(passwords.matches, password, access.password_hash):
            raise HTTPException(403, "wrong password")
        access.throttle.right(address)
    session = access.sessions.begin()
    _set_cookie(response, request, session)
    return {"form_token": session.form_token}


def _session(request: Request) -> dict[str, str | bool]:
    """The form token of the session."""
    session = request.state.session
    if session is None:
        raise HTTPException(401, "sign in first")
    return {"form_token": session.form_token, "password": of(request).access.password_hash is not None}


def _sign_out(request: Request, response: Response) -> None:
    """End the session."""
    of(request).access.sessions.end(request.cookies.get(COOKIE))
    response.delete_cookie(COOKIE)


def _set_cookie(response: Response, request: Request, session: Session) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, session.token, int(IDLE_S), httponly=True, samesite="strict", secure=secure)
