"""Profiles: those that come with the program, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.profiles import load_profile, profile_directory, profile_names
from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.finding import Severity
from byoi_tools.model.profile import Profile

IDS = frozenset(check.id for check in CHECKS)


def load(directory: Path, text: str) -> Profile:
    path = directory / "mine.toml"
    path.write_text(text)
    return load_profile(str(path), IDS)


def complaint(directory: Path, text: str) -> str:
    with pytest.raises(UsageError) as raised:
        load(directory, text)
    assert raised.value.exit_code == 2
    assert raised.value.details
    return raised.value.details


@pytest.mark.parametrize(
    ("name", "product", "boot"),
    [
        ("fleet", Product.BYOI, None),
        ("ovh-byoi", Product.BYOI, None),
        ("ovh-byoi-uefi", Product.BYOI, BootMode.UEFI),
        ("ovh-byoi-legacy", Product.BYOI, BootMode.LEGACY),
        ("ovh-byolinux", Product.BYOLINUX, None),
    ],
)
def test_the_profiles_of_the_program(name: str, product: Product, boot: BootMode | None) -> None:
    profile = load_profile(name, IDS)
    assert (profile.name, profile.product, profile.boot) == (name, product, boot)
    assert profile.description
    assert load_profile(name, None) == profile


def test_there_are_no_others() -> None:
    assert profile_names() == ("fleet", "ovh-byoi", "ovh-byoi-legacy", "ovh-byoi-uefi", "ovh-byolinux")
    assert {path.suffix for path in profile_directory().rglob("*") if path.is_file()} == {".toml"}


CLONES = {
    *("hygiene.machine-id", "hygiene.ssh-host-keys", "hygiene.dhcp-leases", "hygiene.random-seed"),
    *("hygiene.credential-secret", "hygiene.hostid-lvm", "cloud.stale-instance", "boot.zfs-hostid"),
}
SECRETS = {
    *("hygiene.private-keys", "hygiene.authorized-keys", "hygiene.passwords", "hygiene.extra-users"),
    *("hygiene.history", "hygiene.subscription", "hygiene.packer-leftovers"),
}


def errors_of(name: str) -> set[str]:
    profile = load_profile(name, IDS)
    return {
        check.id
        for check in CHECKS
        if profile.disabled_reason(check.id) is None
        and check.product in (None, profile.product)
        and profile.severity_of(check.id, check.severity) is Severity.ERROR
    }


def families_of(ids: set[str]) -> set[str]:
    return {check_id.partition(".")[0] for check_id in ids}


@pytest.mark.parametrize("name", ["ovh-byoi", "ovh-byoi-uefi", "ovh-byoi-legacy", "ovh-byolinux"])
def test_hygiene_stops_no_boot_and_no_login(name: str) -> None:
    assert "hygiene" not in families_of(errors_of(name))


def test_both_boot_modes_err_on_the_same() -> None:
    assert errors_of("ovh-byoi") == errors_of("ovh-byoi-uefi") == errors_of("ovh-byoi-legacy")


def test_a_fleet_errs_on_clones_and_secrets_too() -> None:
    assert errors_of("fleet") - errors_of("ovh-byoi") == CLONES | SECRETS
    assert errors_of("ovh-byoi") - errors_of("fleet") == set()


def test_byoi_errs_in_every_family_on_which_a_boot_or_a_login_depends() -> None:
    families = {"container", "size", "ptable", "esp", "bios", "kernel", "initrd", "driver", "root", "fstab", "cloud"}
    assert families | {"net", "ssh"} <= families_of(errors_of("ovh-byoi"))


def test_byolinux_errs_on_what_ends_its_installation_and_not_on_what_is_made_anew() -> None:
    errors = errors_of("ovh-byolinux")
    fatal = {"one-partition", "qcow2-only", "fs-type", "script-present", "script-executable", "tools"}
    assert {check_id for check_id in errors if check_id.startswith("byol.")} == {f"byol.{name}" for name in fatal}
    assert not families_of(errors) & {"esp", "bios", "initrd", "fstab"}
    assert {"kernel.present", "driver.net", "ssh.server", "net.dhcp"} <= errors


def test_a_base_profile_gives_its_target() -> None:
    assert load_profile("ovh-byoi-uefi", IDS).target.sector_size_bytes == Known(512)


def test_byolinux_disables_families_with_a_reason() -> None:
    profile = load_profile("ovh-byolinux", IDS)
    assert "the provider makes the EFI system partition" in (profile.disabled_reason("esp.present") or "")
    assert profile.disabled_reason("ptable.present") is None


def test_a_file_extends_a_profile_of_the_program(tmp_path: Path) -> None:
    profile = load(
        tmp_path,
        """
        extends = "ovh-byoi-legacy"
        [target]
        memory_mib = 65536
        disk_gb = 480
        [checks."ptable.alignment"]
        severity = "error"
        [checks."esp.*"]
        enabled = false
        reason = "no UEFI here"
        """,
    )
    # `name` is what the base calls itself until the file says another one.
    assert (profile.name, profile.boot) == ("ovh-byoi-legacy", BootMode.LEGACY)
    assert profile.target.memory_bytes == Known(64 * 2**30)
    assert profile.target.disk_bytes == Known(480_000_000_000)
    assert profile.severity_of("ptable.alignment", Severity.INFO) is Severity.ERROR
    assert profile.severity_of("ptable.overlap", Severity.ERROR) is Severity.ERROR
    assert profile.disabled_reason("esp.fallback") == "no UEFI here"


def test_a_file_extends_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('name = "base"\n[checks."size.bloat"]\nenabled = false\nreason = "fast line"\n')
    profile = load(tmp_path, 'extends = "./base.toml"\n[checks."size.bloat"]\nseverity = "info"\n')
    assert profile.severity_of("size.bloat", Severity.WARNING) is Severity.INFO
    assert profile.disabled_reason("size.bloat") is None


def test_the_file_is_the_name_where_none_is_given(tmp_path: Path) -> None:
    assert load(tmp_path, "").name == "mine"
    assert isinstance(load(tmp_path, "").target.memory_bytes, NotExamined)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[checks."esp.present"]\nenabled = false\n', "esp.present is disabled without a `reason`"),
        ('[checks."esp.presence"]\nseverity = "info"\n', "there is no check esp.presence"),
        ('[checks."espresso.*"]\nseverity = "info"\n', "there is no check espresso.*"),
        ('[checks."esp.present"]\nseverity = "fatal"\n', "a severity is error, warning or info, not 'fatal'"),
        ('[checks."esp.present"]\nlevel = "info"\n', "unknown keys of esp.present: level"),
        ('[checks."esp.present"]\nenabled = "no"\n', "`enabled` of esp.present is true or false"),
        ('[checks]\n"esp.present" = "off"\n', "esp.present is a table"),
        ('chekcs = "x"\n', "unknown keys: chekcs"),
        ('product = "byow"\n', "product is one of byoi, byolinux, not 'byow'"),
        ('boot = "bios"\n', "boot is one of uefi, legacy, not 'bios'"),
        ("boot = 1\n", "boot is a text"),
        ("[target]\nmemory_mib = 0\n", "memory_mib is a whole number above 0"),
        ("[target]\ndisk_gb = true\n", "disk_gb is a whole number above 0"),
        ("[target]\nmemory_gib = 64\n", "unknown keys of target: memory_gib"),
        ("name = \n", "Invalid value"),
        ('extends = "./mine.toml"\n', "it extends more than 8 profiles, or itself"),
        ('extends = "./absent.toml"\n', "No such file"),
    ],
)
def test_a_wrong_profile_is_told_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    assert said in complaint(tmp_path, text)


@pytest.mark.parametrize("name", ["ovh", "", "../profiles", "ovh-byoi\n"])
def test_an_unknown_name_is_answered_with_the_names(name: str) -> None:
    with pytest.raises(UsageError) as raised:
        load_profile(name, IDS)
    assert raised.value.exit_code == 2


def test_names_are_listed_for_a_name_that_is_none() -> None:
    with pytest.raises(UsageError, match="no profile 'ovh'") as raised:
        load_profile("ovh", IDS)
    assert "fleet, ovh-byoi, ovh-byoi-legacy, ovh-byoi-uefi, ovh-byolinux" in (raised.value.details or "")


def test_a_file_that_is_no_text_is_no_profile(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError):
        load_profile(str(path), IDS)
    with pytest.raises(UsageError):
        load_profile(f"{tmp_path}/", IDS)
