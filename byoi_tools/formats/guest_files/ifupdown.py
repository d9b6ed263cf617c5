"""Reads `/etc/network/interfaces` (Debian's interfaces(5), which Alpine's ifupdown-ng reads too)."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass

_LIMIT_LINES = 20_000
_STARTS = ("auto", "iface", "mapping", "source", "source-directory", "no-scripts", "rename", "no-auto-down", "template")


@dataclass(frozen=True, slots=True)
class InterfaceStanza:
    """One `iface` line with its options, by their first word; lines count from 1."""

    name: str
    family: str
    method: str
    options: tuple[tuple[str, str], ...]
    line: int

    def option(self, key: str) -> str:
        """The first value of an option, empty where it is not set."""
        return next((value for name, value in self.options if name == key), "")


@dataclass(frozen=True, slots=True)
class InterfacesFile:
    """`started` are the names of `auto` and `allow-*` lines (patterns such as `/en*` too), `sources` the words behind
    `source` and `source-directory` with that keyword before them.
    """

    stanzas: tuple[InterfaceStanza, ...]
    started: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]


def read_interfaces(text: str) -> InterfacesFile:
    """Return what a file says; lines that are out of place are left out. Raises nothing."""
    stanzas: list[InterfaceStanza] = []
    started: list[str] = []
    sources: list[tuple[str, str]] = []
    options: list[tuple[str, str]] | None = None
    for number, words in _logical_lines(text):
        keyword = words[0]
        if keyword in _STARTS or keyword.startswith("allow-"):
            options = None
        elif options is not None:
            options.append((keyword, " ".join(words[1:])))
            stanzas[-1] = _with_options(stanzas[-1], options)
        if keyword == "auto" or keyword.startswith("allow-"):
            started += words[1:]
        elif keyword in ("source", "source-directory"):
            sources += [(keyword, word) for word in words[1:]]
        elif keyword == "iface" and len(words) >= 2:
            family, method = words[2:4] if len(words) >= 4 else ("inet", "")
            stanzas.append(InterfaceStanza(words[1], family, method, (), number))
            options = []
    return InterfacesFile(tuple(stanzas), tuple(started), tuple(sources))


def _with_options(stanza: InterfaceStanza, options: list[tuple[str, str]]) -> InterfaceStanza:
    return InterfaceStanza(stanza.name, stanza.family, stanza.method, tuple(options), stanza.line)


def _logical_lines(text: str) -> list[tuple[int, list[str]]]:
    lines: list[tuple[int, list[str]]] = []
    pending = ""
    for number, raw in enumerate(text.splitlines()[:_LIMIT_LINES], 1):
        if raw.endswith("\\"):
            pending += raw[:-1] + " "
            continue
        line, pending = pending + raw, ""
        words = line.split()
        if words and not words[0].startswith("#"):
            lines.append((number, words))
    return lines
