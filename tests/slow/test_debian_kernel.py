"""The kernel, modules and initramfs of the real Debian image, read by us and by the programs of Debian."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from byoi_tools.checks.driver_table import all_drivers
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.fact import Known
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernel_modules import module_name
from byoi_tools.model.guest.kernels import Kernel, Kernels
from fixtures.debian.build import ensure_image
from fixtures.debian.layout import ROOT

IMAGE = Path(__file__).parents[2] / "build" / "debian-12.qcow2"
LISTS = (
    "dep",
    "dep.bin",
    "alias.bin",
    "builtin.bin",
    "builtin.alias.bin",
    "softdep",
    "symbols.bin",
    "order",
    "builtin",
)
RAW = IMAGE.with_suffix(".raw")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kernels() -> Kernels:
    ensure_image(IMAGE)
    guest = inspect_image(RAW).guest
    assert isinstance(guest, Known)
    assert isinstance(guest.value.kernels, Known)
    return guest.value.kernels.value


@pytest.fixture(scope="module")
def kernel(kernels: Kernels) -> Kernel:
    (only,) = kernels.kernels
    return only


def dump(path: str, target: Path) -> Path:
    """A file of the root file system, by debugfs."""
    volume = f"{RAW}?offset={ROOT.offset_bytes}"
    subprocess.run(["debugfs", "-R", f"dump {path} {target}", volume], capture_output=True, check=True)
    return target


def initramfs_of(kernel: Kernel) -> Initramfs:
    assert isinstance(kernel.initramfs, Known)
    assert kernel.initramfs.value is not None
    return kernel.initramfs.value


def test_the_kernel_is_what_file_sees(kernels: Kernels, kernel: Kernel, tmp_path: Path) -> None:
    said = subprocess.run(["file", "-b", dump(kernel.path, tmp_path / "k")], capture_output=True, text=True, check=True)
    found = re.search(r"bzImage, version (\S+)", said.stdout)
    assert found
    assert kernel.version == found.group(1)
    assert kernels.usual == kernel
    assert kernel.image is not None
    assert (kernel.image.machine, kernel.image.has_efi_stub) == ("x86_64", True)
    assert 0 < kernel.image.required_bytes <= kernel.size_bytes == (tmp_path / "k").stat().st_size


def test_the_initramfs_holds_what_lsinitramfs_lists(kernel: Kernel, tmp_path: Path) -> None:
    image = dump(kernel.initramfs_path, tmp_path / "initrd.img")
    listed = subprocess.run(["lsinitramfs", image], capture_output=True, text=True, check=True).stdout.splitlines()
    modules = {module_name(path) for path in listed if re.search(r"\.ko(\.\w+)?$", path)}
    inside = initramfs_of(kernel)
    assert len(modules) > 300
    assert inside.modules == modules
    assert inside.module_versions == (kernel.version,)
    assert (inside.damage, inside.builder, inside.host_only) == ("", "initramfs-tools", "")
    assert {Path(path).name for path in listed if path.startswith("usr/sbin/")} <= inside.programs | {"sbin"}


def test_drivers_need_what_modprobe_would_load(kernel: Kernel, tmp_path: Path) -> None:
    directory = tmp_path / "lib" / "modules" / kernel.version
    directory.mkdir(parents=True)
    for name in LISTS:
        dump(f"/usr/lib/modules/{kernel.version}/modules.{name}", directory / f"modules.{name}")
    assert kernel.modules is not None
    index, builtin = kernel.modules.index, kernel.modules.builtin
    for module in index.files.values():
        (directory / module.path).parent.mkdir(parents=True, exist_ok=True)
        (directory / module.path).touch()
    names = {module for driver in all_drivers() for module in driver.modules} | {
        "ext4",
        "xfs",
        "btrfs",
        "isofs",
        "vfat",
    }
    for name in sorted(names | {"mpt2sas", "fs-ext4", "fs-iso9660"}):
        command = ["modprobe", "-d", str(tmp_path), "-S", kernel.version, "--show-depends", name]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        loaded = {module_name(line.split()[1]) for line in said.splitlines() if line.startswith("insmod ")}
        everything = {
            each for module in index.modules_of(name, builtin) for each in (module, *index.files[module].needs)
        }
        before = {each for module in everything for each in index.loaded_before.get(module, ())}
        softly = {module for each in before for module in index.modules_of(each, builtin)}
        softly |= {need for module in softly if module in index.files for need in index.files[module].needs}
        assert everything <= loaded, name
        assert loaded - everything <= softly, name
        assert index.missing_for(name, loaded, builtin) == ()
        for needed in everything:
            assert needed in index.missing_for(name, loaded - {needed}, ()), name
