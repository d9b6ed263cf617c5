"""What is read off a screen: pictures made here, and a machine whose boot sector writes to its screen alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.observer import Observer
from byoi_tools.model.rehearsal import DiskBus, Milestone, RehearsalOrder, Until
from byoi_tools.rehearsal.accelerator import accelerator_argv
from byoi_tools.rehearsal.assembly import free_address
from byoi_tools.rehearsal.machine import Machine
from byoi_tools.rehearsal.screen import Picture, ScreenWatch, read_picture, read_text
from byoi_tools.rehearsal.watch import Watched, watch

BLACK = Picture(640, 480, bytes(640 * 480 * 3))

# 8086: DS = 0; SI = text; LODSB, and INT 10h function 0Eh (teletype) until a zero; HLT for ever.
PRINTS_WHAT_FOLLOWS = bytes.fromhex("31c0 8ed8 be157c ac 84c0 7406 b40e cd10 ebf5 f4 ebfd")


def painted(left: int, top: int, width: int, height: int) -> Picture:
    pixels = bytearray(BLACK.pixels)
    for row in range(top, top + height):
        start = (row * BLACK.width + left) * 3
        pixels[start : start + width * 3] = b"\xff" * (width * 3)
    return Picture(BLACK.width, BLACK.height, bytes(pixels))


@pytest.mark.parametrize(
    ("picture", "is_news"),
    [
        (BLACK, False),
        (painted(8, 460, 8, 2), False),
        (painted(8, 448, 16, 32), False),
        (painted(8, 460, 200, 2), True),
        (painted(8, 100, 8, 200), True),
        (Picture(800, 600, bytes(800 * 600 * 3)), True),
    ],
    ids=["the same", "a cursor", "a large cursor", "a line", "a column", "another size"],
)
def test_a_picture_has_changed_when_more_than_a_cursor_has(picture: Picture, *, is_news: bool) -> None:
    assert picture.differs_from(BLACK) == is_news


def test_a_picture_is_read_as_netpbm_writes_it_or_not_at_all() -> None:
    """ppm(5); a pixel that has the value of a space is one."""
    assert read_picture(b"P6\n2 1\n255\n   \n\n\n") == Picture(2, 1, b"   \n\n\n")
    for broken in (b"", b"P6\n2 1\n255\n\0\0", b"P5\n2 1\n255\n\0\0", b"P6\n99999 99999\n255\n\0"):
        assert read_picture(broken) is None


def test_text_is_every_other_byte_and_has_no_control_characters() -> None:
    memory = b"".join(bytes((code, 0x07)) for code in b"a\x1b[0m\0\xe4" + b" " * 73 + b"login: ")
    assert read_text(memory + bytes(4000))[:2] == ["a [0m \N{GREEK CAPITAL LETTER SIGMA}", "login:"]


def test_a_machine_without_a_monitor_has_no_screen(tmp_path: Path) -> None:
    screen = ScreenWatch(tmp_path / "nobody", tmp_path, 0.0, pause_seconds=0.01)
    screen.start()
    screen.stop()
    assert screen.take_text() == ""
    assert isinstance(screen.seen_since(0.0), NotExamined)


@pytest.mark.parametrize(
    ("text", "ending", "milestone"),
    [
        ("Linux version 6.1\r\n\r\nweb login: ", "the login prompt is there", Milestone.LOGIN),
        ("Linux version 6.1\r\n(initramfs) ", "the initramfs does not find the root", Milestone.KERNEL),
    ],
    ids=["login", "initramfs"],
)
def test_who_writes_to_the_screen_alone_is_read_there(
    tmp_path: Path, text: str, ending: str, milestone: Milestone
) -> None:
    disk, log = tmp_path / "disk.raw", tmp_path / "firmware.log"
    disk.write_bytes((PRINTS_WHAT_FOLLOWS + text.encode()).ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
    log.touch()
    machine = Machine(BootMode.LEGACY, DiskBus.AHCI, 256 << 20, disk, free_address(), tmp_path / "monitor", log)
    keep = tmp_path / "kept"
    order = RehearsalOrder(
        BootMode.LEGACY, "", DiskBus.AHCI, 256 << 20, Customizations(), Until.LOGIN, 300.0, keep=keep
    )
    watched = Watched()
    watch(watched, machine, accelerator_argv(), order, None, Observer())
    assert watched.ending.startswith(ending)
    assert [one.milestone for one in watched.console.sightings][-1] is milestone
    assert Milestone.LOADER in [one.milestone for one in watched.console.sightings]
    assert (keep / "console.txt").read_bytes() == b""
    assert (keep / "screen.png").read_bytes().startswith(b"\x89PNG")
    assert isinstance(watched.screen, Known)
    assert watched.screen.value.is_text_mode
    assert text.split()[-1] in watched.screen.value.text[-1]
