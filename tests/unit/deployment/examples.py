"""A server, an order and an image that fit each other; each test changes what it is about."""

from __future__ import annotations

from dataclasses import dataclass, field

from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.order import Customizations, ImageNeeds, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.deployment.server import DiskGroup, InstallStep, Server, Task
from byoi_tools.model.digest import Digest
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.image import ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.secret import Secret

NAME = "ns1.example.net"
ROUTE = f"/dedicated/server/{NAME}"
SIGNATURE = "5167a7u6e"
URL = f"https://s3.example.net/images/debian.qcow2?X-Amz-Expires=86400&X-Amz-Signature={SIGNATURE}"
TOKEN = "Basic bG9naW46cGFzc3dvcmQ="
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEk7gmCiBkmN1PTI0ETFFxyJzpvyZfZ0mFHb0hpNl9pS me@example.org"
USER_DATA = b"#cloud-config\nruncmd:\n  - printf 'a\\nb'\n"

NO_CONTROLLER = NotExamined("the API gives no raidController")
NVME = DiskGroup(1, Known(2), Known(480 * 10**9), "NVMe", NO_CONTROLLER)
SATA = DiskGroup(2, Known(2), Known(4000 * 10**9), "SATA", NO_CONTROLLER)
UEFI_SERVER = Server(
    name=NAME,
    boot_modes=Known(frozenset({BootMode.UEFI})),
    memory_bytes=Known(64 * 2**30),
    disk_groups=Known((NVME, SATA)),
    default_disk_group_id=None,
    templates=Known(frozenset({"byoi_64", "byolinux_64", "debian12_64"})),
    running_tasks=(),
)
ORDER = InstallOrder(
    NAME,
    Product.BYOI,
    r"\EFI\debian\grubx64.efi",
    Customizations("mon-tux", SSH_KEY, USER_DATA, (("role", "database"),)),
)
NEEDS = ImageNeeds(BootMode.UEFI, 400 * 2**20, 10 * 2**30)
SOURCE = ImageSource(
    Secret(URL), ImageType.QCOW2, Digest.parse("sha512:" + "2cbd3dd5" * 16), (("Authorization", Secret(TOKEN)),)
)
REINSTALLATION = Reinstallation(ORDER, SOURCE)


@dataclass
class Told(Observer):
    """An observer that remembers what it was told."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def noted(self, message: str) -> None:
        self.notes.append(message)

    def warned(self, message: str) -> None:
        self.warnings.append(message)

    def step_changed(self, step: InstallStep) -> None:
        self.steps.append((step.comment, step.status.value))

    def task_changed(self, task: Task) -> None:
        self.tasks.append(task.status.value)
