"""Configurations of boot loaders from hostile images: readers of them neither raise nor go on for ever."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoi_tools.formats.boot.authenticode import read_issuers, read_sbat
from byoi_tools.formats.boot.boot_entry import read_pairs, version_key
from byoi_tools.formats.boot.syslinux_config import read_syslinux_config
from byoi_tools.formats.grub.core import read_core_modules
from byoi_tools.formats.grub.script import read_grub_script
from byoi_tools.formats.guest_files.fstab import read_fstab
from byoi_tools.formats.source import Memory
from byoi_tools.inspection.guest.boot.read import read_boot
from byoi_tools.model.disks.pe import PeImage
from byoi_tools.model.guest.command_line import CommandLine
from byoi_tools.model.guest.devices import DeviceName
from tests.guest_boot import boot_context, grub_bios

WORDS = (
    *(
        "set",
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "for",
        "in",
        "do",
        "done",
        "while",
        "function",
        "f",
        "menuentry",
        "submenu",
    ),
    *(
        "{",
        "}",
        ";",
        "\n",
        "'",
        '"',
        "$",
        "${",
        "$a",
        "${a}",
        "\\",
        "#",
        "[",
        "]",
        "-f",
        "!",
        "(",
        ")",
        "=",
        "a=b",
        "&",
        "|",
    ),
    *(
        "linux",
        "initrd",
        "/boot/x",
        "search",
        "--fs-uuid",
        "--set=root",
        "configfile",
        "source",
        "$prefix/grub.cfg",
        "blscfg",
    ),
    *("load_env", "export", "default=0", "a", "\0", "\x1b[2J", "é", "(hd0,gpt3)", "--id", ">"),
)
scripts = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join) | st.text(max_size=200)


@given(scripts)
@settings(deadline=None, max_examples=300)
def test_any_script_is_followed_to_an_end(text: str) -> None:
    root = {"/boot/grub/grub.cfg": text, "/boot/loader/entries/a.conf": text, "/boot/grub/grubenv": text}
    setup = read_boot(boot_context(root, bios=grub_bios("(,gpt3)/boot/grub", text)))
    assert len(setup.chains) == 1


ENDLESS = {
    "doubling": "set a=aaaaaaaaaaaaaaaa\n" + "set a=$a$a$a$a\n" * 5000,
    "loops in loops": "for i in " + "a " * 2000 + "; do for j in " + "b " * 2000 + "; do set x=$i$j; done; done\n",
    "a function that calls itself": "function f { f; f; }\nf\n",
    "a file that reads itself": "configfile $prefix/grub.cfg\nsource $prefix/grub.cfg\n" * 50,
    "words of words": "set a=" + "x" * 4000 + "\n" + ("echo " + "$a " * 2000 + "\n") * 40,
    "deep blocks": "if true; then " * 5000,
    "deep menus": "submenu a { " * 5000,
    "negations": "if [ " + "! " * 50000 + "x ]; then set a=b; fi\n",
    "parentheses": "if [ " + "( " * 50000 + "x ]; then set a=b; fi\n",
    "dollars": "$" * 200_000,
    "quotes": "'\"" * 100_000,
    "entries": "menuentry a { linux /x }\n" * 30_000,
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_a_script_that_would_not_end_is_given_up(text: str) -> None:
    started = time.monotonic()
    read_boot(boot_context({"/boot/grub/grub.cfg": text}, bios=grub_bios("(,gpt3)/boot/grub")))
    assert time.monotonic() - started < 10


@given(st.text(max_size=300))
def test_any_text_is_an_fstab_a_configuration_or_a_command_line(text: str) -> None:
    for entry in read_fstab(text):
        assert entry.device.text == entry.source
    for label in read_syslinux_config(text).labels:
        assert label.line >= 1
    assert all(len(pair) == 2 for pair in read_pairs(text))
    assert version_key(text) <= version_key(text)
    assert isinstance(CommandLine(text).arguments, tuple)
    assert DeviceName.of(text).text == text
    assert isinstance(read_grub_script(text).problem, str)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_core_image_or_a_signature(content: bytes) -> None:
    read_core_modules(content.ljust(4096, b"\0"))
    image = PeImage(0x8664, 10, True, (), len(content), len(content), 0)
    assert len(read_issuers(Memory(content), image)) <= 8
    assert len(read_sbat(content)) <= 32
