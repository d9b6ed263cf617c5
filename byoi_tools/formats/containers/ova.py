"""Reads an OVA, a tar of an OVF descriptor, a manifest and disks (DMTF DSP0243, 2.1: clauses 5 and 6)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from urllib.parse import unquote

from byoi_tools.errors import ImageMalformed, IntegrityError
from byoi_tools.formats.containers.ovf import read_ovf
from byoi_tools.formats.containers.tar import TarMember, read_tar
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.quoting import quote

_LARGEST_TEXT_BYTES = 4 << 20
_PIECE_BYTES = 1 << 20
_LINE = re.compile(r"(SHA1|SHA256|SHA512) ?\((.{1,1000})\) ?= ?([0-9A-Fa-f]{40,128})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ova:
    """The archive's only disk, and what the manifest promises of each file; no promises where there is no manifest."""

    disk: TarMember
    others: tuple[TarMember, ...]
    promises: dict[str, Digest]


def read_ova(source: ByteSource) -> Ova:
    """Return what is where in the archive; the descriptor was compared with the manifest before it was read.

    Raises `ImageMalformed`, or `ImageUnsafe`, for an archive that is not one descriptor and its one disk, and
    `IntegrityError` when the manifest does not cover these two, or the descriptor is not what it promises.
    """
    members = {member.name: member for member in read_tar(source)}
    descriptor = _only(members, ".ovf")
    if descriptor is None:
        raise _malformed("it holds no OVF descriptor", "Unpack it with tar, and name the disk image in it.")
    manifest = _only(members, ".mf")
    promises = _read_manifest(_text(source, manifest)) if manifest else {}
    if promises:
        verify_member(source, descriptor, promises)
    disk = _find_disk(members, _text(source, descriptor))
    if promises and disk.name not in promises:
        raise _broken(f"the manifest does not name the disk {quote(disk.name)}")
    if missing := sorted(promises.keys() - members.keys()):
        raise _malformed(f"the manifest names {quote(missing[0])}, which is not in the archive")
    others = tuple(member for member in members.values() if member.name in promises.keys() - {disk.name})
    return Ova(disk, others, promises)


def verify_member(source: ByteSource, member: TarMember, promises: dict[str, Digest]) -> None:
    """Read a file to its end; raises `IntegrityError` unless its digest is the promised one."""
    for _ in read_member(source, member, promises):
        pass


def read_member(source: ByteSource, member: TarMember, promises: dict[str, Digest]) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces of 1 MiB.

    Raises `IntegrityError` after the last one unless they are what the manifest promises; without any manifest nothing
    is promised.
    """
    promised = promises.get(member.name)
    if promised is None and promises:
        raise _broken(f"the manifest does not name {quote(member.name)}")
    content = member.content(source)
    digest = hashlib.new(promised.algorithm.value if promised else "sha256", usedforsecurity=False)
    for offset in range(0, member.size_bytes, _PIECE_BYTES):
        piece = content.read_at(offset, _PIECE_BYTES)
        if promised:
            digest.update(piece)
        yield piece
    if promised and digest.hexdigest() != promised.hexadecimal:
        raise _broken(f"{quote(member.name)} does not have the digest {promised}")


def _only(members: dict[str, TarMember], suffix: str) -> TarMember | None:
    found = [member for name, member in members.items() if name.lower().endswith(suffix)]
    if len(found) > 1:
        raise _malformed(f"it holds {len(found)} files that end in {suffix}")
    return found[0] if found else None


def _text(source: ByteSource, member: TarMember) -> bytes:
    if member.size_bytes > _LARGEST_TEXT_BYTES:
        raise _malformed(f"{quote(member.name)} is larger than 4 MiB")
    return member.content(source).read_at(0, member.size_bytes)


def _read_manifest(content: bytes) -> dict[str, Digest]:
    promises: dict[str, Digest] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise _malformed(f"the manifest has a line that is none: {quote(line[:100])}")
        algorithm, name, digits = found.groups()
        name = name.removeprefix("./")
        if name in promises:
            raise _malformed(f"the manifest names {quote(name)} twice")
        try:
            promises[name] = Digest(DigestAlgorithm(algorithm.lower()), digits.lower())
        except ValueError as failure:
            raise _malformed(f"the manifest: {failure}") from failure
    if not promises:
        raise _malformed("the manifest is empty")
    return promises


def _find_disk(members: dict[str, TarMember], descriptor: bytes) -> TarMember:
    disk = read_ovf(descriptor)
    member = members.get(disk.href) or members.get(unquote(disk.href))
    if member is None:
        raise _malformed(f"its disk {quote(disk.href)} is not in it")
    if disk.size_bytes not in (None, member.size_bytes):
        raise _malformed(f"its disk has {member.size_bytes} bytes, where the descriptor says {disk.size_bytes}")
    return member


def _malformed(
    why: str, remedy: str = "Export the machine again as OVA, with one disk, or convert the disk by its own name."
) -> ImageMalformed:
    return ImageMalformed("the archive is no OVA with one disk", details=why, remedy=remedy)


def _broken(why: str) -> IntegrityError:
    return IntegrityError(
        "the OVA is not what its manifest promises",
        details=why,
        remedy="Download or export it again; do not use it as it is.",
    )
