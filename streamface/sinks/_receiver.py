"""The receiving end of a webhook."""

from __future__ import annotations

import base64
import http.client
import math
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from streamface.errors import SettingsError
from streamface.sinks._outbox import Letter

TIMEOUT_S = 10.0
"""How long the receiver may take to answer."""
MOST_READ = 65_536
"""Bytes of an answer that are read; a longer one costs the connection."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try."""

    status: int | None = None
    """Of HTTP; None where there was no answer."""
    problem: str = ""
    """In a clause, without the address; empty when the event arrived."""
    retry_after_s: float = 0.0
    """The pause that the receiver asked for."""


class Receiver:
    """One address, and a connection to it that is kept between events.

    The path and the password of an address are secrets: `shown` has neither.

    Args:
        url: http or https, with user and password, where needed, before the host. Raises `SettingsError`.
    """

    def __init__(self, url: str) -> None:
        self._parts, self._port = _checked(url)
        host = f"[{self._parts.hostname}]" if ":" in self._parts.hostname else self._parts.hostname
        self.shown = f"{self._parts.scheme}://{host}" + (f":{self._port}" if self._port else "")
        """The address as it may be logged."""
        self._headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "streamface"}
        if self._parts.username is not None:
            login = f"{unquote(self._parts.username)}:{unquote(self._parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        self._target = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        self._connection: http.client.HTTPConnection | None = None

    def post(self, letter: Letter) -> Outcome:
        """Send one event; never raises for what goes wrong on the way."""
        kept = self._connection is not None
        try:
            return self._post(letter)
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            # A connection that was kept may have been closed meanwhile: that says nothing about the receiver.
            closed = isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError))
            return self.post(letter) if kept and closed else Outcome(problem=_clause(error))

    def hang_up(self) -> None:
        """Close the connection; called from another thread it ends a `post` that waits for an answer."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _post(self, letter: Letter) -> Outcome:
        connection = self._connection
        if connection is None:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            connection = self._connection = kind(self._parts.hostname, self._port, timeout=TIMEOUT_S)
        headers = {**self._headers, "Idempotency-Key": letter.id}
        connection.request("POST", self._target, letter.body.encode(), headers)
        answer = connection.getresponse()
        answer.read(MOST_READ)
        if not answer.isclosed():
            self.hang_up()
        if 200 <= answer.status < 300:
            return Outcome(answer.status)
        return Outcome(answer.status, f"it answers {answer.status}", _seconds(answer.headers.get("Retry-After")))


def _checked(url: str) -> tuple[SplitResult, int | None]:
    """The parts of an address and its port; what is wrong is said without repeating it."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise SettingsError("the address of --webhook cannot be read: check its host and port") from None
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError("the address of --webhook must begin with http:// or https:// and a host")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise SettingsError("the address of --webhook holds a space or a letter that must be written as %..")
    return parts, port


def _seconds(text: str | None) -> float:
    """A Retry-After in seconds; 0 for none, or a date."""
    try:
        seconds = float(text or 0)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0


def _clause(error: Exception) -> str:
    """What went wrong, without the address."""
    if isinstance(error, TimeoutError):
        return f"no answer in {TIMEOUT_S:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return "it closed the connection" if isinstance(error, OSError) else "its answer is not HTTP"
