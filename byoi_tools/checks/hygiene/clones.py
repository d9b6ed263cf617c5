"""What every server of a fleet would share with its siblings: machine id, host keys, leases, seeds, identifiers."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.hygiene.wording import IN_THE_BUILD, count_files, name_paths
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.identity import LeftoverKind, MachineId


@check(
    "hygiene.machine-id",
    "the machine id is made at the first boot",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}truncate -s 0 /etc/machine-id && rm -f /var/lib/dbus/machine-id",
)
def machine_id(subject: Subject) -> Iterator[Observation]:
    """`/etc/machine-id` is empty, missing or says `uninitialized`, and D-Bus has no id of its own.

    Why: systemd derives the DHCP client identifier from the machine id, so servers with the same one get the same
    lease and fight for one address. Journals, D-Bus and boot entries take it for unique too.

    How: the file is read; its content is not shown. `/var/lib/dbus/machine-id` may be missing, empty or a link.

    Fix: as the last step of the build `truncate -s 0 /etc/machine-id`; where D-Bus has a file of its own, remove it or
    link it to `/etc/machine-id`. `virt-sysprep --operations machine-id -a IMAGE` does the same from outside.

    Source: machine-id(5) and systemd's "Building Images Safely"; systemd/systemd issue 9609.
    """
    found = subject.identity
    for path, state in (("/etc/machine-id", found.machine_id), ("/var/lib/dbus/machine-id", found.dbus_machine_id)):
        if state is MachineId.SET:
            yield Observation(
                "every server that gets this image has the same machine id",
                observed="a machine id",
                expected="an empty file, or `uninitialized`",
                evidence=path,
            )


@check(
    "hygiene.ssh-host-keys",
    "SSH host keys are made at the first boot",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}rm -f /etc/ssh/ssh_host_*",
)
def ssh_host_keys(subject: Subject) -> Iterator[Observation]:
    """No private SSH host key is in the image.

    Why: servers with the same host key can be impersonated by each other, and by everybody who has read the image.
    Users who trust one of them trust all.

    How: the names `ssh_host_*_key` in `/etc/ssh` and dropbear's host keys are looked for; no key is read.

    Fix: as the last step of the build `rm -f /etc/ssh/ssh_host_*`; cloud-init or the distribution's own unit makes new
    ones at the first boot.

    Source: sshd(8); cloud-init, option `ssh_deletekeys`; systemd, "Building Images Safely".
    """
    keys = subject.identity.ssh_host_keys
    if keys:
        yield Observation(
            "every server that gets this image has the same SSH host keys",
            observed=f"{len(keys)} private host key{'s' if len(keys) != 1 else ''}",
            expected="none",
            evidence=name_paths(keys),
        )


@check(
    "hygiene.dhcp-leases",
    "no DHCP lease or identifier is left",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}rm -f the files that are named here.",
)
def dhcp_leases(subject: Subject) -> Iterator[Observation]:
    """No lease, DUID or key of a DHCP client is left of the build.

    Why: a client asks for the address of its last lease again, and identifies itself by its DUID: servers with the
    same one get the same address. NetworkManager's `secret_key` makes stable addresses, the same on all of them.

    How: files with content where dhclient, dhcpcd, NetworkManager and wicked keep them. systemd-networkd keeps its
    own under the machine id (hygiene.machine-id).

    Fix: remove the files as the last step of the build.

    Source: virt-sysprep, operation dhcp-client-state; RFC 8415, section 11 (DUID); NetworkManager(8).
    """
    left = subject.identity.left(LeftoverKind.DHCP)
    if left:
        yield Observation(
            "the DHCP client of the build's machine left its lease or identifier",
            observed=count_files(left),
            expected="none",
            evidence=name_paths(file.path for file in left),
        )


@check(
    "hygiene.random-seed",
    "no random seed is left",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}rm -f /var/lib/systemd/random-seed /boot/efi/loader/random-seed",
)
def random_seed(subject: Subject) -> Iterator[Observation]:
    """No random seed is in the root file system or in the EFI system partition.

    Why: the seed is fed to the kernel's random generator at boot. Servers that start from the same one are a little
    more alike than keys should be, and who has read the image knows it.

    How: `/var/lib/systemd/random-seed`, its counterparts of other init systems, and `/loader/random-seed` in the ESP.

    Fix: remove them as the last step of the build; `bootctl random-seed` has no place in it.

    Source: systemd-random-seed.service(8); systemd, "Building Images Safely".
    """
    left = subject.identity.left(LeftoverKind.RANDOM_SEED)
    if left:
        yield Observation(
            "every server that gets this image starts from the same random seed",
            observed=count_files(left),
            expected="none",
            evidence=name_paths(file.path for file in left),
        )


@check(
    "hygiene.credential-secret",
    "no key that systemd made for one machine is left",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}rm -f /var/lib/systemd/credential.secret /var/lib/systemd/tpm2-srk-public-key.*",
)
def credential_secret(subject: Subject) -> Iterator[Observation]:
    """No credential secret and no state of a TPM is left of the build.

    Why: `credential.secret` decrypts the credentials of services; one that is in the image decrypts those of all its
    servers. Keys and policies of the build machine's TPM fit no other.

    How: `credential.secret`, `tpm2-srk-public-key.*` and `pcrlock.json` in `/var/lib/systemd`; none is read.

    Fix: remove them as the last step of the build; systemd makes new ones when they are needed.

    Source: systemd-creds(1); systemd, "Building Images Safely".
    """
    left = subject.identity.left(LeftoverKind.HOST_KEY)
    if left:
        yield Observation(
            "every server that gets this image has the same key for its credentials",
            observed=count_files(left),
            expected="none",
            evidence=name_paths(file.path for file in left),
        )


@check(
    "hygiene.hostid-lvm",
    "no identifier of a storage host is left",
    Severity.INFO,
    remedy=f"{IN_THE_BUILD}rm -f the files that are named here; their packages make new ones.",
)
def hostid_lvm(subject: Subject) -> Iterator[Observation]:
    """No iSCSI initiator name, NVMe host id, ZFS host id or LVM devices file is left of the build.

    Why: two initiators with one name break each other's sessions; a pool that was used under another host id is not
    imported; a devices file of the build machine hides the server's disks from LVM.

    How: `/etc/iscsi/initiatorname.iscsi` (save one that is still to be generated), `/etc/nvme/hostid` and `hostnqn`,
    `/etc/hostid`, `/etc/lvm/devices/system.devices`. Where the guest has ZFS, boot.zfs-hostid tells `/etc/hostid`.

    Fix: remove the files as the last step of the build.

    Source: virt-sysprep, operation lvm-system-devices; lvmdevices(8); nvme-gen-hostnqn(1); zgenhostid(8).
    """
    boot = subject.guest.boot
    of_zfs = boot.value.host_id if isinstance(boot, Known) else ""
    found = subject.identity.left(LeftoverKind.HOST_ID)
    left = tuple(file for file in found if file.path != of_zfs)
    if found and not left:
        raise NotKnownError(f"there is nothing but {of_zfs}, which boot.zfs-hostid tells")
    if left:
        yield Observation(
            "servers that get this image share an identifier of their storage",
            observed=count_files(left),
            expected="none",
            evidence=name_paths(file.path for file in left),
        )
