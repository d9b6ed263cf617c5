"""Milestones read from consoles of real boots, cut down to the lines that matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.model.rehearsal import Milestone
from byoi_tools.rehearsal.milestones import Console

CONSOLES = Path(__file__).parent / "consoles"
BOOT = [Milestone.FIRMWARE, Milestone.LOADER, Milestone.KERNEL, Milestone.ROOT, Milestone.INIT]


def read(name: str, *, pieces_of: int = 1 << 20) -> Console:
    text = (CONSOLES / f"{name}.txt").read_bytes().decode("utf-8", "replace")
    console = Console()
    for number, start in enumerate(range(0, len(text), pieces_of)):
        console.add(text[start : start + pieces_of], float(number))
    return console


def seen(console: Console) -> list[Milestone]:
    return [sighting.milestone for sighting in console.sightings]


@pytest.mark.parametrize("pieces_of", [1, 7, 4096])
def test_a_good_boot_passes_all_milestones(pieces_of: int) -> None:
    console = read("good", pieces_of=pieces_of)
    assert sorted(seen(console), key=list(Milestone).index) == [
        *BOOT,
        Milestone.NETWORK,
        Milestone.CLOUD_INIT,
        Milestone.LOGIN,
    ]
    assert console.dead_end is None
    times = [sighting.seconds for sighting in console.sightings]
    assert times == sorted(times)


def test_the_good_boot_tells_users_and_fingerprints() -> None:
    console = read("good")
    assert console.users == ["debian"]
    assert console.shows_fingerprint("SHA256:Tl5uPJXCCVd75p++m/lCON2fEqgxYUfcZdW8KGp0fto")
    assert not console.shows_fingerprint("SHA256:Tl5uPJXCCVd75p++m/lCON2fEqgxYUfcZdW8KGp0ftX")


@pytest.mark.parametrize(
    ("name", "milestones", "words"),
    [
        ("wrong-loader", BOOT[:1], "declared loader"),
        ("unsigned-loader", BOOT[:1], "Secure Boot"),
        ("virtio-initramfs", BOOT[:3], "initramfs"),
    ],
)
def test_a_boot_that_ends_early_says_where(name: str, milestones: list[Milestone], words: str) -> None:
    console = read(name, pieces_of=64)
    assert seen(console) == milestones
    assert words in (console.dead_end or "")


def test_a_system_that_finds_no_config_drive_is_told_from_one_that_does() -> None:
    console = read("nocloud", pieces_of=1)
    assert set(seen(console)) == {*BOOT, Milestone.NETWORK, Milestone.LOGIN}
    assert console.has_no_datasource
    assert not read("good").has_no_datasource
    assert console.users == []


def test_legacy_firmware_speaks_in_a_log_of_its_own() -> None:
    console = Console()
    console.add("GRUB loading.\r\nWelcome to GRUB!\r\n", 1.0)
    assert seen(console) == []
    console.add("SeaBIOS (version 1.16.2-debian-1.16.2-1)\nBooting from Hard Disk...\n", 2.0, "firmware")
    console.add("Booting from 0000:7c00\n", 3.0, "firmware")
    assert [(one.milestone, one.seconds) for one in console.sightings] == [
        (Milestone.FIRMWARE, 2.0),
        (Milestone.LOADER, 3.0),
    ]
    assert not any("SeaBIOS" in line for line in console.last_lines(10))


@pytest.mark.parametrize(
    "text",
    [
        "Booting from Hard Disk...\nBoot failed: not a bootable disk\n\nNo bootable device.\n",
        "error: no such device: b1010003.\r\n\x1b[0mEntering rescue mode...\r\ngrub rescue> ",
        "[    3.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
        'You are in emergency mode. After logging in, type "journalctl -xb" to view\r\n',
    ],
)
def test_a_dead_end_is_known(text: str) -> None:
    console = Console()
    console.add(text, 1.0)
    assert console.dead_end


def test_a_guest_that_writes_for_ever_fills_no_memory() -> None:
    console = Console()
    for _ in range(200):
        console.add("x" * 65536, 1.0)
    console.add("\nshort\n" * 5000, 2.0)
    assert console.last_lines(2) == ("short", "short")
    assert sum(map(len, console.last_lines(10_000))) < 1 << 20


def test_what_systemd_says_in_an_initramfs_is_not_the_init() -> None:
    console = Console()
    console.add("[    4.0] systemd[1]: systemd 257 running in system mode (+PAM)\n", 4.0)
    assert seen(console) == []
    console.add("[    6.0] EXT4-fs (sda3): mounted filesystem with ordered data mode\n", 6.0)
    console.add("[    7.0] systemd[1]: systemd 257 running in system mode (+PAM)\n", 7.0)
    assert seen(console) == [Milestone.ROOT, Milestone.INIT]
