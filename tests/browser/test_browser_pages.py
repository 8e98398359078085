"""Every part of the live page and the page for the password, on a desktop and on a phone: it works and it fits."""

from __future__ import annotations

import re
import shutil

import pytest
from chromium import DESKTOP, PHONE, until
from live_page import DATABASE, DIALOGS, PASSWORD, click_face, open_dialog, prepared_demo, wait_for_faces
from served_stream import ServedStream

SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
MARKUP = "<img src=x onerror=document.title='owned'>"
"""A name that is markup, in a browser that takes it for such."""


@pytest.fixture(scope="module")
def hostile(browser, settings, tmp_path_factory):
    """The demo with somebody whose name is markup."""
    home = tmp_path_factory.mktemp("hostile")
    shutil.copytree(DATABASE / "Eileen Collins", home / "people" / MARKUP)
    (home / "cameras.yaml").write_text(f'cameras:\n  - name: "{MARKUP}"\n    source: demo\n')
    arguments = prepared_demo(home, home / "people", "--config", str(home / "cameras.yaml"))
    del arguments[1:3]  # the source stands in the file
    with ServedStream(arguments) as stream:
        yield stream


@SIZES
def test_the_live_page_shows_who_is_there(demo, watched, size):
    seen = watched(demo.url, size)
    page = seen.page
    wait_for_faces(page)
    assert page.locator("#in-view .known .name").first.text_content() == "Eileen Collins"
    canvas = page.locator("article.camera canvas").first
    assert canvas.evaluate("(c) => c.width") > 300
    colours = canvas.evaluate("(c) => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size")
    assert colours > 100, "a picture, not one colour"
    assert page.locator("article.camera").get_attribute("data-state") == "live"
    assert page.locator("#people-list .name").all_text_contents() == ["Eileen Collins"]
    assert page.locator("#stranger-list .name").first.text_content().startswith("Stranger")
    until(page, "[...document.images].length && [...document.images].every((one) => one.complete && one.naturalWidth)")
    assert page.evaluate("[...document.images].filter((one) => !one.naturalWidth).map((one) => one.src)") == []
    seen.check()


@SIZES
@pytest.mark.parametrize("which", DIALOGS)
def test_each_dialog_fits_and_closes(demo, watched, size, which):
    seen = watched(demo.url, size)
    wait_for_faces(seen.page)
    dialog = open_dialog(seen.page, which)
    assert dialog.evaluate("(d) => d.scrollWidth - d.clientWidth") <= 0
    heading = dialog.locator("h2").text_content()
    assert heading, "it says what it is about"
    seen.check()
    seen.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    seen.check()


def test_a_click_on_somebody_known_shows_the_pictures(demo, watched):
    page = watched(demo.url, DESKTOP).page
    wait_for_faces(page)
    click_face(page, "known", "person")
    assert page.locator("#person-title").text_content() == "Eileen Collins"
    page.wait_for_selector("#person-pictures img")


@pytest.mark.parametrize("labels", ["picture", "none"])
def test_labels_may_be_in_the_picture_or_not_at_all(demo, watched, labels):
    page = watched(demo.url, DESKTOP).page
    wait_for_faces(page)
    assert page.locator(".labels span").first.is_visible()
    page.check(f"input[name=labels][value={labels}]")
    page.wait_for_selector(".labels.bare", state="attached")
    wait_for_faces(page)
    assert not page.locator(".labels span").first.is_visible()
    page.reload()
    page.wait_for_selector(".labels.bare", state="attached")
    assert page.is_checked(f"input[name=labels][value={labels}]"), "it is remembered"


def test_visits_are_chosen_by_person(demo, watched):
    page = watched(demo.url, DESKTOP).page
    wait_for_faces(page)
    page.wait_for_selector("#visit-list .unknown")
    page.wait_for_selector("#visit-person option >> text=Eileen Collins", state="attached")
    page.select_option("#visit-person", label="Eileen Collins")
    names = "[...document.querySelectorAll('#visit-list .name')].map((one) => one.textContent)"
    until(page, f"{names}.length && {names}.every((name) => name === 'Eileen Collins')")
    page.fill("#visit-after", "2100-01-01T00:00")
    page.wait_for_selector("#no-visits >> text=No visits.")


@SIZES
def test_signing_in_and_out(locked, watched, size):
    seen = watched(locked.url, size)
    page = seen.page
    page.wait_for_url(re.compile("/login"))
    seen.check()
    page.fill("#password", "wrong password")
    page.keyboard.press("Enter")
    page.wait_for_selector("#problem >> text=wrong password")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("article.camera")
    page.click("#sign-out")
    page.wait_for_url(re.compile("/login"))
    refused = [fault for fault in seen.faults if "403" in fault or "404" in fault]
    assert sum("403" in fault for fault in refused) == 1, "the wrong password, as the browser tells it"
    seen.faults[:] = [fault for fault in seen.faults if fault not in refused]
    seen.check()


def test_names_stay_text(hostile, watched):
    seen = watched(hostile.url, PHONE)
    page = seen.page
    wait_for_faces(page)
    places = ("#in-view .known .name", ".labels .known span", "#visit-list .known .name", "#people-list .name",
              ".camera .name")  # fmt: skip
    for place in places:
        assert page.locator(place).first.text_content() == MARKUP, place
    page.click("#people-list button")
    page.wait_for_selector("#person-pictures img")
    assert page.locator("#person-title").text_content() == MARKUP
    assert page.title() == "streamface" and page.locator("img[src=x]").count() == 0
    seen.check()
