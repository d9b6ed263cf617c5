"""Boot chains as distributions make them, and the link that breaks in each."""

from __future__ import annotations

import pytest

from byoi_tools.inspection.guest.boot.read import read_boot
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.disks.bios import BiosBoot, BootCodeKind
from byoi_tools.model.guest.boot import BootChain, BootEntry, ChainLink, LinkKind
from fixtures.tiny import grub, loaders, pe
from tests.guest_boot import BOOT_UUID, ROOT_UUID, Files, boot_context, grub_bios
from tests.guest_tree import Link

LOADER = "/EFI/debian/grubx64.efi"
STUB = f"search.fs_uuid {ROOT_UUID} root\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
ENTRY = "linux /boot/vmlinuz-6 root=UUID={} ro quiet\ninitrd /boot/microcode.img /boot/initrd.img-6\n"
KERNELS = {"/boot/vmlinuz-6": "k", "/boot/initrd.img-6": "i", "/boot/microcode.img": "m"}
SEARCH = f"search --fs-uuid --set=root {ROOT_UUID}\n"
MENU = f"set timeout=5\nmenuentry 'Debian' --class debian {{\n{SEARCH}{ENTRY.format(ROOT_UUID)}}}\n"
GOOD = {**KERNELS, "/boot/grub/grub.cfg": MENU}


def first_chain(context: GuestContext) -> BootChain:
    return read_boot(context).chains[0]


def of_grub(root: Files, stub: str = STUB, boot: Files | None = None) -> BootChain:
    return first_chain(boot_context(root, boot=boot, esp={LOADER: grub.efi_image(), "/EFI/debian/grub.cfg": stub}))


def of_bios(root: Files, prefix: str = "(,gpt3)/boot/grub", config: str = "") -> BootChain:
    return first_chain(boot_context(root, bios=grub_bios(prefix, config)))


def broken(chain: BootChain) -> ChainLink:
    assert chain.broken is not None
    return chain.broken


def entry_of(chain: BootChain) -> BootEntry:
    assert chain.entry is not None, chain
    return chain.entry


def with_menu(text: str, **more: str) -> dict[str, str | bytes | Link]:
    return {**KERNELS, "/boot/grub/grub.cfg": text, **more}


def test_from_the_esp_to_the_root() -> None:
    chain = of_grub(GOOD)
    assert [link.kind.name for link in chain.links] == [
        *("LOADER", "PREFIX", "CONFIG", "ENTRY", "KERNEL", "INITRD", "INITRD", "ROOT"),
    ]
    assert (chain.broken, chain.end) == (None, "")
    entry = entry_of(chain)
    assert (entry.title, entry.kernel, entry.device) == ("Debian", "/boot/vmlinuz-6", "partition 3")
    assert entry.command_line.text == f"root=UUID={ROOT_UUID} ro quiet"
    assert entry.place == "/boot/grub/grub.cfg line 2 on partition 3"


BREAKS = {
    "no stub": (GOOD, "", LinkKind.PREFIX, "/EFI/debian/grub.cfg on partition 1"),
    "search of another root": (GOOD, STUB.replace(ROOT_UUID, "0bad"), LinkKind.SEARCH, "fs-uuid 0bad"),
    "no menu": (KERNELS, STUB, LinkKind.CONFIG, "/boot/grub/grub.cfg on partition 3"),
    "empty menu": (with_menu("set timeout=1\n"), STUB, LinkKind.ENTRY, "a menu entry"),
    "menu that is none": (with_menu("menuentry a {"), STUB, LinkKind.ENTRY, "a menu entry"),
    "no kernel": ({**GOOD, "/boot/vmlinuz-6": Link("gone")}, STUB, LinkKind.KERNEL, "/boot/vmlinuz-6"),
    "no microcode": ({**GOOD, "/boot/microcode.img": Link("x")}, STUB, LinkKind.INITRD, "/boot/microcode.img"),
    "another root": (
        with_menu(MENU.replace(f"root=UUID={ROOT_UUID}", "root=LABEL=x")),
        STUB,
        LinkKind.ROOT,
        "root=LABEL=x",
    ),
    "device of a machine": (
        with_menu(MENU.replace(f"UUID={ROOT_UUID} ro", "/dev/vda3")),
        STUB,
        LinkKind.ROOT,
        "root=/dev/vda3",
    ),
}


