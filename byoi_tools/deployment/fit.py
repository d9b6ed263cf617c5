"""Whether an image fits a server, by facts alone; everything that speaks against it is said at once."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.deployment.misfit import Misfit, refuse
from byoi_tools.deployment.request import find_order_faults
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment import ImageNeeds, InstallOrder
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.observer import Observer
from byoi_tools.model.server import REINSTALL_FUNCTION, Server, Task
from byoi_tools.model.sizes import exact_size

INSTALLER_MEMORY_BYTES = 3 * 2**30
CONFIG_DRIVE_ROOM_BYTES = 4 * 2**20
_BLOCKING_FUNCTIONS = (REINSTALL_FUNCTION, "hardReboot", "hardware_update", "rebootPower8To")


def refuse_misfits(server: Server, needs: ImageNeeds, order: InstallOrder, observer: Observer) -> None:
    """Raise `DeploymentRefused` with every misfit; when there is none, warn of what could not be examined."""
    refuse(server.name, find_misfits(server, needs, order))
    for doubt in find_doubts(server, needs, order):
        observer.warned(doubt)


def find_misfits(server: Server, needs: ImageNeeds, order: InstallOrder) -> tuple[Misfit, ...]:
    """Every known reason why this order would fail on this server; unknown facts are no reason."""
    return (
        *find_order_faults(order),
        *_judge_tasks(server),
        *_judge_template(server, order),
        *_judge_boot(server, needs),
        *_judge_loader(server, needs, order),
        *_judge_memory(server, needs),
        *_judge_disk(server, needs, order),
    )


def find_doubts(server: Server, needs: ImageNeeds, order: InstallOrder) -> tuple[str, ...]:
    """What could not be compared, and why; and what may go wrong though nothing known forbids it."""
    return (*_find_unknown(server, needs, order), *_find_risks(server, order))


def _judge_tasks(server: Server) -> Iterator[Misfit]:
    for task in server.running_tasks:
        if task.function in _BLOCKING_FUNCTIONS:
            yield Misfit(
                "the server is busy",
                _describe_task(task),
                "no task that reboots, installs or changes the server",
                f"Wait until it has ended: `byoi-tools status {server.name}`.",
            )


def _judge_template(server: Server, order: InstallOrder) -> Iterator[Misfit]:
    template = order.product.template
    if isinstance(server.templates, Known) and template not in server.templates.value:
        related = sorted(name for name in server.templates.value if name.startswith("byo"))
        yield Misfit(
            "the provider does not offer this product for this server",
            f"compatible: {', '.join(related) or 'neither of byoi_64 and byolinux_64'}",
            template,
            "Use another product or another server.",
        )


def _judge_boot(server: Server, needs: ImageNeeds) -> Iterator[Misfit]:
    if needs.boot and isinstance(server.boot_modes, Known) and needs.boot not in server.boot_modes.value:
        modes = ", ".join(sorted(mode.value for mode in server.boot_modes.value))
        yield Misfit(
            "the image is for another boot mode than the server's",
            f"the server boots {modes}",
            needs.boot.value,
            f"Check and build the image with --boot {modes}, or use another server.",
        )


def _judge_loader(server: Server, needs: ImageNeeds, order: InstallOrder) -> Iterator[Misfit]:
    is_legacy = needs.boot is BootMode.LEGACY or server.boot_modes == Known(frozenset({BootMode.LEGACY}))
    if order.loader_path is None and not is_legacy:
        yield Misfit(
            "the path of the EFI loader is missing",
            "none is given",
            "efiBootloaderPath, since the provider's network boot starts that file and no other",
            "Give --efi-bootloader-path; `byoi-tools inspect IMAGE` shows the loaders of an image.",
        )


def _judge_memory(server: Server, needs: ImageNeeds) -> Iterator[Misfit]:
    """OVHcloud, Bring Your Own Image: "Your image must be smaller than the server RAM minus 3GiB"."""
    if needs.file_size_bytes is None or isinstance(server.memory_bytes, NotExamined):
        return
    limit = server.memory_bytes.value - INSTALLER_MEMORY_BYTES
    if needs.file_size_bytes >= limit:
        yield Misfit(
            "the image file is too large for the server's memory",
            exact_size(needs.file_size_bytes),
            f"less than {exact_size(max(0, limit))}, the memory without 3 GiB",
            "Publish a compressed qcow2: `byoi-tools convert IMAGE OUTPUT --to qcow2 --compress zlib`.",
        )


def _judge_disk(server: Server, needs: ImageNeeds, order: InstallOrder) -> Iterator[Misfit]:
    group, disk = server.disk_group(order.disk_group_id), server.disk_bytes(order.disk_group_id)
    if group == Known(None):
        yield Misfit(
            "the server has no such disk group",
            f"group {order.disk_group_id or server.default_disk_group_id or 1}",
            _list_groups(server),
            "Choose one of these with --disk-group.",
        )
    needed = _needed_disk_bytes(needs, order)
    if needed is not None and isinstance(disk, Known) and needed > disk.value:
        yield Misfit(
            "the image's virtual disk is too large for the disk",
            f"{exact_size(needed)} with the room for a config drive",
            f"at most {exact_size(disk.value)}",
            f"Make the image's disk smaller, or choose another --disk-group: {_list_groups(server)}.",
        )


def _needed_disk_bytes(needs: ImageNeeds, order: InstallOrder) -> int | None:
    """The virtual disk and, where something is customized, the config drive's partition (about 1 MB) behind it."""
    if needs.virtual_size_bytes is None:
        return None
    return needs.virtual_size_bytes + (CONFIG_DRIVE_ROOM_BYTES if order.customizations.has_config_drive else 0)


