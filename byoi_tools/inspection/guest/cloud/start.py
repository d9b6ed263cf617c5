"""Reads what starts cloud-init: its generator, its units, the files that switch it off, and ds-identify."""

from __future__ import annotations

from byoi_tools.formats.guest_files.cloud_config import read_listed_datasources
from byoi_tools.inspection.guest.cloud.config import CloudConfig
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.inspection.guest.units import Units
from byoi_tools.model.guest.cloud import ConfigValue, DsIdentify

_GENERATORS = ("/usr/lib/systemd/system-generators", "/lib/systemd/system-generators")
_GENERATOR = "cloud-init-generator"
_SCRIPTS = ("/usr/lib/cloud-init/ds-identify", "/usr/libexec/cloud-init/ds-identify")
_DS_IDENTIFY_CONFIG = "/etc/cloud/ds-identify.cfg"
_DISABLED = "/etc/cloud/cloud-init.disabled"
_TARGET = "cloud-init.target"
_MODES = ("enabled", "disabled", "search", "report")

# The stages before a login is possible; each by the names that it had over time.
_STAGES = (
    ("cloud-init-main.service",),
    ("cloud-init-local.service",),
    ("cloud-init.service", "cloud-init-network.service"),
    ("cloud-config.service",),
)


def disabling_reason(tree: GuestTree, units: Units) -> str:
    """What keeps cloud-init from running on every boot; empty when nothing does. The kernel's command line is not seen.

    The order is that of cloud-init-generator: `cloud-init.enabled` wins over `cloud-init.disabled`. Units that cannot
    be found at all prove nothing, as on systems with an init of their own.
    """
    if tree.is_file(_DISABLED) and not tree.is_file("/etc/cloud/cloud-init.enabled"):
        return f"{_DISABLED} exists"
    if units.unit(_TARGET).is_masked:
        return f"{_TARGET} is masked"
    if tree.read_link(f"/etc/systemd/system-generators/{_GENERATOR}") == "/dev/null":
        return f"{_GENERATOR} is masked"
    for names in _STAGES:
        known = [unit for unit in map(units.unit, names) if unit.is_installed or unit.is_masked]
        if known and not any(unit.is_enabled for unit in known):
            return str(known[0])
    return "" if _is_target_started(tree, units) else f"nothing starts {_TARGET}"


def _is_target_started(tree: GuestTree, units: Units) -> bool:
    """The generator starts the target, unless some other link does; what is not under the target needs neither."""
    target = units.unit(_TARGET)
    if target.is_enabled or not target.is_installed:
        return True
    if any(tree.is_file(f"{directory}/{_GENERATOR}") for directory in _GENERATORS):
        return True
    links = [link for names in _STAGES for name in names for link in units.unit(name).started_by]
    return any(f"/{_TARGET}." not in link for link in links)


def read_ds_identify(tree: GuestTree, config: CloudConfig) -> DsIdentify | None:
    """How ds-identify would choose; None where there is no such script, and cloud-init asks every datasource itself."""
    script = next((path for path in _SCRIPTS if tree.is_file(path)), None)
    if script is None:
        return None
    settings = _read_settings(tree.read_text(_DS_IDENTIFY_CONFIG, 65536) or "")
    mode = next((word for word in settings.get("policy", "").split(",")[::-1] if word in _MODES), "search")
    listed = read_listed_datasources(config.texts)
    return DsIdentify(
        script=script,
        mode=mode,
        datasource=settings.get("datasource", ""),
        listed=ConfigValue(*listed) if listed is not None else None,
    )


def _read_settings(text: str) -> dict[str, str]:
    """Its `_read_config`: `key: value` lines, comments and quotes taken off; the last one counts."""
    settings: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            settings[key.strip()] = value.strip().strip("'\"")
    return settings
