"""Reads configurations of SYSLINUX and EXTLINUX (SYSLINUX doc/syslinux.txt; UAPI's extlinux.conf of other loaders)."""

from __future__ import annotations

from dataclasses import dataclass, field

MAXIMUM_LINES = 5000
MAXIMUM_LABELS = 200
_MENU_MODULES = ("menu.c32", "vesamenu.c32")


@dataclass
class SyslinuxLabel:
    """A LABEL: the kernel, the initrds and the arguments that it starts with, as written, and its line."""

    name: str
    line: int
    kernel: str = ""
    initrds: list[str] = field(default_factory=list)
    arguments: str = ""
    is_menu_default: bool = False


@dataclass
class SyslinuxConfig:
    """The labels, and what happens when nobody is there: `default` is a label's name or a menu module, or empty."""

    default: str = ""
    ontimeout: str = ""
    timeout: str = ""
    labels: list[SyslinuxLabel] = field(default_factory=list)

    @property
    def chosen(self) -> SyslinuxLabel | None:
        """The label that starts by itself; a menu starts its own default, or the first label."""
        named = [name for name in (self.ontimeout, self.default) if name and not name.lower().endswith(_MENU_MODULES)]
        for name in named:
            found = next((label for label in self.labels if label.name == name.split()[0]), None)
            if found is not None:
                return found
        marked = next((label for label in self.labels if label.is_menu_default), None)
        return marked or next(iter(self.labels), None)


def read_syslinux_config(text: str) -> SyslinuxConfig:
    """Return the labels and settings, at most two hundred labels; INCLUDE is not followed. Never raises.

    `initrd=` among the arguments counts as an initrd, as the loader itself has it.
    """
    config = SyslinuxConfig()
    general = ""
    for number, line in enumerate(text.split("\n")[:MAXIMUM_LINES], 1):
        word, _, rest = line.strip().replace("\t", " ").partition(" ")
        key, rest = word.upper(), rest.strip()
        label = config.labels[-1] if config.labels else None
        if key == "LABEL" and len(config.labels) < MAXIMUM_LABELS:
            config.labels.append(SyslinuxLabel(rest, number))
        elif key == "DEFAULT":
            config.default = rest
        elif key == "ONTIMEOUT":
            config.ontimeout = rest
        elif key == "TIMEOUT":
            config.timeout = rest
        elif key == "APPEND" and label is None:
            general = rest
        elif label is not None:
            _read_line(label, key, rest)
    for label in config.labels:
        _complete(label, general)
    return config


def _read_line(label: SyslinuxLabel, key: str, rest: str) -> None:
    if key in ("LINUX", "KERNEL"):
        label.kernel = rest
    elif key == "INITRD":
        label.initrds = [name for name in rest.split(",") if name]
    elif key == "APPEND":
        label.arguments = rest
    elif key == "MENU" and rest.upper() == "DEFAULT":
        label.is_menu_default = True


def _complete(label: SyslinuxLabel, general: str) -> None:
    words = ("" if label.arguments == "-" else label.arguments or general).split()
    for word in words:
        if word.startswith("initrd="):
            label.initrds += [name for name in word.removeprefix("initrd=").split(",") if name]
    label.arguments = " ".join(word for word in words if not word.startswith("initrd="))
