"""Calls in a shell script: found where a shell would start a program, and nowhere else."""

from __future__ import annotations

import pytest

from byoi_tools.formats.guest_files.shell_commands import Call, find_calls

WANTED = frozenset(("grub-install", "efibootmgr", "apt-get"))


@pytest.mark.parametrize(
    ("script", "calls"),
    [
        ("grub-install --no-nvram\n", [("grub-install", ("--no-nvram",))]),
        ("/usr/sbin/grub-install /dev/sda", [("grub-install", ("/dev/sda",))]),
        ("  A=1 B='x y' grub-install a", [("grub-install", ("a",))]),
        ("if true; then efibootmgr -v; fi", [("efibootmgr", ("-v",))]),
        ("a && grub-install x || efibootmgr -b 1", [("grub-install", ("x",)), ("efibootmgr", ("-b", "1"))]),
        ("(grub-install x)", [("grub-install", ("x",))]),
        ("out=$(efibootmgr)", [("efibootmgr", ())]),
        ("out=`efibootmgr -v`", [("efibootmgr", ("-v",))]),
        ("! efibootmgr", [("efibootmgr", ())]),
        ("# grub-install x", []),
        ("echo done # grub-install", []),
        ("echo 'grub-install x'", []),
        ("apt-get install -y grub-install efibootmgr", [("apt-get", ("install", "-y", "grub-install", "efibootmgr"))]),
        ("command -v efibootmgr", []),
        ("echo 'not closed; grub-install x", []),
        ("", []),
    ],
)
def test_calls(script: str, calls: list[tuple[str, tuple[str, ...]]]) -> None:
    assert [(call.program, call.arguments) for call in find_calls(script, WANTED)] == calls


def test_lines_count_from_one_and_continued_ones_from_where_they_begin() -> None:
    script = "#!/bin/sh\nset -e\ngrub-install \\\n  --no-nvram \\\n  x\n\nefibootmgr"
    assert find_calls(script, WANTED) == (
        Call("grub-install", ("--no-nvram", "x"), 3),
        Call("efibootmgr", (), 7),
    )


def test_a_long_script_ends_after_its_first_lines() -> None:
    assert len(find_calls("grub-install x\n" * 20_000, WANTED)) == 5000
    assert find_calls("grub-install " + "x" * 1_000_000, WANTED)[0].program == "grub-install"
