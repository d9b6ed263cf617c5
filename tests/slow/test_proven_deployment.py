"""The Debian image on simulated servers that boot: the new system is proven, and nothing else passes for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from byoi_tools.simulator.faults import BootFault, Faults
from byoi_tools.simulator.servers import BootMode, DiskGroup, SimulatedServer
from byoi_tools.simulator.service import Simulator
from fixtures.debian.build import ensure_image
from tests.command import Finished, byoi_tools
from tests.simulated_user import api_environment
from tests.unit.simulator.outside import LOADER, ImageHost, order

IMAGE = Path(__file__).parents[2] / "build" / "debian-12.qcow2"
NAME = "ns1.simulated"


@pytest.fixture(scope="module")
def host() -> Iterator[ImageHost]:
    ensure_image(IMAGE)
    with ImageHost(IMAGE.parent) as running:
        yield running


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub")


@contextmanager
def provider(directory: Path, boot: BootMode, fault: BootFault = BootFault.NEW) -> Iterator[Simulator]:
    disks = (DiskGroup(1, 1, 8, "NVMe" if boot is BootMode.UEFI else "SATA"),)
    server = SimulatedServer(NAME, boot, 16384, disks, faults=Faults(boot=fault))
    with Simulator([server], directory=directory / "servers", boots=True) as simulator:
        yield simulator


def deploy(simulator: Simulator, host: ImageHost, key: Path, timeout: str = "20m") -> Finished:
    told = order(host.url(f"/files/{IMAGE.name}"), IMAGE)["customizations"]
    assert isinstance(told, dict)
    user_data = key.with_name("user-data.yaml")
    user_data.write_text("#cloud-config\nruncmd:\n  - [touch, /root/it-works]\n")
    return byoi_tools(
        *("deploy", "--server", NAME, "--confirm", NAME, "--url", told["imageURL"], "--image-type", "qcow2"),
        *("--checksum", f"sha512:{told['imageCheckSum']}", "--efi-bootloader-path", LOADER, "--hostname", "proven"),
        *("--ssh-key", key, "--user-data", user_data, "--prove", "ssh", "--prove-timeout", timeout),
        *("--ssh-address", str(simulator.ssh_address(NAME))),
        environment={
            **api_environment(simulator),
            "XDG_STATE_HOME": str(key.parent / "state"),
        },
        seconds=1800,
    )


def assert_proven(run: Finished, simulator: Simulator, boot: BootMode) -> None:
    assert run.code == 0, run.said
    assert "PROVEN at" in run.output
    assert "host name  proven" in run.output
    assert "user data  as sent" in run.output
    console = simulator.state_file(NAME).with_name("console.log").read_text(errors="replace")
    assert ("efi: EFI v" in console) == (boot is BootMode.UEFI), "the kernel saw another firmware"


@pytest.mark.slow
def test_a_booted_server_is_proven(tmp_path: Path, host: ImageHost, key: Path) -> None:
    """Under legacy boot; the test of the old system has the same for UEFI."""
    with provider(tmp_path, BootMode.LEGACY) as simulator:
        assert_proven(deploy(simulator, host, key), simulator, BootMode.LEGACY)


@pytest.mark.slow
def test_a_server_that_never_boots_is_not_proven(tmp_path: Path, host: ImageHost, key: Path) -> None:
    with provider(tmp_path, BootMode.UEFI, BootFault.NEVER) as simulator:
        run = deploy(simulator, host, key, "15s")
    assert (run.code, "NOT PROVEN" in run.output) == (6, True), run.said
    assert "nobody answered" in " ".join(run.output.split())


@pytest.mark.slow
def test_an_old_system_is_not_taken_for_the_new_one(tmp_path: Path, host: ImageHost, key: Path) -> None:
    """It has the same key, the same host name and the same user data; only the marker is another."""
    with provider(tmp_path, BootMode.UEFI, BootFault.OLD_SYSTEM) as simulator:
        assert_proven(deploy(simulator, host, key), simulator, BootMode.UEFI)
        second = deploy(simulator, host, key)
    assert (second.code, "NOT PROVEN" in second.output) == (6, True), second.said
    assert "that of another deployment: an old system answers" in " ".join(second.output.split())