def _find_unknown(server: Server, needs: ImageNeeds, order: InstallOrder) -> Iterator[str]:
    disk = server.disk_bytes(order.disk_group_id)
    if needs.boot is None:
        yield "the boot mode was not compared: nobody said which one the image is for"
    elif isinstance(server.boot_modes, NotExamined):
        yield f"the boot mode was not compared: {server.boot_modes.reason}"
    if needs.file_size_bytes is None:
        yield "the size was not compared with the memory: the size of the file is not known"
    elif isinstance(server.memory_bytes, NotExamined):
        yield f"the size was not compared with the memory: {server.memory_bytes.reason}"
    if needs.virtual_size_bytes is None:
        yield "the size was not compared with the disk: the size of the virtual disk is not known"
    elif isinstance(disk, NotExamined):
        yield f"the size was not compared with the disk: {disk.reason}"
    if isinstance(server.templates, NotExamined):
        yield f"the product was not compared: {server.templates.reason}"


def _find_risks(server: Server, order: InstallOrder) -> Iterator[str]:
    for task in server.running_tasks:
        if task.function not in _BLOCKING_FUNCTIONS:
            yield f"{_describe_task(task)} has not ended; the provider may refuse the reinstallation"
    default = server.default_disk_group_id or 1
    if server.boot_modes == Known(frozenset({BootMode.LEGACY})) and (order.disk_group_id or default) != default:
        yield f"a legacy server boots its first disk, and disk group {order.disk_group_id} is not the default one"


def _describe_task(task: Task) -> str:
    return f"task {task.task_id} ({task.function}, {task.status.value})"


def _list_groups(server: Server) -> str:
    if isinstance(server.disk_groups, NotExamined):
        return server.disk_groups.reason
    sizes = ((group, group.disk_size_bytes) for group in server.disk_groups.value)
    words = [
        f"{group.group_id} ({size.value // 10**9} GB {group.disk_type})"
        if isinstance(size, Known)
        else str(group.group_id)
        for group, size in sizes
    ]
    return ", ".join(words) or "none"
