"""Milestones read from consoles of real boots, cut down to the lines that matter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from byoi_tools.model.rehearsal import Milestone, Sighting
from byoi_tools.rehearsal.milestones import Console

CONSOLES = Path(__file__).parent / "consoles"
FIRMWARE = "SeaBIOS (version 1.16.2)\n"
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
    console.add(FIRMWARE, 1.0)
    console.add("[    4.0] systemd[1]: systemd 257 running in system mode (+PAM)\n", 4.0)
    assert seen(console) == BOOT[:1]
    console.add("[    6.0] EXT4-fs (sda3): mounted filesystem with ordered data mode\n", 6.0)
    console.add("[    7.0] systemd[1]: systemd 257 running in system mode (+PAM)\n", 7.0)
    assert seen(console) == [Milestone.FIRMWARE, Milestone.ROOT, Milestone.INIT]


def test_nothing_counts_before_the_firmware_has_spoken() -> None:
    console = Console()
    console.add("Linux version 6.1\nevil login: \n", 1.0)
    assert seen(console) == []
    console.add(FIRMWARE, 2.0)
    assert seen(console) == BOOT[:1]


def test_what_a_fallback_prints_is_not_the_declared_system() -> None:
    """With KVM the other loader's kernel speaks within the second."""
    console = Console()
    console.add((CONSOLES / "wrong-loader.txt").read_bytes().decode("utf-8", "replace"), 1.0)
    console.add("\nEFI stub: Loaded initrd\n[    0.000000] Linux version 6.1\nother login: ", 2.0)
    assert seen(console) == BOOT[:1]
    console.note(Sighting(Milestone.SSH, 3.0, "as debian"))
    assert seen(console) == BOOT[:1]
    assert console.dead_end == "the firmware cannot start the declared loader (Not Found)"
    assert console.fallback == r", and falls back to \EFI\BOOT\BOOTX64.EFI of the disk"


def test_the_fallback_is_waited_for_until_the_firmware_has_said_what_it_does() -> None:
    console = read("unsigned-loader")
    assert not console.may_fall_back
    assert console.dead_end == "Secure Boot: the firmware refuses the declared loader (Access Denied)"
    assert console.fallback == ", and finds no other"
    waiting = Console()
    waiting.add('BdsDxe: failed to load Boot0000 "file x.efi" from \\x.efi: Not Found\r\n', 1.0)
    assert waiting.may_fall_back


@pytest.mark.parametrize(
    ("text", "milestones"),
    [
        # OpenRC 0.54, src/openrc/rc.c; BusyBox 1.36, networking/udhcp/dhcpc.c; /etc/issue and getty of Alpine 3.20.
        (
            "[    0.000000] Linux version 6.6.41-0-virt\n[    5.1] EXT4-fs (nvme0n1p2): mounted filesystem 1-2\n"
            "   OpenRC 0.54 is starting up Linux 6.6.41-0-lts (x86_64)\n * Starting networking ...\n"
            "udhcpc: lease of 10.0.2.15 obtained from 10.0.2.2, lease time 86400\nlocalhost login: ",
            {*BOOT[2:], Milestone.NETWORK, Milestone.LOGIN},
        ),
        # FreeBSD 14: sys/kern/init_main.c, libexec/rc/rc.d/hostid, sbin/dhclient/dhclient.c, libexec/getty/main.c.
        (
            "---<<BOOT>>---\nCopyright (c) 1992-2023 The FreeBSD Project.\nTrying to mount root from ufs:/dev/ada0p4\n"
            "Setting hostuuid: 1f6a.\nbound to 10.0.2.15 -- renewal in 43200 seconds.\n\n"
            "FreeBSD/amd64 (freebsd) (ttyu0)\n\nlogin: ",
            {*BOOT[2:], Milestone.NETWORK, Milestone.LOGIN},
        ),
    ],
    ids=["Alpine", "FreeBSD"],
)
def test_systems_without_systemd_are_understood(text: str, milestones: set[Milestone]) -> None:
    console = Console()
    console.add(FIRMWARE + text, 1.0)
    assert set(seen(console)) == {Milestone.FIRMWARE, *milestones}
    assert console.dead_end is None


def test_a_kernel_that_says_nothing_is_told_from_one_that_is_only_quiet() -> None:
    console = Console()
    console.add('BdsDxe: starting Boot0000 "file x.efi" from \\x.efi\nWelcome to GRUB!\nEFI stub: loaded\n', 1.0)
    assert console.is_silent
    console.add("[    0.000000] Linux version 6.1\n", 2.0)
    assert not console.is_silent
    quiet = Console()
    quiet.add('BdsDxe: starting Boot0000 "file x.efi" from \\x.efi\nweb login: ', 1.0)
    assert not quiet.is_silent
    quiet = Console()
    quiet.add("SeaBIOS (version 1.16.2)\nBooting from 0000:7c00\n", 1.0, "firmware")
    quiet.add("[    0.000000] Linux version 6.1\nweb login: ", 2.0, "screen")
    assert quiet.has_seen(Milestone.LOGIN)
    assert quiet.is_silent, "what the screen shows is not on the serial line"


HOSTILE = [
    "\x1b[" * 30_000,
    "EXT4-fs (" * 8_000,
    "Welcome to " * 7_000,
    "Cloud-init v. 1 finished at " * 3_000,
    "ci-info: |" + " " * 65_000,
    "\0" * 65_536,
    'BdsDxe: failed to load Boot0000 "' * 2_500,
]


def test_text_made_to_be_slow_is_read_all_the_same(tmp_path: Path) -> None:
    """In a process of its own, with as much time and memory as no reading of a few megabytes needs."""
    (tmp_path / "hostile.json").write_text(json.dumps(HOSTILE))
    ask = (
        "import json, sys; from byoi_tools.rehearsal.milestones import Console\nconsole = Console()\n"
        "for text in json.load(open(sys.argv[1])):\n for _ in range(20): console.add(text, 1.0)\n"
        "print(len(console.sightings))"
    )
    limits = ["prlimit", "--cpu=20", f"--as={1 << 29}"]
    argv = [*limits, sys.executable, "-c", ask, str(tmp_path / "hostile.json")]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert done.stdout == "1\n"
