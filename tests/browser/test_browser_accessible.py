"""axe-core finds nothing serious or critical on any page, dark or light, with dialogs open and without."""

from __future__ import annotations

import pytest
from chromium import DESKTOP, PHONE, axe_faults, missing_axe
from live_page import DIALOGS, open_dialog, wait_for_faces

pytestmark = pytest.mark.skipif(missing_axe() is not None, reason=str(missing_axe()))
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
SCHEMES = pytest.mark.parametrize("scheme", ["dark", "light"])


@SIZES
@SCHEMES
def test_the_live_page_and_its_dialogs(demo, watched, size, scheme):
    page = watched(demo.url, size, scheme).page
    wait_for_faces(page)
    assert axe_faults(page) == []
    for which in DIALOGS:
        dialog = open_dialog(page, which)
        if which == "enrol":
            page.wait_for_selector("#enrol-pictures .taken")
        assert (which, axe_faults(page)) == (which, [])
        page.keyboard.press("Escape")
        dialog.wait_for(state="hidden")


@SCHEMES
def test_the_page_for_the_password(locked, watched, scheme):
    page = watched(f"{locked.url}login", PHONE, scheme).page
    page.wait_for_selector("#password")
    assert axe_faults(page) == []
    page.fill("#password", "wrong password")
    page.keyboard.press("Enter")
    page.wait_for_selector("#problem >> text=wrong password")
    assert axe_faults(page) == []
