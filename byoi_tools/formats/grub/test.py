"""Decides GRUB's `test` and `[`: comparisons of texts and numbers, and questions about files (GRUB manual, "test")."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

MAXIMUM_DEPTH = 10
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


class FileQuestions:
    """What a test may ask of a path; a device that cannot be read answers no."""

    def __init__(self, is_file: Callable[[str], bool], is_directory: Callable[[str], bool]) -> None:
        self.is_file = is_file
        self.is_directory = is_directory


def is_true(arguments: Sequence[str], files: FileQuestions) -> bool:
    """Whether the test holds; what is no test does not hold, as in GRUB. `-s` is asked as `-f`."""
    return _Reader(list(arguments), files).any_of(0)


class _Reader:
    """Goes through the arguments once; `-o` binds weaker than `-a`."""

    def __init__(self, arguments: list[str], files: FileQuestions) -> None:
        self._arguments = arguments
        self._files = files
        self._place = 0

    def any_of(self, depth: int) -> bool:
        result = self._all_of(depth)
        while self._take("-o"):
            result = self._all_of(depth) or result
        return result

    def _all_of(self, depth: int) -> bool:
        result = self._primary(depth)
        while self._take("-a"):
            result = self._primary(depth) and result
        return result

    def _primary(self, depth: int) -> bool:
        is_negated = False
        while self._take("!"):
            is_negated = not is_negated
        return self._value(depth) != is_negated

    def _value(self, depth: int) -> bool:
        left = self._arguments[self._place : self._place + 3]
        if len(left) == 3 and left[1] in _COMPARISONS:
            self._place += 3
            return _COMPARISONS[left[1]](left[0], left[2])
        if len(left) == 3 and left[1] in _NUMBERS:
            self._place += 3
            return _NUMBERS[left[1]](_number(left[0]), _number(left[2]))
        if left[:1] == ["("] and depth < MAXIMUM_DEPTH:
            self._place += 1
            result = self.any_of(depth + 1)
            self._take(")")
            return result
        if len(left) >= 2 and left[0] in ("-n", "-z", "-f", "-d", "-e", "-s"):
            self._place += 2
            return self._ask(left[0], left[1])
        self._place += 1
        return bool(left) and left[0] not in ("", ")")

    def _ask(self, question: str, operand: str) -> bool:
        if question in ("-n", "-z"):
            return bool(operand) == (question == "-n")
        is_file, is_directory = self._files.is_file(operand), self._files.is_directory(operand)
        return {"-d": is_directory, "-e": is_file or is_directory}.get(question, is_file)

    def _take(self, word: str) -> bool:
        is_there = self._arguments[self._place : self._place + 1] == [word]
        self._place += is_there
        return is_there


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
}
_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
    "-gt": lambda left, right: left > right,
    "-ge": lambda left, right: left >= right,
}


def _number(text: str) -> int:
    found = _NUMBER.match(text)
    return int(found[0]) if found else 0
