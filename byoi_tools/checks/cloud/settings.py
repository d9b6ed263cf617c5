"""What cloud-init would do on the server: configure the network, and leave partitions alone that are not its own."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.cloud.provisioner import require_cloud_init
from byoi_tools.checks.network_intentions import is_network_disabled_by_argument, works_by_its_files
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_CHANGES_DISKS = ("growpart", "resizefs", "grub_dpkg")


@check(
    "cloud.network-disabled",
    "cloud-init may configure the network, or the image does it itself",
    Severity.ERROR,
    remedy="Remove the file with `network: {config: disabled}` from /etc/cloud/cloud.cfg.d, or configure DHCP for every"
    " interface in the image.",
)
def network_disabled(subject: Subject) -> Iterator[Observation]:
    """cloud-init's network configuration is not switched off, unless the image configures DHCP itself.

    Why: installers such as Subiquity write `network: {config: disabled}`, because they configured the network of the
    machine that the build ran on. On the server nobody configures it.

    How: `network` of the merged configuration, `/var/lib/cloud/data/upgraded-network`, and `network-config=disabled`
    on the kernel's command line; then whether another configuration asks for DHCP on interfaces of any name, and its
    service is started. Skipped without cloud-init.

    Fix: remove the file (`99-disable-network-config.cfg`, `subiquity-disable-cloudinit-networking.cfg`), or write a
    configuration that matches every interface.

    Source: cloud-init, "Network configuration", section "Disabling network configuration"; ovh/bringyourownlinux commit
    7580941.
    """
    network = require_cloud_init(subject).network
    by_argument = is_network_disabled_by_argument(subject)
    if (network.disabled_by or by_argument) and not works_by_its_files(subject):
        yield Observation(
            "cloud-init may not configure the network, and nothing else does it for any interface",
            observed="network-config=disabled" if by_argument else "network: {config: disabled}",
            expected="no such setting, or DHCP for every interface",
            evidence="the kernel's command line" if by_argument else quote(network.disabled_by),
        )


@check(
    "cloud.modules-byol",
    "cloud-init leaves the partitions alone that the provider made",
    Severity.WARNING,
    remedy="Take growpart, resizefs and grub-dpkg out of cloud_init_modules and cloud_config_modules in"
    " /etc/cloud/cloud.cfg.",
    product=Product.BYOLINUX,
)
def modules_byol(subject: Subject) -> Iterator[Observation]:
    """cloud-init's modules growpart, resizefs and grub-dpkg do not run.

    Why: with Bring Your Own Linux the provider partitions the disks as the customer asked, with RAID or LVM. growpart
    and resizefs may change these on the first boot, and grub-dpkg installs the loader where it guesses.

    How: the module lists of the merged configuration. Skipped without cloud-init, and for Bring Your Own Image, where
    the root is to grow.

    Fix: take the three names out of `/etc/cloud/cloud.cfg`.

    Source: ovh/bringyourownlinux, whose Debian image removes these modules.
    """
    modules = [name for name in require_cloud_init(subject).modules if name in _CHANGES_DISKS]
    if modules:
        yield Observation(
            "cloud-init would change partitions or boot loader that the provider made",
            observed=f"modules {', '.join(modules)}",
            expected="none of growpart, resizefs, grub-dpkg",
            evidence="module lists in /etc/cloud/cloud.cfg",
        )
