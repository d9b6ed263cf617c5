"""Reads milestones and dead ends out of what firmware, loader, kernel and systemd write to a serial console.

Sources: consoles of real boots (EDK2, SeaBIOS, GRUB 2.06, Linux 6.1, initramfs-tools, dracut, systemd, cloud-init).
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from byoi_tools.model.rehearsal import Milestone, Sighting

_TERMINAL_CODES = re.compile(r"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9])|[\x00\x07\r]")
_LONGEST_LINE = 1 << 14
_KEPT_LINES = 400
_KEPT_FINGERPRINTS = 1000
_KEPT_USERS = 8

# The declared loader is the entry that names a file; what the firmware finds by itself is named by the device's path.
_DECLARED = r'Boot[0-9A-F]{4} "[^"]*" from (?!\w+\()'

_MILESTONES = (
    (Milestone.FIRMWARE, r"BdsDxe: |SeaBIOS \(version "),
    (Milestone.LOADER, rf"BdsDxe: starting {_DECLARED}|Booting from 0000:7c00"),
    (Milestone.KERNEL, r"Linux version [0-9]|EFI stub: "),
    (
        Milestone.ROOT,
        r"EXT4-fs \(.+\): mounted filesystem|XFS \(.+\): Ending clean mount|BTRFS info .+: (?:first mount|using free)"
        r"|Begin: Running /scripts/local-bottom|Mounted (?:/sysroot|sysroot\.mount)|Switching root",
    ),
    (Milestone.INIT, r"systemd\[1\]: systemd \S+ running in system mode|Welcome to (?!GRUB)[^(]+!|INIT: version "),
    (Milestone.NETWORK, r"ci-info: \|\s*(?!lo\s)\S+\s*\|\s*True\s*\|\s*[0-9]+\.|bound to [0-9]+\.[0-9.]+ -- renewal"),
    (Milestone.CLOUD_INIT, r"Cloud-init v\. \S+ finished at .+ Datasource DataSource(?!None)\w+\W"),
    (Milestone.LOGIN, r"^\S+ login:"),
)
_PATTERNS = tuple((milestone, re.compile(pattern)) for milestone, pattern in _MILESTONES)

_DEAD_ENDS = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (
            rf"BdsDxe: failed to (?:load|start) {_DECLARED}.*: (?:Access Denied|Security Violation)",
            "Secure Boot: the firmware refuses the declared loader, which no key that it knows has signed",
        ),
        (rf"BdsDxe: failed to (?:load|start) {_DECLARED}", "the firmware cannot start the declared loader"),
        (
            r"Verification failed: \(0x1A\) Security Violation|Security Policy Violation",
            "Secure Boot: shim refuses what it should start",
        ),
        (r"bad shim signature|prohibited by secure boot policy", "Secure Boot: GRUB refuses the kernel"),
        (r"BdsDxe: No bootable option", "the firmware finds nothing to start"),
        (r"No bootable device", "the firmware finds nothing to start"),
        (r"Boot failed: not a bootable disk", "the disk has no boot code"),
        (r"grub(?: rescue)?> *$", "GRUB has no menu, and waits at its prompt"),
        (r"\(initramfs\) ", "the initramfs does not find the root, and waits in its shell"),
        (r"Kernel panic - not syncing", "the kernel gave up"),
        (r"You are in (?:emergency|rescue) mode", "systemd waits in its emergency shell"),
        (r"Cannot open access to console, the root account is locked", "systemd waits in its emergency mode"),
        (r"Entering emergency mode|Generating \"/run/initramfs/rdsosreport", "the initramfs waits in its shell"),
    )
)
_NO_DATASOURCE = re.compile(r"Cloud-init v\. \S+ finished at .+ Datasource DataSourceNone")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_AUTHORIZED = re.compile(r"Authorized keys from \S+ for user ([a-z_][a-z0-9_.-]{0,31})")


@dataclass(slots=True)
class _Line:
    """A line that may not have ended yet."""

    raw: str = ""


class Console:
    """What was written so far; give it text as it comes, from the serial line or from the firmware's own log.

    `dead_end` says why nothing will come any more, `has_no_datasource` that cloud-init ended without having found a
    config drive, `users` who got the SSH key. Memory is bounded: a guest may write for ever.
    """

    def __init__(self) -> None:
        self._open = {"serial": _Line(), "firmware": _Line()}
        self._kept: deque[str] = deque(maxlen=_KEPT_LINES)
        self._seen: dict[Milestone, Sighting] = {}
        self._fingerprints: set[str] = set()
        self.dead_end: str | None = None
        self.has_no_datasource = False
        self.users: list[str] = []

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """The milestones in the order in which they were seen."""
        return tuple(self._seen.values())

    def has_seen(self, milestone: Milestone) -> bool:
        """Tell whether the milestone was seen."""
        return milestone in self._seen

    def shows_fingerprint(self, fingerprint: str) -> bool:
        """Tell whether a host key's fingerprint (`SHA256:...`) was printed."""
        return fingerprint in self._fingerprints

    def last_lines(self, count: int) -> tuple[str, ...]:
        """Return the last lines that are not empty."""
        lines = [*self._kept, _clean(self._open["serial"].raw)]
        return tuple([line for line in lines if line.strip()][-count:])

    def add(self, text: str, seconds: float, stream: str = "serial") -> None:
        """Take in what came after so many seconds."""
        line = self._open[stream]
        *whole, line.raw = (line.raw + text).split("\n")
        for each in whole:
            self._read(each, seconds)
            if stream == "serial":
                self._kept.append(_clean(each)[-_LONGEST_LINE:].rstrip())
        if len(line.raw) > _LONGEST_LINE:
            line.raw = line.raw[-_LONGEST_LINE // 2 :]
        self._read(line.raw, seconds)

    def note(self, sighting: Sighting) -> None:
        """Add a milestone that was seen by other means."""
        self._seen.setdefault(sighting.milestone, sighting)

    def _read(self, raw: str, seconds: float) -> None:
        line = _clean(raw)
        for milestone, pattern in _PATTERNS:
            if milestone in self._seen or not (found := pattern.search(line)):
                continue
            if milestone is Milestone.INIT and Milestone.ROOT not in self._seen:
                continue  # dracut's initramfs has a systemd too
            self._seen[milestone] = Sighting(milestone, seconds, _around(line, found.start()))
        if self.dead_end is None:
            self.dead_end = next((meaning for pattern, meaning in _DEAD_ENDS if pattern.search(line)), None)
        self.has_no_datasource = self.has_no_datasource or bool(_NO_DATASOURCE.search(line))
        if len(self._fingerprints) < _KEPT_FINGERPRINTS:
            self._fingerprints.update(_FINGERPRINT.findall(line))
        if len(self.users) < _KEPT_USERS:
            self.users += [name for name in _AUTHORIZED.findall(line)[:1] if name not in self.users]


def _clean(raw: str) -> str:
    return _TERMINAL_CODES.sub("", raw)


def _around(line: str, start: int) -> str:
    return line[start : start + 160].strip()
