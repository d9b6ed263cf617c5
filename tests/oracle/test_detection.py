"""Files that the formats' own programs wrote, and what qemu-img takes them for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from byoi_tools.formats.containers.detection import detect_formats, image_format, is_ambiguous
from byoi_tools.model.image import FormatMatch, ImageFormat
from byoi_tools.tools.image_file import open_image
from tests.qcow2_images import create_encrypted, qemu_img, qemu_img_json

SIZE = "4M"


def detect(path: Path) -> tuple[FormatMatch, ...]:
    with open_image(path) as source:
        return detect_formats(source)


@pytest.mark.parametrize(
    ("driver", "options", "expected"),
    [
        ("qcow2", "compat=0.10", ImageFormat.QCOW2),
        ("qcow2", "cluster_size=512", ImageFormat.QCOW2),
        ("qcow", "", ImageFormat.QCOW1),
        ("qed", "", ImageFormat.QED),
        ("vdi", "", ImageFormat.VDI),
        ("vdi", "static=on", ImageFormat.VDI),
        ("vhdx", "", ImageFormat.VHDX),
        ("vhdx", "subformat=fixed", ImageFormat.VHDX),
        ("vpc", "", ImageFormat.VHD),
        ("vmdk", "", ImageFormat.VMDK),
        ("vmdk", "subformat=streamOptimized", ImageFormat.VMDK),
        ("vmdk", "subformat=monolithicFlat", ImageFormat.VMDK),
        ("vmdk", "subformat=twoGbMaxExtentSparse", ImageFormat.VMDK),
    ],
)
def test_what_qemu_probes_as_a_container_is_detected_as_it(
    tmp_path: Path, driver: str, options: str, expected: ImageFormat
) -> None:
    path = tmp_path / "disk"
    qemu_img("create", "-q", "-f", driver, *(["-o", options] if options else []), path, SIZE)
    assert qemu_img_json("info", path)["format"] == driver
    assert image_format(detect(path)) is expected
    assert not is_ambiguous(detect(path))


def test_luks_files_are_detected(tmp_path: Path) -> None:
    """A LUKS header as cryptsetup's on-disk format has it; making a real one takes seconds."""
    path = tmp_path / "disk"
    path.write_bytes(b"LUKS\xba\xbe\0\1" + bytes(1 << 20))
    assert image_format(detect(path)) is ImageFormat.LUKS


@pytest.mark.slow
def test_luks_in_qcow2_is_qcow2(tmp_path: Path) -> None:
    matches = detect(create_encrypted(tmp_path / "disk", "luks"))
    assert [match.format for match in matches] == [ImageFormat.QCOW2]


def test_a_fixed_vhd_which_qemu_takes_for_raw_is_a_vhd(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    qemu_img("create", "-q", "-f", "vpc", "-o", "subformat=fixed", path, SIZE)
    assert qemu_img_json("info", path)["format"] == "raw"
    assert image_format(detect(path)) is ImageFormat.VHD


def make_tar(content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("disk.ovf")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def make_zip(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("disk.img", content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("wrap", "expected"),
    [
        (gzip.compress, ImageFormat.GZIP),
        (lzma.compress, ImageFormat.XZ),
        (bz2.compress, ImageFormat.BZIP2),
        (zstandard.compress, ImageFormat.ZSTD),
        (make_tar, ImageFormat.TAR),
        (make_zip, ImageFormat.ZIP),
    ],
)
@pytest.mark.parametrize("content", [b"", bytes(100_000)], ids=["empty", "zeros"])
def test_wrapped_files(tmp_path: Path, wrap: Callable[[bytes], bytes], expected: ImageFormat, content: bytes) -> None:
    path = tmp_path / "disk.qcow2"
    path.write_bytes(wrap(content))
    if expected is ImageFormat.TAR and not content:
        assert tarfile.is_tarfile(path)
    found = image_format(detect(path))
    assert found is expected
    assert found.is_compressed_wrapper


def make_iso(folder: Path, *options: str) -> Path:
    (folder / "tree").mkdir()
    (folder / "tree" / "file").write_text("content")
    path = folder / "disk.iso"
    command = ["xorriso", "-as", "mkisofs", "-quiet", "-o", str(path), *options, str(folder / "tree")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return path


def test_a_plain_iso_file(tmp_path: Path) -> None:
    matches = detect(make_iso(tmp_path))
    assert image_format(matches) is ImageFormat.ISO9660
    assert not is_ambiguous(matches)


def test_an_iso_file_with_a_partition_table_is_a_raw_hybrid(tmp_path: Path) -> None:
    path = make_iso(tmp_path, "--protective-msdos-label")
    assert b"dos" in subprocess.run(["sfdisk", "--dump", path], check=True, capture_output=True, timeout=60).stdout
    matches = detect(path)
    assert [match.format for match in matches] == [ImageFormat.RAW, ImageFormat.ISO9660]
    assert image_format(matches) is ImageFormat.RAW
    assert not is_ambiguous(matches)


@pytest.mark.parametrize("text", ["version=1\n", "# a comment\n  \nversion=2\n", "#\n#\nversion=3\r\n"])
def test_texts_that_qemu_would_open_as_vmdk_descriptors(tmp_path: Path, text: str) -> None:
    """QEMU follows such a descriptor to the files that it names."""
    path = tmp_path / "disk.raw"
    path.write_text(text + "\0" * 2000, newline="")
    probed = subprocess.run(["qemu-img", "info", path], capture_output=True, text=True, check=False, timeout=60)
    assert "descriptor" in probed.stderr.lower() or "vmdk" in probed.stdout + probed.stderr
    assert image_format(detect(path)) is ImageFormat.VMDK
