"""The SSH server of a guest; tests/slow compares its effective configuration with that of sshd itself."""

from __future__ import annotations

import pytest

from byoi_tools.inspection.guest.ssh import read_ssh
from byoi_tools.model.guest.ssh import SshServer, SshSettings, SshSetup
from fixtures.tiny.good_files import Content, Link
from fixtures.tiny.good_files.ssh import CONFIG, FILES, PROGRAM, WANTS
from tests.guest_contexts import context_of

DROP_IN = "/etc/ssh/sshd_config.d"


def ssh_of(changes: dict[str, Content | None]) -> SshSetup:
    files = {path: content for path, content in (FILES | changes).items() if content is not None}
    return read_ssh(context_of({"/lib": Link("usr/lib"), **files}))


def settings_of(files: dict[str, Content | None]) -> SshSettings:
    found = ssh_of(files).settings
    assert found is not None
    return found


def test_the_good_guest() -> None:
    found = ssh_of({})
    assert found.server == SshServer(PROGRAM, True, "ssh.service is enabled")
    assert (found.host_keys, found.key_maker) == ((), "")
    settings = settings_of({})
    assert (settings.ports, settings.permit_root_login) == ((22,), "prohibit-password")
    assert (settings.has_passwords, settings.has_public_keys, settings.permits_empty_passwords) == (True, True, False)


def test_no_server_and_other_servers() -> None:
    assert read_ssh(context_of({"/etc/": ""})) == SshSetup(None, None, (), "")
    dropbear = ssh_of({PROGRAM: None, "/usr/sbin/dropbear": ""})
    assert dropbear.server is not None
    assert dropbear.settings is None


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({WANTS: None}, "ssh.service is not enabled"),
        ({"/etc/systemd/system/ssh.service": Link("/dev/null")}, "ssh.service is masked"),
    ],
)
def test_a_server_that_nothing_starts(changes: dict[str, Content | None], state: str) -> None:
    assert ssh_of(changes).server == SshServer(PROGRAM, False, state)


def test_a_socket_starts_it_too() -> None:
    socket = "/usr/lib/systemd/system/ssh.socket"
    changes: dict[str, Content | None] = {
        WANTS: None,
        socket: "[Socket]\nListenStream=22\n",
        "/etc/systemd/system/sockets.target.wants/ssh.socket": Link(socket),
    }
    found = ssh_of(changes).server
    assert found is not None
    assert found.state == "ssh.socket is enabled"


def test_the_first_value_counts_and_included_files_come_where_they_are_included() -> None:
    files: dict[str, Content | None] = {
        f"{DROP_IN}/20.conf": "PermitRootLogin yes\nPort 2222\nAllowUsers a\n",
        f"{DROP_IN}/10.conf": "PermitRootLogin no\nMatch User x\nPasswordAuthentication no\n",
        f"{DROP_IN}/00.txt": "PermitRootLogin forced-commands-only\n",
        CONFIG: f"Include {DROP_IN}/*.conf\nPort 22\nPasswordAuthentication yes\nAllowUsers b c\n",
    }
    found = settings_of(files)
    assert found.permit_root_login == "no"
    assert found.has_passwords
    assert found.ports == (2222, 22)
    assert found.allowed_users == ("a", "b", "c")
    assert found.place("PermitRootLogin") == f"{DROP_IN}/10.conf line 1"
    assert found.place("UsePAM") == "default of UsePAM"


def test_a_file_that_includes_itself_comes_to_an_end() -> None:
    assert settings_of({CONFIG: f"Include {CONFIG}\nPort 23\n"}).ports[0] == 23


@pytest.mark.parametrize(
    "files",
    [
        {
            "/usr/lib/systemd/system/regenerate_ssh_host_keys.service": "[Service]\n",
            "/etc/systemd/system/multi-user.target.wants/regenerate_ssh_host_keys.service": Link("x"),
        },
        {
            "/usr/lib/systemd/system/sshd-keygen.target": "[Unit]\n",
            "/usr/lib/systemd/system/ssh.service": "[Unit]\nWants=sshd-keygen.target\n",
        },
        {"/usr/lib/systemd/system/ssh.service": "[Service]\nExecStartPre=/usr/bin/ssh-keygen -A\n"},
        {"/etc/init.d/sshd": "generate() {\n  ssh-keygen -A\n}\n"},
    ],
)
def test_what_makes_host_keys(files: dict[str, Content | None]) -> None:
    assert ssh_of(files).key_maker


def test_host_keys_in_the_image() -> None:
    key = "/etc/ssh/ssh_host_ed25519_key"
    assert ssh_of({key: "", f"{key}.pub": ""}).host_keys == (key,)
