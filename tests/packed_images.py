"""Packs images with the programs that everybody uses: compressed files, and OVAs by tar and sha256sum."""

from __future__ import annotations

from pathlib import Path

from tests.disk_images import run

PACKERS = {
    "gzip": ("gzip", "-kc"),
    "xz": ("xz", "-kc"),
    "zstd": ("zstd", "-qkc"),
    "bzip2": ("bzip2", "-kc"),
}
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References>{files}</References>
  <DiskSection><Info>Virtual disks</Info>{disks}</DiskSection>
  <VirtualSystem ovf:id="vm"><Info>A machine</Info></VirtualSystem>
</Envelope>
"""
FILE = '<File ovf:id="file1" ovf:href="{name}"/>'
DISK = '<Disk ovf:capacity="1" ovf:diskId="disk1" ovf:fileRef="file1" ovf:format="x"/>'


def pack(image: Path, packer: str) -> Path:
    """The image, compressed by a program, beside it and under a name that says nothing."""
    output = image.with_name(f"{image.name}-{packer}.img")
    run("sh", "-c", 'output="$1"; shift; exec "$@" > "$output"', "sh", output, *PACKERS[packer], image)
    return output


def envelope(files: str = FILE.format(name="disk"), disks: str = DISK) -> str:
    """An OVF descriptor."""
    return ENVELOPE.format(files=files, disks=disks)


def make_ova(
    directory: Path,
    disk: Path,
    *,
    ovf: str | None = None,
    manifest: str | None = "sha256",
    tar: tuple[str, ...] = ("--format=ustar",),
) -> Path:
    """An OVA of the disk, made in a new directory; `manifest` None leaves the manifest out."""
    directory.mkdir()
    (directory / "machine.ovf").write_text(ovf or envelope(FILE.format(name=disk.name)))
    run("cp", "--sparse=always", disk, directory / disk.name)
    names = ["machine.ovf", disk.name]
    if manifest:
        sums = run("sh", "-c", f'cd "$1" && shift && {manifest}sum --tag "$@"', "sh", directory, *names)
        (directory / "machine.mf").write_text(sums.replace(" (", "(").replace(") =", ")="))
        names.insert(1, "machine.mf")
    output = directory / "machine.ova"
    run("tar", *tar, "-C", directory, "-cf", output, *names)
    return output
