"""Core images for the BIOS by grub-mkimage, environment blocks by grub-editenv, scripts judged by grub-script-check."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from byoi_tools.formats.grub.arguments import read_environment
from byoi_tools.formats.grub.core import read_core_modules
from byoi_tools.formats.grub.script import read_grub_script
from tests.disk_images import run

PREFIXES = ("(,gpt3)/boot/grub", "/boot/grub", "(hd0,msdos1)/grub", "(lvm/vg-root)/boot/grub", "(hd1,gpt2)/é")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("config", ["", "search.fs_uuid 1234-ABCD root\nset prefix=($root)/boot/grub\n"])
@pytest.mark.parametrize("modules", [("biosdisk",), ("biosdisk", "part_gpt", "xfs", "lvm", "normal")])
def test_prefix_and_configuration_of_a_core_image(
    prefix: str, config: str, modules: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(config)
    options = ("-c", tmp_path / "config") if config else ()
    run("grub-mkimage", "-O", "i386-pc", "-p", prefix, *options, "-o", tmp_path / "core.img", *modules)

    found = read_core_modules((tmp_path / "core.img").read_bytes())

    assert found is not None
    assert (found.prefix, found.config, found.has_normal) == (prefix, config, "normal" in modules)


def test_a_damaged_core_image_is_none(tmp_path: Path) -> None:
    run("grub-mkimage", "-O", "i386-pc", "-p", "/boot/grub", "-o", tmp_path / "core.img", "biosdisk")
    core = (tmp_path / "core.img").read_bytes()
    assert read_core_modules(core[:-200]) is None
    assert read_core_modules(core[:4000] + bytes(1000) + core[5000:]) is None


def test_an_environment_block_is_read_as_grub_editenv_writes_it(tmp_path: Path) -> None:
    block = tmp_path / "grubenv"
    values = {"saved_entry": "gnulinux-6.1", "kernelopts": "root=UUID=b101 ro console=ttyS0", "odd": "back\\slash"}
    run("grub-editenv", block, "create")
    run("grub-editenv", block, "set", *(f"{name}={value}" for name, value in values.items()))

    assert dict(read_environment(block.read_text())) == values


SCRIPTS = {
    "plain": "set default=0\nmenuentry 'a' --class b { linux /x ro; initrd /y }\n",
    "nested": "submenu a { menuentry b { if [ x = y ]; then echo c; elif true; then echo; else echo d; fi } }",
    "loops": "for i in a b c; do echo $i; done\nwhile false; do echo; done\nuntil true; do echo; done\n",
    "function": 'function f { set x="${1}"\n}\nf "a b"\n',
    "quotes": "echo 'it''s' \"a\\\"b $x ${y}\" a\\ b\n",
    "comment": "# if\necho a # fi\n",
    "continued line": "echo a \\\n b\n",
    "if without fi": "if true; then echo a\n",
    "block without end": "menuentry a { echo b\n",
    "for without do": "for i in a; echo b; done\n",
    "two commands": "echo a; echo b;\n",
}


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_what_is_a_script_is_one_for_grub(text: str, tmp_path: Path) -> None:
    (tmp_path / "grub.cfg").write_text(text)
    judged = subprocess.run(["grub-script-check", tmp_path / "grub.cfg"], capture_output=True, check=False, timeout=60)

    assert (read_grub_script(text).problem == "") == (judged.returncode == 0)
