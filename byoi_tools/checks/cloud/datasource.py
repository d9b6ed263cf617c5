"""Whether cloud-init comes to the config drive: its list of datasources, ds-identify, and what it would find before."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_commands import remove_arguments
from byoi_tools.checks.check import check
from byoi_tools.checks.cloud.provisioner import require_cloud_init
from byoi_tools.checks.command_lines import argument_on
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.cloud import CloudInit, ConfigValue, DsIdentify
from byoi_tools.model.quoting import quote

_WANTED = "configdrive"


@check(
    "cloud.datasource",
    "cloud-init looks for a config drive",
    Severity.ERROR,
    remedy="Write `datasource_list: [ ConfigDrive, None ]` on one line of /etc/cloud/cloud.cfg.d/99-datasource.cfg.",
    product=Product.BYOI,
)
def datasource(subject: Subject) -> Iterator[Observation]:
    """The datasource_list of cloud-init contains ConfigDrive, or is not set at all.

    Why: the provider's data is on a config drive. An image that was made for another platform is often pinned to that
    platform's datasource (`NoCloud`, `Ec2`, `Azure`): cloud-init finds no data, creates no user and takes no key.

    How: the list is merged from `/etc/cloud/cloud.cfg` and the files of `cloud.cfg.d` as cloud-init merges them: the
    last file that has it wins. Without one cloud-init's own list counts, which contains ConfigDrive. Where ds-identify
    does not understand the list and takes its own, this is a warning. So is a file that is no YAML, which cloud-init
    leaves out.

    Fix: `datasource_list: [ ConfigDrive, None ]` in a file of `cloud.cfg.d` that comes last. Debian writes the
    choice of `dpkg-reconfigure cloud-init` to `90_dpkg.cfg`.

    Source: cloud-init, "Datasources" and `util.read_conf_with_confd`; ovh/bringyourownlinux commit 5c78b54 (an Alpine
    image pinned to NoCloud).
    """
    found = require_cloud_init(subject)
    for unread in found.unread_files:
        yield Observation(
            "cloud-init cannot parse a file of its configuration, and goes on without it",
            observed=quote(unread.reason),
            expected="a YAML mapping",
            evidence=quote(unread.path),
            remedy="Correct the file; `cloud-init schema -c FILE` shows what is wrong.",
            severity=Severity.WARNING,
        )
    if found.datasource_list is not None and not _has_config_drive(found.datasource_list):
        chosen = _searched(found)
        is_rescued = chosen is not None and chosen.listed is None
        yield Observation(
            "cloud-init does not look for a config drive"
            if not is_rescued
            else "only because ds-identify does not understand the datasource_list, a config drive is looked for",
            observed=f"datasource_list: {_shown(found.datasource_list)}",
            expected="ConfigDrive in the list, or no list",
            evidence=quote(found.datasource_list.path),
            severity=Severity.WARNING if is_rescued else None,
        )


@check(
    "cloud.ds-identify",
    "ds-identify lets cloud-init use the config drive",
    Severity.ERROR,
    remedy="Remove /etc/cloud/ds-identify.cfg and the arguments ci.ds=, ci.datasource=, ci.di.policy= and ds= from the"
    " kernel's command line.",
    product=Product.BYOI,
)
def ds_identify(subject: Subject) -> Iterator[Observation]:
    """Neither the configuration of ds-identify nor the kernel's command line forces another datasource.

    Why: before cloud-init starts, ds-identify decides which datasources it gets, or that it is not started at all. A
    policy or datasource that was right for the platform of the build keeps it from the config drive.

    How: `policy` and `datasource` of `/etc/cloud/ds-identify.cfg`, and `ci.ds`, `ci.datasource`, `ci.di.policy` and
    `ds` on the default entry's command line. ds-identify reads lines and no YAML: that it sees another list than
    cloud-init, one without ConfigDrive, is told too. Skipped without cloud-init.

    Fix: remove the file and the arguments; keep the datasource_list on one line.

    Source: cloud-init, tools/ds-identify (its head documents both), and "Kernel command line".
    """
    found = require_cloud_init(subject)
    yield from _forced_on_command_line(subject)
    script = found.ds_identify
    if script is None:
        return
    if script.mode == "disabled":
        yield Observation(
            "the policy of ds-identify switches cloud-init off",
            observed="policy: disabled",
            expected="policy search, the default",
            evidence="/etc/cloud/ds-identify.cfg",
        )
    elif script.datasource and script.datasource.lower() != _WANTED:
        yield Observation(
            "ds-identify is told to use another datasource",
            observed=f"datasource: {quote(script.datasource)}",
            expected="ConfigDrive, or none",
            evidence="/etc/cloud/ds-identify.cfg",
        )
    elif script.mode == "search" and script.listed is not None and _is_misread(found, script.listed):
        yield Observation(
            "ds-identify reads another datasource_list than cloud-init, one without ConfigDrive",
            observed=f"{_shown(script.listed)} on the last line that sets it",
            expected="one line that sets it, and ConfigDrive in it",
            evidence=quote(script.listed.path),
            remedy="Leave one `datasource_list: [ ConfigDrive, None ]` in /etc/cloud/cloud.cfg.d, not indented.",
        )


def _is_misread(found: CloudInit, listed: ConfigValue) -> bool:
    """Whether ds-identify misses the ConfigDrive that cloud-init's own list has."""
    has_own = found.datasource_list is None or _has_config_drive(found.datasource_list)
    return has_own and not _has_config_drive(listed)


