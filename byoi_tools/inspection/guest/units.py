"""Reads which services the guest starts: systemd (systemd.unit(5), systemd.preset(5)), OpenRC, System V init."""

from __future__ import annotations

import fnmatch
from functools import cached_property

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.files import FileKind
from byoi_tools.model.guest.units import Unit

_ADMINISTRATOR = "/etc/systemd/system"
_UNIT_DIRECTORIES = (_ADMINISTRATOR, "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_PRESET_DIRECTORIES = ("/etc/systemd/system-preset", "/usr/lib/systemd/system-preset", "/lib/systemd/system-preset")
_RUN_LEVELS = ("/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d", "/etc/rcS.d")
_LIMIT_PRESETS = 200


class Units:
    """The services of one guest; directories are read once, when they are first needed.

    Raises what the tree raises.
    """

    def __init__(self, tree: GuestTree) -> None:
        self._tree = tree

    def unit(self, name: str) -> Unit:
        """The unit of that name; an instance (`a@b.service`) is installed where its template is."""
        file = self._file(name)
        is_masked = file is not None and self._is_mask(file)
        started_by = self._links.get(name, ()) + self._other_init(name)
        if file is not None and not started_by and self._is_first_boot and self._preset(name):
            started_by = (f"preset of {name}",)
        is_installed = (file is not None and not is_masked) or self._has_script(name)
        return Unit(name, is_installed, is_masked, started_by)

    def first_enabled(self, *names: str) -> Unit | None:
        """The first of the units that a boot starts."""
        return next((unit for unit in map(self.unit, names) if unit.is_enabled), None)

    def started_names(self) -> tuple[str, ...]:
        """The names of all units that some link starts, in no target's order."""
        return tuple(sorted(self._links))

    def text(self, name: str) -> str:
        """The unit with its drop-ins behind it, as one text; empty without the unit."""
        file = self._file(name)
        if file is None:
            return ""
        texts = [self._tree.read_text(file) or ""]
        for directory in reversed(_directories(self._tree)):
            texts += [self._tree.read_text(path) or "" for path in self._tree.glob(f"{directory}/{name}.d", "*.conf")]
        return "\n".join(texts)

    def _file(self, name: str) -> str | None:
        stem, at, rest = name.partition("@")
        names = (name, f"{stem}@.{rest.rpartition('.')[2]}") if at else (name,)
        for directory in _UNIT_DIRECTORIES:
            for one in names:
                if self._tree.link_status(f"{directory}/{one}") is not None:
                    return f"{directory}/{one}"
        return None

    def _is_mask(self, file: str) -> bool:
        status = self._tree.link_status(file)
        if status is None:
            return False
        if status.kind is FileKind.SYMLINK:
            return self._tree.read_link(file) == "/dev/null"
        return status.kind is FileKind.FILE and status.size_bytes == 0

    @cached_property
    def _links(self) -> dict[str, tuple[str, ...]]:
        """Every link in a `.wants` or `.requires` directory, by the unit it starts."""
        links: dict[str, tuple[str, ...]] = {}
        for directory in _directories(self._tree):
            for entry in self._tree.entries(directory):
                if entry.status.kind is FileKind.DIRECTORY and entry.name.endswith((".wants", ".requires")):
                    for name in self._tree.names(f"{directory}/{entry.name}"):
                        links[name] = (*links.get(name, ()), f"{directory}/{entry.name}/{name}")
        return links

    def _other_init(self, name: str) -> tuple[str, ...]:
        """The links that start it under OpenRC, or under System V where systemd has no unit for it."""
        service, _, kind = name.rpartition(".")
        if kind != "service":
            return ()
        found = [
            f"/etc/runlevels/{level}/{service}"
            for level in self._openrc_levels
            if self._tree.link_status(f"/etc/runlevels/{level}/{service}") is not None
        ]
        if self._file(name) is None:
            found += [
                path for level in _RUN_LEVELS for path in self._tree.glob(level, f"S[0-9][0-9]{_literal(service)}")
            ]
        return tuple(found)

    def _has_script(self, name: str) -> bool:
        return name.endswith(".service") and self._tree.is_file(f"/etc/init.d/{name.removesuffix('.service')}")

    @cached_property
    def _openrc_levels(self) -> tuple[str, ...]:
        return self._tree.names("/etc/runlevels")

    @cached_property
    def _is_first_boot(self) -> bool:
        """Whether systemd will apply presets: no machine-id file, or one that says `uninitialized` (machine-id(5))."""
        text = self._tree.read_text("/etc/machine-id")
        return text is None or text.strip() == "uninitialized"

    def _preset(self, name: str) -> bool:
        """What the first line that matches says; where none does, systemd enables."""
        for action, pattern in self._presets:
            if fnmatch.fnmatchcase(name, pattern):
                return action == "enable"
        return bool(self._presets)

    @cached_property
    def _presets(self) -> tuple[tuple[str, str], ...]:
        files: dict[str, str] = {}
        for directory in reversed(_PRESET_DIRECTORIES):
            files |= {path.rpartition("/")[2]: path for path in self._tree.glob(directory, "*.preset")}
        rules: list[tuple[str, str]] = []
        for file in sorted(files)[:_LIMIT_PRESETS]:
            for line in (self._tree.read_text(files[file]) or "").splitlines():
                words = line.split()
                if len(words) >= 2 and words[0] in ("enable", "disable"):
                    rules.append((words[0], words[1]))
        return tuple(rules)


def _directories(tree: GuestTree) -> tuple[str, ...]:
    """The unit directories, each once: `/lib` is a link to `/usr/lib` almost everywhere."""
    found: dict[str, str] = {}
    for directory in _UNIT_DIRECTORIES:
        resolved = tree.resolve(directory)
        if resolved is not None:
            found.setdefault(resolved, directory)
    return tuple(found.values())


def _literal(text: str) -> str:
    return text.replace("[", "[[]")
