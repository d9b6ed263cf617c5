"""The machine's command line, and QEMU's own opinion of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from byoi_tools.model.boot import BootMode
from byoi_tools.model.rehearsal import DiskBus, NetworkCard
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.rehearsal.accelerator import accelerator_argv
from byoi_tools.rehearsal.firmware import find_editor, find_firmware, write_settings
from byoi_tools.rehearsal.machine import Machine, machine_argv
from byoi_tools.rehearsal.qemu import output_of, running, take_screenshot

PNG = b"\x89PNG\r\n\x1a\n"


def machine(directory: Path, boot: BootMode, bus: DiskBus, port: int = 2222) -> Machine:
    code, settings = (Path("code.fd"), directory / "settings.fd") if boot is BootMode.UEFI else (None, None)
    disk, log = directory / "disk.raw", directory / "firmware.log"
    return Machine(
        boot, bus, 512 << 20, disk, SshAddress("127.0.0.1", port), directory / "monitor", log, code, settings
    )


@pytest.mark.parametrize(
    ("bus", "devices"),
    [
        (DiskBus.NVME, ["nvme,serial=rehearsal,drive=disk"]),
        (DiskBus.AHCI, ["ide-hd,bus=ide.0,drive=disk"]),
        (DiskBus.MEGARAID, ["megasas-gen2,id=raid", "scsi-hd,bus=raid.0,drive=disk"]),
        (DiskBus.VIRTIO, ["virtio-blk-pci,drive=disk"]),
    ],
)
def test_each_disk_hangs_on_its_controller(tmp_path: Path, bus: DiskBus, devices: list[str]) -> None:
    argv = machine_argv(machine(tmp_path, BootMode.UEFI, bus), ("-accel", "tcg"))
    found = [argv[index + 1] for index, word in enumerate(argv) if word == "-device"]
    assert found[-len(devices) :] == devices


def test_legacy_starts_from_the_disk_and_uefi_from_its_settings(tmp_path: Path) -> None:
    legacy = machine_argv(machine(tmp_path, BootMode.LEGACY, DiskBus.AHCI), ())
    uefi = machine_argv(machine(tmp_path, BootMode.UEFI, DiskBus.AHCI), ())
    assert legacy[-1].endswith(",bootindex=0")
    assert not any("bootindex" in word for word in uefi)
    assert [word for word in uefi if word.startswith("if=pflash")]
    assert not [word for word in legacy if word.startswith("if=pflash")]


def test_nothing_leads_out_and_commas_begin_no_option(tmp_path: Path) -> None:
    directory = tmp_path / "a,b"
    argv = machine_argv(machine(directory, BootMode.LEGACY, DiskBus.NVME), ())
    assert "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22" in argv
    assert f"file={tmp_path}/a,,b/disk.raw" in next(word for word in argv if word.startswith("if=none")) + ","


@pytest.mark.parametrize("bus", list(DiskBus))
def test_qemu_starts_it_and_shows_its_screen(tmp_path: Path, bus: DiskBus) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    built = machine(tmp_path, BootMode.LEGACY, bus, port)
    built.disk.write_bytes(bytes(1 << 20))
    picture = tmp_path / "screen.png"
    with running(machine_argv(built, accelerator_argv())) as process:
        for _ in output_of(process, 60):
            if "SeaBIOS (version" in (built.firmware_log.read_text() if built.firmware_log.exists() else ""):
                break
        assert process.poll() is None
        assert take_screenshot(built.monitor, picture)
    assert process.poll() is not None
    assert picture.read_bytes().startswith(PNG)


def test_the_declared_loader_is_the_only_boot_entry(tmp_path: Path) -> None:
    """UEFI 2.10, section 3.1.3: a load option holds the path as UTF-16LE in a media device path node of type 4."""
    _, factory = find_firmware()
    settings = tmp_path / "settings.fd"
    write_settings(factory, r"\EFI\debian\grubx64.efi", settings, Event())
    content = settings.read_bytes()
    assert len(content) == factory.stat().st_size
    assert content.count("Boot0000".encode("utf-16-le")) == 1
    assert "Boot0001".encode("utf-16-le") not in content
    path = "\\EFI\\debian\\grubx64.efi\0".encode("utf-16-le")
    assert b"\x04\x04" + (len(path) + 4).to_bytes(2, "little") + path in content


def test_a_program_is_gone_when_its_context_ends() -> None:
    began = time.monotonic()
    with running(["sleep", "600"]) as process:
        assert process.poll() is None
    assert process.poll() is not None
    assert time.monotonic() - began < 30


def test_secure_boot_takes_a_store_that_only_firmware_may_write(tmp_path: Path) -> None:
    """OVMF's README, section on SMM: the flash's property `secure`, and a machine that has the mode."""
    secure = replace(machine(tmp_path, BootMode.UEFI, DiskBus.NVME), has_secure_boot=True)
    argv = machine_argv(secure, ())
    assert "q35,smm=on" in argv
    assert "driver=cfi.pflash01,property=secure,value=on" in argv
    assert not [word for word in machine_argv(replace(secure, has_secure_boot=False), ()) if "smm" in word]


def test_secure_boot_starts_with_keys_and_the_declared_loader_before_all_others(tmp_path: Path) -> None:
    """UEFI 2.10, section 3.3: BootOrder is a list of 16-bit numbers; the store is read by another program."""
    _, factory = find_firmware(has_secure_boot=True)
    settings = tmp_path / "settings.fd"
    write_settings(factory, r"\EFI\debian\shimx64.efi", settings, Event())
    read = [find_editor(), "--input", str(settings), "--output-json", str(tmp_path / "settings.json")]
    subprocess.run(read, check=True, capture_output=True)
    variables = {one["name"]: one for one in json.loads((tmp_path / "settings.json").read_text())["variables"]}
    assert {"PK", "KEK", "db", "dbx"} <= set(variables)
    first = int.from_bytes(bytes.fromhex(variables["BootOrder"]["data"])[:2], "little")
    assert "\\shimx64.efi\0".encode("utf-16-le") in bytes.fromhex(variables[f"Boot{first:04X}"]["data"])


def test_the_card_is_the_one_that_was_chosen(tmp_path: Path) -> None:
    igb = replace(machine(tmp_path, BootMode.UEFI, DiskBus.NVME), network=NetworkCard.IGB)
    assert "igb,netdev=net,romfile=" in machine_argv(igb, ())


@pytest.mark.parametrize(("devices", "has_igb"), [('name "igb", bus PCI', True), ('name "igbvf", bus PCI', False)])
def test_a_card_that_qemu_lacks_is_told_before_anything_is_written(
    tmp_path: Path, devices: str, *, has_igb: bool
) -> None:
    """QEMU is a fake first in PATH, in a process of its own: which cards it has is asked once."""
    fake = tmp_path / "qemu-system-x86_64"
    fake.write_text(f"#!/bin/sh\necho 'Network devices:'\necho '{devices}'\n")
    fake.chmod(0o755)
    ask = (
        "from byoi_tools.rehearsal.network import *; from byoi_tools.errors import ToolMissing\n"
        "try: require_card(NetworkCard.IGB)\nexcept ToolMissing as missing: print(missing.remedy)\nelse: print('there')"
    )
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True, env=environment)
    assert ("there" in done.stdout) == has_igb
    assert ("--network e1000e" in done.stdout) != has_igb


_KILLED = """
from byoi_tools.rehearsal.qemu import running
with running(["sleep", "600"]) as process:
    print(process.pid, flush=True)
    process.wait()
"""


def test_nobody_is_left_when_we_are_killed() -> None:
    """prctl(2), PR_SET_PDEATHSIG: the kernel ends it, whether or not we still can."""
    with subprocess.Popen([sys.executable, "-c", _KILLED], stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        pid = int(victim.stdout.readline())
        wait_until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
        victim.kill()
    wait_until(lambda: is_gone(pid))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """A zombie that nobody has waited for yet is gone too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
