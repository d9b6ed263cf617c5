"""Whether the programs act that the network configuration is written for, and what else of it delays or shuts out."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.network_intentions import (
    chosen_renderer,
    cloud_setup,
    is_rendered_by_cloud_init,
    wide_interfaces,
    works_by_its_files,
)
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.network import ManagerKind
from byoi_tools.model.quoting import quote

_GENERIC_NAMES = re.compile(
    r"(localhost(\.localdomain)?|debian|ubuntu|fedora|centos|rocky|alma(linux)?|alpine|arch(linux)?|opensuse|freebsd|linux|host)?"
)
_DEFAULT_SSH_PORT = 22


@check(
    "net.renderer",
    "the program is started that the network configuration is written for",
    Severity.ERROR,
    remedy="Enable it in the image: systemctl enable systemd-networkd (or networking, NetworkManager); with ifupdown"
    " make sure that /etc/network/interfaces exists.",
)
def renderer(subject: Subject) -> Iterator[Observation]:
    """cloud-init finds a renderer whose program a boot starts; without cloud-init, the files' own program is started.

    Why: cloud-init does not bring interfaces up: it writes files for ifupdown, netplan, networkd or NetworkManager.
    With none of them installed, or with the one it chooses not started, the files are written and nothing happens.

    How: the first renderer that is available in cloud-init's order (or that of `system_info.network.renderers`)
    belongs to a program that is enabled and not masked. Where cloud-init has no part in it, one DHCP configuration for
    every card does. A netplan file that is no YAML is told too: netplan then writes nothing at all.

    Fix: enable the program; `touch /etc/network/interfaces` where ifupdown is to be used; name the renderer in
    `system_info: {network: {renderers: [...]}}` of cloud.cfg.

    Source: cloud-init, "Network configuration" (renderers); ovh/bringyourownlinux commit 7580941.
    """
    for unread in subject.network.unread_files:
        yield Observation(
            "netplan cannot parse a file, and configures nothing because of it",
            observed=quote(unread.reason),
            expected="valid YAML",
            evidence=quote(unread.path),
            remedy="Correct the file; `netplan generate` shows what is wrong.",
        )
    if works_by_its_files(subject):
        return
    if is_rendered_by_cloud_init(subject):
        yield from _unusable_renderer(subject)
        return
    idle = wide_interfaces(subject)
    if not idle and not subject.network.unread_files:
        raise NotKnownError("nothing in the image is meant to configure every card: net.dhcp tells that")
    for one in idle:
        yield Observation(
            "an interface is configured for a program that no boot starts",
            observed=quote(subject.network.manager(one.manager).state),
            expected=f"{one.manager.value} enabled",
            evidence=quote(one.place),
        )


def _unusable_renderer(subject: Subject) -> Iterator[Observation]:
    chosen = chosen_renderer(subject)
    if chosen is None:
        yield Observation(
            "cloud-init finds no program that it could write the network configuration for",
            observed="none of ifupdown, netplan, NetworkManager, networkd is complete",
            expected="one of them installed (ifupdown with /etc/network/interfaces)",
            evidence="/usr/sbin and /etc/network",
        )
    elif not chosen.is_working:
        yield Observation(
            "cloud-init writes the network configuration for a program that no boot starts",
            observed=f"renderer {chosen.name}: {quote(chosen.state)}",
            expected=f"{chosen.manager.value} enabled",
            evidence="/etc/systemd/system",
        )


@check(
    "net.wait-online",
    "the boot does not wait for network cards without a cable",
    Severity.WARNING,
    remedy="Set RequiredForOnline=no in the [Link] section (netplan: optional: true), or give"
    " systemd-networkd-wait-online the option --any.",
)
def wait_online(subject: Subject) -> Iterator[Observation]:
    """systemd-networkd-wait-online does not wait for every card of a server.

    Why: servers have ports without a cable. When one configuration matches them all and the service waits for all,
    every boot stops for 120 seconds, and cloud-init with it.

    How: the service is enabled without `--any` or `--interface`, networkd is started, and one of its configurations (or
    netplan's for it) matches every card and is required.

    Fix: `RequiredForOnline=no`, `optional: true`, or a drop-in with `ExecStart=` and
    `ExecStart=/usr/lib/systemd/systemd-networkd-wait-online --any`.

    Source: systemd-networkd-wait-online.service(8), systemd.network(5).
    """
    network = subject.network
    if not network.wait_online.is_enabled:
        raise NotKnownError("systemd-networkd-wait-online is not enabled")
    if network.wait_online.is_any_enough:
        return
    for one in wide_interfaces(subject):
        is_one_card = one.names and not any(set(name) & set("*?[!") for name in one.names)
        if one.is_waited_for and one.manager is ManagerKind.NETWORKD and not is_one_card:
            yield Observation(
                "every boot waits two minutes for the cards of the server that have no cable",
                observed=f"{quote(' '.join(one.names) or '*')} is required to be online, without --any",
                expected="RequiredForOnline=no, or --any",
                evidence=quote(one.place),
            )


@check(
    "net.resolv",
    "names will be resolved: /etc/resolv.conf leads to servers that are reachable",
    Severity.WARNING,
    remedy="Remove /etc/resolv.conf as the last step of the build, or link it: ln -sf"
    " ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf (with systemd-resolved enabled).",
)
def resolv(subject: Subject) -> Iterator[Observation]:
    """`/etc/resolv.conf` is made at boot, or names servers that can be reached from everywhere.

    Why: builders leave their own name server in the file (`10.0.2.3` of QEMU, a router), or a link to a file that no
    service makes. Then no name resolves, packages are not installed, and user data fails in the middle.

    How: a link into `/run` needs the service that makes it (systemd-resolved, NetworkManager, resolvconf); a file must
    not name private or loopback addresses alone, unless NetworkManager or a DHCP client of ifupdown writes it anew.

    Fix: link the file to systemd-resolved's, or let it be written by the DHCP client.

    Source: resolv.conf(5), systemd-resolved.service(8); ovh/bringyourownlinux issue 1.
    """
    resolver = subject.network.resolver
    if resolver.is_made_at_boot:
        return
    if resolver.target and not resolver.exists:
        yield Observation(
            "/etc/resolv.conf is a link to a file that no service makes",
            observed=f"a link to {quote(resolver.target)}",
            expected="systemd-resolved enabled, or a file",
            evidence="/etc/resolv.conf",
        )
    elif resolver.servers and not any(_is_public(server) for server in resolver.servers):
        yield Observation(
            "/etc/resolv.conf names a server of the build's network",
            observed=f"nameserver {quote(', '.join(resolver.servers))}",
            expected="servers that are reachable from everywhere, or a file that is made at boot",
            evidence="/etc/resolv.conf",
        )


def _is_public(server: str) -> bool:
    try:
        return ipaddress.ip_address(server.partition("%")[0]).is_global
    except ValueError:
        return False


@check(
    "net.hostname",
    "no host name of the build is left",
    Severity.INFO,
    remedy="Empty the file in the image: truncate -s 0 /etc/hostname; the host name comes from the config drive.",
)
def hostname(subject: Subject) -> Iterator[Observation]:
    """`/etc/hostname` is empty, missing, or has a name that says nothing, and cloud-init may change it.

    Why: all servers from the image have the same name in logs, DHCP and monitoring until somebody changes it. With
    `preserve_hostname` even the host name that is given for the installation is not applied.

    How: the name is compared with those that distributions ship (`localhost`, `debian`), and `preserve_hostname` of
    cloud-init's configuration is read.

    Fix: `truncate -s 0 /etc/hostname`; give a host name with the installation.

    Source: hostname(5); libguestfs, virt-sysprep operation customize (hostname).
    """
    name = subject.network.hostname
    setup = cloud_setup(subject)
    is_kept = setup is not None and setup.cloud_init is not None and setup.cloud_init.is_hostname_preserved
    if not _GENERIC_NAMES.fullmatch(name.lower()):
        yield Observation(
            "the image has a host name of its own",
            observed=quote(name),
            expected="an empty file, or localhost",
            evidence="/etc/hostname",
        )
    elif is_kept:
        yield Observation(
            "cloud-init would not apply the host name that is given for the installation",
            observed="preserve_hostname: true",
            expected="preserve_hostname: false",
            evidence="/etc/cloud/cloud.cfg and cloud.cfg.d",
            remedy="Take preserve_hostname out of cloud-init's configuration.",
        )


@check(
    "net.firewall",
    "no firewall of the image shuts SSH out",
    Severity.ERROR,
    remedy="Let it accept the port: ufw allow ssh; firewall-cmd --permanent --add-service=ssh; in nftables"
    " `tcp dport 22 accept` in the input chain.",
)
def firewall(subject: Subject) -> Iterator[Observation]:
    """A firewall that a boot starts accepts the port of the SSH server.

    Why: a firewall that refuses everything but what the build needed refuses the only way in, and nothing tells it
    from a server that did not boot.

    How: the configuration of nftables, ufw, firewalld and iptables, where it is enabled: whether input is dropped
    unless accepted, and whether a rule accepts the SSH port. Rules behind includes, maps and sets are not followed;
    then the check is skipped.

    Fix: accept the port in the image; restrict it later, from a server that you can reach.

    Source: nft(8), ufw(8), firewalld.zone(5), iptables-save(8).
    """
    enabled = [one for one in subject.network.firewalls if one.drops]
    settings = subject.ssh.settings
    ports = settings.ports if settings is not None else (_DEFAULT_SSH_PORT,)
    for one in enabled:
        if any(one.accepts(port) for port in ports):
            continue
        if not one.is_understood:
            raise NotKnownError(f"the rules of {one.name} contain includes, maps or variables")
        yield Observation(
            f"{one.name} refuses connections to the SSH server",
            observed=f"accepted TCP ports: {quote(', '.join(one.accepted)) if one.accepted else 'none'}",
            expected=f"port {ports[0]} among them",
            evidence=quote(one.path),
        )
