"""Firmware, processors and memory of the server."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.booted_kernel import booted_kernel
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote
from byoi_tools.model.sizes import exact_size

INSTALLER_MEMORY_BYTES = 3 * 2**30
# dedicated.server.CpuFamilyEnum, in the words of `uname -m`; x86, x86-ht, armhf32 and ppc64 run none of these kernels.
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
_SPECIFICATIONS = "specifications/hardware"


@check(
    "target.boot-mode",
    "the server boots in the mode that the image is for",
    Severity.ERROR,
    remedy="Check and build the image with --boot of the server's mode, or use another server.",
)
def boot_mode(subject: Subject) -> Iterator[Observation]:
    """The server boots in the mode that the image is for.

    Why: a server boots by UEFI or by legacy BIOS. An image for the other one is installed without complaint, reported
    as done, and never leaves the network boot.

    How: `bootMode` of the server (`uefi-legacy` is both) is compared with `--boot`, or with the profile's boot mode.
    Whether the image can boot that way at all is told by `esp.boot-mode-support`.

    Fix: `byoi-tools check IMAGE --boot MODE` tells what the image lacks for the server's mode.

    Source: OVHcloud API, `dedicated.server.BootModeEnum` (`GET .../specifications/hardware`).
    """
    planned = subject.planned
    modes, wanted = planned.server.boot_modes.known(), planned.needs.boot
    if wanted is None:
        raise NotKnownError("nobody said for which boot mode the image is")
    if wanted not in modes:
        yield Observation(
            "the image is for another boot mode than the server's",
            observed=f"the server boots {', '.join(sorted(mode.value for mode in modes))}",
            expected=wanted.value,
            evidence=f"bootMode of {_SPECIFICATIONS}",
        )


@check(
    "target.arch",
    "the server has the processors that the image is for",
    Severity.ERROR,
    remedy="Build the image for the server's processors, or use another server.",
)
def arch(subject: Subject) -> Iterator[Observation]:
    """The server has the processors that the image is for.

    Why: a kernel for other processors is not even loaded, and the installation is reported as done all the same.

    How: `processorArchitecture` of the server is compared with the machine in the header of the kernel that would be
    started. Skipped where the API does not name it, or the kernel is not known. Without a server `kernel.arch` asks
    for x86_64.

    Fix: `uname -m` and `dpkg --print-architecture` tell what an image is; build it for the server's, or choose
    another server.

    Source: OVHcloud API, `dedicated.server.CpuFamilyEnum` (`GET .../specifications/hardware`).
    """
    word = subject.planned.server.architecture.known()
    kernel = booted_kernel(subject)
    machine = kernel.image.machine if kernel.image else ""
    if not machine:
        raise NotKnownError("the kernel's header does not say for which machine it is")
    if _MACHINES.get(word) != machine:
        yield Observation(
            "the server has other processors than the kernel is for",
            observed=f"the server has {quote(word)}",
            expected=machine,
            evidence=f"processorArchitecture of {_SPECIFICATIONS}; {quote(kernel.path)}",
        )


@check(
    "target.ram",
    "the server has the memory to download the image",
    Severity.ERROR,
    remedy="Publish a compressed qcow2: `byoi-tools convert IMAGE OUTPUT --to qcow2 --compress zlib`.",
)
def ram(subject: Subject) -> Iterator[Observation]:
    """The server has the memory to download the image.

    Why: the provider downloads the file into the server's memory before it writes the disk. One that does not fit
    ends the installation with "image is too big to download in memory", the disks already wiped.

    How: the size of the file that will be served is less than `memorySize` without 3 GiB. Skipped where the API does
    not tell the memory, or the file is yet to be converted: then it is compared once it is made, before it is
    published.

    Fix: `byoi-tools convert IMAGE OUTPUT --to qcow2 --compress zlib`; a qcow2 holds no unused clusters.

    Source: OVHcloud guide Bring Your Own Image: "Your image must be smaller than the server RAM minus 3GiB".
    """
    planned = subject.planned
    memory, size = planned.server.memory_bytes.known(), planned.needs.file_size_bytes
    if size is None:
        raise NotKnownError("the size of the file that will be served is not known yet")
    limit = memory - INSTALLER_MEMORY_BYTES
    if size >= limit:
        yield Observation(
            "the image file is too large for the server's memory",
            observed=exact_size(size),
            expected=f"less than {exact_size(max(0, limit))}, the memory without 3 GiB",
            evidence=f"memorySize of {_SPECIFICATIONS}: {exact_size(memory)}",
        )
