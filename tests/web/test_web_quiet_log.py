"""What the pages' server leaves in the program's log: nothing of who watches, nor of what they asked for."""

import logging
import socket
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from streamface.web.server import Server


async def application(scope, receive, send):
    """Takes WebSockets of /open, turns away those of /shut, and answers every request with 404."""
    if scope["type"] == "websocket":
        await receive()
        is_open = scope["path"] == "/open"
        await send({"type": "websocket.accept"} if is_open else {"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def test_no_viewer_no_token_and_no_name_is_logged(caplog):
    with caplog.at_level(logging.INFO), Server(application, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.port}"
        with connect(f"ws://{address}/open?name=Anna&token=geheim"):
            pass
        with pytest.raises(InvalidStatus), connect(f"ws://{address}/shut?name=Anna&token=geheim"):
            pass
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://{address}/people/Anna?token=geheim", timeout=5)
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
            raw.sendall(b"GET /Anna?token=geheim NONSENSE\r\n\r\n")
            assert raw.recv(100)
    for secret in ("127.0.0.1", "Anna", "geheim"):
        assert secret not in caplog.text
    assert not [record for record in caplog.records if record.levelno < logging.WARNING]
