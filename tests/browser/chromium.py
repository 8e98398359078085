"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DESKTOP, PHONE = (1280, 800), (390, 844)
CHROMIUM = shutil.which("chromium") or ""
AXE = Path(os.environ.get("STREAMFACE_AXE") or ROOT / "node_modules/axe-core/axe.min.js")
"""The script of axe-core, which finds faults in accessibility."""
GET_AXE = "npm install --no-save --no-package-lock axe-core@4.14.1"
PATIENCE_MS = 90_000
"""How long an element is waited for, on a machine that does much else."""
FAULTS = """async () => (await axe.run({
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        rules: { "label-content-name-mismatch": { enabled: true }, "target-size": { enabled: true } },
    })).violations
    .map((fault) => ({ ...fault, nodes: fault.nodes.filter(({ html }) =>
        // a face is as large and as near to the next as it is; the list has a button for the same
        fault.id !== "target-size" || !html.includes("data-track=")) }))
    .filter(({ nodes }) => nodes.length)
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`)"""


def missing() -> str | None:
    """Why there is no browser here; None where there is one."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "Playwright is not installed: pip install playwright"
    return None if CHROMIUM else "Chromium is not installed: apt-get install chromium"


def missing_axe() -> str | None:
    """Why accessibility cannot be tested here; None where it can."""
    return None if AXE.is_file() else f"axe-core is not at {AXE}: {GET_AXE}"


@contextmanager
def chromium() -> Iterator:
    """A browser, until the block ends."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-dev-shm-usage"]  # as root, and in containers with little shared memory
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser, size_wh: tuple[int, int], scheme: str = "dark"):
    """A new page of that size with cookies of its own, in a 'dark' or 'light' browser; a phone's where it is narrow."""
    width, height = size_wh
    is_phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=2 if is_phone else 1, has_touch=is_phone,
        is_mobile=is_phone, color_scheme=scheme, reduced_motion="reduce", locale="en-GB", timezone_id="UTC",
    )  # fmt: skip
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


def until(page, script: str, within_s: float = PATIENCE_MS / 1000) -> None:
    """Wait for `script` to be true in the page; asked from here, since the page's policy lets it run no text later."""
    end = time.monotonic() + within_s
    while not page.evaluate(script):
        assert time.monotonic() < end, f"not within {within_s:g} s: {script}"
        page.wait_for_timeout(100)


def axe_faults(page) -> list[str]:
    """Serious and critical faults of the page as it is now, one line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))  # by the debugger: the page's policy allows no other script
    return page.evaluate(FAULTS)
