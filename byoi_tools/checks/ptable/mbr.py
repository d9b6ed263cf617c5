"""LBA 0: the protective MBR of a GPT disk, and the table of an MBR disk (UEFI specification 2.10, section 5.2)."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_support import require_table
from byoi_tools.checks.check import check
from byoi_tools.checks.ptable.wording import ON_RAW, name_some
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.disks.bios import BootCodeKind
from byoi_tools.model.disks.partition_table import Mbr, MbrEntry, TableScheme
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity

_SLOTS = 4
_WRITE_PMBR = f"{ON_RAW}gdisk DISK.raw (choose the GPT if it asks), then x, n, w: a new protective MBR."


@check("ptable.pmbr", "the protective MBR of the GPT is as specified", Severity.ERROR, remedy=_WRITE_PMBR)
def pmbr(subject: Subject) -> Iterator[Observation]:
    """A GPT disk has an MBR with one entry of type 0xEE that starts at LBA 1 and is not active.

    Why: firmware, Linux and Windows believe a GPT only behind such an entry; without it the disk looks empty. An
    active entry is harmless for UEFI and a trick for some BIOSes, but tools treat it as a violation.

    How: the signature 0x55AA, the entries of type 0xEE, the first sector of that entry, and its status byte (a
    warning). Its size is not checked: kernels do not either. Other entries are ptable.hybrid-mbr; for legacy boot the
    signature is ptable.mbr-signature.

    Fix: on a raw disk, in `gdisk DISK.raw` (choose the GPT if it asks): `x` (experts), `n` (new protective MBR), `w`
    (write).

    Source: UEFI specification 2.10, section 5.2.3; OpenStack oslo.utils, format_inspector, GPT safety checks.
    """
    mbr = _mbr_beside_gpt(subject)
    if not mbr.has_signature:
        if subject.intent.boot is BootMode.LEGACY:
            raise NotKnownError("LBA 0 has no 0x55AA, which ptable.mbr-signature tells")
        yield _pmbr("no 0x55AA at its end", "bytes 510-511 of the disk")
        return
    protective = mbr.protective_entries
    if not protective or (len(protective) > 1 and len(protective) == len(mbr.entries)):
        yield _pmbr(f"{len(protective)} entries of type 0xEE", "bytes 446-509 of the disk")
    for entry in protective:
        place = f"entry {entry.slot} of LBA 0"
        if entry.sectors.first_lba != 1:
            yield _pmbr(f"an 0xEE entry that starts at LBA {entry.sectors.first_lba}", place)
        if entry.status_byte:
            yield _pmbr(f"an 0xEE entry with the status {entry.status_byte:#04x} (active)", place, Severity.WARNING)


def _pmbr(observed: str, evidence: str, severity: Severity | None = None) -> Observation:
    return Observation(
        "the protective MBR is not as specified",
        observed,
        expected="one entry of type 0xEE from LBA 1 on, with the status 0x00",
        evidence=evidence,
        severity=severity,
    )


@check(
    "ptable.hybrid-mbr",
    "the MBR of the GPT disk only protects it",
    Severity.WARNING,
    remedy=_WRITE_PMBR,
)
def hybrid_mbr(subject: Subject) -> Iterator[Observation]:
    """The MBR of a GPT disk has no partitions of its own.

    Why: a hybrid MBR lists some of the partitions a second time. Which table counts depends on who reads it; when the
    provider adds the config drive to one of them, they contradict each other.

    How: used entries of another type beside one of type 0xEE, on a disk with a GPT.

    Fix: on a raw disk, in `gdisk DISK.raw`: `x` (experts), `n` (new protective MBR), `w` (write). A BIOS can boot from
    a GPT as well, with GRUB in a BIOS boot partition.

    Source: UEFI specification 2.10, section 5.2.3; R. Smith, "Hybrid MBRs: The Good, the Bad, and the So Ugly".
    """
    mbr = _mbr_beside_gpt(subject)
    others = [entry for entry in mbr.entries if entry not in mbr.protective_entries]
    if others and mbr.protective_entries:
        yield Observation(
            "the disk has a GPT and an MBR with partitions of its own",
            observed=name_some([_describe(entry) for entry in others]),
            expected="one entry of type 0xEE and no other",
            evidence="bytes 446-509 of the disk",
        )


def _mbr_beside_gpt(subject: Subject) -> Mbr:
    if subject.disk.scheme is not TableScheme.GPT:
        raise NotKnownError("the disk has no GPT")
    return subject.disk.mbr


def _describe(entry: MbrEntry) -> str:
    return f"entry {entry.slot} of type {entry.type_byte:#04x}, {entry.sectors}"


@check(
    "ptable.mbr-signature",
    "LBA 0 ends in the boot signature",
    Severity.ERROR,
    remedy=ON_RAW + r"printf '\125\252' | dd of=DISK.raw bs=1 seek=510 conv=notrunc; or install the boot loader again.",
    boot=BootMode.LEGACY,
)
def mbr_signature(subject: Subject) -> Iterator[Observation]:
    """LBA 0 ends in the bytes 55 AA.

    Why: a BIOS and iPXE `sanboot` start a disk only when they are there, whatever the rest of the sector says.

    How: bytes 510 and 511 of the disk, when the image is for legacy boot.

    Fix: `grub-install --target=i386-pc` writes them with its boot code.

    Source: UEFI specification 2.10, table 5.1; OVHcloud guide on the boot process: legacy boot is by `sanboot`.
    """
    require_table(subject)
    if not subject.disk.mbr.has_signature:
        yield Observation(
            "LBA 0 lacks the boot signature, so a BIOS does not start the disk",
            observed="other bytes",
            expected="55 AA",
            evidence="bytes 510-511 of the disk",
        )


@check(
    "ptable.mbr-active",
    "one partition is active",
    Severity.WARNING,
    remedy=f"{ON_RAW}sfdisk --activate DISK.raw NUMBER, which marks that partition and no other.",
    boot=BootMode.LEGACY,
)
def mbr_active(subject: Subject) -> Iterator[Observation]:
    """At most one primary partition is active; exactly one unless GRUB is in LBA 0.

    Why: the boot code of Windows, SYSLINUX and others starts the active partition, and stops when there is none or more
    than one. GRUB does not care, and neither does a BIOS, with few exceptions.

    How: the status bytes of the four primary entries, and whose boot code it is. Skipped for GPT disks, and without
    boot code (bios.mbr-code).

    Fix: on a raw disk `sfdisk --activate DISK.raw NUMBER` marks one and clears the others.

    Source: UEFI specification 2.10, section 5.2.1, BootIndicator; SYSLINUX, mbr.S.
    """
    active = [entry for entry in subject.mbr.entries if entry.is_active]
    if len(active) > 1:
        yield _active(name_some([_describe(entry) for entry in active]), "one active partition")
    elif not active and subject.bios.kind not in (BootCodeKind.GRUB, BootCodeKind.NONE):
        yield _active(f"no active partition, and boot code of {subject.bios.kind.value}", "one active partition")


def _active(observed: str, expected: str) -> Observation:
    return Observation("it is not clear which partition boots", observed, expected, "status bytes in LBA 0")


@check(
    "ptable.mbr-primaries",
    "the MBR has a free entry for the config drive",
    Severity.ERROR,
    remedy="Build the image with a GPT, or with at most three primary partitions (one of them may be extended).",
    product=Product.BYOI,
)
def mbr_primaries(subject: Subject) -> Iterator[Observation]:
    """At most three of the four entries of the MBR are in use.

    Why: the provider adds the config drive as one more partition. With four in use it cannot: "Could not create
    configdrive on disk", and there is no SSH key, no host name, no user data.

    How: the used entries of LBA 0 are counted. Skipped for GPT disks (ptable.gpt-free-entry).

    Fix: build the image with a GPT, or merge partitions.

    Source: OVHcloud guide Bring Your Own Image, table of errors (2022); that this is the cause is deduced.
    """
    used = subject.mbr.entries
    if len(used) == _SLOTS:
        yield Observation(
            "the MBR has no free entry for the config drive",
            observed=name_some([_describe(entry) for entry in used]),
            expected="at most three entries in use",
            evidence="bytes 446-509 of the disk",
        )


@check(
    "ptable.mbr-disk-id",
    "the MBR has a disk identifier",
    Severity.WARNING,
    remedy=f"{ON_RAW}sfdisk --disk-id DISK.raw 0x12345678 (any number but 0).",
)
def mbr_disk_id(subject: Subject) -> Iterator[Observation]:
    """The disk identifier of the MBR is not zero.

    Why: in an MBR a PARTUUID is the disk identifier and the number of the partition. With the identifier 0 the
    kernel makes none, and `root=PARTUUID=` finds nothing; Windows writes a new one at its first start.

    How: bytes 440 to 443 of LBA 0. Skipped for GPT disks. Whether anything uses a PARTUUID is not looked at.

    Fix: on a raw disk `sfdisk --disk-id DISK.raw 0xNUMBER`; then use PARTUUID=NUMBER-01 and so on.

    Source: UEFI specification 2.10, table 5.1, UniqueMBRDiskSignature; Linux, block/partitions/msdos.c; OSInside/kiwi.
    """
    if subject.mbr.disk_signature == 0:
        yield Observation(
            "the MBR has no disk identifier, so its partitions have no PARTUUID",
            observed="0x00000000",
            expected="any other number",
            evidence="bytes 440-443 of the disk",
        )
