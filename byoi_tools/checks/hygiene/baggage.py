"""What a server does not need: agents of other clouds, caches, swap files, a release without updates."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.end_of_life import end_of_life
from byoi_tools.checks.hygiene.wording import IN_THE_BUILD, count_files, name_paths
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.identity import LeftoverKind
from byoi_tools.model.quoting import quote


@check(
    "hygiene.vm-agents",
    "no agent of a hypervisor or of another cloud is installed",
    Severity.WARNING,
    remedy=f"{IN_THE_BUILD}remove the agent's package.",
)
def vm_agents(subject: Subject) -> Iterator[Observation]:
    """No agent of a hypervisor or of another cloud is installed.

    Why: such an agent waits for a host that is not there, which delays the boot, and some set host name, routes and SSH
    keys themselves (Azure's, Google's). On bare metal none has a use.

    How: the agents' programs are looked for. Those whose unit starts on their platform alone (open-vm-tools, the QEMU
    guest agent, Hyper-V's daemons) are mentioned as information.

    Fix: remove the packages in the build, for instance `apt-get purge qemu-guest-agent open-vm-tools walinuxagent`.

    Source: the agents' own units; DigitalOcean's and Azure's image validators look for each other's agents.
    """
    for agent in subject.identity.guest_agents:
        yield Observation(
            f"the image has the {agent.name}",
            observed=agent.path + (", which starts on its own platform alone" if agent.is_conditional else ""),
            expected="no agent of a virtual machine",
            evidence=agent.path,
            severity=Severity.INFO if agent.is_conditional else None,
        )


@check(
    "hygiene.pkg-cache",
    "no downloaded packages are left",
    Severity.INFO,
    remedy=f"{IN_THE_BUILD}apt-get clean, dnf clean all, pacman -Scc or apk cache clean",
)
def pkg_cache(subject: Subject) -> Iterator[Observation]:
    """The cache of the package manager holds no packages.

    Why: they are transferred to every server, and nobody needs them again.

    How: package files in the caches of apt, dnf, yum, pacman and apk.

    Fix: `apt-get clean` or its counterpart as the last step of the build.

    Source: virt-sysprep, operation package-manager-cache.
    """
    left = subject.identity.left(LeftoverKind.PACKAGE)
    if left:
        yield Observation(
            "downloaded packages are left in the image",
            observed=count_files(left),
            expected="an empty cache",
            evidence=name_paths(file.path for file in left),
        )


@check(
    "hygiene.swapfile",
    "the image carries no swap file",
    Severity.INFO,
    remedy=f"{IN_THE_BUILD}swapoff -a && rm -f /swapfile /swap.img; take its line out of /etc/fstab.",
)
def swapfile(subject: Subject) -> Iterator[Observation]:
    """No swap file lies in the root file system.

    Why: it makes the image larger by its size, and may hold memory of the build's machine. cloud-init makes one at the
    first boot where `swap` is configured.

    How: `/swapfile`, `/swap.img` and `/swap/swapfile`.

    Fix: remove it and its line in `/etc/fstab` in the build.

    Source: cloud-init, module mounts; Microsoft's LISA, test of swap on the image.
    """
    for file in subject.identity.left(LeftoverKind.SWAP):
        yield Observation(
            "a swap file is in the image",
            observed=count_files([file]),
            expected="none",
            evidence=quote(file.path),
        )


@check(
    "hygiene.eol-os",
    "the release still gets security updates",
    Severity.INFO,
    remedy="Build the image from a release that is supported.",
)
def eol_os(subject: Subject) -> Iterator[Observation]:
    """The operating system's release still gets free security updates.

    Why: a server that is installed today with a release past its end is open to everything that was found since.

    How: `ID` and `VERSION_ID` of os-release are looked up in `profiles/data/end-of-life.toml`, which names its sources
    and when they were read. Of Debian the end of LTS counts, of Ubuntu that of standard support. Skipped for
    what is not listed.

    Fix: build from a newer release.

    Source: the distributions' own pages, listed in the table; Google's test of imported images looks for the same.
    """
    system, today = subject.system, subject.intent.today.known()
    last_day = end_of_life(system.distribution, system.version)
    release = quote(f"{system.distribution} {system.version}")
    if last_day is None:
        raise NotKnownError(f"the end of support of {release} is not in the table")
    if today > last_day:
        yield Observation(
            "the release gets no security updates any more",
            observed=f"{release}, supported until {last_day.isoformat()}",
            expected="a release that is supported",
            evidence="/etc/os-release",
        )
