"""User data: what cloud-init would take it for."""

from __future__ import annotations

import base64
import gzip
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoi_tools.formats.guest_files.user_data import UserDataKind, has_escaped_line_ends, is_encoded, read_user_data

CONFIG = b"#cloud-config\npackages: [nginx]\n"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (CONFIG, UserDataKind.CLOUD_CONFIG),
        (b"\n  #Cloud-Config\n", UserDataKind.CLOUD_CONFIG),
        (b"#cloud-config-archive\n- a\n", UserDataKind.CLOUD_CONFIG_ARCHIVE),
        (b"#!/bin/sh\n", UserDataKind.SCRIPT),
        (b"#include\nhttps://example.org/a\n", UserDataKind.INCLUDE),
        (b"#include-once\nhttps://example.org/a\n", UserDataKind.INCLUDE_ONCE),
        (b"## template: jinja\n#cloud-config\n", UserDataKind.JINJA),
        (b"#cloud-boothook\n", UserDataKind.CLOUD_BOOTHOOK),
        (b'{"ignition": {"version": "3.4.0"}}', UserDataKind.IGNITION),
        (b"version: v1alpha1\nmachine: {}\n", UserDataKind.TALOS),
        (b"#ps1_sysnative\nGet-Item\n", UserDataKind.WINDOWS_SCRIPT),
        (b"packages: [nginx]\n", UserDataKind.UNKNOWN),
        ("\ufeff#cloud-config\n".encode(), UserDataKind.UNKNOWN),
        (b"", UserDataKind.EMPTY),
    ],
)
def test_the_header_tells_what_it_is(data: bytes, kind: UserDataKind) -> None:
    assert [part.kind for part in read_user_data(data).parts] == [kind]
    assert [part.kind for part in read_user_data(gzip.compress(data, mtime=0)).parts] == [kind]


def test_the_parts_of_a_mime_message() -> None:
    message = MIMEMultipart()
    message.attach(MIMEText("packages: [nginx]\n", "cloud-config"))
    message.attach(MIMEText("#!/bin/sh\necho é\n", "x-shellscript"))
    message.attach(MIMEText("anything", "x-handled-by-a-part-handler"))
    found = read_user_data(message.as_bytes())
    assert found.problem == ""
    assert [(part.kind, part.place) for part in found.parts] == [
        (UserDataKind.CLOUD_CONFIG, "part 1"),
        (UserDataKind.SCRIPT, "part 2"),
    ]
    assert found.parts[1].text == "#!/bin/sh\necho é\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(CONFIG, mtime=0)[:-9], "cut off"),
        (gzip.compress(bytes(5 << 20), mtime=0), "larger than 4 MiB"),
        (b"\x1f\x8bnonsense", "cannot be decompressed"),
        (b"#cloud-config\n\xff", "byte 14 is no UTF-8"),
    ],
)
def test_wrapping_that_cannot_be_opened(data: bytes, words: str) -> None:
    found = read_user_data(data)
    assert words in found.problem
    assert found.parts == ()


@pytest.mark.parametrize(
    "data", [CONFIG, b"#!/bin/sh\n", gzip.compress(CONFIG, mtime=0), b"#include\nhttps://example.org\n"]
)
def test_what_is_encoded_already_is_found(data: bytes) -> None:
    assert is_encoded(base64.b64encode(data))
    assert is_encoded(base64.encodebytes(data))
    assert not is_encoded(data)


@pytest.mark.parametrize("data", [b"", b"aGVsbG8gd29ybGQ=", b"AAAA", b"#cloud-config"])
def test_other_texts_are_not_encoded(data: bytes) -> None:
    assert not is_encoded(data)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (rb"#cloud-config\npackages: [nginx]\n", True),
        (rb"#!/bin/sh\necho hello", True),
        (b"#cloud-config\nruncmd: ['a\\nb']\n", False),
        (CONFIG, False),
    ],
)
def test_escaped_line_ends(data: bytes, answer: bool) -> None:
    assert has_escaped_line_ends(data) is answer


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    for variant in (
        data,
        b"\x1f\x8b" + data,
        b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" + data,
    ):
        read_user_data(variant)
        is_encoded(variant)
        has_escaped_line_ends(variant)
