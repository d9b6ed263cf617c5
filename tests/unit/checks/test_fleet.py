"""The profile `fleet` on images: the good one passes, a clone does not, though one server may be made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.tiny.good import good_raw
from fixtures.tiny.recipes import recipes
from tests.command import byoi_tools


@pytest.mark.parametrize("boot", ["uefi", "legacy"])
def test_the_good_image_is_fit_for_a_fleet(boot: str, tmp_path: Path) -> None:
    image = tmp_path / "good.raw"
    good_raw(image)
    assert byoi_tools("check", image, "--profile", "fleet", "--boot", boot).code == 0


@pytest.mark.parametrize(
    "name",
    [
        "boot.zfs-hostid.host_id_of_the_build_machine",
        "hygiene.machine-id.id_of_the_build",
        "hygiene.private-keys.key_for_the_repository",
    ],
)
def test_a_clone_or_a_secret_is_an_error_for_a_fleet_alone(name: str, tmp_path: Path) -> None:
    (recipe,) = [recipe for recipe in recipes() if recipe.name == name]
    image = recipe.build(tmp_path)
    assert byoi_tools("check", image, "--boot", "uefi").code == 0
    run = byoi_tools("check", image, "--boot", "uefi", "--profile", "fleet")
    assert run.code == 1
    assert f"error {recipe.check}" in run.output
    assert "bm90IGEga2V5" not in run.output  # nothing of the key
