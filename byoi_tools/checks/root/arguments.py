"""What else is on kernel command lines: entries that disagree, hibernation, leftovers of virtual machines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.boot_chain import boot_chain, command_line, default_entry
from byoi_tools.checks.boot_commands import remove_arguments
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.devices import DeviceName
from byoi_tools.model.quoting import quote

_VIRTUAL = re.compile(
    r"(console|earlyprintk|earlycon)=(hvc|xvc|xen|xenboot)[0-9]*(,.*)?"
    r"|(xen_[a-z_]+|xen-[a-z.-]+|virtio_mmio\.[a-z]+|hv_[a-z_.]+|kvm-[a-z.]+)(=.*)?"
    r"|clocksource=(kvm-clock|xen|hyperv_clocksource.*|vmware.*)|no_timer_check"
)
_NO_RESUME = ("", "none", "auto")


@check(
    "root.bls-consistent",
    "all entries of the Boot Loader Specification lead to the same root",
    Severity.ERROR,
    remedy="Make them agree: grubby --update-kernel=ALL --args=root=UUID=..., grub2-editenv - set kernelopts=...",
)
def bls_consistent(subject: Subject) -> Iterator[Observation]:
    """All entries of the Boot Loader Specification lead to the same root.

    Why: on Fedora and its kin each kernel has an entry of its own in `/boot/loader/entries`, and its arguments may come
    from `kernelopts` in grubenv. Tools that change one of the two leave entries that start and others that do not: the
    next kernel update makes a broken one the default.

    How: `root=` of each entry, its variables replaced from grubenv and grub.cfg, is the same as that of the default
    entry, and no variable in them is unset (save tuned's). Skipped where the menu has no such entries.

    Fix: `grubby --update-kernel=ALL --args="root=UUID=..."`; for `$kernelopts`, `grub2-editenv - set "kernelopts=..."`.

    Source: UAPI Group, Boot Loader Specification; Red Hat, "Configuring kernel command-line parameters".
    """
    chain = boot_chain(subject)
    if not chain.specified:
        raise NotKnownError("the menu has no entries of the Boot Loader Specification")
    for name in chain.unset_variables:
        yield Observation(
            "entries of the Boot Loader Specification use a variable that nothing sets",
            observed=quote(f"${name}"),
            expected="the variable in grubenv, or the arguments in the entry itself",
            evidence=quote(chain.specified[0].place),
        )
    if chain.unset_variables:
        return
    wanted = default_entry(subject).command_line.last("root")
    for entry in chain.specified:
        root = entry.command_line.last("root")
        if root != wanted:
            yield Observation(
                "an entry of the Boot Loader Specification has another root than the default entry",
                observed=quote(f"root={root}") if root else "no root=",
                expected=quote(f"root={wanted}") if wanted else "no root=",
                evidence=quote(entry.place),
            )


@check(
    "root.resume",
    "the system does not wait for a hibernated one on a device that is not there",
    Severity.WARNING,
    remedy="Remove resume= from the command line, or write RESUME=none to /etc/initramfs-tools/conf.d/resume.",
)
def resume(subject: Subject) -> Iterator[Observation]:
    """The system does not wait for a hibernated one on a device that is not there.

    Why: `resume=` names the swap space that a hibernated system was written to. A server that was installed from an
    image has no such swap: the initramfs waits 30 to 90 seconds for it on every boot.

    How: `resume=` of the default entry, and RESUME in `/etc/initramfs-tools/conf.d/resume`, name a device that the
    image has. `noresume` switches it off.

    Fix: take `resume=` out of the command line; `echo RESUME=none > /etc/initramfs-tools/conf.d/resume` and
    `update-initramfs -u`.

    Source: initramfs-tools(7), "resume"; dracut.cmdline(7), "resume=".
    """
    line = command_line(subject)
    if line.has("noresume"):
        return
    named = [(value, default_entry(subject).place) for value in line.values("resume")[-1:]]
    if not named and subject.mounts.resume not in _NO_RESUME:
        named = [(subject.mounts.resume, subject.mounts.resume_place)]
    for value, place in named:
        if subject.mounts.devices.find(DeviceName.of(value)) is None:
            if subject.mounts.devices.hidden and not DeviceName.of(value).is_bound_to_a_machine:
                raise NotKnownError(f"the device to resume from may be in {', '.join(subject.mounts.devices.hidden)}")
            yield Observation(
                "the boot waits for the device of a hibernated system",
                observed=quote(f"resume={value}"),
                expected="no resume=, or swap space of this image",
                evidence=quote(place),
            )


@check(
    "root.virt-only-args",
    "the kernel's command line has no arguments for a virtual machine",
    Severity.WARNING,
    remedy=remove_arguments("ARGUMENTS"),
)
def virt_only_args(subject: Subject) -> Iterator[Observation]:
    """The kernel's command line has no arguments for a virtual machine.

    Why: a console that only a hypervisor has (`console=hvc0`) shows nothing on a server, and what was set for Xen, KVM
    or Hyper-V is at best ignored. It also tells that nobody has made this image for metal.

    How: the default entry has `console=hvc0`, `earlyprintk=xen`, `xen_...`, `hv_...`, `clocksource=kvm-clock`,
    `no_timer_check` or alike. `net.ifnames=0` is not among them, as the provider itself advises it, nor is `ds=`, which
    `cloud.ds-identify` judges.

    Fix: remove the arguments in `/etc/default/grub` (and `/etc/default/grub.d`) or `/etc/kernel/cmdline`.

    Source: Linux, Documentation/admin-guide/kernel-parameters.txt.
    """
    entry = default_entry(subject)
    arguments = [f"{name}={value}" if value else name for name, value in entry.command_line.arguments]
    found = [argument for argument in arguments if _VIRTUAL.fullmatch(argument)]
    if found:
        yield Observation(
            "the kernel gets arguments that only a virtual machine needs",
            observed=quote(" ".join(dict.fromkeys(found))),
            expected="arguments for a server",
            evidence=quote(entry.place),
        )
