"""What a request says of a server: each wrong value is one finding, each right one none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.checks.catalogue import DEPLOYMENT_CHECKS
from byoi_tools.checks.runner import run_checks
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.order import Customizations, InstallOrder
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.finding import Outcome, OutcomeKind
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile
from tests.unit.checks.planned_scenes import FITTING
from tests.unit.deployment.examples import ORDER, SSH_KEY

LABEL_OF_63 = "a" + "b" * 61 + "9"
PROFILE = Profile("test", "", Product.BYOI, None, Target(), ())


def faults(order: InstallOrder) -> list[Outcome]:
    planned = replace(FITTING, order=order)
    subject = Subject(NotExamined("no image"), Intent(Product.BYOI, BootMode.UEFI), Known(planned))
    outcomes = run_checks(DEPLOYMENT_CHECKS, subject, PROFILE)
    return [outcome for outcome in outcomes if outcome.kind in (OutcomeKind.FAILED, OutcomeKind.ERRORED)]


@pytest.mark.parametrize("hostname", ["a", "mon-tux", "db1.example.net", LABEL_OF_63, f"{LABEL_OF_63}.x"])
def test_a_hostname_of_rfc_1035_is_taken(hostname: str) -> None:
    assert faults(replace(ORDER, customizations=Customizations(hostname))) == []


@pytest.mark.parametrize(
    "hostname",
    [
        "",
        "1host",
        "host-",
        "-host",
        "ho_st",
        "host.",
        "a..b",
        f"{LABEL_OF_63}a",
        "hôte",
        "a b",
        "x\n",
        "a." * 126 + "ab",
    ],
)
def test_another_hostname_is_a_finding(hostname: str) -> None:
    (found,) = faults(replace(ORDER, customizations=Customizations(hostname)))
    assert found.check_id == "api.hostname"


def test_a_hostname_may_have_253_characters() -> None:
    longest = ".".join(["abcdefghi"] * 25) + ".abc"
    assert len(longest) == 253
    assert faults(replace(ORDER, customizations=Customizations(longest))) == []
    assert faults(replace(ORDER, customizations=Customizations(f"{longest}d"))) != []


@pytest.mark.parametrize(
    "key",
    [
        SSH_KEY,
        f"{SSH_KEY}\n",
        "ssh-rsa AAAAB3NzaC1yc2E=",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNh me",
        "sk-ssh-ed25519@openssh.com AAAAGnNr me",
    ],
)
def test_a_public_key_is_taken(key: str) -> None:
    assert faults(replace(ORDER, customizations=Customizations(ssh_key=key))) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "AAAAC3NzaC1lZDI1",
        f"{SSH_KEY}\n{SSH_KEY}",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n",
        "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
    ],
)
def test_anything_else_than_one_public_key_is_a_finding_that_does_not_quote_it(key: str) -> None:
    (found,) = faults(replace(ORDER, customizations=Customizations(ssh_key=key)))
    assert "c2VjcmV0" not in f"{found}"


@pytest.mark.parametrize(
    "path",
    [
        r"\efi\debian\grubx64.efi",
        r"\EFI\BOOT\BOOTX64.EFI",
        r"\efi\microsoft\boot\bootmgfw.efi",
        r"\EFI\FreeBSD\loader.efi",
        r"\EFI\My Loader\x.efi",
    ],
)
def test_a_loader_path_of_the_guides_is_taken(path: str) -> None:
    assert faults(replace(ORDER, loader_path=path)) == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "\\",
        r"\\efi\\debian\\grubx64.efi",
        r"\efi\\debian\grubx64.efi",
        "/EFI/debian/grubx64.efi",
        r"efi\debian\grubx64.efi",
        r"\efi\debian",
        "\\efi\\debian\\grubx64.efi\n",
        r"\efi\débian\grubx64.efi",
        r"C:\efi\debian\grubx64.efi",
        r"\efi/debian\grubx64.efi",
        r'\efi\"debian"\grubx64.efi',
        "efidebiangrubx64.efi",
    ],
)
def test_another_loader_path_is_a_finding(path: str) -> None:
    (found,) = faults(replace(ORDER, loader_path=path))
    assert found.check_id == "api.loader-path-escape"
