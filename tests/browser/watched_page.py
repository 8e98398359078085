"""A page in the browser, and what went wrong on it."""

from __future__ import annotations

from collections.abc import Callable

from chromium import open_page

STICKING_OUT = """() => {
    const cut = (e) => e.closest("#stage, .labels, .unseen, .skip, noscript, template");
    const shown = (e) => e.checkVisibility() && e.getClientRects().length && !cut(e);
    const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const kinds = "button, input, select, img, canvas, a, meter, svg";
    const box = (e) => {
        const range = document.createRange();
        range.selectNodeContents(e);
        return e.matches(kinds) ? e.getBoundingClientRect() : range.getBoundingClientRect();
    };
    const fixed = getComputedStyle(document.body).overflowY === "hidden";
    const out = ({ left, right, top, bottom }) => left < -1 || right > innerWidth + 1
        || (fixed && (top < -1 || bottom > innerHeight + 1));
    return [...document.body.querySelectorAll("*")]
        .filter((e) => (own(e) || e.matches(kinds)) && shown(e) && out(box(e)))
        .map((e) => `${e.tagName} #${e.id} "${e.textContent.trim().slice(0, 60)}"`);
}"""
"""What sticks out of the window sideways; of a page that cannot be scrolled, upwards and downwards too."""


class Watched:
    """Opens `url` in a page of its own.

    Args:
        browser: see `chromium.chromium`.
        url: of the page.
        size: width and height in CSS pixels.
        scheme: 'dark' or 'light'.
        before: done with the page before it is opened.
    """

    def __init__(
        self,
        browser,
        url: str,
        size: tuple[int, int],
        scheme: str = "dark",
        before: Callable[[object], None] = lambda page: None,
    ) -> None:
        self.page = open_page(browser, size, scheme)
        self.faults: list[str] = []
        self.elsewhere: list[str] = []
        origin = "/".join(url.split("/")[:3])
        self._own = (f"{origin}/", f"{origin.replace('http:', 'ws:')}/", "data:", f"blob:{origin}/")
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda asked: self._note(asked.url))
        self.page.on("websocket", lambda made: self._note(made.url))
        before(self.page)
        self.page.goto(url)

    def _note(self, asked: str) -> None:
        if not asked.startswith(self._own):
            self.elsewhere.append(asked)

    def check(self) -> None:
        """Nothing went wrong, nothing came from elsewhere, and everything lies within the window's width."""
        assert self.faults == [] and self.elsewhere == []
        sideways = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert sideways <= 0, f"{sideways} pixels stick out"
        assert self.page.evaluate(STICKING_OUT) == []
        assert self.page.locator("h1").count() == 1 and self.page.title()
        assert self.page.evaluate("document.documentElement.lang") == "en"

    def close(self) -> None:
        """Close the page, its cookies too."""
        self.page.context.close()
