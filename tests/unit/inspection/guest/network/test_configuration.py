"""The network configuration of a guest, in every form that guests have it."""

from __future__ import annotations

import pytest

from byoi_tools.inspection.guest.network.read import read_network
from byoi_tools.model.guest.network import (
    InterfaceConfig,
    ManagerKind,
    NetworkSetup,
    Renderer,
    Resolver,
    WaitOnline,
)
from fixtures.tiny.good_files import Content, Link
from fixtures.tiny.good_files.network import FILES
from tests.guest_contexts import context_of

MAC = "52:54:00:12:34:56"
NETWORKD = "/etc/systemd/network"


def network_of(changes: dict[str, Content | None]) -> NetworkSetup:
    files = {path: content for path, content in (FILES | changes).items() if content is not None}
    return read_network(context_of({"/lib": Link("usr/lib"), **files}))


def interface_of(files: dict[str, Content | None]) -> InterfaceConfig:
    (found,) = network_of(files).interfaces
    return found


def test_the_good_guest() -> None:
    found = network_of({})
    assert [(one.kind, one.is_enabled) for one in found.managers] == [(ManagerKind.NETWORKD, True)]
    assert (found.interfaces, found.mac_pins, found.firewalls) == ((), (), ())
    assert found.renderers == (Renderer("netplan", ManagerKind.NETWORKD, True, "systemd-networkd.service is enabled"),)
    assert found.resolver == Resolver(False, "../run/systemd/resolve/stub-resolv.conf", True, ())
    assert found.wait_online == WaitOnline(True, False)
    assert (found.has_kernel_names, found.is_automatic, found.hostname) == (False, False, "localhost")


def test_an_empty_guest() -> None:
    found = read_network(context_of({"/etc/": ""}))
    assert (found.managers, found.interfaces, found.renderers) == ((), (), ())
    assert found.resolver == Resolver(False, "", False, ())
    assert found.has_kernel_names


INTERFACES = "/etc/network/interfaces"


@pytest.mark.parametrize(
    ("path", "text", "names", "macs", "uses_dhcp", "addresses"),
    [
        (INTERFACES, "auto eth0\niface eth0 inet dhcp\n", ("eth0",), (), True, ()),
        (INTERFACES, "allow-hotplug /en*=lan\niface lan inet dhcp\n", ("en*",), (), True, ()),
        (
            INTERFACES,
            "auto lo ens3\niface lo inet loopback\niface ens3 inet static\n  address 192.0.2.9/24\n",
            *(("ens3",), (), False, ("192.0.2.9/24",)),
        ),
        (f"{NETWORKD}/a.network", "[Match]\nName=en* eth*\n[Network]\nDHCP=ipv4\n", ("en*", "eth*"), (), True, ()),
        (f"{NETWORKD}/a.network", "[Match]\nName=!veth* wg*\n[Network]\nDHCP=yes\n", ("!veth*", "!wg*"), (), True, ()),
        (
            f"{NETWORKD}/a.network",
            f"[Match]\nMACAddress={MAC}\n[Network]\nAddress=192.0.2.9/24\n[Address]\nAddress=2001:db8::9/64\n",
            *((), (MAC,), False, ("192.0.2.9/24", "2001:db8::9/64")),
        ),
        (
            "/etc/netplan/a.yaml",
            "network: {ethernets: {all: {match: {name: 'en*'}, dhcp4: true}}}",
            *(("en*",), (), True, ()),
        ),
        (
            "/etc/netplan/a.yaml",
            f"network: {{ethernets: {{ens3: {{match: {{macaddress: '{MAC}'}}, set-name: ens3, dhcp4: true}}}}}}",
            *((), (MAC,), True, ()),
        ),
        (
            "/etc/netplan/a.yaml",
            "network: {ethernets: {ens3: {addresses: [192.0.2.9/24, {'2001:db8::9/64': {label: x}}]}}}",
            *(("ens3",), (), False, ("192.0.2.9/24", "2001:db8::9/64")),
        ),
        (
            "/etc/NetworkManager/system-connections/a.nmconnection",
            f"[connection]\ntype=ethernet\ninterface-name=ens3\n[ethernet]\nmac-address={MAC}\n[ipv4]\nmethod=auto\n",
            *(("ens3",), (MAC,), True, ()),
        ),
        (
            "/etc/NetworkManager/system-connections/a.nmconnection",
            "[connection]\ntype=ethernet\n[ipv4]\nmethod=manual\naddress1=192.0.2.9/24,192.0.2.1\n",
            *((), (), False, ("192.0.2.9/24",)),
        ),
        (
            "/etc/sysconfig/network-scripts/ifcfg-ens3",
            f'DEVICE="ens3"\nBOOTPROTO=dhcp\nHWADDR={MAC}\nONBOOT=yes\n',
            *(("ens3",), (MAC,), True, ()),
        ),
        (
            "/etc/sysconfig/network/ifcfg-eth0",
            "BOOTPROTO='static'\nSTARTMODE='auto'\nIPADDR='192.0.2.9/24'\n",
            *(("eth0",), (), False, ("192.0.2.9/24",)),
        ),
        ("/etc/rc.conf", 'ifconfig_DEFAULT="SYNCDHCP accept_rtadv"\nifconfig_lo0="inet 127.0.0.1"\n', (), (), True, ()),
        ("/etc/rc.conf", 'ifconfig_em0="inet 192.0.2.9 netmask 255.255.255.0"\n', ("em0",), (), False, ("192.0.2.9",)),
    ],
)  # fmt: skip
def test_a_configuration_of_an_interface(
    path: str, text: str, names: tuple[str, ...], macs: tuple[str, ...], uses_dhcp: bool, addresses: tuple[str, ...]
) -> None:
    found = interface_of({path: text})
    assert (found.names, found.macs, found.uses_dhcp, found.addresses) == (names, macs, uses_dhcp, addresses)
    assert found.place.startswith(path)
    assert not found.is_by_cloud_init


