"""Cuts GRUB's script language into words and signs (GRUB manual, "Shell-like scripting"; grub-core/script/yylex.l)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.model.dataclass import dataclass

_SIGNS = ("||", "&&", ";;", ";", "\n", "{", "}", "|", "&", "<", ">")
_BLANK = re.compile(r"(?:[ \t\r]|\\\r?\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_PLAIN = re.compile(r"[^{}|&$;<> \t\r\n'\"\\]+")
_PLAIN_IN_QUOTES = re.compile(r"[^\"$\\]+")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?*@#])\}|([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?*@#]))")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word: text, or the name of a variable; what is quoted is not split after it was replaced."""

    text: str
    is_variable: bool
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command; no pieces for an empty one. Its `line` counts from 1."""

    pieces: tuple[Piece, ...]
    line: int

    @property
    def bare(self) -> str:
        """The text of a word that has neither quotes nor variables; empty for others."""
        is_bare = len(self.pieces) == 1 and not self.pieces[0].is_quoted and not self.pieces[0].is_variable
        return self.pieces[0].text if is_bare else ""


@dataclass(frozen=True, slots=True)
class Sign:
    """One of the signs of the language (`;`, a line's end, `{`)."""

    text: str
    line: int


def read_words(text: str) -> Iterator[Word | Sign]:
    """Yield the words and signs of a script; quotes that are never closed end with the text."""
    position, line = 0, 1
    while position < len(text):
        blank = _BLANK.match(text, position) or _COMMENT.match(text, position)
        sign = next((sign for sign in _SIGNS if text.startswith(sign, position)), None)
        if blank:
            end = blank.end()
        elif sign:
            yield Sign(sign, line)
            end = position + len(sign)
        else:
            pieces, end = _read_word(text, position)
            yield Word(pieces, line)
        line += text.count("\n", position, end)
        position = end


def _read_word(text: str, position: int) -> tuple[tuple[Piece, ...], int]:
    pieces: list[Piece] = []
    while position < len(text):
        plain = _PLAIN.match(text, position)
        variable = _VARIABLE.match(text, position)
        character = text[position]
        if plain:
            pieces.append(Piece(plain[0], is_variable=False, is_quoted=False))
            position = plain.end()
        elif variable:
            pieces.append(Piece(variable[1] or variable[2], is_variable=True, is_quoted=False))
            position = variable.end()
        elif character == "'":
            end = text.find("'", position + 1) % (len(text) + 1)
            pieces.append(Piece(text[position + 1 : end], is_variable=False, is_quoted=True))
            position = end + 1
        elif character == '"':
            quoted, position = _read_quoted(text, position + 1)
            pieces += quoted
        elif character == "\\" and text[position + 1 : position + 2] == "\n":
            position += 2
        elif character == "\\":
            pieces.append(Piece(text[position + 1 : position + 2], is_variable=False, is_quoted=True))
            position += 2
        elif character == "$":
            pieces.append(Piece("$", is_variable=False, is_quoted=True))
            position += 1
        else:
            break
    return tuple(pieces), position


def _read_quoted(text: str, position: int) -> tuple[list[Piece], int]:
    """What is between double quotes: variables are replaced, a backslash guards `$`, `"`, itself and a line's end."""
    pieces = [Piece("", is_variable=False, is_quoted=True)]
    while position < len(text):
        plain = _PLAIN_IN_QUOTES.match(text, position)
        variable = _VARIABLE.match(text, position)
        if plain:
            pieces.append(Piece(plain[0], is_variable=False, is_quoted=True))
            position = plain.end()
        elif variable:
            pieces.append(Piece(variable[1] or variable[2], is_variable=True, is_quoted=True))
            position = variable.end()
        elif text[position] == '"':
            return pieces, position + 1
        elif text[position] == "\\":
            following = text[position + 1 : position + 2]
            kept = {"\n": ""}.get(following, following if following in '$"\\' else f"\\{following}")
            pieces.append(Piece(kept, is_variable=False, is_quoted=True))
            position += 2
        else:
            pieces.append(Piece("$", is_variable=False, is_quoted=True))
            position += 1
    return pieces, position
