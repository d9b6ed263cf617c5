"""Against SeaweedFS, and for what it does not do against prepared answers as the S3 API's reference has them."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest

from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.tools.object_store.failures import StoreFailure
from byoi_tools.tools.object_store.multipart import MultipartStorage, PartAnswer, StoredPart
from byoi_tools.tools.object_store.part_body import PartBody
from fixtures.object_store import ObjectStore
from tests.object_listing import is_empty
from tests.scripted_server import Answer, Script, answering_in_turn

PART = 5 * 2**20
XML = {"Content-Type": "application/xml"}
DONE = b"<CompleteMultipartUploadResult><ETag>&quot;ab-1&quot;</ETag></CompleteMultipartUploadResult>"


def body_of(content: bytes) -> PartBody:
    return PartBody(lambda offset, length: content[offset : offset + length], 0, len(content), lambda position: None)


def md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def is_now(moment: datetime) -> bool:
    return abs(datetime.now(UTC) - moment) < timedelta(minutes=5)


@pytest.fixture
def address(bucket: str) -> ObjectAddress:
    return ObjectAddress(bucket, "a/image.raw")


@pytest.fixture
def somewhere(monkeypatch: pytest.MonkeyPatch) -> ObjectAddress:
    """An address for which no real store is needed."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    keys = {"AWS_ACCESS_KEY_ID": "1" * 32, "AWS_SECRET_ACCESS_KEY": "2" * 32, "AWS_DEFAULT_REGION": "gra"}
    files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    for name, value in (keys | files | {"AWS_EC2_METADATA_DISABLED": "true"}).items():
        monkeypatch.setenv(name, value)
    return ObjectAddress("a-bucket", "a/image.raw")


def scripted(script: Script, monkeypatch: pytest.MonkeyPatch) -> MultipartStorage:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", script.url)
    return MultipartStorage()


def test_parts_become_an_object(object_store: ObjectStore, address: ObjectAddress) -> None:
    storage = MultipartStorage()
    contents = {1: os.urandom(PART), 2: b"the end"}

    upload_id = storage.create(address, {"byoi-run": "12ab"})
    etags = []
    for number, content in contents.items():
        answer = storage.send_part(address, upload_id, number, body_of(content), md5(content))
        assert answer == PartAnswer(md5(content).hex(), md5(content).hex())
        etags.append((number, answer.etag))
    listed = storage.list_parts(address, upload_id)
    etag = storage.complete(address, upload_id, etags, if_absent=True)

    assert {number: (part.size_bytes, part.etag) for number, part in listed.items()} == {
        number: (len(content), md5(content).hex()) for number, content in contents.items()
    }
    assert all(part.number == number and is_now(part.stored_at) for number, part in listed.items())
    stored = object_store.client.get_object(Bucket=address.bucket, Key=address.key)
    assert stored["Body"].read() == contents[1] + contents[2]
    assert stored["Metadata"] == {"byoi-run": "12ab"}
    assert stored["ETag"] == f'"{etag}"'


def test_damaged_part_is_refused(address: ObjectAddress) -> None:
    storage = MultipartStorage()
    upload_id = storage.create(address, {})

    with pytest.raises(StoreFailure) as caught:
        storage.send_part(address, upload_id, 1, body_of(b"damaged"), md5(b"sent"))

    assert (caught.value.code, caught.value.status, caught.value.may_pass) == ("BadDigest", 400, True)


def test_object_that_is_there_is_not_overwritten(object_store: ObjectStore, address: ObjectAddress) -> None:
    object_store.client.put_object(Bucket=address.bucket, Key=address.key, Body=b"first")
    storage = MultipartStorage()
    upload_id = storage.create(address, {})
    etag = storage.send_part(address, upload_id, 1, body_of(b"second")).etag

    with pytest.raises(StoreFailure) as caught:
        storage.complete(address, upload_id, [(1, etag)], if_absent=True)

    assert (caught.value.code, caught.value.may_pass) == ("PreconditionFailed", False)
    stored = object_store.client.get_object(Bucket=address.bucket, Key=address.key)
    assert stored["Body"].read() == b"first"
    storage.complete(address, upload_id, [(1, etag)], if_absent=False)
    stored = object_store.client.get_object(Bucket=address.bucket, Key=address.key)
    assert stored["Body"].read() == b"second"


