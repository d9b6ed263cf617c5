"""What kind of system is booted, and what it does by default."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_chain import command_line
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.identity import PasswordState
from byoi_tools.model.quoting import quote

_LIVE = ("boot=live", "boot=casper", "rd.live.image", "automatic-ubiquity", "only-ubiquity", "auto=true")
_INSTALLER = ("inst.stage2", "inst.repo", "inst.ks", "preseed/file", "preseed/url", "autoinstall")


@check(
    "boot.installer-media",
    "the image is a system, not an installer",
    Severity.ERROR,
    remedy="Install the system in a virtual machine first and deploy its disk, or take the vendor's cloud image.",
)
def installer_media(subject: Subject) -> Iterator[Observation]:
    """The image is a system, not an installer.

    Why: an installer or a live system that is written to a server's disk boots and asks questions, or installs itself
    over the disk that it runs from. There is no network and no key.

    How: the guest has the directories of live systems (`/casper`, `/live`, `/LiveOS`, `/.disk/info`) or an installer
    (anaconda, ubiquity, calamares), or the default entry has `boot=live`, `rd.live.image`, `inst.repo=` or alike.

    Fix: take the distribution's image for clouds, or install into a virtual disk and deploy that.

    Source: virt-v2v refuses such images too; casper(7), dracut.cmdline(7) "rd.live".
    """
    marks = list(subject.boot_setup.installer_marks)
    try:
        line = command_line(subject)
        marks += [word for word in _LIVE if line.is_given(word) or ("=" not in word and line.has(word))]
        marks += [f"{name}=" for name in _INSTALLER if line.has(name)]
    except NotKnownError:
        pass  # a menu that cannot be followed leaves the files to judge by
    if marks:
        yield Observation(
            "the image holds an installer or a live system",
            observed=", ".join(map(quote, marks[:4])),
            expected="an installed system",
            evidence=quote(marks[0]),
        )


@check(
    "boot.multi-os",
    "the image holds one system",
    Severity.ERROR,
    remedy="Build the image with one root file system; remove the partitions of the other.",
)
def multi_os(subject: Subject) -> Iterator[Observation]:
    """The image holds one system.

    Why: with two root file systems in an image nobody can say which one will boot: it depends on the menu, on the
    order of entries and on labels. These checks have looked into one of them alone.

    How: more than one partition or volume has the directories of a Linux root. A root that is mounted by the fstab of
    another one does not count.

    Fix: build the image from one system. For two slots (A/B updates) disable this check in the profile, with a reason.

    Source: virt-v2v and the importers of AWS and Google refuse images with more than one root.
    """
    others = subject.guest.other_roots
    if others:
        first = next((volume.source for volume in subject.guest.volumes if volume.mount_point == "/"), "the first one")
        yield Observation(
            "there is more than one root file system, and only one was looked into",
            observed=f"{first}, and {', '.join(map(quote, others[:4]))}",
            expected="one root file system",
            evidence=quote(others[0]),
        )


@check(
    "boot.emergency-locked",
    "emergency mode gives a shell on the console",
    Severity.INFO,
    remedy="Set SYSTEMD_SULOGIN_FORCE=1 by a drop-in of emergency.service, if the console may give a shell.",
)
def emergency_locked(subject: Subject) -> Iterator[Observation]:
    """Emergency mode gives a shell on the console.

    Why: a boot that fails ends in emergency mode, which asks for root's password. Where root is locked, as in every
    image for clouds, it says "Cannot open access to console, the root account is locked", and the provider's rescue
    system is the only way to look into it.

    How: root's password is locked (or there is none), and no drop-in of `emergency.service` sets
    `SYSTEMD_SULOGIN_FORCE=1`.

    Fix: that drop-in, if everybody with access to the server's console may have a root shell; otherwise nothing.

    Source: systemd-sulogin-shell(8); systemd, docs/ENVIRONMENT.md.
    """
    accounts = [account for account in subject.identity.accounts if account.name == "root"]
    if not subject.boot_setup.default_target:
        raise NotKnownError("the guest does not boot by systemd")
    if accounts and accounts[0].password is PasswordState.LOCKED and not subject.boot_setup.is_emergency_shell_forced:
        yield Observation(
            "emergency mode gives no shell, because root has no password",
            observed="root's password is locked",
            expected="SYSTEMD_SULOGIN_FORCE=1 in emergency.service.d, or the provider's rescue system at hand",
            evidence="/etc/shadow",
        )


@check(
    "boot.default-target",
    "the system starts no desktop",
    Severity.INFO,
    remedy="Let it start without one: systemctl set-default multi-user.target",
)
def default_target(subject: Subject) -> Iterator[Observation]:
    """The system starts no desktop.

    Why: a desktop on a server wants a graphics card and memory, and on some boards its driver hangs the console.

    How: `default.target` is `graphical.target`, and a display manager is installed for it. Without one that target is
    the same as `multi-user.target`, as on Debian. Skipped where the guest does not boot by systemd.

    Fix: `systemctl set-default multi-user.target` in the image.

    Source: systemd.special(7), "default.target", "display-manager.service".
    """
    setup = subject.boot_setup
    if not setup.default_target:
        raise NotKnownError("the guest does not boot by systemd")
    if setup.default_target == "graphical.target" and setup.has_display_manager:
        yield Observation(
            "the system starts a desktop",
            observed="graphical.target, with a display manager",
            expected="multi-user.target",
            evidence="default.target",
        )


@check(
    "boot.rtc",
    "the hardware clock is read as UTC",
    Severity.INFO,
    remedy="Let the system read it as UTC: timedatectl set-local-rtc 0, or UTC in the third line of /etc/adjtime.",
)
def rtc(subject: Subject) -> Iterator[Observation]:
    """The hardware clock is read as UTC.

    Why: servers keep UTC in their hardware clock. A system that takes it for local time starts hours off: certificates
    are not yet valid, and logs have a jump when the time is corrected.

    How: the third line of `/etc/adjtime` is `LOCAL`.

    Fix: `timedatectl set-local-rtc 0`, or delete `/etc/adjtime`.

    Source: hwclock(8), "The Adjtime File"; timedatectl(1).
    """
    if subject.boot_setup.is_clock_local:
        yield Observation(
            "the hardware clock is taken for local time",
            observed="LOCAL",
            expected="UTC",
            evidence="/etc/adjtime line 3",
        )


@check(
    "boot.ostree-bootc",
    "the files of the guest are where they are looked for, not in an OSTree deployment",
    Severity.INFO,
    remedy="Nothing needs to be done; look at the deployment itself with `ostree admin status` before you deploy.",
)
def ostree_bootc(subject: Subject) -> Iterator[Observation]:
    """The files of the guest are where they are looked for, not in an OSTree deployment.

    Why: Fedora CoreOS, bootc and Endless keep the system in `/ostree/deploy`, and put the root together from it at
    boot. Checks that look for files at their usual paths see the directories around the deployment, not the system.

    How: `/ostree/deploy` has a deployment, or the default entry has `ostree=`.

    Fix: nothing is wrong. What these checks say of files in the guest is not to be trusted for such images.

    Source: OSTree, "Deployments"; bootc, "Filesystem".
    """
    found = list(subject.boot_setup.ostree_deployments)
    try:
        given = command_line(subject).last("ostree")
        found += [given] if given else []
    except NotKnownError:
        pass  # the directory alone tells it too
    if found:
        yield Observation(
            "the system is in an OSTree deployment, which these checks do not look into",
            observed=", ".join(map(quote, found[:3])),
            expected="a root file system with the system's own files",
            evidence="/ostree/deploy",
        )


@check(
    "boot.zfs-hostid",
    "no host id is built into an image with ZFS",
    Severity.WARNING,
    remedy="Delete /etc/hostid in the image, and make one on the server: zgenhostid.",
)
def zfs_hostid(subject: Subject) -> Iterator[Observation]:
    """No host id is built into an image with ZFS.

    Why: ZFS writes the host id into each pool to keep two machines from importing it at once. Servers that share one
    from their image do not keep each other out; on shared storage that ends in a destroyed pool.

    How: the guest has ZFS's programs, and a file `/etc/hostid`.

    Fix: `rm /etc/hostid` as the last step of the build; `zgenhostid` on the server (with `-f` since ZFS 2.1).

    Source: zgenhostid(8); ovh/bringyourownlinux, commit 804aee5.
    """
    if subject.boot_setup.host_id:
        yield Observation(
            "every server from this image has the same host id for ZFS",
            observed=quote(subject.boot_setup.host_id),
            expected="no such file",
            evidence=quote(subject.boot_setup.host_id),
        )
