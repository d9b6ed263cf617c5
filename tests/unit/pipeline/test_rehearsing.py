"""What a rehearsal's machine takes from the server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.server import DiskGroup, Server
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.rehearsal import DiskBus
from byoi_tools.pipeline.rehearsing import disk_like


@pytest.mark.parametrize(
    ("disk_type", "controller", "boot", "bus"),
    [
        ("NVMe", NotExamined("no controller"), BootMode.UEFI, DiskBus.NVME),
        ("NVME", NotExamined("no controller"), BootMode.LEGACY, DiskBus.NVME),
        ("SATA", NotExamined("no controller"), BootMode.UEFI, DiskBus.AHCI),
        ("SAS", Known("MegaRAID 9361-8i"), BootMode.LEGACY, DiskBus.MEGARAID),
        ("SAS", Known("MegaRAID 9361-8i"), BootMode.UEFI, DiskBus.AHCI),
    ],
)
def test_the_disk_hangs_on_what_the_server_has(
    disk_type: str, controller: Fact[str], boot: BootMode, bus: DiskBus
) -> None:
    group = DiskGroup(1, Known(2), Known(480 * 10**9), disk_type, controller)
    unknown = NotExamined("not asked")
    server = Server("ns1", unknown, unknown, Known((group,)), 1, unknown, ())
    assert disk_like(server, None, boot) is bus
    assert disk_like(replace(server, disk_groups=unknown), None, boot) is DiskBus.NVME
