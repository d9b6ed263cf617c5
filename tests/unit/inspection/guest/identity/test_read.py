"""Who may log in to a guest, what it holds secret, and what its clones would share."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.identity.read import read_identity
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.guest.identity import Identity, LeftoverKind, MachineId, SecretKind
from tests.guest_tree import Link, tree_of

PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\nwww:x:33:33::/var/www:/usr/sbin/nologin\n"
)


def identity_of(files: Mapping[str, str | bytes | Link]) -> Identity:
    no_disk = cast(Disk, None)  # this domain asks for the files and the ESPs alone
    return read_identity(GuestContext(tree=tree_of(files), disk=no_disk, esps=(), volumes=()))


def test_an_empty_guest_has_nothing() -> None:
    found = identity_of({"/etc/": ""})
    assert found == Identity((), (), (), (), (), MachineId.ABSENT, MachineId.ABSENT, (), ())


@pytest.mark.parametrize(
    ("content", "state"),
    [
        ("", MachineId.EMPTY),
        ("\n", MachineId.EMPTY),
        ("uninitialized\n", MachineId.UNINITIALIZED),
        ("0123456789abcdef0123456789abcdef\n", MachineId.SET),
        (b"\xff\xfe" * 100, MachineId.SET),
    ],
)
def test_the_machine_id(content: str | bytes, state: MachineId) -> None:
    assert identity_of({"/etc/machine-id": content}).machine_id is state


def test_the_machine_id_of_d_bus_counts_when_it_is_a_file_of_its_own() -> None:
    identity = "0123456789abcdef0123456789abcdef\n"
    linked = {"/etc/machine-id": identity, "/var/lib/dbus/machine-id": Link("/etc/machine-id")}
    assert identity_of(linked).dbus_machine_id is MachineId.ABSENT
    assert identity_of({"/var/lib/dbus/machine-id": identity}).dbus_machine_id is MachineId.SET


def test_sudo_without_a_password_and_whom_it_reaches() -> None:
    found = identity_of(
        {
            "/etc/passwd": PASSWD,
            "/etc/group": "admin:x:27:ada,gone\n",
            "/etc/sudoers": "root ALL=(ALL) ALL\n%admin ALL=(ALL) NOPASSWD: ALL\n",
            "/etc/sudoers.d/90-ada": "ada ALL=(ALL) NOPASSWD: ALL\n",
            "/etc/sudoers.d/README.txt": "ada ALL=(ALL) NOPASSWD: ALL\n",  # sudo reads no name with a dot
            "/etc/sudoers.d/old~": "ada ALL=(ALL) NOPASSWD: ALL\n",
        }
    )
    assert [(grant.who, grant.members, grant.path, grant.line) for grant in found.passwordless_sudo] == [
        ("%admin", ("ada",), "/etc/sudoers", 2),
        ("ada", ("ada",), "/etc/sudoers.d/90-ada", 1),
    ]


def test_keys_that_may_log_in() -> None:
    found = identity_of(
        {
            "/etc/passwd": PASSWD,
            "/root/.ssh/authorized_keys": "# nobody\n",
            "/home/ada/.ssh/authorized_keys": "ssh-ed25519 AAAA ada\nssh-rsa AAAA ada\n",
            "/home/eve/.ssh/authorized_keys2": "ssh-ed25519 AAAA eve\n",  # a home that passwd does not name
        }
    )
    assert {keys.path: keys.key_count for keys in found.authorized_keys} == {
        "/home/ada/.ssh/authorized_keys": 2,
        "/home/eve/.ssh/authorized_keys2": 1,
    }


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
def test_private_keys_as_ssh_keygen_writes_them(tmp_path: Path, kind: str, form: str) -> None:
    key = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", kind, "-m", form, "-N", "", "-f", str(key)]
    subprocess.run(command, check=True)
    found = identity_of({"/root/.ssh/id_x": key.read_bytes(), "/root/.ssh/id_x.pub": Path(f"{key}.pub").read_bytes()})
    assert [(secret.path, secret.kind) for secret in found.secrets] == [("/root/.ssh/id_x", SecretKind.PRIVATE_KEY)]


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("path", "content", "is_secret"),
    [
        ("/etc/ssl/private/web.key", KEY, True),
        ("/etc/ssl/private/ca.pem", CERTIFICATE, False),
        ("/etc/ssl/private/both.pem", CERTIFICATE + KEY, True),
        ("/etc/letsencrypt/live/example.org/privkey.pem", KEY, True),
        ("/etc/ssh/ssh_host_rsa_key", KEY, False),  # told as a host key
        ("/root/id_ed25519", "not a key at all", False),
        ("/root/server.p12", b"\x30\x82\x0a\x00", True),
        ("/etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = abc=\n", True),
        ("/root/notes.txt", KEY, False),  # names come first: whole file systems are not searched
        ("/home/ada/.aws/credentials", "[default]\naws_secret_access_key = x\n", True),
        ("/home/ada/.aws/config", "[default]\nregion = gra\n", False),
        ("/root/.docker/config.json", '{"auths": {"r": {"auth": "eDp5"}}}', True),
        ("/root/.docker/config.json", '{"auths": {}}', False),
        ("/root/.netrc", "machine h login u password p\n", True),
        ("/root/.my.cnf", "[client]\nuser = root\n", False),
        ("/root/.my.cnf", "[client]\n password = x\n", True),
        ("/root/.git-credentials", "https://user:token@example.org\n", True),
        ("/etc/environment", 'PATH="/bin"\n', False),
    ],
)
def test_secrets_by_name_and_first_bytes(path: str, content: str | bytes, is_secret: bool) -> None:
    found = identity_of({"/etc/passwd": PASSWD, path: content})
    assert [secret.path for secret in found.secrets] == ([path] if is_secret else [])


def test_host_keys_are_their_private_halves() -> None:
    names = ("ssh_host_rsa_key", "ssh_host_rsa_key.pub", "sshd_config", "ssh_host_ed25519_key")
    found = identity_of({f"/etc/ssh/{name}": "x" for name in names})
    assert found.ssh_host_keys == ("/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_rsa_key")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/root/.bash_history", LeftoverKind.HISTORY),
        ("/home/ada/.local/share/fish/fish_history", LeftoverKind.HISTORY),
        ("/var/log/syslog", LeftoverKind.LOG),
        ("/var/log/apt/term.log", LeftoverKind.LOG),
        ("/var/log/journal/0123/system.journal", LeftoverKind.JOURNAL),
        ("/var/lib/dhcp/dhclient.eth0.leases", LeftoverKind.DHCP),
        ("/var/lib/NetworkManager/secret_key", LeftoverKind.DHCP),
        ("/var/lib/systemd/random-seed", LeftoverKind.RANDOM_SEED),
        ("/var/lib/systemd/credential.secret", LeftoverKind.HOST_KEY),
        ("/etc/nvme/hostnqn", LeftoverKind.HOST_ID),
        ("/etc/lvm/devices/system.devices", LeftoverKind.HOST_ID),
        ("/var/cache/apt/archives/vim_9_amd64.deb", LeftoverKind.PACKAGE),
        ("/var/cache/dnf/base/packages/vim.rpm", LeftoverKind.PACKAGE),
        ("/etc/pki/consumer/cert.pem", LeftoverKind.SUBSCRIPTION),
        ("/root/anaconda-ks.cfg", LeftoverKind.INSTALLER),
        ("/var/log/installer/autoinstall-user-data", LeftoverKind.INSTALLER),
        ("/tmp/script_1234.sh", LeftoverKind.TEMPORARY),
        ("/swapfile", LeftoverKind.SWAP),
    ],
)
def test_what_builds_leave(path: str, kind: LeftoverKind) -> None:
    (left,) = identity_of({"/etc/passwd": PASSWD, path: "some text"}).leftovers
    assert (left.kind, left.path, left.size_bytes) == (kind, path, 9)
    assert identity_of({"/etc/passwd": PASSWD, path: ""}).leftovers == ()
    assert identity_of({"/etc/passwd": PASSWD, path: Link("/dev/null")}).leftovers == ()


def test_an_initiator_name_that_is_still_to_be_made_is_none() -> None:
    path = "/etc/iscsi/initiatorname.iscsi"
    assert identity_of({path: "GenerateName=yes\n"}).leftovers == ()
    assert identity_of({path: "InitiatorName=iqn.1993-08.org.debian:01:abc\n"}).left(LeftoverKind.HOST_ID)


def test_guest_agents_by_their_programs() -> None:
    found = identity_of({"/usr/sbin/waagent": "", "/usr/sbin/qemu-ga": ""}).guest_agents
    assert [(agent.name, agent.is_conditional) for agent in found] == [
        ("Azure Linux agent", False),
        ("QEMU guest agent", True),
    ]


def test_an_absurd_number_of_homes_is_bounded() -> None:
    files = {f"/home/u{number}/.ssh/authorized_keys": "ssh-ed25519 AAAA\n" for number in range(200)}
    assert len(identity_of(files).authorized_keys) == 63
