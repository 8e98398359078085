"""'This is not Eileen', everything about her in one file, and every trace of her deleted, while the demo plays."""

from __future__ import annotations

import shutil
import time
import zipfile

import pytest
from chromium import DESKTOP, PHONE, ROOT, axe_faults, missing_axe, until
from kept_files import contents
from served_stream import ServedStream

SHE = "Eileen Collins"
TOLD = "[...document.querySelectorAll('#in-view .told')].map((one) => one.textContent)"


@pytest.fixture(scope="module")
def playing(browser, settings, tmp_path_factory):
    """The demo, which writes down everything, and where."""
    home = tmp_path_factory.mktemp("rights")
    shutil.copytree(ROOT / "database" / SHE, home / "people" / SHE)
    kept = ["--database", home / "people", "--store", home / "store.sqlite", "--events", home / "events.sqlite",
            "--event-pictures", home / "pictures", "--leave-after", "2"]  # fmt: skip
    arguments = ["serve", "--source", "demo", "--loop", "--actions", "none", *map(str, kept)]
    with ServedStream(arguments) as stream:
        stream.wait_for_pictures()
        yield stream, home


def deny(seen, within_s=30.0):
    """Say twice that it is not her, until her picture is kept: somebody listed may be out of sight just then."""
    page, end = seen.page, time.monotonic() + within_s
    entry = page.locator("#in-view li.known", has_text=SHE)
    while True:
        entry.first.locator(".not").click()
        entry.first.locator(".not").click()
        until(page, f"!({TOLD}.some((text) => text.includes('Keeping')))")
        if page.evaluate(f"{TOLD}.some((text) => text.includes('is kept'))"):
            return
        told = page.evaluate(TOLD)
        assert time.monotonic() < end and any("Not kept" in text for text in told), told
        seen.faults[:] = [fault for fault in seen.faults if "409" not in fault]  # as the page said


def details(page):
    """Her dialog, opened from the list of people."""
    page.locator("#people-list li", has_text=SHE).locator("button").click()
    page.wait_for_selector("#person[open]")
    page.locator("#person-erase").scroll_into_view_if_needed()


def test_a_name_that_is_denied_goes_and_the_page_says_what_it_does(watched, playing):
    stream, home = playing
    seen = watched(stream.url, PHONE, "light")
    page = seen.page
    deny(seen)
    page.locator("#in-view .told:visible").first.wait_for()
    until(page, "document.querySelectorAll('#in-view li.known').length === 0")
    seen.check()
    assert len(list((home / "people" / SHE / ".not-this-person").iterdir())) == 1
    details(page)
    page.locator("#person-counters button").click()
    page.locator("#person-counters button").click()
    page.locator("#person-counters-part").wait_for(state="hidden")
    page.click("#person-close")
    page.wait_for_selector("#in-view li.known")
    seen.check()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everything_about_somebody_is_saved(watched, playing, tmp_path, size):
    stream, _ = playing
    seen = watched(stream.url, size)
    page = seen.page
    details(page)
    with page.expect_download() as download:
        page.click("#person-export")
    download.value.save_as(tmp_path / "hers.zip")
    assert download.value.suggested_filename == f"{SHE}.zip"
    with zipfile.ZipFile(tmp_path / "hers.zip") as archive:
        assert f"people/{SHE}/portrait.jpg" in archive.namelist() and archive.testzip() is None
    assert "one archive" in page.locator("#person-task-text").text_content()
    seen.check()


@pytest.mark.skipif(missing_axe() is not None, reason=str(missing_axe()))
def test_whoever_cannot_see_the_page_can_ask_for_it_too(watched, playing):
    seen = watched(playing[0].url, DESKTOP)
    details(seen.page)
    seen.page.click("#person-erase")
    assert axe_faults(seen.page) == []


def test_every_trace_of_somebody_in_view_is_deleted_once_the_name_is_typed(watched, playing):
    """Last of all, since nobody is known afterwards."""
    stream, home = playing
    seen = watched(stream.url, PHONE)
    page = seen.page
    page.wait_for_selector("#in-view li.known")
    page.wait_for_selector("#visit-list li.known")
    details(page)
    page.click("#person-erase")
    assert page.evaluate("document.activeElement.id") == "person-erasing-name"
    page.fill("#person-erasing-name", "Eileen")
    assert page.locator("#person-erase-now").is_disabled()
    page.keyboard.press("Enter")
    page.click("#person-keep")
    assert (home / "people" / SHE).is_dir() and page.locator("#person-erasing").is_hidden()
    page.click("#person-erase")
    page.fill("#person-erasing-name", SHE)
    before = stream.version()
    page.click("#person-erase-now")
    page.locator("#person-task-text", has_text="nothing is left").wait_for()
    seen.check()
    assert page.evaluate("document.activeElement.id") == "person-close"
    page.click("#person-close")
    until(page, "!document.querySelector('#in-view li.known, #people-list li, #visit-list li.known')")
    assert SHE not in page.locator("main").text_content()
    assert stream.version() > before and not (home / "people" / SHE).exists()
    stream.wait_for_pictures(50)
    assert [path.name for path, data in contents(home) if SHE.encode() in data] == []
    seen.check()
