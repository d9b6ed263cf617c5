"""What the server does now, and what an installation finds on it."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.order import InstallApi
from byoi_tools.model.deployment.server import REINSTALL_FUNCTION
from byoi_tools.model.disks.esp import LoaderKind
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_BLOCKING_FUNCTIONS = (REINSTALL_FUNCTION, "hardReboot", "hardware_update", "rebootPower8To")


@check(
    "target.compatible-template",
    "the provider offers the product for this server",
    Severity.ERROR,
    remedy="Use another product or another server.",
)
def compatible_template(subject: Subject) -> Iterator[Observation]:
    """The provider offers the product for this server.

    Why: not every range of servers takes Bring Your Own Image; the request is refused then.

    How: `byoi_64` (or `byolinux_64`) is among the server's compatible templates. Skipped where the API lists none. With
    `--api bring-your-own-image` there is no template: whether the server has that route was asked before.

    Fix: choose the product that the server takes, or another server.

    Source: OVHcloud API, `GET .../install/compatibleTemplates` and `Client::Conflict::OperatingSystemIncompatible`.
    """
    planned = subject.planned
    if planned.order.api is InstallApi.BRING_YOUR_OWN_IMAGE:
        return
    template, offered = planned.order.product.template, planned.server.templates.known()
    if template not in offered:
        related = sorted(name for name in offered if name.startswith("byo"))
        yield Observation(
            "the provider does not offer this product for this server",
            observed=f"compatible: {', '.join(related) or 'neither of byoi_64 and byolinux_64'}",
            expected=template,
            evidence="install/compatibleTemplates",
        )


@check(
    "target.current-tasks",
    "no task of the provider works on the server",
    Severity.ERROR,
    remedy="Wait until it has ended: `byoi-tools status SERVER`.",
)
def current_tasks(subject: Subject) -> Iterator[Observation]:
    """No task of the provider works on the server.

    Why: a second reinstallation beside the first is refused, and a task that reboots the server or changes its hardware
    would break into the installation.

    How: the tasks in the statuses `init`, `todo` and `doing`. Those that reboot, install or change the server are
    errors, all others warnings.

    Fix: `byoi-tools status SERVER --watch`; deploy when it has ended.

    Source: OVHcloud API, `Client::BadRequest::TaskAlreadyExists` and `dedicated.TaskFunctionEnum`.
    """
    planned = subject.planned
    for task in planned.server.running_tasks:
        is_blocking = task.function in _BLOCKING_FUNCTIONS
        yield Observation(
            "the server is busy" if is_blocking else "a task has not ended, and the provider may refuse",
            observed=f"task {task.task_id} ({quote(task.function)}, {task.status.value})",
            expected="no task that reboots, installs or changes the server",
            evidence="GET .../task",
            remedy=f"Wait until it has ended: `byoi-tools status {planned.server.name}`.",
            severity=None if is_blocking else Severity.WARNING,
        )


@check(
    "target.rescue-mode",
    "the server is not in rescue mode",
    Severity.WARNING,
    remedy="Set the server's boot to its hard disk, and remove the rescue SSH key, in the control panel.",
)
def rescue_mode(subject: Subject) -> Iterator[Observation]:
    """The server is not in rescue mode.

    Why: somebody may be at work in the rescue system, whose disks the installation erases. A rescue SSH key that is
    still set has made installations fail.

    How: the `bootType` of the boot that the server is set to is `rescue`, or `rescueSshKey` is set. Skipped where the
    API tells neither.

    Fix: `PUT /dedicated/server/SERVER` with the `bootId` of the type `harddisk` and an empty `rescueSshKey`, or the
    same in the control panel.

    Source: OVHcloud API, `dedicated.server.BootTypeEnum`; ovh/terraform-provider-ovh issue 1326.
    """
    server = subject.planned.server
    if server.boot_type.known() == "rescue":
        yield Observation(
            "the server is set to boot the rescue system",
            observed="rescue",
            expected="harddisk",
            evidence="bootType of GET .../boot",
        )
    if server.has_rescue_key.known():
        yield Observation(
            "an SSH key for the rescue system is set",
            observed="a rescueSshKey",
            expected="none",
            evidence="rescueSshKey of GET /dedicated/server/SERVER",
        )


@check(
    "target.monitoring",
    "nobody in the data centre interferes while the server is installed",
    Severity.INFO,
    remedy="Switch the server's monitoring off until the new system answers to ping.",
)
def monitoring(subject: Subject) -> Iterator[Observation]:
    """Nobody in the data centre interferes while the server is installed.

    Why: the provider watches a monitored server by ping. One that stays silent, as an image does whose firewall drops
    ICMP or whose network is wrong, brings a technician who reboots it.

    How: `monitoring` is on, and `noIntervention` is off. Skipped where the API tells neither.

    Fix: switch the monitoring off in the control panel (`PUT /dedicated/server/SERVER`), and on again afterwards.

    Source: OVHcloud API, `monitoring` ("Icmp monitoring state") and `noIntervention` ("Prevent datacenter
    intervention").
    """
    server = subject.planned.server
    if server.is_monitored.known() and not server.forbids_intervention.known():
        yield Observation(
            "the server is monitored, and a technician may reboot it when it stays silent",
            observed="monitoring on, noIntervention off",
            expected="monitoring off, or noIntervention on",
            evidence="GET /dedicated/server/SERVER",
        )


@check(
    "target.uefi-vars-stale",
    "no EFI variable of an earlier system decides what the image's loader starts",
    Severity.WARNING,
    remedy="Remove them in the rescue system: efivar -l shows LoaderEntryDefault and its like; or use GRUB.",
)
def uefi_vars_stale(subject: Subject) -> Iterator[Observation]:
    """No EFI variable of an earlier system decides what the image's loader starts.

    Why: a reinstallation wipes disks and not the firmware's variables. systemd-boot takes its default entry from the
    variable `LoaderEntryDefault`, also one that an earlier system has set, and may start an entry that is not there, or
    not the one of the new system's next update.

    How: the server boots by UEFI, a system was installed on it before (`os`), and the loader is systemd-boot. What
    the variables hold, nobody can see from here.

    Fix: in the rescue system `rm /sys/firmware/efi/efivars/LoaderEntry*` (after `chattr -i`); or a loader that reads
    its configuration from the disk alone.

    Source: siderolabs/talos issue 12300; systemd-boot(7), "EFI variables".
    """
    server = subject.planned.server
    installed = server.installed_system.known()
    if subject.intent.boot is not BootMode.UEFI or installed.startswith("none"):
        return
    path = subject.loader_path
    program = subject.esp_content.program(path) if path else None
    if program is None:
        raise NotKnownError("the loader is not known")
    if program.kind is LoaderKind.SYSTEMD_BOOT:
        yield Observation(
            "variables of an earlier system may decide which entry systemd-boot starts",
            observed=f"{quote(installed)} was installed before",
            expected="a server without LoaderEntryDefault",
            evidence=f"{quote(program.path)} is systemd-boot",
        )
