"""The checks of kernels, initramfs images and drivers where more than their recipes is to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from byoi_tools.checks import driver, initrd, kernel
from byoi_tools.checks.check import Check
from byoi_tools.checks.driver_table import Role, all_drivers, drivers_of
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.fact import Known
from byoi_tools.model.finding import Outcome, OutcomeKind, Severity
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile
from fixtures.tiny import kernel_image
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good_files import Content, Link
from fixtures.tiny.good_files.kernels import (
    CONFIG,
    INITRAMFS_FILES,
    INITRD,
    KERNEL,
    MODULES,
    OPTIONS,
    RELEASE,
    STORAGE,
    configuration,
)
from fixtures.tiny.initramfs import initramfs, module_files
from fixtures.tiny.kernels import grub_config, initrd_without, kernel_of, modules_without
from fixtures.tiny.layout import LOADER, ROOT_FS_UUID
from fixtures.tiny.loaders import systemd_boot
from tests.unit.checks.tiny_images import ask, ask_once

PASSED, FAILED, SKIPPED = OutcomeKind.PASSED, OutcomeKind.FAILED, OutcomeKind.SKIPPED
ROOT_ARGUMENT = f"root=UUID={ROOT_FS_UUID}"


def image_of(directory: Path, files: Mapping[str, Content], *deleted: str) -> Path:
    """The good image with other files in its root."""
    canvas = Canvas(directory / ".canvas")
    for path in deleted:
        canvas.guest_delete(path)
    canvas.guest_put_all(files)
    return canvas.as_raw(directory / "image.raw")


def ask_with(check: Check, image: Path, intent: Intent) -> tuple[Outcome, ...]:
    profile = Profile("test", "", intent.product, None, Target(), ())
    return check_image((check,), inspect_image(image), intent, profile, fail_on=None).outcomes


BUILT_IN = {CONFIG: configuration(*OPTIONS, "BLK_DEV_NVME", "SATA_AHCI", "BLK_DEV_SD", "EXT4_FS")}


def test_what_is_built_in_need_not_be_in_the_initramfs(tmp_path: Path) -> None:
    without = initrd_without("nvme.ko", "nvme-core.ko", "ahci.ko", "sd_mod.ko", "ext4.ko")
    image = image_of(tmp_path, {**without, **BUILT_IN})
    for check in (initrd.nvme, initrd.ahci, initrd.rootfs, initrd.virtio_only):
        assert ask_once(check, image).kind is PASSED


def test_modules_builtin_counts_too(tmp_path: Path) -> None:
    builtin = {f"{MODULES}/modules.builtin": "kernel/drivers/nvme/host/nvme-core.ko\n"}
    image = image_of(tmp_path, {**initrd_without("nvme-core.ko"), **builtin})
    assert ask_once(initrd.nvme, image).kind is PASSED


def test_a_kernel_that_has_its_disk_drivers_may_do_without_initramfs(tmp_path: Path) -> None:
    image = image_of(tmp_path, BUILT_IN, INITRD)
    assert ask_once(initrd.present, image).kind is PASSED
    assert ask_once(initrd.nvme, image).kind is SKIPPED


def test_a_uuid_is_found_by_an_initramfs_alone(tmp_path: Path) -> None:
    # Linux, Documentation/admin-guide/kernel-parameters.txt: root= takes PARTUUID= and devices, no UUID=
    without = grub_config(ROOT_ARGUMENT, "ro").replace(f"  initrd {INITRD}\n", "")
    image = image_of(tmp_path, {**BUILT_IN, "/boot/grub/grub.cfg": without}, INITRD)
    assert ask_once(initrd.present, image).kind is FAILED
    device = without.replace(ROOT_ARGUMENT, "root=PARTUUID=11111111-2222-3333-4444-555555555555")
    (tmp_path / "device").mkdir()
    image = image_of(tmp_path / "device", {**BUILT_IN, "/boot/grub/grub.cfg": device}, INITRD)
    assert ask_once(initrd.present, image).kind is PASSED


def test_an_initramfs_that_the_entry_does_not_load_is_none(tmp_path: Path) -> None:
    config = grub_config(ROOT_ARGUMENT, "ro").replace(f"  initrd {INITRD}\n", "")
    outcome = ask_once(initrd.present, image_of(tmp_path, {"/boot/grub/grub.cfg": config}))
    assert outcome.kind is FAILED
    assert outcome.observed == f'"{KERNEL}" without initrd'


def test_microcode_is_no_initramfs(tmp_path: Path) -> None:
    config = grub_config(ROOT_ARGUMENT, "ro").replace(INITRD, "/boot/intel-ucode.img")
    files: dict[str, Content] = {"/boot/grub/grub.cfg": config, "/boot/intel-ucode.img": initramfs({})}
    assert ask_once(initrd.present, image_of(tmp_path, files)).kind is FAILED


def test_a_first_try_without_initramfs_is_followed_by_another(tmp_path: Path) -> None:
    # the menu of Ubuntu's cloud images (grub.d/10_linux with GRUB_FORCE_PARTUUID)
    config = grub_config("root=PARTUUID=11111111-2222-3333-4444-555555555555", "ro", "panic=-1")
    image = image_of(tmp_path, {"/boot/grub/grub.cfg": config.replace(f"  initrd {INITRD}\n", "")})
    assert ask_once(initrd.present, image).kind is PASSED


def test_the_initramfs_that_the_entry_loads_is_the_one_that_counts(tmp_path: Path) -> None:
    config = grub_config(ROOT_ARGUMENT, "ro").replace(INITRD, "/boot/small.img")
    small = initramfs(module_files(RELEASE, ["kernel/drivers/block/virtio_blk.ko"]))
    files: dict[str, Content] = {"/boot/grub/grub.cfg": config, "/boot/small.img": small}
    image = image_of(tmp_path, files)
    assert ask_once(initrd.present, image).kind is PASSED
    assert ask_once(initrd.virtio_only, image).kind is FAILED
    assert ask_once(initrd.virtio_only, image).evidence == '"/boot/small.img"'


def test_a_kernel_that_no_loader_reaches_needs_no_initramfs_beside_it(tmp_path: Path) -> None:
    # without an fstab the tree has no /boot: the kernel of the module directory is a copy
    content = kernel_image.build(RELEASE)
    image = image_of(
        tmp_path, {f"{MODULES}/vmlinuz": content}, KERNEL, INITRD, "/vmlinuz", "/initrd.img", "/boot/grub/grub.cfg"
    )
    assert ask_once(initrd.present, image).kind is SKIPPED


@pytest.mark.parametrize("suffix", [".xz", ".zst", ".gz"])
def test_compressed_modules_are_modules(suffix: str, tmp_path: Path) -> None:
    files = {path: data for path, data in INITRAMFS_FILES.items() if RELEASE not in path}
    packed = module_files(RELEASE, (f"{path}{suffix}" for path in STORAGE))
    image = image_of(tmp_path, {INITRD: initramfs(files | packed)})
    for check in (initrd.nvme, initrd.ahci, initrd.rootfs, initrd.usb_bmc, initrd.version):
        assert ask_once(check, image).kind is PASSED


def test_a_damaged_initramfs_is_told_once(tmp_path: Path) -> None:
    image = image_of(tmp_path, {INITRD: b"070701" + b"\xff" * 500})
    assert ask_once(initrd.readable, image).kind is FAILED
    for check in (initrd.nvme, initrd.ahci, initrd.rootfs, initrd.version, initrd.hostonly, driver.microcode):
        assert ask_once(check, image).kind is SKIPPED


def test_lzop_is_skipped_with_the_reason(tmp_path: Path) -> None:
    outcome = ask_once(initrd.readable, image_of(tmp_path, {INITRD: b"\x89LZO\0\r\n\x1a\n" + bytes(99)}))
    assert outcome.kind is SKIPPED
    assert "lzop" in outcome.message


@pytest.mark.parametrize(
    ("controller", "check", "kind"),
    [
        ("MegaRaid", initrd.megaraid, FAILED),
        ("PERC H730", initrd.megaraid, FAILED),
        ("Adaptec 7805Q", initrd.megaraid, SKIPPED),
        ("Adaptec 7805Q", initrd.hba, PASSED),
        ("SAS3008", initrd.hba, PASSED),
        ("", initrd.megaraid, SKIPPED),
        ("", initrd.hba, SKIPPED),
    ],
)
def test_the_servers_controller_decides(controller: str, check: Check, kind: OutcomeKind, tmp_path: Path) -> None:
    image = image_of(tmp_path, initrd_without("megaraid_sas.ko"))
    intent = Intent(Product.BYOI, BootMode.UEFI, target=Target(raid_controller=Known(controller)))
    (outcome,) = ask_with(check, image, intent)
    assert outcome.kind is kind
    assert ask_once(check, image).message == "no server is named"


def test_the_default_entry_counts_more_than_links_and_versions(tmp_path: Path) -> None:
    cloud, newer = "/boot/vmlinuz-6.1.0-39-cloud-amd64", "/boot/vmlinuz-6.12.1-amd64"
    files: dict[str, Content] = {
        cloud: kernel_image.build("6.1.0-39-cloud-amd64"),
        newer: kernel_image.build("6.12.1-amd64"),
        "/vmlinuz": Link(newer.removeprefix("/")),
    }
    config = grub_config(ROOT_ARGUMENT, "ro").replace(KERNEL, cloud)
    outcome = ask_once(kernel.flavour, image_of(tmp_path, {**files, "/boot/grub/grub.cfg": config}))
    assert outcome.kind is FAILED
    assert outcome.evidence == f'"{cloud}"'


def test_no_kernel_at_all(tmp_path: Path) -> None:
    image = image_of(tmp_path, {}, KERNEL, "/vmlinuz")
    assert ask_once(kernel.present, image).message == "there is no kernel to start"
    for check in (kernel.flavour, kernel.arch, initrd.present, initrd.nvme, driver.net):
        assert ask_once(check, image).kind is SKIPPED


def test_a_kernel_without_modules_needs_no_directory(tmp_path: Path) -> None:
    image = image_of(tmp_path, {CONFIG: configuration("EXT4_FS")}, MODULES)
    assert ask_once(kernel.modules_dir, image).kind is PASSED


def test_an_old_link_that_dangles_is_less_bad(tmp_path: Path) -> None:
    image = image_of(tmp_path, {"/vmlinuz.old": Link("boot/vmlinuz-6.1.0-40-amd64"), "/initrd.img": Link("nowhere")})
    found = {outcome.message: outcome.severity for outcome in ask(kernel.symlink_ok, image)}
    assert found == {
        "the symlink /vmlinuz.old leads nowhere": Severity.WARNING,
        "the symlink /initrd.img leads nowhere": Severity.ERROR,
    }


@pytest.mark.parametrize(
    ("release", "is_virtual"),
    [
        ("6.1.0-41-cloud-amd64", True),
        ("6.8.0-1008-aws", True),
        ("6.8.0-1010-azure-fde", True),
        ("6.6.30-0-virt", True),
        ("5.15.0-1058-kvm", True),
        ("6.1.0-41-amd64", False),
        ("6.8.0-31-generic", False),
        ("6.6.30-0-lts", False),
        ("5.14.0-427.el9.x86_64", False),
        ("6.9.1-arch1-1", False),
        ("6.8.12-4-pve", False),
    ],
)
def test_flavours_for_virtual_machines(release: str, is_virtual: bool, tmp_path: Path) -> None:
    outcome = ask_once(kernel.flavour, image_of(tmp_path, kernel_of(release)))
    assert outcome.kind is (FAILED if is_virtual else PASSED)


def test_an_ordinary_kernel_with_xen_in_its_name_is_not_for_guests_alone(tmp_path: Path) -> None:
    assert ask_once(kernel.xen_pv, image_of(tmp_path, kernel_of("6.1.0-qubes-xen"))).kind is PASSED


def test_systemd_boot_needs_the_efi_stub(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.guest_put(KERNEL, kernel_image.build(RELEASE, has_efi_stub=False))
    assert ask_once(kernel.efistub, canvas.path).severity is Severity.WARNING
    canvas.esp_delete(LOADER)
    canvas.esp_put("/EFI/systemd/systemd-bootx64.efi", systemd_boot())
    canvas.esp_put("/EFI/BOOT/BOOTX64.EFI", systemd_boot())
    assert ask_once(kernel.efistub, canvas.path).severity is Severity.ERROR


def test_cards_of_today_and_of_yesterday_are_told_apart(tmp_path: Path) -> None:
    found = ask(driver.net, image_of(tmp_path, modules_without("igb.ko", "mdio.ko", "tg3.ko")))
    assert [(outcome.severity, outcome.observed) for outcome in found] == [
        (Severity.ERROR, 'missing: "mdio", "igb"'),
        (Severity.WARNING, 'missing: "tg3", "mdio"'),
    ]


@pytest.mark.parametrize(
    ("product", "module", "kind"),
    [
        (Product.BYOI, "isofs.ko", FAILED),
        (Product.BYOLINUX, "isofs.ko", PASSED),
        (Product.BYOI, "nls_ascii.ko", PASSED),
        (Product.BYOLINUX, "nls_ascii.ko", FAILED),
        (Product.BYOLINUX, "fat.ko", FAILED),
    ],
)
def test_each_product_has_its_config_drive(product: Product, module: str, kind: OutcomeKind, tmp_path: Path) -> None:
    (outcome,) = ask_with(
        driver.configdrive, image_of(tmp_path, modules_without(module)), Intent(product, BootMode.UEFI)
    )
    assert outcome.kind is kind


def test_a_blacklist_of_something_else_is_nobodys_business(tmp_path: Path) -> None:
    image = image_of(tmp_path, {"/etc/modprobe.d/a.conf": "blacklist nouveau\nblacklist pcspkr\n"})
    assert ask_once(driver.blacklist, image).kind is PASSED


def test_nomodeset_is_enough(tmp_path: Path) -> None:
    modules = {f"{MODULES}/modules.dep": "kernel/drivers/gpu/drm/amd/amdgpu/amdgpu.ko:\n"}
    image = image_of(tmp_path, {**modules, "/boot/grub/grub.cfg": grub_config(ROOT_ARGUMENT, "nomodeset")})
    assert ask_once(driver.nomodeset, image).kind is PASSED


def test_the_table_of_drivers_is_complete() -> None:
    assert {entry.role for entry in all_drivers()} == set(Role)
    for entry in all_drivers():
        assert entry.source
        assert entry.controller
        assert bool(entry.names) is (entry.role in (Role.RAID, Role.HBA))
        assert all(name == name.lower() for name in entry.names)
    modules = {entry.modules[0] for entry in drivers_of(Role.NET)}
    assert {"ixgbe", "i40e", "ice", "igb", "e1000e", "tg3", "bnxt_en", "mlx5_core", "be2net", "r8169"} <= modules


def test_a_table_of_another_file(tmp_path: Path) -> None:
    text = 'role="net"\nmodules=["a"]\noptions=["A"]\nbus="b"\ncontroller="c"\nseverity="info"\nsource="d"\n'
    (tmp_path / "drivers.toml").write_text(f"[[driver]]\n{text}")
    (entry,) = all_drivers(tmp_path / "drivers.toml")
    assert (entry.severity, entry.firmware) == (Severity.INFO, ())
    (tmp_path / "wrong.toml").write_text(f"[[driver]]\n{text}".replace('["A"]', '["A", "B"]'))
    with pytest.raises(ValueError, match="not the same in number"):
        all_drivers(tmp_path / "wrong.toml")
