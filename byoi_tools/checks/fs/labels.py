"""The labels that SELinux needs on files."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity


@check(
    "fs.selinux-relabel",
    "files have the labels that SELinux enforces",
    Severity.WARNING,
    remedy="Have the first boot label all files (touch /.autorelabel), or run restorecon / setfiles on the image.",
)
def selinux_relabel(subject: Subject) -> Iterator[Observation]:
    """Where SELinux is enforced, the files that a login needs have labels, or the first boot labels all files anew.

    Why: a tool that edits an image from outside writes files without a label. An enforcing kernel then refuses them to
    sshd and login: the server boots, and nobody can log in.

    How: with `SELINUX=enforcing` in /etc/selinux/config, the attribute `security.selinux` is looked for on the files
    that such tools edit first (passwd, shadow, fstab, hostname, sshd_config). `/.autorelabel` makes up for it.

    Fix: `touch /.autorelabel` in the image (the first boot takes longer and restarts once), or `setfiles` in a chroot.

    Source: selinux(8), fixfiles(8); virt-customize --selinux-relabel.
    """
    selinux = subject.storage.selinux
    if selinux is None:
        raise NotKnownError("the guest does not enforce SELinux")
    if selinux.unlabelled and not selinux.will_relabel:
        yield Observation(
            "SELinux is enforced, and files that a login needs have no label",
            observed=f"no label on {', '.join(selinux.unlabelled)}",
            expected="a label on each, or /.autorelabel",
            evidence="/etc/selinux/config",
        )
