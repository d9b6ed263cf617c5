"""Images with which an installation fails, and at which step it does, in which words of OVH's."""

from __future__ import annotations

from pathlib import Path

from tests.unit.simulator.outside import make_mbr_image, sh, to_qcow2

DOWNLOAD, DEPLOY, TABLE, CONFIGURE = (
    "Downloading OS image",
    "Deploying OS on disks",
    "Checking Partitioning",
    "Processing Post-installation configuration",
)


def make_bad_images(folder: Path) -> None:
    """Put the images beside gpt.raw, gpt.qcow2 and mbr.raw, from which some of them are made."""
    sh(f"mkfs.ext4 -q -F {folder}/filesystem.raw 2M")
    sh(f"mformat -C -T 4096 -i {folder}/floppy.raw ::")
    sh(f"gzip --keep --stdout {folder}/mbr.raw > {folder}/packed.raw")
    sh(f"truncate -s 2M {folder}/zeros.raw")
    (folder / "empty.raw").write_bytes(b"")
    sh(f"qemu-img convert -f raw -O vmdk {folder}/mbr.raw {folder}/disk.vmdk")
    sh(f"qemu-img create -q -f qcow2 {folder}/large.qcow2 {10**9 + 512}")
    sh(f"qemu-img create -q -f qcow2 -u -F raw -b /etc/passwd {folder}/backed.qcow2 1M")
    sh(f"qemu-img create -q -f qcow2 -o data_file={folder}/data.raw {folder}/split.qcow2 1M")
    sh(f"cp {folder}/gpt.qcow2 {folder}/encrypted.qcow2")
    with (folder / "encrypted.qcow2").open("r+b") as file:
        file.seek(32)  # crypt_method of the qcow2 header
        file.write((1).to_bytes(4, "big"))
    sh(f"head -c 100 {folder}/gpt.qcow2 > {folder}/cut.qcow2")
    sh(f"qemu-img convert -c -f raw -O qcow2 {folder}/gpt.raw {folder}/rotten.qcow2")
    with (folder / "rotten.qcow2").open("r+b") as file:
        file.seek(5 * 65536)
        file.write(b"\xff" * 65536)
    sh(f"cp {folder}/gpt.raw {folder}/broken-gpt.raw && truncate -s 16M {folder}/broken-gpt.raw")
    with (folder / "broken-gpt.raw").open("r+b") as file:
        file.seek(512 + 16)
        file.write(b"\xff\xff\xff\xff")
    make_mbr_image(folder / "primaries.raw", primaries=4)
    sh(f"cp {folder}/mbr.raw {folder}/full.raw && truncate -s {10**9} {folder}/full.raw")
    sh(f"sfdisk --quiet --no-reread --no-tell-kernel {folder}/full.raw", script="label: dos\n,,83\n")
    to_qcow2(folder / "full.raw")


NO_TABLE = "image provided format is not of type raw because no partition table was found. It seems to contain: {}"
FAILURES: list[tuple[str, str, dict[str, object], str, str]] = [
    ("/files/nothing.raw", "raw", {}, DOWNLOAD, "Could not download image: HTTP 404 Not Found"),
    ("/guarded/mbr.raw", "raw", {}, DOWNLOAD, "Could not download image: HTTP 403 Forbidden"),
    (
        "/short/mbr.raw",
        "raw",
        {},
        DOWNLOAD,
        "Could not download image: the connection ended after 1000 of 8388608 bytes",
    ),
    ("/file/mbr.raw", "raw", {}, DOWNLOAD, "Could not download image: HTTP 302 Found"),
    (
        "/ftp/mbr.raw",
        "raw",
        {},
        DOWNLOAD,
        "Could not download image: redirected to something that is neither http nor https",
    ),
    ("/files/mbr.raw", "raw", {"httpHeaders": {"A": "b\nc"}}, DOWNLOAD, "Could not download image: ValueError"),
    (
        "/files/mbr.raw",
        "raw",
        {"imageCheckSum": "0" * 32},
        DOWNLOAD,
        "Please provide checkSum AND checkSumType or none of them",
    ),
    (
        "/files/mbr.raw",
        "raw",
        {"imageCheckSumType": "md5"},
        DOWNLOAD,
        "Please provide checkSum AND checkSumType or none of them",
    ),
    (
        "/files/mbr.raw",
        "qcow2",
        {},
        DEPLOY,
        "image provided format is raw which does not match expected qcow2 format",
    ),
    (
        "/files/disk.vmdk",
        "qcow2",
        {},
        DEPLOY,
        "image provided format is vmdk which does not match expected qcow2 format",
    ),
    ("/files/gpt.qcow2", "raw", {}, DEPLOY, NO_TABLE.format("qcow2")),
    ("/files/filesystem.raw", "raw", {}, DEPLOY, NO_TABLE.format("ext4")),
    ("/files/floppy.raw", "raw", {}, DEPLOY, NO_TABLE.format("vfat")),
    ("/files/packed.raw", "raw", {}, DEPLOY, NO_TABLE.format("gzip")),
    ("/files/zeros.raw", "raw", {}, DEPLOY, NO_TABLE.format("data")),
    ("/files/empty.raw", "raw", {}, DEPLOY, NO_TABLE.format("data")),
    (
        "/files/large.qcow2",
        "qcow2",
        {},
        DEPLOY,
        "image provided has a size of 1000000512 bytes which is larger than device of 1000000000 bytes",
    ),
    ("/files/backed.qcow2", "qcow2", {}, DEPLOY, "Can't write qcow2 on disk"),
    ("/files/split.qcow2", "qcow2", {}, DEPLOY, "Can't write qcow2 on disk"),
    ("/files/encrypted.qcow2", "qcow2", {}, DEPLOY, "Can't write qcow2 on disk"),
    ("/files/cut.qcow2", "qcow2", {}, DEPLOY, "Can't write qcow2 on disk"),
    ("/files/rotten.qcow2", "qcow2", {}, DEPLOY, "Can't write qcow2 on disk"),
    (
        "/files/broken-gpt.raw",
        "raw",
        {},
        TABLE,
        "Can not move backup GPT data structures to the end of disk.",
    ),
    ("/files/primaries.raw", "raw", {"hostname": "tux"}, CONFIGURE, "Could not create configdrive on disk."),
    ("/files/full.qcow2", "qcow2", {"hostname": "tux"}, CONFIGURE, "Could not create configdrive on disk."),
    (
        "/files/mbr.raw",
        "raw",
        {"configDriveUserData": "#" * 1_048_000},
        CONFIGURE,
        "Could not create configdrive on disk.",
    ),
]
