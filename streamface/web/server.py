"""The site's server, in a thread beside the stream."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable

from streamface.errors import OutputError, SettingsError

GRACE_S = 1.0
"""Seconds that open connections have when the server ends."""
LOG_LEVEL = "warning"
"""Below it uvicorn names each viewer's address, and what they asked for, with every WebSocket."""


def parsed(address: str) -> tuple[str, int]:
    """(host, port) of 'PORT', 'HOST:PORT' or '[IPV6]:PORT'; this computer alone where no host is named."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"{address} is no address to serve on: give a port such as 8000, or HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def is_loopback(host: str) -> bool:
    """True where `host` is reached from this computer alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Server:
    """Serves an ASGI application until closed; a context manager.

    Args:
        app: the application.
        host, port: where to listen; port 0 takes a free one, see `port`.

    Raises `OutputError` where the address cannot be had.
    """

    def __init__(self, app: Callable, host: str, port: int) -> None:
        import uvicorn

        self._socket = _listening(host, port)
        self.host, self.port = host, self._socket.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, log_level=LOG_LEVEL, access_log=False, server_header=False, lifespan="off",
            ws_max_size=4096, ws_per_message_deflate=False, limit_concurrency=200,
            timeout_graceful_shutdown=int(GRACE_S),
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="streamface-web", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where a browser on this computer finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(
            self.host, f"[{self.host}]" if ":" in self.host else self.host
        )
        return f"http://{host}:{self.port}/"

    def close(self) -> None:
        """End the server and its thread."""
        self._server.should_exit = True
        self._thread.join(GRACE_S + 2)
        self._socket.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=64)
    except OSError as error:
        raise OutputError(f"cannot serve on {host}:{port} ({error.strerror}): choose another address") from error
