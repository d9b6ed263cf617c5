"""Reads /etc/fstab (fstab(5); util-linux, libmount/src/tab_parse.c)."""

from __future__ import annotations

import re

from byoi_tools.model.guest.mounts import FstabEntry

MAXIMUM_ENTRIES = 1000
_ESCAPE = re.compile(r"\\([0-3][0-7]{2})")


def read_fstab(text: str) -> tuple[FstabEntry, ...]:
    """Return the entries, no more than a thousand. Lines without a type are passed over, as mount(8) does."""
    entries = []
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.strip(" \t\r").replace("\t", " ").split(" ")
        fields = [field for field in fields if field]
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        source, mount_point, kind = (_unescape(field) for field in fields[:3])
        options = tuple(_unescape(fields[3]).split(",")) if len(fields) > 3 else ()
        entries.append(FstabEntry(number, source, _normal(mount_point), kind, options))
        if len(entries) == MAXIMUM_ENTRIES:
            break
    return tuple(entries)


def _unescape(field: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), field)


def _normal(mount_point: str) -> str:
    return mount_point.rstrip("/") or "/" if mount_point.startswith("/") else mount_point
