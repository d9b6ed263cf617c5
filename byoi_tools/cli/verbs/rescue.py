"""The verb `rescue`."""

from __future__ import annotations

from byoi_tools.cli import options
from byoi_tools.cli.confirm import confirm_disturbance
from byoi_tools.cli.order import read_customizations
from byoi_tools.cli.terminal import write_result
from byoi_tools.cli.wiring import connect_api, system_clock
from byoi_tools.errors import DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.order import Purpose
from byoi_tools.model.deployment.server import TaskStatus


def rescue(
    server: options.AnyServer,
    ssh_key: options.RescueKey = None,
    end: options.RescueEnd = False,
    confirm: options.ConfirmDisturbance = None,
) -> None:
    """Reboot a server into the provider's rescue system, or back.

    The disks stay as they are. Without --ssh-key the provider mails a password.
    """
    from byoi_tools.deployment.boots import BootType, choose_boot, reboot_into
    from byoi_tools.deployment.rights import refuse_missing_rights
    from byoi_tools.deployment.status import read_status
    from byoi_tools.reports.terminal import printable

    key = read_customizations(None, ssh_key, None, None).ssh_key
    api, clock = connect_api(), system_clock()
    refuse_missing_rights(api, server, Purpose.RESCUE)
    boot = choose_boot(api, server, BootType.DISK if end else BootType.RESCUE)
    found = read_status(api, server)
    busy = found.running_tasks[0] if found.running_tasks else found.watched_task
    if busy is not None:
        verb = "delete" if busy.is_of_old_api else "cancel"
        raise DeploymentRefused(
            f"{server} is busy: {printable(busy.function)}",
            details=f"{busy.title} is {busy.status.value}",
            remedy=f"Wait until it has ended, or stop an installation first: byoi-tools {verb} {server}",
        )
    what = f"{boot.boot_type.value} ({printable(boot.kernel)})"
    confirm_disturbance(server, confirm, f"{server} will reboot now, into {what}.")
    task = reboot_into(api, server, boot, key, clock)
    if task.status is not TaskStatus.DONE:
        raise OutcomeUnknown(
            f"{server} was told to boot {what}, but its reboot has not ended well",
            details=f"task {task.task_id} is {task.status.value}",
            remedy=f"Look with `byoi-tools status {server}`, and at its screen: byoi-tools console {server}",
        )
    write_result(f"{server} reboots into {what}: task {task.task_id}\n")