@pytest.mark.parametrize(("root", "stub", "kind", "name"), BREAKS.values(), ids=BREAKS)
def test_the_link_that_breaks(root: Files, stub: str, kind: LinkKind, name: str) -> None:
    esp: dict[str, str | bytes | Link] = {LOADER: grub.efi_image()}
    if stub:
        esp["/EFI/debian/grub.cfg"] = stub
    link = broken(first_chain(boot_context(root, esp=esp)))
    assert (link.kind, link.name) == (kind, name)


MENUS = {
    "number": ("set default=1", "b"),
    "number in quotes": ('set default="1"', "b"),
    "title": ("set default='second'", "b"),
    "id": ("set default=id-b", "b"),
    "submenu by number": ("set default='2>1'", "d"),
    "submenu by ids": ('set default="id-sub>id-d"', "d"),
    "submenu alone": ("set default=2", "c"),
    "saved": ('load_env\nset default="${saved_entry}"', "d"),
    "what is not there": ("set default=42", "a"),
    "title that is not there": ("set default='none of them'", "a"),
    "nothing": ("", "a"),
    "feature": ('if [ "x$feature_menuentry_id" = xy ]; then set default=1; else set default=0; fi', "b"),
    "grubenv is there": ("if [ -s $prefix/grubenv ]; then set default=1; fi", "b"),
    "next entry is not set": ('if [ "${next_entry}" ] ; then set default=0; else set default=1; fi', "b"),
    "no key is pressed": ("set default=1\nif keystatus --shift; then set default=0; fi", "b"),
    "functions": ("function f { set default=$1; }\nf 1", "b"),
    "loop": ("for i in 0 1; do set default=$i; done", "b"),
}


@pytest.mark.parametrize(("head", "kernel"), MENUS.values(), ids=MENUS)
def test_the_default_entry(head: str, kernel: str) -> None:
    """GRUB manual, "default" and "Shell-like scripting"."""
    menu = f"""{head}
menuentry first --id id-a {{ linux /a }}
menuentry 'second' $menuentry_id_option --id=id-b {{ linux /b }}
submenu third --id id-sub {{
  menuentry c {{ linux /c }}
  menuentry d --id id-d {{ linux /d }}
}}
"""
    root = {
        "/boot/grub/grub.cfg": menu,
        "/boot/grub/grubenv": "# GRUB Environment Block\nsaved_entry=id-sub>id-d\n####",
    }
    assert entry_of(of_bios(root)).kernel == f"/{kernel}"


def test_variables_of_grubenv_are_replaced_and_split() -> None:
    menu = 'load_env\nmenuentry a {\nlinux /boot/vmlinuz-6 $kernelopts $nothing "${one}" last\n}\n'
    env = f"kernelopts=root=UUID={ROOT_UUID} ro\none=two words\n"
    entry = entry_of(of_bios({**KERNELS, "/boot/grub/grub.cfg": menu, "/boot/grub/grubenv": env}))
    assert entry.command_line.text == f"root=UUID={ROOT_UUID} ro two words last"


