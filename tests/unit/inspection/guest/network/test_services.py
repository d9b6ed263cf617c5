"""The services of a guest's network: managers, renderers, firewalls, the resolver, and what a boot waits for."""

from __future__ import annotations

import pytest

from byoi_tools.inspection.guest.network.read import read_network
from byoi_tools.model.guest.network import Firewall, NetworkSetup, Resolver, WaitOnline
from fixtures.tiny.good_files import Content, Link
from fixtures.tiny.good_files.network import FILES
from tests.guest_contexts import context_of

INTERFACES = "/etc/network/interfaces"


def network_of(changes: dict[str, Content | None]) -> NetworkSetup:
    files = {path: content for path, content in (FILES | changes).items() if content is not None}
    return read_network(context_of({"/lib": Link("usr/lib"), **files}))


def enabled(unit: str, text: str = "") -> dict[str, Content | None]:
    file = f"/usr/lib/systemd/system/{unit}"
    return {file: text or "[Unit]\n", f"/etc/systemd/system/multi-user.target.wants/{unit}": Link(file)}


IFUPDOWN: dict[str, Content | None] = {
    "/usr/sbin/netplan": None,
    "/usr/sbin/ifup": "",
    "/usr/sbin/ifdown": "",
    **enabled("networking.service"),
}
MANAGER: dict[str, Content | None] = {
    "/usr/sbin/NetworkManager": "",
    "/usr/bin/nmcli": "",
    "/etc/NetworkManager/NetworkManager.conf": "[main]\nplugins=keyfile\n",
    **enabled("NetworkManager.service"),
}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"/usr/sbin/netplan": None}, []),
        (IFUPDOWN, []),
        ({**IFUPDOWN, INTERFACES: ""}, [("eni", True)]),
        ({"/usr/sbin/ifup": "", "/usr/sbin/ifdown": "", INTERFACES: ""}, [("eni", False), ("netplan", True)]),
        (MANAGER, [("netplan", True), ("network-manager", True)]),
        ({"/etc/systemd/system/systemd-networkd.service": Link("/dev/null")}, [("netplan", False)]),
        ({"/etc/netplan/a.yaml": "network: {renderer: NetworkManager}"}, [("netplan", False)]),
    ],
)
def test_renderers_in_the_order_of_cloud_init(
    changes: dict[str, Content | None], names: list[tuple[str, bool]]
) -> None:
    assert [(one.name, one.is_working) for one in network_of(changes).renderers] == names


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        (MANAGER, True),
        ({**MANAGER, "/usr/lib/NetworkManager/conf.d/00-server.conf": "[main]\nno-auto-default=*\n"}, False),
        (
            {
                **MANAGER,
                "/usr/lib/NetworkManager/conf.d/10.conf": "[keyfile]\nunmanaged-devices=*,except:type:wifi\n",
            },
            False,
        ),
        (
            {
                **MANAGER,
                "/usr/lib/NetworkManager/conf.d/10.conf": "[keyfile]\nunmanaged-devices=*\n",
                "/etc/NetworkManager/conf.d/10.conf": "",
            },
            True,
        ),
        ({**MANAGER, "/etc/systemd/system/NetworkManager.service": Link("/dev/null")}, False),
    ],
)
def test_networkmanager_without_configuration(changes: dict[str, Content | None], answer: bool) -> None:
    assert network_of(changes).is_automatic is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("[Service]\nExecStart=/usr/lib/systemd/systemd-networkd-wait-online --any\n", True),
        ("[Service]\nExecStart=\nExecStart=/usr/lib/systemd/systemd-networkd-wait-online -i eno1\n", True),
        ("[Service]\nTimeoutStartSec=10\n", False),
    ],
)
def test_waiting_for_one_card(text: str, answer: bool) -> None:
    path = "/etc/systemd/system/systemd-networkd-wait-online.service.d/any.conf"
    assert network_of({path: text}).wait_online == WaitOnline(True, answer)


NFT = "table inet f {\n chain input {\n  type filter hook input priority 0; policy %s;\n  %s\n }\n}\n"
IPTABLES = "*filter\n:INPUT %s [0:0]\n-A INPUT -i lo -j ACCEPT\n%s\nCOMMIT\n"


