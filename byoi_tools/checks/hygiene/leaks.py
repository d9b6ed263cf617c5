"""What an uploaded image gives away: private keys, credentials, histories, logs, subscriptions, installers' files."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.hygiene.wording import IN_THE_BUILD, count_files, name_paths
from byoi_tools.checks.subject import Subject
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.identity import LeftoverKind, SecretKind


@check(
    "hygiene.private-keys",
    "no private key and no credentials are in the image",
    Severity.WARNING,
    remedy="Take the files out of the build, and replace the keys and tokens in them: whoever got the image has them.",
)
def private_keys(subject: Subject) -> Iterator[Observation]:
    """No private key and no credentials lie where builds leave them.

    Why: the image is an object that a URL gives out, and a disk on many servers. A key in it is known to all of them.

    How: names first (`id_*`, `*.pem`, `*.key` and the like; `.aws/credentials`, `.netrc`, `.docker/config.json`, ...)
    in root's and all home directories, `/etc/ssh`, `/etc/ssl/private`, `/etc/pki/tls/private`, `/etc/letsencrypt`,
    `/etc/wireguard`, `/etc/openvpn`; then the first 4096 bytes must look like a key or credentials. Nothing of them is
    shown. Other places are not searched. SSH's host keys are hygiene.ssh-host-keys.

    Fix: fetch secrets at the first boot, or give them by user data; and replace the ones that were in the image.

    Source: RFC 7468; the AWS, Docker, curl and PostgreSQL documents on where credentials lie; DigitalOcean's image
    validator.
    """
    secrets = subject.identity.secrets
    for kind, message in (
        (SecretKind.PRIVATE_KEY, "a private key is in the image"),
        (SecretKind.CREDENTIALS, "credentials are in the image"),
    ):
        paths = [secret.path for secret in secrets if secret.kind is kind]
        if paths:
            yield Observation(
                message,
                observed=f"{len(paths)} file{'s' if len(paths) != 1 else ''}",
                expected="none",
                evidence=name_paths(paths),
            )


@check(
    "hygiene.history",
    "no history of commands is left",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}rm -f the files that are named here.",
)
def history(subject: Subject) -> Iterator[Observation]:
    """No shell, database or editor history is left in a home directory.

    Why: histories hold what was typed: host names, tokens, passwords given as arguments.

    How: files with content like `.bash_history`, `.mysql_history`, `.viminfo` in root's and all home directories; a
    link to `/dev/null` is none.

    Fix: remove them as the last step of the build, or build with `HISTFILE` unset.

    Source: virt-sysprep, operation bash-history; all image validators of cloud providers look for it.
    """
    left = subject.identity.left(LeftoverKind.HISTORY)
    if left:
        yield Observation(
            "histories of commands are left in the image",
            observed=count_files(left),
            expected="none",
            evidence=name_paths(file.path for file in left),
        )


@check(
    "hygiene.logs",
    "no logs of the build are left",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}rm -rf /var/log/journal/*; find /var/log -type f -exec truncate -s 0 {{}} +",
)
def logs(subject: Subject) -> Iterator[Observation]:
    """`/var/log` holds no log with content, and no journal.

    Why: logs of the build tell of its network and users, they are mixed with those of the server, and a journal under
    another machine's id is never rotated away.

    How: files with content below `/var/log`, of its first 3000 entries.

    Fix: empty them as the last step of the build.

    Source: virt-sysprep, operation logfiles; DigitalOcean's image validator.
    """
    for kind, message in (
        (LeftoverKind.JOURNAL, "a journal of the build's machine is left in the image"),
        (LeftoverKind.LOG, "logs of the build are left in the image"),
    ):
        left = subject.identity.left(kind)
        if left:
            yield Observation(message, count_files(left), "none", name_paths(file.path for file in left))


@check(
    "hygiene.subscription",
    "no subscription of the build's machine is left",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}subscription-manager clean, SUSEConnect --cleanup or pro detach; register at first boot.",
)
def subscription(subject: Subject) -> Iterator[Observation]:
    """No identity of a Red Hat, SUSE or Ubuntu Pro subscription is in the image.

    Why: all servers count as one system, whose registration they overwrite; the token can be used by others.

    How: files in `/etc/pki/consumer`, `/etc/pki/entitlement`, `/etc/sysconfig/rhn/systemid`, `/etc/zypp/credentials.d`,
    and Ubuntu Pro's `machine-token.json`.

    Fix: `subscription-manager clean`, `SUSEConnect --cleanup` or `pro detach` in the build, and register at first boot.

    Source: virt-sysprep, operations rhn-systemid and rh-subscription-manager; Red Hat's documents on building images.
    """
    left = subject.identity.left(LeftoverKind.SUBSCRIPTION)
    if left:
        yield Observation(
            "servers that get this image share one subscription",
            observed=count_files(left),
            expected="none",
            evidence=name_paths(file.path for file in left),
        )


@check(
    "hygiene.packer-leftovers",
    "no file of an installer or of a build tool is left",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}rm -f the files that are named here.",
)
def packer_leftovers(subject: Subject) -> Iterator[Observation]:
    """No answer file, installer's log or temporary file is left of the build.

    Why: answer files (kickstart, preseed, autoinstall, autounattend.xml) hold the hash of a password or the password
    itself; scripts that a build tool uploaded to `/tmp` hold the variables that it was given.

    How: files with content in `/tmp` and `/var/tmp`, `/root/*-ks.cfg`, `preseed.cfg`, `autounattend.xml`,
    `/var/log/installer`, `/var/log/anaconda`.

    Fix: remove them as the last step of the build.

    Source: virt-sysprep, operations kickstart and tmp-files; Packer, provisioner shell: `remote_folder` is `/tmp`.
    """
    for kind, message in (
        (LeftoverKind.INSTALLER, "files of the installer are left in the image"),
        (LeftoverKind.TEMPORARY, "temporary files of the build are left in the image"),
    ):
        left = subject.identity.left(kind)
        if left:
            yield Observation(message, count_files(left), "none", name_paths(file.path for file in left))
