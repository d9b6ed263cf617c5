"""Waivers on the command line: the file beside the image, --waivers, and how the reports show them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fixtures.tiny.canvas import Canvas
from fixtures.tiny.layout import FALLBACK_LOADER
from tests.command import byoi_tools

WAIVER = '[[waiver]]\nid = "esp.fallback"\nreason = "told by the API"\nexpires = 2999-12-31\n'
CHECK = ("--boot", "uefi", "--fail-on", "warning")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.esp_delete(FALLBACK_LOADER)
    return canvas.as_raw(tmp_path / "image.raw")


def test_the_file_beside_the_image(image: Path) -> None:
    assert byoi_tools("check", image, *CHECK).code == 1
    (image.parent / "byoi.toml").write_text(WAIVER)
    run = byoi_tools("check", image, *CHECK)
    assert run.code == 0
    assert "waived\n  warning esp.fallback\n" in run.output
    assert "because  told by the API (until 2999-12-31)" in run.output
    assert "1 waived" in run.output


def test_a_file_that_is_named_wins(image: Path, tmp_path: Path) -> None:
    (image.parent / "byoi.toml").write_text(WAIVER)
    other = tmp_path / "other.toml"
    other.write_text("")
    assert byoi_tools("check", image, *CHECK, "--waivers", other).code == 1
    assert byoi_tools("check", image, *CHECK, environment={"BYOI_WAIVERS": str(other)}).code == 1
    assert byoi_tools("check", image, *CHECK, "--waivers", tmp_path / "absent.toml").code == 2


def test_a_waiver_in_json(image: Path) -> None:
    (image.parent / "byoi.toml").write_text(WAIVER)
    outcomes = json.loads(byoi_tools("check", image, *CHECK, "--format", "json").output)["outcomes"]
    (waived,) = [outcome for outcome in outcomes if "waiver" in outcome]
    assert (waived["id"], waived["outcome"]) == ("esp.fallback", "waived")
    assert waived["waiver"] == {"reason": "told by the API", "expires": "2999-12-31"}


@pytest.mark.parametrize("is_this_image", [True, False])
def test_a_waiver_of_one_image(image: Path, is_this_image: bool) -> None:
    printed = subprocess.run(["sha256sum", str(image)], check=True, capture_output=True, text=True).stdout
    digest = printed.split()[0] if is_this_image else "0" * 64
    (image.parent / "byoi.toml").write_text(f'{WAIVER}sha256 = "{digest}"\n')
    assert byoi_tools("check", image, *CHECK).code == (0 if is_this_image else 1)


def test_a_waiver_without_use_is_a_warning(image: Path) -> None:
    text = WAIVER + '[[waiver]]\nid = "esp.present"\nreason = "long ago"\n'
    (image.parent / "byoi.toml").write_text(text)
    run = byoi_tools("check", image, *CHECK)
    assert run.code == 1
    assert "warning waiver.unused" in run.output
    assert byoi_tools("check", image, "--boot", "uefi").code == 0
