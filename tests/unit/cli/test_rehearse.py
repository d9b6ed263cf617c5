"""The verb `rehearse` as far as it goes without a machine: what is refused, a disk that cannot be written."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fixtures.tiny.canvas import Canvas
from fixtures.tiny.recipes import recipes
from tests.command import byoi_tools


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("good")
    return Canvas(directory / ".canvas").as_raw(directory / "good.raw")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "--boot"),
        (("--boot", "uefi", "--disk", "megaraid"), "no driver for a MegaRAID"),
        (("--boot", "legacy", "--secure-boot"), "belongs to UEFI"),
        (("--boot", "uefi", "--network", "virtio"), "'e1000e', 'igb'"),
        (("--boot", "uefi", "--memory", "16M"), "too small"),
        (("--boot", "uefi", "--memory", "much"), "no size"),
        (("--boot", "uefi", "--timeout", "soon"), "not a duration"),
        (("--boot", "uefi", "--metadata", "role"), "KEY=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_refused(good: Path, flags: tuple[str, ...], words: str) -> None:
    run = byoi_tools("rehearse", good, *flags)
    assert (run.code, run.output) == (2, "")
    assert words in run.errors


def test_an_image_that_needs_another_file_is_refused(good: Path, tmp_path: Path) -> None:
    overlay = Canvas(tmp_path / ".canvas").as_qcow2(tmp_path / "overlay.qcow2")
    subprocess.run(["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", str(good), str(overlay)], check=True)
    run = byoi_tools("rehearse", overlay, "--boot", "uefi")
    assert run.code == 3, run.said
    assert "backing" in run.errors


def test_a_format_that_the_provider_does_not_write_is_refused(tmp_path: Path) -> None:
    image = Canvas(tmp_path / ".canvas").as_format("vmdk", tmp_path / "image.vmdk")
    run = byoi_tools("rehearse", image, "--boot", "uefi")
    assert run.code == 3, run.said
    assert "byoi-tools convert" in run.errors


def test_a_missing_program_is_named(good: Path, tmp_path: Path) -> None:
    run = byoi_tools("rehearse", good, "--boot", "legacy", environment={"PATH": str(tmp_path)})
    assert run.code == 4, run.said
    assert "qemu" in run.errors


def test_a_disk_that_gets_no_config_drive_ends_before_the_machine_starts(tmp_path: Path) -> None:
    (recipe,) = (one for one in recipes() if one.check == "ptable.mbr-primaries")
    image = recipe.build(tmp_path)
    before = image.read_bytes()
    run = byoi_tools("rehearse", image, "--boot", "legacy", "--disk", "ahci", "--format", "json")
    assert run.code == 1, run.said
    document = json.loads(run.output)
    assert document["missed"] == "disk written"
    assert "Could not create configdrive on disk." in document["ending"]
    assert "ptable.mbr-primaries" in [finding["id"] for finding in document["explained_by"]]
    assert image.read_bytes() == before
    text = byoi_tools("rehearse", image, "--boot", "legacy")
    assert text.output.rstrip().splitlines()[-1].startswith("FAILED: did not reach 'disk written'")
    assert not [path for path in image.parent.iterdir() if path.name.startswith(".byoi-tools")]
