"""The SSH server: whether anybody can log in after the installation, and whether only those who should."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.network_intentions import cloud_setup, is_cloud_init_running
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.ssh import SshSettings
from byoi_tools.model.quoting import quote

_LOOPBACK = ("127.", "localhost", "::1", "[::1]")


@check(
    "ssh.server",
    "an SSH server is started and has host keys",
    Severity.ERROR,
    remedy="In the image: apt-get install openssh-server (dnf, apk add openssh), then systemctl enable ssh (or sshd).",
)
def server(subject: Subject) -> Iterator[Observation]:
    """An SSH server is installed, a boot starts it, it listens on port 22, and it has host keys or will make them.

    Why: SSH is the only way into a server that has just been installed; without it there is the KVM console at best.
    sshd without host keys does not start at all, and images are rightly published without any.

    How: the program of OpenSSH, dropbear or tinysshd; a unit `ssh`, `sshd` (service or socket) that some link starts
    and that is not masked; `Port` and `ListenAddress` of sshd_config and its Include files; host keys in the image,
    a unit that makes them (`sshd-keygen`), or cloud-init's module `ssh`. Another port than 22 is a warning.

    Fix: install and enable the server; for host keys, cloud-init's module `ssh` or a unit that runs `ssh-keygen -A`.

    Source: sshd(8), sshd_config(5), systemd.unit(5); cloud-init, module SSH.
    """
    setup = subject.ssh
    if setup.server is None:
        yield Observation(
            "no SSH server is installed",
            observed="no sshd, dropbear or tinysshd",
            expected="an SSH server",
            evidence="/usr/sbin/sshd",
        )
        return
    if not setup.server.is_enabled:
        yield Observation(
            "the SSH server is installed, and no boot starts it",
            observed=quote(setup.server.state),
            expected="ssh.service, ssh.socket or sshd.service enabled",
            evidence="/etc/systemd/system",
            remedy="In the image: systemctl unmask ssh; systemctl enable ssh (on Debian; sshd elsewhere).",
        )
    if not (setup.host_keys or setup.key_maker or _makes_host_keys(subject)):
        yield Observation(
            "the SSH server has no host keys, nothing makes them at boot, and it does not start without",
            observed="no /etc/ssh/ssh_host_*_key, no unit or module that makes them",
            expected="keys made on the first boot",
            evidence="/etc/ssh",
            remedy="Let cloud_init_modules in /etc/cloud/cloud.cfg contain `ssh`, or enable a unit with ssh-keygen -A.",
        )
    if setup.settings is not None:
        yield from _unreachable(setup.settings)


def _makes_host_keys(subject: Subject) -> bool:
    setup = cloud_setup(subject)
    found = setup.cloud_init if setup is not None else None
    return found is not None and is_cloud_init_running(subject) and "ssh" in found.modules


def _unreachable(settings: SshSettings) -> Iterator[Observation]:
    addresses = settings.listen_addresses
    if addresses and all(address.startswith(_LOOPBACK) for address in addresses):
        yield Observation(
            "the SSH server listens on the loopback interface only",
            observed=quote(f"ListenAddress {' '.join(addresses)}"),
            expected="no ListenAddress, or one that is reachable",
            evidence=quote(settings.place("ListenAddress")),
            remedy="Take the ListenAddress line out of the configuration.",
        )
    if 22 not in settings.ports:
        yield Observation(
            "the SSH server listens on another port than 22",
            observed=f"port {', '.join(str(port) for port in settings.ports[:5])}",
            expected="port 22",
            evidence=quote(settings.place("Port")),
            remedy="Log in with ssh -p, or take the Port line out of the configuration.",
            severity=Severity.WARNING,
        )


@check(
    "ssh.root-policy",
    "the SSH key lets its owner in, and no password lets root in",
    Severity.ERROR,
    remedy="Write `PermitRootLogin prohibit-password` and `PubkeyAuthentication yes` to a file that sorts first in"
    " /etc/ssh/sshd_config.d.",
)
def root_policy(subject: Subject) -> Iterator[Observation]:
    """Public keys are accepted, from the users who get one, and root cannot log in with a password.

    Why: the provider hands over an SSH key and nothing else. A configuration that refuses keys, or all users but the
    build's, locks everybody out. One that lets root in by password is found by scanners within minutes.

    How: sshd_config with its Include files in their order, the first value winning, `Match` blocks left out:
    `PubkeyAuthentication`, `AllowUsers` against cloud-init's default user and root; `PermitRootLogin yes` together with
    `PasswordAuthentication`, and `PermitEmptyPasswords`, are warnings. Skipped without OpenSSH.

    Fix: a file such as `/etc/ssh/sshd_config.d/00-policy.conf`; `sshd -T` shows what counts.

    Source: sshd_config(5): "for each keyword, the first obtained value will be used", included files in their place.
    """
    settings = subject.ssh.settings
    if settings is None:
        raise NotKnownError("no OpenSSH server is installed")
    if not settings.has_public_keys:
        yield Observation(
            "the SSH server accepts no keys, and the provider's key is of no use",
            observed="PubkeyAuthentication no",
            expected="PubkeyAuthentication yes, the default",
            evidence=quote(settings.place("PubkeyAuthentication")),
        )
    yield from _shut_out(subject, settings)
    if settings.permit_root_login == "yes" and settings.has_passwords:
        yield Observation(
            "root may log in with a password",
            observed="PermitRootLogin yes, PasswordAuthentication yes",
            expected="PermitRootLogin prohibit-password, the default",
            evidence=quote(settings.place("PermitRootLogin")),
            severity=Severity.WARNING,
        )
    if settings.permits_empty_passwords:
        yield Observation(
            "users without a password may log in",
            observed="PermitEmptyPasswords yes",
            expected="PermitEmptyPasswords no, the default",
            evidence=quote(settings.place("PermitEmptyPasswords")),
            severity=Severity.WARNING,
        )


def _shut_out(subject: Subject, settings: SshSettings) -> Iterator[Observation]:
    setup = cloud_setup(subject)
    if not settings.allowed_users or setup is None or setup.cloud_init is None:
        return
    user = setup.cloud_init.user
    names = [user.name] if user.is_created and user.name else []
    names += [] if user.is_root_disabled else ["root"]
    patterns = [pattern.partition("@")[0] for pattern in settings.allowed_users]
    if names and not any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns):
        yield Observation(
            "the user who gets the SSH key is not among those who may log in",
            observed=quote(f"AllowUsers {' '.join(settings.allowed_users)}"),
            expected=f"AllowUsers with {quote(names[0])}, or none",
            evidence=quote(settings.place("AllowUsers")),
            remedy="Take the AllowUsers line out of the configuration, or add the user.",
        )
