"""Rules for the request alone, whatever the server: names, keys, paths and the image's source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from byoi_tools.deployment.misfit import Misfit
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment import ImageSource, InstallOrder
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import HIDDEN, Secret

_LABEL = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST_HOSTNAME = 253
_PUBLIC_KEY = re.compile(r"(ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+={0,2}( .*)?", re.ASCII)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FALLBACK_LOADER = r"\EFI\BOOT\BOOTX64.EFI"


def find_order_faults(order: InstallOrder) -> tuple[Misfit, ...]:
    """What the provider would refuse in an order, or accept and corrupt."""
    wishes = order.customizations
    faults = [*_judge_hostname(wishes.hostname), *_judge_ssh_key(wishes.ssh_key), *_judge_loader(order.loader_path)]
    return tuple(faults)


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


def _judge_hostname(hostname: str | None) -> Iterator[Misfit]:
    """RFC 1035, sections 2.3.1 and 2.3.4 (253 characters make 255 octets), as the API's error classes quote it."""
    if hostname is None:
        return
    if len(hostname) > _LONGEST_HOSTNAME or not all(_LABEL.fullmatch(label) for label in hostname.split(".")):
        yield Misfit(
            "the host name breaks RFC 1035",
            repr(hostname[: _LONGEST_HOSTNAME + 1]),
            "labels of at most 63 letters, digits and hyphens, a letter first, no hyphen last",
            "Give another --hostname.",
        )


def _judge_ssh_key(key: str | None) -> Iterator[Misfit]:
    if key is None or _PUBLIC_KEY.fullmatch(key.strip()):
        return
    is_private = "PRIVATE KEY" in key
    yield Misfit(
        "the SSH key is not one public key",
        "a private key" if is_private else f"{len(key.splitlines())} lines that are not one OpenSSH public key",
        "one line such as `ssh-ed25519 AAAA... name`",
        "Give the file that ends in .pub.",
    )


def _judge_loader(path: str | None) -> Iterator[Misfit]:
    """The API wants single backslashes once the JSON is decoded; users paste doubled ones (bringyourownlinux #10)."""
    if path is None:
        return
    names = path.split("\\")
    is_plain = path.isascii() and path.isprintable() and not set(path) & set('/<>:"|?*')
    if names[0] == "" and len(names) > 1 and all(names[1:]) and is_plain and path.lower().endswith(".efi"):
        return
    yield Misfit(
        "the path of the EFI loader is not one that firmware finds",
        repr(path),
        rf"an absolute path with single backslashes, as {_FALLBACK_LOADER}",
        rf"Give --efi-bootloader-path '{_FALLBACK_LOADER}', in single quotes, with the image's own loader.",
    )


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
