"""What reads the provider's config drive on the first boot: cloud-init, its counterparts, and what they are given."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.cloud.provisioner import present, enabled
from byoi_tools.checks.cloud.datasource import datasource, ds_identify, seed_embedded, label_clash, stale_instance
from byoi_tools.checks.cloud.settings import network_disabled
from byoi_tools.checks.cloud.provisioner import user_default, version
from byoi_tools.checks.cloud.settings import modules_byol
from byoi_tools.checks.cloud.user_data import userdata_yaml, userdata_base64
from byoi_tools.checks.cloud.platforms import ignition, talos, windows

__all__ = [
    "datasource",
    "ds_identify",
    "enabled",
    "ignition",
    "label_clash",
    "modules_byol",
    "network_disabled",
    "present",
    "seed_embedded",
    "stale_instance",
    "talos",
    "user_default",
    "userdata_base64",
    "userdata_yaml",
    "version",
    "windows",
]
