"""Turns flags that name files, or describe a deployment, into values, and says which flag is wrong."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

from byoi_tools.errors import UsageError
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.deployment.partitioning import Partitioning
from byoi_tools.model.digest import Digest
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.secret import Secret

_LARGEST_FILE_BYTES = 1024 * 1024


def read_customizations(
    hostname: str | None, ssh_key: Path | None, user_data: Path | None, metadata: list[str] | None
) -> Customizations:
    """Return what the config drive will hold; raises `UsageError` for a file that is not what it should be."""
    return Customizations(
        hostname=hostname,
        ssh_key=read_public_key(ssh_key) if ssh_key else None,
        user_data=read_user_data_file(user_data),
        metadata=tuple(_split("--metadata", pair) for pair in metadata or ()),
    )


def read_user_data_file(path: Path | None) -> bytes | None:
    """Return the content of the file with the user data, None without one; raises `UsageError` if it cannot be read."""
    return _read("--user-data", path) if path else None


def read_partitioning(path: Path | None, product: Product) -> Partitioning | None:
    """Return the layout in a file, None without one; raises `UsageError`, also where the product takes none."""
    if path is None:
        return None
    if product is not Product.BYOLINUX:
        raise UsageError(
            "--partitioning is for Bring Your Own Linux alone: another image brings its own partitions",
            remedy="Give --os byolinux, or leave --partitioning out.",
        )
    from byoi_tools.deployment.reinstall.partitioning import parse_partitioning

    try:
        return parse_partitioning(_read("--partitioning", path).decode())
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text", remedy="Give a TOML or JSON file in UTF-8.") from None


def read_luks_key(path: Path | None, reader: ReaderChoice) -> Secret | None:
    """Return the passphrase in a file, without its last line end, None without one; raises `UsageError`.

    It cannot be used where only native readers may read; libguestfs takes no NUL and nothing but UTF-8.
    """
    if path is None:
        return None
    if reader is ReaderChoice.NATIVE:
        raise UsageError("--luks-key needs guestfs", remedy="Leave --reader native out.")
    try:
        key = _read("--luks-key", path).decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        key = ""
    if not key or "\0" in key:
        raise UsageError(
            f"{path} holds no passphrase", remedy="Write the passphrase as UTF-8 text; binary keys are not supported."
        )
    return Secret(key)


def parse_checksum(text: str) -> Digest:
    """Return the digest; raises `UsageError` that says how one is written."""
    try:
        return Digest.parse(text)
    except ValueError as wrong:
        raise UsageError(
            f"--checksum {text[:80]} is no checksum",
            details=str(wrong),
            remedy="Write sha512: and the digits; `byoi-tools checksum IMAGE` prints them.",
        ) from wrong


def read_headers(headers: list[str] | None) -> tuple[tuple[str, Secret], ...]:
    """Return the HTTP headers; their values are secrets."""
    pairs = (_split("--http-header", pair) for pair in headers or ())
    return tuple((name, Secret(value)) for name, value in pairs)


def _split(flag: str, pair: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    if not separator or not name.strip():
        raise UsageError(f"{flag} takes KEY=VALUE", remedy=f"Write for instance {flag} role=database.")
    return name.strip(), value


def read_public_key(path: Path) -> str:
    """Return the one line of a public key's file; raises `UsageError` when it is something else."""
    content = _read("--ssh-key", path)
    if b"PRIVATE KEY" in content:
        raise UsageError(f"{path} is a private key", remedy=f"Give the public one: --ssh-key {path}.pub.")
    lines = [line for line in content.decode("utf-8", "replace").splitlines() if line.strip()]
    if len(lines) != 1 or not _is_public_key(lines[0]):
        raise UsageError(
            f"{path} is no public SSH key",
            details=f"it has {len(lines)} lines; the provider takes one line, as `ssh-ed25519 AAAA... comment`",
            remedy="Give the .pub file of one key; put further keys into the user data.",
        )
    return lines[0].strip()


def private_half(ssh_key: Path | None) -> Path | None:
    """The file where OpenSSH keeps the private half of a public key; None without one."""
    return ssh_key.with_suffix("") if ssh_key and ssh_key.suffix == ".pub" else None


def _is_public_key(line: str) -> bool:
    """Whether it is TYPE BASE64 with the same type inside (RFC 4253, section 6.6)."""
    kind, _, rest = line.strip().partition(" ")
    try:
        blob = base64.b64decode(rest.split(" ")[0], validate=True)
    except ValueError:
        return False
    return blob.startswith(struct.pack(">I", len(kind)) + kind.encode()) and len(blob) > len(kind) + 4


def _read(flag: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
    except OSError as failure:
        raise UsageError(
            f"the file of {flag} cannot be read",
            details=str(failure),
            remedy="Name a file that exists and is readable.",
        ) from failure
    if len(content) > _LARGEST_FILE_BYTES:
        raise UsageError(
            f"{path} is larger than 1 MiB", remedy=f"The config drive is that small; {flag} can fetch more at boot."
        )
    return content
