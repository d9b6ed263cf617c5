"""Whether something in the image takes the SSH key from the provider: installed, switched on, new enough."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.boot_commands import remove_arguments
from byoi_tools.checks.check import check
from byoi_tools.checks.command_lines import argument_on
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.cloud import CloudInit, ProvisionerKind
from byoi_tools.model.quoting import quote

NETWORK_DATA_VERSION = (0, 7, 8)


def require_cloud_init(subject: Subject) -> CloudInit:
    """cloud-init; raises `NotKnownError` where it is not installed: `cloud.present` tells whether that is bad."""
    found = subject.cloud.cloud_init
    if found is None:
        raise NotKnownError("cloud-init is not installed")
    return found


@check(
    "cloud.present",
    "a program is installed that reads the provider's config drive",
    Severity.ERROR,
    remedy="Install cloud-init in the image (apt-get install cloud-init, dnf install cloud-init, apk add cloud-init).",
    product=Product.BYOI,
)
def present(subject: Subject) -> Iterator[Observation]:
    """cloud-init or one of its counterparts is installed: nuageinit, Ignition, Afterburn, cloudbase-init.

    Why: the provider writes an image as it is and puts SSH key, host name and user data on a config drive. Without a
    program that reads it nobody gets a key, and on most images no network is configured either: the installation is
    done, and the server unreachable.

    How: looks for `/usr/bin/cloud-init` or its Python package, `/usr/libexec/nuageinit`, Ignition, Afterburn, and
    cloudbase-init's configuration. Skipped where no root could be read.

    Fix: install cloud-init in the image, and let its datasource_list contain ConfigDrive (cloud.datasource).

    Source: OVHcloud guide Bring Your Own Image: the image "must include cloud-init or a compatible alternative".
    """
    if not subject.cloud.provisioners:
        yield Observation(
            "nothing in the image reads the config drive: no SSH key, no host name, no user data",
            observed="no cloud-init, nuageinit, Ignition, Afterburn or cloudbase-init",
            expected="cloud-init, or a program like it",
            evidence="/usr/bin/cloud-init and the packages of Python in the root file system",
            remedy="Install cloudbase-init with ConfigDriveService, then run sysprep."
            if subject.cloud.is_windows
            else None,
        )


@check(
    "cloud.enabled",
    "the program that reads the config drive is switched on",
    Severity.ERROR,
    remedy="Enable it in the image: rm -f /etc/cloud/cloud-init.disabled; systemctl unmask cloud-init-local cloud-init"
    " cloud-config cloud-final; systemctl enable cloud-init-local cloud-init cloud-config cloud-final",
)
def enabled(subject: Subject) -> Iterator[Observation]:
    """cloud-init runs on the next boot: not disabled by file or command line, its units not masked but started.

    Why: builders switch cloud-init off when it has done its work (`touch /etc/cloud/cloud-init.disabled`), and the
    image keeps it. Then no SSH key and no network configuration is applied, without any message.

    How: in the order of its generator: `cloud-init=` on the kernel's command line, `/etc/cloud/cloud-init.enabled`,
    `/etc/cloud/cloud-init.disabled`; then the units of the stages until login are started by some link and not masked.
    For nuageinit, `nuageinit_enable` in rc.conf. Skipped where none of them is installed.

    Fix: remove the file or argument; `systemctl unmask` and `systemctl enable` the units; `sysrc nuageinit_enable=YES`.

    Source: cloud-init, "How to disable cloud-init", and tools/cloud-init-generator; systemd.unit(5); nuageinit(7).
    """
    setup = subject.cloud
    if not setup.provisioners:
        raise NotKnownError("nothing that reads a config drive is installed")
    if setup.cloud_init is not None:
        yield from _disabled_cloud_init(subject, setup.cloud_init)
        return
    if not any(one.is_enabled for one in setup.provisioners):
        one = setup.provisioners[0]
        yield Observation(
            f"{one.kind.value} is installed, and nothing starts it",
            observed=f"{one.path} is not enabled",
            expected=f"{one.kind.value} started on every boot",
            evidence=one.path,
            remedy='Add nuageinit_enable="YES" to /etc/rc.conf.' if one.kind is ProvisionerKind.NUAGEINIT else None,
        )


def _disabled_cloud_init(subject: Subject, found: CloudInit) -> Iterator[Observation]:
    argument = argument_on(subject, "cloud-init")
    if argument is not None and argument[1] == "disabled":
        yield Observation(
            "the kernel's command line switches cloud-init off",
            observed="cloud-init=disabled",
            expected="no such argument",
            evidence=quote(argument[2]),
            remedy=remove_arguments("cloud-init=disabled"),
        )
    elif found.disabled_by and not (
        argument is not None and argument[1] == "enabled" and "exists" in found.disabled_by
    ):
        yield Observation(
            "cloud-init is installed and does not run",
            observed=quote(found.disabled_by),
            expected="the units of cloud-init started on every boot",
            evidence="/etc/cloud and /etc/systemd/system",
        )


@check(
    "cloud.version",
    "cloud-init is new enough for the provider's config drive",
    Severity.WARNING,
    remedy="Build the image with a supported release of the distribution, whose cloud-init is newer.",
)
def version(subject: Subject) -> Iterator[Observation]:
    """cloud-init is 0.7.8 or newer.

    Why: older ones do not read `network_data.json` of a config drive, or read it wrongly, and know nothing of
    predictable interface names: the key arrives, and the network does not.

    How: the version in cloud-init's own module `cloudinit/version.py` is compared. Skipped where it is not found.

    Fix: build the image from a release that is still supported: all of them have cloud-init 18 or newer.

    Source: canonical/cloud-init issue 2666 (network_data.json ignored by 0.7.5).
    """
    found = require_cloud_init(subject).version
    numbers = tuple(int(part) for part in re.findall(r"\d{1,6}", found)[:3])
    if not numbers:
        raise NotKnownError("the version of cloud-init was not found")
    if numbers < NETWORK_DATA_VERSION:
        yield Observation(
            "cloud-init is too old to configure the network from a config drive",
            observed=quote(found),
            expected="0.7.8 or newer",
            evidence="cloudinit/version.py in the packages of Python",
        )


@check(
    "cloud.user-default",
    "the SSH key goes to a user who may log in",
    Severity.WARNING,
    remedy="Put `users: [default]` back into /etc/cloud/cloud.cfg, or set `disable_root: false` there.",
)
def user_default(subject: Subject) -> Iterator[Observation]:
    """cloud-init creates the default user, to whom the key goes, or leaves the key of root usable.

    Why: the provider's key goes to the default user of the distribution (`debian`, `ubuntu`, `cloud-user`). Without one
    it goes to root alone, and with `disable_root` (the default) that key only prints "Please login as the user NONE".

    How: `users` of the merged configuration contains `default` and `system_info.default_user` has a name, or
    `disable_root` is false. User data may still change it.

    Fix: `users: [default]` in `/etc/cloud/cloud.cfg`, or `disable_root: false` for logins as root.

    Source: cloud-init, modules Users and Groups and SSH (`apply_credentials`).
    """
    user = require_cloud_init(subject).user
    if user.is_root_disabled and not (user.is_created and user.name):
        yield Observation(
            "the SSH key goes to nobody who may log in: there is no default user, and root is shut",
            observed="`users` without `default`" if not user.is_created else "no name of a default user",
            expected="a default user, or `disable_root: false`",
            evidence="/etc/cloud/cloud.cfg and cloud.cfg.d",
        )
