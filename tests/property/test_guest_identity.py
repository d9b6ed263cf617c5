"""What is read of accounts and scripts survives any text, and absurd ones in short time."""

from __future__ import annotations

import time
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.formats.guest_files.accounts import (
    count_authorized_keys,
    parse_accounts,
    parse_groups,
    parse_passwordless_rules,
)
from byoi_tools.formats.guest_files.shell_commands import find_calls
from byoi_tools.inspection.guest.byolinux import read_byolinux
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.identity.read import read_identity
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.guest.byolinux import SCRIPT_PATH
from tests.guest_tree import tree_of

PIECES = st.sampled_from(
    [":", "\n", "\\\n", "=", "NOPASSWD:", "%", "ALL", "'", '"', "$(", "`", ";", "grub-install", "#", " "]
)
TEXTS = st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=5))).map("".join))
NO_DISK = cast(Disk, None)  # these domains ask for the files alone


@given(TEXTS, TEXTS)
def test_any_text_is_read(text: str, other: str) -> None:
    for account in parse_accounts(text, other):
        assert account.name
    parse_groups(text)
    assert all(rule.line >= 1 for rule in parse_passwordless_rules(text))
    assert count_authorized_keys(text) >= 0
    assert all(call.program == "grub-install" for call in find_calls(text, frozenset(("grub-install",))))


ABSURD = [
    "grub-install " * 100_000,
    "grub-install \\\n" * 100_000,
    "grub-install '" * 50_000,
    "a ALL=NOPASSWD: ALL\n" * 50_000,
    "a " + "=" * 1_000_000,
    "x:x:1000:1000::/:/bin/sh\n" * 50_000,
    "://" * 300_000,
    "\n" * 1_000_000,
    "password " * 100_000,
]


@pytest.mark.parametrize("text", ABSURD, ids=lambda text: text[:12].strip())
def test_absurd_files_cost_little(text: str) -> None:
    names = (
        *("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/sudoers", "/etc/environment", SCRIPT_PATH, "/root/.netrc"),
        *("/root/.git-credentials", "/root/id_rsa", "/root/.ssh/authorized_keys", "/root/.my.cnf"),
    )
    context = GuestContext(tree=tree_of(dict.fromkeys(names, text)), disk=NO_DISK, esps=(), volumes=())
    began = time.process_time()
    read_identity(context)
    read_byolinux(context)
    assert time.process_time() - began < 2
