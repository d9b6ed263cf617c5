"""Reads the lines of modprobe.d that keep a module from being loaded (kmod, modprobe.d(5))."""

from __future__ import annotations

from byoi_tools.model.guest.kernel_modules import module_name

_LINE_LIMIT = 20_000
_DO_NOTHING = ("/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", ":", "true", "false")


def read_blacklisted(text: str) -> tuple[tuple[str, int], ...]:
    """The modules of `blacklist NAME`, and of `install NAME /bin/true` and its like, each with its line from 1 on."""
    found = []
    for number, line in enumerate(text.splitlines()[:_LINE_LIMIT], 1):
        words = line.split()
        is_skipped = words[:1] == ["install"] and len(words) > 2 and words[2] in _DO_NOTHING
        if is_skipped or (words[:1] == ["blacklist"] and len(words) > 1):
            found.append((module_name(words[1]), number))
    return tuple(found)
