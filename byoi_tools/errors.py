"""Every error a user can meet, and the exit code that it means.

    ByoiError                     never raised itself
    ├── UsageError                2  usage or configuration
    ├── ImageError                3  the image is unreadable, unsupported or unsafe
    │   ├── ImageUnreadable          no such file, a directory, a device, no permission
    │   ├── ImageMalformed           a reader met bytes that its specification forbids
    │   │   └── ContainerMalformed      ... in the container, whatever the disk in it holds
    │   └── ImageUnsafe              reading on would touch something outside the file
    ├── ToolError                 4  a tool is missing or failed
    │   ├── ToolMissing
    │   └── ToolFailed
    ├── StorageError              5  storage or integrity
    │   ├── IntegrityError           bytes are not those that were promised
    │   └── NoSpace
    ├── DeploymentError           6  deployment refused or failed
    │   ├── DeploymentRefused        nothing was sent: it would not have worked
    │   └── DeploymentFailed         the provider says that it did not work
    ├── OutcomeUnknown            7  a destructive request may have been accepted
    └── Interrupted             130  the user ended it

Exit 1 is no error: it is a bad verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar


class ByoiError(Exception):
    """Something failed; says what failed (`message`), what was seen (`details`), what to do (`remedy`)."""

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, remedy: str, details: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = details

    def __reduce__(self) -> tuple[Callable[..., ByoiError], tuple[type[ByoiError], str, str, str | None]]:
        return _restore, (type(self), self.message, self.remedy, self.details)


def _restore(kind: type[ByoiError], message: str, remedy: str, details: str | None) -> ByoiError:
    """Make an error again in another process; pickle alone does not pass keywords on."""
    return kind(message, remedy=remedy, details=details)


class UsageError(ByoiError):
    """The command line, an environment variable or a configuration file is wrong."""

    exit_code = 2


class ImageError(ByoiError):
    """The image cannot be worked with."""

    exit_code = 3


class ImageUnreadable(ImageError):
    """The path is not a regular file that this user may read."""


class ImageMalformed(ImageError):
    """Bytes of the image contradict the specification of the structure that was read."""


class ContainerMalformed(ImageMalformed):
    """The container does not say where the bytes of the disk are that were asked for."""


class ImageUnsafe(ImageError):
    """The image refers to something outside itself, or asks for absurd resources."""


class ToolError(ByoiError):
    """A program or library that the work needs."""

    exit_code = 4


class ToolMissing(ToolError):
    """The program or library is not installed."""


class ToolFailed(ToolError):
    """The program ran and failed, or ran out of its time or resources."""


class StorageError(ByoiError):
    """The object store, or the disk that the work happens on."""

    exit_code = 5


class IntegrityError(StorageError):
    """Bytes differ from what was promised: a digest, a size, a comparison."""


class NoSpace(StorageError):
    """Not enough free space to start, or no space left."""


class DeploymentError(ByoiError):
    """The provider's API, or the installation on the server."""

    exit_code = 6


class DeploymentRefused(DeploymentError):
    """The deployment was not started, because it could not have worked; nothing was erased."""


class DeploymentFailed(DeploymentError):
    """The provider reports that the installation failed."""


class OutcomeUnknown(ByoiError):
    """A destructive request was sent, and nothing says whether it was accepted, or how it ended."""

    exit_code = 7


class Interrupted(ByoiError):
    """The user stopped the work (Ctrl-C, SIGTERM, a terminal that was closed)."""

    exit_code = 130
