"""Reads files of shell assignments, as `/etc/default/*`, ifcfg files and rc.conf are, without running a shell."""

from __future__ import annotations

import re

_LIMIT_LINES = 20_000
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_BARE = re.compile(r"[^\s#;]*")


def read_shell_assignments(text: str) -> dict[str, str]:
    """Return the last value of each variable; other lines are left out. Raises nothing.

    One pair of quotes is taken off. Nothing is expanded: `$` and backquotes stay as they are. A quoted value that
    goes on over several lines ends with its first line.
    """
    values: dict[str, str] = {}
    for line in text.splitlines()[:_LIMIT_LINES]:
        found = _ASSIGNMENT.match(line)
        if found:
            values[found.group(1)] = _unquote(found.group(2))
    return values


def _unquote(text: str) -> str:
    if text[:1] in ('"', "'"):
        return text[1:].partition(text[0])[0]
    bare = _BARE.match(text)
    return bare.group() if bare else ""
