"""Whether a network card of unknown name gets its address: by DHCP, and from no leftover of the build."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.network_intentions import (
    has_kernel_names,
    is_addressed_by_cloud_init,
    is_left_to_others,
    is_rendered_by_cloud_init,
    lasting_interfaces,
    wide_interfaces,
    works_by_its_files,
)
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.network import InterfaceConfig
from byoi_tools.model.quoting import quote

_WIDE = 'Match every card: `Name=en*` with networkd, `match: {name: "en*"}` with netplan; or leave it to cloud-init.'
_NOT_STATIC = ("127.", "::1", "fe80:", "169.254.", "0.0.0.0", "::")  # noqa: S104 - addresses that networkd picks itself


@check(
    "net.dhcp",
    "something asks for an address on a network card of any name",
    Severity.ERROR,
    remedy="Let cloud-init configure the network (remove what disables it), or configure DHCP for every interface."
    f" {_WIDE}",
)
def dhcp(subject: Subject) -> Iterator[Observation]:
    """cloud-init configures the network, or a configuration asks for DHCP.

    Why: the provider gives the public address by DHCP, and a server's cards have names and addresses that the image
    cannot know. If nothing asks on them, the server boots and is never reachable.

    How: cloud-init is there, runs, may configure the network and is given no `network` of the image's own; or another
    configuration of ifupdown, netplan, networkd, NetworkManager, ifcfg or rc.conf uses DHCP; or NetworkManager does it
    by itself. What applies to other names, other cards or static addresses alone is told by `net.ifname-pinned`,
    `net.mac-pinned` and `net.static-leftover`, what switches cloud-init off by `cloud.enabled` and
    `cloud.network-disabled`.

    Fix: leave the network to cloud-init, or match all cards (`Name=en*`, `match: {name: "en*"}`).

    Source: OVHcloud guide Bring Your Own Image: the image must boot "whatever the server type", its network included.
    """
    if is_addressed_by_cloud_init(subject) or works_by_its_files(subject):
        return
    if any(one.uses_dhcp or one.addresses for one in lasting_interfaces(subject)):
        raise NotKnownError(
            "what there is applies to some interfaces: net.ifname-pinned, net.mac-pinned and others tell"
        )
    if _is_switched_off(subject):
        raise NotKnownError("cloud-init is kept from it: cloud.enabled and cloud.network-disabled tell that")
    yield Observation(
        "nothing configures the network: no card of the server will get an address",
        observed=_what_is_there(subject),
        expected="cloud-init, or DHCP for every interface",
        evidence="/etc/network, /etc/netplan, /etc/systemd/network, /etc/NetworkManager",
    )


def _what_is_there(subject: Subject) -> str:
    found = subject.cloud.cloud_init
    if found is not None and found.network.own_config:
        return f"a network configuration without interfaces in {quote(found.network.own_config)}"
    return "no cloud-init, and no configuration of an interface"


def _is_switched_off(subject: Subject) -> bool:
    """Whether cloud-init is there, and something keeps it from the network."""
    return subject.cloud.cloud_init is not None and not is_rendered_by_cloud_init(subject)


@check(
    "net.static-leftover",
    "no static address of the build is left",
    Severity.ERROR,
    remedy="Remove the configuration of the build's interface, and leave the network to cloud-init or to DHCP.",
)
def static_leftover(subject: Subject) -> Iterator[Observation]:
    """No interface has a static address.

    Why: a static address of the build's network is wrong on the server: the default route leads nowhere, and every
    server installed from the image answers to the same address.

    How: static addresses in the files of ifupdown, netplan, networkd, NetworkManager, ifcfg and rc.conf; loopback,
    link-local ones and virtual interfaces aside, and files that cloud-init will overwrite. A warning where cloud-init
    or a DHCP configuration for every card is there too.

    Fix: remove the file or stanza; give servers their addresses by DHCP, user data or the provider's metadata.

    Source: the provider's addresses come by DHCP; AWS VM Import changes such configurations to DHCP for the same
    reason.
    """
    for one in lasting_interfaces(subject):
        addresses = [address for address in one.addresses if not address.startswith(_NOT_STATIC)]
        if addresses:
            yield Observation(
                "an interface has a static address, which every server from this image would take",
                observed=f"{quote(', '.join(addresses))} for {_whom(one)}",
                expected="addresses by DHCP or from cloud-init",
                evidence=quote(one.place),
                severity=_severity(subject),
            )


@check(
    "net.mac-pinned",
    "nothing is bound to the hardware address of a network card",
    Severity.ERROR,
    remedy="Remove the hardware address: HWADDR=, match.macaddress, MACAddress=, 70-persistent-net.rules.",
)
def mac_pinned(subject: Subject) -> Iterator[Observation]:
    """No configuration, udev rule or .link file names a card by its hardware address.

    Why: such lines describe the card of the machine that the build ran on. On the server they match nothing, so the
    configuration is not applied or the card is not called what the rest expects.

    How: `HWADDR`, `match: macaddress`, `MACAddress=`, `mac-address=` in interface configurations, `ATTR{address}` in
    rules of `/etc/udev/rules.d`, `MACAddress=` in .link files; files that cloud-init will overwrite aside. A warning
    where cloud-init or a DHCP configuration for every card is there too.

    Fix: remove `/etc/udev/rules.d/70-persistent-net.rules` and the addresses; match by name pattern.

    Source: libguestfs, virt-sysprep operations net-hwaddr and udev-persistent-net; Microsoft LISA's check of udev
    rules.
    """
    places = [(one.place, mac) for one in lasting_interfaces(subject) for mac in one.macs]
    places += [(pin.place, pin.mac) for pin in subject.network.mac_pins]
    for place, mac in places[:10]:
        yield Observation(
            "the network configuration is bound to a card that the server does not have",
            observed=f"hardware address {quote(mac)}",
            expected="no hardware address",
            evidence=quote(place),
            severity=_severity(subject),
        )


@check(
    "net.ifname-pinned",
    "no configuration is for an interface name that the server may not have",
    Severity.ERROR,
    remedy=_WIDE,
)
def ifname_pinned(subject: Subject) -> Iterator[Observation]:
    """Every DHCP configuration is for names that any server's cards match.

    Why: predictable names come from board and slot (`eno1`, `enp65s0f0np0`), and a virtual machine's `ens3`, `enp1s0`
    or `eth0` is not among them. With `net.ifnames=0` it is the other way round.

    How: the names of configurations with DHCP cover both `eno1` and `enp1s0f0` (`eth0` where the kernel's names are
    kept). A warning where cloud-init or another configuration for every card is there too; those that are bound to
    hardware addresses are told by `net.mac-pinned`.

    Fix: match by pattern, or add `net.ifnames=0` to the kernel's command line and configure `eth0`.

    Source: systemd.net-naming-scheme(7); ovh/bringyourownlinux issues 1 and 10.
    """
    kernel_names = has_kernel_names(subject)
    for one in lasting_interfaces(subject):
        if one.uses_dhcp and not one.macs and not one.applies_to_any_card(has_kernel_names=kernel_names):
            yield Observation(
                "the network is configured for an interface that the server may not have",
                observed=f"DHCP for {_whom(one)}",
                expected="eth0" if kernel_names else "a pattern that covers eno1 and enp1s0f0, as en* does",
                evidence=quote(one.place),
                severity=_severity(subject),
            )


def _whom(one: InterfaceConfig) -> str:
    if one.is_restricted:
        return "cards of some drivers, paths or kinds only"
    return quote(" ".join(one.names)) if one.names else "every interface"


def _severity(subject: Subject) -> Severity | None:
    """A leftover beside something that works is less bad."""
    works = is_addressed_by_cloud_init(subject) or is_left_to_others(subject) or subject.network.is_automatic
    return Severity.WARNING if works or wide_interfaces(subject) else None
