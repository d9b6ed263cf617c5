"""What the initramfs needs to find the root file system and to mount it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.booted_kernel import booted_initramfs, booted_kernel, builtin_of, index_of
from byoi_tools.checks.check import check
from byoi_tools.checks.command_lines import default_entries
from byoi_tools.checks.subject import Subject
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.guest import Volume
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernels import Kernel
from byoi_tools.model.quoting import quote

_OPTIONS = {"ext4": "EXT4_FS", "ext3": "EXT4_FS", "ext2": "EXT4_FS", "xfs": "XFS_FS", "btrfs": "BTRFS_FS"}
_FINDERS = ("blkid", "udevadm", "systemd-udevd", "udevd", "mdev", "findfs", "busybox", "systemd")


@dataclass(frozen=True, slots=True)
class _Layer:
    """What lies between the disk and the root: one of these programs must be there, and each of these modules."""

    name: str
    programs: tuple[str, ...]
    modules: tuple[tuple[str, str], ...]
    package: str


_LVM = _Layer("LVM", ("lvm", "vgchange"), (("dm_mod", "BLK_DEV_DM"),), "lvm2")
_LUKS = _Layer(
    "LUKS", ("cryptsetup", "systemd-cryptsetup"), (("dm_crypt", "DM_CRYPT"),), "cryptsetup-initramfs (or cryptsetup)"
)
_RAID = _Layer("software RAID", ("mdadm",), (("md_mod", "BLK_DEV_MD"),), "mdadm")


@check(
    "initrd.rootfs",
    "the initramfs can mount the root file system",
    Severity.ERROR,
    remedy="Add the module: echo NAME >> /etc/initramfs-tools/modules; update-initramfs -u "
    "(dracut: filesystems+=, dracut -f).",
)
def rootfs(subject: Subject) -> Iterator[Observation]:
    """The initramfs can mount the root file system.

    Why: an initramfs that was made on another file system, or by hand, finds the disk and then says "unknown filesystem
    type".

    How: the module of the root's file system (by the alias `fs-NAME` in modules.alias) and all that modules.dep says it
    needs are in the initramfs or built in, and so is one that computes CRC32C where modules.softdep asks for it.

    Fix: `echo xfs >> /etc/initramfs-tools/modules` and `update-initramfs -u`; or `filesystems+=" xfs "` in
    /etc/dracut.conf.d and `dracut -f`.

    Source: Linux, fs/filesystems.c (`request_module("fs-%.*s")`); kmod, modules.dep(5), modprobe.d(5) (softdep).
    """
    kernel, initramfs, root = booted_kernel(subject), booted_initramfs(subject), _root(subject)
    missing = _missing_for_root(kernel, initramfs, root.file_system)
    if missing:
        yield Observation(
            f"the initramfs cannot mount the root file system, which is {quote(root.file_system)}",
            observed=f"missing: {', '.join(quote(module) for module in missing[:6])}",
            expected="the module of the file system with what it needs, in the initramfs or built in",
            evidence=f"{quote(initramfs.path)}; root in {root.source}",
        )


@check(
    "initrd.lvm-luks-md",
    "the initramfs assembles what the root file system lies on",
    Severity.ERROR,
    remedy="Install lvm2, cryptsetup-initramfs or mdadm in the image, then update-initramfs -u or dracut -f.",
)
def lvm_luks_md(subject: Subject) -> Iterator[Observation]:
    """The initramfs assembles what the root file system lies on.

    Why: a logical volume, an encrypted volume or a software RAID is put together by programs in the initramfs. Without
    them there is no root device, and boot ends in the emergency shell.

    How: where the root is a logical volume by what is on the disk, or the default entry's `root=` names a device of
    LVM, LUKS or md (`/dev/mapper/VG-LV`, `/dev/mapper/NAME_crypt`, `/dev/md0`): the programs (`lvm`, `cryptsetup`,
    `mdadm`) and the modules (dm_mod, dm_crypt, md_mod) are in the initramfs, the modules or built in. Skipped for a
    root that lies in a partition.

    Fix: install `lvm2`, `cryptsetup-initramfs` or `mdadm` in the image, so that their hooks run, and make the
    initramfs again. The provider's Bring Your Own Image writes one disk: better a root without these.

    Source: initramfs-tools(7); dracut.modules(7); Linux, Documentation/admin-guide/device-mapper.
    """
    layer = _layer_of(subject)
    if layer is None:
        raise NotKnownError("the root file system lies in a partition")
    kernel, initramfs = booted_kernel(subject), booted_initramfs(subject)
    missing = [] if any(name in initramfs.programs for name in layer.programs) else [layer.programs[0]]
    for module, option in layer.modules:
        if not _is_built_in(kernel, option):
            missing += index_of(kernel).missing_for(module, initramfs.modules, builtin_of(kernel))
    if missing:
        yield Observation(
            f"the root file system lies on {layer.name}, which the initramfs cannot assemble",
            observed=f"missing: {', '.join(quote(each) for each in missing[:6])}",
            expected=f"what the package {layer.package} puts into the initramfs",
            evidence=quote(initramfs.path),
        )


@check(
    "initrd.partuuid-tools",
    "the initramfs can find a file system by its UUID or label",
    Severity.INFO,
    remedy="Make the initramfs with its builder (update-initramfs -u, dracut -f): udev is part of it.",
)
def partuuid_tools(subject: Subject) -> Iterator[Observation]:
    """The initramfs can find a file system by its UUID or label.

    Why: the kernel itself knows devices and `PARTUUID=` alone. `root=UUID=` and `root=LABEL=` are resolved by programs
    in the initramfs.

    How: one of blkid, udevadm, systemd, mdev, findfs or busybox is in a directory of programs of the initramfs.

    Fix: make the initramfs with the distribution's builder; with a hand-made one, use `root=PARTUUID=`.

    Source: Linux, block/early-lookup.c; initramfs-tools(7) (`root=`).
    """
    initramfs = booted_initramfs(subject)
    if not any(name in initramfs.programs for name in _FINDERS):
        yield Observation(
            "the initramfs has no program that finds a file system by its UUID",
            observed=f"{len(initramfs.programs)} programs, none of them {', '.join(_FINDERS[:3])}",
            expected="udev, or blkid",
            evidence=quote(initramfs.path),
        )


def _root(subject: Subject) -> Volume:
    return next(volume for volume in subject.guest.volumes if volume.mount_point == "/")


def _missing_for_root(kernel: Kernel, initramfs: Initramfs, file_system: str) -> tuple[str, ...]:
    index, builtin = index_of(kernel), builtin_of(kernel)
    if _is_built_in(kernel, _OPTIONS.get(file_system, "")):
        return ()
    (module, *_) = index.aliases.get(f"fs_{file_system}", (file_system,))
    missing = index.missing_for(module, initramfs.modules, builtin)
    needs = index.files[module].needs if module in index.files else ()
    wanted = {each for name in (module, *needs) for each in index.loaded_before.get(name, ()) if "crc32c" in each}
    known = [each for each in sorted(wanted) if each in index.aliases or each in index.files]
    unmet = [each for each in known if index.missing_for(each, initramfs.modules, builtin)]
    return missing or tuple(unmet)


def _is_built_in(kernel: Kernel, option: str) -> bool:
    return isinstance(kernel.options, Known) and option in kernel.options.value


def _layer_of(subject: Subject) -> _Layer | None:
    if ", volume " in _root(subject).source:
        return _LVM
    named = [entry.command_line.last("root") or "" for entry in default_entries(subject)]
    device = next(iter(named), "")
    if re.match(r"/dev/md[\d/_]", device):
        return _RAID
    if re.match(r"/dev/mapper/(?:luks-|crypt|[\w-]*_crypt)", device):
        return _LUKS
    return _LVM if device.startswith("/dev/mapper/") else None
