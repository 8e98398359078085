"""A small receiver of webhooks that can be told to misbehave."""

from __future__ import annotations

import http.server
import json
import threading
from contextlib import contextmanager


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it was sent; `answers` is asked for the status of each request: 0 takes it and hangs up."""

    daemon_threads = True

    def __init__(self, port=0):
        self.requests, self.taken = [], {}
        """Every request as (headers, row); key -> row of what was taken, each once."""
        self.answers = lambda number: 200
        self.headers = {}
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, client_address):
        pass  # a sender that hangs up is part of the tests


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        row = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.requests.append((dict(self.headers), self.path, row))
        status = server.answers(len(server.requests))
        if status == 0 or 200 <= status < 300:
            server.taken.setdefault(self.headers["Idempotency-Key"], row)
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass


@contextmanager
def receiving(port=0, answers=None):
    """A receiver that runs until the block ends."""
    server = Receiver(port)
    server.answers = answers or server.answers
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
