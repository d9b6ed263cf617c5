"""Converts by our own qcow2 writer, and reads back what it wrote."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from byoi_tools.conversion.clusters import compressor_versions
from byoi_tools.conversion.content import BLOCK_BYTES, DiskDigest, digest_disk, require_same_content
from byoi_tools.conversion.disk_content import DiskContent, stored_pieces
from byoi_tools.conversion.qcow2_layout import most_bytes
from byoi_tools.conversion.qcow2_writer import CLUSTER_BITS, FORMAT_VERSION, write_qcow2
from byoi_tools.conversion.space import require_space
from byoi_tools.errors import NoSpace
from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import Compression, Container, Engine, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.tools.image_file import open_image


class OwnConversion:
    """One conversion of a raw or qcow2 image, open for reading, to a qcow2.

    Every method raises `ImageError` when the source cannot be read.
    """

    def __init__(self, disk: DiskContent, compression: Compression, observer: Observer) -> None:
        self._disk = disk
        self._compression = compression
        self._observer = observer
        self._threads = os.cpu_count() or 1

    @cached_property
    def content(self) -> DiskDigest:
        """The digest of what a guest sees of the source; the first time, all that it stores is read."""
        return digest_disk(self._disk, self._observer, "reading", self._threads)

    @property
    def options(self) -> dict[str, str | int]:
        """What decides on the bytes of the output, besides the content."""
        return {
            "writer": FORMAT_VERSION,
            "virtual_size_bytes": -(-self._disk.size_bytes // 512) * 512,
            "cluster_bytes": 1 << CLUSTER_BITS,
            "compression": self._compression.value,
        }

    @property
    def tools(self) -> dict[str, str]:
        """The libraries that make the bytes, and their versions."""
        return compressor_versions(self._compression)

    @property
    def identity(self) -> Digest:
        """The SHA-256 of the content and the options, which names the output: the writer is deterministic."""
        named = json.dumps({"content": self.content.digest.hexadecimal, **self.options}, sort_keys=True)
        return Digest(DigestAlgorithm.SHA256, hashlib.sha256(named.encode()).hexdigest())

    @property
    def most_bytes(self) -> int:
        """How large the output is at most; it follows from the content alone."""
        return most_bytes(self._disk.size_bytes, self.content.block_count * BLOCK_BYTES >> CLUSTER_BITS, CLUSTER_BITS)

    def require_space(self, directory: Path) -> None:
        """Raise `NoSpace` unless the directory has room for the output, however little its compression saves."""
        cluster_bytes = 1 << CLUSTER_BITS
        stored = sum(end - start for piece in stored_pieces(self._disk, cluster_bytes) for start, end in piece.ranges)
        require_space(directory, most_bytes(self._disk.size_bytes, stored >> CLUSTER_BITS, CLUSTER_BITS))

    def write(self, output: Path, on_written: Callable[[int], None] = lambda end: None) -> None:
        """Write a new file; `on_written` is that of `write_qcow2`. Raises `NoSpace`."""
        self._observer.work_started("converting", self._disk.size_bytes)
        try:
            with output.open("xb") as file:
                write_qcow2(
                    self._disk, file, self._compression, self._observer, threads=self._threads, on_written=on_written
                )
        except OSError as failure:
            raise NoSpace(
                f"the converted image cannot be written in {output.parent.parent}",
                details=failure.strerror,
                remedy="Free some space, or name an output (or --work-dir) on another file system.",
            ) from failure
        self._observer.work_finished("converting")

    def verify(self, output: Path) -> None:
        """Read the file back by our own reader; raises `IntegrityError` unless a guest sees what the source had.

        That includes a source that was changed between its two readings.
        """
        with open_image(output) as written:
            copy = Qcow2Disk(written, read_qcow2_header(written))
            require_same_content(self.content, digest_disk(copy, self._observer, "comparing", self._threads))


@contextmanager
def open_conversion(
    source: Path, container: Container, compression: Compression, observer: Observer
) -> Iterator[OwnConversion]:
    """Open a raw or qcow2 image that was judged; raises `ImageError`."""
    with open_image(source) as file:
        qcow2 = container.qcow2
        yield OwnConversion(file if qcow2 is None else Qcow2Disk(file, qcow2.header), compression, observer)


def is_written_by_us(container: Container, output_type: ImageType, engine: Engine) -> bool:
    """Whether our own writer makes that output; qemu-img makes all others."""
    return engine is Engine.AUTO and output_type is ImageType.QCOW2 and container.format.image_type is not None


def convert_by_writer(
    source: Path, container: Container, output: Path, compression: Compression, observer: Observer, *, is_verified: bool
) -> dict[str, str]:
    """Write the source, a raw or qcow2 image, as a qcow2, and return what made it, with versions.

    Raises `ImageError`, `NoSpace` or `IntegrityError`.
    """
    with open_conversion(source, container, compression, observer) as conversion:
        conversion.require_space(output.parent)
        conversion.write(output)
        if is_verified:
            conversion.verify(output)
        return conversion.tools