@pytest.mark.parametrize(
    "files",
    [
        {INTERFACES: "iface eth0 inet dhcp\n"},
        {f"{NETWORKD}/a.network": "[Match]\nVirtualization=container\nName=host0\n[Network]\nDHCP=yes\n"},
        {f"{NETWORKD}/a.network": "[Match]\nType=wlan\n[Network]\nDHCP=yes\n"},
        {f"{NETWORKD}/a.network": "[Match]\nName=en*\n[Link]\nUnmanaged=yes\n"},
        {"/usr/lib/systemd/network/a.network": "[Match]\nName=en*\n", f"{NETWORKD}/a.network": Link("/dev/null")},
        {"/etc/netplan/a.yaml": "network: {wifis: {wl0: {dhcp4: true}}}"},
        {"/etc/NetworkManager/system-connections/a": "[connection]\ntype=wifi\n"},
        {"/etc/NetworkManager/system-connections/a": "[connection]\ntype=ethernet\nautoconnect=false\n"},
        {"/etc/sysconfig/network-scripts/ifcfg-ens3": "DEVICE=ens3\nONBOOT=no\n"},
        {"/etc/sysconfig/network-scripts/ifcfg-lo": "DEVICE=lo\n"},
        {"/etc/rc.conf": 'hostname="x"\n'},
    ],
)
def test_what_no_boot_applies_to_a_card_is_left_out(files: dict[str, Content | None]) -> None:
    assert network_of(files).interfaces == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/netplan/50-cloud-init.yaml", "network: {ethernets: {ens3: {dhcp4: true}}}"),
        ("/etc/network/interfaces.d/50-cloud-init", "auto ens3\niface ens3 inet dhcp\n"),
        (f"{NETWORKD}/10-cloud-init-ens3.network", "[Match]\nName=ens3\n[Network]\nDHCP=yes\n"),
        ("/etc/NetworkManager/system-connections/cloud-init-ens3.nmconnection", "[connection]\ntype=ethernet\n"),
        ("/etc/sysconfig/network-scripts/ifcfg-ens3", "# Created by cloud-init automatically\nDEVICE=ens3\n"),
    ],
)
def test_what_cloud_init_wrote_is_known(path: str, text: str) -> None:
    found = interface_of({INTERFACES: "source /etc/network/interfaces.d/*\n", path: text})
    assert found.is_by_cloud_init


