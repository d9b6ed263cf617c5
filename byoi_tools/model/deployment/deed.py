"""What a deployment will do to a server, as it is shown before anybody agrees to it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from byoi_tools.model.deployment.order import InstallOrder
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.digest import Digest
from byoi_tools.model.finding import OutcomeKind
from byoi_tools.model.image import SentType


@dataclass(frozen=True, slots=True)
class ServedImage:
    """What the server will be installed from; `place` is an object, a file, or a URL without its query.

    The size is None, and there are no digests, where they are not known yet.
    """

    place: str
    image_type: SentType
    size_bytes: int | None = None
    digests: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Concern:
    """The outcome of a check that did not pass; `severity` is `error`, `warning` or `info`."""

    check_id: str
    outcome: OutcomeKind
    severity: str
    message: str
    observed: str


@dataclass(frozen=True, slots=True)
class Deed:
    """One deployment: the server with all disks that it erases, the order, the image, what speaks against it.

    `verdict` is the profile with its verdict, None where the image was not looked at; of the HTTP headers only the
    names are told.
    """

    server: Server
    order: InstallOrder
    image: ServedImage
    header_names: tuple[str, ...] = ()
    verdict: str | None = None
    concerns: tuple[Concern, ...] = ()


def fingerprint(public_key: str) -> str:
    """The fingerprint of a public SSH key, as `ssh-keygen -l` prints it: `SHA256:` and base64 without padding.

    `public_key` is one line as in a `.pub` file; raises `ValueError` when it is none.
    """
    words = public_key.split()
    if len(words) < 2:
        raise ValueError("a public key has a type and base64")
    digest = hashlib.sha256(base64.b64decode(words[1], validate=True)).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")
