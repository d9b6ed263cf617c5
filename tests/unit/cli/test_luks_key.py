"""The flag that names the key of what is encrypted."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.tiny.recipes import recipes
from tests.command import byoi_tools


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00", b"a\0b"])
def test_a_file_that_holds_no_passphrase(content: bytes, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(content)
    run = byoi_tools("inspect", tmp_path, "--luks-key", key)
    assert run.code == 2
    assert "holds no passphrase" in run.errors


def test_a_key_that_nobody_would_use(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("correct horse\n")
    run = byoi_tools("check", tmp_path, "--boot", "uefi", "--luks-key", key, "--reader", "native")
    assert run.code == 2
    assert "--luks-key needs guestfs" in run.errors
    assert "correct horse" not in run.errors + run.output


def test_without_a_key_the_reason_says_what_to_give(tmp_path: Path) -> None:
    (recipe,) = [recipe for recipe in recipes() if recipe.check == "fs.lvm-luks"]
    run = byoi_tools("inspect", recipe.build(tmp_path / "image"), "--format", "json")
    assert run.code == 0
    assert "it is encrypted (LUKS), and no key was given" in run.output
    assert "--luks-key FILE" in run.output
