"""The config drive, read back by xorriso."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from threading import Event

import pytest

from byoi_tools.rehearsal.config_drive import ConfigDriveContent, decode_user_data, make_config_drive
from tests.unit.simulator.outside import SSH_KEY, sh

SCRIPT = b"#!/bin/bash\nprintf '\\n\\t%s' \xe2\x82\xac\n"


def unpack(iso: Path) -> Path:
    target = iso.with_name("unpacked")
    sh(f"xorriso -osirrox on -indev {iso} -extract / {target}")
    return target / "openstack" / "latest"


def test_all_customizations_are_where_openstack_puts_them(tmp_path: Path) -> None:
    iso = tmp_path / "drive.iso"
    user_data = base64.b64encode(SCRIPT).decode()
    content = ConfigDriveContent("mon-tux", SSH_KEY, user_data, {"role": "web"})
    assert make_config_drive(content, "ns1.simulated", iso, Event())
    assert sh(f"blkid -p -o value -s LABEL -s TYPE {iso}").split() == ["config-2", "iso9660"]
    latest = unpack(iso)
    assert (latest / "user_data").read_bytes() == SCRIPT
    assert json.loads((latest / "vendor_data.json").read_text()) == {}
    meta = json.loads((latest / "meta_data.json").read_text())
    assert len(meta.pop("uuid")) == 36
    assert meta == {
        "hostname": "mon-tux",
        "name": "mon-tux",
        "meta": {"role": "web"},
        "public_keys": {"default": SSH_KEY},
        "keys": [{"name": "default", "type": "ssh", "data": SSH_KEY}],
    }
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".d"] == []


def test_what_was_not_given_is_not_there(tmp_path: Path) -> None:
    iso = tmp_path / "drive.iso"
    assert make_config_drive(ConfigDriveContent("", SSH_KEY, "", {}), "ns1.simulated", iso, Event())
    latest = unpack(iso)
    assert sorted(path.name for path in latest.iterdir()) == ["meta_data.json", "vendor_data.json"]
    meta = json.loads((latest / "meta_data.json").read_text())
    assert meta["hostname"] == "ns1.simulated"
    assert "meta" not in meta


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("I2Nsb3VkLWNvbmZpZwo=", b"#cloud-config\n"),
        ("#cloud-config\nkey: value\n", b"#cloud-config\nkey: value\n"),
        (r"#!/bin/sh\necho a\\nb", b"#!/bin/sh\necho a\\nb"),
        (r'echo "\t\d"', b'echo "\t\\d"'),
        ("écho", "écho".encode()),
        ("I2Nsb3VkLWNv\nbmZpZwo=", b"I2Nsb3VkLWNv\nbmZpZwo="),
    ],
)
def test_only_base64_on_one_line_reaches_the_system_unchanged(text: str, written: bytes) -> None:
    assert decode_user_data(text) == written
