from __future__ import annotations

import socket
import traceback
import urllib.parse

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.model.secret import Secret
from byoi_tools.tools.http.ranges import HttpRanges, RangeAnswer
from fixtures.object_store import ObjectStore
from tests.range_server import serving_ranges
from tests.scripted_server import answering

QUERY = "?X-Amz-Credential=KEYID&X-Amz-Signature=5160a7e5"


def fetch_range(url: Secret, first: int, last: int) -> RangeAnswer:
    ranges = HttpRanges(url)
    try:
        return ranges.get(first, last)
    finally:
        ranges.close()


def fetch_all(url: str, total_bytes: int, first: int = 0) -> bytes:
    return b"".join(HttpRanges(Secret(url)).stream(first, total_bytes))


def presign(store: ObjectStore, bucket: str, content: bytes) -> str:
    store.client.put_object(Bucket=bucket, Key="image", Body=content)
    return store.client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "image"})


def show(error: StorageError) -> str:
    return "\n".join([*traceback.format_exception(error), error.message, str(error.details), error.remedy])


@pytest.mark.parametrize(
    ("first", "last", "content"), [(0, 0, b"0"), (2, 4, b"234"), (9, 9, b"9"), (7, 100, b"789"), (0, 9, b"0123456789")]
)
def test_range_of_a_presigned_object(
    object_store: ObjectStore, bucket: str, first: int, last: int, content: bytes
) -> None:
    answer = fetch_range(Secret(presign(object_store, bucket, b"0123456789")), first, last)

    assert (answer.content, answer.total_bytes) == (content, 10)


def test_range_beyond_the_end_is_an_error(object_store: ObjectStore, bucket: str) -> None:
    with pytest.raises(StorageError) as caught:
        fetch_range(Secret(presign(object_store, bucket, b"0123456789")), 10, 11)

    assert "416" in str(caught.value.details)


def test_wrong_signature_is_an_error_that_tells_no_secret(object_store: ObjectStore, bucket: str) -> None:
    url = presign(object_store, bucket, b"0123456789")
    signature = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-Signature"][0]
    wrong = signature.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))

    with pytest.raises(StorageError) as caught:
        fetch_range(Secret(url.replace(signature, wrong)), 0, 1)

    assert caught.value.details == "status 403, SignatureDoesNotMatch"
    assert f"/{bucket}/image" in caught.value.message
    assert not [secret for secret in (wrong, object_store.access_key) if secret in show(caught.value)]


def test_only_get_is_sent() -> None:
    headers = {"Content-Range": "bytes 0-1/10"}
    with answering(206, b"01", headers) as server:
        fetch_range(Secret(server.url + QUERY), 0, 1)

    assert server.requests == [("GET", "bytes=0-1")]


def test_no_more_is_read_than_was_asked_for() -> None:
    with answering(206, b"0" * 5000, {"Content-Range": "bytes 0-1/5000"}) as server:
        assert fetch_range(Secret(server.url), 0, 1).content == b"00"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (200, {"Content-Range": "bytes 2-3/10"}),
        (206, {}),
        (206, {"Content-Range": "bytes 0-1/10"}),
        (206, {"Content-Range": "bytes 2-4/10"}),
        (206, {"Content-Range": "bytes 2-3/*"}),
        (206, {"Content-Range": "bytes 2-3/" + "9" * 500}),
        (206, {"Content-Range": "\x1b[2J"}),
    ],
)
def test_other_ranges_are_errors(status: int, headers: dict[str, str]) -> None:
    with answering(status, b"23", headers) as server, pytest.raises(StorageError) as caught:
        fetch_range(Secret(server.url + QUERY), 2, 3)

    shown = show(caught.value)
    assert "Content-Range" in shown
    assert "\x1b" not in shown
    assert "5160a7e5" not in shown


@pytest.mark.parametrize("status", [302, 400, 404, 500, 599])
def test_refusals_are_errors(status: int) -> None:
    body = b"<Error><Code>Some\x1b[2J</Code></Error>" + b"x" * 10_000
    with answering(status, body, {"Location": "file:///etc/passwd"}) as server, pytest.raises(StorageError) as caught:
        fetch_range(Secret(server.url + QUERY), 0, 1)

    shown = show(caught.value)
    assert str(status) in shown
    assert "\x1b" not in shown
    assert "5160a7e5" not in shown


