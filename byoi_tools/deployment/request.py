"""Rules for the image's source in a request: its URL, headers, checksum and type. What they judge may be secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from byoi_tools.deployment.misfit import Misfit
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.order import ImageSource
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import HIDDEN, Secret

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def find_image_faults(image: ImageSource, product: Product) -> tuple[Misfit, ...]:
    """What would keep the provider from fetching, verifying or accepting the image; secrets are not quoted."""
    faults = [*_judge_url(image.url), *_judge_headers(image.http_headers)]
    if image.checksum is None:
        faults.append(
            Misfit(
                "the image has no checksum",
                "none is given",
                "a digest, since a broken download would be written to the disk",
                "Give --checksum sha512:DIGITS; `byoi-tools checksum IMAGE` prints it.",
            )
        )
    if product is Product.BYOLINUX and image.image_type is not ImageType.QCOW2:
        faults.append(
            Misfit(
                "BYOLinux does not take this image type",
                image.image_type.value,
                "qcow2",
                "Run `byoi-tools convert IMAGE OUTPUT --to qcow2` and deploy the output.",
            )
        )
    return tuple(faults)


def _judge_url(url: Secret) -> Iterator[Misfit]:
    try:
        parts = urlsplit(url.reveal())
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        has_user = bool(parts.username or parts.password)
    except ValueError:
        is_usable, has_user = False, False
    if not is_usable or has_user or not _is_one_word(url.reveal()):
        yield Misfit(
            "the image's URL is not one that the provider can fetch",
            "user information in the URL" if has_user else HIDDEN,
            "an http or https URL without user information",
            "Give a plain URL; put credentials into --http-header 'Authorization=Basic ...'.",
        )


def _judge_headers(headers: tuple[tuple[str, Secret], ...]) -> Iterator[Misfit]:
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name) or not value.reveal().isprintable():
            yield Misfit(
                "an HTTP header cannot be sent",
                repr(name),
                "a token as name, and a value on one line (RFC 9110, section 5)",
                "Correct the --http-header.",
            )


def _is_one_word(text: str) -> bool:
    return text.isprintable() and not any(c.isspace() for c in text)
