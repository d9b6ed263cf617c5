"""The initramfs of the kernel that the server would start: whether it unpacks, and gets as far as the root."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.initrd.image import present, readable, version, hostonly
from byoi_tools.checks.initrd.storage import virtio_only, nvme, ahci, megaraid, hba, usb_bmc
from byoi_tools.checks.initrd.root import rootfs, lvm_luks_md, partuuid_tools

__all__ = [
    "ahci",
    "hba",
    "hostonly",
    "lvm_luks_md",
    "megaraid",
    "nvme",
    "partuuid_tools",
    "present",
    "readable",
    "rootfs",
    "usb_bmc",
    "version",
    "virtio_only",
]
