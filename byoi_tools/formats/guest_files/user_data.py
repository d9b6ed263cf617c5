"""Reads user data as cloud-init sorts it (doc: explanation/format): by its header, MIME parts and gzip included."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

from byoi_tools.model.dataclass import dataclass

if TYPE_CHECKING:
    from email.message import Message

LIMIT_BYTES = 4 * 1024 * 1024
_LIMIT_PARTS = 100
_GZIP = b"\x1f\x8b"
_ENCODED = re.compile(rb"[A-Za-z0-9+/\s]{8,}={0,2}\s*")


class UserDataKind(Enum):
    """What a piece of user data is. The values are the headers, in lower case; longer ones are tried first."""

    CLOUD_CONFIG_ARCHIVE = "#cloud-config-archive"
    CLOUD_CONFIG_JSONP = "#cloud-config-jsonp"
    JINJA = "## template: jinja"
    CLOUD_BOOTHOOK = "#cloud-boothook"
    INCLUDE_ONCE = "#include-once"
    CLOUD_CONFIG = "#cloud-config"
    PART_HANDLER = "#part-handler"
    INCLUDE = "#include"
    SCRIPT = "#!"
    EMPTY = "empty"
    IGNITION = "Ignition configuration"
    TALOS = "Talos machine configuration"
    WINDOWS_SCRIPT = "script for Windows"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UserDataPart:
    """One piece: its kind, its text, and its place (`user data`, or `part 2`)."""

    kind: UserDataKind
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class UserData:
    """The pieces, and what is wrong with the wrapping around them (gzip, MIME, encoding), or an empty text."""

    parts: tuple[UserDataPart, ...]
    problem: str


def read_user_data(data: bytes) -> UserData:
    """Return what the bytes hold; raises nothing."""
    content, problem = _decompress(data)
    if problem:
        return UserData((), problem)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return UserData((), f"byte {error.start} is no UTF-8")
    head = text[:4096].lower()
    if "mime-version:" in head:
        return _read_mime(text)
    return UserData((UserDataPart(_kind(text), text, "user data"),), "")


def is_encoded(data: bytes) -> bool:
    """Whether the bytes are base64 of something that would be user data: they would be encoded twice."""
    if not _ENCODED.fullmatch(data[:LIMIT_BYTES]):
        return False
    try:
        decoded = base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        return False
    if decoded.startswith(_GZIP):
        return True
    inner = read_user_data(decoded)
    return any(part.kind not in (UserDataKind.UNKNOWN, UserDataKind.EMPTY) for part in inner.parts)


def has_escaped_line_ends(data: bytes) -> bool:
    r"""Whether the header is followed by a backslash and an `n` where a line should end."""
    return (
        re.match(rb"\s*#(cloud-config|!\S{1,100}|include)[^\n]{0,100}\\n", data) is not None
        and b"\n" not in data.strip()
    )


def _decompress(data: bytes) -> tuple[bytes, str]:
    if not data.startswith(_GZIP):
        return data, ""
    engine = zlib.decompressobj(wbits=31)
    try:
        content = engine.decompress(data, LIMIT_BYTES)
    except zlib.error as error:
        return b"", f"gzip data that cannot be decompressed ({error})"
    if not engine.eof:
        return b"", "gzip data that is cut off or larger than 4 MiB"
    return content, ""


def _read_mime(text: str) -> UserData:
    from email import message_from_string

    try:
        parts = tuple(_mime_parts(message_from_string(text)))
    except (ValueError, LookupError, RecursionError) as error:
        return UserData((), f"a MIME message that cannot be read ({error})")
    return UserData(parts, "" if parts else "a MIME message without parts")


def _mime_parts(message: Message) -> Iterator[UserDataPart]:
    for number, part in enumerate(message.walk()):
        if number > _LIMIT_PARTS:
            return
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        content, _ = _decompress(payload if isinstance(payload, bytes) else b"")
        text = content.decode("utf-8", "replace")
        kind = _kind(text)
        if kind is UserDataKind.UNKNOWN and part.get_content_type() == "text/cloud-config":
            kind = UserDataKind.CLOUD_CONFIG
        is_typed = part.get_content_type() not in ("text/plain", "text/x-not-multipart")
        if kind is not UserDataKind.UNKNOWN or not is_typed:
            yield UserDataPart(kind, text, f"part {max(1, number)}")


def _kind(text: str) -> UserDataKind:
    start = text[:4096].lower().lstrip()
    for kind in UserDataKind:
        if kind.value.startswith("#") and start.startswith(kind.value):
            return kind
    if not start:
        return UserDataKind.EMPTY
    if start.startswith("{") and '"ignition"' in start:
        return UserDataKind.IGNITION
    if re.search(r"^version:\s*v1alpha1\b", start, re.M) or re.search(r"^apiversion:\s*v1alpha1\b", start, re.M):
        return UserDataKind.TALOS
    if start.startswith(("#ps1", "rem cmd", "<powershell>", "<script>", "# ps1")):
        return UserDataKind.WINDOWS_SCRIPT
    return UserDataKind.UNKNOWN
