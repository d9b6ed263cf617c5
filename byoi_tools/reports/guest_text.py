"""The guest for people: what it is, what it boots, mounts and listens to, in a line or two for each domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from byoi_tools.model.fact import Fact, Known
from byoi_tools.model.guest.boot import BootChain, BootSetup
from byoi_tools.model.guest.cloud import CloudSetup, ProvisionerKind
from byoi_tools.model.guest.guest import Guest, Volume
from byoi_tools.model.guest.kernels import Kernel, Kernels
from byoi_tools.model.guest.mounts import Mounts
from byoi_tools.model.guest.network import NetworkSetup
from byoi_tools.model.guest.ssh import SshSetup
from byoi_tools.model.guest.system import OperatingSystem
from byoi_tools.model.quoting import quote
from byoi_tools.model.sizes import human_size
from byoi_tools.reports.terminal import Terminal

Value = TypeVar("Value")
_LABEL = 10
_SHOWN = 6
_LONGEST_LINE = 1000


def render_guest(fact: Fact[Guest], terminal: Terminal) -> list[str]:
    """Return the lines of the section, an empty one before it; what could not be read says why."""
    lines = ["", terminal.paint("guest", "title")]
    if not isinstance(fact, Known):
        return [*lines, *terminal.wrap(f"not examined: {fact.reason}", "  ")]
    for label, text in _rows(fact.value):
        lines += terminal.wrap(text, f"  {label:<{_LABEL}}", " " * (_LABEL + 2))
    return lines


def _rows(guest: Guest) -> Iterator[tuple[str, str]]:
    yield from _domain("system", guest.system, _system)
    yield from (("volume", _volume(volume)) for volume in guest.volumes if volume.mount_point)
    yield from (("also", f"another root on {root}") for root in guest.other_roots[:_SHOWN])
    yield from _domain("kernel", guest.kernels, _kernels)
    yield from _domain("boot", guest.boot, _boot)
    yield from _domain("mounts", guest.mounts, _mounts)
    yield from _domain("cloud", guest.cloud, _cloud)
    yield from _domain("network", guest.network, _network)
    yield from _domain("ssh", guest.ssh, _ssh)


def _domain(label: str, fact: Fact[Value], render: Callable[[Value], Iterator[str]]) -> Iterator[tuple[str, str]]:
    if isinstance(fact, Known):
        yield from ((label, text) for text in list(render(fact.value))[:_SHOWN])
    else:
        yield label, f"not examined: {fact.reason}"


def _system(system: OperatingSystem) -> Iterator[str]:
    name = system.name or f"{system.distribution} {system.version}".strip() or "no os-release"
    parts = [quote(name), system.machine or "unknown machine"]
    if system.package_manager:
        known = f", {len(system.packages.value)} packages" if isinstance(system.packages, Known) else ""
        parts.append(f"{system.package_manager}{known}")
    yield ", ".join(parts)


def _volume(volume: Volume) -> str:
    label = f" {quote(volume.label)}" if volume.label else ""
    trouble = f", {volume.trouble.kind.value}" if volume.trouble else ""
    return f"{quote(volume.mount_point)} on {volume.source}, {volume.file_system}{label}{trouble}"


def _kernels(kernels: Kernels) -> Iterator[str]:
    if not kernels.kernels:
        yield "none"
    for kernel in kernels.kernels:
        yield f"{quote(kernel.version)}, {_modules(kernel)}, {_initramfs(kernel)}"


def _modules(kernel: Kernel) -> str:
    return "no modules" if kernel.modules is None else f"{len(kernel.modules.index.files)} modules"


def _initramfs(kernel: Kernel) -> str:
    found = kernel.initramfs
    if not isinstance(found, Known):
        return f"initramfs not examined: {found.reason}"
    if found.value is None:
        return "no initramfs"
    built = f" by {found.value.builder}" if found.value.builder else ""
    how = ", ".join(found.value.segments)
    return f"initramfs of {human_size(found.value.size_bytes)}{built} ({how}) with {len(found.value.modules)} modules"


def _boot(setup: BootSetup) -> Iterator[str]:
    for chain in setup.chains:
        yield _chain(chain)
    lines = dict.fromkeys(chain.entry.command_line.text for chain in setup.chains if chain.entry)
    yield from (f"command line {line[:_LONGEST_LINE]}" for line in lines)


def _chain(chain: BootChain) -> str:
    start = quote(chain.loader) if chain.loader else "boot code"
    if chain.broken is not None:
        return f"{start} stops at its {chain.broken.kind.value} {quote(chain.broken.name)}: {chain.broken.problem}"
    if chain.entry is None:
        return f"{start}: {chain.end or 'no entry'}"
    return f"{start} starts {quote(chain.entry.kernel)}" + (f"; {chain.end}" if chain.end else "")


def _mounts(mounts: Mounts) -> Iterator[str]:
    if not mounts.fstab:
        yield "none in fstab"
    for entry in mounts.fstab:
        yield f"{quote(entry.mount_point)} from {quote(entry.source)}, {entry.type}"


def _cloud(cloud: CloudSetup) -> Iterator[str]:
    if cloud.cloud_init is not None:
        found = cloud.cloud_init
        sources = found.datasource_list
        listed = ", ".join(sources.items) if sources else "cloud-init's own list"
        state = f"off: {found.disabled_by}" if found.disabled_by else "enabled"
        yield f"cloud-init {found.version or 'of unknown version'}, {state}, datasources {listed}"
    others = [one for one in cloud.provisioners if one.kind is not ProvisionerKind.CLOUD_INIT]
    for other in others:
        yield f"{other.kind.value}, {'enabled' if other.is_enabled else 'not enabled'}"
    if cloud.cloud_init is None and not others:
        yield "neither cloud-init nor a counterpart"


def _network(network: NetworkSetup) -> Iterator[str]:
    if not network.managers:
        yield "nothing that brings interfaces up"
    for manager in network.managers:
        count = sum(config.manager is manager.kind for config in network.interfaces)
        yield f"{manager.state}, {count} configuration{'s' if count != 1 else ''}"


def _ssh(ssh: SshSetup) -> Iterator[str]:
    if ssh.server is None:
        yield "no server"
        return
    text = ssh.server.state
    if ssh.settings is not None:
        passwords = "with" if ssh.settings.has_passwords else "without"
        text += f", root login {ssh.settings.permit_root_login}, {passwords} passwords"
    yield text
