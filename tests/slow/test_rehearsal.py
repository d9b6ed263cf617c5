"""The Debian image boots as it would on a server, and is proven over SSH; what would stop there stops here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fixtures.debian.build import ensure_image
from fixtures.debian.layout import ROOT_UUID
from tests.rehearsed_boot import rehearse

IMAGE = Path(__file__).parents[2] / "build" / "debian-12.qcow2"
USER_DATA = "#cloud-config\nwrite_files:\n- path: /root/marker\n  content: hello\n"


@pytest.fixture(scope="module")
def image() -> Path:
    ensure_image(IMAGE)
    return IMAGE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("boot", "disk"), [("uefi", "nvme"), ("legacy", "ahci")], ids=["uefi and nvme", "legacy and ahci"]
)
def test_a_good_image_takes_its_orders_from_the_config_drive(image: Path, tmp_path: Path, boot: str, disk: str) -> None:
    user_data = tmp_path / "user-data.yaml"
    user_data.write_text(USER_DATA)
    before = _sha256(image)
    order = ("--boot", boot, "--disk", disk, "--hostname", "mon-tux", "--user-data", user_data)
    boot_run = rehearse(image, tmp_path, *order, "--metadata", "role=web")
    assert boot_run.code == 0, boot_run.said
    guest = boot_run.document["guest"]
    assert (guest["user"], guest["hostname"], guest["root_uuid"]) == ("debian", "mon-tux", ROOT_UUID)
    assert "DataSourceConfigDrive" in guest["cloud_init"]
    assert guest["has_user_data"] is True
    assert guest["is_root_grown"] is True
    assert guest["is_host_key_on_console"] is True
    assert guest["failed_units"] == []
    assert ("efi: EFI v" in boot_run.console) == (boot == "uefi"), "the kernel saw another firmware"
    assert all(milestone["is_reached"] for milestone in boot_run.document["milestones"]), boot_run.said
    assert (tmp_path / "kept" / "screen.png").read_bytes().startswith(b"\x89PNG")
    assert _sha256(image) == before, "the rehearsal wrote to the image"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "user-data.yaml"]


@pytest.mark.slow
def test_a_wrong_loader_path_stops_at_the_loader(image: Path, tmp_path: Path) -> None:
    boot = rehearse(image, tmp_path, "--boot", "uefi", "--efi-bootloader-path", r"\EFI\wrong\grubx64.efi")
    assert (boot.code, boot.missed) == (1, "loader"), boot.said
    assert boot.explained_by[0] == "esp.loader-declared"
    assert r"falls back to \EFI\BOOT\BOOTX64.EFI" in boot.document["ending"]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
