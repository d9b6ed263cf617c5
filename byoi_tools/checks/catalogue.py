"""Every check there is, in the order of the families and of their files."""

from __future__ import annotations

from types import ModuleType

from byoi_tools.checks import (
    api,
    bios,
    boot,
    byol,
    cloud,
    container,
    driver,
    esp,
    fs,
    fstab,
    hygiene,
    initrd,
    kernel,
    net,
    ptable,
    root,
    size,
    ssh,
    target,
)
from byoi_tools.checks.check import Check

FAMILIES: dict[str, ModuleType] = {
    "container": container,
    "size": size,
    "ptable": ptable,
    "esp": esp,
    "bios": bios,
    "kernel": kernel,
    "initrd": initrd,
    "driver": driver,
    "root": root,
    "fstab": fstab,
    "fs": fs,
    "cloud": cloud,
    "net": net,
    "ssh": ssh,
    "boot": boot,
    "hygiene": hygiene,
    "byol": byol,
    "target": target,
    "api": api,
}
OF_THE_DEPLOYMENT = ("target", "api")


def _checks_of(module: ModuleType) -> tuple[Check, ...]:
    return tuple(value for value in vars(module).values() if isinstance(value, Check))


CHECKS: tuple[Check, ...] = tuple(check for module in FAMILIES.values() for check in _checks_of(module))


OF_THE_USER_DATA = ("cloud.userdata-yaml", "cloud.userdata-base64")
USER_DATA_CHECKS = tuple(check for check in CHECKS if check.id in OF_THE_USER_DATA)
DEPLOYMENT_CHECKS = tuple(check for check in CHECKS if check.family in OF_THE_DEPLOYMENT)


def find_check(check_id: str) -> Check | None:
    """Return the check of that id."""
    return next((check for check in CHECKS if check.id == check_id), None)
