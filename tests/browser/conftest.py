"""What the tests in a browser share: the browser, and a demo that is played and served."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("watched_page", "chromium", "live_page")

from chromium import chromium, missing  # noqa: E402
from live_page import PASSWORD, prepared_demo  # noqa: E402
from served_stream import ServedStream  # noqa: E402
from watched_page import Watched  # noqa: E402

from streamface.web import passwords  # noqa: E402


@pytest.fixture(scope="module")
def browser():
    """A browser for one file of tests: while Playwright runs, this thread can have no other event loop."""
    if reason := missing():
        pytest.skip(reason)
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def demo(browser, settings, tmp_path_factory):
    """The demo, over and over, with Eileen Collins known and a stranger who came before."""
    with ServedStream(prepared_demo(tmp_path_factory.mktemp("demo"))) as stream:
        stream.wait_for_pictures()
        yield stream


@pytest.fixture(scope="module")
def locked(browser, settings, tmp_path_factory):
    """The demo behind `PASSWORD`."""
    file = tmp_path_factory.mktemp("locked") / "hash"
    file.write_text(passwords.hashed(PASSWORD))
    arguments = ["serve", "--source", "demo", "--loop", "--actions", "none", "--no-visits"]
    with ServedStream([*arguments, "--password-file", str(file)]) as stream:
        yield stream


@pytest.fixture
def watched(browser):
    """Opens pages, and closes them."""
    opened = []

    def opens(*arguments: object, **more: object) -> Watched:
        opened.append(Watched(browser, *arguments, **more))
        return opened[-1]

    yield opens
    for one in opened:
        one.close()
