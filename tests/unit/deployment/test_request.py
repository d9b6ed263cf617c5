"""The rules for a request alone: each wrong value is one misfit, each right one none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.deployment.request import find_image_faults, find_order_faults
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment import Customizations
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret
from tests.unit.deployment.examples import ORDER, SIGNATURE, SOURCE, SSH_KEY, TOKEN

LABEL_OF_63 = "a" + "b" * 61 + "9"


@pytest.mark.parametrize("hostname", ["a", "mon-tux", "db1.example.net", LABEL_OF_63, f"{LABEL_OF_63}.x"])
def test_a_hostname_of_rfc_1035_is_taken(hostname: str) -> None:
    assert find_order_faults(replace(ORDER, customizations=Customizations(hostname))) == ()


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
def test_another_hostname_is_a_misfit(hostname: str) -> None:
    (misfit,) = find_order_faults(replace(ORDER, customizations=Customizations(hostname)))
    assert "host name" in misfit.message


def test_a_hostname_may_have_253_characters() -> None:
    longest = ".".join(["abcdefghi"] * 25) + ".abc"
    assert len(longest) == 253
    assert find_order_faults(replace(ORDER, customizations=Customizations(longest))) == ()
    assert find_order_faults(replace(ORDER, customizations=Customizations(f"{longest}d"))) != ()


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
    assert find_order_faults(replace(ORDER, customizations=Customizations(ssh_key=key))) == ()


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
def test_anything_else_than_one_public_key_is_a_misfit_that_does_not_quote_it(key: str) -> None:
    (misfit,) = find_order_faults(replace(ORDER, customizations=Customizations(ssh_key=key)))
    assert "c2VjcmV0" not in f"{misfit}"


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
    assert find_order_faults(replace(ORDER, loader_path=path)) == ()


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
def test_another_loader_path_is_a_misfit(path: str) -> None:
    (misfit,) = find_order_faults(replace(ORDER, loader_path=path))
    assert "loader" in misfit.message


@pytest.mark.parametrize("url", ["https://example.net/i.qcow2", "http://127.0.0.1:8333/b/i.raw?X-Amz-Signature=1"])
def test_a_web_address_is_taken(url: str) -> None:
    assert find_image_faults(replace(SOURCE, url=Secret(url)), Product.BYOI) == ()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3://bucket/image.qcow2",
        "file:///etc/passwd",
        "https:///image",
        "https://example.net:0/i",
        "https://example.net:port/i",
        "https://[::1/i",
        f"https://user:{SIGNATURE}@example.net/i",
        f"https://example.net/i?sig={SIGNATURE}\nX: y",
        f"https://example.net/my image?sig={SIGNATURE}",
    ],
)
def test_another_address_is_a_misfit_that_does_not_quote_it(url: str) -> None:
    (misfit,) = find_image_faults(replace(SOURCE, url=Secret(url)), Product.BYOI)
    assert "URL" in misfit.message
    assert SIGNATURE not in f"{misfit}"


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("X Y", "x"), ("X:", "x"), ("X", "a\r\nY: b"), ("Ü", "x")])
def test_a_header_that_cannot_be_sent_is_a_misfit(name: str, value: str) -> None:
    source = replace(SOURCE, http_headers=(("Authorization", Secret(TOKEN)), (name, Secret(value))))
    (misfit,) = find_image_faults(source, Product.BYOI)
    assert misfit.observed == repr(name)


def test_an_image_without_checksum_is_a_misfit() -> None:
    (misfit,) = find_image_faults(replace(SOURCE, checksum=None), Product.BYOI)
    assert "checksum" in misfit.message


def test_byolinux_takes_qcow2_alone() -> None:
    raw = replace(SOURCE, image_type=ImageType.RAW)
    assert find_image_faults(raw, Product.BYOI) == ()
    assert find_image_faults(SOURCE, Product.BYOLINUX) == ()
    (misfit,) = find_image_faults(raw, Product.BYOLINUX)
    assert misfit.expected == "qcow2"
