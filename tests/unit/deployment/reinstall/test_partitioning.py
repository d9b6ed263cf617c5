"""The file of --partitioning: OVHcloud's own examples as JSON and as TOML, and files that are none."""

from __future__ import annotations

import json

import pytest

from byoi_tools.deployment.reinstall.partitioning import describe_partitioning, parse_partitioning
from byoi_tools.errors import UsageError
from byoi_tools.model.deployment.partitioning import LayoutItem, Partitioning

# OVHcloud guide API and Storage (2026-06-29), `partitioning` of its example.
GUIDE = """{
    "disks": 2,
    "layout": [
        {"fileSystem": "ext4", "mountPoint": "/boot", "size": 1000, "raidLevel": 1},
        {"fileSystem": "ext4", "mountPoint": "/", "size": 0}
    ]
}"""
TOML = """
disks = 2

[[layout]]
fileSystem = "ext4"
mountPoint = "/boot"
size = 1000
raidLevel = 1

[[layout]]
fileSystem = "ext4"
mountPoint = "/"
"""
EXTRAS = """
[[layout]]
fileSystem = "zfs"
mountPoint = "/"
extras.zp.name = "poule"
[[layout]]
fileSystem = "ext4"
mountPoint = "/var"
size = 10
[layout.extras.lv]
name = "data"
"""


def test_the_guides_example_arrives_as_it_is() -> None:
    assert describe_partitioning(parse_partitioning(GUIDE)) == json.loads(GUIDE)


def test_toml_says_the_same() -> None:
    assert parse_partitioning(TOML) == parse_partitioning(GUIDE)


def test_names_of_volumes_and_pools() -> None:
    first, second = parse_partitioning(EXTRAS).layout
    assert first == LayoutItem("zfs", "/", zp_name="poule")
    assert second == LayoutItem("ext4", "/var", 10, lv_name="data")


def test_a_scheme_alone() -> None:
    assert parse_partitioning('schemeName = "default"') == Partitioning(scheme_name="default")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing is in it"),
        ("{", "neither TOML nor JSON"),
        ("[1", "neither TOML nor JSON"),
        ("[" * 100_000, "neither TOML nor JSON"),
        ('{"a":' * 100_000, "neither TOML nor JSON"),
        ('{"storage": []}', '"storage", which is none of disks, layout, schemeName'),
        ('{"\\u001b[2J": 1}', r"\x1b[2J"),
        ("layout = []", "layout is not a list of partitions"),
        ("layout = 3", "layout is not a list of partitions"),
        ("layout = [3]", "layout item 1 is no table"),
        ("disks = 0", "disks is 0"),
        ("disks = true", "disks of the file is no whole number"),
        ('disks = "2"', "disks of the file is no whole number"),
        ('[[layout]]\nfileSystem = "ext4"', "layout item 1 lacks mountPoint"),
        ('[[layout]]\nmountPoint = "/"', "layout item 1 lacks fileSystem"),
        (TOML + "size = -1", "size of layout item 2 is no whole number"),
        (TOML + "size = 1.5", "size of layout item 2 is no whole number"),
        (TOML + 'raidLevel = "1"', "raidLevel of layout item 2 is no whole number"),
        (TOML + "mount_point = 1", 'layout item 2 has "mount_point"'),
        (TOML + "extras = 1", "extras of layout item 2 is no table"),
        (TOML + "extras.lv = 1", "lv of layout item 2 is no table"),
        (TOML + "extras.lv = {}", "extras.lv of layout item 2 has no name"),
        (TOML + "extras.md.name = 'a'", 'extras of layout item 2 has "md"'),
        ("schemeName = 3", "schemeName of the file is no text"),
        ("[[layout]]\nfileSystem='a'\nmountPoint='b'\n" * 101, "101 partitions, more than 100"),
    ],
)
def test_what_is_no_partitioning_names_the_item(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_partitioning(text)
    assert said in (refusal.value.details or "")
