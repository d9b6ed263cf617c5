"""The subvolumes of a btrfs that the boot mounts."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.command_lines import argument_on
from byoi_tools.checks.fs.wording import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.guest import Volume
from byoi_tools.model.quoting import quote


@check(
    "fs.btrfs-subvol",
    "the subvolumes that the boot mounts exist",
    Severity.ERROR,
    remedy="Name a subvolume that exists (btrfs subvolume list /) in the fstab and in rootflags=.",
)
def btrfs_subvol(subject: Subject) -> Iterator[Observation]:
    """Each subvolume that the fstab or `rootflags=` names is in its btrfs.

    Why: the kernel mounts the subvolume of that name. Where it does not exist the mount fails: for the root the boot
    ends in the initramfs, for the others in emergency mode.

    How: libguestfs lists the subvolumes of each btrfs that the guest mounts; `subvol=` of the fstab's entries that the
    boot waits for, and of `rootflags=` of the default entry, is looked for among them. `subvolid=` is not judged.

    Fix: correct the name, or create the subvolume: `btrfs subvolume list /` on the machine that builds the image.

    Source: btrfs(5), mount options subvol and subvolid; kernel-parameters, rootflags.
    """
    if not any(volume.subvolumes is not None for volume in subject.guest.volumes):
        raise NotKnownError("the guest mounts no btrfs that was read")
    for volume, wanted, evidence in _wanted(subject):
        names = volume.subvolumes
        if names is not None and wanted and wanted not in names:
            yield Observation(
                "a subvolume that the boot mounts does not exist",
                observed=f"subvol={quote(wanted)}",
                expected=", ".join(quote(name) for name in names[:10]) or "no subvolume: there is none",
                evidence=f"{evidence}; {place(volume)}",
            )


def _wanted(subject: Subject) -> Iterator[tuple[Volume, str, str]]:
    """What is mounted: the volume, the path of the subvolume, and where it is named."""
    volumes = {volume.source: volume for volume in subject.guest.volumes}
    for entry in subject.mounts.fstab:
        device = subject.mounts.devices.find(entry.device)
        if entry.is_awaited and device is not None and device.source in volumes:
            yield volumes[device.source], entry.option("subvol").strip("/"), f"/etc/fstab line {entry.line}"
    flags = argument_on(subject, "rootflags")
    if flags is not None:
        options = dict(option.partition("=")[::2] for option in flags[1].split(","))
        yield subject.guest.volumes[0], options.get("subvol", "").strip("/"), flags[2]
