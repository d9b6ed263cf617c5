"""Which keys and metadata are this tool's own."""

from __future__ import annotations

import pytest

from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.publishing.object_names import name_object
from byoi_tools.publishing.ownership import Owner, OwnKey, describe_owner, new_run_id, owner_of, parse_key

DIGITS = "0123456789abcdef"


@pytest.mark.parametrize(
    "name", ["debian.qcow2", "x.raw", "..", "a b", "日本語", "v1.2-3_4.img", "n" * 300, "a.raw.img"]
)
@pytest.mark.parametrize("prefix", ["", "debian/12/", "~x/.hidden/"])
def test_every_name_that_is_given_is_known_again(prefix: str, name: str) -> None:
    for kind in ImageType:
        key = prefix + name_object(name, Digest(DigestAlgorithm.SHA256, DIGITS * 4), kind)
        assert parse_key(key) == OwnKey(key, "")
        for suffix in (".json", ".sha256", ".sha512"):
            assert parse_key(key + suffix) == OwnKey(key, suffix)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "debian.qcow2",
        f"{DIGITS}.qcow2",
        f"-{DIGITS}.qcow2",
        f"x-{DIGITS[:-1]}.qcow2",
        f"x-{DIGITS[:-1]}g.qcow2",
        f"x-{DIGITS.upper()}.qcow2",
        f"x-{DIGITS}.vmdk",
        f"x-{DIGITS}.qcow2.sha384",
        f"x-{DIGITS}.qcow2.json.json",
        f"x-{DIGITS}.qcow2/",
        f"x-{DIGITS}.qcow2\n",
        f"/x-{DIGITS}.raw",
        f"a//x-{DIGITS}.raw",
        f"a b/x-{DIGITS}.raw",
        f"./x-{DIGITS}.raw",
        f"a/../x-{DIGITS}.raw",
        f"\x1b[2J/x-{DIGITS}.raw",
        f"ü-{DIGITS}.raw",
    ],
)
def test_other_keys_are_not_ours(key: str) -> None:
    assert parse_key(key) is None


def test_owner_is_known_again() -> None:
    run_id = new_run_id()

    assert owner_of(describe_owner(run_id) | {"byoi-sha256": "x"}) == Owner(run_id, "0.1.0")
    assert new_run_id() != run_id


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"byoi-run": "ab" * 16},
        {"byoi-tool": "byoi-tools/0.1.0"},
        {"byoi-run": "ab" * 16, "byoi-tool": "other/0.1.0"},
        {"byoi-run": "ab" * 16, "byoi-tool": "byoi-tools"},
        {"byoi-run": "ab" * 16, "byoi-tool": "byoi-tools/\x1b[2J"},
        {"byoi-run": "\x1b[2J", "byoi-tool": "byoi-tools/0.1.0"},
        {"byoi-run": "ab" * 99, "byoi-tool": "byoi-tools/0.1.0"},
    ],
)
def test_other_metadata_are_not_ours(metadata: dict[str, str]) -> None:
    assert owner_of(metadata) is None
