"""Subvolumes that the fstab and the kernel's command line name, against those that libguestfs found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.checks.fs.subvolumes import btrfs_subvol
from byoi_tools.checks.profiles import load_profile
from byoi_tools.checks.runner import check_image
from byoi_tools.formats.guest_files.fstab import read_fstab
from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import Known
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Outcome, OutcomeKind, Severity
from byoi_tools.model.guest.devices import KnownDevice, KnownDevices
from byoi_tools.model.guest.guest import Volume
from byoi_tools.model.guest.mounts import Mounts
from byoi_tools.model.intent import Intent
from tests.guest_contexts import context_of
from tests.unit.checks.guest_facts import facts_of

UUID = "11111111-2222-4333-8444-555555555555"


def facts(fstab: str, subvolumes: tuple[str, ...] | None) -> Facts:
    devices = KnownDevices((KnownDevice("partition 3", "btrfs", UUID, "", "", "", "/"),), ())
    volume = Volume("partition 3", "btrfs", UUID, "", "/", "guestfs", subvolumes=subvolumes)
    known = facts_of(context_of({}))
    mounts = Known(Mounts(tuple(read_fstab(fstab)), devices, (), "", ""))
    return replace(known, guest=Known(replace(known.guest.known(), volumes=(volume,), mounts=mounts)))


def outcome(fstab: str, subvolumes: tuple[str, ...] | None) -> Outcome:
    profile = load_profile("ovh-byoi-uefi", frozenset({btrfs_subvol.id}))
    intent = Intent(profile.product, BootMode.UEFI)
    (found,) = check_image([btrfs_subvol], facts(fstab, subvolumes), intent, profile, Severity.ERROR).outcomes
    return found


@pytest.mark.parametrize(
    ("options", "has_failed"),
    [
        ("subvol=@", False),
        ("subvol=/@", False),
        ("defaults", False),
        ("subvol=@home/deep", False),
        ("subvol=@root", True),
        ("compress=zstd,subvol=/@/snapshots", True),
        ("subvol=@root,nofail", False),
    ],
)
def test_a_subvolume_that_the_fstab_names(options: str, has_failed: bool) -> None:
    found = outcome(f"# a comment\nUUID={UUID} / btrfs {options} 0 0\n", ("@", "@home/deep"))
    assert found.kind is (OutcomeKind.FAILED if has_failed else OutcomeKind.PASSED)
    assert not has_failed or "/etc/fstab line 2" in found.evidence


def test_a_btrfs_without_subvolumes() -> None:
    assert outcome(f"UUID={UUID} / btrfs subvol=@ 0 0\n", ()).kind is OutcomeKind.FAILED


def test_what_was_not_read_is_not_judged() -> None:
    found = outcome(f"UUID={UUID} / btrfs subvol=@ 0 0\n", None)
    assert found.kind is OutcomeKind.SKIPPED
    assert found.message == "the guest mounts no btrfs that was read"
