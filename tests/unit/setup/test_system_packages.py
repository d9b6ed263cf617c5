"""setup/system-packages.sh: what it does with dpkg, apt and sudo, which are fakes alone in PATH."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[3] / "setup"
SCRIPT = SETUP / "system-packages.sh"
ORDINARY_TOOLS = ("sh", "cat", "dirname", "env", "grep", "mktemp", "rm", "sed")


class Machine:
    """A PATH with only the ordinary tools and the fakes that a test adds, and a release of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.release = folder / "os-release"
        self.release.write_text('ID=debian\nVERSION_ID="12"\n')
        self.calls = folder / "calls"
        self.calls.touch()
        for tool in ORDINARY_TOOLS:
            found = shutil.which(tool)
            assert found
            (self.bin / tool).symlink_to(found)
        self.fake("id", "echo 0")
        self.fake("apt-get", "exit 0")

    def fake(self, name: str, body: str) -> None:
        program = self.bin / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.calls}\n{body}\n')
        program.chmod(0o755)

    def has_installed(self, names: list[str]) -> None:
        self.fake("dpkg-query", "\n".join(f"echo 'installed {name}'" for name in names))

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {"PATH": str(self.bin), "OS_RELEASE_FILE": str(self.release), **environment}
        return subprocess.run(["/bin/sh", SCRIPT], env=settings, capture_output=True, text=True, check=False)

    def calls_of(self, name: str) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if line.startswith(f"{name} ")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def wanted() -> list[str]:
    lines = (SETUP / "packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_each_package_is_named_once() -> None:
    assert len(wanted()) == len(set(wanted()))


def test_every_package_exists_in_the_distribution() -> None:
    if "ID=debian" not in Path("/etc/os-release").read_text():
        pytest.skip("the names are Debian's")
    known = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\n", *wanted()], capture_output=True, text=True)
    assert known.returncode == 0, known.stderr


def test_does_nothing_when_all_is_there(machine: Machine) -> None:
    machine.has_installed(wanted())
    done = machine.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.calls_of("apt-get") == []


def test_installs_only_what_is_missing(machine: Machine) -> None:
    machine.has_installed([name for name in wanted() if name not in {"mtools", "ovmf"}])
    done = machine.run()
    assert done.returncode == 0, done.stderr
    update, install = machine.calls_of("apt-get")
    assert update.endswith(" update")
    assert install.endswith(" install --no-install-recommends mtools ovmf")
    assert machine.calls_of("sudo") == []


def test_a_name_inside_another_name_is_not_taken_for_it(machine: Machine) -> None:
    machine.has_installed([name.replace("fdisk", "gfdisk") for name in wanted()])
    machine.run()
    assert machine.calls_of("apt-get")[-1].endswith(" fdisk")


def test_asks_sudo_when_not_root(machine: Machine) -> None:
    machine.has_installed([])
    machine.fake("id", "echo 1000")
    machine.fake("sudo", 'exec "$@"')
    assert machine.run().returncode == 0
    assert len(machine.calls_of("sudo")) == 2
    assert len(machine.calls_of("apt-get")) == 2


def test_stops_without_root_and_sudo(machine: Machine) -> None:
    machine.has_installed([name for name in wanted() if name != "packer"])
    machine.fake("id", "echo 1000")
    done = machine.run()
    assert done.returncode == 1
    assert "neither root nor sudo" in done.stderr
    assert "Debian 12): packer\n" in done.stderr
    assert machine.calls_of("apt-get") == []


@pytest.mark.parametrize("release", ["ID=debian\nVERSION_ID=13\n", "ID=fedora\nVERSION_ID=42\n", ""])
def test_stops_on_another_distribution(machine: Machine, release: str) -> None:
    machine.release.write_text(release)
    done = machine.run()
    assert done.returncode == 1
    assert "Debian 12 only" in done.stderr
    assert "SKIP_SYSTEM_PACKAGES=1" in done.stderr
    for name in wanted():
        assert name in done.stderr
    assert machine.calls_of("apt-get") == []


def test_another_distribution_can_say_that_all_is_there(machine: Machine) -> None:
    machine.release.write_text("ID=fedora\n")
    assert machine.run(SKIP_SYSTEM_PACKAGES="1").returncode == 0


def test_shows_what_apt_said_when_it_fails(machine: Machine) -> None:
    machine.has_installed([])
    machine.fake("apt-get", "echo 'E: the lists are broken'; exit 100")
    done = machine.run()
    assert done.returncode == 1
    assert "E: the lists are broken" in done.stderr
    assert "apt-get update failed" in done.stderr
