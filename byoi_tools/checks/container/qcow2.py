"""What a qcow2 header asks of whoever reads it (QEMU, docs/interop/qcow2.txt); skipped for other formats."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.disks.qcow2 import CORRUPT, DIRTY, EXTENDED_L2, EXTERNAL_DATA_FILE
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_ENCRYPTION = {1: "AES", 2: "LUKS"}
_ZSTD = 1
_FEATURES_PLACE = "bytes 72-79 of the qcow2 header (incompatible features)"
_MERGE = "Where both files are: qemu-img convert -f qcow2 -O qcow2 IMAGE WHOLE.qcow2, and publish that."
_REWRITE = "Write it anew: byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2"


@check(
    "container.backing-file",
    "the qcow2 holds the whole disk, not the difference to another file",
    Severity.ERROR,
    remedy=_MERGE,
)
def backing_file(subject: Subject) -> Iterator[Observation]:
    """The qcow2 has no backing file.

    Why: an overlay holds only what differs from its backing file. The provider has one file: the conversion there
    fails ("Can't write qcow2 on disk"), or would read a path of the rescue system into your disk.

    How: the backing file offset in the header (bytes 8-15) is not zero. The name is shown and never opened.

    Fix: where both files are and you trust them, `qemu-img convert -f qcow2 -O qcow2 IMAGE WHOLE.qcow2` merges them.

    Source: QEMU docs/interop/qcow2.txt, "Header"; CVE-2024-32498 (OpenStack) for what such names can do.
    """
    header = subject.qcow2
    if header.backing_file is not None:
        backing_format = f", as {quote(header.backing_format)}" if header.backing_format else ""
        yield Observation(
            "the qcow2 is only the difference to another file, its backing file",
            observed=f"backing file {quote(header.backing_file)}{backing_format}",
            expected="no backing file",
            evidence="bytes 8-19 of the qcow2 header",
        )


@check(
    "container.data-file",
    "the qcow2 holds its data itself",
    Severity.ERROR,
    remedy=_MERGE,
)
def data_file(subject: Subject) -> Iterator[Observation]:
    """The qcow2 does not keep its data in an external file.

    Why: with an external data file the qcow2 is metadata only. What is published has no data, or names a path
    that is something else on the provider's side.

    How: incompatible feature bit 2, or a header extension that names a data file. It is shown and never opened.

    Fix: where both files are and you trust them, `qemu-img convert -f qcow2 -O qcow2 IMAGE WHOLE.qcow2` merges them.

    Source: QEMU docs/interop/qcow2.txt, "External data file"; CVE-2024-32498 (OpenStack).
    """
    header = subject.qcow2
    if header.has_incompatible_feature(EXTERNAL_DATA_FILE) or header.data_file is not None:
        name = quote(header.data_file) if header.data_file is not None else "a file that it does not name"
        yield Observation(
            "the qcow2 keeps its data in another file",
            observed=f"data file {name}",
            expected="no external data file",
            evidence=f"{_FEATURES_PLACE}, and the header extensions",
        )


@check(
    "container.unknown-features",
    "the qcow2 needs no feature that its specification does not name",
    Severity.ERROR,
    remedy="Write it anew with the QEMU that made it: qemu-img convert -f qcow2 -O qcow2 IMAGE OUTPUT.qcow2",
)
def unknown_features(subject: Subject) -> Iterator[Observation]:
    """No incompatible feature bit is set that this program does not know.

    Why: whoever does not know an incompatible feature must not open the image. The provider's qemu-img, of unknown
    version, refuses with "Can't write qcow2 on disk"; this program cannot vouch for what it read either.

    How: bits 5 to 63 of the incompatible features in a version 3 header.

    Fix: convert it with the QEMU that made it, without the option that set the bit.

    Source: QEMU docs/interop/qcow2.txt, "incompatible_features".
    """
    unknown = subject.qcow2.unknown_incompatible_features
    if unknown:
        bits = ", ".join(str(bit) for bit in range(unknown.bit_length()) if unknown >> bit & 1)
        yield Observation(
            "the qcow2 needs features that are not known",
            observed=f"incompatible feature bits {bits}",
            expected="none but bits 0 to 4",
            evidence=_FEATURES_PLACE,
        )


@check(
    "container.dirty-bit",
    "the qcow2 was closed cleanly",
    Severity.WARNING,
    remedy="Shut down what writes to it, then repair it: qemu-img check -f qcow2 -r all IMAGE",
)
def dirty_bit(subject: Subject) -> Iterator[Observation]:
    """The dirty bit of the qcow2 is not set.

    Why: the bit says that whoever wrote the image (with lazy refcounts) did not close it: a virtual machine that still
    runs or crashed. The reference counts are wrong then, and the file systems inside may be in the middle of a write.

    How: incompatible feature bit 0.

    Fix: shut the machine down properly; then `qemu-img check -f qcow2 -r all IMAGE`.

    Source: QEMU docs/interop/qcow2.txt, "Dirty bit".
    """
    if subject.qcow2.has_incompatible_feature(DIRTY):
        yield Observation(
            "the qcow2 was not closed by its last writer, or is still in use",
            observed="the dirty bit is set",
            expected="incompatible feature bit 0 is clear",
            evidence=_FEATURES_PLACE,
        )


@check(
    "container.corrupt-bit",
    "the structures of the qcow2 are sound",
    Severity.ERROR,
    remedy="Build the image again, or try qemu-img check -f qcow2 -r all IMAGE on a copy.",
)
def corrupt_bit(subject: Subject) -> Iterator[Observation]:
    """The qcow2 is not marked corrupt, and its cluster map can be followed.

    Why: what a damaged map points to is not what the disk held. qemu-img stops in the middle ("Can't write qcow2 on
    disk"), or writes wrong data without a word.

    How: incompatible feature bit 1; entries of the L1 and L2 tables whose offset is no multiple of the cluster size; of
    the first 262144 clusters those that two L2 entries map, both saying (bit 63) that nobody else does; clusters that
    could not be read on the way to the partition table. Reference counts are not verified: `qemu-img check` does that.
    Clusters that are missing from the end of the file are container.truncated.

    Fix: build the image again. `qemu-img check -f qcow2 -r all` on a copy shows what can be saved.

    Source: QEMU docs/interop/qcow2.txt, "Corrupt bit", "Cluster mapping".
    """
    if subject.qcow2.has_incompatible_feature(CORRUPT):
        yield _corrupt("the qcow2 is marked as corrupt", "the corrupt bit is set", _FEATURES_PLACE)
    if subject.cluster_map.misaligned_entries:
        count = subject.cluster_map.misaligned_entries
        yield _corrupt("the cluster map of the qcow2 is damaged", f"{count} misaligned entries", "L1 and L2 tables")
    elif subject.cluster_map.shared_clusters:
        count = subject.cluster_map.shared_clusters
        yield _corrupt(
            "clusters of the virtual disk share their place in the file, so that one has the other's data",
            f"{count} cluster{'s' if count > 1 else ''} mapped where another one is",
            "L2 tables",
        )
    elif subject.container.damage and not subject.cluster_map.missing_clusters:
        yield _corrupt("the virtual disk in the qcow2 cannot be read", subject.container.damage, "cluster map")


@check(
    "container.compression-zstd",
    "the compressed clusters can be read by every qemu-img",
    Severity.WARNING,
    remedy="Compress with zlib instead: byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2 --compress zlib",
)
def compression_zstd(subject: Subject) -> Iterator[Observation]:
    """The qcow2 does not declare zstd as its compression.

    Why: qemu-img before 5.1, or one built without zstd, refuses the image. Which version the provider's rescue system
    has is not documented.

    How: the compression type in byte 104 of the header is 1.

    Fix: `byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2 --compress zlib`.

    Source: QEMU docs/interop/qcow2.txt, "compression_type"; QEMU 5.1 release notes.
    """
    if subject.qcow2.compression_type == _ZSTD:
        yield Observation(
            "the qcow2 is compressed with zstd, which an older qemu-img cannot read",
            observed="compression type 1 (zstd)",
            expected="compression type 0 (zlib)",
            evidence="byte 104 of the qcow2 header",
        )


@check("container.extended-l2", "the qcow2 has no subclusters", Severity.WARNING, remedy=_REWRITE)
def extended_l2(subject: Subject) -> Iterator[Observation]:
    """The qcow2 does not use extended L2 entries.

    Why: qemu-img before 5.2 does not know subclusters and refuses the image. Which version the provider's rescue system
    has is not documented. For an image that is written once they are of no use.

    How: incompatible feature bit 4.

    Fix: `byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2`.

    Source: QEMU docs/interop/qcow2.txt, "Extended L2 Entries"; QEMU 5.2 release notes.
    """
    if subject.qcow2.has_incompatible_feature(EXTENDED_L2):
        yield Observation(
            "the qcow2 has subclusters, which an older qemu-img cannot read",
            observed="extended L2 entries",
            expected="incompatible feature bit 4 is clear",
            evidence=_FEATURES_PLACE,
        )


@check(
    "container.encrypted",
    "the qcow2 is not encrypted",
    Severity.ERROR,
    remedy="Decrypt it where the key is, with qemu-img convert, and publish that; encrypt partitions inside instead.",
)
def encrypted(subject: Subject) -> Iterator[Observation]:
    """The qcow2 is not encrypted as a whole.

    Why: nobody can hand the provider a key. Its conversion fails, and nothing inside can be checked here.

    How: the encryption method in the header (bytes 32-35): 1 is AES, 2 is LUKS.

    Fix: decrypt where the key is: `qemu-img convert --object secret,id=key,file=KEYFILE --image-opts
    driver=qcow2,file.filename=IMAGE,encrypt.key-secret=key -O qcow2 OUTPUT.qcow2`. To keep data encrypted on the
    server, encrypt a partition inside the image.

    Source: QEMU docs/interop/qcow2.txt, "crypt_method".
    """
    method = subject.qcow2.encryption_method
    if method:
        yield Observation(
            "the qcow2 is encrypted",
            observed=f"encryption method {method} ({_ENCRYPTION.get(method, 'unknown')})",
            expected="encryption method 0 (none)",
            evidence="bytes 32-35 of the qcow2 header",
        )


@check("container.internal-snapshots", "the qcow2 holds no snapshots", Severity.WARNING, remedy=_REWRITE)
def internal_snapshots(subject: Subject) -> Iterator[Observation]:
    """The qcow2 has no internal snapshots.

    Why: a snapshot keeps old data, which is uploaded, counts against the server's memory, and is published to whoever
    can fetch the file: perhaps the keys that were deleted before the image was finished.

    How: the number of snapshots in the header (bytes 60-63).

    Fix: `byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2` copies the present state only; `qemu-img snapshot -l IMAGE`
    lists the snapshots.

    Source: QEMU docs/interop/qcow2.txt, "Snapshots".
    """
    count = subject.qcow2.snapshot_count
    if count:
        yield Observation(
            "the qcow2 holds snapshots with old data",
            observed=f"{count} internal snapshot{'s' if count > 1 else ''}",
            expected="none",
            evidence="bytes 60-63 of the qcow2 header",
        )


def _corrupt(message: str, observed: str, evidence: str) -> Observation:
    return Observation(message, observed, expected="a qcow2 that qemu-img check finds sound", evidence=evidence)
