"""From what the user wrote to a source."""

from __future__ import annotations

from streamface import plugins
from streamface.capture import _address
from streamface.capture._playing import Playing
from streamface.capture.base import Source
from streamface.errors import SettingsError, SourceError
from streamface.settings import CaptureSettings


def open_source(settings: CaptureSettings) -> Source:
    """The source that `settings.source` names; it opens in `with`.

    Raises `SettingsError` for an address of a kind that cannot be read, `SourceError` when nothing has that name.
    """
    source = settings.source.strip()
    if not source:
        raise SettingsError("the source is empty: name a camera's number, a file, a folder, an address, or 'demo'")
    known = plugins.backends("capture").values()
    for module in sorted(known, key=lambda module: module.NAME in ("file", "folder")):  # '0' is a camera, './0' a file
        if module.matches(source):
            return _as_asked(module.create(settings), settings)
    scheme = _address.scheme(source)
    if scheme:
        raise SettingsError(f"cannot read {scheme}:// addresses: use one of {', '.join(_address.SCHEMES)}")
    shown = _address.without_credentials(source)
    hint = "check the path, or try --source demo" if shown == source else "an address begins with rtsp:// or http://"
    raise SourceError(f"there is no file or folder {shown}: {hint}")


def _as_asked(source: Source, settings: CaptureSettings) -> Source:
    return Playing(source) if settings.loop and source.is_file else source