def test_netplan_merges_its_files_by_name() -> None:
    found = interface_of(
        {
            "/usr/lib/netplan/00-all.yaml": "network: {renderer: NetworkManager}",
            "/etc/netplan/10-a.yaml": "network: {ethernets: {lan: {match: {name: 'en*'}, addresses: [192.0.2.9/24]}}}",
            "/etc/netplan/20-b.yaml": "network: {ethernets: {lan: {dhcp4: true, optional: true}}}",
        }
    )
    assert (found.manager, found.place) == (ManagerKind.NETWORK_MANAGER, "/etc/netplan/20-b.yaml")
    assert (found.names, found.uses_dhcp, found.addresses) == (("en*",), True, ("192.0.2.9/24",))
    assert not found.is_waited_for


def test_a_bond_is_for_the_cards_that_it_is_made_of() -> None:
    text = (
        "network:\n  ethernets: {lan: {match: {name: 'en*'}}}\n"
        "  bonds: {bond0: {interfaces: [lan], dhcp4: true}, bond1: {dhcp4: true}}\n"
    )
    bonds = [one for one in network_of({"/etc/netplan/a.yaml": text}).interfaces if one.uses_dhcp]
    assert [one.names for one in bonds] == [("en*",)]


@pytest.mark.parametrize(
    ("names", "macs", "is_restricted", "predictable", "kernel"),
    [
        ((), (), False, True, True),
        (("en*",), (), False, True, False),
        (("e*",), (), False, True, True),
        (("eth0",), (), False, False, True),
        (("eno*",), (), False, False, False),
        (("eno*", "enp*"), (), False, True, False),
        (("!eth*",), (), False, True, False),
        (("*", "!enp*"), (), False, False, True),
        (("ens3",), (), False, False, False),
        (("*",), (MAC,), False, False, False),
        (("*",), (), True, False, False),
    ],
)
def test_what_applies_to_cards_that_nobody_has_seen(
    names: tuple[str, ...], macs: tuple[str, ...], is_restricted: bool, predictable: bool, kernel: bool
) -> None:
    one = InterfaceConfig(ManagerKind.NETWORKD, "x", names, macs, is_restricted, True, (), False)
    assert one.applies_to_any_card(has_kernel_names=False) is predictable
    assert one.applies_to_any_card(has_kernel_names=True) is kernel


@pytest.mark.parametrize(
    ("files", "places"),
    [
        (
            {"/etc/udev/rules.d/70-persistent-net.rules": f'# no\nATTR{{address}}=="{MAC}", NAME="eth0"\n'},
            ["/etc/udev/rules.d/70-persistent-net.rules line 2"],
        ),
        ({"/etc/udev/rules.d/a.rules": f'ATTR{{address}}=="{MAC}", RUN+="/bin/x"\n'}, []),
        ({f"{NETWORKD}/a.link": f"[Match]\nMACAddress={MAC}\n[Link]\nName=lan\n"}, [f"{NETWORKD}/a.link line 2"]),
        ({f"{NETWORKD}/a.link": "[Match]\nOriginalName=*\n[Link]\nNamePolicy=mac\n"}, []),
    ],
)
def test_rules_for_one_card(files: dict[str, Content | None], places: list[str]) -> None:
    assert [pin.place for pin in network_of(files).mac_pins] == places


@pytest.mark.parametrize(
    "changes",
    [
        {"/etc/systemd/network/99-default.link": Link("/dev/null")},
        {"/etc/udev/rules.d/80-net-setup-link.rules": Link("/dev/null")},
        {"/usr/lib/udev/rules.d/80-net-setup-link.rules": None},
    ],
)
def test_the_kernels_names(changes: dict[str, Content | None]) -> None:
    assert network_of(changes).has_kernel_names


def test_a_netplan_file_that_is_no_yaml_is_told() -> None:
    (unread,) = network_of({"/etc/netplan/a.yaml": "network:\n\tversion: 2\n"}).unread_files
    assert unread.path == "/etc/netplan/a.yaml"
    assert "line 2" in unread.reason
