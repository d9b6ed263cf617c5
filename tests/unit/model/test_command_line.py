"""Command lines as the kernel takes them apart (lib/cmdline.c, next_arg)."""

from __future__ import annotations

import pytest

from byoi_tools.model.guest.command_line import CommandLine

LINES = {
    "": (),
    "  ro\tquiet  ": (("ro", ""), ("quiet", "")),
    "root=UUID=b101 console=tty0 console=ttyS0,115200": (
        *(("root", "UUID=b101"), ("console", "tty0"), ("console", "ttyS0,115200")),
    ),
    'dyndbg="file a.c +p" x': (("dyndbg", "file a.c +p"), ("x", "")),
    '"a=b c" d': (("a", "b c"), ("d", "")),
    "ro -- single root=x": (("ro", ""),),
    'open="never closed': (("open", "never closed"),),
}


@pytest.mark.parametrize(("text", "expected"), LINES.items(), ids=repr)
def test_names_and_values(text: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert CommandLine(text).arguments == expected


def test_the_last_value_counts() -> None:
    line = CommandLine("console=tty0 console=ttyS0 quiet boot=live")
    assert (line.values("console"), line.last("console"), line.last("root")) == (("tty0", "ttyS0"), "ttyS0", None)
    assert line.has("quiet")
    assert line.is_given("boot=live")
    assert not line.is_given("boot=casper")
