"""LVM2: where the bytes of a logical volume lie, by metadata that lvcreate wrote."""

from __future__ import annotations

import pytest

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.disks.lvm import VolumeGroup, read_volume_groups
from byoi_tools.formats.disks.lvm_config import read_config
from byoi_tools.formats.source import Memory
from tests.lvm_volumes import EXTENT, FIRST_UUID, SECOND_UUID, group, physical_volume, segment, volume

ROOT = volume("root", segment(1, 0, 2, ("pv0", 1)))
SPREAD = volume("da-ta", segment(1, 0, 1, ("pv1", 1)), segment(2, 1, 1, ("pv0", 0)))


def groups_of(text: str, *, wraps: bool = False) -> tuple[VolumeGroup, ...]:
    first = physical_volume(FIRST_UUID, text, b"abcd", wraps=wraps)
    second = physical_volume(SECOND_UUID, text, b"uvwx", wraps=wraps)
    return read_volume_groups({FIRST_UUID: Memory(first), SECOND_UUID: Memory(second)})


@pytest.mark.parametrize("wraps", [False, True])
def test_volumes_of_several_segments_on_several_devices(wraps: bool) -> None:
    (found,) = groups_of(group(ROOT, SPREAD), wraps=wraps)
    assert (found.name, found.uuid) == ("vg-0", "WvxngT-VQgX-rgWT-lsK3-ydiu-HkmT-xK3q61")
    assert (found.devices, found.missing) == ((FIRST_UUID, SECOND_UUID), ())
    root, spread = found.volumes
    assert (root.name, root.size_bytes, spread.name, spread.size_bytes) == ("root", 2 * EXTENT, "da-ta", 2 * EXTENT)
    assert root.read_at(0, 3) == b"bbb"
    assert root.read_at(EXTENT - 2, 4) == b"bbcc"
    assert spread.read_at(EXTENT - 2, 4) == b"vvaa"
    assert spread.read_at(2 * EXTENT - 2, 10) == b"aa"
    assert spread.read_at(2 * EXTENT, 10) == spread.read_at(-1, 10) == b""


def test_a_device_that_is_missing() -> None:
    (found,) = read_volume_groups({FIRST_UUID: Memory(physical_volume(FIRST_UUID, group(ROOT, SPREAD), b"abcd"))})
    assert found.missing == (SECOND_UUID,)
    assert found.volumes == ()


def test_the_newest_metadata_count() -> None:
    old = physical_volume(FIRST_UUID, group(ROOT, sequence=3), b"abcd")
    new = physical_volume(SECOND_UUID, group(ROOT, SPREAD, sequence=4), b"uvwx")
    (found,) = read_volume_groups({FIRST_UUID: Memory(old), SECOND_UUID: Memory(new)})
    assert [volume.name for volume in found.volumes] == ["root", "da-ta"]


def test_what_users_do_not_see_is_left_out() -> None:
    (found,) = groups_of(group(volume("hidden", segment(1, 0, 1, ("pv0", 0)), status='["READ", "WRITE"]'), ROOT))
    assert [volume.name for volume in found.volumes] == ["root"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (volume("thin", segment(1, 0, 1, ("pv0", 0), kind="thin")), 'type "thin"'),
        (volume("wide", segment(1, 0, 2, ("pv0", 0), ("pv1", 0))), "striped over several"),
    ],
)
def test_kinds_that_are_not_read_have_a_reason(bad: str, reason: str) -> None:
    (found,) = groups_of(group(bad, ROOT))
    assert [volume.name for volume in found.volumes] == ["root"]
    assert reason in next(iter(found.unreadable.values()))


@pytest.mark.parametrize(
    "bad",
    [
        volume("gap", segment(1, 1, 1, ("pv0", 0))),
        volume("double", segment(1, 0, 2, ("pv0", 0)), segment(2, 1, 1, ("pv0", 2))),
        volume("nothing", segment(1, 0, 0, ("pv0", 0))),
        volume("stranger", segment(1, 0, 1, ("pv7", 0))),
        volume("negative", segment(1, 0, 1, ("pv0", -3000))),
        ROOT.replace("start_extent = 0", "start_extent = zero"),
        ROOT.replace("start_extent = 0", ""),
        ROOT.replace('"pv0", 1', '"pv0", [1]'),
        "} }",
        "root {" * 50,
        'root = "without an end',
    ],
)
def test_metadata_without_sense_is_refused(bad: str) -> None:
    with pytest.raises(ImageMalformed) as refused:
        groups_of(group(bad))
    assert refused.value.remedy


@pytest.mark.parametrize("place", [0, 512, 512 + 20, 512 + 72, 512 + 88, 512 + 104, 4096 + 4, 4096 + 40, 4096 + 48])
@pytest.mark.parametrize("damage", [b"\0" * 8, b"\xff" * 8, b"\xff\xff\xff\x7f"])
def test_a_damaged_header_is_refused_or_harmless(place: int, damage: bytes) -> None:
    content = bytearray(physical_volume(FIRST_UUID, group(ROOT, devices=(FIRST_UUID,)), b"abcd"))
    content[place : place + len(damage)] = damage
    try:
        found = read_volume_groups({FIRST_UUID: Memory(bytes(content))})
    except ImageMalformed as refused:
        assert refused.remedy
    else:
        assert all(volume.read_at(0, 10) in (b"b" * 10, b"") for group in found for volume in group.volumes)


def test_the_language_of_the_metadata() -> None:
    text = '# comment\na = 1\nb="x \\"y\\" # z"\nc { d=[ "e", -2,\n f ] g { } }\n'
    assert read_config(text) == {"a": 1, "b": 'x "y" # z', "c": {"d": ["e", -2, "f"], "g": {}}}
