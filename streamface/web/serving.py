"""From settings to a site that is served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamface.errors import SettingsError
from streamface.settings import OutputSettings
from streamface.web import passwords
from streamface.web.views import View

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from streamface.web.parts import Parts

MISSING = "the pages need more packages: pip install 'streamface[web]'"


@dataclass(frozen=True, slots=True)
class Served:
    """A site that is being served."""

    views: Mapping[str, View]
    """Of each camera by its name: the sinks through which its results reach the pages."""
    url: str
    """Where a browser on this computer finds it."""


@contextmanager
def serving(output: OutputSettings, cameras: Sequence[str], **parts: Unpack[Parts]) -> Iterator[Served]:
    """Serve the pages of `cameras` on `output.serve` until the block ends, with `parts.Parts` beside the pictures.

    Raises `SettingsError` for an address that others reach and no password, `OutputError` for one that is taken.
    """
    try:
        from streamface.web import app
        from streamface.web.guard import Access, hosts_for
        from streamface.web.server import Server, is_loopback, parsed
        from streamface.web.site import Site
    except ImportError as error:
        raise SettingsError(MISSING) from error
    host, port = parsed(output.serve)
    password_hash = passwords.kept(output.password_file)
    if password_hash is None and not is_loopback(host):
        raise SettingsError(
            f"others can reach {host}, so a password is needed: make one with `streamface password > FILE` and add "
            f"--password-file FILE, or put it into {passwords.VARIABLE}"
        )
    views = {camera: View(camera, output.leave_after_s) for camera in cameras}
    site = Site(views, Access(hosts_for(host, output.serve_names), password_hash), **parts)
    try:
        with Server(app.create(site), host, port) as server:
            yield Served(views, server.url)
    finally:
        if site.traces is not None:
            site.traces.close()
