"""Addresses of SSH servers as people write them."""

from __future__ import annotations

import pytest

from byoi_tools.model.ssh_address import SshAddress


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("ns1.example.net", "ns1.example.net", 22),
        ("127.0.0.1:2201", "127.0.0.1", 2201),
        ("[2001:db8::1]:2222", "2001:db8::1", 2222),
        ("[::1]", "::1", 22),
    ],
)
def test_a_host_with_or_without_a_port(text: str, host: str, port: int) -> None:
    address = SshAddress.parse(text)
    assert (address.host, address.port) == (host, port)
    assert SshAddress.parse(str(address)) == address


@pytest.mark.parametrize("text", ["", ":22", "a:0", "a:65536", "a:b", "::1", "a b", "user@host", "a:22:22"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="is no HOST"):
        SshAddress.parse(text)
