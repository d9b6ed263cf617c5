"""How long a URL works, seen with the credentials that boto3 finds as a user sets them."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.presigned_url import PresignedUrl, presign
from byoi_tools.tools.clock import SystemClock
from byoi_tools.tools.object_store.objects import ObjectStorage
from fixtures.object_store import ObjectStore

DAY = timedelta(days=1)


class Warnings(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warned(self, message: str) -> None:
        self.texts.append(message)


def sign(bucket: str, expires: timedelta = DAY) -> tuple[PresignedUrl, list[str]]:
    warnings = Warnings()
    signed = presign(ObjectStorage(), ObjectAddress(bucket, "x.raw"), expires, SystemClock(), warnings)
    return signed, warnings.texts


def in_future(**span: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(**span)


def test_keys_that_last_leave_the_life_that_was_asked_for(bucket: str) -> None:
    before = datetime.now(UTC)
    signed, warnings = sign(bucket)
    assert before + DAY <= signed.expires_at <= datetime.now(UTC) + DAY
    assert warnings == []


def test_the_credentials_end_before_the_url(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    end = in_future(hours=6)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "FQoGZXIvYXdzEXAMPLE")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end.isoformat())
    signed, (warning,) = sign(bucket)
    assert signed.expires_at == end
    assert "5:59:" in warning
    assert "1 day, 0:00:00" in warning
    assert "may fetch it later" not in warning
    assert "EXAMPLE" not in warning


def test_credentials_that_end_soon_are_told_with_what_that_means(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", in_future(minutes=50).isoformat())
    _, (warning,) = sign(bucket)
    assert "may fetch it later" in warning


def test_the_url_ends_before_the_credentials(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", in_future(hours=6).isoformat())
    signed, warnings = sign(bucket, timedelta(hours=3))
    assert abs(signed.expires_at - in_future(hours=3)) < timedelta(seconds=30)
    assert warnings == []


def test_a_token_that_does_not_say_when_it_ends(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "FQoGZXIvYXdzEXAMPLE")
    signed, (warning,) = sign(bucket)
    assert abs(signed.expires_at - in_future(days=1)) < timedelta(seconds=30)
    assert "do not say when they end" in warning


def test_a_process_that_hands_out_credentials_says_when_they_end(
    bucket: str, object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = in_future(hours=1)
    answer = {
        "Version": 1,
        "AccessKeyId": object_store.access_key,
        "SecretAccessKey": object_store.secret_key,
        "Expiration": end.isoformat(),
    }
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    (tmp_path / "config").write_text(f"[default]\ncredential_process = cat {tmp_path / 'answer.json'}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    object_store.client.put_object(Bucket=bucket, Key="x.raw", Body=b"an image")

    signed, warnings = sign(bucket)

    assert signed.expires_at == end
    assert len(warnings) == 1
    with urllib.request.urlopen(signed.url.reveal()) as fetched:  # noqa: S310 - the store's own URL
        assert fetched.read() == b"an image"


@pytest.mark.parametrize("end", ["2026-01-02T03:04:05Z", "tomorrow"])
def test_credentials_that_have_ended_or_do_not_say_when(bucket: str, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end)
    with pytest.raises(StorageError):
        sign(bucket)
    with pytest.raises(StorageError) as caught:
        ObjectStorage().check_access(bucket)
    assert caught.value.message.startswith(f"cannot use the bucket {bucket}: ")
