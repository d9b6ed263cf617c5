"""Entries of the Boot Loader Specification as GRUB's command `blscfg` puts them into its menu (Fedora and its kin)."""

from __future__ import annotations

from byoi_tools.formats.boot.boot_entry import last, read_pairs, values, version_key
from byoi_tools.formats.grub.script import read_grub_script
from byoi_tools.inspection.guest.boot.grub.state import GrubDevices, MenuItem

MAXIMUM_ENTRIES = 50
_DIRECTORIES = ("/loader/entries", "/boot/loader/entries")


def specified_items(devices: GrubDevices, device: str, directory: str) -> list[MenuItem]:
    """Return the entries on a device (`(hd0,gpt2)`), the newest version first, fifty at most.

    `directory` is the value of `blsdir`, empty where nothing sets it. An entry whose options are missing takes
    `default_kernelopts`; variables are replaced when the entry is chosen.
    """
    for path in [directory, *_DIRECTORIES] if directory else _DIRECTORIES:
        names = [name for name in devices.names(f"{device}{path}") if name.endswith(".conf")][:MAXIMUM_ENTRIES]
        if names:
            ordered = sorted(names, key=lambda name: version_key(name.removesuffix(".conf")), reverse=True)
            return [_item(devices, f"{device}{path}/{name}") for name in ordered]
    return []


def _item(devices: GrubDevices, path: str) -> MenuItem:
    pairs = read_pairs(devices.read(path) or "")
    options = " ".join(values(pairs, "options")) or "${default_kernelopts}"
    lines = [f"linux {last(pairs, 'linux')} {options}"] if last(pairs, "linux") else []
    lines += [f"initrd {initrd}" for initrd in values(pairs, "initrd")]
    name = path.rpartition("/")[2].removesuffix(".conf")
    return MenuItem(
        title=last(pairs, "title") or name,
        identity=name,
        is_unrestricted="--unrestricted" in values(pairs, "grub_arg"),
        is_submenu=False,
        is_specified=True,
        body=read_grub_script("\n".join(lines)).statements,
        place=f"{path} line 1",
    )
