from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import traceback
from datetime import timedelta

import pytest

from byoi_tools.errors import ByoiError, StorageError
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.tools.object_store.objects import ObjectStorage, StoredObject
from fixtures.object_store import ObjectStore
from tests.object_listing import list_keys
from tests.scripted_server import answering


def show(error: ByoiError) -> str:
    return "\n".join([*traceback.format_exception(error), error.message, str(error.details), error.remedy])


def refuse_access(bucket: str, seconds: float = 30) -> StorageError:
    """Return the error of `check_access`, which comes in seconds and tells no secret."""
    started = time.monotonic()
    with pytest.raises(StorageError) as caught:
        ObjectStorage().check_access(bucket)
    assert time.monotonic() - started < seconds
    shown = show(caught.value)
    assert not [
        os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if os.environ[name] in shown
    ]
    assert not re.search(r"Signature=(?!\[redacted])", shown)
    return caught.value


def test_access_to_an_empty_bucket(bucket: str) -> None:
    ObjectStorage().check_access(bucket)


def test_wrong_secret_key(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "0" * 32)

    refused = refuse_access(bucket)

    assert "secret key" in refused.message
    assert str(refused.details).startswith("SignatureDoesNotMatch: ")


def test_unknown_access_key(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "f" * 32)

    assert "access key is unknown" in refuse_access(bucket).message


@pytest.mark.parametrize("key", ["KEYKEY\r", "KEY\nKEY", "KEYKEÿ", "KEY KEY"])
def test_key_that_is_no_key(bucket: str, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)

    assert "blank" in str(refuse_access(bucket).details)


def test_absent_bucket(bucket: str) -> None:
    assert "no such bucket" in refuse_access("absent-" + bucket).message


def test_closed_port(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{unused.getsockname()[1]}")

        assert "does not answer" in refuse_access(bucket).message


def test_https_where_http_is_spoken(bucket: str, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", object_store.endpoint_url.replace("http:", "https:"))

    assert "TLS" in refuse_access(bucket).message


@pytest.mark.parametrize("endpoint", ["s3.gra.io.cloud.ovh.net", "http://", "http://["])
def test_endpoint_that_is_no_url(bucket: str, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)

    assert "AWS_ENDPOINT_URL_S3" in refuse_access(bucket).remedy


def test_missing_credentials(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    with pytest.raises(StorageError) as caught:
        ObjectStorage().check_access(bucket)

    assert "no credentials" in caught.value.message


def test_half_of_the_credentials(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(StorageError) as caught:
        ObjectStorage().check_access(bucket)

    assert "no credentials" in caught.value.message


def test_unknown_profile(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    assert "AWS_PROFILE" in refuse_access(bucket).remedy


# The codes are those of "Error responses" in the Amazon S3 API reference; SeaweedFS does not give all of them.
@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (403, "RequestTimeTooSkewed", "timedatectl"),
        (403, "AccessDenied", "right to list"),
        (400, "AuthorizationHeaderMalformed", "AWS_DEFAULT_REGION"),
        (400, "ExpiredToken", "new ones"),
        (503, "SlowDown", "few minutes"),
        (500, "InternalError", "few minutes"),
        (418, "Teapot", "what was seen"),
    ],
)
def test_refusals_of_other_stores(
    bucket: str, monkeypatch: pytest.MonkeyPatch, status: int, code: str, remedy: str
) -> None:
    key = os.environ["AWS_ACCESS_KEY_ID"]
    message = f"key {key}\nGET /?X-Amz-Signature=5160a7e5 \u202e"
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    with answering(status, body, {"Content-Type": "application/xml"}) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        refused = refuse_access(bucket)

    assert remedy in refused.remedy
    assert str(refused.details).startswith(f"{code}: key [redacted] ")
    assert str(refused.details).isprintable()
    assert len(server.requests) <= 2


def test_answer_that_is_not_s3(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, b"<html>a login page") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)

        assert "AWS_ENDPOINT_URL_S3" in refuse_access(bucket).remedy


def test_head_of_nothing(bucket: str) -> None:
    assert ObjectStorage().head(ObjectAddress(bucket, "nothing")) is None


def test_head_with_wrong_credentials_is_an_error(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "0" * 32)

    with pytest.raises(StorageError):
        ObjectStorage().head(ObjectAddress(bucket, "nothing"))


def test_head_of_an_object(object_store: ObjectStore, bucket: str) -> None:
    put = object_store.client.put_object(Bucket=bucket, Key="a/x", Body=b"12345", Metadata={"byoi-sha256": "12ab"})

    stored = ObjectStorage().head(ObjectAddress(bucket, "a/x"))

    assert stored == StoredObject(5, {"byoi-sha256": "12ab"}, put["ETag"].strip('"'))


def test_delete(object_store: ObjectStore, bucket: str) -> None:
    storage = ObjectStorage()
    object_store.client.put_object(Bucket=bucket, Key="x", Body=b"")

    storage.delete(ObjectAddress(bucket, "x"))
    storage.delete(ObjectAddress(bucket, "x"))

    assert list_keys(object_store, bucket) == []


def test_presigned_url_is_a_secret(bucket: str) -> None:
    url = ObjectStorage().presign_get(ObjectAddress(bucket, "a/x.raw"), timedelta(minutes=2))

    assert "X-Amz-Expires=120&" in url.reveal()
    assert "x-amz-checksum" not in url.reveal().lower()
    assert "X-Amz" not in f"{url} {url!r}"


def test_boto3_is_imported_only_when_needed() -> None:
    program = (
        "import sys, byoi_tools.tools.object_store.objects as door; door.ObjectStorage(); print('boto3' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert done.stdout == "False\n"
