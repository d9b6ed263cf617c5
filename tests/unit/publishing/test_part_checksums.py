"""What is sent with parts against damage: asked of the first part, and what it tells holds for the others."""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from pathlib import Path

import pytest

from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.part_plan import FilePart
from byoi_tools.publishing.part_sender import PartSender
from byoi_tools.publishing.retries import Retries
from byoi_tools.tools.object_store.connection import StoreConnection
from byoi_tools.tools.object_store.failures import StoreFailure
from byoi_tools.tools.object_store.multipart import MultipartStorage
from tests.clock import FakeClock
from tests.scripted_server import Answer, Script, answering_in_turn

CONTENT = b"first part" + b"other part"
PARTS = (FilePart(1, 0, 10), FilePart(2, 10, 10))
ERROR = b"<Error><Code>%s</Code><Message>no</Message></Error>"
XML = {"Content-Type": "application/xml"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {"AWS_ACCESS_KEY_ID": "1" * 32, "AWS_SECRET_ACCESS_KEY": "2" * 32, "AWS_EC2_METADATA_DISABLED": "true"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def crc32_of(part: FilePart) -> str:
    """As the S3 API writes it: base64 of 32 bits, big endian."""
    content = CONTENT[part.start : part.start + part.length]
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def md5_of(part: FilePart) -> bytes:
    return hashlib.md5(CONTENT[part.start : part.start + part.length], usedforsecurity=False).digest()


def taken(part: FilePart, crc32: str | None = None) -> Answer:
    told = {} if crc32 is None else {"x-amz-checksum-crc32": crc32}
    return Answer(200, headers={"ETag": f'"{md5_of(part).hex()}"', **told})


def refused(code: bytes) -> Answer:
    return Answer(400, ERROR % code, XML)


def send(script: Script, directory: Path) -> list[str]:
    """Send both parts, one after the other; return what each request had: `crc32`, `md5`, both or nothing."""
    path = directory / "image.raw"
    path.write_bytes(CONTENT)
    storage = MultipartStorage(StoreConnection(script.url, "gra"))
    address = ObjectAddress("a-bucket", "a/image.raw")
    sender = PartSender(storage, address, "id", path, {}, Retries(FakeClock()), lambda part, position: None)
    for part in PARTS:
        assert sender.send(part) == md5_of(part).hex()
    return [
        " ".join(
            name
            for name, header in (("crc32", "x-amz-checksum-crc32"), ("md5", "content-md5"))
            if header in asked.headers
        )
        for asked in script.asked
    ]


def test_a_store_that_tells_the_crc(tmp_path: Path) -> None:
    one, two = PARTS
    with answering_in_turn(taken(one, crc32_of(one)), taken(two, crc32_of(two))) as script:
        assert send(script, tmp_path) == ["crc32 md5", "crc32"]
    assert [asked.headers["x-amz-checksum-crc32"] for asked in script.asked] == [crc32_of(one), crc32_of(two)]
    # boto3#4401: what regions of OVHcloud did not know, of which no body was ever sent.
    assert not [name for asked in script.asked for name in asked.headers if "trailer" in name or "sdk-checksum" in name]


def test_a_store_that_passes_it_over(tmp_path: Path) -> None:
    one, two = PARTS
    with answering_in_turn(taken(one), taken(two)) as script:
        assert send(script, tmp_path) == ["crc32 md5", "md5"]


@pytest.mark.parametrize("code", [b"InvalidArgument", b"InvalidRequest", b"NotImplemented"])
def test_a_store_that_refuses_it(tmp_path: Path, code: bytes) -> None:
    one, two = PARTS
    with answering_in_turn(refused(code), taken(one), taken(two)) as script:
        assert send(script, tmp_path) == ["crc32 md5", "md5", "md5"]
    assert script.asked[1].body == b"first part"


def test_a_store_that_refuses_both(tmp_path: Path) -> None:
    one, two = PARTS
    refusals = [refused(b"InvalidArgument")] * 2
    with answering_in_turn(*refusals, taken(one), taken(two)) as script:
        assert send(script, tmp_path) == ["crc32 md5", "md5", "", ""]


def test_another_crc_is_damage(tmp_path: Path) -> None:
    one, two = PARTS
    answers = (taken(one, crc32_of(one)), taken(two, crc32_of(one)), taken(two, crc32_of(two)))
    with answering_in_turn(*answers) as script:
        assert send(script, tmp_path) == ["crc32 md5", "crc32", "crc32"]


def test_a_store_that_tells_it_no_more(tmp_path: Path) -> None:
    """Then the part may have been damaged, and nobody has looked: it goes again, with an MD5."""
    one, two = PARTS
    with answering_in_turn(taken(one, crc32_of(one)), taken(two), taken(two)) as script:
        assert send(script, tmp_path) == ["crc32 md5", "crc32", "md5"]


def test_damage_that_does_not_end(tmp_path: Path) -> None:
    one, two = PARTS
    answers = [taken(one, crc32_of(one)), *[taken(two, "AAAAAA==")] * 20]
    with answering_in_turn(*answers) as script, pytest.raises(StoreFailure) as caught:
        send(script, tmp_path)
    assert caught.value.code == "BadDigest"
