"""Kernels and their initramfs images under the names that distributions give them, and what marks an initramfs."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from byoi_tools.formats.boot.linux_kernel import read_kernel
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.kernels.loaded_initrds import LoadedInitrds
from byoi_tools.inspection.guest.kernels.read import begin_kernels, read_kernels
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernels import Blacklisting, Kernel, KernelLink, Kernels
from fixtures.tiny import kernel_image, pe
from fixtures.tiny.good_files import Link as GoodLink
from fixtures.tiny.good_files import kernels as good
from fixtures.tiny.initramfs import MICROCODE, compressed, cpio, initramfs, module_files
from tests.guest_tree import Link, tree_of

NO_DISK = cast(Disk, None)  # this domain asks for the files alone


Files = Mapping[str, str | bytes | Link]


def read(files: Files) -> Kernels:
    context = GuestContext(tree=tree_of(files), disk=NO_DISK, esps=(), volumes=())
    with ThreadPoolExecutor(1) as aside:
        return read_kernels(context, begin_kernels(context.tree, aside), LoadedInitrds(()))


def read_one(files: Files) -> Kernel:
    (kernel,) = read(files).kernels
    return kernel


def opened(image: bytes) -> Initramfs:
    kernel = read_one({"/boot/vmlinuz-1": kernel_image.build("1"), "/boot/initrd.img-1": image})
    assert isinstance(kernel.initramfs, Known)
    assert kernel.initramfs.value is not None
    return kernel.initramfs.value


@pytest.mark.parametrize(
    ("kernel", "image"),
    [
        ("/boot/vmlinuz-6.1.0-41-amd64", "/boot/initrd.img-6.1.0-41-amd64"),  # Debian, Ubuntu
        ("/boot/vmlinuz-6.8.5-301.fc40.x86_64", "/boot/initramfs-6.8.5-301.fc40.x86_64.img"),  # dracut
        ("/boot/vmlinuz-6.4.0-150600.23-default", "/boot/initrd-6.4.0-150600.23-default"),  # SUSE
        ("/boot/vmlinuz-linux", "/boot/initramfs-linux.img"),  # Arch
        ("/boot/vmlinuz-lts", "/boot/initramfs-lts"),  # Alpine
        ("/lib/modules/6.9.1/vmlinuz", "/lib/modules/6.9.1/initramfs.img"),  # image-based systems
        ("/boot/0123abcd/6.9.1/linux", "/boot/0123abcd/6.9.1/initrd"),  # kernel-install
    ],
)
def test_each_distribution_has_its_names(kernel: str, image: str) -> None:
    files: Files = {
        kernel: kernel_image.build("6.9.1"),
        image: compressed({"init": b""}),
        "/boot/loader/entries/a.conf": "",
    }
    found = read_one(files)
    assert (found.path, found.initramfs_path, found.version) == (kernel, image, "6.9.1")


def test_an_initramfs_that_takes_too_much_memory_is_not_opened() -> None:
    kernel = read_one({"/boot/vmlinuz-1": kernel_image.build("1"), "/boot/initrd.img-1": bytes((176 << 20) + 1)})
    assert kernel.initramfs == NotExamined("the initramfs is larger than 176 MiB")


def test_a_kernel_in_its_module_directory_counts_once() -> None:
    content = kernel_image.build("6.9.1")
    assert (
        read_one({"/boot/vmlinuz-6.9.1": content, "/lib/modules/6.9.1/vmlinuz": content}).path == "/boot/vmlinuz-6.9.1"
    )


def test_the_newest_is_the_usual_one_unless_a_link_names_another() -> None:
    files = {f"/boot/vmlinuz-{each}": kernel_image.build(each) for each in ("6.1.0-9", "6.1.0-41", "6.1.0-41~rc1")}
    rescue = "/boot/vmlinuz-0-rescue-4f00"
    found = read(files | {rescue: kernel_image.build("6.12.0"), "/boot/vmlinuz.old": Link("vmlinuz-6.1.0-9")})
    assert [kernel.version for kernel in found.kernels] == ["6.1.0-41", "6.1.0-41~rc1", "6.1.0-9", "6.12.0"]
    assert found.usual == found.kernels[0]
    linked = read(files | {"/vmlinuz": Link("boot/vmlinuz-6.1.0-9")})
    assert linked.usual is not None
    assert linked.usual.version == "6.1.0-9"
    assert linked.links == (KernelLink("/vmlinuz", "boot/vmlinuz-6.1.0-9", "/boot/vmlinuz-6.1.0-9"),)


def test_links_are_followed_inside_of_the_guest() -> None:
    found = read({"/boot/vmlinuz": Link("../../../boot/gone"), "/initrd.img": Link("/initrd.img")})
    assert [(link.path, link.resolved) for link in found.links] == [("/boot/vmlinuz", ""), ("/initrd.img", "")]
    assert found.kernels == ()
    assert found.usual is None


def test_a_file_that_is_no_kernel_keeps_the_version_of_its_name() -> None:
    kernel = read_one({"/boot/vmlinuz-6.1.0": "<html>", "/boot/vmlinuz-6.1.0.sig/": "", "/boot/config-6.1.0": "A=y"})
    assert (kernel.version, kernel.image, kernel.size_bytes) == ("6.1.0", None, 6)
    assert kernel.options == Known(frozenset())
    assert kernel.initramfs == Known(None)
    assert kernel.modules is None


def test_no_version_leads_out_of_the_module_directories() -> None:
    files: Files = {"/boot/vmlinuz-1": kernel_image.build("../../etc"), "/etc/modules.dep": "kernel/a.ko:\n"}
    assert read_one(files).modules is None


def test_the_good_guest() -> None:
    found = read(
        {path: Link(data) if isinstance(data, GoodLink) else data for path, data in good.FILES.items()}
        | {"/lib": Link("usr/lib")}
    )
    (kernel,) = found.kernels
    assert kernel.modules is not None
    assert set(kernel.modules.index.files) == {
        path.rpartition("/")[2][:-3].replace("-", "_") for path in good.ALL_MODULES
    }
    assert kernel.modules.builtin == {"configfs", "virtio_pci"}
    assert kernel.options == Known(frozenset(good.OPTIONS))
    assert found.module_versions == (good.RELEASE,)
    assert "intel/ice/ddp/ice.pkg" in found.firmware
    assert isinstance(kernel.initramfs, Known)
    inside = kernel.initramfs.value
    assert inside is not None
    assert inside.microcode == ("AuthenticAMD", "GenuineIntel")
    assert inside.segments == ("cpio", "gzip")
    assert {"nvme", "nvme_core", "ahci", "ext4"} <= inside.modules
    assert {"udevadm", "blkid"} <= inside.programs
    assert (inside.builder, inside.hooks, inside.host_only) == ("initramfs-tools", ("init-top/udev",), "")


def test_no_more_than_three_initramfs_images_are_opened() -> None:
    versions = [f"6.1.0-{number}" for number in range(10, 16)]
    files = {f"/boot/vmlinuz-{each}": kernel_image.build(each) for each in versions}
    files |= {f"/boot/initrd.img-{each}": compressed({"init": b""}) for each in versions}
    found = read(files | {"/vmlinuz": Link("boot/vmlinuz-6.1.0-10")}).kernels
    assert [kernel.version for kernel in found if isinstance(kernel.initramfs, Known)] == [
        "6.1.0-15",
        "6.1.0-14",
        "6.1.0-10",
    ]


@pytest.mark.parametrize(
    ("files", "trace"),
    [
        ({"conf/initramfs.conf": b"MODULES=dep\n"}, "MODULES=dep (conf/initramfs.conf)"),
        (
            {"conf/initramfs.conf": b"MODULES=most\n", "conf/conf.d/driver-policy": b"MODULES=list\n"},
            "MODULES=list (conf/conf.d/driver-policy)",
        ),
        ({"conf/initramfs.conf": b"MODULES=dep\n", "conf/conf.d/policy": b"MODULES=most\n"}, ""),
        ({"conf/initramfs.conf": b"# MODULES=dep\nMODULES=netboot\n"}, ""),
        ({"usr/lib/dracut/build-parameter.txt": b"--kver 6.1 -H\n"}, "dracut -H (usr/lib/dracut/build-parameter.txt)"),
        ({"lib/dracut/build-parameter.txt": b"--no-hostonly --add 'lvm'\n"}, ""),
        ({"usr/lib/dracut/hostonly-files": b""}, "dracut left usr/lib/dracut/hostonly-files"),
        ({"buildconfig": b"#HOOKS=(base autodetect)\nHOOKS=(base udev block)\n"}, ""),
        ({"buildconfig": b'HOOKS="base autodetect block"\n'}, "the hook autodetect of mkinitcpio (buildconfig)"),
    ],
)
def test_traces_of_a_build_for_one_machine(files: dict[str, bytes], trace: str) -> None:
    assert opened(initramfs(files)).host_only == trace


def test_hooks_and_builders() -> None:
    dracut = opened(compressed({"usr/lib/dracut/modules.txt": b"systemd\nlvm\ncrypt\n"}))
    assert (dracut.builder, dracut.hooks) == ("dracut", ("crypt", "lvm", "systemd"))
    debian = opened(
        compressed({"conf/initramfs.conf": b"", "scripts/local-top/lvm2": b"", "scripts/local-top/ORDER": b""})
    )
    assert (debian.builder, debian.hooks) == ("initramfs-tools", ("local-top/lvm2",))
    arch = opened(compressed({"buildconfig": b"", "hooks/encrypt": b""}))
    assert (arch.builder, arch.hooks) == ("mkinitcpio", ("encrypt",))


def test_modules_of_any_compression_and_version() -> None:
    names = ("kernel/a-b.ko", "kernel/c.ko.xz", "kernel/d.ko.zst", "extra/e.ko.gz", "modules.dep", "kernel/f.o")
    inside = opened(compressed(module_files("6.1", names) | {"lib/modules/6.2/kernel/g.ko": b""}))
    assert inside.modules == {"a_b", "c", "d", "e", "g"}
    assert inside.module_versions == ("6.1", "6.2")


def test_blacklists_of_the_initramfs() -> None:
    files = {"etc/modprobe.d/a.conf": b"# no\nblacklist nvme\n", "etc/modprobe.d/b.txt": b"blacklist ahci\n"}
    assert opened(compressed(files)).blacklisted == (("nvme", "etc/modprobe.d/a.conf line 2"),)


def test_a_file_of_etc_replaces_one_of_the_same_name() -> None:
    found = read(
        {
            "/etc/modprobe.d/a.conf": "",
            "/usr/lib/modprobe.d/a.conf": "blacklist nvme\n",
            "/usr/lib/modprobe.d/b.conf": "\nblacklist e1000e\n",
        }
    )
    assert found.blacklisted == (Blacklisting("e1000e", "/usr/lib/modprobe.d/b.conf line 2"),)


@pytest.mark.parametrize("name", ["squashfs-root.img", "squash-root.img"])
def test_an_initramfs_in_an_initramfs_is_not_opened(name: str) -> None:
    files: Files = {
        "/boot/vmlinuz-1": kernel_image.build("1"),
        "/boot/initrd-1": compressed({"init": b"", name: b"hsqs"}),
    }
    assert isinstance(read_one(files).initramfs, NotExamined)


def test_damage_keeps_what_was_read() -> None:
    inside = opened(cpio(MICROCODE) + b"\xff" * 99)
    assert inside.damage
    assert inside.microcode == ("AuthenticAMD", "GenuineIntel")


def test_modules_that_did_not_come_with_the_kernel() -> None:
    directory = "/lib/modules/1"
    files: Files = {
        "/boot/vmlinuz-1": kernel_image.build("1"),
        f"{directory}/modules.dep": "updates/dkms/a.ko:\nextra/b.ko: kernel/c.ko\nkernel/c.ko:\nextra/d.ko.xz:\n",
        f"{directory}/updates/dkms/a.ko": b"\x7fELF",
        f"{directory}/extra/b.ko": b"\x7fELF~Module signature appended~\n",
        f"{directory}/extra/d.ko.xz": b"\xfd7zXZ",
    }
    modules = read_one(files).modules
    assert modules is not None
    assert modules.outside == ("extra/b.ko", "extra/d.ko.xz", "updates/dkms/a.ko")
    assert modules.unsigned == ("updates/dkms/a.ko",)


def test_firmware_is_named_without_its_compression() -> None:
    found = read({"/usr/lib/firmware/bnx2/a.fw.xz": b"", "/usr/lib/firmware/x.bin.zst": b"", "/lib": Link("usr/lib")})
    assert found.firmware == {"bnx2/a.fw", "x.bin"}


def test_microcode_beside_the_initramfs() -> None:
    assert read({"/boot/intel-ucode.img": b"", "/boot/amd-ucode.img": b""}).microcode_images == (
        "/boot/amd-ucode.img",
        "/boot/intel-ucode.img",
    )


UNIFIED = "/boot/efi/EFI/Linux/debian.efi"


def unified(**sections: bytes) -> bytes:
    return pe.build({f".{name}": content for name, content in sections.items()})


def test_a_unified_kernel_image_is_a_kernel_with_its_initramfs() -> None:
    linux = kernel_image.build("6.1.0-41-amd64")
    image = unified(
        linux=linux, initrd=compressed(module_files("6.1.0-41-amd64", ["kernel/nvme.ko"])), cmdline=b"quiet"
    )
    kernel = read_one({UNIFIED: image, "/lib/modules/6.1.0-41-amd64/modules.dep": "kernel/nvme.ko:\n"})
    assert (kernel.path, kernel.version, kernel.size_bytes) == (UNIFIED, "6.1.0-41-amd64", len(linux))
    assert (kernel.initramfs_path, kernel.image) == (UNIFIED, read_kernel(linux))
    assert kernel.modules is not None
    assert isinstance(kernel.initramfs, Known)
    assert kernel.initramfs.value is not None
    assert kernel.initramfs.value.modules == {"nvme"}


def test_what_a_unified_kernel_image_may_lack() -> None:
    kernel = read_one({UNIFIED: unified(linux=bytes(900), uname=b"6.9.1\0")})
    assert (kernel.version, kernel.image, kernel.initramfs_path, kernel.initramfs) == ("6.9.1", None, "", Known(None))
    assert read({UNIFIED: unified(osrel=b"ID=x")}).kernels == ()
    assert read({UNIFIED: b"no program"}).kernels == ()


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/boot/vmlinuz-6.1.0-41", "6.1.0-41"),
        ("/vmlinuz-6.1.0-41", "6.1.0-41"),  # from a partition that is mounted at /boot
        ("/@rootfs/boot/vmlinuz-6.1.0-41", "6.1.0-41"),  # from the top of a btrfs
        ("/vmlinuz", "6.1.0-9"),
        ("efi/linux/DEBIAN.EFI", "6.12.0"),
        ("/boot/vmlinuz-6.1.0", None),
        ("/boot/xvmlinuz-6.1.0-41", None),
    ],
)
def test_a_kernel_is_known_by_the_path_that_a_loader_uses(path: str, version: str | None) -> None:
    files = {f"/boot/vmlinuz-{each}": kernel_image.build(each) for each in ("6.1.0-9", "6.1.0-41")}
    image = {UNIFIED: unified(linux=kernel_image.build("6.12.0"))}
    found = read(files | image | {"/vmlinuz": Link("boot/vmlinuz-6.1.0-9")}).started_as(path)
    assert (found and found.version) == version
