"""Reads GRUB's script language, in which grub.cfg is written, into statements; runs nothing.

Source: GRUB manual, "Shell-like scripting"; grub-core/script/parser.y. `while` and `until` are read and never followed.
"""

from __future__ import annotations

from byoi_tools.formats.grub.words import Sign, Word, read_words
from byoi_tools.model.dataclass import dataclass

MAXIMUM_TEXT = 1024 * 1024
MAXIMUM_WORDS = 100_000
MAXIMUM_DEPTH = 30
_ENDS = ("\n", ";", "&", "&&", "||", "|", ";;")


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its arguments, and the block of a `menuentry` or `submenu`, None for others."""

    words: tuple[Word, ...]
    block: tuple[Statement, ...] | None
    line: int
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Conditional:
    """`if` and each `elif`: what decides and what follows; `otherwise` is what follows `else`."""

    branches: tuple[tuple[tuple[Statement, ...], tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`for NAME in WORDS`."""

    name: str
    words: tuple[Word, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """`function NAME { ... }`."""

    name: str
    body: tuple[Statement, ...]


Statement = Command | Conditional | Loop | Function


@dataclass(frozen=True, slots=True)
class GrubScript:
    """The statements up to the first one that is none; `problem` says where that is, or is empty."""

    statements: tuple[Statement, ...]
    problem: str


class _SyntaxProblem(Exception):
    """What follows is not of the language; never leaves this module."""


def read_grub_script(text: str) -> GrubScript:
    """Return the statements of a script, of its first mebibyte and hundred thousand words; never raises."""
    tokens = []
    for token in read_words(text[:MAXIMUM_TEXT]):
        tokens.append(token)
        if len(tokens) == MAXIMUM_WORDS:
            break
    parser = _Parser(tokens)
    statements: list[Statement] = []
    try:
        while not parser.is_at_end():
            statements += parser.statement(0)
    except _SyntaxProblem as problem:
        return GrubScript(tuple(statements), str(problem))
    return GrubScript(tuple(statements), "")


class _Parser:
    """Goes through the tokens once, from left to right."""

    def __init__(self, tokens: list[Word | Sign]) -> None:
        self._tokens = tokens
        self._place = 0

    def is_at_end(self) -> bool:
        self._skip_ends()
        return self._place >= len(self._tokens)

    def statement(self, depth: int) -> tuple[Statement, ...]:
        """The next statement; none for a `while`, which is not followed."""
        if depth > MAXIMUM_DEPTH:
            raise self._problem("blocks within blocks, too deep")
        word = self._bare()
        if word == "if":
            return (self._conditional(depth),)
        if word == "for":
            return (self._loop(depth),)
        if word in ("while", "until"):
            self._take()
            self._body(("do",), depth)
            self._body(("done",), depth)
            return ()
        if word == "function":
            self._take()
            return (Function(self._name(), self._block(depth)),)
        return (self._command(depth),)

    def _conditional(self, depth: int) -> Conditional:
        branches, ending = [], "if"
        while ending in ("if", "elif"):
            self._take()
            condition, _ = self._body(("then",), depth)
            body, ending = self._body(("elif", "else", "fi"), depth, take=False)
            branches.append((condition, body))
        otherwise: tuple[Statement, ...] = ()
        if ending == "else":
            self._take()
            otherwise, _ = self._body(("fi",), depth, take=False)
        self._take()
        return Conditional(tuple(branches), otherwise)

    def _loop(self, depth: int) -> Loop:
        self._take()
        name = self._name()
        words = []
        while isinstance(token := self._peek(), Word):
            words.append(token)
            self._place += 1
        self._skip_ends()
        if self._bare() != "do":
            raise self._problem("a for without do")
        self._take()
        body, _ = self._body(("done",), depth)
        return Loop(name, tuple(words[1:]), body)

    def _body(self, endings: tuple[str, ...], depth: int, *, take: bool = True) -> tuple[tuple[Statement, ...], str]:
        """The statements up to one of the words, and which one it was."""
        statements: list[Statement] = []
        while not self.is_at_end():
            word = self._bare()
            if word in endings:
                self._place += take
                return tuple(statements), word
            statements += self.statement(depth + 1)
        raise self._problem(f"{endings[-1]} is missing")

    def _block(self, depth: int) -> tuple[Statement, ...]:
        self._skip_ends()
        if not self._is_sign("{"):
            raise self._problem("{ is missing")
        self._place += 1
        statements: list[Statement] = []
        while not self.is_at_end():
            if self._is_sign("}"):
                self._place += 1
                return tuple(statements)
            statements += self.statement(depth + 1)
        raise self._problem("} is missing")

    def _command(self, depth: int) -> Command:
        negations = 0
        while self._bare() == "!":
            self._place += 1
            negations += 1
        words: list[Word] = []
        while isinstance(token := self._peek(), Word):
            words.append(token)
            self._place += 1
        if not words:
            raise self._problem("a command is missing")
        block = self._block(depth) if self._is_sign("{") else None
        following = self._peek()
        if isinstance(following, Sign) and following.text not in (*_ENDS, "}"):
            raise self._problem(f"{following.text} is not understood")
        return Command(tuple(words), block, words[0].line, negations % 2 == 1)

    def _name(self) -> str:
        word = self._bare()
        if not word:
            raise self._problem("a name is missing")
        self._place += 1
        return word

    def _take(self) -> None:
        self._place += 1

    def _peek(self) -> Word | Sign | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _bare(self) -> str:
        token = self._peek()
        return token.bare if isinstance(token, Word) else ""

    def _is_sign(self, text: str) -> bool:
        token = self._peek()
        return isinstance(token, Sign) and token.text == text

    def _skip_ends(self) -> None:
        while isinstance(token := self._peek(), Sign) and token.text in _ENDS:
            self._place += 1

    def _problem(self, what: str) -> _SyntaxProblem:
        token = self._peek()
        return _SyntaxProblem(f"line {token.line}: {what}" if token else f"at its end: {what}")
