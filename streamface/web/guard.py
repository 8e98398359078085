"""What every request passes before the site sees it: host, size, session, and that it comes from our own pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote, urlsplit

from streamface.web.passwords import Throttle
from streamface.web.sessions import Session, Sessions

COOKIE = "streamface"
FORM_HEADER = "x-form-token"
BODY_LIMIT = 64 * 1024
"""Bytes of a request's body, where it uploads nothing."""
UPLOAD_LIMIT = 30 * 1024 * 1024
"""Bytes of an upload."""
UPLOADS = re.compile("/api/people/[^/]+/pictures")
"""Paths to which pictures are sent."""
PUBLIC = ("/login", "/api/session", "/static/", "/healthz")
"""What is there without a session."""
TOO_LARGE = "the upload is too large"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HEADERS = (
    (b"content-security-policy", b"default-src 'self'; img-src 'self' blob: data:; style-src 'self'; "
     b"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)  # fmt: skip

Scope = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in."""

    hosts: frozenset[str]
    """Names under which this computer is asked; other ones are turned away, so that no page of another site can reach
    a server on this computer by giving its own name this computer's address."""
    password_hash: str | None
    """None: everybody on this computer, as nobody else reaches it."""
    sessions: Sessions = field(default_factory=Sessions)
    throttle: Throttle = field(default_factory=Throttle)


class Guard:
    """ASGI middleware; what it turns away is answered in plain text or JSON, and the site does not see it."""

    def __init__(self, app: Callable, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        session = self._access.sessions.find(_cookie(headers))
        refused = self._refused(scope, headers, session)
        if refused is not None:
            await _answer(scope, receive, send, *refused)
            return
        scope.setdefault("state", {})
        scope["state"]["session"] = session
        if scope["type"] == "http":
            receive, send = _limited(receive, _limit(scope)), _with_headers(send)
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope, headers: dict[str, str], session: Session | None) -> tuple[int, str] | None:
        """(status, why) of a request that goes no further."""
        host = _hostname(headers.get("host", ""))
        if host not in self._access.hosts:
            return 421, "this name is not served here: use the address that streamface printed"
        changes = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if changes and not _is_own(headers):
            return 403, "the request came from another site"
        if self._access.password_hash is not None and session is None and not scope["path"].startswith(PUBLIC):
            return 401, "sign in first"
        signs_in = scope["path"] == "/api/session" and scope.get("method") == "POST"
        if changes and scope["type"] == "http" and not signs_in:
            if session is None or not session.allows(headers.get(FORM_HEADER)):
                return 403, f"the header {FORM_HEADER} is missing or old: load the page again"
        length = headers.get("content-length", "0")
        if scope["type"] == "http" and (not length.isdigit() or int(length) > _limit(scope)):
            return 413, TOO_LARGE
        return None


def _limit(scope: Scope) -> int:
    """Bytes that the body of this request may have."""
    return UPLOAD_LIMIT if UPLOADS.fullmatch(scope["path"]) else BODY_LIMIT


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _cookie(headers: dict[str, str]) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_own(headers: dict[str, str]) -> bool:
    """True unless the browser says that another site's page sent the request."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _limited(receive: Callable, limit: int) -> Callable:
    from starlette.exceptions import HTTPException

    taken = 0

    async def limited() -> dict:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, TOO_LARGE)
        return message

    return limited


def _with_headers(send: Callable) -> Callable:
    async def sending(message: dict) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message.get("headers", ())}
            more = [(name, value) for name, value in HEADERS if name not in given]
            if b"cache-control" not in given:
                more.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return sending


async def _answer(scope: Scope, receive: Callable, send: Callable, status: int, why: str) -> None:
    from starlette.responses import JSONResponse, RedirectResponse

    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": why})
        return
    if status == 401 and not scope["path"].startswith("/api/"):
        response = RedirectResponse(f"/login?next={quote(scope['path'])}", 303)
    else:
        response = JSONResponse({"detail": why}, status)
    await response(scope, receive, _with_headers(send))


def hosts_for(host: str, extra: Sequence[str] = ()) -> frozenset[str]:
    """The names under which a server that listens on `host` may be asked: its own, this computer's, and `extra`."""
    import socket

    names = {"localhost", "127.0.0.1", "::1", host.strip("[]").lower(), *(name.lower() for name in extra)}
    if host not in ("localhost", "127.0.0.1", "::1"):
        own = socket.gethostname().lower()
        names |= {own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}
        names |= _addresses(own)
    return frozenset(names)


def _addresses(name: str) -> set[str]:
    """The addresses of this computer: those of its name, and the one from which it would reach others."""
    import socket

    found: set[str] = set()
    try:
        found |= {entry[4][0] for entry in socket.getaddrinfo(name, None)}
    except OSError:
        pass  # a name that nobody knows
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation: sends nothing
            found.add(probe.getsockname()[0])
        except OSError:
            pass  # no network
    return found
