"""In what condition a server is found: read from TOML, and told by the API's routes."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.simulator.condition import Condition
from byoi_tools.simulator.servers import load_servers
from byoi_tools.simulator.service import Simulator
from tests.unit.simulator.outside import Api

SERVER = """
[[server]]
name = "ns1.simulated"
boot_mode = "uefi"
memory_mib = 4096
[[server.disk_groups]]
disk_group_id = 1
disks = 1
disk_size_gb = 1
disk_type = "NVMe"
[server.condition]
"""


def load(tmp_path: Path, lines: str) -> Condition:
    path = tmp_path / "servers.toml"
    path.write_text(SERVER + lines)
    (server,) = load_servers(path)
    return server.condition


def test_nothing_said_is_a_server_at_rest(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Condition()


def test_every_key_is_read(tmp_path: Path) -> None:
    lines = """
boot_type = "rescue"
rescue_ssh_key = "ssh-ed25519 AAAA"
monitoring = true
no_intervention = true
installed_system = "debian12_64"
architecture = "arm64"
raid_controller = "MegaRAID"
unknown = ["memorySize", "bootId"]
"""
    expected = Condition(
        "rescue", "ssh-ed25519 AAAA", True, True, "debian12_64", "arm64", "MegaRAID", ("memorySize", "bootId")
    )
    assert load(tmp_path, lines) == expected


@pytest.mark.parametrize(
    "lines", ['boot_type = "floppy"', 'unknown = ["bootMode"]', 'unknown = "bootId"', "unknown = [1]", 'colour = "red"']
)
def test_an_absurd_condition_is_refused(tmp_path: Path, lines: str) -> None:
    with pytest.raises(UsageError):
        load(tmp_path, lines)


def test_the_api_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "servers.toml"
    path.write_text(SERVER + 'boot_type = "rescue"\nunknown = ["memorySize"]\n')
    with Simulator(load_servers(path), directory=tmp_path / "servers") as simulator:
        api = Api(simulator)
        overview = api.get("/dedicated/server/ns1.simulated")
        assert isinstance(overview, dict)
        boot = api.get(f"/dedicated/server/ns1.simulated/boot/{overview['bootId']}")
        hardware = api.get("/dedicated/server/ns1.simulated/specifications/hardware")
        rescue = api.get("/dedicated/server/ns1.simulated/boot?bootType=rescue")
        credential = api.get("/auth/currentCredential")
    assert isinstance(boot, dict)
    assert boot["bootType"] == "rescue"
    assert rescue == [overview["bootId"]]
    assert isinstance(hardware, dict)
    assert hardware["memorySize"] is None
    assert isinstance(credential, dict)
    assert {"method": "GET", "path": "/*"} in credential["rules"]
