"""Addresses of cameras: which they are, and how to show one without its password."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

SCHEMES = ("rtsp", "rtsps", "http", "https")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LOGIN = re.compile(r".*:.*@", re.DOTALL)
_PLAIN_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^@/?#:]*)(:\d*)?")
_NAME = r"([\w.-]*(?:pass|pwd|psw|token|key|secret|auth|sig|session|user|usr|login|cred|account)[\w.-]*=)"
_IN_PATH, _IN_QUERY = (re.compile(_NAME + value, re.IGNORECASE) for value in ("[^&;/]*", "[^&;]*"))
"""In a query a value may hold '/' and '?', as tokens in base64 do."""


def scheme(source: str) -> str | None:
    """'rtsp' of 'rtsp://...', in lower case; None for what is no address."""
    found = _SCHEME.match(source)
    return found.group()[:-3].lower() if found else None


def problem(address: str) -> str | None:
    """What is wrong with an address that cannot be opened, as far as it can be told without its camera."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "it cannot be understood: in a password @ / ? # : are written %40 %2F %3F %23 %3A"
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):  # UnicodeError: no name of a host can be like that
        return "its host's name cannot be resolved"
    return None


def without_credentials(address: str) -> str:
    """`address` as it may be shown: no user, no password, no value of a parameter that could be a secret.

    What has no scheme is a file's name, unless a login stands in it: then the scheme was forgotten or mistyped.
    Passwords with an unescaped '@', '/', '?' or '#' are common with cameras: in doubt all up to the last '@' goes.
    """
    found = _SCHEME.match(address)
    if not found:
        return _LOGIN.sub("***@", address, count=1)
    head, rest = found.group(), address[found.end() :]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path, after = rest.partition("?")[0], rest[len(host) :]
    is_password = ":" in host and "@" in after and after[0] in "?#"  # of digits, which could be a port
    if not _PLAIN_HOST.fullmatch(host) or "@" in path or is_password:
        rest = rest.rpartition("@")[2]
    path, mark, query = rest.partition("#")[0].partition("?")
    return head + _IN_PATH.sub(r"\1***", path) + mark + _IN_QUERY.sub(r"\1***", query)
