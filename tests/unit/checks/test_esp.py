"""The checks of the ESP beyond their recipes: other loaders pass, and some cases are less bad."""

from __future__ import annotations

import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from byoi_tools.checks import esp
from byoi_tools.checks.check import Check
from byoi_tools.model.finding import OutcomeKind, Severity
from fixtures.tiny import grub, loaders, pe
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.layout import FALLBACK_LOADER, LOADER, ROOT
from tests.unit.checks.tiny_images import ask, ask_once, has_passed, image_with

VENDOR = "/EFI/debian"
SHIM = "/EFI/debian/shimx64.efi"
SYSTEMD_BOOT = "/EFI/systemd/systemd-bootx64.efi"
DECLARED = r"\EFI\debian\grubx64.efi"
ENTRY = "/loader/entries/debian-6.1.conf"
CSV = "/EFI/debian/BOOTX64.CSV"
TYPE_XBOOTLDR = UUID("bc13c2ff-59e6-4262-a352-b275fd6f7172")
TYPE_FREEBSD_UFS = UUID("516e7cb6-6ecf-11d6-8ff8-00022d09712b")

SHIM_FILES = {
    SHIM: loaders.shim(),
    "/EFI/debian/fbx64.efi": loaders.shim_fallback(),
    CSV: loaders.wide("\ufeffshimx64.efi,debian,,This is the boot entry for debian\n"),
    FALLBACK_LOADER: loaders.shim(),
    "/EFI/BOOT/fbx64.efi": loaders.shim_fallback(),
}
SYSTEMD_BOOT_FILES = {
    SYSTEMD_BOOT: loaders.systemd_boot(),
    FALLBACK_LOADER: loaders.systemd_boot(),
    "/debian/linux": b"kernel",
    "/debian/initrd": b"initrd",
    "/loader/loader.conf": b"timeout 3\ndefault debian-*\n",
    "/loader/entries/debian-6.1+3-0.conf": b"title Debian\nlinux /debian/linux\ninitrd /debian/initrd\n",
}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return image_with(tmp_path, {})


@pytest.mark.parametrize("path", [DECLARED, r"\efi\DEBIAN\GrubX64.EFI", r"EFI\debian\grubx64.efi"])
def test_a_declared_path_is_found_as_firmware_finds_it(path: str, good: Path) -> None:
    assert has_passed(esp.loader_declared, good, loader=path)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (r"\\EFI\\debian\\grubx64.efi", "starts with two backslashes"),
        (r"\\EFI\debian\grubx64.efi", "starts with two backslashes"),
        ("\\EFI\\debian\\grubx64.efi\\", "ends in a backslash"),
        ("/EFI/debian/grubx64.efi", "has slashes where UEFI has backslashes"),
        (r"\EFI\debian", "names a directory"),
        (r"\EFI\debian\shimx64.efi", "does not exist"),
        ("", "does not exist"),
    ],
)
def test_a_wrong_declared_path_is_told_with_the_right_one(path: str, problem: str, good: Path) -> None:
    outcome = ask_once(esp.loader_declared, good, loader=path)
    assert problem in outcome.message
    assert outcome.remedy == rf"Declare --efi-bootloader-path '{DECLARED}'"


def test_backslashes_that_are_doubled_inside_the_path_are_less_bad(good: Path) -> None:
    outcome = ask_once(esp.loader_declared, good, loader=r"\EFI\\debian\\grubx64.efi")
    assert (outcome.kind, outcome.severity) == (OutcomeKind.FAILED, Severity.WARNING)


def test_a_declared_path_may_not_name_an_empty_file(tmp_path: Path) -> None:
    outcome = ask_once(esp.loader_declared, image_with(tmp_path, {LOADER: b""}), loader=DECLARED)
    assert "names an empty file" in outcome.message
    assert r"'\EFI\BOOT\BOOTX64.EFI'" in outcome.remedy


def test_a_hostile_name_does_not_get_into_a_command(tmp_path: Path) -> None:
    image = image_with(tmp_path, {"/EFI/$(reboot)/grubx64.efi": loaders.systemd_boot()}, VENDOR, FALLBACK_LOADER)
    outcome = ask_once(esp.loader_declared, image, loader="\x1b[31m\u202egrubx64.efi")
    assert outcome.observed == r'"\x1b[31m\u202egrubx64.efi"'
    assert "$" not in outcome.remedy