def test_entries_of_the_boot_loader_specification() -> None:
    """As on Fedora: /boot is a partition of its own, and arguments come from grubenv."""
    conf = "version {0}\nlinux /vmlinuz-{0}\ninitrd /initramfs-{0}.img\noptions $kernelopts $tuned_params\n"
    search = f"search --no-floppy --fs-uuid --set=dev {BOOT_UUID}\n"
    menu = "load_env -f ${config_directory}/grubenv\nset default=${saved_entry}\nblscfg\n"
    boot = {
        "/grub2/grub.cfg": search.replace("=dev", "=root") + menu,
        "/grub2/grubenv": f"saved_entry=id-6.9\nkernelopts=root=UUID={ROOT_UUID} ro\n",
        **{f"/loader/entries/id-{version}.conf": conf.format(version) for version in ("6.9", "6.10")},
        **{f"/vmlinuz-{version}": "k" for version in ("6.9", "6.10")},
        **{f"/initramfs-{version}.img": "i" for version in ("6.9", "6.10")},
    }
    stub = f"{search}set prefix=($dev)/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n"
    chain = of_grub({}, stub, boot)
    assert [entry.identity for entry in chain.specified] == ["id-6.10", "id-6.9"]
    assert entry_of(chain).kernel == "/vmlinuz-6.9"
    assert entry_of(chain).command_line.text == f"root=UUID={ROOT_UUID} ro"
    assert (chain.unset_variables, chain.broken) == ((), None)
    assert of_grub({}, stub, {**boot, "/grub2/grubenv": "saved_entry=id-6.9\n"}).unset_variables == ("kernelopts",)


def test_what_may_be_in_a_container_is_not_said_to_be_missing() -> None:
    esp: Files = {LOADER: grub.efi_image(), "/EFI/debian/grub.cfg": STUB.replace(ROOT_UUID, "0bad")}
    chain = first_chain(boot_context(GOOD, esp=esp, hidden="crypto_LUKS"))
    assert (chain.broken, chain.end) == (None, "GRUB's configuration may be in partition 4, crypto_LUKS")


def test_shim_starts_what_lies_beside_it() -> None:
    esp: dict[str, str | bytes | Link] = {"/EFI/debian/shimx64.efi": loaders.shim(), "/EFI/debian/grub.cfg": STUB}
    link = broken(first_chain(boot_context(GOOD, esp=esp)))
    assert (link.kind, link.name) == (LinkKind.SECOND_STAGE, "EFI/debian/grubx64.efi")
    chain = first_chain(boot_context(GOOD, esp={**esp, LOADER: grub.efi_image()}))
    assert (chain.loader, chain.broken) == ("EFI/debian/shimx64.efi", None)


SYSTEMD_BOOT = {
    "the newest": ("", "/linux-6.10"),
    "by pattern": ("default b-*.conf\n", "/linux-6.9"),
    "by name": ("default b-6.9\n", "/linux-6.9"),
    "what only the running system knows": ("default @saved\n", "/linux-6.10"),
}


@pytest.mark.parametrize(("settings", "kernel"), SYSTEMD_BOOT.values(), ids=SYSTEMD_BOOT)
def test_systemd_boot(settings: str, kernel: str) -> None:
    """Boot Loader Specification, "Sorting"; loader.conf(5)."""
    entry = "title T\nlinux /linux-{0}\ninitrd /initrd\noptions root=UUID={1}\n"
    esp: Files = {
        "/EFI/BOOT/BOOTX64.EFI": loaders.systemd_boot(),
        "/loader/loader.conf": settings,
        "/loader/entries/a-6.10.conf": entry.format("6.10", ROOT_UUID) + "version 6.10\n",
        "/loader/entries/b-6.9.conf": entry.format("6.9", ROOT_UUID),
        **{f"/{name}": "x" for name in ("linux-6.9", "linux-6.10", "initrd")},
    }
    chain = first_chain(boot_context({}, esp=esp))
    assert (entry_of(chain).kernel, chain.broken) == (kernel, None)


def test_a_unified_kernel_image_brings_its_command_line() -> None:
    image = pe.build({**loaders.UKI_SECTIONS, ".cmdline": f"root=UUID={ROOT_UUID} ro\n\0".encode()})
    chain = first_chain(boot_context({}, esp={"/EFI/BOOT/BOOTX64.EFI": image}))
    assert (entry_of(chain).command_line.text, chain.broken) == (f"root=UUID={ROOT_UUID} ro", None)


