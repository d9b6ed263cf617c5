"""Secrets stay out of every text."""

from __future__ import annotations

import pytest

from byoi_tools.model.secret import HIDDEN, Secret, redact, redact_url

PRESIGNED = (
    "https://s3.gra.io.cloud.ovh.net/images/debian.qcow2?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Fgra%2Fs3%2Faws4_request&X-Amz-Expires=86400"
    "&X-Amz-Signature=c0ffee00c0ffee00"
)


def test_a_presigned_url_keeps_its_place_and_loses_its_query() -> None:
    assert redact_url(PRESIGNED) == f"https://s3.gra.io.cloud.ovh.net/images/debian.qcow2?{HIDDEN}"


def test_user_information_of_a_url_is_dropped() -> None:
    assert redact_url("https://me:hunter2@host/x") == "https://host/x"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"cannot fetch {PRESIGNED}: 403", "c0ffee00"),
        (f"cannot fetch {PRESIGNED}: 403", "AKIDEXAMPLE"),
        ("https://me:hunter2@host/x failed", "hunter2"),
        ("X-Amz-Signature=c0ffee00&x=1", "c0ffee00"),
        ("header b'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/gra, Signature=c0ffee00'", "AKIDEXAMPLE"),
        ("application_secret = s3cr3t", "s3cr3t"),
        ('{"consumerKey": "s3cr3t"}', "s3cr3t"),
        ("AWS_SECRET_ACCESS_KEY=s3cr3t", "s3cr3t"),
        ("Authorization: Basic bG9naW46cGFzc3dvcmQ=", "bG9naW46cGFzc3dvcmQ"),
        ("'X-Ovh-Consumer': 's3cr3t'", "s3cr3t"),
        ("http://[broken/?X-Amz-Signature=c0ffee00", "c0ffee00"),
        (r"https://h/i?a=1\u0026X-Amz-Signature=c0ffee00", "c0ffee00"),
    ],
)
def test_no_secret_survives_in_a_text(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)


def test_a_text_without_secrets_is_unchanged() -> None:
    text = "byoi-tools: /tmp/a.qcow2: partition 2 ends at LBA 4096; see https://example.org/page"
    assert redact(text) == text


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"
