"""Makes the config drive of an installation: ISO 9660, label `config-2`, in OpenStack's layout.

Sources: OpenStack "Config drive" (folder `openstack/latest`), OVH's guide (which customization goes where), and
third-party observations of drives that OVH wrote. `network_data.json` is left out: its real content is not
known, and cloud-init then asks DHCP, which is what such servers have.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from byoi_tools.rehearsal.programs import run

LABEL = "config-2"

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}


@dataclass(frozen=True, slots=True)
class ConfigDriveContent:
    """The customizations that reach the installed system; an empty string is one that was not given."""

    hostname: str
    ssh_key: str
    user_data: str
    metadata: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was given, so that there will be no config drive."""
        return not (self.hostname or self.ssh_key or self.user_data or self.metadata)


def decode_user_data(text: str) -> bytes:
    r"""Decode base64; anything else counts as clear text, in which `\n` and its like are processed.

    That processing corrupts scripts which need their backslashes, and is what the real service does.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return re.sub(r"\\(.)", _unescape, text).encode()


def make_config_drive(content: ConfigDriveContent, server_name: str, iso: Path, halt: Event) -> bool:
    """Write the drive's ISO 9660 image to `iso`; returns whether `xorriso` could."""
    tree = iso.with_suffix(".d")
    shutil.rmtree(tree, ignore_errors=True)
    latest = tree / "openstack" / "latest"
    latest.mkdir(parents=True, mode=0o700)
    try:
        (latest / "meta_data.json").write_text(json.dumps(_meta_data(content, server_name), indent=2))
        (latest / "vendor_data.json").write_text("{}")
        if content.user_data:
            (latest / "user_data").write_bytes(decode_user_data(content.user_data))
        iso.unlink(missing_ok=True)
        argv = ("xorriso", "-as", "mkisofs", "-quiet", "-V", LABEL, "-J", "-R", "-no-pad", "-o")
        return run((*argv, str(iso), str(tree)), halt).returncode == 0
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def _meta_data(content: ConfigDriveContent, server_name: str) -> dict[str, object]:
    hostname = content.hostname or server_name
    data: dict[str, object] = {"uuid": str(uuid.uuid4()), "hostname": hostname, "name": hostname}
    if content.metadata:
        data["meta"] = dict(content.metadata)
    if content.ssh_key:
        data["public_keys"] = {"default": content.ssh_key}
        data["keys"] = [{"name": "default", "type": "ssh", "data": content.ssh_key}]
    return data


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])
