"""What a terminal can show: its width, its colours, and never a control character that came out of an image."""

from __future__ import annotations

import textwrap
import unicodedata

from byoi_tools.model.dataclass import dataclass

_CODES = {"error": "31;1", "warning": "33", "info": "36", "good": "32", "bad": "31;1", "title": "1", "faint": "2"}
_NARROWEST = 24


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where text goes: `width` in columns, and whether colours are wanted."""

    width: int = 80
    is_coloured: bool = False

    def paint(self, text: str, style: str) -> str:
        """Return the text in the colour of a style (error, warning, info, good, bad, title, faint)."""
        return f"\033[{_CODES[style]}m{text}\033[0m" if self.is_coloured else text

    def wrap(self, text: str, indent: str, hanging: str | None = None) -> list[str]:
        """Return lines no wider than the terminal; long words (paths, digests) stay whole, to be copied."""
        lines = textwrap.wrap(
            printable(text),
            width=max(self.width, _NARROWEST),
            initial_indent=indent,
            subsequent_indent=indent if hanging is None else hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return lines or [indent.rstrip()]


def printable(text: str) -> str:
    """Return the text with control, format and surrogate characters as escapes, so that it cannot act on a terminal."""
    return "".join(_escape(character) for character in text)


def _escape(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return character.encode("unicode_escape", "backslashreplace").decode("ascii")
    return character
