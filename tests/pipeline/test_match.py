"""`match` as a user runs it: the real program and the real ovh client, against a pretend provider."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.simulator.condition import NULLABLE, Condition
from byoi_tools.simulator.servers import BootMode, DiskGroup, default_servers
from byoi_tools.simulator.service import Simulator
from byoi_tools.simulator.signature import AccessRule, Credentials
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good import good_raw
from tests.command import Finished, byoi_tools
from tests.simulated_user import api_environment

UEFI, LEGACY = default_servers()
RESCUE = Condition(
    boot_type="rescue",
    rescue_ssh_key="ssh-ed25519 AAAA",
    monitoring=True,
    installed_system="debian12_64",
    raid_controller="MegaRAID 9361-8i",
)
SERVERS = (
    UEFI,
    LEGACY,
    replace(UEFI, name="both.simulated", boot_mode=BootMode.UEFI_LEGACY),
    replace(UEFI, name="small.simulated", memory_mib=3073, disk_groups=(DiskGroup(1, 1, 1, "NVMe"),)),
    replace(UEFI, name="rescue.simulated", condition=RESCUE),
    replace(UEFI, name="arm.simulated", condition=Condition(architecture="arm64")),
    replace(UEFI, name="null.simulated", condition=Condition(unknown=NULLABLE)),
    replace(UEFI, name="other.simulated", operating_systems=("byolinux_64",)),
)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "good.raw"
    good_raw(path)
    return path


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(SERVERS, directory=tmp_path_factory.mktemp("servers")) as running:
        yield running


def match(provider: Simulator, image: Path, server: str, *flags: str) -> Finished:
    return byoi_tools("match", image, "--server", server, *flags, environment=api_environment(provider))


def failed(run: Finished) -> set[str]:
    return {each["id"] for each in json.loads(run.output)["outcomes"] if each["outcome"] == "failed"}


@pytest.mark.parametrize("server", ["ns1.simulated", "ns2.simulated"])
def test_a_good_image_fits(provider: Simulator, image: Path, server: str) -> None:
    run = match(provider, image, server, "--to", "s3://images/debian", "--hostname", "web-1")
    assert run.code == 0, run.said
    assert f"boot {'uefi' if server == UEFI.name else 'legacy'}" in run.output
    assert "PASSED: good.raw" in run.output
    assert "\ntarget\n" not in run.output


@pytest.mark.parametrize(
    ("server", "flags", "ids"),
    [
        ("ns2.simulated", ["--boot", "uefi"], {"target.boot-mode"}),
        ("ns1.simulated", ["--profile", "ovh-byoi-legacy"], {"target.boot-mode"}),
        ("small.simulated", [], {"target.ram"}),
        ("arm.simulated", [], {"target.arch"}),
        ("other.simulated", [], {"target.compatible-template"}),
        ("ns1.simulated", ["--disk-group", "7"], {"target.disk-group"}),
        ("ns1.simulated", ["--hostname", "under_score"], {"api.hostname"}),
        ("ns1.simulated", ["--metadata", "a=1", "--metadata", "a=2"], {"api.metadata"}),
        ("ns1.simulated", ["--to", "s3://images/x", "--http-header", "Authorization=Basic eA=="], {"api.headers"}),
        (
            "ns1.simulated",
            ["--efi-bootloader-path", r"\\EFI\\debian\\grubx64.efi"],
            {"api.loader-path-escape", "esp.loader-declared"},
        ),
        (
            "rescue.simulated",
            ["--fail-on", "warning", "--to", "s3://images/x", "--expires", "10m"],
            {"target.rescue-mode", "target.monitoring", "target.secondary-disks", "api.url-life"},
        ),
    ],
)
def test_what_does_not_fit_is_reported(
    provider: Simulator, image: Path, server: str, flags: list[str], ids: set[str]
) -> None:
    run = match(provider, image, server, "--format", "json", *flags)
    assert run.code == 6, run.said
    assert {found for found in failed(run) if found.partition(".")[0] in ("target", "api", "esp")} == ids


def test_a_bad_image_for_a_server_that_would_take_it(provider: Simulator, tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / "canvas.raw")
    canvas.esp_delete("/EFI/debian/grub.cfg")
    run = match(provider, canvas.as_raw(tmp_path / "image.raw"), "ns1.simulated")
    assert run.code == 1, run.said
    assert "error esp.grub-stub" in run.output


def test_a_missing_driver_of_the_controller_is_the_image_s_fault(provider: Simulator, tmp_path: Path) -> None:
    from fixtures.tiny.recipes import recipes

    (recipe,) = [one for one in recipes() if one.check == "initrd.megaraid"]
    run = match(provider, recipe.build(tmp_path), "rescue.simulated")
    assert run.code == 1, run.said
    assert "error initrd.megaraid" in run.output


def test_what_the_api_leaves_null_is_skipped_with_the_reason(provider: Simulator, image: Path) -> None:
    run = match(provider, image, "null.simulated", "--boot", "uefi", "--format", "json")
    assert run.code == 0, run.said
    skipped = {
        each["id"]: each["message"] for each in json.loads(run.output)["outcomes"] if each["outcome"] == "skipped"
    }
    assert "memorySize" in skipped["target.ram"]
    assert "diskGroups" in skipped["target.disk-size"]
    assert "processorArchitecture" in skipped["target.arch"]
    assert "bootId" in skipped["target.rescue-mode"]


def test_a_server_that_boots_both_ways_wants_to_be_told(provider: Simulator, image: Path) -> None:
    assert match(provider, image, "both.simulated").code == 2
    assert match(provider, image, "both.simulated", "--boot", "legacy").code == 0


def test_what_will_be_converted_is_not_compared_with_the_memory(
    provider: Simulator, image: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "good.vdi"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "vdi", str(image), str(foreign)], check=True)
    run = match(provider, foreign, "small.simulated", "--format", "json")
    assert run.code == 1, run.said
    outcomes = {each["id"]: each for each in json.loads(run.output)["outcomes"]}
    assert "not known yet" in outcomes["target.ram"]["message"]
    assert "once it is converted" in outcomes["api.payload-schema"]["message"]


def test_an_unknown_server(provider: Simulator, image: Path) -> None:
    run = match(provider, image, "ns9.simulated")
    assert run.code == 6
    assert "knows no server ns9.simulated" in run.errors


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ((("GET", "/dedicated/server/*"),), ["POST /dedicated/server/ns1.simulated/reinstall"]),
        (
            (("POST", "/dedicated/server/*/reinstall"), ("GET", "/dedicated/server/*/task*")),
            ["specifications/hardware", "install/status", "compatibleTemplates"],
        ),
    ],
)
def test_each_missing_right_is_named(
    image: Path, tmp_path: Path, rules: tuple[tuple[str, str], ...], missing: list[str]
) -> None:
    few = replace(Credentials.generate(), rules=tuple(AccessRule(*rule) for rule in rules))
    with Simulator([UEFI], directory=tmp_path, credentials=few) as provider:
        run = match(provider, image, "ns1.simulated")
    assert run.code == 6
    said = "".join(run.said.split())
    assert all("".join(each.split()) in said for each in missing), run.said


DEPLOY = ["--checksum", "sha256:" + "0" * 64, "--image-type", "qcow2", "--confirm", "ns1.simulated"]


@pytest.mark.parametrize(
    ("url", "flags", "seen"),
    [
        ("https://h/i?X-Amz-Signature=5167&X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600", [], "the URL has expired"),
        ("https://h/i?X-Amz-Signature=5167", ["--http-header", "Authorization=Basic eA=="], "presigned URL is refused"),
        ("https://h/i", ["--ssh-key", "{key}", "--disk-group", "9"], "no such disk group"),
        ("https://h/i", ["--hostname", "a_b"], "RFC 1035"),
    ],
)
def test_deploy_judges_what_a_url_tells(
    provider: Simulator, tmp_path: Path, url: str, flags: list[str], seen: str
) -> None:
    key = tmp_path / "id.pub"
    key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@home\n")
    environment = {**api_environment(provider), "XDG_STATE_HOME": str(tmp_path)}
    loader = ["--efi-bootloader-path", r"\EFI\debian\grubx64.efi"]
    given = [flag.format(key=key) for flag in flags]
    run = byoi_tools(
        "deploy", "--server", "ns1.simulated", "--url", url, *DEPLOY, *loader, *given, environment=environment
    )
    assert run.code == 6, run.said
    said = " ".join(run.errors.split())
    assert "nothing was sent to ns1.simulated" in said
    assert seen in said
    assert "5167" not in run.said
    assert not provider.state_file("ns1.simulated").exists()


def test_nothing_is_written(provider: Simulator, image: Path, tmp_path: Path) -> None:
    copy = tmp_path / "alone" / "good.raw"
    copy.parent.mkdir()
    shutil.copy(image, copy)
    assert match(provider, copy, "ns1.simulated").code == 0
    assert [path.name for path in copy.parent.iterdir()] == ["good.raw"]
    assert not provider.state_file("ns1.simulated").exists()
