"""Boots a server into the provider's rescue system, and back from its disk.

Source: OVHcloud's API: `GET /dedicated/server/{serviceName}/boot`, `PUT /dedicated/server/{serviceName}`, and
`POST /dedicated/server/{serviceName}/reboot`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from byoi_tools.deployment.fields import as_integer, read_text
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.tasks import as_task, wait_for_end
from byoi_tools.errors import DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.server import Task
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, Json, OvhApi, server_route

_MOST_READ = 20


class BootType(Enum):
    """What is booted (`dedicated.server.BootTypeEnum`), of those that are used here."""

    RESCUE = "rescue"
    DISK = "harddisk"


@dataclass(frozen=True, slots=True)
class Boot:
    """One of a server's boots (`dedicated.server.Netboot`)."""

    boot_id: int
    boot_type: BootType
    kernel: str


def choose_boot(api: OvhApi, server: str, boot_type: BootType) -> Boot:
    """Return the boot of that type: of several rescue systems the provider's Linux, never Windows.

    Raises `DeploymentRefused` for an unknown server, missing rights, and a server without such a boot.
    """
    try:
        answer = api.get(server_route(server, "/boot"), bootType=boot_type.value)
        ids = [each for item in (answer if isinstance(answer, list) else []) if (each := as_integer(item)) is not None]
        boots = [_read_boot(api, server, boot_id, boot_type) for boot_id in sorted(ids)[:_MOST_READ]]
    except ApiErrorAnswer as denied:
        refuse_denial(server, denied)
        raise
    usable = [boot for boot in boots if "win" not in boot.kernel.lower()]
    if not usable:
        raise DeploymentRefused(
            f"{server} has no boot of the type {boot_type.value}",
            details=f"it has {', '.join(boot.kernel for boot in boots) or 'none'}",
            remedy="Look at its boots in the control panel.",
        )
    return next((boot for boot in usable if "customer" in boot.kernel.lower()), usable[0])


def reboot_into(api: OvhApi, server: str, boot: Boot, ssh_key: str | None, clock: Clock) -> Task:
    """Choose the boot and reboot; returns the reboot's task as it ended, or as it is after 5 minutes.

    `ssh_key` is the rescue system's; leaving it takes the key away, which would disturb the next installation. Raises
    `DeploymentRefused` for missing rights, `OutcomeUnknown` when nothing says whether the server reboots.
    """
    choice: dict[str, Json] = {"bootId": boot.boot_id}
    if boot.boot_type is BootType.DISK:
        choice["rescueSshKey"] = None
    elif ssh_key is not None:
        choice["rescueSshKey"] = ssh_key.strip()
    try:
        api.put(server_route(server), choice)
        task = as_task(api.post(server_route(server, "/reboot"), None))
    except ApiErrorAnswer as answer:
        refuse_denial(server, answer)
        raise
    if task is None:
        raise OutcomeUnknown(
            f"the API does not say whether {server} reboots",
            remedy=f"Look with `byoi-tools status {server}`; `byoi-tools console {server}` shows its screen.",
        )
    return wait_for_end(api, server, task, clock)


def _read_boot(api: OvhApi, server: str, boot_id: int, boot_type: BootType) -> Boot:
    return Boot(boot_id, boot_type, read_text(api.get(server_route(server, f"/boot/{boot_id}")), "kernel"))
