"""Lists the files in a tar archive (POSIX.1-2017, pax: ustar and pax; GNU tar's long names) by offset and size.

Nothing is extracted. Archives that two programs could read differently are refused: with links, devices, sparse files,
or two files of the same name.
"""

from __future__ import annotations

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.source import ByteSource, Window, read_exactly
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.quoting import quote

_BLOCK_BYTES = 512
_LARGEST_EXTENSION_BYTES = 1 << 20
_MOST_MEMBERS = 1000
_FILE_TYPES = {b"0", b"\0", b"7"}
_DIRECTORY, _PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"5", b"x", b"g", b"L", b"K"
_EXTENSIONS = {_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK}


@dataclass(frozen=True, slots=True)
class TarMember:
    """A file in an archive: its name, and where its bytes are."""

    name: str
    offset: int
    size_bytes: int

    def content(self, archive: ByteSource) -> Window:
        """The bytes of the file."""
        return Window(archive, self.offset, self.size_bytes)


@dataclass(slots=True)
class _Extension:
    """What the headers before a member say of it."""

    name: str | None = None
    size_bytes: int | None = None


def read_tar(source: ByteSource) -> tuple[TarMember, ...]:
    """Return the files in the order of the archive; directories are passed over.

    Names are not safe to be used as paths. Raises `ImageMalformed` for what is damaged, cut off, not a plain file, or
    more than a thousand headers.
    """
    members: dict[str, TarMember] = {}
    position, extension = 0, _Extension()
    for _ in range(_MOST_MEMBERS):
        header = read_exactly(source, position, _BLOCK_BYTES, "tar archive")
        if header == bytes(_BLOCK_BYTES):
            return tuple(members.values())
        kind, offset = _checked_type(header, position), position + _BLOCK_BYTES
        size_bytes = _number(header[124:136], position)
        if kind in _EXTENSIONS:
            _extend(extension, kind, _extension_content(source, offset, size_bytes), position)
        else:
            size_bytes = size_bytes if extension.size_bytes is None else extension.size_bytes
            member = TarMember(extension.name or _name(header), offset, size_bytes)
            if kind != _DIRECTORY:
                _add(members, member, source)
            elif size_bytes:
                raise _malformed(f"the directory at byte {position} has a content")
            extension = _Extension()
        position = offset + -(-size_bytes // _BLOCK_BYTES) * _BLOCK_BYTES
    raise _malformed(f"it has more than {_MOST_MEMBERS} members")


def _checked_type(header: bytes, position: int) -> bytes:
    if header[257:262] != b"ustar":
        raise _malformed(f"there is no header at byte {position}")
    if sum(header) - sum(header[148:156]) + 8 * 0x20 != _number(header[148:156], position):
        raise _malformed(f"the check sum of the header at byte {position} is wrong")
    kind = header[156:157]
    if kind not in _FILE_TYPES | _EXTENSIONS | {_DIRECTORY}:
        raise _malformed(f"the member at byte {position} is no plain file (type {kind!r})")
    return kind


def _number(field: bytes, position: int) -> int:
    """An octal number, or a binary one as GNU tar writes those that are too large."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        raise _malformed(f"the header at byte {position} has a damaged number")
    return int(digits or b"0", 8)


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[262:263] == b"\0" else b""  # GNU tar has other fields there
    return _text(prefix + b"/" + name if prefix else name)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace").removeprefix("./")


def _add(members: dict[str, TarMember], member: TarMember, source: ByteSource) -> None:
    if member.name in members:
        raise _malformed(f"it has two files named {quote(member.name)}")
    if member.offset + member.size_bytes > source.size_bytes:
        raise _malformed(f"it is cut off within {quote(member.name)}")
    members[member.name] = member


def _extension_content(source: ByteSource, offset: int, size_bytes: int) -> bytes:
    if size_bytes > _LARGEST_EXTENSION_BYTES:
        raise _malformed(f"the extended header at byte {offset} is larger than 1 MiB")
    return read_exactly(source, offset, size_bytes, "tar archive")


def _extend(extension: _Extension, kind: bytes, content: bytes, position: int) -> None:
    if kind == _LONG_NAME:
        extension.name = _text(content.split(b"\0")[0])
    if kind not in (_PAX, _PAX_GLOBAL):
        return
    for key, value in _pax_records(content, position):
        if key.startswith(b"GNU.sparse.") or (kind == _PAX_GLOBAL and key in (b"path", b"size")):
            raise _malformed(f"the extended header at byte {position} has {quote(_text(key))}")
        if key == b"path":
            extension.name = _text(value)
        if key == b"size":
            if not value.isdigit() or len(value) > 20:
                raise _malformed(f"the extended header at byte {position} has a damaged size")
            extension.size_bytes = int(value)


def _pax_records(content: bytes, position: int) -> list[tuple[bytes, bytes]]:
    """The records `LENGTH KEY=VALUE` and a line feed, where the length counts all of that."""
    records, start = [], 0
    while start < len(content):
        digits, _, _ = content[start : start + 8].partition(b" ")
        end = start + (int(digits) if digits.isdigit() else 0)
        key, separator, value = content[start + len(digits) + 1 : max(end - 1, 0)].partition(b"=")
        if not separator or end > len(content) or content[end - 1 : end] != b"\n":
            raise _malformed(f"the extended header at byte {position} is damaged")
        records.append((key, value))
        start = end
    return records


def _malformed(why: str) -> ImageMalformed:
    return ImageMalformed(
        "the tar archive cannot be read for certain",
        details=why,
        remedy="Export the machine again as OVA, or unpack it with tar and name the disk in it.",
    )