def _forced_on_command_line(subject: Subject) -> Iterator[Observation]:
    found = argument_on(subject, "ci.ds", "ci.datasource", "ds", "ci.di.policy")
    if found is None:
        return
    name, value, evidence = found
    forced = value.partition(";")[0].lower()
    is_harmless = forced == _WANTED if name != "ci.di.policy" else "disabled" not in forced.split(",")
    if not is_harmless:
        yield Observation(
            "the kernel's command line keeps cloud-init from the config drive",
            observed=quote(f"{name}={value}"),
            expected="no such argument",
            evidence=quote(evidence),
            remedy=remove_arguments(name),
        )


@check(
    "cloud.seed-embedded",
    "the image holds no metadata of its own that comes before the provider's",
    Severity.ERROR,
    remedy="Remove it from the image: rm -rf /var/lib/cloud/seed; delete a partition labelled CIDATA.",
)
def seed_embedded(subject: Subject) -> Iterator[Observation]:
    """There is no seed in `/var/lib/cloud/seed` and no file system labelled CIDATA.

    Why: builders hand cloud-init its data as a NoCloud seed. Left in the image it is found again on the server, before
    the config drive or beside it: the build's user and keys, the build's instance id, not yours.

    How: directories of `/var/lib/cloud/seed` that hold files, `/config-drive`, and partitions and volumes labelled
    `CIDATA` in any case. Where NoCloud is not in the datasource_list, or comes after ConfigDrive, it is a warning.

    Fix: `rm -rf /var/lib/cloud/seed` (or `cloud-init clean --seed`), and detach or delete the CIDATA volume.

    Source: cloud-init, datasources NoCloud and ConfigDrive (`seed_dir` is tried first).
    """
    setup = subject.cloud
    found = require_cloud_init(subject)
    order = [name.lower() for name in _searched_names(found)]
    is_first = "nocloud" in order and (_WANTED not in order or order.index("nocloud") < order.index(_WANTED))
    nocloud = None if is_first else Severity.WARNING
    for path in setup.seeds:
        yield Observation(
            "the image holds metadata for cloud-init, which would be used on every server",
            observed=f"a seed in {quote(path)}",
            expected="no seed",
            evidence=quote(path),
            severity=None if "config" in path.rpartition("/")[2] else nocloud,
        )
    for volume in setup.nocloud_volumes:
        yield Observation(
            "the image holds a NoCloud volume, which would be used on every server",
            observed=f"a file system labelled {quote(volume.label)}",
            expected="no such label",
            evidence=volume.place,
            severity=nocloud,
        )


@check(
    "cloud.label-clash",
    "no file system of the image is labelled as the config drive is",
    Severity.ERROR,
    remedy="Delete that partition from the image, or give it another label (fatlabel, e2label).",
    product=Product.BYOI,
)
def label_clash(subject: Subject) -> Iterator[Observation]:
    """No file system in the image has the label `config-2`.

    Why: cloud-init knows the config drive by this label. With two of them it reads the one that the kernel lists first,
    which is the image's own, because the provider's comes last on the disk.

    How: the labels of all partitions and of the volumes that could be read, in any case. Skipped only where no root
    could be read.

    Fix: delete the partition before the image is taken; a config drive of the build belongs on a disk of its own.

    Source: cloud-init, datasource ConfigDrive (`LABEL_TYPES`); the provider's drive is labelled config-2.
    """
    for volume in subject.cloud.config_drives:
        yield Observation(
            "the image brings a config drive of its own",
            observed=f"a file system labelled {quote(volume.label)}",
            expected="no such label but on the provider's partition",
            evidence=volume.place,
        )


@check(
    "cloud.stale-instance",
    "cloud-init has not run in the image",
    Severity.WARNING,
    remedy="Run `cloud-init clean --logs` as the last command of the build.",
)
def stale_instance(subject: Subject) -> Iterator[Observation]:
    """`/var/lib/cloud` holds no instance, no data and no semaphores of an earlier boot.

    Why: what runs once is not run again on the server (`scripts-per-once`), user data and keys of the build are
    published with the image, and with an equal instance id cloud-init takes the server for the one of the build.

    How: `/var/lib/cloud/instance`, and entries of `instances`, `data` and `sem` there. Skipped without cloud-init.

    Fix: `cloud-init clean --logs`, with a version before 18 `rm -rf /var/lib/cloud/*`.

    Source: cloud-init, "Boot stages" (first boot determination) and its command `clean`.
    """
    require_cloud_init(subject)
    traces = subject.cloud.traces
    if traces:
        yield Observation(
            "cloud-init has already run in this image",
            observed=f"{len(traces)} paths of an earlier boot, {quote(traces[0])} first",
            expected="nothing but seeds in /var/lib/cloud",
            evidence=quote(traces[0]),
        )


def _searched(found: CloudInit) -> DsIdentify | None:
    script = found.ds_identify
    return script if script is not None and script.mode == "search" and not script.datasource else None


def _searched_names(found: CloudInit) -> tuple[str, ...]:
    """The datasources in the order in which they are tried; ds-identify's own order where nothing sets one."""
    if found.datasource_list is not None:
        return found.datasource_list.items
    return ("ConfigDrive", "NoCloud") if found.ds_identify is not None else ("NoCloud", "ConfigDrive")


def _has_config_drive(value: ConfigValue) -> bool:
    return _WANTED in (name.lower() for name in value.items)


def _shown(value: ConfigValue) -> str:
    return quote(f"[{', '.join(value.items)}]")
