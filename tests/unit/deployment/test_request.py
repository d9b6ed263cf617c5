"""The rules for the image's source: each wrong value is one misfit, each right one none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from byoi_tools.deployment.request import find_image_faults
from byoi_tools.model.boot import Product
from byoi_tools.model.image import ImageType
from byoi_tools.model.secret import Secret
from tests.unit.deployment.examples import SIGNATURE, SOURCE, TOKEN


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
