"""Finds the calls of chosen programs in a shell script: words and separators, no expansion (POSIX.1-2017, chapter 2).

It reads as much as it takes to see which programs a script would start with which options. Text that only looks like
a call (in a here-document, after `false &&`) counts as one, and a name that a variable makes up is not found.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from byoi_tools.model.dataclass import dataclass

_MAXIMUM_LINES = 5000
_MAXIMUM_LINE = 4000
_SEPARATORS = frozenset("();<>|&")
_BEFORE_A_COMMAND = frozenset(
    ("then", "do", "else", "elif", "if", "while", "until", "!", "{", "exec", "sudo", "time", "eval", "nohup", "env")
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the program's name without its directory, its words, and the line (from 1) on which it begins."""

    program: str
    arguments: tuple[str, ...]
    line: int


def find_calls(script: str, programs: frozenset[str]) -> tuple[Call, ...]:
    """Return the calls of these programs in their order; at most the first 5000 lines are read."""
    wanted = re.compile("|".join(re.escape(name) for name in sorted(programs)))
    calls: list[Call] = []
    for number, line in _logical_lines(script):
        if wanted.search(line):
            calls += [call for call in _calls_in(line, number) if call.program in programs]
    return tuple(calls)


def _logical_lines(script: str) -> Iterator[tuple[int, str]]:
    begun, start = "", 0
    for number, line in enumerate(script.split("\n", _MAXIMUM_LINES)[:_MAXIMUM_LINES], 1):
        start = start if begun else number
        if line.endswith("\\") and len(begun) < _MAXIMUM_LINE:
            begun += line[:-1] + " "
            continue
        yield start, (begun + line)[:_MAXIMUM_LINE]
        begun = ""
    if begun:
        yield start, begun[:_MAXIMUM_LINE]


def _calls_in(line: str, number: int) -> Iterator[Call]:
    """Split at separators; the first word of each part that is no keyword and no assignment is the program."""
    words: list[str] = []
    for word in [*_words(line), ";"]:
        if not set(word) <= _SEPARATORS:
            words.append(word)
            continue
        call = _call(words, number)
        if call is not None:
            yield call
        words = []


def _call(words: list[str], number: int) -> Call | None:
    for position, word in enumerate(words):
        if word not in _BEFORE_A_COMMAND and not _ASSIGNMENT.match(word):
            return Call(word.rpartition("/")[2], tuple(words[position + 1 :]), number)
    return None


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line.replace("`", ";").replace("$(", ";"), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True  # else `a:b` is three words
    try:
        return list(lexer)
    except ValueError:  # a quote that ends on another line
        return line.split("#")[0].replace("'", " ").replace('"', " ").split()
