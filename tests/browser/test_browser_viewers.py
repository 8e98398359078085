"""Many viewers, and such as do not read what they asked for: the analysis goes on."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from chromium import DESKTOP, PHONE, open_page, until
from live_page import wait_for_faces
from websockets.sync.client import connect

FIVE = (DESKTOP, PHONE, DESKTOP, PHONE, DESKTOP)
COUNTED = """
    const drawn = CanvasRenderingContext2D.prototype.drawImage;
    window.pictures = 0;
    CanvasRenderingContext2D.prototype.drawImage = function (image, ...rest) {
        if (image instanceof ImageBitmap) window.pictures += 1;
        return drawn.call(this, image, ...rest);
    };
"""
STOPPED = 40
MORE = 20
"""Results that must come while nobody reads."""


def test_five_viewers_all_see_the_stream(demo, browser):
    pages = [open_page(browser, size) for size in FIVE]
    try:
        for page in pages:
            page.add_init_script(COUNTED)
            page.goto(demo.url)
        for page in pages:
            wait_for_faces(page)
        seen = [page.evaluate("window.pictures") for page in pages]
        demo.wait_for_pictures(MORE)
        for page, before in zip(pages, seen, strict=True):
            until(page, f"window.pictures > {before + 5}")
    finally:
        for page in pages:
            page.context.close()


def test_a_viewer_who_never_asks_for_the_next_picture_gets_none_and_holds_up_nobody(demo):
    camera = demo.cameras()[0]["camera"]
    address = f"{demo.url.replace('http:', 'ws:')}api/cameras/{camera}/live?drawn=true&width=1280"
    with connect(address, max_size=None) as viewer:
        viewer.recv(timeout=30)
        viewer.recv(timeout=30)
        demo.wait_for_pictures(MORE)
        with pytest.raises(TimeoutError):
            viewer.recv(timeout=0.5)


def test_viewers_who_stop_reading_hold_up_nobody(demo, browser):
    """Pictures are asked for again and again, and left in the connection until it is full; a page still sees all."""
    where = urlsplit(demo.url)
    camera = demo.cameras()[0]["camera"]
    request = f"GET /api/cameras/{camera}/picture.jpg?width=3840 HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode()
    connections = []
    try:
        for _ in range(STOPPED):
            made = socket.socket()
            connections.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects, to count
            made.settimeout(30)
            made.connect((where.hostname, where.port))
            made.sendall(request * 30)
        demo.wait_for_pictures(MORE)
        page = open_page(browser, DESKTOP)
        page.goto(demo.url)
        wait_for_faces(page)
        page.context.close()
        demo.wait_for_pictures(MORE)
    finally:
        for made in connections:
            made.close()