@pytest.mark.parametrize(
    "check", [esp.shim_pair, esp.shim_mm_fb, esp.csv_valid, esp.grub_stub, esp.loader_suggest, esp.pe_arch]
)
def test_shim_as_debian_installs_it_passes(check: Check, tmp_path: Path) -> None:
    assert has_passed(check, image_with(tmp_path, SHIM_FILES))


def test_shim_tells_the_name_of_what_it_loads(tmp_path: Path) -> None:
    image = image_with(tmp_path, {SHIM: loaders.shim("systemd-bootx64.efi")})
    assert ask_once(esp.shim_pair, image).observed == r'no "\EFI\debian\systemd-bootx64.efi"'


def test_the_program_behind_a_shim_is_looked_at_too(tmp_path: Path) -> None:
    image = image_with(tmp_path, {**SHIM_FILES, LOADER: pe.build({}, machine=pe.IA32)})
    assert r"\EFI\debian\grubx64.efi" in ask_once(esp.pe_arch, image).message


@pytest.mark.parametrize("check", [esp.sdboot_entries, esp.fallback, esp.loader_suggest, esp.stale_vendor_dirs])
def test_systemd_boot_with_a_good_entry_passes(check: Check, tmp_path: Path) -> None:
    assert has_passed(check, image_with(tmp_path, SYSTEMD_BOOT_FILES, VENDOR))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"/loader/loader.conf": b"default arch-*\n"}, "the default entry of systemd-boot does not exist"),
        ({"/loader/entries/old.conf": b"linux /gone\n"}, r'the entry "\loader\entries\old.conf"'),
        ({"/loader/entries/old.conf": b"title No kernel\n"}, r'the entry "\loader\entries\old.conf"'),
    ],
)
def test_a_menu_that_still_starts_something_is_a_warning(files: dict[str, bytes], message: str, tmp_path: Path) -> None:
    outcome = ask_once(esp.sdboot_entries, image_with(tmp_path, {**SYSTEMD_BOOT_FILES, **files}, VENDOR))
    assert message in outcome.message
    assert outcome.severity is Severity.WARNING


def test_entries_that_may_be_elsewhere_are_not_judged(tmp_path: Path) -> None:
    image = _without_grub(tmp_path, {SYSTEMD_BOOT: loaders.systemd_boot()}, TYPE_XBOOTLDR)
    outcome = ask_once(esp.sdboot_entries, image, loader=r"\EFI\systemd\systemd-bootx64.efi")
    assert outcome.kind is OutcomeKind.SKIPPED
    assert "extended boot loader partition" in outcome.message


def test_a_whole_kernel_image_passes(tmp_path: Path) -> None:
    files = {"/EFI/Linux/tiny.efi": loaders.unified_kernel_image(), SYSTEMD_BOOT: loaders.systemd_boot()}
    image = image_with(tmp_path, files, VENDOR, FALLBACK_LOADER)
    assert has_passed(esp.uki_valid, image)
    assert has_passed(esp.uki_path, image)
    assert has_passed(esp.sdboot_entries, image)


@pytest.mark.parametrize(
    ("section", "severity"),
    [(".cmdline", Severity.ERROR), (".initrd", Severity.WARNING), (".osrel", Severity.WARNING)],
)
def test_what_a_kernel_image_lacks_counts_differently(section: str, severity: Severity, tmp_path: Path) -> None:
    image = image_with(tmp_path, {"/EFI/Linux/tiny.efi": loaders.unified_kernel_image(section)})
    assert ask_once(esp.uki_valid, image).severity is severity


def test_two_kernel_images_are_rivals_even_in_one_directory(tmp_path: Path) -> None:
    files = {f"/EFI/Linux/{name}.efi": loaders.unified_kernel_image() for name in ("one", "two")}
    outcome = ask_once(esp.loader_suggest, image_with(tmp_path, files, VENDOR, FALLBACK_LOADER))
    assert outcome.observed == r'"\EFI\Linux\one.efi", "\EFI\Linux\two.efi"'


def test_windows_with_its_store_passes(tmp_path: Path) -> None:
    files = {
        "/EFI/Microsoft/Boot/bootmgfw.efi": loaders.windows_boot_manager(),
        "/EFI/Microsoft/Boot/BCD": b"regf",
    }
    image = image_with(tmp_path, files, VENDOR, FALLBACK_LOADER)
    assert has_passed(esp.windows, image)
    assert has_passed(esp.nvram_dependence, image)


def test_freebsd_as_the_provider_documents_it_passes(tmp_path: Path) -> None:
    files = {"/EFI/FreeBSD/loader.efi": loaders.freebsd_loader(), FALLBACK_LOADER: loaders.freebsd_loader()}
    assert has_passed(esp.freebsd, _without_grub(tmp_path, files, TYPE_FREEBSD_UFS))


