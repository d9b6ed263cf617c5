"""Images that gzip, xz, zstd, bzip2 and tar packed are unpacked to what they were."""

from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path

import pytest

from byoi_tools.conversion.unpack import unpack_image
from byoi_tools.errors import ImageError, IntegrityError
from byoi_tools.formats.containers.ova import read_ova
from byoi_tools.formats.containers.tar import read_tar
from byoi_tools.formats.source import Memory
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.observer import Observer
from tests.disk_images import MIB, OnDisk, run
from tests.packed_images import PACKERS, make_ova, pack

TIB = 1 << 40
CONTENT = random.Random(7).randbytes(MIB // 4)  # noqa: S311 - not for secrets
QUIET = Observer()


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 MiB and some bytes: random, then zeros, random again, zeros up to the end."""
    path = tmp_path_factory.mktemp("raw") / "disk"
    path.write_bytes(bytes(512) + CONTENT + bytes(MIB + 5) + CONTENT[:-1] + bytes(MIB // 2))
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    path.mkdir()
    return path


def same(first: Path, second: Path) -> bool:
    run("cmp", first, second)
    return True


@pytest.mark.parametrize("packer", PACKERS)
def test_a_compressed_image_is_unpacked(raw: Path, workspace: Path, packer: str) -> None:
    unpacked = unpack_image(pack(raw, packer), workspace, TIB, QUIET)
    assert same(unpacked.path, raw)
    assert unpacked.wrappers == (ImageFormat(packer),)
    assert unpacked.path.stat().st_blocks * 512 <= MIB  # zeros are holes


@pytest.mark.parametrize("packer", PACKERS)
def test_several_streams_in_one_file_are_all_unpacked(raw: Path, workspace: Path, packer: str) -> None:
    packed = pack(raw, packer)
    packed.write_bytes(packed.read_bytes() * 3)
    assert unpack_image(packed, workspace, TIB, QUIET).path.read_bytes() == raw.read_bytes() * 3


@pytest.mark.parametrize(
    ("packer", "options"),
    [
        ("xz", ("--block-size=65536", "-T2")),
        ("xz", ("-9e", "--check=sha256")),
        ("zstd", ("--ultra", "-20")),
        ("zstd", ("-T2", "-B524288", "--no-check")),
        ("zstd", ("--long=27",)),
        ("gzip", ("-1",)),
        ("gzip", ("-9", "--rsyncable")),
        ("bzip2", ("-1",)),
    ],
)
def test_the_programs_options_make_no_difference(
    raw: Path, workspace: Path, packer: str, options: tuple[str, ...]
) -> None:
    packed = workspace / "packed"
    run("sh", "-c", 'output="$1"; shift; "$@" > "$output"', "sh", packed, *PACKERS[packer], *options, raw)
    assert same(unpack_image(packed, workspace, TIB, QUIET).path, raw)


def test_padding_and_skippable_frames_belong_to_their_formats(raw: Path, workspace: Path) -> None:
    packed = pack(raw, "xz")
    packed.write_bytes(packed.read_bytes() + bytes(8) + packed.read_bytes() + bytes(4))
    run("xz", "-t", "--format=xz", "-S", ".img", packed)
    assert unpack_image(packed, workspace, TIB, QUIET).path.read_bytes() == raw.read_bytes() * 2
    (workspace / "unpacked-1").unlink()
    packed = pack(raw, "zstd")
    packed.write_bytes(packed.read_bytes() + b"\x5a\x2a\x4d\x18\x03\0\0\0abc" + packed.read_bytes())
    run("zstd", "-t", "-q", packed)
    assert unpack_image(packed, workspace, TIB, QUIET).path.read_bytes() == raw.read_bytes() * 2


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("tail", [b"\1", b"PK\3\4 and so on"])
def test_what_trails_is_an_error(raw: Path, workspace: Path, packer: str, tail: bytes) -> None:
    packed = pack(raw, packer)
    packed.write_bytes(packed.read_bytes() + tail)
    with pytest.raises(ImageError, match="damaged, cut off or followed"):
        unpack_image(packed, workspace, TIB, QUIET)


def test_what_pzstd_writes_is_zstd(raw: Path, workspace: Path) -> None:
    packed = workspace / "packed"
    run("sh", "-c", 'pzstd -q -p 2 -c "$1" > "$2"', "sh", raw, packed)
    unpacked = unpack_image(packed, workspace, TIB, QUIET)
    assert same(unpacked.path, raw)
    assert unpacked.wrappers == (ImageFormat.ZSTD,)


def test_a_window_that_needs_much_memory_is_refused(raw: Path, workspace: Path) -> None:
    packed = workspace / "packed"
    run("sh", "-c", 'cat "$1" | zstd -qc --long=30 > "$2"', "sh", raw, packed)
    with pytest.raises(ImageError, match="more memory"):
        unpack_image(packed, workspace, TIB, QUIET)


@pytest.mark.parametrize("style", ["ustar", "pax", "gnu"])
def test_members_are_where_python_finds_them(tmp_path: Path, style: str) -> None:
    directory = tmp_path / "files"
    names = [f"{'n' * 90}/{'m' * 90}/file.vmdk", "short", "ümlaut"]
    for number, name in enumerate(names):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(CONTENT[: 1000 * number])
    archive = tmp_path / "archive"
    run("tar", f"--format={style}", "-C", directory, "-cf", archive, "n" * 90, *names[1:])
    with tarfile.open(archive) as witness:
        expected = [(entry.name, entry.offset_data, entry.size) for entry in witness if entry.isfile()]
    assert [(member.name, member.offset, member.size_bytes) for member in read_tar(OnDisk(archive))] == expected
    assert len(expected) == 3


def test_an_archive_with_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "disk.vmdk").symlink_to("/etc/passwd")
    run("tar", "-C", tmp_path, "-cf", tmp_path / "archive", "disk.vmdk")
    with pytest.raises(ImageError) as refused:
        read_tar(OnDisk(tmp_path / "archive"))
    assert "no plain file" in str(refused.value.details)


@pytest.mark.parametrize("style", ["pax", "gnu"])
def test_a_member_of_more_than_8_gib_is_found(style: str) -> None:
    """Its size does not fit into the octal field. Python writes the headers, the content is not there."""
    entry = tarfile.TarInfo("disk.vmdk")
    entry.size = 9 << 30
    header = entry.tobuf(tarfile.PAX_FORMAT if style == "pax" else tarfile.GNU_FORMAT)

    class Large:
        size_bytes = len(header) + (9 << 30) + 1024

        def read_at(self, offset: int, length: int) -> bytes:
            return header[offset : offset + length] if offset < len(header) else bytes(length)

    (member,) = read_tar(Large())
    assert (member.offset, member.size_bytes) == (len(header), 9 << 30)


@pytest.mark.parametrize("manifest", ["sha1", "sha256", "sha512", None])
@pytest.mark.parametrize("style", ["ustar", "pax", "gnu"])
def test_the_disk_of_an_ova_is_copied(
    raw: Path, tmp_path: Path, workspace: Path, manifest: str | None, style: str
) -> None:
    ova = make_ova(tmp_path / "ova", raw, manifest=manifest, tar=(f"--format={style}",))
    unpacked = unpack_image(ova, workspace, TIB, QUIET)
    assert same(unpacked.path, raw)
    assert unpacked.wrappers == (ImageFormat.TAR,)


@pytest.mark.parametrize("manifest", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("name", ["disk", "machine.ovf"])
def test_a_changed_byte_is_found_by_the_manifest(
    raw: Path, tmp_path: Path, workspace: Path, manifest: str, name: str
) -> None:
    ova = make_ova(tmp_path / "ova", raw, manifest=manifest)
    with tarfile.open(ova) as archive:
        entry = archive.getmember(name)
    with ova.open("r+b") as file:
        file.seek(entry.offset_data + entry.size - 2)
        byte = file.read(1)[0]
        file.seek(-1, io.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(IntegrityError, match="manifest"):
        unpack_image(ova, workspace, TIB, QUIET)


@pytest.mark.parametrize("packer", PACKERS)
def test_a_compressed_ova_and_an_ova_with_a_compressed_disk(
    raw: Path, tmp_path: Path, workspace: Path, packer: str
) -> None:
    ova = make_ova(tmp_path / "ova", raw)
    outside = unpack_image(pack(ova, packer), workspace, TIB, QUIET)
    assert same(outside.path, raw)
    assert outside.wrappers == (ImageFormat(packer), ImageFormat.TAR)
    assert [path.name for path in workspace.iterdir()] == [outside.path.name]
    outside.path.unlink()
    inside = unpack_image(make_ova(tmp_path / "other", pack(raw, packer)), workspace, TIB, QUIET)
    assert same(inside.path, raw)
    assert inside.wrappers == (ImageFormat.TAR, ImageFormat(packer))


def test_deeper_packing_is_refused(raw: Path, tmp_path: Path, workspace: Path) -> None:
    twice = pack(pack(raw, "gzip"), "xz")
    with pytest.raises(ImageError, match="too deep"):
        unpack_image(twice, workspace, TIB, QUIET)
    (workspace / "unpacked-1").unlink()
    in_both = pack(make_ova(tmp_path / "ova", pack(raw, "zstd")), "gzip")
    with pytest.raises(ImageError, match="too deep"):
        unpack_image(in_both, workspace, TIB, QUIET)


def test_a_bomb_stops_at_the_cap(tmp_path: Path, workspace: Path) -> None:
    bomb = tmp_path / "bomb"
    run("sh", "-c", 'head -c 200M /dev/zero | zstd -q -c > "$1"', "sh", bomb)
    assert bomb.stat().st_size < 64 * 1024
    with pytest.raises(ImageError, match=r"more than 100\.0 MiB"):
        unpack_image(bomb, workspace, 100 * MIB, QUIET)
    assert unpack_image(bomb, tmp_path, 200 * MIB, QUIET).path.stat().st_blocks == 0


def test_the_ova_of_a_fuzzed_manifest_line() -> None:
    """An archive by Python, so that a manifest can be wrong in ways that sha256sum never writes."""
    for line in ("SHA256(disk)= 12", "MD5(disk)= " + "0" * 32, "SHA1(disk)= " + "0" * 64, "disk", ""):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in (("m.ovf", b"<x/>"), ("m.mf", line.encode()), ("disk", b"123")):
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        with pytest.raises(ImageError):
            read_ova(Memory(stream.getvalue()))
