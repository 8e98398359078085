"""Is a network camera there? Asked without opening its stream and without user or password."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from streamface.capture import _address

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


def knock(address: str, timeout_s: float) -> bool:
    """True when the camera at `address` answers at all, whatever it answers, within about `timeout_s`.

    A question and not only a connection, because a router, a proxy or a hung camera may take connections while
    nobody is behind them: OPTIONS of RTSP (RFC 2326, 10.1), which needs no login, or HEAD of HTTP.
    """
    shown = _address.without_credentials(address)
    try:
        parts = urlsplit(shown)
        place = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        with socket.create_connection(place, timeout_s) as plain:
            plain.settimeout(timeout_s)
            if parts.scheme in ("rtsps", "https"):
                with _unchecked().wrap_socket(plain) as connection:
                    return _answers(connection, shown, *place)
            return _answers(plain, shown, *place)
    except (OSError, ValueError):  # also an address that urlsplit takes for none
        return False


def _answers(connection: socket.socket, shown: str, host: str, port: int) -> bool:
    protocol = "RTSP" if shown.startswith("rtsp") else "HTTP"
    if protocol == "RTSP":
        question = f"OPTIONS {shown} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: streamface\r\n\r\n"
    else:
        path = shown.partition("://")[2].partition("/")[2]
        question = f"HEAD /{path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    connection.sendall(question.encode())
    return connection.recv(5).startswith(protocol[:4].encode())


def _unchecked() -> ssl.SSLContext:
    """No secret is sent, so that a camera's home-made certificate may stay unchecked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
