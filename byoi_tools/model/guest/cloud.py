"""cloud-init and its counterparts: what would read the provider's config drive on the first boot."""

from __future__ import annotations

from enum import Enum

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.network import InterfaceConfig, UnreadFile


class ProvisionerKind(Enum):
    """A program that takes SSH key, host name and user data from the platform."""

    CLOUD_INIT = "cloud-init"
    NUAGEINIT = "nuageinit"
    IGNITION = "Ignition"
    AFTERBURN = "Afterburn"
    CLOUDBASE_INIT = "cloudbase-init"


@dataclass(frozen=True, slots=True)
class Provisioner:
    """One that is installed: the path that shows it, and whether something starts it."""

    kind: ProvisionerKind
    path: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """A list in cloud-init's configuration and the file that it comes from."""

    items: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class DsIdentify:
    """The script that chooses the datasource before cloud-init starts.

    `mode` is that of its policy (`search` unless configured). `datasource` is the one that its configuration forces,
    or empty. `listed` is the datasource_list as it reads it, line by line; None where it falls back on its own.
    """

    script: str
    mode: str
    datasource: str
    listed: ConfigValue | None


@dataclass(frozen=True, slots=True)
class CloudUser:
    """Whom the SSH key goes to: the default user, whether the configuration asks for it, and whether root is shut."""

    name: str
    is_created: bool
    is_root_disabled: bool


@dataclass(frozen=True, slots=True)
class CloudNetwork:
    """What the configuration says of the network.

    `disabled_by` is the file that switches it off, or empty. `own_config` is the file with a network configuration of
    the image's own, which then counts instead of the provider's, or empty; `own_interfaces` are in it. `renderers` is
    the distribution's order of preference, empty for cloud-init's own.
    """

    disabled_by: str
    own_config: str
    own_interfaces: tuple[InterfaceConfig, ...]
    renderers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CloudInit:
    """cloud-init as installed and configured.

    `version` is empty where it was not found out. `disabled_by` says what keeps it from running, empty when nothing
    does. `datasource_list` is merged from all files as cloud-init does, None where no file sets it. `modules` are those
    of all stages that run, with underscores.
    """

    version: str
    disabled_by: str
    is_forced_on: bool
    datasource_list: ConfigValue | None
    ds_identify: DsIdentify | None
    unread_files: tuple[UnreadFile, ...]
    user: CloudUser
    network: CloudNetwork
    modules: tuple[str, ...]
    is_hostname_preserved: bool


@dataclass(frozen=True, slots=True)
class LabelledVolume:
    """A file system of the image whose label cloud-init looks for, and where it is (`partition 4`)."""

    place: str
    label: str


@dataclass(frozen=True, slots=True)
class CloudSetup:
    """All of it. `cloud_init` is None where it is not installed.

    `seeds` are directories that hold metadata in the image, `traces` paths that a first boot left behind,
    `config_drives` and `nocloud_volumes` file systems labelled `config-2` and `CIDATA`. `metadata_services` is the
    setting of cloudbase-init, None where its configuration was not found. `is_windows` tells a Windows root.
    """

    cloud_init: CloudInit | None
    provisioners: tuple[Provisioner, ...]
    seeds: tuple[str, ...]
    traces: tuple[str, ...]
    config_drives: tuple[LabelledVolume, ...]
    nocloud_volumes: tuple[LabelledVolume, ...]
    metadata_services: tuple[str, ...] | None
    is_windows: bool
