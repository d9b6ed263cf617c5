"""Counterparts of cloud-init: whether they are told to read a config drive."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.command_lines import default_entries
from byoi_tools.checks.esp.entry_points import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.cloud import ProvisionerKind
from byoi_tools.model.quoting import quote

_IGNITION_ARGUMENTS = ("ignition.platform.id", "flatcar.oem.id", "coreos.oem.id")
_IGNITION_PLATFORMS = ("openstack", "ovhcloud")
_TALOS_PARTITIONS = {"META", "BOOT"}
_TALOS_PLATFORM = re.compile(r"^(?!\s*#).*\btalos\.platform=([\w-]{1,40})", re.M)
_TALOS_PLATFORMS = ("openstack", "ovhcloud")
_SERVICE = "ConfigDriveService"


@check(
    "cloud.ignition",
    "Ignition takes its configuration from a platform with a config drive",
    Severity.ERROR,
    remedy="Set ignition.platform.id=openstack on the kernel's command line, or take the image of that platform.",
)
def ignition(subject: Subject) -> Iterator[Observation]:
    """The kernel's command line names a platform for Ignition that reads a config drive.

    Why: Ignition reads its configuration once, on the first boot, from where the platform id says. `metal` and `qemu`
    look at no config drive: the server boots without a user or key.

    How: `ignition.platform.id` (Flatcar also `flatcar.oem.id`) on the default entries' command lines is `openstack` or
    `ovhcloud`. Skipped without Ignition, and when no command line names a platform.

    Fix: take the vendor's OpenStack image; it reads the config drive labelled config-2.

    Source: Ignition, "Supported platforms"; flatcar/ignition pull request 44; coreos/fedora-coreos-tracker issue 666.
    """
    if not any(one.kind is ProvisionerKind.IGNITION for one in subject.cloud.provisioners):
        raise NotKnownError("Ignition is not installed")
    seen = [
        (value, entry.place)
        for entry in default_entries(subject)
        for name in _IGNITION_ARGUMENTS
        for value in entry.command_line.values(name)
    ]
    if not seen:
        raise NotKnownError("no command line names a platform for Ignition")
    for value, evidence in seen:
        if value not in _IGNITION_PLATFORMS:
            yield _other_platform("Ignition", f"platform {quote(value)}", quote(evidence))


@check(
    "cloud.talos",
    "Talos takes its configuration from a platform with a config drive",
    Severity.ERROR,
    remedy="Take the openstack image of Talos's image factory, or set talos.platform=openstack.",
)
def talos(subject: Subject) -> Iterator[Observation]:
    """Talos is told to run on a platform that reads a config drive.

    Why: Talos takes its machine configuration from the platform that the command line names. `metal` waits for a
    configuration from its API, `nocloud` looks for a volume labelled CIDATA; the provider's is labelled config-2.

    How: where partitions are named META and BOOT, the configuration files of the ESP are searched for `talos.platform`.
    Skipped for other images, and when no file there names a platform (a unified kernel image hides it).

    Fix: build the image for `openstack` with Talos's image factory.

    Source: siderolabs/talos issue 11186.
    """
    names = {found.partition.name for found in subject.disk.partitions}
    if not names >= _TALOS_PARTITIONS:
        raise NotKnownError("the image is not Talos")
    seen = [
        (value, place(subject, text.path))
        for text in subject.esp_content.texts
        for value in _TALOS_PLATFORM.findall(text.content.decode("utf-8", "replace"))
    ]
    if not seen:
        raise NotKnownError("no file of the EFI system partition names a platform for Talos")
    for value, evidence in seen:
        if value not in _TALOS_PLATFORMS:
            yield _other_platform("Talos", f"platform {quote(value)}", evidence)


@check(
    "cloud.windows",
    "cloudbase-init reads a config drive",
    Severity.INFO,
    remedy="Set metadata_services=cloudbaseinit.metadata.services.configdrive.ConfigDriveService in its configuration.",
)
def windows(subject: Subject) -> Iterator[Observation]:
    """The configuration of cloudbase-init names ConfigDriveService, or no service at all.

    Why: on Windows cloudbase-init sets host name and password and runs the user data. Pinned to another platform's
    metadata service it does none of that.

    How: `metadata_services` in `cloudbase-init.conf`; without it, its own list has ConfigDriveService. Skipped where
    the file is not found, or the file system of Windows cannot be read.

    Fix: name the service in cloudbase-init.conf and cloudbase-init-unattend.conf, then run sysprep.

    Source: OVHcloud guide Configure a Windows server by BYOI; cloudbase-init, "Services".
    """
    services = subject.cloud.metadata_services
    if services is None:
        raise NotKnownError("cloudbase-init is not installed")
    if services and _SERVICE not in services:
        yield _other_platform(
            "cloudbase-init", f"metadata_services: {quote(', '.join(services))}", "cloudbase-init.conf"
        )


def _other_platform(what: str, observed: str, evidence: str) -> Observation:
    return Observation(
        f"{what} does not read the provider's config drive",
        observed=observed,
        expected="a platform that reads a config drive (openstack)",
        evidence=evidence,
    )
