"""What is asked of the running system over SSH, and how its answers are read."""

from __future__ import annotations

import re

from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.proof import GuestState
from byoi_tools.proof.marker import MARKER_SCRIPT
from byoi_tools.tools.ssh import SshAnswer

CLOUD_INIT_SECONDS = 300

# Each answer begins with its name between two marks. Root's rights are used where sudo gives them without a password.
SCRIPT = f"""
as_root() {{ if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }}
ask() {{ printf '\\n@@%s@@\\n' "$1"; shift; "$@" 2>/dev/null | head -c 16384; }}
root=$(findmnt -nro SOURCE / 2>/dev/null | sed 's/\\[.*//')
ask cloud-init timeout {CLOUD_INIT_SECONDS} cloud-init status --long --wait
ask hostname cat /proc/sys/kernel/hostname
ask boot-id cat /proc/sys/kernel/random/boot_id
ask kernel uname -r
ask root-device echo "$root"
ask root-uuid findmnt -nro UUID /
ask root-size findmnt -bnro SIZE /
ask root-extent sh -c 'cd "/sys/class/block/$(basename "$(readlink -f "$1")")" && cat start size; cat ../size' - "$root"
ask user-data-digest as_root sha256sum /var/lib/cloud/instance/user-data.txt
ask failed-units systemctl list-units --state=failed --plain --no-legend --no-pager
ask kernel-log as_root sh -c 'dmesg >/dev/null && echo readable && dmesg | grep -i firmware'
{MARKER_SCRIPT}
ask end echo complete
"""

_ANSWER = re.compile(r"^@@([a-z-]+)@@$", re.MULTILINE)
_MISSING_FIRMWARE = re.compile(r"[Dd]irect firmware load for (\S+) failed|failed to load firmware[: ]+(\S+)")
# The rules of radio bands, which a server without radio misses too.
_NO_FIRMWARE = "regulatory.db"
_SECTOR_BYTES = 512  # of sysfs, whatever the disk's are
_LEFT_BEHIND_ROOT_BYTES = 1 << 30
_SHARE_OF_GROWN_ROOT = 0.9


def is_complete(output: str) -> bool:
    """Tell whether a shell ran the script to its end: a forced command or a refused login prints something else."""
    return read_answers(output).get("end") == "complete"


def read_state(
    answer: SshAnswer, user_data_sha256: str | None, disk_bytes: int | None, *, is_key_printed: Fact[bool]
) -> GuestState:
    """Return what the system answered; `user_data_sha256` is that of what was sent, None when nothing was.

    `disk_bytes` None believes what the system says of its disk. What was not answered is not examined, or empty.
    """
    answers = read_answers(answer.output)
    root_size = _read_number(answers.get("root-size", ""))
    return GuestState(
        user=answer.user,
        hostname=answers.get("hostname", ""),
        boot_id=answers.get("boot-id", ""),
        kernel=answers.get("kernel", ""),
        cloud_init=_cloud_init(answers.get("cloud-init", "")),
        has_user_data=_has_user_data(answers.get("user-data-digest", ""), user_data_sha256),
        root_device=answers.get("root-device", ""),
        root_uuid=answers.get("root-uuid", ""),
        root_size_bytes=root_size,
        is_root_grown=_is_grown(answers.get("root-extent", ""), root_size, disk_bytes),
        failed_units=_failed_units(answers),
        missing_firmware=_missing_firmware(answers.get("kernel-log", "")),
        host_key=answer.fingerprint,
        is_host_key_on_console=is_key_printed,
    )


def read_answers(output: str) -> dict[str, str]:
    """Return what the script wrote, by the names of the questions."""
    _, *parts = _ANSWER.split(output)
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def find_contradictions(ordered: Customizations, state: GuestState) -> tuple[str, ...]:
    """What the system says otherwise than it was ordered, a line each."""
    found = []
    if ordered.hostname and state.hostname.split(".")[0].lower() != ordered.hostname.split(".")[0].lower():
        found.append(f"the host name is {state.hostname}, not {ordered.hostname}")
    if state.has_user_data == Known(False):
        found.append("the system has other user data than what was sent")
    if isinstance(state.cloud_init, Known) and state.cloud_init.value.startswith("status: error"):
        found.append("cloud-init reports an error")
    return tuple(found)


def _cloud_init(text: str) -> Fact[str]:
    """What `cloud-init status` says after the dots of its waiting."""
    found = text.find("status:")
    return Known(text[found:]) if found >= 0 else NotExamined("`cloud-init status` did not say")


def _read_number(text: str) -> Fact[int]:
    return Known(int(text)) if re.fullmatch(r"[0-9]{1,18}", text) else NotExamined("the system did not say")


def _has_user_data(digest: str, sent: str | None) -> Fact[bool]:
    if sent is None:
        return NotExamined("no user data was sent")
    if not digest:
        return NotExamined("the user may not read /var/lib/cloud, or there is no user data")
    return Known(digest.split()[0] == sent)


def _is_grown(extent: str, root_size: Fact[int], disk_bytes: int | None) -> Fact[bool]:
    """Whether root takes the disk up to its end: the partition (first sector, sectors), and the file system in it."""
    found = re.fullmatch(r"([0-9]{1,15})\s+([0-9]{1,15})(?:\s+([0-9]{1,15}))?", extent)
    if found is None or not isinstance(root_size, Known) or (found[3] is None and disk_bytes is None):
        return NotExamined("the root is not simply on a partition")
    first_byte, size_bytes, told_bytes = (int(number or 0) * _SECTOR_BYTES for number in found.groups())
    is_partition_grown = (disk_bytes or told_bytes) - (first_byte + size_bytes) < _LEFT_BEHIND_ROOT_BYTES
    return Known(is_partition_grown and root_size.value >= _SHARE_OF_GROWN_ROOT * size_bytes)


def _failed_units(answers: dict[str, str]) -> Fact[tuple[str, ...]]:
    if "failed-units" not in answers:
        return NotExamined("the system did not say")
    return Known(tuple(line.split()[0] for line in answers["failed-units"].splitlines() if line.strip()))


def _missing_firmware(log: str) -> Fact[tuple[str, ...]]:
    if not log.startswith("readable"):
        return NotExamined("the user may not read the kernel's log")
    names = (first or second for first, second in _MISSING_FIRMWARE.findall(log))
    return Known(tuple(dict.fromkeys(name for name in names if not name.startswith(_NO_FIRMWARE))))
