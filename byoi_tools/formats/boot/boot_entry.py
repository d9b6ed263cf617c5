"""Reads entries and settings of the Boot Loader Specification (UAPI Group; loader.conf(5)), and orders versions."""

from __future__ import annotations

import re

MAXIMUM_LINES = 200
_PART = re.compile(r"~|\^|[0-9]+|[A-Za-z]+|[^0-9A-Za-z~^]+")
_BOOT_COUNT = re.compile(r"\+\d+(?:-\d+)?(?=\.conf$|\.efi$|$)")

Pairs = tuple[tuple[str, str], ...]


def read_pairs(text: str) -> Pairs:
    """The keys, in lower case, and values of a file, at most two hundred; comments and bare words are left out."""
    lines = [line.strip() for line in text.split("\n")[:MAXIMUM_LINES]]
    words = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    return tuple((pair[0].lower(), pair[1].strip()) for pair in words if len(pair) == 2)


def values(pairs: Pairs, key: str) -> tuple[str, ...]:
    """Every value of a key, in its order."""
    return tuple(value for name, value in pairs if name == key)


def last(pairs: Pairs, key: str) -> str:
    """The last value of a key, or empty."""
    return next(iter(values(pairs, key)[::-1]), "")


def entry_name(file_name: str) -> str:
    """The name of an entry by that of its file: without a boot count."""
    return _BOOT_COUNT.sub("", file_name)


def version_key(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts versions as RPM and systemd do: numbers by value, `~` before nothing, letters before numbers."""
    key: list[tuple[int, int, str]] = []
    for part in _PART.findall(text[:255]):
        if part == "~":
            key.append((-1, 0, ""))
        elif part.isascii() and part.isdigit():
            key.append((3, int(part), ""))
        elif part[0].isalpha():
            key.append((2, 0, part))
    return [*key, (0, 0, "")]
