"""Bring Your Own Linux as a user deploys it: the real program, and a pretend provider that partitions real disks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from byoi_tools.simulator.servers import DiskGroup, default_servers
from byoi_tools.simulator.service import Simulator
from fixtures.tiny.byolinux import turn_into_byolinux
from fixtures.tiny.canvas import Canvas
from tests.command import Finished, byoi_tools
from tests.simulated_user import api_environment
from tests.unit.simulator.outside import SERVER, Api, ImageHost, failed_step, order, sh, to_qcow2

UEFI, LEGACY = default_servers()
NAME = UEFI.name
LAYOUT = """
disks = 2
[[layout]]
fileSystem = "ext4"
mountPoint = "/"
size = 200
raidLevel = 0
[[layout]]
fileSystem = "swap"
mountPoint = "swap"
size = 64
[[layout]]
fileSystem = "xfs"
mountPoint = "/srv"
raidLevel = 1
"""
# The steps that a user of the API saw on a real server (consumermesh/cmesh-byol-arch, its test of install/status).
STEPS = [
    *("Checking BIOS version", "Checking BIOS version", "Running Hardware Reboot", "Setting up hardware raid"),
    *("Preparing disks for new Partitioning", "Cleaning Partitioning", "Processing Partitioning"),
    *("Applying Partitioning", "Processing Post-installation configuration", "Pre-configuring Post-installation"),
    *("Downloading OS image", "Deploying OS on disks", "Checking Partitioning", "Running BYOLinux Configure"),
    *("Switching boot", "Running Last Hardware Reboot", "Sending end of installation mail"),
]


@dataclass(frozen=True)
class Offer:
    """Images for Bring Your Own Linux behind a web server, and the provider."""

    host: ImageHost
    folder: Path
    provider: Simulator

    def deploy(self, image: str, *flags: str | Path) -> Finished:
        url, path = self.host.url(f"/files/{image}"), self.folder / image
        told = order(url, path)["customizations"]
        assert isinstance(told, dict)
        checksum = f"sha512:{told['imageCheckSum']}"
        source = ("--url", url, "--checksum", checksum, "--image-type", "qcow2", "--confirm", NAME)
        environment = api_environment(self.provider) | {"XDG_STATE_HOME": str(self.folder / "state")}
        return byoi_tools("deploy", "--server", NAME, *source, *flags, environment=environment)

    def state(self) -> dict[str, object]:
        state: dict[str, object] = json.loads(self.provider.state_file(NAME).read_text())
        return state


@pytest.fixture(scope="module")
def offer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offer]:
    folder = tmp_path_factory.mktemp("images")
    turn_into_byolinux(Canvas(folder / ".canvas")).as_qcow2(folder / "linux.qcow2")
    Canvas(folder / ".other").as_qcow2(folder / "disk.qcow2")
    sh(f"truncate -s 16M {folder}/bare.raw && sfdisk -q {folder}/bare.raw", script="label: gpt\nsize=14M\n")
    sh(f"mkfs.ext4 -q -E offset={2**20} {folder}/bare.raw 14M")
    to_qcow2(folder / "bare.raw")
    server = replace(UEFI, disk_groups=(DiskGroup(1, 2, 2, "NVMe"),))
    with ImageHost(folder) as host, Simulator([server], directory=folder / "servers") as provider:
        yield Offer(host, folder, provider)


def test_an_image_is_installed_with_a_layout(offer: Offer, tmp_path: Path) -> None:
    (tmp_path / "layout.toml").write_text(LAYOUT)
    loader = ("--efi-bootloader-path", r"\EFI\debian\grubx64.efi")
    run = offer.deploy("linux.qcow2", "--os", "byolinux", *loader, "--partitioning", tmp_path / "layout.toml")
    assert run.code == 0, run.said
    state = offer.state()
    steps = state["steps"]
    assert isinstance(steps, list)
    assert [step["comment"] for step in steps] == STEPS
    told = [state[key] for key in ("operating_system", "status", "boot", "files_copied", "partitioned_disks")]
    assert told == ["byolinux_64", "done", None, False, 2]
    first, second = (_partitions(offer.provider.disk_file(NAME).with_name(f"group1-disk{n}.raw")) for n in (1, 2))
    mib = [size // 2048 for size, _ in first]
    assert mib[:3] == [511, 100, 64]  # the ESP as seen on a real server; half of a stripe; the swap of each disk
    assert first[0][1] == "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
    assert len(first) == 5
    assert second == first[:4]
    assert Api(offer.provider).get_object(SERVER)["os"] == "byolinux_64"


@pytest.mark.parametrize(
    ("image", "step", "error"),
    [
        ("disk.qcow2", "Deploying OS on disks", "Image contains more than one partition (3)"),
        (
            "bare.qcow2",
            "Running BYOLinux Configure",
            "The '/root/.ovh/make_image_bootable.sh' file does not exist.",
        ),
    ],
)
def test_what_is_no_image_for_it_fails_as_at_the_provider(offer: Offer, image: str, step: str, error: str) -> None:
    loader = ("--efi-bootloader-path", r"\EFI\debian\grubx64.efi")
    run = offer.deploy(image, "--os", "byolinux", *loader)
    assert (run.code, failed_step(Api(offer.provider))) == (6, (step, error)), run.said
    assert error in run.errors


def test_a_layout_that_does_not_fit_is_refused_before_anything_is_sent(offer: Offer, tmp_path: Path) -> None:
    layout = tmp_path / "layout.json"
    layout.write_text('{"disks": 3, "layout": [{"fileSystem": "ntfs", "mountPoint": "/srv/"}]}')
    before = Api(offer.provider).get(f"{SERVER}/task")
    loader = ("--efi-bootloader-path", r"\EFI\debian\grubx64.efi")
    run = offer.deploy("linux.qcow2", "--os", "byolinux", *loader, "--partitioning", layout)
    assert run.code == 6, run.said
    for word in ("disks 3", "ntfs", "ends in a slash", "no root"):
        assert word in run.errors
    assert Api(offer.provider).get(f"{SERVER}/task") == before


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--partitioning", "LAYOUT"), "--partitioning is for Bring Your Own Linux alone"),
        (("--os", "byolinux", "--partitioning", "NOTHING"), "the file of --partitioning cannot be read"),
    ],
)
def test_flags_that_contradict_each_other(offer: Offer, tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    (tmp_path / "LAYOUT").write_text(LAYOUT)
    run = offer.deploy("linux.qcow2", *(str(tmp_path / flag) if flag.isupper() else flag for flag in flags))
    assert (run.code, said in run.errors) == (2, True), run.said


def test_without_the_loaders_path_the_script_is_told_of(offer: Offer) -> None:
    run = offer.deploy("linux.qcow2", "--os", "byolinux")
    assert run.code == 6
    assert "--bootloader-id" in run.errors


def test_match_takes_the_loader_from_the_images_script(offer: Offer) -> None:
    """The product is the profile's where only that is named."""
    for flags in (("--os", "byolinux"), ("--profile", "ovh-byolinux")):
        run = byoi_tools(
            *("match", offer.folder / "linux.qcow2", "--server", NAME, *flags, "--format", "json"),
            environment=api_environment(offer.provider),
        )
        outcomes = {each["id"]: each["outcome"] for each in json.loads(run.output)["outcomes"]}
        assert (run.code, outcomes["api.payload-schema"]) == (0, "passed"), run.said
        assert (outcomes["byol.script-present"], outcomes["api.partitioning"]) == ("passed", "passed")


def test_match_does_not_mix_products(offer: Offer) -> None:
    run = byoi_tools(
        *("match", offer.folder / "linux.qcow2", "--server", NAME, "--os", "byoi", "--profile", "ovh-byolinux"),
        environment=api_environment(offer.provider),
    )
    assert (run.code, "--os byoi contradicts the profile ovh-byolinux" in run.errors) == (2, True)


def _partitions(disk: Path) -> list[tuple[int, str]]:
    table = json.loads(sh(f"sfdisk --json {disk}"))["partitiontable"]
    assert "No problems found" in sh(f"sgdisk -v {disk}")
    return [(entry["size"], entry["type"]) for entry in table["partitions"]]
