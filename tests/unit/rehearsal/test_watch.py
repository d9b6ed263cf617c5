"""How watching ends, with fakes first in PATH in QEMU's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.errors import ToolFailed, UsageError
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.observer import Observer
from byoi_tools.model.rehearsal import DiskBus, Milestone, RehearsalOrder, Until
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.rehearsal.login import Login
from byoi_tools.rehearsal.machine import Machine
from byoi_tools.rehearsal.watch import Watched, watch

CONSOLES = Path(__file__).parent / "consoles"


class Notes(Observer):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def noted(self, message: str) -> None:
        self.lines.append(message)


def run(
    directory: Path,
    script: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    timeout: float = 60,
    keep: Path | None = None,
    login: Login | None = None,
    firmware: str = "SeaBIOS (version 1.16.2)\nBooting from 0000:7c00\n",
) -> tuple[Watched, Notes]:
    fake = directory / "bin" / "qemu-system-x86_64"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    log = directory / "firmware.log"
    log.write_text(firmware)
    machine = Machine(
        BootMode.LEGACY,
        DiskBus.AHCI,
        1 << 29,
        directory / "disk",
        SshAddress("127.0.0.1", 1),
        directory / "monitor",
        log,
    )
    until = Until.LOGIN if login is None else Until.SSH
    order = RehearsalOrder(BootMode.LEGACY, "", DiskBus.AHCI, 1 << 29, Customizations(), until, timeout, keep=keep)
    watched, notes = Watched(), Notes()
    watch(watched, machine, (), order, login, notes)
    return watched, notes


def test_the_login_prompt_ends_it_and_the_console_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = CONSOLES / "good.txt"
    watched, notes = run(tmp_path, f"cat {good}; exec sleep 600", monkeypatch, keep=tmp_path / "kept")
    assert watched.ending == "the login prompt is there"
    assert watched.console.has_seen(Milestone.LOGIN)
    assert watched.seconds < 60
    assert (tmp_path / "kept" / "console.txt").read_bytes() == good.read_bytes()
    assert {line.split("s  ")[1] for line in notes.lines} >= {"firmware", "loader", "kernel", "login prompt"}


def test_a_dead_end_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched, _ = run(tmp_path, f"cat {CONSOLES / 'virtio-initramfs.txt'}; exec sleep 600", monkeypatch)
    assert "initramfs" in watched.ending
    assert watched.seconds < 60


def test_silence_ends_with_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched, _ = run(tmp_path, "exec sleep 600", monkeypatch, timeout=3)
    assert watched.ending == "the time is up (3 s)"


def test_a_machine_that_is_switched_off_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched, _ = run(tmp_path, "sleep 2; echo 'Power down.'", monkeypatch)
    assert watched.ending == "the machine was switched off"
    assert watched.console.last_lines(1) == ("Power down.",)


def test_a_qemu_that_does_not_start_is_no_verdict_on_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolFailed) as failed:
        run(tmp_path, "echo no such device >&2; exit 1", monkeypatch, firmware="")
    assert "no such device" in str(failed.value.details)


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be kept"):
        run(tmp_path, "exec sleep 600", monkeypatch, keep=tmp_path / "file")


def test_who_finds_no_config_drive_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = Login(SshAddress("127.0.0.1", 1), None, tuple)
    watched, _ = run(tmp_path, f"cat {CONSOLES / 'nocloud.txt'}; exec sleep 600", monkeypatch, login=login)
    assert watched.ending == "cloud-init found no config drive"
