"""Finds out by trial what QEMU can use here: /dev/kvm may be there and QEMU abort, or hang, all the same."""

from __future__ import annotations

from functools import cache

from byoi_tools.rehearsal.qemu import PROGRAM, output_of, running

_PROBE_SECONDS = 10.0
_KVM = ("-accel", "kvm", "-cpu", "host")
# Distributions ask for x86-64-v2 or v3; a fifth level of page tables only makes emulation slower.
_EMULATION = ("-accel", "tcg,thread=multi", "-cpu", "max,la57=off")


@cache
def accelerator_argv() -> tuple[str, ...]:
    """Return the QEMU arguments for KVM where a trial machine starts with it, else for QEMU's own emulation."""
    argv = [PROGRAM, "-nodefaults", "-display", "none", "-machine", "q35", *_KVM]
    argv += ["-debugcon", "stdio", "-global", "isa-debugcon.iobase=0x402"]
    with running(argv) as process:
        for text in output_of(process, _PROBE_SECONDS):
            if "SeaBIOS" in text:  # only firmware that speaks is proof
                return _KVM
    return _EMULATION


def accelerator_name() -> str:
    """Return `kvm` or `tcg`."""
    return "kvm" if accelerator_argv() == _KVM else "tcg"
