"""Reads files of sections and keys: units of systemd (systemd.syntax(7)), keyfiles of NetworkManager and their like."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass

_LIMIT_LINES = 20_000


@dataclass(frozen=True, slots=True)
class Setting:
    """One `key=value` line; `section` is empty before the first header. Lines count from 1."""

    section: str
    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class SectionFile:
    """The settings in their order; sections and keys may come more than once."""

    settings: tuple[Setting, ...]

    def values(self, section: str, key: str) -> tuple[str, ...]:
        """Every value of a key, in order; sections and keys compare with their case."""
        return tuple(one.value for one in self.settings if one.section == section and one.key == key)

    def last(self, section: str, key: str) -> str:
        """The value that counts where a key is to come once; empty without any."""
        return (self.values(section, key) or ("",))[-1]

    def of(self, section: str) -> tuple[Setting, ...]:
        """The settings of all sections of that name."""
        return tuple(one for one in self.settings if one.section == section)


def read_section_file(text: str) -> SectionFile:
    """Return the settings of a text; lines that are none are left out. Raises nothing.

    Comments start with `#` or `;`, a backslash at the end of a line joins the next one, as in systemd's units.
    """
    settings: list[Setting] = []
    section = pending = ""
    for number, raw in enumerate(text.splitlines()[:_LIMIT_LINES], 1):
        stripped = raw.strip()
        if stripped.startswith(("#", ";")):
            continue
        if stripped.endswith("\\"):
            pending += stripped[:-1] + " "
            continue
        line, pending = pending + stripped, ""
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line:
            key, _, value = line.partition("=")
            settings.append(Setting(section, key.strip(), value.strip(), number))
    return SectionFile(tuple(settings))
