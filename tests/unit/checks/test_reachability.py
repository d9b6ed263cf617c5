"""What the checks of cloud-init, network and SSH make of whole guests: which ones fail, and how bad it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.fact import NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import OutcomeKind, Report, Severity
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good_files import Content, Link, cloud, network, ssh
from fixtures.tiny.good_files.boot import ARGUMENTS, GRUB_MENU
from tests.guest_contexts import context_of, labelled
from tests.unit.checks.guest_facts import facts_of

OURS = tuple(check for check in CHECKS if check.family in ("cloud", "net", "ssh"))
PROFILE = Profile("test", "", Product.BYOI, None, Target(), ())
GOOD: dict[str, Content] = {"/lib": Link("usr/lib"), **cloud.FILES, **network.FILES, **ssh.FILES}
NO_CLOUD_INIT: dict[str, Content | None] = {
    cloud.PROGRAM: None,
    cloud.VERSION: None,
    "/etc/ssh/ssh_host_ed25519_key": "",
    "/usr/libexec/nuageinit": "",  # something takes the key, and leaves the network alone
}
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
WIRED = "/etc/systemd/network/20-wired.network"
WIDE = "[Match]\nName=en*\n[Link]\nRequiredForOnline=no\n[Network]\nDHCP=yes\n"
BUILD = "/etc/netplan/01-build.yaml"
BY_CLOUD_INIT = "/etc/netplan/50-cloud-init.yaml"
MAC_PINNED = "network: {ethernets: {net0: {match: {macaddress: '52:54:00:12:34:56'}, dhcp4: true}}}\n"
DISABLED = "/etc/cloud/cloud.cfg.d/99-disable-network-config.cfg"
NOT_BY_CLOUD_INIT: dict[str, Content | None] = {DISABLED: "network: {config: disabled}\n"}


def judge(facts: Facts, user_data: bytes | None = None) -> Report:
    intent = Intent(Product.BYOI, BootMode.UEFI, user_data=user_data)
    return check_image(OURS, facts, intent, PROFILE, Severity.INFO)


def facts_with(changes: dict[str, Content | None]) -> Facts:
    return facts_of(context_of({path: content for path, content in (GOOD | changes).items() if content is not None}))


def failures(report: Report) -> dict[str, Severity]:
    return {one.check_id: one.severity for one in report.of_kind(OutcomeKind.FAILED)}


CASES: list[tuple[dict[str, Content | None], dict[str, Severity]]] = [
    ({}, {}),
    # Without cloud-init's help.
    ({**NO_CLOUD_INIT, WIRED: WIDE}, {"cloud.enabled": ERROR}),
    ({**NOT_BY_CLOUD_INIT, WIRED: WIDE}, {}),
    (NOT_BY_CLOUD_INIT, {"cloud.network-disabled": ERROR}),
    ({**NO_CLOUD_INIT, "/etc/rc.conf": 'nuageinit_enable="YES"\n'}, {}),
    ({**NO_CLOUD_INIT}, {"cloud.enabled": ERROR, "net.dhcp": ERROR}),
    ({**NO_CLOUD_INIT, WIRED: WIDE, network.NETPLAN: None}, {"cloud.enabled": ERROR}),
    (
        {**NO_CLOUD_INIT, WIRED: WIDE, "/etc/systemd/system/systemd-networkd.service": Link("/dev/null")},
        {"cloud.enabled": ERROR, "net.renderer": ERROR},
    ),
    # Leftovers are worse where nothing else works.
    ({BUILD: "network: {ethernets: {ens3: {dhcp4: true}}}\n"}, {"net.ifname-pinned": WARNING}),
    (
        {**NOT_BY_CLOUD_INIT, BUILD: "network: {ethernets: {ens3: {dhcp4: true}}}\n"},
        {"cloud.network-disabled": ERROR, "net.ifname-pinned": ERROR},
    ),
    ({**NOT_BY_CLOUD_INIT, WIRED: WIDE, BUILD: MAC_PINNED}, {"net.mac-pinned": WARNING}),
    ({**NOT_BY_CLOUD_INIT, BUILD: MAC_PINNED}, {"cloud.network-disabled": ERROR, "net.mac-pinned": ERROR}),
    (
        {**NOT_BY_CLOUD_INIT, BUILD: "network: {ethernets: {eno1: {addresses: [192.0.2.1/24]}}}\n"},
        {"cloud.network-disabled": ERROR, "net.static-leftover": ERROR},
    ),
    ({BUILD: "network: {ethernets: {eno1: {addresses: [169.254.1.1/16, 'fe80::1/64']}}}\n"}, {}),
    # What cloud-init wrote on the build's machine it will write anew.
    ({BY_CLOUD_INIT: MAC_PINNED}, {}),
    ({BY_CLOUD_INIT: MAC_PINNED, **NOT_BY_CLOUD_INIT}, {"cloud.network-disabled": ERROR, "net.mac-pinned": ERROR}),
    # The kernel's names.
    (
        {"/usr/lib/udev/rules.d/80-net-setup-link.rules": None, BUILD: "network: {ethernets: {eth0: {dhcp4: true}}}\n"},
        {},
    ),
    # The image's own configuration for cloud-init.
    ({DISABLED: "network: {version: 2, ethernets: {all: {match: {name: 'e*'}, dhcp4: true, optional: true}}}\n"}, {}),
    ({DISABLED: "network: {version: 2, ethernets: {ens3: {dhcp4: true}}}\n"}, {"net.ifname-pinned": ERROR}),
    # Waiting.
    ({WIRED: WIDE.replace("RequiredForOnline=no", "")}, {"net.wait-online": WARNING}),
    (
        {
            WIRED: WIDE.replace("RequiredForOnline=no", ""),
            "/etc/systemd/system/systemd-networkd-wait-online.service.d/any.conf": (
                "[Service]\nExecStart=\nExecStart=/usr/lib/systemd/systemd-networkd-wait-online --any\n"
            ),
        },
        {},
    ),
    # Names.
    ({"/etc/resolv.conf": "nameserver 9.9.9.9\nnameserver 10.0.2.3\n"}, {}),
    ({"/etc/resolv.conf": "nameserver 127.0.0.53\n"}, {"net.resolv": WARNING}),
    ({"/etc/resolv.conf": None}, {}),
    ({"/etc/hostname": "Debian\n"}, {}),
    ({"/etc/hostname": None}, {}),
    ({cloud.MAIN_CONFIG: cloud.MAIN_TEXT.replace("hostname: false", "hostname: yes")}, {"net.hostname": INFO}),
    # Seeds count as much as the list of datasources lets them.
    ({"/var/lib/cloud/seed/nocloud/meta-data": "{}"}, {"cloud.seed-embedded": WARNING}),
    (
        {"/var/lib/cloud/seed/nocloud/meta-data": "", cloud.DATASOURCES: "datasource_list: [NoCloud, ConfigDrive]\n"},
        {"cloud.seed-embedded": ERROR},
    ),
    ({"/var/lib/cloud/seed/config_drive/openstack/latest/meta_data.json": "{}"}, {"cloud.seed-embedded": ERROR}),
    # Whom the key goes to.
    ({"/etc/ssh/sshd_config.d/a.conf": "AllowUsers debian@*\n"}, {}),
    ({"/etc/ssh/sshd_config.d/a.conf": "PasswordAuthentication no\nPermitRootLogin yes\n"}, {}),
    (
        {
            cloud.MAIN_CONFIG: cloud.MAIN_TEXT.replace("root: true", "root: false").replace("default\n", "x\n"),
            "/etc/ssh/sshd_config.d/a.conf": "AllowUsers root\n",
        },
        {},
    ),
    ({"/etc/ssh/sshd_config.d/a.conf": "Port 2222\nPort 22\n"}, {}),
    ({"/etc/ssh/sshd_config.d/a.conf": "Port 2222\n"}, {"ssh.server": WARNING}),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=range(len(CASES)))
def test_a_guest_fails_these_checks(changes: dict[str, Content | None], expected: dict[str, Severity]) -> None:
    assert failures(judge(facts_with(changes))) == expected


def test_the_kernels_names_by_the_command_line(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.guest_replace(GRUB_MENU, ARGUMENTS, f"{ARGUMENTS} net.ifnames=0")
    canvas.guest_put_all(
        {BUILD: "network: {ethernets: {eth0: {dhcp4: true}}}\n", DISABLED: "network: {config: disabled}\n"}
    )
    assert failures(judge(inspect_image(canvas.as_raw(tmp_path / "image.raw")))) == {}


@pytest.mark.parametrize(
    ("data", "has_failed"),
    [
        (b"#cloud-config\n", True),
        (b"#cloud-config\n{}\n", False),
        (b"#cloud-config-archive\n- {type: text/x-shellscript, content: x}\n", False),
        (b"#cloud-config-archive\na: b\n", True),
        (b"#!/bin/sh\n", False),
        (b"#cloud-config\r\nruncmd: [a]\r\n", False),
        (b'{"ignition": {"version": "3.4.0"}}', True),
        (b"\xff\xfe#", True),
    ],
)
def test_user_data_for_cloud_init(data: bytes, has_failed: bool) -> None:
    assert failures(judge(facts_with({}), data)) == ({"cloud.userdata-yaml": ERROR} if has_failed else {})


@pytest.mark.parametrize(
    "data", [b'{"ignition": {"version": "3.4.0"}}', b"version: v1alpha1\nmachine: {}\n", b"#ps1\n"]
)
def test_user_data_for_others_is_taken_where_cloud_init_is_not_known_to_read_it(data: bytes) -> None:
    unknown = facts_with({})
    report = judge(
        Facts(unknown.container, unknown.disk, unknown.esps, unknown.bios, guest=NotExamined("encrypted")), data
    )
    assert failures(report) == {}
    assert {one.check_id for one in report.of_kind(OutcomeKind.PASSED)} == {
        "cloud.userdata-yaml",
        "cloud.userdata-base64",
    }


def test_a_guest_that_could_not_be_read_passes_nothing() -> None:
    known = facts_with({})
    report = judge(Facts(known.container, known.disk, known.esps, known.bios, guest=NotExamined("encrypted")))
    assert {one.kind for one in report.outcomes} == {OutcomeKind.SKIPPED}


def test_the_config_drive_of_a_volume_group_is_one_too() -> None:
    context = context_of(GOOD, (labelled(4, "CONFIG-2", "iso9660"), labelled(5, "cidata")))
    assert failures(judge(facts_of(context))) == {"cloud.label-clash": ERROR, "cloud.seed-embedded": WARNING}