SYSLINUX = f"""DEFAULT linux
TIMEOUT 50
LABEL linux
  KERNEL ../vmlinuz-6
  APPEND root=UUID={ROOT_UUID} initrd=/boot/initrd.img-6
"""


def test_extlinux() -> None:
    root = {**KERNELS, "/boot/extlinux/extlinux.conf": SYSLINUX, "/boot/extlinux/ldlinux.sys": "s"}
    setup = read_boot(boot_context(root, bios=BiosBoot(BootCodeKind.SYSLINUX_GPTMBR, None)))
    (chain,) = setup.chains
    entry = entry_of(chain)
    assert (entry.kernel, entry.initrds, entry.missing) == ("/boot/vmlinuz-6", ("/boot/initrd.img-6",), ())
    assert entry.command_line.text == f"root=UUID={ROOT_UUID}"
    assert [(one.config != "", one.loader != "", one.library != "") for one in setup.syslinux] == [(True, True, False)]


def test_a_bios_grub_with_a_search_in_its_core_image() -> None:
    config = f"search.fs_uuid {ROOT_UUID} root\nset prefix=($root)'/boot/grub'\n"
    assert of_bios(GOOD, "/boot/grub", config).broken is None
    assert broken(of_bios(GOOD, "/boot/grub", config.replace(ROOT_UUID, "0bad"))).kind is LinkKind.SEARCH
    assert broken(of_bios(GOOD, "(,gpt3)/grub")).name == "/grub/grub.cfg on partition 3"


def test_a_grub_without_normal_needs_its_module() -> None:
    bios = grub_bios("(,gpt3)/boot/grub", has_normal=False)
    assert broken(first_chain(boot_context(GOOD, bios=bios))).kind is LinkKind.MODULES
    root = {**GOOD, "/boot/grub/i386-pc/normal.mod": "m"}
    assert first_chain(boot_context(root, bios=bios)).broken is None


MENU_SETTINGS = {
    "always": ("set timeout=-1", ("-1", "-1", False)),
    "after a failure": ('if [ "${recordfail}" = 1 ]; then set timeout=-1; else set timeout=3; fi', ("3", "-1", False)),
    "locked": ('set timeout=1\nset superusers="root"', ("1", "1", True)),
    "none": ("", ("", "", False)),
}


@pytest.mark.parametrize(("head", "expected"), MENU_SETTINGS.values(), ids=MENU_SETTINGS)
def test_what_the_menu_does_by_itself(head: str, expected: tuple[str, str, bool]) -> None:
    menu = of_bios(with_menu(f"{head}\nmenuentry a {{ linux /boot/vmlinuz-6 }}\n")).menu
    assert menu is not None
    assert (menu.timeout, menu.timeout_after_failure, menu.is_default_locked) == expected


def test_settings_around_the_boot() -> None:
    setup = read_boot(
        boot_context(
            {
                "/etc/default/grub": "GRUB_TIMEOUT=5\n",
                "/etc/default/grub.d/50.cfg": 'GRUB_TIMEOUT="7"\n',
                "/boot/grub/device.map": "(hd0)\t/dev/vda\n",
                "/usr/lib/systemd/system/default.target": Link("graphical.target"),
                "/etc/adjtime": "0.0 0 0.0\n0\nLOCAL\n",
                "/etc/hostid": "1234",
            }
        )
    )
    assert [(one.value, one.place) for one in setup.grub_defaults] == [
        ("5", "/etc/default/grub"),
        ("7", "/etc/default/grub.d/50.cfg"),
    ]
    assert [one.value for one in setup.device_map] == ["/dev/vda"]
    assert (setup.default_target, setup.is_clock_local, setup.host_id) == ("graphical.target", True, "")
