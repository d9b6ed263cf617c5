"""Whatever the files of a guest hold, the domains of cloud, network and SSH are read, and their checks do not break."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.runner import check_image
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.finding import OutcomeKind, Severity
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile
from fixtures.tiny.good_files import Content, Link, cloud, network, ssh
from tests.guest_contexts import context_of
from tests.unit.checks.guest_facts import facts_of

FAMILIES = ("cloud", "net", "ssh")
OURS = tuple(check for check in CHECKS if check.family in FAMILIES)
PROFILE = Profile("test", "", Product.BYOI, None, Target(), ())
GOOD: dict[str, Content] = {"/lib": Link("usr/lib"), **cloud.FILES, **network.FILES, **ssh.FILES}
# Files that are read when they are there.
READ = (
    cloud.MAIN_CONFIG,
    cloud.DATASOURCES,
    cloud.VERSION,
    "/etc/cloud/ds-identify.cfg",
    "/etc/network/interfaces",
    "/etc/netplan/a.yaml",
    "/etc/systemd/network/a.network",
    "/etc/systemd/network/a.link",
    "/etc/NetworkManager/system-connections/a.nmconnection",
    "/etc/NetworkManager/NetworkManager.conf",
    "/etc/sysconfig/network-scripts/ifcfg-eth0",
    "/etc/rc.conf",
    "/etc/udev/rules.d/70-persistent-net.rules",
    "/etc/resolv.conf",
    "/etc/hostname",
    "/etc/nftables.conf",
    "/etc/sysconfig/iptables",
    "/etc/ufw/user.rules",
    "/etc/firewalld/zones/public.xml",
    ssh.CONFIG,
    ssh.UNIT,
    "/Program Files/Cloudbase Solutions/Cloudbase-Init/conf/cloudbase-init.conf",
    "/usr/lib/systemd/system-preset/a.preset",
)
FIREWALLS: dict[str, Content] = {
    "/etc/ufw/ufw.conf": "ENABLED=yes\n",
    **{
        path: content
        for unit in ("nftables", "ufw", "firewalld", "iptables")
        for path, content in {
            f"/usr/lib/systemd/system/{unit}.service": "[Unit]\n",
            f"/etc/systemd/system/multi-user.target.wants/{unit}.service": Link("x"),
        }.items()
    },
}
WORDS = (
    *("\n", "\n  ", ": ", "[", "]", "{", "}", "=", '"', "'", "#", "\\\n", "\x1b[2J", "\u202e", "\x00", "/../", "*"),
    *("datasource_list", "network", "config", "disabled", "version", "1", "2", "ethernets", "match", "macaddress"),
    *("- ", "users", "default", "&a ", "*a ", "<<: ", "auto eth0", "iface eth0 inet static", "address 10.0.0.1"),
    *("Match", "Name", "en*", "DHCP", "yes", "Include /etc/ssh/*", "Port 99999999999999999999", "Match User x"),
    *(
        "hook input",
        "policy drop;",
        "dport {",
        "accept",
        "chain x {",
        "}",
        ":INPUT DROP",
        "-A INPUT --dport 22 -j ACCEPT",
    ),
    *("source /etc/network/interfaces", "conf_d: /", "999" * 30, "metadata_services", "[DEFAULT]", "nameserver ::x%"),
)
texts = st.lists(st.sampled_from(WORDS), max_size=20).map("".join) | st.text(max_size=40) | st.binary(max_size=40)


def judge(changes: dict[str, Content], user_data: bytes | None = None) -> None:
    facts = facts_of(context_of(GOOD | FIREWALLS | changes))
    intent = Intent(Product.BYOI, BootMode.UEFI, user_data=user_data)
    for outcome in check_image(OURS, facts, intent, PROFILE, Severity.INFO).outcomes:
        assert outcome.kind is not OutcomeKind.ERRORED, outcome
        seen = outcome.message + outcome.observed + outcome.expected + outcome.evidence
        assert seen.isprintable(), outcome


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(READ), texts, max_size=6), st.none() | st.binary(max_size=60))
def test_no_content_of_a_file_breaks_a_check(changes: dict[str, Content], user_data: bytes | None) -> None:
    judge(changes, user_data)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.sampled_from(["/", "/dev/null", ".", "../../..", "x", "\x1b[31m"]))
def test_no_link_breaks_a_check(path: str, target: str) -> None:
    judge({path: Link(target)})


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=20).filter(lambda name: "/" not in name and name not in (".", "..")))
def test_no_name_breaks_a_check(name: str) -> None:
    judge(
        {
            f"/etc/netplan/{name}.yaml": "network: {ethernets: {a: {dhcp4: true, addresses: [10.0.0.1]}}}\n",
            f"/etc/cloud/cloud.cfg.d/{name}.cfg": "a: [\n",
            f"/etc/ssh/sshd_config.d/{name}.conf": "Port 1\nPubkeyAuthentication no\n",
            f"/var/lib/cloud/seed/{name}/meta-data": "",
            f"/etc/systemd/network/{name}.network": "[Match]\nMACAddress=x\n[Network]\nDHCP=yes\nAddress=\x1b\n",
        }
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/nftables.conf", "chain a {" * 20_000),
        ("/etc/nftables.conf", "chain a {" + "{ }" * 50_000),
        ("/etc/nftables.conf", "hook input " * 50_000),
        ("/etc/nftables.conf", "dport {" * 100_000 + " accept"),
        ("/etc/network/interfaces", "source /etc/network/*\n" * 20_000),
        ("/etc/ssh/sshd_config", "Include /etc/ssh/*\n" * 5000),
        ("/etc/netplan/a.yaml", "network: {ethernets: {" + ",".join(f"a{n}: {{}}" for n in range(20_000)) + "}}"),
        ("/etc/firewalld/zones/public.xml", "<port " * 150_000),
        ("/etc/cloud/ds-identify.cfg", "a:" * 30_000),
        ("/etc/resolv.conf", "nameserver 10.0.0.1\n" * 50_000),
        ("/usr/lib/systemd/system-preset/a.preset", "enable *\n" * 100_000),
    ],
)  # fmt: skip
def test_large_files_end_soon(path: str, text: str) -> None:
    started = time.process_time()
    judge({path: text})
    assert time.process_time() - started < 10
