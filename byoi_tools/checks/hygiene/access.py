"""Who gets in to every server of a fleet: keys, passwords and users that the build left."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.hygiene.wording import IN_THE_BUILD, name_paths
from byoi_tools.checks.ptable.wording import name_some
from byoi_tools.checks.subject import Subject
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.identity import Account, PasswordState, SudoGrant
from byoi_tools.model.quoting import quote

_MAXIMUM_PEOPLE = 100
_BUILD_USERS = frozenset(("packer", "vagrant", "kitchen", "builder", "buildbot", "jenkins", "circleci", "runner"))


@check(
    "hygiene.authorized-keys",
    "no SSH key may log in to every server",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}rm -f the files that are named here; the provider's sshKey comes by the config drive.",
)
def authorized_keys(subject: Subject) -> Iterator[Observation]:
    """No authorized key is in the image.

    Why: whoever has the private half logs in to every server of the fleet, and nobody sees the key in the order. Keys
    of a build's machine or of an engineer who left stay for years.

    How: the lines of `authorized_keys` of root and of every home directory, and of `/etc/ssh/authorized_keys*`, are
    counted.

    Fix: remove the files as the last step of the build, and give the key with `--ssh-key`: cloud-init adds it.

    Source: sshd(8); virt-sysprep, operation ssh-userdir; DigitalOcean's and Canonical's image validators.
    """
    for keys in subject.identity.authorized_keys:
        yield Observation(
            "SSH keys in the image may log in to every server that gets it",
            observed=f"{keys.key_count} key{'s' if keys.key_count != 1 else ''}",
            expected="none",
            evidence=quote(keys.path),
        )


@check(
    "hygiene.passwords",
    "nobody can log in with a password of the image",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}passwd --lock USER, for each user that is named here.",
)
def passwords(subject: Subject) -> Iterator[Observation]:
    """Every account that could log in has a locked password.

    Why: a password that is in the image is the same on every server, its hash can be read by all who can read the
    image, and an empty one is none at all.

    How: the second field of `/etc/shadow` of each account with a login shell: `!` and `*` lock it. The hash is neither
    kept nor shown.

    Fix: `passwd --lock USER` in the build. Give a password for emergencies by user data, with a hash of its own.

    Source: shadow(5); Microsoft's LISA, test no_pre_exist_users; DigitalOcean's image validator.
    """
    able = [account for account in subject.identity.accounts if account.can_log_in]
    for state, message in (
        (PasswordState.EMPTY, "an account can log in without a password"),
        (PasswordState.SET, "an account has a password that is the same on every server"),
    ):
        names = [quote(account.name) for account in able if account.password is state]
        if names:
            yield Observation(message, name_some(names), "a locked password", "/etc/shadow")


@check(
    "hygiene.extra-users",
    "no user of the build is left, and none is root without a password",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}userdel --remove USER; remove the rule of sudo that is named here.",
)
def extra_users(subject: Subject) -> Iterator[Observation]:
    """No user of a build tool is left, and no rule of sudo makes a user of the image root without a password.

    Why: the user of the build (packer, vagrant) with its well-known key or password is root on every server.
    cloud-init makes its own user at the first boot, so the image needs none.

    How: accounts with a user id from 1000 on and a login shell, whose name is a build tool's or whom a rule with
    NOPASSWD in `/etc/sudoers` or `/etc/sudoers.d` reaches, by name, by group, or by ALL.

    Fix: `userdel --remove USER` as the last step of the build, and remove its file in `/etc/sudoers.d`.

    Source: sudoers(5); Microsoft's LISA, test no_pre_exist_users; virt-sysprep, operation user-account.
    """
    found = subject.identity
    people = [account for account in found.accounts if account.is_person and account.can_log_in]
    for account in people[:_MAXIMUM_PEOPLE]:
        grants = [grant for grant in found.passwordless_sudo if _reaches(grant, account)]
        if grants or account.name in _BUILD_USERS:
            yield Observation(
                "a user of the image can become root without a password"
                if grants
                else "a user of the build is left in the image",
                observed=f"{quote(account.name)}, user id {account.user_id}",
                expected="no user before cloud-init makes one",
                evidence=name_paths(f"{grant.path} line {grant.line}" for grant in grants) or "/etc/passwd",
            )


def _reaches(grant: SudoGrant, account: Account) -> bool:
    return grant.who == "ALL" or account.name in grant.members
