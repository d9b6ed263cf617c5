"""OVAs that are not what they should be: archives by Python's tarfile."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from byoi_tools.errors import ByoiError, ImageMalformed, IntegrityError
from byoi_tools.formats.containers.ova import read_member, read_ova
from byoi_tools.formats.containers.tar import read_tar
from byoi_tools.formats.source import Memory
from tests.packed_images import FILE, envelope

DISK = b"the disk" * 100
OVF = envelope(FILE.format(name="disk.vmdk")).encode()


def tar(*files: tuple[str, bytes], style: int = tarfile.USTAR_FORMAT) -> Memory:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=style) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return Memory(stream.getvalue())


def manifest(algorithm: str = "sha256", names: dict[str, bytes] | None = None) -> bytes:
    files = names or {"m.ovf": OVF, "disk.vmdk": DISK}
    return "".join(
        f"{algorithm.upper()}({name})= {hashlib.new(algorithm, content).hexdigest()}\r\n"
        for name, content in files.items()
    ).encode()


def disk_of(source: Memory) -> bytes:
    ova = read_ova(source)
    return b"".join(read_member(source, ova.disk, ova.promises))


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_the_disk_is_found(algorithm: str) -> None:
    assert disk_of(tar(("m.ovf", OVF), ("m.mf", manifest(algorithm)), ("disk.vmdk", DISK))) == DISK
    assert disk_of(tar(("./disk.vmdk", DISK), ("./m.OVF", OVF))) == DISK


def test_a_name_may_be_percent_encoded() -> None:
    ovf = envelope(FILE.format(name="my%20disk.vmdk")).encode()
    assert disk_of(tar(("m.ovf", ovf), ("my disk.vmdk", DISK))) == DISK


def test_the_size_in_the_descriptor_counts() -> None:
    for size, is_good in ((len(DISK), True), (len(DISK) + 1, False)):
        ovf = envelope(f'<File ovf:id="file1" ovf:href="d" ovf:size="{size}"/>').encode()
        if is_good:
            assert disk_of(tar(("m.ovf", ovf), ("d", DISK))) == DISK
        else:
            with pytest.raises(ImageMalformed):
                disk_of(tar(("m.ovf", ovf), ("d", DISK)))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("disk.vmdk", DISK)], "no OVF"),
        ([("a.ovf", OVF), ("b.ovf", OVF), ("disk.vmdk", DISK)], "2 files"),
        ([("m.ovf", OVF)], "not in it"),
        ([("m.ovf", OVF), ("disk.vmdk", DISK), ("disk.vmdk", b"another")], "two files"),
        ([("m.ovf", OVF), ("disk.vmdk", DISK), ("a.mf", manifest()), ("b.mf", manifest())], "2 files"),
        ([("m.ovf", OVF), ("disk.vmdk", DISK), ("m.mf", b"")], "empty"),
        ([("m.ovf", OVF), ("disk.vmdk", DISK), ("m.mf", manifest() + manifest())], "twice"),
        ([("m.ovf", OVF), ("disk.vmdk", DISK), ("m.mf", manifest("md5"))], "a line that is none"),
        ([("m.ovf", OVF), ("disk.vmdk", DISK), ("m.mf", b"SHA256(m.ovf)= " + b"0" * 40)], "64"),
        ([("m.ovf", bytes(5 << 20)), ("disk.vmdk", DISK)], "larger than 4 MiB"),
    ],
)
def test_what_is_no_ova_is_malformed(files: list[tuple[str, bytes]], words: str) -> None:
    with pytest.raises(ImageMalformed) as refused:
        disk_of(tar(*files))
    assert words in str(refused.value.details)


@pytest.mark.parametrize(
    "promised",
    [
        {"m.ovf": OVF + b" ", "disk.vmdk": DISK},
        {"m.ovf": OVF, "disk.vmdk": DISK + b" "},
        {"m.ovf": OVF},
        {"disk.vmdk": DISK},
    ],
)
def test_a_manifest_that_does_not_fit_is_an_error_of_integrity(promised: dict[str, bytes]) -> None:
    with pytest.raises(IntegrityError):
        disk_of(tar(("m.ovf", OVF), ("disk.vmdk", DISK), ("m.mf", manifest(names=promised))))


def test_a_file_that_the_manifest_names_must_be_there() -> None:
    named = manifest(names={"m.ovf": OVF, "disk.vmdk": DISK, "gone.nvram": b"x"})
    with pytest.raises(ImageMalformed):
        disk_of(tar(("m.ovf", OVF), ("disk.vmdk", DISK), ("m.mf", named)))


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, b"S", b"V"])
def test_what_is_no_plain_file_is_refused(kind: bytes) -> None:
    entry = tarfile.TarInfo("disk")
    entry.type = kind
    entry.linkname = "/etc/passwd"
    with pytest.raises(ImageMalformed) as refused:
        read_tar(Memory(entry.tobuf(tarfile.USTAR_FORMAT) + bytes(1024)))
    assert "no plain file" in str(refused.value.details)


def test_sparse_members_and_global_names_are_refused() -> None:
    entry = tarfile.TarInfo("disk")
    entry.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    with pytest.raises(ImageMalformed):
        read_tar(Memory(entry.tobuf(tarfile.PAX_FORMAT) + bytes(1024)))
    everywhere = tarfile.TarInfo.create_pax_global_header({"path": "disk"})
    with pytest.raises(ImageMalformed):
        read_tar(Memory(everywhere + tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT) + bytes(1024)))
    comment = tarfile.TarInfo.create_pax_global_header({"comment": "made by git archive"})
    (member,) = read_tar(Memory(comment + tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT) + bytes(1024)))
    assert member.name == "x"


def test_an_archive_without_an_end_is_cut_off() -> None:
    with pytest.raises(ImageMalformed):
        read_tar(Memory(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT)))


def test_a_thousand_members_are_enough() -> None:
    with pytest.raises(ByoiError) as refused:
        read_tar(tar(*((str(number), b"") for number in range(1001))))
    assert "1000" in str(refused.value.details)
