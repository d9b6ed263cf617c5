"""Reads every domain of a guest; damage in one leaves the others known."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from byoi_tools.inspection.guest.boot.read import read_boot
from byoi_tools.inspection.guest.byolinux import read_byolinux
from byoi_tools.inspection.guest.cloud.read import read_cloud
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.guarded import read_guarded
from byoi_tools.inspection.guest.identity.read import read_identity
from byoi_tools.inspection.guest.kernels.loaded_initrds import loaded_initrds
from byoi_tools.inspection.guest.kernels.read import BegunKernels, read_kernels
from byoi_tools.inspection.guest.mounts import read_mounts
from byoi_tools.inspection.guest.network.read import read_network
from byoi_tools.inspection.guest.ssh import read_ssh
from byoi_tools.inspection.guest.storage import read_storage
from byoi_tools.inspection.guest.system import read_system
from byoi_tools.model.fact import Fact, Known
from byoi_tools.model.guest.boot import BootChain
from byoi_tools.model.guest.guest import Guest
from byoi_tools.model.guest.kernels import Kernels

Value = TypeVar("Value")


def read_domains(context: GuestContext, other_roots: tuple[str, ...], kernels: Fact[BegunKernels]) -> Guest:
    """Return the guest; raises nothing for what its files contain, not even where a reader has a defect."""
    boot = _read(read_boot, context)
    chains = boot.value.chains if isinstance(boot, Known) else ()
    return Guest(
        volumes=context.volumes,
        other_roots=other_roots,
        system=_read(read_system, context),
        boot=boot,
        mounts=_read(read_mounts, context),
        cloud=_read(read_cloud, context),
        network=_read(read_network, context),
        ssh=_read(read_ssh, context),
        identity=_read(read_identity, context),
        byolinux=_read(read_byolinux, context),
        storage=_read(read_storage, context),
        kernels=_kernels(context, chains, kernels),
    )


def _kernels(context: GuestContext, chains: tuple[BootChain, ...], begun: Fact[BegunKernels]) -> Fact[Kernels]:
    if not isinstance(begun, Known):
        return begun
    return read_guarded(lambda: read_kernels(context, begun.value, loaded_initrds(context, chains)))


def _read(read: Callable[[GuestContext], Value], context: GuestContext) -> Fact[Value]:
    return read_guarded(lambda: read(context))
