"""Reads OpenSSH's `sshd_config` (sshd_config(5)): keywords, their arguments, and which of them a `Match` restricts."""

from __future__ import annotations

import re

from byoi_tools.model.dataclass import dataclass

_LIMIT_LINES = 20_000
_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')


@dataclass(frozen=True, slots=True)
class SshdLine:
    """One directive; `keyword` in lower case. `is_conditional` inside a `Match` block that is not `Match all`."""

    keyword: str
    arguments: tuple[str, ...]
    is_conditional: bool
    line: int


def read_sshd_config(text: str, *, is_conditional: bool = False) -> tuple[SshdLine, ...]:
    """Return the directives in their order, `Match` lines themselves left out. Raises nothing.

    `is_conditional` is the state at the start: that of the `Include` line which brought the file in. A block that a
    file opens ends with the file.
    """
    lines: list[SshdLine] = []
    is_inside = is_conditional
    for number, raw in enumerate(text.splitlines()[:_LIMIT_LINES], 1):
        keyword, arguments = _split(raw)
        if not keyword:
            continue
        if keyword == "match":
            is_inside = is_conditional or tuple(word.lower() for word in arguments) != ("all",)
            continue
        lines.append(SshdLine(keyword, arguments, is_inside, number))
    return tuple(lines)


def _split(raw: str) -> tuple[str, tuple[str, ...]]:
    """The keyword, which ends at white space or at one `=`, and its arguments up to a comment."""
    line = raw.strip()
    if not line or line.startswith("#"):
        return "", ()
    found = re.match(r"([A-Za-z0-9]+)\s*=?\s*(.*)", line)
    if found is None:
        return "", ()
    words: list[str] = []
    for quoted, bare in _WORD.findall(found.group(2)):
        if bare.startswith("#"):
            break
        words.append(quoted or bare)
    return found.group(1).lower(), tuple(words)