@pytest.mark.parametrize(
    ("unit", "path", "text", "drops", "accepts", "is_understood"),
    [
        ("nftables", "/etc/nftables.conf", NFT % ("drop", "tcp dport 22 accept"), True, True, True),
        ("nftables", "/etc/nftables.conf", NFT % ("drop", "tcp dport { http, ssh } accept"), True, True, True),
        ("nftables", "/etc/nftables.conf", NFT % ("drop", "tcp dport 20-30 ct state new accept"), True, True, True),
        ("nftables", "/etc/nftables.conf", NFT % ("drop", "tcp dport 443 accept"), True, False, True),
        ("nftables", "/etc/nftables.conf", NFT % ("drop", "# tcp dport 22 accept"), True, False, True),
        ("nftables", "/etc/nftables.conf", NFT % ("accept", "tcp dport 443 accept"), False, False, True),
        ("nftables", "/etc/nftables.conf", NFT % ("accept", "tcp dport 80 accept\n  reject"), True, False, True),
        ("nftables", "/etc/nftables.conf", NFT % ("drop", "x") + 'include "/etc/x"\n', True, False, False),
        ("iptables", "/etc/sysconfig/iptables", IPTABLES % ("DROP", "-A INPUT --dport 22 -j ACCEPT"), True, True, True),
        ("iptables", "/etc/sysconfig/iptables", IPTABLES % ("ACCEPT", "-A INPUT -j REJECT"), True, False, True),
        ("iptables", "/etc/sysconfig/iptables", IPTABLES % ("ACCEPT", ""), False, False, True),
        ("firewalld", "/usr/lib/firewalld/zones/public.xml", '<zone><service name="ssh"/></zone>', True, True, True),
        ("firewalld", "/etc/firewalld/zones/public.xml", '<zone><port port="80"/></zone>', True, False, True),
        ("firewalld", "/etc/firewalld/zones/public.xml", '<zone target="ACCEPT"></zone>', True, True, True),
        ("ufw", "/etc/ufw/user.rules", "### tuple ### limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n", True, True, True),
        ("ufw", "/etc/ufw/user.rules", "### tuple ### allow udp 22 0.0.0.0/0 any 0.0.0.0/0 in\n", True, False, True),
        ("ufw", "/etc/ufw/user.rules", "### tuple ### deny tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n", True, False, True),
    ],
)  # fmt: skip
def test_firewalls(unit: str, path: str, text: str, drops: bool, accepts: bool, is_understood: bool) -> None:
    (found,) = network_of({path: text, "/etc/ufw/ufw.conf": "ENABLED=yes\n", **enabled(f"{unit}.service")}).firewalls
    assert (found.name, found.path) == (unit, path)
    assert (found.drops, found.accepts(22), found.is_understood) == (drops, accepts, is_understood)


def test_a_firewall_that_no_boot_starts_does_not_count() -> None:
    assert network_of({"/etc/nftables.conf": NFT % ("drop", "")}).firewalls == ()
    assert network_of({"/etc/ufw/ufw.conf": "ENABLED=no\n", **enabled("ufw.service")}).firewalls == ()


@pytest.mark.parametrize(
    ("accepted", "port", "answer"),
    [(("any",), 22, True), (("20:30",), 22, True), (("8022",), 22, False), (("2-x",), 22, False), ((), 22, False)],
)
def test_ports_as_they_are_written(accepted: tuple[str, ...], port: int, answer: bool) -> None:
    assert Firewall("x", "y", True, accepted, True).accepts(port) is answer


@pytest.mark.parametrize(
    ("changes", "resolver"),
    [
        ({"/etc/resolv.conf": "nameserver 10.0.2.3\nnameserver ::1\n"}, Resolver(True, "", False, ("10.0.2.3", "::1"))),
        ({"/etc/resolv.conf": None}, Resolver(False, "", False, ())),
        ({**MANAGER, "/etc/resolv.conf": "nameserver 10.0.2.3\n"}, Resolver(True, "", True, ("10.0.2.3",))),
        ({"/etc/resolv.conf": Link("/run/NetworkManager/resolv.conf")},
         Resolver(False, "/run/NetworkManager/resolv.conf", False, ())),
        ({"/etc/systemd/system/systemd-resolved.service": Link("/dev/null")},
         Resolver(False, "../run/systemd/resolve/stub-resolv.conf", False, ())),
    ],
)  # fmt: skip
def test_the_resolver(changes: dict[str, Content | None], resolver: Resolver) -> None:
    assert network_of(changes).resolver == resolver
