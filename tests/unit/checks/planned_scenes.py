"""A deployment that fits its server, and for each check of the families target and api one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from byoi_tools.deployment.reinstall.payload import customization_names
from byoi_tools.deployment.rights import needed_rights
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.deployment.partitioning import LayoutItem, Partitioning
from byoi_tools.model.deployment.planned import AccessRule, Delivery, PlannedDeployment, TemplateInput
from byoi_tools.model.deployment.server import DiskGroup, Server, Task, TaskStatus
from byoi_tools.model.fact import Known
from byoi_tools.model.finding import Severity
from byoi_tools.model.image import ImageType
from tests.unit.deployment.examples import NAME, NEEDS, NVME, ORDER, UEFI_SERVER

GIB = 2**30
SERVER = replace(
    UEFI_SERVER,
    architecture=Known("x86_64"),
    boot_type=Known("harddisk"),
    has_rescue_key=Known(False),
    is_monitored=Known(False),
    forbids_intervention=Known(False),
    installed_system=Known("none_64"),
)
# The inputs of byoi_64 as OVHcloud's guide Bring Your Own Image (2026-05-28) lists them.
INPUTS = (
    TemplateInput("imageURL", is_mandatory=True, has_default=False, choices=()),
    TemplateInput("imageType", is_mandatory=True, has_default=False, choices=("qcow2", "raw")),
    TemplateInput("efiBootloaderPath", is_mandatory=True, has_default=False, choices=()),
    TemplateInput("imageCheckSum", is_mandatory=False, has_default=False, choices=()),
    TemplateInput("imageCheckSumType", is_mandatory=False, has_default=False, choices=("md5", "sha512")),
    TemplateInput("httpHeaders", is_mandatory=False, has_default=False, choices=()),
    TemplateInput("configDriveUserData", is_mandatory=False, has_default=False, choices=()),
    TemplateInput("configDriveMetadata", is_mandatory=False, has_default=False, choices=()),
    TemplateInput("hostname", is_mandatory=False, has_default=False, choices=()),
    TemplateInput("sshKey", is_mandatory=False, has_default=False, choices=()),
)
PRESIGNED = Delivery(Known(ImageType.QCOW2), Known(True), Known(timedelta(hours=24)))
FITTING = PlannedDeployment(
    server=SERVER,
    order=ORDER,
    needs=NEEDS,
    delivery=PRESIGNED,
    rights=Known((AccessRule("GET", "/dedicated/server/*"), AccessRule("POST", "/dedicated/server/*/reinstall"))),
    needed_rights=needed_rights(NAME),
    inputs=Known(INPUTS),
    sent_names=customization_names(ORDER, has_headers=False),
)
LEGACY = replace(
    FITTING,
    server=replace(SERVER, boot_modes=Known(frozenset({BootMode.LEGACY}))),
    needs=replace(NEEDS, boot=BootMode.LEGACY),
    order=replace(ORDER, loader_path=None),
)
BARE = replace(FITTING, order=replace(ORDER, customizations=Customizations()))


@dataclass(frozen=True, slots=True)
class Scene:
    """A deployment, the one check that it fails, how severely, and a word of what is observed."""

    check_id: str
    planned: PlannedDeployment
    severity: Severity
    seen: str


def on(change: Callable[[Server], Server], planned: PlannedDeployment = FITTING) -> PlannedDeployment:
    """The deployment on a server that differs in something."""
    return replace(planned, server=change(planned.server))


def _task(function: str) -> PlannedDeployment:
    return on(lambda server: replace(server, running_tasks=(Task(7, function, TaskStatus.DOING, ""),)))


def _wishes(wishes: Customizations) -> PlannedDeployment:
    return replace(FITTING, order=replace(ORDER, customizations=wishes))


def _path(path: str | None) -> PlannedDeployment:
    return replace(FITTING, order=replace(ORDER, loader_path=path))


def _rights(*rules: tuple[str, str]) -> PlannedDeployment:
    return replace(FITTING, rights=Known(tuple(AccessRule(*rule) for rule in rules)))


def _headers(*names: str) -> PlannedDeployment:
    return replace(FITTING, delivery=replace(PRESIGNED, header_names=names))


def _life(life: timedelta) -> PlannedDeployment:
    return replace(FITTING, delivery=replace(PRESIGNED, life=Known(life)))


def _controller(name: str) -> PlannedDeployment:
    return on(lambda server: replace(server, disk_groups=Known((replace(NVME, raid_controller=Known(name)),))))


LINUX_ORDER = replace(ORDER, product=Product.BYOLINUX)
LINUX = replace(
    FITTING,
    order=LINUX_ORDER,
    # Those of OVHcloud's guide Bring Your Own Linux (2026-05-28): no imageType, only the URL is mandatory.
    inputs=Known(tuple(replace(each, is_mandatory=each.name == "imageURL") for each in INPUTS if each != INPUTS[1])),
    sent_names=customization_names(LINUX_ORDER, has_headers=False),
)
ROOT = LayoutItem("ext4", "/", 20_000)
# The layouts of OVHcloud's guide API and Storage (2026-06-29).
GOOD_LAYOUTS = (
    Partitioning((LayoutItem("ext4", "/boot", 1000, 1), LayoutItem("ext4", "/")), 2),
    Partitioning(
        (LayoutItem("ext4", "/boot", 1000, 0), LayoutItem("ext4", "/"), LayoutItem("swap", "swap", 512, 1)), 2
    ),
    Partitioning((ROOT, LayoutItem("ext4", "/var/lib/vz", raid_level=1, lv_name="data"))),
    Partitioning((LayoutItem("zfs", "/", raid_level=1, zp_name="poule"),)),
    Partitioning(disks=1),
)


def layout(*items: LayoutItem, disks: int | None = None) -> PlannedDeployment:
    """A deployment of Bring Your Own Linux with this layout."""
    return replace(LINUX, order=replace(LINUX_ORDER, partitioning=Partitioning(items, disks)))


def _path_of(path: str) -> PlannedDeployment:
    return layout(ROOT, LayoutItem("ext4", path, 1))


_SMALL = DiskGroup(2, Known(1), Known(10**9), "SSD", NVME.raid_controller)
_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

# Those that need nothing of the image; test_target.py has the others, whose images it makes.
SCENES = (
    Scene(
        "api.payload-schema", replace(LINUX, delivery=replace(PRESIGNED, image_type=Known(ImageType.RAW))), _E, "raw"
    ),
    Scene("api.payload-schema", replace(LINUX, order=replace(LINUX_ORDER, loader_path=None)), _E, "none is given"),
    Scene("api.partitioning", layout(LayoutItem("ext4", "/srv")), _E, "no mountPoint /"),
    Scene("api.partitioning", layout(ROOT, LayoutItem("xfs", "/")), _E, '"/"'),
    Scene("api.partitioning", layout(ROOT, LayoutItem("xfs", "/srv", 1), LayoutItem("xfs", "/srv", 1)), _E, "/srv"),
    Scene("api.partitioning", _path_of("srv"), _E, "srv"),
    Scene("api.partitioning", _path_of("/srv/\x1b[2J"), _E, r"\x1b"),
    Scene("api.partitioning", _path_of("/" + "a" * 256), _E, "aaaa"),
    Scene("api.partitioning", _path_of("/srv/"), _E, "/srv/"),
    Scene("api.partitioning", _path_of("/srv/../etc"), _E, "/srv/../etc"),
    Scene("api.partitioning", _path_of("/srv//www"), _E, "/srv//www"),
    Scene("api.partitioning", _path_of("/srv/.www"), _E, "/srv/.www"),
    Scene("api.partitioning", _path_of("/boot/efi"), _E, "/boot/efi"),
    Scene("api.partitioning", _path_of("/proc/1"), _E, "/proc/1"),
    Scene("api.partitioning", layout(LayoutItem("ntfs", "/")), _E, "ntfs"),
    Scene("api.partitioning", layout(LayoutItem("ext4", "/", raid_level=7)), _E, "raidLevel 7"),
    Scene("api.partitioning", layout(LayoutItem("zfs", "/", raid_level=10)), _E, "raidLevel 10"),
    Scene("api.partitioning", layout(ROOT, LayoutItem("swap", "swap", 512, 0)), _E, "raidLevel 0"),
    Scene("api.partitioning", layout(ROOT, LayoutItem("swap", "swap")), _E, "size 0"),
    Scene("api.partitioning", layout(LayoutItem("ext4", "/"), LayoutItem("ext4", "/srv")), _E, "size 0"),
    Scene("api.partitioning", layout(LayoutItem("ext4", "/", 1, lv_name="a" * 17)), _E, "aaaa"),
    Scene("api.partitioning", layout(LayoutItem("ext4", "/", 1, lv_name="pvmove0")), _E, "pvmove0"),
    Scene("api.partitioning", layout(LayoutItem("zfs", "/", 1, lv_name="root")), _E, "extras.lv.name root"),
    Scene(
        "api.partitioning",
        layout(LayoutItem("ext4", "/", 1, lv_name="a"), LayoutItem("ext4", "/b", 1, lv_name="a")),
        _E,
        '"a"',
    ),
    Scene("api.partitioning", layout(LayoutItem("xfs", "/", 1, zp_name="tank")), _E, "extras.zp.name tank"),
    Scene("api.partitioning", layout(LayoutItem("zfs", "/", 1, zp_name="0tank")), _E, "0tank"),
    Scene("api.partitioning", layout(LayoutItem("zfs", "/", 1, zp_name="mirror1")), _E, "mirror1"),
    Scene(
        "api.partitioning",
        layout(LayoutItem("zfs", "/", 1, zp_name="tank"), LayoutItem("zfs", "/b", 1, 0, zp_name="tank")),
        _E,
        "raidLevel 0",
    ),
    Scene("target.partitioning", layout(ROOT, disks=3), _E, "disks 3"),
    Scene("target.partitioning", layout(LayoutItem("ext4", "/", 1, 5)), _W, "raidLevel 5 on 2 disks"),
    Scene("target.partitioning", layout(LayoutItem("ext4", "/", 1, 1), disks=1), _W, "raidLevel 1 on 1 disk"),
    # 480 GB are 457763.67 MiB; a mirror takes all of it from each disk, a stripe half of it from each of two.
    Scene("target.partitioning", layout(LayoutItem("ext4", "/", 457_764, 1)), _E, "480000344064 bytes"),
    Scene("target.partitioning", layout(LayoutItem("ext4", "/", 915_528, 0)), _E, "480000344064 bytes"),
    Scene("target.boot-mode", replace(FITTING, server=LEGACY.server), _E, "the server boots legacy"),
    Scene("target.boot-mode", replace(FITTING, needs=replace(NEEDS, boot=BootMode.LEGACY)), _E, "boots uefi"),
    Scene("target.ram", replace(FITTING, needs=replace(NEEDS, file_size_bytes=61 * GIB)), _E, "61.0 GiB"),
    Scene("target.ram", on(lambda server: replace(server, memory_bytes=Known(2 * GIB))), _E, "400.0 MiB"),
    Scene(
        "target.disk-size", replace(BARE, needs=replace(NEEDS, virtual_size_bytes=480 * 10**9 + 1)), _E, "480000000001"
    ),
    Scene(
        "target.disk-size", replace(FITTING, needs=replace(NEEDS, virtual_size_bytes=480 * 10**9)), _E, "config drive"
    ),
    Scene(
        "target.disk-size",
        on(lambda server: replace(server, disk_groups=Known((NVME, _SMALL)), default_disk_group_id=2)),
        _E,
        "10.0 GiB",
    ),
    Scene("target.disk-group", replace(FITTING, order=replace(ORDER, disk_group_id=3)), _E, "group 3"),
    Scene("target.disk-group", on(lambda server: replace(server, disk_groups=Known(()))), _E, "group 1"),
    Scene("target.disk-group", replace(LEGACY, order=replace(LEGACY.order, disk_group_id=2)), _W, "group 2"),
    Scene("target.raid-controller", _controller("Frobnicator \x1b[2J"), _W, r"\x1b"),
    Scene(
        "target.compatible-template",
        on(lambda server: replace(server, templates=Known(frozenset({"debian12_64"})))),
        _E,
        "neither of byoi_64",
    ),
    Scene("target.current-tasks", _task("reinstallServer"), _E, "task 7"),
    Scene("target.current-tasks", _task("testIPMIping"), _W, "testIPMIping"),
    Scene("target.rescue-mode", on(lambda server: replace(server, boot_type=Known("rescue"))), _W, "rescue"),
    Scene("target.rescue-mode", on(lambda server: replace(server, has_rescue_key=Known(True))), _W, "rescueSshKey"),
    Scene("target.monitoring", on(lambda server: replace(server, is_monitored=Known(True))), _I, "monitoring on"),
    Scene("api.credentials-rights", _rights(("GET", "/dedicated/server/*")), _E, f"POST /dedicated/server/{NAME}/rein"),
    Scene("api.payload-schema", _path(None), _E, "none is given"),
    Scene("api.payload-schema", replace(FITTING, inputs=Known(INPUTS[:-1])), _E, "sshKey"),
    Scene(
        "api.payload-schema",
        replace(
            FITTING, inputs=Known((*INPUTS, TemplateInput("licence", is_mandatory=True, has_default=False, choices=())))
        ),
        _E,
        "licence",
    ),
    Scene(
        "api.payload-schema",
        replace(FITTING, inputs=Known((replace(INPUTS[1], choices=("raw",)), INPUTS[0], *INPUTS[2:]))),
        _E,
        "qcow2",
    ),
    Scene("api.loader-path-escape", _path(r"\\efi\\debian\\grubx64.efi"), _E, "grubx64"),
    Scene("api.hostname", _wishes(Customizations("ho_st")), _E, "ho_st"),
    Scene("api.ssh-key", _wishes(Customizations(ssh_key="AAAA")), _E, "1 lines"),
    Scene("api.metadata", _wishes(Customizations(metadata=(("role", "a"), ("role", "b")))), _E, "role"),
    Scene("api.metadata", _wishes(Customizations(metadata=(("a\x1b", "b"),))), _E, r"\x1b"),
    Scene("api.metadata", _wishes(Customizations(metadata=(("role", "a\0"),))), _E, "role"),
    Scene("api.metadata", _wishes(Customizations(metadata=(("role", "x" * 65536),))), _E, "65540 bytes"),
    Scene("api.headers", _headers("authorization"), _E, "authorization"),
    Scene("api.headers", _headers("X-Team"), _W, "X-Team"),
    Scene("api.url-life", _life(timedelta(minutes=10)), _W, "0:10:00"),
    Scene("api.url-life", _life(timedelta(minutes=-10)), _E, "0:10:00 ago"),
)
# Checks whose scenes need an image (test_target.py).
NEED_AN_IMAGE = {"target.arch", "target.secondary-disks", "target.uefi-vars-stale"}
