"""Kernels, their modules, firmware and initramfs images."""

from __future__ import annotations

import re

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.fact import Fact
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernel_modules import ModuleIndex

_MICROCODE_NAME = re.compile(r"(?:intel|amd)-ucode\.img")


@dataclass(frozen=True, slots=True)
class KernelImage:
    """What a kernel image says of itself.

    `machine` is as `uname -m` gives it (`x86_64`), empty where unknown; `release` (`uname -r`) is empty where the head
    of the file does not hold it. `required_bytes` is the size that its header promises, 0 where it promises none.
    """

    machine: str
    release: str
    has_efi_stub: bool
    required_bytes: int


@dataclass(frozen=True, slots=True)
class ModuleTree:
    """The module directory of a version; `has_list` tells whether modules.dep is there.

    `builtin` are the modules in modules.builtin. `outside` are the paths, below the directory, of modules that did not
    come with the kernel (`updates/`, `extra/`), `unsigned` those of them that carry no signature.
    """

    path: str
    has_list: bool
    index: ModuleIndex
    builtin: frozenset[str]
    outside: tuple[str, ...]
    unsigned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of the guest. `version` is what the image says, else what its name ends in.

    `image` is None for a file that is named like a kernel and is none. `options` are those of its configuration that
    are `=y`, without `CONFIG_`. `modules` is None where its version has no module directory. `initramfs_path` is empty
    where no initramfs is named after it.
    """

    path: str
    version: str
    size_bytes: int
    image: KernelImage | None
    options: Fact[frozenset[str]]
    modules: ModuleTree | None
    initramfs_path: str
    initramfs: Fact[Initramfs | None]


@dataclass(frozen=True, slots=True)
class KernelLink:
    """A symlink to a kernel or an initramfs (`/vmlinuz`, `/boot/initrd.img`); `resolved` is empty when it dangles."""

    path: str
    target: str
    resolved: str


@dataclass(frozen=True, slots=True)
class Blacklisting:
    """A module that modprobe.d keeps from being loaded, and the file that says so (of the guest, or its initramfs)."""

    module: str
    place: str


@dataclass(frozen=True, slots=True)
class Kernels:
    """Every kernel, the newest first. `on_esp` are the paths of kernels and unified images in the ESPs.

    `module_versions` are the names of all module directories. `firmware` are the files below /lib/firmware, without
    the suffix of a compression. `microcode_images` are files like /boot/intel-ucode.img.
    """

    kernels: tuple[Kernel, ...]
    on_esp: tuple[str, ...]
    links: tuple[KernelLink, ...]
    module_versions: tuple[str, ...]
    firmware: frozenset[str]
    blacklisted: tuple[Blacklisting, ...]
    microcode_images: tuple[str, ...]

    @property
    def usual(self) -> Kernel | None:
        """The kernel that boots where no configuration says otherwise: the linked one, else the newest."""
        for link in self.links:
            found = self.find(link.resolved)
            if found is not None and not link.path.endswith(".old"):
                return found
        return next(iter(self.kernels), None)

    def find(self, path: str) -> Kernel | None:
        """The kernel at a path of the guest's tree."""
        return next((kernel for kernel in self.kernels if kernel.path == path), None)

    def started_as(self, path: str) -> Kernel | None:
        """The kernel at a path that counts from the root of some partition, or of a subvolume: one ends in the other.

        Case does not matter, for the path may be one on FAT. A path of a known symlink stands for what it leads to.
        """
        wanted = f"/{path.strip('/')}".lower()
        places = {kernel.path: kernel for kernel in self.kernels}
        places |= {link.path: found for link in self.links if (found := self.find(link.resolved))}
        paths = ((own.lower(), kernel) for own, kernel in places.items())
        return next((kernel for own, kernel in paths if own.endswith(wanted) or wanted.endswith(own)), None)


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Orders kernel versions as the packages' own comparisons do: runs of digits by value, `~` before everything."""
    parts = re.findall(r"[0-9]+|~|[^0-9~]+", version[:256])
    keys = [(2, int(part), "") if "0" <= part[0] <= "9" else (0 if part == "~" else 1, 0, part) for part in parts]
    return (*keys, (1, 0, ""))


def is_microcode_image(path: str) -> bool:
    """Whether a file is named as an image of microcode updates is, which a loader hands over beside the initramfs."""
    return _MICROCODE_NAME.fullmatch(path.rpartition("/")[2]) is not None
