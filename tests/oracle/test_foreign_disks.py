"""Disks in the formats of other hypervisors, written by qemu-img: whole ones are let through, others are not."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoi_tools.conversion.judges import judge_foreign
from byoi_tools.errors import ImageError, ImageMalformed, ImageUnsafe
from byoi_tools.formats.source import Memory
from byoi_tools.model.image import ImageFormat
from tests.disk_images import MIB, patched, run

FORMATS = {
    "vpc": ImageFormat.VHD,
    "vhdx": ImageFormat.VHDX,
    "vdi": ImageFormat.VDI,
    "vmdk": ImageFormat.VMDK,
}
SUBFORMATS = [
    ("vpc", "subformat=dynamic"),
    ("vpc", "subformat=dynamic,force_size=on"),
    ("vpc", "subformat=fixed"),
    ("vhdx", "subformat=dynamic"),
    ("vhdx", "subformat=fixed"),
    ("vhdx", "block_size=1M"),
    ("vdi", "static=off"),
    ("vdi", "static=on"),
    ("vmdk", "subformat=monolithicSparse"),
    ("vmdk", "subformat=streamOptimized"),
]
RANDOM = random.Random(3)  # noqa: S311 - not for secrets
CONTENT = RANDOM.randbytes(MIB)


def make(directory: Path, driver: str, options: str, size_bytes: int = 5 * MIB) -> bytes:
    raw, disk = directory / "raw", directory / "disk"
    raw.write_bytes(CONTENT + bytes(size_bytes - MIB - 4096) + CONTENT[:4096])
    run("qemu-img", "convert", "-f", "raw", "-O", driver, "-o", options, raw, disk)
    return disk.read_bytes()


def judge(driver: str, content: bytes | Memory) -> None:
    judge_foreign(content if isinstance(content, Memory) else Memory(content), FORMATS[driver])


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], bytes]:
    return {kind: make(tmp_path_factory.mktemp("disks"), *kind) for kind in SUBFORMATS}


@pytest.mark.parametrize("kind", SUBFORMATS)
@pytest.mark.parametrize("size_bytes", [5 * MIB, 5 * MIB + 512, 35 * MIB - 512])
def test_what_qemu_img_writes_is_whole(tmp_path: Path, kind: tuple[str, str], size_bytes: int) -> None:
    judge(kind[0], make(tmp_path, *kind, size_bytes))


@pytest.mark.parametrize("kind", SUBFORMATS)
def test_an_empty_disk_is_whole(tmp_path: Path, kind: tuple[str, str]) -> None:
    run("qemu-img", "create", "-q", "-f", kind[0], "-o", kind[1], tmp_path / "disk", "5M")
    judge(kind[0], (tmp_path / "disk").read_bytes())


@pytest.mark.parametrize("kind", [kind for kind in SUBFORMATS if kind[1] != "subformat=streamOptimized"])
@pytest.mark.parametrize("missing", [1, 4096, MIB, 3 * MIB])
def test_a_disk_that_is_cut_off_is_refused(
    disks: dict[tuple[str, str], bytes], kind: tuple[str, str], missing: int
) -> None:
    content = disks[kind]
    with pytest.raises(ImageMalformed):
        judge(kind[0], content[: max(600, len(content) - missing)])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_raises_nothing_but_our_errors(disks: dict[tuple[str, str], bytes], data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(SUBFORMATS))
    content = disks[kind]
    place = data.draw(st.integers(0, 4096) | st.integers(0, len(content) - 1) | st.integers(-1024, -1))
    damage = data.draw(st.binary(min_size=1, max_size=16) | st.just(b"\xff" * 8))
    cut = data.draw(st.sampled_from([0, 0, 1, 511, 4096]))
    damaged = patched(content, place, damage).content
    try:
        judge(kind[0], damaged[: len(damaged) - cut])
    except ImageError as refused:
        assert refused.remedy


@given(driver=st.sampled_from(sorted(FORMATS)), content=st.binary(max_size=3000))
def test_random_bytes_raise_nothing_but_our_errors(driver: str, content: bytes) -> None:
    with pytest.raises(ImageError):
        judge(driver, content)


def with_vhd_sum(structure: bytes, offset: int) -> bytes:
    """The structure with its check sum, as the specification computes it: byte after byte."""
    cleared = structure[:offset] + bytes(4) + structure[offset + 4 :]
    total = 0
    for byte in cleared:
        total += byte
    return structure[:offset] + struct.pack(">i", ~total) + structure[offset + 4 :]


def test_a_differencing_vhd_is_refused(disks: dict[tuple[str, str], bytes]) -> None:
    content = disks["vpc", "subformat=dynamic"]
    footer = with_vhd_sum(content[-512:-452] + b"\0\0\0\4" + content[-448:], 64)
    with pytest.raises(ImageUnsafe) as refused:
        judge("vpc", content[:-512] + footer)
    assert "differencing" in str(refused.value.details)
    header = content[512:1536]
    named = with_vhd_sum(header[:576] + b"W2ku" + header[580:], 36)
    with pytest.raises(ImageUnsafe) as refused:
        judge("vpc", content[:512] + named + content[1536:])
    assert "parent" in str(refused.value.details)


def test_a_differencing_vdi_is_refused(disks: dict[tuple[str, str], bytes]) -> None:
    content = disks["vdi", "static=off"]
    for offset, data in ((76, b"\4"), (76, b"\3"), (424, b"\1"), (440, b"\1")):
        with pytest.raises(ImageUnsafe):
            judge("vdi", patched(content, offset, data))


def test_a_differencing_vhdx_is_refused(disks: dict[tuple[str, str], bytes]) -> None:
    content = disks["vhdx", "subformat=dynamic"]
    metadata = content.index(b"metadata", 256 << 10)
    entry = content.index(bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b"), metadata)  # file parameters
    (offset,) = struct.unpack_from("<I", content, entry + 16)
    with pytest.raises(ImageUnsafe):
        judge("vhdx", patched(content, metadata + offset + 4, b"\2"))


def crc32c(content: bytes) -> int:
    """Bit after bit, by its polynomial."""
    remainder = 0xFFFFFFFF
    for byte in content:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (0x82F63B78 * (remainder & 1))
    return remainder ^ 0xFFFFFFFF


def test_a_vhdx_with_a_log_is_refused(disks: dict[tuple[str, str], bytes]) -> None:
    content = disks["vhdx", "subformat=dynamic"]
    header = content[128 << 10 : 132 << 10]
    (number,) = struct.unpack_from("<Q", header, 8)
    logged = header[:4] + bytes(4) + struct.pack("<Q", number + 2) + header[16:48] + b"\1" * 16 + header[64:]
    logged = logged[:4] + struct.pack("<I", crc32c(logged)) + logged[8:]
    with pytest.raises(ImageMalformed) as refused:
        judge("vhdx", patched(content, 64 << 10, logged))
    assert "log" in str(refused.value.details)
    stale = logged[:8] + bytes(8) + logged[16:]
    stale = stale[:4] + struct.pack("<I", crc32c(stale[:4] + bytes(4) + stale[8:])) + stale[8:]
    judge("vhdx", patched(content, 64 << 10, stale))  # an older header does not count
    with pytest.raises(ImageMalformed):
        judge("vhdx", patched(patched(content, 64 << 10, bytes(16)).content, 128 << 10, bytes(16)))
