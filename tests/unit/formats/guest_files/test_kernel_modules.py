"""The lists of depmod and the lines of modprobe.d."""

from __future__ import annotations

import pytest

from byoi_tools.formats.guest_files.kernel_modules import read_built_in_options, read_builtin, read_index
from byoi_tools.formats.guest_files.modprobe_config import read_blacklisted
from byoi_tools.model.guest.kernel_modules import is_module_path, module_name

INDEX = read_index(
    "kernel/drivers/nvme/host/nvme.ko.xz: kernel/drivers/nvme/host/nvme-core.ko.xz kernel/block/t10-pi.ko.xz\n"
    "kernel/drivers/nvme/host/nvme-core.ko.xz:\nkernel/block/t10-pi.ko.xz:\n"
    "kernel/crypto/crc32c_generic.ko.xz:\nkernel/arch/x86/crypto/crc32c-intel.ko.xz: kernel/crypto/cryptd.ko.xz\n"
    "no colon\n",
    "alias nvme-card nvme\nalias pci:v*d*sv*sd*bc01sc08i02* nvme\nalias crc32c crc32c_intel\n"
    "alias crc32c crc32c_generic\n",
    "# a comment\nsoftdep ext4 pre: crypto-crc32c foo post: bar\nsoftdep cifs gcm\n",
)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("kernel/drivers/nvme/host/nvme-core.ko", "nvme_core"),
        ("/lib/modules/6.1/kernel/nvme-core.ko.zst", "nvme_core"),
        ("xhci-pci.ko.xz", "xhci_pci"),
        ("megaraid_sas.ko.gz", "megaraid_sas"),
        ("mlx5_core", "mlx5_core"),
    ],
)
def test_a_module_has_one_name(path: str, name: str) -> None:
    assert module_name(path) == name
    assert is_module_path(path) is (".ko" in path)


def test_what_a_module_needs() -> None:
    assert INDEX.files["nvme"].needs == ("nvme_core", "t10_pi")
    assert INDEX.missing_for("nvme", {"nvme"}, ()) == ("nvme_core", "t10_pi")
    assert INDEX.missing_for("nvme", {"nvme", "nvme_core"}, {"t10_pi"}) == ()
    assert INDEX.missing_for("nvme", (), {"nvme", "nvme_core", "t10_pi"}) == ()


def test_an_alias_stands_for_its_modules() -> None:
    assert INDEX.missing_for("nvme-card", {"nvme", "nvme_core", "t10_pi"}, ()) == ()
    assert INDEX.modules_of("crc32c") == ("crc32c_intel", "crc32c_generic")
    assert INDEX.missing_for("crc32c", {"crc32c_intel", "crc32c_generic"}, ()) == ()
    assert "pci:v*d*sv*sd*bc01sc08i02*" not in INDEX.aliases


def test_a_module_that_nobody_knows_is_missing() -> None:
    assert INDEX.missing_for("ahci", {"nvme"}, ()) == ("ahci",)


def test_soft_dependencies_are_what_is_loaded_before() -> None:
    assert INDEX.loaded_before == {"ext4": ("crypto_crc32c", "foo"), "cifs": ()}


def test_builtin_modules_and_options() -> None:
    assert read_builtin("kernel/fs/ext4/ext4.ko\n\nkernel/lib/crc-t10dif.ko\n") == {"ext4", "crc_t10dif"}
    config = '# CONFIG_X is not set\nCONFIG_EXT4_FS=y\nCONFIG_XFS_FS=m\nCONFIG_64BIT=y\nCONFIG_S="y"\n'
    assert read_built_in_options(config) == {"EXT4_FS", "64BIT"}


def test_what_modprobe_is_told_not_to_load() -> None:
    text = (
        "# blacklist a\nblacklist nvme-core # why\n  install ahci /bin/true\n"
        "install igb /sbin/modprobe igb\nblacklist\n"
    )
    assert read_blacklisted(text) == (("nvme_core", 2), ("ahci", 3))
