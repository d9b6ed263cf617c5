from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.simulator.faults import Faults, ReinstallAnswer
from byoi_tools.simulator.servers import (
    BootMode,
    DiskGroup,
    SimulatedServer,
    default_servers,
    load_servers,
)

GOOD = """
[[server]]
name = "ns7.simulated"
boot_mode = "legacy"
memory_mib = 32768

[[server.disk_groups]]
disk_group_id = 1
disks = 2
disk_size_gb = 960
disk_type = "SSD"

[server.faults]
install_status_answers = [404, 500]
reinstall_answer = "dropped"
purge_done_tasks = true
"""


def test_a_file_of_servers_is_read(tmp_path: Path) -> None:
    file = tmp_path / "servers.toml"
    file.write_text(GOOD)
    faults = Faults((404, 500), reinstall_answer=ReinstallAnswer.DROPPED, purge_done_tasks=True)
    group = DiskGroup(1, 2, 960, "SSD")
    assert load_servers(file) == (SimulatedServer("ns7.simulated", BootMode.LEGACY, 32768, (group,), faults=faults),)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[[server]]", "[[servers]]"),
        ("[[server]]", "[server]"),
        ('name = "ns7.simulated"', 'name = "../etc"'),
        ('name = "ns7.simulated"', 'name = "a/b"'),
        ('name = "ns7.simulated"', ""),
        ('"legacy"', '"bios"'),
        ("32768", '"32 GiB"'),
        ("disk_size_gb = 960", "disk_size_gb = 0"),
        ("disk_size_gb = 960", "disk_size_gb = 1.5"),
        ("disk_size_gb = 960", "size = 960"),
        ("[404, 500]", "[200]"),
        ("[404, 500]", "404"),
        ('"dropped"', '"never"'),
        ("purge_done_tasks", "purge"),
        ("= 32768", "="),
    ],
)
def test_a_wrong_file_is_an_error_of_usage(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "servers.toml"
    assert old in GOOD
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(UsageError):
        load_servers(file)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", GOOD.encode() * 2])
def test_a_file_without_sense_is_an_error_of_usage(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "servers.toml"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        load_servers(file)


def test_a_missing_file_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_servers(tmp_path / "none.toml")


def test_there_is_a_server_of_each_boot_mode_by_default() -> None:
    assert [(server.name, server.boot_mode.value) for server in default_servers()] == [
        ("ns1.simulated", "uefi"),
        ("ns2.simulated", "legacy"),
    ]
