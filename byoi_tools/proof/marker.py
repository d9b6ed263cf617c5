"""The marker: a random text that goes with the order, and is read back on the system that answers.

It lies on the config drive, in OpenStack's `meta_data.json`. An old system on another disk of the server sees the new
config drive too, and cloud-init there may even obey it: so the drive must be on the disk that the system runs from.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from byoi_tools.model.proof import MARKER_KEY, Verdict

_PATTERN = f'"{MARKER_KEY}": *"[0-9a-f]*"'
_DRIVE_BYTES = 64 << 20

# `$root` is the device of the root file system, `ask` and `as_root` are functions of the script around it.
MARKER_SCRIPT = f"""
drives() {{ lsblk -rnpo NAME,LABEL "$@" 2>/dev/null | sed -n 's/ config-2$//p'; }}
seek() {{ grep -aho '{_PATTERN}' "$@" 2>/dev/null | head -n 1; }}
tell() {{ printf '%s %s ' "$1" "$2"; as_root head -c {_DRIVE_BYTES} "$2" | seek -; echo; }}
markers() {{
  disks=$(lsblk -rnpso NAME,TYPE "$root" 2>/dev/null | sed -n 's/ disk$//p')
  own=$([ -z "$disks" ] || drives $disks)
  for drive in $(drives); do
    place=some
    [ -z "$disks" ] || place=other
    case " $(echo $own) " in *" $drive "*) place=own ;; esac
    tell $place "$drive"
  done
  for file in /run/cloud-init/instance-data-sensitive.json /run/cloud-init/instance-data.json; do
    as_root test -r "$file" && {{ printf 'cloud-init %s ' "$file"; as_root cat "$file" | seek -; echo; }}
  done
}}
ask root-disks lsblk -rnpso NAME,TYPE "$root"
ask rights as_root echo root
ask markers markers
"""

_LINE = re.compile(rf'^(own|other|some|cloud-init) (\S+) *(?:"{MARKER_KEY}": *"([0-9a-f]*)")?$', re.MULTILINE)


def new_marker() -> str:
    """Make one: 128 random bits in hexadecimal."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where it was looked for, and what was there; empty without a marker."""

    place: str
    device: str
    marker: str


def judge_marker(answers: Mapping[str, str], sent: str) -> tuple[Verdict, str]:
    """Tell whether the system that answered carries the marker that was sent, and why it is thought to."""
    has_rights = answers.get("rights") == "root"
    readings = [
        _Reading(*(text or "" for text in found.groups())) for found in _LINE.finditer(answers.get("markers", ""))
    ]
    of_place = {
        place: [one for one in readings if one.place == place] for place in ("own", "other", "some", "cloud-init")
    }
    drives = of_place["own"] or of_place["some"]
    if drives and has_rights:
        return _judge(drives, sent, f"the config drive {drives[0].device}")
    elsewhere = [one for one in of_place["other"] if one.marker == sent or not has_rights]
    if elsewhere and not drives:
        return _judge_elsewhere(elsewhere[0], sent)
    if of_place["cloud-init"]:
        return _judge(of_place["cloud-init"], sent, "what cloud-init was told at this boot")
    if has_rights:
        return Verdict.FAILED, "the system has no config drive, and no word of this deployment's"
    return Verdict.UNKNOWN, "the user may not read the config drive, and cloud-init left no word of it"


def _judge(readings: list[_Reading], sent: str, what: str) -> tuple[Verdict, str]:
    if any(one.marker == sent for one in readings):
        return Verdict.PROVEN, f"{what} carries the marker of this deployment"
    if any(one.marker for one in readings):
        return Verdict.FAILED, f"{what} is that of another deployment: an old system answers"
    return Verdict.FAILED, f"{what} has no marker of this deployment: another system answers"


def _judge_elsewhere(reading: _Reading, sent: str) -> tuple[Verdict, str]:
    if reading.marker == sent:
        return Verdict.FAILED, f"the system runs from another disk than the one that was written ({reading.device})"
    return Verdict.UNKNOWN, f"the config drive is on another disk ({reading.device}), and the user may not read it"