def test_body_that_breaks_off_is_an_error() -> None:
    headers = {"Content-Range": "bytes 0-9/10", "Content-Length": "10"}
    with answering(206, b"0123", headers) as server, pytest.raises(StorageError):
        fetch_range(Secret(server.url), 0, 9)


def test_closed_port_is_an_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/image"
        with pytest.raises(StorageError) as caught:
            fetch_range(Secret(url + QUERY), 0, 1)

    assert url in caught.value.message
    assert "5160a7e5" not in show(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "", "images/x", "http://[", "http://a b/"])
def test_what_is_no_http_url_is_an_error(url: str) -> None:
    with pytest.raises(StorageError):
        fetch_range(Secret(url), 0, 1)


def test_a_presigned_object_is_streamed_whole(object_store: ObjectStore, bucket: str) -> None:
    content = bytes(range(256)) * 5000
    url = presign(object_store, bucket, content)

    assert fetch_all(url, len(content)) == content
    assert fetch_all(url, len(content), 1_000_001) == content[1_000_001:]


def test_no_range_is_asked_for_from_the_beginning_on() -> None:
    with answering(200, b"0123") as server:
        assert fetch_all(server.url, 4) == b"0123"

    assert server.requests == [("GET", None)]


def test_what_is_streamed_without_a_length_ends_with_the_connection() -> None:
    with answering(200, b"0123", {"Content-Length": ""}) as server:
        assert fetch_all(server.url, 9) == b"0123"


@pytest.mark.parametrize("status", [204, 206, 403, 404, 500])
def test_other_answers_to_a_whole_get_are_errors(status: int) -> None:
    with answering(status, b"0123") as server, pytest.raises(StorageError) as caught:
        fetch_all(server.url + QUERY, 4)

    assert str(status) in show(caught.value)
    assert "5160a7e5" not in show(caught.value)


def test_an_encoded_object_is_an_error() -> None:
    with answering(200, b"0123", {"Content-Encoding": "gzip"}) as server, pytest.raises(StorageError) as caught:
        fetch_all(server.url, 4)

    assert "gzip" in str(caught.value.details)


def test_a_stream_that_breaks_off_is_an_error() -> None:
    with serving_ranges(b"0123456789" * 1000) as server:
        server.plan = ["reset"]
        with pytest.raises(StorageError):
            fetch_all(server.url, 10_000)


def test_a_stream_that_ends_early_is_an_error() -> None:
    with answering(200, b"0123", {"Content-Length": "10"}) as server, pytest.raises(StorageError) as caught:
        fetch_all(server.url, 10)

    assert "after 4 bytes" in str(caught.value.details)


def test_the_rest_of_another_object_is_an_error() -> None:
    with serving_ranges(b"0123456789") as server, pytest.raises(StorageError):
        fetch_all(server.url, 9, 4)


HEADERS = (("X-Door", Secret("5160a7e5")),)


def test_headers_are_sent_to_the_server_of_the_url_alone() -> None:
    with serving_ranges(b"0123456789") as other, serving_ranges(b"0123456789") as server:
        server.redirects = {"/image.raw": "/next", "/next": other.url}
        ranges = HttpRanges(Secret(server.url), headers=HEADERS)
        assert ranges.get(2, 4).content == b"234"
        assert b"".join(ranges.stream(0, 10)) == b"0123456789"

    assert [headers["X-Door"] for headers in server.headers] == ["5160a7e5"] * len(server.headers)
    assert len(server.headers) >= 2
    assert len(other.headers) == 2
    assert not [headers for headers in other.headers if "X-Door" in headers]


@pytest.mark.parametrize("value", ["5160a7e5\r\nX-Other: 1", "5160a7e5€"])
def test_a_header_that_cannot_be_sent_is_not_shown(value: str) -> None:
    with serving_ranges(b"0123456789") as server, pytest.raises(StorageError) as caught:
        HttpRanges(Secret(server.url), headers=(("X-Door", Secret(value)),)).get(0, 1)

    assert "5160a7e5" not in show(caught.value)
    assert "header" in str(caught.value.details)
    assert server.requests == []
