"""The machine's command line, and QEMU's own opinion of it."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from threading import Event

import pytest

from byoi_tools.model.boot import BootMode
from byoi_tools.model.rehearsal import DiskBus
from byoi_tools.rehearsal.accelerator import accelerator_argv
from byoi_tools.rehearsal.firmware import find_firmware, write_settings
from byoi_tools.rehearsal.machine import Machine, machine_argv
from byoi_tools.rehearsal.qemu import output_of, running, take_screenshot

PNG = b"\x89PNG\r\n\x1a\n"


def machine(directory: Path, boot: BootMode, bus: DiskBus, port: int = 2222) -> Machine:
    code, settings = (Path("code.fd"), directory / "settings.fd") if boot is BootMode.UEFI else (None, None)
    disk, log = directory / "disk.raw", directory / "firmware.log"
    return Machine(boot, bus, 512 << 20, disk, port, directory / "monitor", log, code, settings)


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
