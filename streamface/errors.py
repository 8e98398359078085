"""The errors that streamface raises on purpose; each message is one line and ends in what to do.

StreamfaceError                 exit code 2
├── SettingsError               also ValueError: an option or argument out of its range
├── UnknownNameError            also ValueError: no backend, network or metric of that name
├── ImageError                  also ValueError: not an image, or one that cannot be used
│   └── NoFaceError             a picture in which no face was found
├── SourceError                 also OSError: a camera, file or folder that gives no frames
├── GalleryError                also OSError: a folder of people that cannot be read or has nobody in it
├── WeightsError                also OSError: a network's weights are missing, broken or of another network
├── OutputError                 also OSError: a file or window that cannot be written to
└── MissingPackageError         also ImportError: an optional package is needed; the message has the pip line
"""

from __future__ import annotations


class StreamfaceError(Exception):
    """Root of every error raised on purpose; `str(error)` is one line that a user can act on."""

    exit_code = 2


class SettingsError(StreamfaceError, ValueError):
    """An option or argument is outside its range, or two of them contradict each other."""


class UnknownNameError(StreamfaceError, ValueError):
    """No backend, network, metric or action has that name; the message lists the known ones."""

    def __init__(self, kind: str, name: object, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown {kind} {name!r}: choose one of {', '.join(known)}")
        self.kind, self.name, self.known = kind, name, known


class ImageError(StreamfaceError, ValueError):
    """A file or array is not an image, or not one that can be used."""


class NoFaceError(ImageError):
    """No face was found in a picture that should show one."""


class SourceError(StreamfaceError, OSError):
    """A camera, file or folder gives no frames."""


class GalleryError(StreamfaceError, OSError):
    """A folder of people cannot be read, or holds nobody."""


class WeightsError(StreamfaceError, OSError):
    """The weights of a network are missing, broken, or belong to another network."""


class OutputError(StreamfaceError, OSError):
    """A file or window cannot be written to."""


class MissingPackageError(StreamfaceError, ImportError):
    """An optional package is needed for what was asked."""

    def __init__(self, purpose: str, package: str) -> None:
        super().__init__(f"{purpose} needs a package that is not installed: pip install {package}")
        self.package = package
