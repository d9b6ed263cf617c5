"""Reads the lists that depmod writes beside the modules of a kernel (kmod: depmod(8), modules.dep(5))."""

from __future__ import annotations

import re
from functools import cache

from byoi_tools.model.guest.kernel_modules import ModuleFile, ModuleIndex, module_name

_LINE_LIMIT = 200_000
_PLAIN_ALIAS = re.compile(r"^alias ([\w-]+) ([\w-]+)[ \t]*$", re.MULTILINE)
_SOFT_DEPENDENCY = re.compile(r"^softdep ([\w-]+) (.*)$", re.MULTILINE)
_BUILT_IN_OPTION = re.compile(r"^CONFIG_(\w+)=y[ \t]*$", re.MULTILINE)


def read_index(dependencies: str, aliases: str, soft_dependencies: str) -> ModuleIndex:
    """Return what modules.dep, modules.alias and modules.softdep say; aliases of devices (with wildcards) are left out.

    Never raises; lines of another form are passed over.
    """
    found: dict[str, ModuleFile] = {}
    name_of = cache(module_name)  # most modules are needed by many others
    for line in dependencies.splitlines()[:_LINE_LIMIT]:
        path, colon, needed = line.partition(":")
        if colon:
            found.setdefault(name_of(path), ModuleFile(path, tuple(map(name_of, needed.split()))))
    named: dict[str, tuple[str, ...]] = {}
    for alias, module in _PLAIN_ALIAS.findall(aliases)[:_LINE_LIMIT]:
        named[module_name(alias)] = (*named.get(module_name(alias), ()), module_name(module))
    before: dict[str, tuple[str, ...]] = {}
    for module, rest in _SOFT_DEPENDENCY.findall(soft_dependencies)[:_LINE_LIMIT]:
        before[module_name(module)] = (*before.get(module_name(module), ()), *_before(rest))
    return ModuleIndex(found, named, before)


def read_builtin(text: str) -> frozenset[str]:
    """The names in modules.builtin."""
    return frozenset(module_name(line) for line in text.splitlines()[:_LINE_LIMIT] if line.strip())


def read_built_in_options(config: str) -> frozenset[str]:
    """The options of a kernel configuration that are `=y`, without `CONFIG_`."""
    return frozenset(_BUILT_IN_OPTION.findall(config))


def _before(words: str) -> tuple[str, ...]:
    """The names behind `pre:`, up to `post:`."""
    _, colon, rest = words.partition("pre:")
    return tuple(module_name(word) for word in rest.partition("post:")[0].split()) if colon else ()
