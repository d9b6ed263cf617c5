"""Reads cloud-init as it is installed and configured, its counterparts, and what they would find in the image."""

from __future__ import annotations

import re

from byoi_tools.formats.guest_files.section_file import read_section_file
from byoi_tools.formats.guest_files.shell_assignments import read_shell_assignments
from byoi_tools.inspection.guest.cloud.config import CloudConfig, read_cloud_config
from byoi_tools.inspection.guest.cloud.network import read_cloud_network
from byoi_tools.inspection.guest.cloud.start import disabling_reason, read_ds_identify
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.inspection.guest.units import Units
from byoi_tools.model.guest.cloud import (
    CloudInit,
    CloudNetwork,
    CloudSetup,
    CloudUser,
    ConfigValue,
    LabelledVolume,
    Provisioner,
    ProvisionerKind,
)

_STATE = "/var/lib/cloud"
_LIBRARIES = ("/usr/lib", "/usr/local/lib", "/usr/lib64")
_PACKAGE_DIRECTORIES = ("dist-packages", "site-packages")
_PROGRAMS = ("/usr/bin/cloud-init", "/usr/local/bin/cloud-init")
_VERSION = re.compile(r"""^_{1,2}(PACKAGED_VERSION|VERSION__)\s*=\s*["']([0-9][0-9A-Za-z.+~:-]{0,40})["']""", re.M)
_CLOUDBASE = "/Program Files/Cloudbase Solutions/Cloudbase-Init/conf/cloudbase-init.conf"
_IGNITION = ("/usr/bin/ignition", "/usr/lib/dracut/modules.d/30ignition", "/usr/libexec/ignition-apply")
_AFTERBURN_UNITS = ("afterburn-sshkeys@core.service", "afterburn-sshkeys.target", "afterburn.service")
_LIMIT_TRACES = 50


def read_cloud(context: GuestContext) -> CloudSetup:
    """Return the facts of this domain; raises what the context's tree raises."""
    tree = context.tree
    units = Units(tree)
    cloud_init = _read_cloud_init(tree, units)
    provisioners = _read_counterparts(tree, units)
    if cloud_init is not None:
        provisioners = (
            Provisioner(ProvisionerKind.CLOUD_INIT, _program(tree) or "/etc/cloud", not cloud_init.disabled_by),
            *provisioners,
        )
    return CloudSetup(
        cloud_init=cloud_init,
        provisioners=provisioners,
        seeds=_seeds(tree),
        traces=_traces(tree),
        config_drives=_labelled(context, "config-2"),
        nocloud_volumes=_labelled(context, "cidata"),
        metadata_services=_metadata_services(tree),
        is_windows=tree.is_directory("/Windows/System32"),
    )


def _read_cloud_init(tree: GuestTree, units: Units) -> CloudInit | None:
    version = _version(tree)
    if not version and _program(tree) is None:
        return None
    config = read_cloud_config(tree)
    listed = config.names("datasource_list")
    stages = ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
    return CloudInit(
        version=version,
        disabled_by=disabling_reason(tree, units),
        is_forced_on=tree.is_file("/etc/cloud/cloud-init.enabled"),
        datasource_list=ConfigValue(listed, config.source("datasource_list")) if listed else None,
        ds_identify=read_ds_identify(tree, config),
        unread_files=config.unread,
        user=_user(config),
        network=_network(tree, config),
        modules=tuple(name.replace("-", "_") for stage in stages for name in config.names(stage)),
        is_hostname_preserved=config.flag("preserve_hostname", False),
    )


def _user(config: CloudConfig) -> CloudUser:
    name = config.value("system_info", "default_user", "name")
    users = config.merged.get("users")
    texts = users.split(",") if isinstance(users, str) else users if isinstance(users, list) else []
    named = [item.get("name") if isinstance(item, dict) else item for item in texts]
    return CloudUser(
        name=name if isinstance(name, str) else "",
        is_created="default" in [one.strip() for one in named if isinstance(one, str)],
        is_root_disabled=config.flag("disable_root", True),
    )


