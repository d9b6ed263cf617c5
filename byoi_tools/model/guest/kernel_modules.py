"""The modules of a kernel: where they are, what they need, and under which names they are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from byoi_tools.model.dataclass import dataclass

_COMPRESSIONS = (".xz", ".zst", ".gz")


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A module of modules.dep: its file below the module directory, and the names of all modules that it needs."""

    path: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModuleIndex:
    """What depmod found: modules by name, plain aliases (no device patterns), and soft dependencies to load before."""

    files: Mapping[str, ModuleFile]
    aliases: Mapping[str, tuple[str, ...]]
    loaded_before: Mapping[str, tuple[str, ...]]

    def modules_of(self, name: str, builtin: Collection[str] = ()) -> tuple[str, ...]:
        """The modules that a name stands for: the module itself, else those that it is an alias of."""
        plain = module_name(name)
        return (plain,) if plain in self.files or plain in builtin else self.aliases.get(plain, (plain,))

    def missing_for(self, name: str, present: Collection[str], builtin: Collection[str]) -> tuple[str, ...]:
        """What is not there of a module and of all that it needs, of those named in `present` or built in.

        Of several modules behind an alias the one counts that lacks least.
        """
        lacking = [
            tuple(each for each in (module, *self._needs(module)) if each not in present and each not in builtin)
            for module in self.modules_of(name, builtin)
        ]
        return min(lacking, key=len)

    def _needs(self, module: str) -> tuple[str, ...]:
        known = self.files.get(module)
        return known.needs if known else ()


def module_name(path: str) -> str:
    """The name of a module as the kernel has it: no directory, no `.ko` and compression, `_` for `-`."""
    name = path.strip().rpartition("/")[2]
    for suffix in _COMPRESSIONS:
        name = name.removesuffix(suffix)
    return name.removesuffix(".ko").replace("-", "_")


def is_module_path(path: str) -> bool:
    """Whether the name is that of a module: `.ko`, compressed or not."""
    return path.endswith((".ko", ".ko.xz", ".ko.zst", ".ko.gz"))