def test_open_uploads_are_listed_and_aborted(object_store: ObjectStore, address: ObjectAddress) -> None:
    storage = MultipartStorage()
    ids = {storage.create(address, {}) for _ in range(3)}
    other = ObjectAddress(address.bucket, "b")
    storage.create(other, {})

    found = list(storage.list_uploads(address.bucket, "a/"))

    assert {upload.upload_id for upload in found} == ids
    assert {upload.address for upload in found} == {address}
    assert all(is_now(upload.initiated) for upload in found)
    for upload in storage.list_uploads(address.bucket, ""):
        storage.abort(upload.address, upload.upload_id)
        storage.abort(upload.address, upload.upload_id)
    assert is_empty(object_store, address.bucket)


def test_sent_headers(somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Answer(200, headers={"ETag": '"1"'})
    begun = Answer(200, b"<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>", XML)
    with answering_in_turn(begun, taken, taken, Answer(200, DONE, XML), Answer(200, DONE, XML)) as script:
        storage = scripted(script, monkeypatch)
        assert storage.create(somewhere, {"byoi-run": "12ab"}) == "id"
        storage.send_part(somewhere, "id", 1, body_of(b"12345"), md5(b"12345"))
        storage.send_part(somewhere, "id", 2, body_of(b"12345"))
        storage.complete(somewhere, "id", [(1, "1")], if_absent=True)
        storage.complete(somewhere, "id", [(1, "1")], if_absent=False)

    create, checked, unchecked, careful, careless = script.asked
    assert create.headers["content-type"] == "application/octet-stream"
    assert create.headers["x-amz-meta-byoi-run"] == "12ab"
    assert "x-amz-acl" not in create.headers  # private
    assert checked.path == f"/{somewhere.bucket}/a/image.raw?uploadId=id&partNumber=1"
    assert checked.body == unchecked.body == b"12345"
    # `printf 12345 | openssl md5 -binary | base64`
    assert checked.headers["content-md5"] == "gnzLDuqKcGxMNKFokfhOew=="
    assert "content-md5" not in unchecked.headers
    # `printf 12345 | sha256sum`: where nothing is encrypted, the signature covers the body
    assert checked.headers["x-amz-content-sha256"] == "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
    # boto3#4401: regions of OVHcloud refused what boto3 adds by default.
    assert not [name for name in (*checked.headers, *unchecked.headers) if "checksum" in name or "trailer" in name]
    assert careful.headers["if-none-match"] == "*"
    assert "if-none-match" not in careless.headers
    assert b'<ETag>"1"</ETag>' in careful.body


@pytest.mark.parametrize(
    ("headers", "is_md5"),
    [
        ({}, True),
        ({"x-amz-server-side-encryption": "AES256"}, True),
        ({"x-amz-server-side-encryption": "aws:kms"}, False),
        ({"x-amz-server-side-encryption": "aws:kms:dsse"}, False),
        ({"x-amz-server-side-encryption-customer-algorithm": "AES256"}, False),
        ({"ETag": '"0-1"'}, False),
    ],
)
def test_etag_that_is_no_md5(
    somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], is_md5: bool
) -> None:
    digits = md5(b"").hex()
    with answering_in_turn(Answer(200, headers={"ETag": f'"{digits}"', **headers})) as script:
        answer = scripted(script, monkeypatch).send_part(somewhere, "id", 1, body_of(b"x"))

    assert answer.md5 == (digits if is_md5 else None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<Error><Code>InternalError</Code><Message>Try again.</Message></Error>", id="error"),
        pytest.param(b'<?xml version="1.0"?>\n  <Error><Code>SlowDown</Code></Error>', id="after blanks"),
        pytest.param(DONE[:40], id="cut off"),
        pytest.param(b"<html>a login page", id="no XML"),
    ],
)
def test_completion_that_says_200_and_failed(
    somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    with answering_in_turn(Answer(200, body, XML)) as script, pytest.raises(StoreFailure) as caught:
        scripted(script, monkeypatch).complete(somewhere, "id", [(1, "1")], if_absent=True)

    assert caught.value.may_pass
    assert len(script.asked) == 1  # nothing is tried again here


@pytest.mark.parametrize(
    ("status", "code", "may_pass"),
    [
        (503, "SlowDown", True),
        (500, "InternalError", True),
        (502, "", True),
        (429, "TooManyRequests", True),
        (400, "RequestTimeout", True),
        (409, "OperationAborted", True),
        (400, "ExpiredToken", False),
        (403, "AccessDenied", False),
        (404, "NoSuchUpload", False),
        (404, "NoSuchBucket", False),
        (501, "NotImplemented", False),
        (507, "InsufficientStorage", False),
    ],
)
def test_what_may_pass(
    somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch, status: int, code: str, may_pass: bool
) -> None:
    body = f"<Error><Code>{code}</Code></Error>".encode() if code else b""
    with answering_in_turn(Answer(status, body, XML)) as script, pytest.raises(StoreFailure) as caught:
        scripted(script, monkeypatch).send_part(somewhere, "id", 1, body_of(b"x"))

    assert (caught.value.status, caught.value.may_pass) == (status, may_pass)
    assert len(script.asked) == 1


def test_store_that_is_away_may_come_back(somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")

    with pytest.raises(StoreFailure) as caught:
        MultipartStorage().create(somewhere, {})

    assert caught.value.may_pass


def test_listings_in_pages(somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    def parts(numbers: range, more: str) -> Answer:
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;e{number}&quot;</ETag><Size>{number}</Size>"
            "<LastModified>2026-01-02T03:04:05.000Z</LastModified></Part>"
            for number in numbers
        )
        return Answer(200, f"<ListPartsResult>{more}{listed}</ListPartsResult>".encode(), XML)

    first = parts(range(1, 1001), "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1000</NextPartNumberMarker>")
    with answering_in_turn(first, parts(range(1001, 1501), "<IsTruncated>false</IsTruncated>")) as script:
        found = scripted(script, monkeypatch).list_parts(somewhere, "id")

    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found == {number: StoredPart(number, number, f"e{number}", moment) for number in range(1, 1501)}
    assert "part-number-marker=1000" in script.asked[1].path


def test_uploads_in_pages_of_a_store_that_gives_no_key_marker(
    somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uploads(upload_id: str, more: str) -> Answer:
        one = (
            f"<Upload><Key>a/image.raw</Key><UploadId>{upload_id}</UploadId>"
            "<Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>"
        )
        return Answer(200, f"<ListMultipartUploadsResult>{more}{one}</ListMultipartUploadsResult>".encode(), XML)

    with answering_in_turn(uploads("x", "<IsTruncated>true</IsTruncated>"), uploads("y", "")) as script:
        found = list(scripted(script, monkeypatch).list_uploads(somewhere.bucket, "a/"))

    assert [(each.upload_id, each.initiated) for each in found] == [
        ("x", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("y", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ]
    assert "key-marker=a%2Fimage.raw" in script.asked[1].path
    assert "upload-id-marker=x" in script.asked[1].path


def test_page_that_never_ends(somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    more = b"<IsTruncated>true</IsTruncated><NextPartNumberMarker>0</NextPartNumberMarker>"
    again = b"<ListPartsResult>" + more + b"</ListPartsResult>"
    with answering_in_turn(Answer(200, again, XML)) as script:
        assert scripted(script, monkeypatch).list_parts(somewhere, "id") == {}


def test_answer_without_an_etag(somewhere: ObjectAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering_in_turn(Answer(200)) as script, pytest.raises(StoreFailure) as caught:
        scripted(script, monkeypatch).send_part(somewhere, "id", 1, body_of(b"x"))

    assert caught.value.may_pass
    assert "ETag" in str(caught.value.details)