@pytest.mark.parametrize("prefix", ["(,gpt2)/EFI/debian", "(hd0,gpt2)/EFI/debian", "/EFI/debian", ""])
def test_a_prefix_on_the_esp_is_followed(prefix: str, tmp_path: Path) -> None:
    image = image_with(tmp_path, {LOADER: grub.efi_image(prefix)})
    assert has_passed(esp.grub_stub, image)


@pytest.mark.parametrize(
    "prefix", ["(,gpt3)/boot/grub", "(hd0,msdos2)/EFI/debian", "(memdisk)/boot/grub", "(lvm/a-b)/c"]
)
def test_a_prefix_elsewhere_is_not_judged(prefix: str, tmp_path: Path) -> None:
    outcome = ask_once(esp.grub_stub, image_with(tmp_path, {LOADER: grub.efi_image(prefix)}))
    assert outcome.kind is OutcomeKind.SKIPPED
    assert f'"{prefix}"' in outcome.message


def test_a_grub_cfg_beside_the_program_only_is_less_bad(tmp_path: Path) -> None:
    image = image_with(tmp_path, {LOADER: grub.efi_image("/EFI/fedora")})
    outcome = ask_once(esp.grub_stub, image)
    assert (outcome.kind, outcome.severity) == (OutcomeKind.FAILED, Severity.WARNING)
    assert outcome.observed == r'no "\EFI\fedora\grub.cfg"'


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("search.fs_uuid b101aaaa root\nset prefix=($root)/boot/grub\n", OutcomeKind.SKIPPED),
        ("normal (memdisk)/grub.cfg\n", OutcomeKind.FAILED),  # Debian's signed GRUB
    ],
)
def test_an_embedded_script_may_find_the_configuration(script: str, kind: OutcomeKind, tmp_path: Path) -> None:
    config, output = tmp_path / "early.cfg", tmp_path / "grub.efi"
    config.write_text(script)
    command: list[str | Path] = [
        "grub-mkimage",
        "-O",
        "x86_64-efi",
        "-p",
        "/EFI/none",
        "-c",
        config,
        "-o",
        output,
        "normal",
    ]
    subprocess.run(command, check=True)
    image = image_with(tmp_path, {"/EFI/other/grubx64.efi": output.read_bytes()}, VENDOR, FALLBACK_LOADER)
    assert ask_once(esp.grub_stub, image).kind is kind


def test_a_broken_tool_that_nobody_starts_is_a_warning(tmp_path: Path) -> None:
    image = image_with(tmp_path, {"/EFI/tools/shell.efi": b"MZ", "/EFI/tools/ext4.efi": pe.build({}, subsystem=11)})
    outcome = ask_once(esp.pe_valid, image)
    assert (outcome.severity, outcome.evidence) == (Severity.WARNING, r'partition 2, "\EFI\tools\shell.efi"')


def test_a_csv_full_of_faults_is_told_in_a_few_lines(tmp_path: Path) -> None:
    lines = "grubx64.efi,debian,,\ngrubx64.efi,,,\n" + "gone.efi,x,,\n" * 1000
    outcomes = ask(esp.csv_valid, image_with(tmp_path, {CSV: loaders.wide(lines)}))
    assert [outcome.observed for outcome in outcomes[:2]] == [
        "line 2 has no label",
        'line 3 names "gone.efi", which is not in the directory',
    ]
    assert len(outcomes) == 5


def test_directories_of_other_systems_are_told_only_when_ours_is_known(tmp_path: Path) -> None:
    files = {"/EFI/ubuntu/grubx64.efi": loaders.systemd_boot(), "/EFI/Fedora/grubx64.efi": loaders.systemd_boot()}
    image = image_with(tmp_path, files)
    assert ask_once(esp.stale_vendor_dirs, image).observed == r'"\EFI\ubuntu", "\EFI\Fedora"'
    assert has_passed(esp.stale_vendor_dirs, image_with(tmp_path, {SYSTEMD_BOOT: loaders.systemd_boot()}))


def _without_grub(directory: Path, files: dict[str, bytes], root_type: UUID) -> Path:
    """The good image with these files instead of GRUB's, and with another type for its root partition."""
    canvas = Canvas(directory / ".canvas")
    canvas.esp_delete(VENDOR)
    for path, data in files.items():
        canvas.esp_put(path, data)
    canvas.edit_gpt_entry(ROOT.number, type_guid=root_type)
    return canvas.as_raw(directory / "image.raw")
