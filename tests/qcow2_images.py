"""Makes qcow2 images for tests: good ones by QEMU's own programs, hostile ones byte by byte from the specification."""

from __future__ import annotations

import json
import struct
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

BACKING_FORMAT = 0xE2792ACA
DATA_FILE_NAME = 0x44415441
FEATURE_NAMES = 0x6803F857
COMPRESSED = 1 << 62
COPIED = 1 << 63


@dataclass(frozen=True)
class Recipe:
    """A qcow2 image of clusters: header, refcount table, refcount block, L1 table, L2 table, then `data`.

    Every field can be given a forbidden value. `l2` are the words of the L2 table, `data` what lies behind it.
    """

    magic: bytes = b"QFI\xfb"
    version: int = 3
    cluster_bits: int = 12
    virtual_size: int = 1 << 20
    crypt_method: int = 0
    l1_size: int = 1
    l1_offset: int | None = None
    l1: tuple[int, ...] | None = None
    reftable_offset: int | None = None
    reftable_clusters: int = 1
    snapshots: int = 0
    snapshots_offset: int = 0
    incompatible: int = 0
    compatible: int = 0
    autoclear: int = 0
    refcount_order: int = 4
    header_length: int = 112
    compression_type: int = 0
    backing: bytes | None = None
    backing_offset: int | None = None
    backing_length: int | None = None
    extensions: tuple[tuple[int, bytes], ...] = ()
    l2: tuple[int, ...] = ()
    data: bytes = field(default=b"", repr=False)

    @property
    def cluster_size(self) -> int:
        return 1 << min(self.cluster_bits, 21)

    @property
    def data_offset(self) -> int:
        """Where `data` starts in the file."""
        return 5 * self.cluster_size

    def but(self, **changes: Any) -> Recipe:
        """The same image with other fields."""
        return replace(self, **changes)

    def build(self) -> bytes:
        """The whole file."""
        size = self.cluster_size
        l1 = self.l1 if self.l1 is not None else (COPIED | 4 * size,)
        refcounts = struct.pack(">8H", *[1] * 8)
        clusters = (
            self.header(),
            struct.pack(">Q", 2 * size),
            refcounts,
            struct.pack(f">{len(l1)}Q", *l1),
            struct.pack(f">{len(self.l2)}Q", *self.l2),
        )
        return b"".join(cluster.ljust(size, b"\0") for cluster in clusters) + self.data

    def header(self) -> bytes:
        """The header with its extensions and the backing file name."""
        size = self.cluster_size
        extensions = b"".join(
            struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8) for kind, data in self.extensions
        )
        start = 72 if self.version == 2 else self.header_length
        backing_offset = self.backing_offset or (start + len(extensions) + 8 if self.backing is not None else 0)
        common = struct.pack(
            ">4sIQIIQIIQQIIQ",
            self.magic,
            self.version,
            backing_offset,
            len(self.backing or b"") if self.backing_length is None else self.backing_length,
            self.cluster_bits,
            self.virtual_size,
            self.crypt_method,
            self.l1_size,
            3 * size if self.l1_offset is None else self.l1_offset,
            size if self.reftable_offset is None else self.reftable_offset,
            self.reftable_clusters,
            self.snapshots,
            self.snapshots_offset,
        )
        if self.version == 2:
            return common + extensions + bytes(8) + (self.backing or b"")
        features = struct.pack(">QQQ", self.incompatible, self.compatible, self.autoclear)
        lengths = struct.pack(">IIB7x", self.refcount_order, self.header_length, self.compression_type)
        version_3 = (common + features + lengths)[: max(104, min(self.header_length, 112))]
        return version_3.ljust(min(self.header_length, size), b"\0") + extensions + bytes(8) + (self.backing or b"")


def qemu_img(*arguments: str | Path) -> str:
    """Run qemu-img and return what it prints."""
    command = ["qemu-img", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def qemu_img_json(*arguments: str | Path) -> Any:
    """Run qemu-img with `--output=json` and return what it says."""
    return json.loads(qemu_img(*arguments, "--output=json"))


def create(path: Path, size: int | str, *options: str) -> Path:
    """Make an empty qcow2 image; options as for `-o`."""
    qemu_img("create", "-q", "-f", "qcow2", *(["-o", ",".join(options)] if options else []), path, str(size))
    return path


def create_encrypted(path: Path, method: str) -> Path:
    """Make an empty encrypted image (`aes`, `luks`)."""
    options = f"encrypt.format={method},encrypt.key-secret=key" + (",encrypt.iter-time=10" if method == "luks" else "")
    encrypt("create", "-q", "-f", "qcow2", "--object", "secret,id=key,data=abc", "-o", options, path, "6M")
    return path


def encrypt(*arguments: str | Path) -> None:
    """Run a qemu-img that makes a key; on busy machines QEMU at times cannot measure the processor: then again."""
    for attempt in range(50):
        try:
            qemu_img(*arguments)
        except subprocess.CalledProcessError as error:
            if "CPU usage" not in error.stderr or attempt == 49:
                raise
        else:
            return


def write(path: Path, *commands: str, image_options: str = "driver=qcow2") -> Path:
    """Run qemu-io commands (`write -P 0x5a 1M 64k`) on a qcow2 image."""
    arguments = ["qemu-io", "--image-opts", f"{image_options},file.filename={path}"]
    for command in commands:
        arguments += ["-c", command]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60)
    assert "error" not in done.stdout + done.stderr, done.stdout + done.stderr
    return path


def convert(source: Path, target: Path, *options: str, source_format: str = "raw", compress: bool = False) -> Path:
    """Convert an image to qcow2; options as for `-o`."""
    extra = [*(["-c"] if compress else []), *(["-o", ",".join(options)] if options else [])]
    qemu_img("convert", "-f", source_format, "-O", "qcow2", *extra, source, target)
    return target


def virtual_bytes(path: Path) -> bytes:
    """The bytes of the virtual disk, as qemu-img reads them."""
    raw = path.with_name(path.name + ".raw")
    qemu_img("convert", "-f", "qcow2", "-O", "raw", path, raw)
    content = raw.read_bytes()
    raw.unlink()
    return content
