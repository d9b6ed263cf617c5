"""How the guest mounts the ESP: by the id that this image's ESP has."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.mounts import FstabEntry
from byoi_tools.model.quoting import quote

_MOUNT_POINTS = ("/boot/efi", "/efi")


@check(
    "esp.fstab-id",
    "the fstab mounts the ESP by the id that the ESP has",
    Severity.ERROR,
    remedy="Put the id that blkid shows for the ESP into /etc/fstab, and add nofail to its options.",
)
def fstab_id(subject: Subject) -> Iterator[Observation]:
    """The fstab mounts the ESP by the id that the ESP has.

    Why: an ESP that was formatted again while the image was built has another id than `/etc/fstab` says. The system
    waits 90 seconds for it and then stops in emergency mode, because the ESP is mounted like any other file system.
    The id of a FAT has two groups in upper case (`B101-0E59`): in lower case udev has no such link.

    How: what `/etc/fstab` mounts at `/boot/efi` or `/efi`, or as FAT at `/boot`, is named by a UUID, label, PARTUUID or
    partition label, and an EFI system partition of the image has it, in the same case. With `nofail` or `noauto` it is
    a warning. Skipped where the fstab mounts no ESP, or names it by its device, which `fstab.device-name` tells.

    Fix: `blkid /dev/DISK2` shows the id; write `UUID=B101-0E59 /boot/efi vfat umask=0077,nofail 0 2`.

    Source: fstab(5); systemd.mount(5), "fstab"; systemd-fstab-generator(8).
    """
    entries = [entry for entry in subject.mounts.fstab if is_for_esp(entry)]
    named = [entry for entry in entries if entry.device.kind.is_tag]
    if not named:
        raise NotKnownError("the fstab mounts no ESP by an id")
    sources = [str(esp.partition) for esp in subject.esps]
    esps = [device.source for device in subject.mounts.devices.devices if device.source in sources and device.uuid]
    if not esps:
        raise NotKnownError("no EFI system partition has a file system that can be read")
    for entry in named:
        found = subject.mounts.devices.find(entry.device)
        if found is None or found.source not in esps:
            yield Observation(
                f"the fstab mounts {'another partition' if found else 'something that is not in the image'} as the ESP",
                observed=f"{quote(entry.source)}{f', which is {found.source}' if found else ''}",
                expected=" or ".join(_ids(subject, esps)) or "the id of an EFI system partition",
                evidence=f"/etc/fstab line {entry.line}",
                severity=None if entry.is_awaited else Severity.WARNING,
            )


def is_for_esp(entry: FstabEntry) -> bool:
    """Whether a line of the fstab mounts an ESP."""
    return entry.mount_point in _MOUNT_POINTS or (entry.mount_point == "/boot" and entry.type == "vfat")


def _ids(subject: Subject, sources: list[str]) -> list[str]:
    devices = subject.mounts.devices.devices
    return [quote(f"UUID={device.uuid}") for device in devices if device.source in sources and device.uuid]
