"""Reads what package managers keep as text of what is installed: dpkg (deb-control(5)) and apk."""

from __future__ import annotations

import re

_STANZA_LIMIT = 100_000
_FIELD = re.compile(r"^(Package|Version|Status): (.*)$", re.MULTILINE)
_APK_FIELD = re.compile(r"^([PV]):(.*)$", re.MULTILINE)


def read_dpkg_status(text: str) -> dict[str, str]:
    """The versions of the packages that are installed (`Status: ... installed`), by name. Never raises."""
    packages: dict[str, str] = {}
    for stanza in text.split("\n\n")[:_STANZA_LIMIT]:
        fields = dict(_FIELD.findall(stanza))
        if fields.get("Package") and fields.get("Status", "").endswith(" installed"):
            packages[fields["Package"].strip()] = fields.get("Version", "").strip()
    return packages


def read_apk_installed(text: str) -> dict[str, str]:
    """The versions of the installed packages, by name. Never raises."""
    packages: dict[str, str] = {}
    for stanza in text.split("\n\n")[:_STANZA_LIMIT]:
        fields = dict(_APK_FIELD.findall(stanza))
        if fields.get("P"):
            packages[fields["P"].strip()] = fields.get("V", "").strip()
    return packages
