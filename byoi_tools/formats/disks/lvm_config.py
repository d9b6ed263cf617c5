"""Reads the configuration language in which LVM2 keeps its metadata (LVM2, libdm/libdm-config.c; lvm.conf(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping

from byoi_tools.errors import ImageMalformed

Value = str | int | list["Value"]
Section = dict[str, "Value | Section"]

MAX_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 8
_TOKEN = re.compile(r'#[^\n]*|"((?:[^"\\]|\\.)*)"|([{}\[\]=,])|([^\s{}\[\]=,"#]+)|\s+', re.S)
_ESCAPE = re.compile(r"\\(.)", re.S)
_END = ""


def read_config(text: str) -> Section:
    """Return the sections and values; raises `ImageMalformed` for what is not in that language."""
    reader = _Reader(_tokens(text))
    return reader.section(_END, 0)


def sections(section: Mapping[str, Value | Section], name: str) -> dict[str, Section]:
    """The sections inside the section of that name."""
    inner = section.get(name)
    found = inner if isinstance(inner, dict) else {}
    return {key: value for key, value in found.items() if isinstance(value, dict)}


def number(section: Mapping[str, Value | Section], name: str) -> int:
    """A number; raises `ImageMalformed` where there is none."""
    value = section.get(name)
    if not isinstance(value, int):
        raise _malformed(f"{name} is no number")
    return value


def text(section: Mapping[str, Value | Section], name: str) -> str:
    """A text, empty where there is none."""
    value = section.get(name)
    return value if isinstance(value, str) else ""


def array(section: Mapping[str, Value | Section], name: str) -> list[Value]:
    """A list, empty where there is none."""
    value = section.get(name)
    return value if isinstance(value, list) else []


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0

    def section(self, end: str, depth: int) -> Section:
        found: Section = {}
        if depth > _MAX_DEPTH:
            raise _malformed("its sections are nested too deeply")
        while (name := self._next()) != end:
            if not name or name in "{}[]=,":
                raise _malformed("a name is missing")
            sign = self._next()
            if sign == "{":
                found[name] = self.section("}", depth + 1)
            elif sign == "=":
                found[name] = self._value()
            else:
                raise _malformed("a name is followed by neither a section nor a value")
        return found

    def _value(self) -> Value:
        word = self._next()
        if word == "[":
            items: list[Value] = []
            while (word := self._next()) != "]":
                if word != ",":
                    items.append(_scalar(word))
            return items
        return _scalar(word)

    def _next(self) -> str:
        if self._place >= len(self._tokens):
            return _END
        self._place += 1
        return self._tokens[self._place - 1]


def _tokens(content: str) -> list[str]:
    """The words and signs; a text keeps its opening quote, so that it is none of them."""
    found, place = [], 0
    while place < len(content):
        token = _TOKEN.match(content, place)
        if token is None:
            raise _malformed("a text does not end")
        place = token.end()
        if token[1] is not None:
            found.append('"' + _ESCAPE.sub(r"\1", token[1]))
        elif token[2] or token[3]:
            found.append(token[0])
    return found


def _scalar(word: str) -> Value:
    if word.startswith('"'):
        return word[1:]
    if word in ("", "{", "}", "[", "]", "=", ","):
        raise _malformed("a value is missing")
    return int(word) if re.fullmatch(r"-?[0-9]{1,19}", word) else word


def _malformed(why: str) -> ImageMalformed:
    return ImageMalformed(
        "the metadata of LVM cannot be read", details=why, remedy="Restore it (vgcfgrestore), or build the image again."
    )
