"""What the file is: the provider takes qcow2 and raw, and looks at the content, never at the name."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.formats.containers.detection import is_ambiguous
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.image import Container, FormatMatch, ImageFormat

# Of what `byoi-tools convert` does not unpack.
_UNPACK = {
    ImageFormat.ZIP: "unzip IMAGE",
    ImageFormat.SEVEN_ZIP: "7z x IMAGE",
    ImageFormat.LZ4: "unlz4 IMAGE",
}
# Of formats that `byoi-tools convert` does not read.
_OTHER_REMEDIES = {
    ImageFormat.QCOW1: "Convert it: qemu-img convert -f qcow -O qcow2 IMAGE OUTPUT.qcow2",
    ImageFormat.QED: "Convert it: qemu-img convert -f qed -O qcow2 IMAGE OUTPUT.qcow2",
    ImageFormat.LUKS: "Publish an image whose partitions are encrypted, not the whole disk.",
    ImageFormat.ISO9660: "Publish an installed system: install from this medium into a disk image first.",
}


@check(
    "container.format-mismatch",
    "the file has the format that is declared",
    Severity.ERROR,
    remedy="Declare the format that the file has (--image-type), or convert it: byoi-tools convert IMAGE OUTPUT --to"
    " qcow2",
)
def format_mismatch(subject: Subject) -> Iterator[Observation]:
    """The content of the file is of the declared type, qcow2 or raw.

    Why: the provider compares the content with the declared `imageType` and refuses the image after the server was
    wiped: "image provided format is x which does not match expected qcow2 format". The name of the file is ignored.

    How: the magic bytes are compared with the declared type: that of the command line, else that of the file's suffix.
    Skipped when neither says one, and for formats that the provider does not take at all.

    Fix: declare what the file is, or `byoi-tools convert IMAGE OUTPUT --to qcow2`.

    Source: OVHcloud guide Bring Your Own Image: "No matter what the file extension is", and its table of errors.
    """
    declared, found = subject.intent.image_type, subject.container.format
    if declared is None:
        raise NotKnownError("no image type is declared")
    if found.image_type is None:
        raise NotKnownError(f"the file is {found.value}, which the provider takes under no name")
    if found.image_type is not declared:
        yield Observation(
            f"the file is declared as {declared.value}, but its content is {found.value}",
            observed=found.value,
            expected=declared.value,
            evidence=_places(subject.container, found) or "no signature of an image format in the file",
        )


@check(
    "container.unsupported-format",
    "the file has a format that the provider takes",
    Severity.ERROR,
    remedy="Convert it: byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2",
)
def unsupported_format(subject: Subject) -> Iterator[Observation]:
    """The file is a qcow2 or a raw disk, not an image of another hypervisor or tool.

    Why: the provider takes qcow2 and raw only (ova was taken until 2020). Anything else is refused after the server
    was wiped, or, declared as raw, written to the disk as it is: with a header where the boot code should be.

    How: the magic bytes of vmdk, vhd, vhdx, vdi, qcow version 1, QED, LUKS and ISO 9660. Archives and compressed
    files are container.compressed-wrapper; an ISO 9660 with a partition table is container.iso-hybrid.

    Fix: `byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2` (vmdk, vhd, vhdx, vdi). For LUKS, publish an image whose
    partitions are encrypted, not the whole disk. For an ISO, publish an installed system.

    Source: OVHcloud guide Bring Your Own Image, `imageType`; OpenAPI enum `dedicated.server.reinstall` (qcow2, raw).
    """
    found = subject.container.format
    if found.image_type is not None or found.is_compressed_wrapper or _is_partitioned_iso(subject):
        return
    yield Observation(
        f"the provider does not take {found.value} files",
        observed=found.value,
        expected="qcow2 or raw",
        evidence=_places(subject.container, found),
        remedy=_OTHER_REMEDIES.get(found),
    )


@check(
    "container.compressed-wrapper",
    "the file is the image itself, not a compressed or packed one",
    Severity.ERROR,
    remedy="Make an image of it: byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2",
)
def compressed_wrapper(subject: Subject) -> Iterator[Observation]:
    """The file is not an xz, gzip, zstd, bzip2 or lz4 stream, nor a tar, zip or 7z archive.

    Why: no step that decompresses is documented. The provider looks for a partition table in the file and finds none:
    "image provided format is not of type raw because no partition table was found. It seems to contain: x".

    How: the magic bytes at the start of the file (for tar at byte 257). The image in an xz, gzip, zstd or bzip2 stream,
    or in an OVA, is unpacked, and what is in it is checked all the same.

    Fix: `byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2` unpacks it; `publish-and-deploy` does so by itself. To
    transfer less, use a qcow2 with compressed clusters (`--compress zlib`). Unpack lz4, zip and 7z files yourself.

    Source: OVHcloud guide Bring Your Own Image, table of errors; flatcar/Flatcar issue 2163 for a user who did it.
    """
    container = subject.container
    innermost = (container.format,) if container.format.is_compressed_wrapper else ()
    wrappers = (*container.wrappers, *innermost)
    if wrappers:
        unpack = _UNPACK.get(wrappers[0])
        yield Observation(
            f"the file is {wrappers[0].value}, not an image",
            observed=", and in it ".join(wrapper.value for wrapper in wrappers),
            expected="qcow2 or raw",
            evidence=_places(container, wrappers[0]) or "the signature of the format in the file",
            remedy=f"Unpack it, then publish what was in it: {unpack}" if unpack else None,
        )


@check(
    "container.ambiguous-format",
    "the file is an image of one format only",
    Severity.ERROR,
    remedy="Write the image anew from a system that you trust: byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2",
)
def ambiguous_format(subject: Subject) -> Iterator[Observation]:
    """The file cannot be taken for two things at once.

    Why: a file that is two things is read one way here and another way by the provider, so that what was checked is not
    what is installed. It does not happen by accident often; it is also how images attack their readers.

    How: every known signature is looked for, at the start and in the other places where formats keep theirs (0x55AA at
    byte 510, ISO 9660 at byte 32769, VHD in the last sector). Two containers or archives in one file fail, and one
    that is also a disk. A hybrid ISO and a fixed VHD are made so on purpose, and pass here.

    Fix: find out where the file comes from. `byoi-tools convert` writes a new file that holds the disk alone.

    Source: OpenStack oslo.utils, imageutils/format_inspector.py: two matching formats are an error.
    """
    matches = subject.container.matches
    if is_ambiguous(matches):
        yield Observation(
            f"the file is {' and '.join(match.format.value for match in matches)} at the same time",
            observed=", ".join(f"{match.format.value} at {_place(match)}" for match in matches),
            expected="one format",
            evidence="signatures in the file",
        )


@check(
    "container.iso-hybrid",
    "the image is a disk, not the medium of an installer",
    Severity.WARNING,
    remedy="Publish an installed system: install from this medium into a disk image first.",
)
def iso_hybrid(subject: Subject) -> Iterator[Observation]:
    """The disk does not carry an ISO 9660 file system over its whole length.

    Why: hybrid ISO files (of installers and live systems) have a partition table, so they can be written to a disk and
    started. What starts is an installer that asks questions on a console that nobody sees.

    How: an ISO 9660 volume descriptor at byte 32769 in a file that also has a partition table. An ISO without
    a table is container.unsupported-format.

    Fix: install the system into a disk image (in a virtual machine), and publish that.

    Source: ECMA-119, section 8.1; libguestfs/virt-v2v rejects installer media too.
    """
    if _is_partitioned_iso(subject):
        yield Observation(
            "the image is a hybrid ISO, most likely an installer or live medium",
            observed="ISO 9660 and a partition table in one file",
            expected="the disk of an installed system",
            evidence=_places(subject.container, ImageFormat.ISO9660),
        )


def _is_partitioned_iso(subject: Subject) -> bool:
    if subject.container.format not in (ImageFormat.RAW, ImageFormat.ISO9660):
        return False
    disk = subject.facts.disk
    has_table = isinstance(disk, Known) and disk.value.scheme is not TableScheme.NONE
    return has_table and bool(_places(subject.container, ImageFormat.ISO9660))


def _places(container: Container, wanted: ImageFormat) -> str:
    return ", ".join(_place(match) for match in container.matches if match.format is wanted)


def _place(match: FormatMatch) -> str:
    return f"bytes {match.offset}-{match.offset + match.length - 1}"