def _network(tree: GuestTree, config: CloudConfig) -> CloudNetwork:
    found = config.merged.get("network")
    value = found if isinstance(found, dict) else {}
    source = config.source("network")
    is_disabled = value.get("config") == "disabled"
    marker = f"{_STATE}/data/upgraded-network"
    if not is_disabled and tree.status(marker) is not None:
        is_disabled, source = True, marker
    return CloudNetwork(
        disabled_by=source if is_disabled else "",
        own_config=source if value and not is_disabled else "",
        own_interfaces=() if is_disabled else read_cloud_network(value, source),
        renderers=config.names("system_info", "network", "renderers"),
    )


def _version(tree: GuestTree) -> str:
    """The version in cloud-init's own module; the one of the package where the package sets it."""
    for library in _LIBRARIES:
        for python in tree.glob(library, "python3*"):
            for directory in _PACKAGE_DIRECTORIES:
                text = tree.read_text(f"{python}/{directory}/cloudinit/version.py", 65536)
                found: dict[str, str] = dict(_VERSION.findall(text)) if text else {}
                if found:
                    return found.get("PACKAGED_VERSION") or found["VERSION__"]
    return ""


def _program(tree: GuestTree) -> str | None:
    return next((path for path in _PROGRAMS if tree.is_file(path)), None)


def _read_counterparts(tree: GuestTree, units: Units) -> tuple[Provisioner, ...]:
    found: list[Provisioner] = []
    if tree.is_file("/usr/libexec/nuageinit"):
        is_enabled = _rc_conf(tree).get("nuageinit_enable", "").lower() in ("yes", "true", "on", "1")
        found.append(Provisioner(ProvisionerKind.NUAGEINIT, "/usr/libexec/nuageinit", is_enabled))
    ignition = next((path for path in _IGNITION if tree.status(path) is not None), None)
    if ignition is not None:
        found.append(Provisioner(ProvisionerKind.IGNITION, ignition, is_enabled=True))
    if tree.is_file("/usr/bin/afterburn"):
        is_enabled = units.first_enabled(*_AFTERBURN_UNITS) is not None
        found.append(Provisioner(ProvisionerKind.AFTERBURN, "/usr/bin/afterburn", is_enabled))
    if tree.is_file(_CLOUDBASE):
        found.append(Provisioner(ProvisionerKind.CLOUDBASE_INIT, _CLOUDBASE, is_enabled=True))
    return tuple(found)


def _rc_conf(tree: GuestTree) -> dict[str, str]:
    """FreeBSD's rc.conf(5), the later files winning."""
    values: dict[str, str] = {}
    for path in ("/etc/defaults/rc.conf", "/etc/rc.conf", "/etc/rc.conf.local", "/etc/rc.conf.d/nuageinit"):
        values |= read_shell_assignments(tree.read_text(path) or "")
    return values


def _seeds(tree: GuestTree) -> tuple[str, ...]:
    """Directories with metadata that cloud-init would take before any disk's."""
    found = [path for path in tree.glob(f"{_STATE}/seed", "*") if tree.names(path)]
    return (*found, "/config-drive") if tree.is_directory("/config-drive/openstack") else tuple(found)


def _traces(tree: GuestTree) -> tuple[str, ...]:
    found = [f"{_STATE}/instance"] if tree.link_status(f"{_STATE}/instance") is not None else []
    for directory in ("instances", "data", "sem"):
        found += tree.glob(f"{_STATE}/{directory}", "*")
    return tuple(found[:_LIMIT_TRACES])


def _labelled(context: GuestContext, label: str) -> tuple[LabelledVolume, ...]:
    """The file systems of that label, in any case: partitions first, then volumes inside of partitions."""
    places = [
        (str(one.partition), one.file_system.label) for one in context.disk.partitions if one.file_system is not None
    ]
    places += [(volume.source, volume.label) for volume in context.volumes if "volume" in volume.source]
    return tuple(LabelledVolume(place, found) for place, found in places if found.lower() == label)


def _metadata_services(tree: GuestTree) -> tuple[str, ...] | None:
    text = tree.read_text(_CLOUDBASE)
    if text is None:
        return None
    value = read_section_file(text).last("DEFAULT", "metadata_services")
    return tuple(word.strip().rpartition(".")[2] for word in value.split(",") if word.strip())
