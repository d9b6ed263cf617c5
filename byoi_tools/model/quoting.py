"""Makes texts that come from an image fit to be shown: images are hostile, and so are the names in them."""

from __future__ import annotations

MAXIMUM_LENGTH = 80
_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\""}


def quote(text: str) -> str:
    r"""Return the text in double quotes, on one line, printable, with at most 80 characters between the quotes.

    Control characters, terminal escapes, line separators, bidirectional marks, lone surrogates and private characters
    become `\xNN`, `\uNNNN` or `\UNNNNNNNN`. Backslashes stay as they are, so that EFI paths can be read. A text that
    was cut ends in `…`.
    """
    pieces = [_escape(character) for character in text[: MAXIMUM_LENGTH + 1]]
    if len("".join(pieces)) <= MAXIMUM_LENGTH:
        return f'"{"".join(pieces)}"'
    while len("".join(pieces)) >= MAXIMUM_LENGTH:
        pieces.pop()
    return f'"{"".join(pieces)}…"'


def _escape(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
