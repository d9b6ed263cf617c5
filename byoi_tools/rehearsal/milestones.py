"""Reads milestones and dead ends out of what firmware, loader, kernel and init write to a console.

Sources: consoles of real boots (EDK2, SeaBIOS, GRUB 2.06, Linux 6.1, initramfs-tools, systemd, cloud-init). Alpine
(mkinitfs, OpenRC, BusyBox), FreeBSD and dracut were not seen in a boot of ours: those patterns follow their messages.
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
    (Milestone.KERNEL, r"Linux version [0-9]|EFI stub: |Copyright \(c\) [0-9-]+ The FreeBSD Project"),
    (
        Milestone.ROOT,
        r"EXT4-fs \([^)]{1,80}\): mounted filesystem|XFS \([^)]{1,80}\): Ending clean mount"
        r"|BTRFS info \([^)]{1,80}\): (?:first mount|using free)"
        r"|Begin: Running /scripts/local-bottom|Mounted (?:/sysroot|sysroot\.mount)|Switching root"
        r"|Mounting root: ok|^Setting hostuuid: ",
    ),
    (
        Milestone.INIT,
        r"systemd\[1\]: systemd \S+ running in system mode|Welcome to (?!GRUB)[^(]{1,80}!|INIT: version "
        r"|OpenRC \S+ is starting up|runit: enter stage: 1|^Setting hostuuid: ",
    ),
    (
        Milestone.NETWORK,
        r"ci-info: \|\s*(?!lo\s)\S+\s*\|\s*True\s*\|\s*[0-9]+\."
        r"|bound to [0-9]+\.[0-9.]+ -- renewal|udhcpc: lease of [0-9]+\.[0-9.]+ obtained",
    ),
    (Milestone.CLOUD_INIT, r"Cloud-init v\. \S{1,40} finished at .{1,60} Datasource DataSource(?!None)\w+\W"),
    (Milestone.LOGIN, r"^(?!Last )(?:\S+ )?login:"),
)
_PATTERNS = tuple((milestone, re.compile(pattern)) for milestone, pattern in _MILESTONES)

_DEAD_ENDS = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (
            r"Verification failed: \(0x1A\) Security Violation|Security Policy Violation",
            "Secure Boot: shim refuses what it should start",
        ),
        (r"bad shim signature|prohibited by secure boot policy", "Secure Boot: GRUB refuses the kernel"),
        (r"^mountroot>|Enter full pathname of shell or RETURN", "the kernel does not find the root, and waits"),
        (
            r"initramfs emergency recovery shell launched",
            "the initramfs does not find the root, and waits in its shell",
        ),
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
_REFUSED = re.compile(rf"BdsDxe: failed to (?:load|start) {_DECLARED}.*: ([A-Z][A-Za-z ]{{1,40}})$")
_OTHER_LOADER = re.compile(r"BdsDxe: starting Boot[0-9A-F]{4} .* from PciRoot\(")
_NOTHING_ELSE = re.compile(r"BdsDxe: No bootable option")
_FALLBACK = r"\EFI\BOOT\BOOTX64.EFI of the disk"
_SIGNATURE_MISSING = ("Access Denied", "Security Violation")
_OF_THE_SYSTEM = (Milestone.ROOT, Milestone.INIT, Milestone.NETWORK, Milestone.CLOUD_INIT, Milestone.LOGIN)
_SYSTEM_SPEAKS = re.compile(
    "|".join(
        (
            r"^\[ *[0-9]+\.[0-9]{6}\] |Linux version [0-9]|The FreeBSD Project",
            *(pattern for milestone, pattern in _MILESTONES if milestone in _OF_THE_SYSTEM),
        )
    )
)
_NO_DATASOURCE = re.compile(r"Cloud-init v\. \S{1,40} finished at .{1,60} Datasource DataSourceNone")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_AUTHORIZED = re.compile(r"Authorized keys from \S+ for user ([a-z_][a-z0-9_.-]{0,31})")


@dataclass(slots=True)
class _Line:
    """A line that may not have ended yet."""

    raw: str = ""


class Console:
    """What was written so far; give it text as it comes, from the serial line, the firmware's own log or the screen.

    `dead_end` says why nothing will come any more, and `fallback` what the firmware does where that is the loader's
    fault; no milestone counts after a dead end, and none before the firmware. `has_no_datasource` says that cloud-init
    ended without having found a config drive, `users` who got the SSH key. Memory is bounded: a guest may write for
    ever.
    """

    def __init__(self) -> None:
        self._open = {"serial": _Line(), "firmware": _Line(), "screen": _Line()}
        self._is_loader_refused = self._has_system_spoken = False
        self._kept: deque[str] = deque(maxlen=_KEPT_LINES)
        self._seen: dict[Milestone, Sighting] = {}
        self._fingerprints: set[str] = set()
        self.dead_end: str | None = None
        self.fallback = ""
        self.has_no_datasource = False
        self.users: list[str] = []

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """The milestones in the order in which they were seen."""
        return tuple(self._seen.values())

    @property
    def is_silent(self) -> bool:
        """Tell whether the loader was started, and neither kernel nor init has said a word on the serial line since."""
        has_begun = Milestone.LOADER in self._seen or Milestone.KERNEL in self._seen
        return has_begun and self.dead_end is None and not self._has_system_spoken

    @property
    def may_fall_back(self) -> bool:
        """Tell whether the firmware has refused the declared loader, and not said yet what it does instead."""
        return self._is_loader_refused and not self.fallback

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
            self._read(_clean(each), seconds, stream, is_whole=True)
            if stream == "serial":
                self._kept.append(_clean(each).rstrip())
        if len(line.raw) > _LONGEST_LINE:
            line.raw = line.raw[-_LONGEST_LINE // 2 :]
        self._read(_clean(line.raw), seconds, stream, is_whole=False)

    def note(self, sighting: Sighting) -> None:
        """Add a milestone that was seen by other means, unless it is one of a fallback's system."""
        if not self._is_loader_refused:
            self._seen.setdefault(sighting.milestone, sighting)

    def _read(self, line: str, seconds: float, stream: str, *, is_whole: bool) -> None:
        if self.dead_end is None:
            self._read_milestones(line, seconds)
            self.dead_end = next((meaning for pattern, meaning in _DEAD_ENDS if pattern.search(line)), None)
        if is_whole:
            self._read_firmware(line)
        if stream == "serial" and not self._has_system_spoken:
            self._has_system_spoken = bool(_SYSTEM_SPEAKS.search(line))
        self.has_no_datasource = self.has_no_datasource or bool(_NO_DATASOURCE.search(line))
        if len(self._fingerprints) < _KEPT_FINGERPRINTS:
            self._fingerprints.update(_FINGERPRINT.findall(line))
        if len(self.users) < _KEPT_USERS:
            self.users += [name for name in _AUTHORIZED.findall(line)[:1] if name not in self.users]

    def _read_milestones(self, line: str, seconds: float) -> None:
        for milestone, pattern in _PATTERNS:
            if milestone in self._seen or not (found := pattern.search(line)):
                continue
            if milestone is Milestone.INIT and Milestone.ROOT not in self._seen:
                continue  # dracut's initramfs has a systemd too
            if milestone is Milestone.FIRMWARE or Milestone.FIRMWARE in self._seen:
                self._seen[milestone] = Sighting(milestone, seconds, _around(line, found.start()))

    def _read_firmware(self, line: str) -> None:
        """What the firmware says has become of the declared loader."""
        if self.dead_end is None and (refused := _REFUSED.search(line)):
            self._is_loader_refused = True
            self.dead_end = f"the firmware cannot start the declared loader ({refused[1]})"
            if Milestone.LOADER in self._seen:
                self.dead_end = f"the declared loader gave up ({refused[1]})"
            elif refused[1] in _SIGNATURE_MISSING:
                self.dead_end = f"Secure Boot: the firmware refuses the declared loader ({refused[1]})"
        elif self.may_fall_back and _OTHER_LOADER.search(line):
            self.fallback = f", and falls back to {_FALLBACK}"
        elif self.may_fall_back and _NOTHING_ELSE.search(line):
            self.fallback = ", and finds no other"


def _clean(raw: str) -> str:
    return _TERMINAL_CODES.sub("", raw[-_LONGEST_LINE:])


def _around(line: str, start: int) -> str:
    return line[start : start + 160].strip()
