"""Reads the arguments of GRUB's commands, and its environment block (GRUB manual, "Commands", "Environment block")."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def read_environment(text: str) -> tuple[tuple[str, str], ...]:
    r"""The variables of a grubenv file (GRUB manual, "Environment block"): lines `name=value`, `\` guards a newline."""
    lines = text.replace("\\\\", "\0").replace("\\\n", "").split("\n")[:1000]
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return tuple((name, value.replace("\0", "\\")) for name, _, value in pairs)


def option(arguments: Sequence[str], *names: str) -> str | None:
    """The value of an option, given as `--name value` or `--name=value`; None without it."""
    for argument, following in pairwise([*arguments, ""]):
        name, equals, value = argument.partition("=")
        if name in names:
            return value if equals else following
    return None


def without_options(arguments: Sequence[str]) -> list[str]:
    """What is neither an option of menuentry nor its value; the first one is the title."""
    rest, is_value = [], False
    for argument in arguments:
        if not is_value and not argument.startswith("--"):
            rest.append(argument)
        is_value = argument in ("--class", "--id", "--users", "--hotkey", "--source")
    return rest


def read_search(name: str, arguments: list[str]) -> tuple[str, str, str]:
    """What kind of search it is, for what, and which variable gets the device."""
    dotted = {"search.fs_uuid": "fs-uuid", "search.fs_label": "label", "search.file": "file"}.get(name)
    if dotted:
        return dotted, next(iter(arguments), ""), (arguments[1:2] or ["root"])[0]
    kind, wanted, variable, previous = "file", "", "root", ""
    for argument in arguments:
        if argument.startswith("--set="):
            variable = argument.removeprefix("--set=")
        elif argument in ("-u", "--fs-uuid"):
            kind = "fs-uuid"
        elif argument in ("-l", "--label", "--fs-label"):
            kind = "label"
        elif argument in ("-f", "--file"):
            kind = "file"
        elif previous in ("--set", "-s") and argument.isidentifier() and argument is not arguments[-1]:
            variable = argument
        elif not argument.startswith("-") and previous not in ("--hint", "-h"):
            wanted = wanted or argument
        previous = argument
    return kind, wanted, variable
