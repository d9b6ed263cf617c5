"""Fills `{{name}}` in user data with a server's own values, verbatim."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from byoi_tools.errors import UsageError

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_ON_ONE_LINE = ("Cc", "Cs", "Zl", "Zp")
_LONGEST_SHOWN = 60


def fill(template: bytes, values: Mapping[str, str], server: str, where: str) -> bytes:
    """Return the template with each `{{key}}` (blanks around the key are allowed) replaced by the server's value.

    Nothing is escaped: YAML that wants quotes has them in the template. Raises `UsageError` for a placeholder without
    a value, for a value with control characters, and for a file that is no UTF-8 text.
    """
    if b"{{" not in template:
        return template
    try:
        text = template.decode()
    except UnicodeDecodeError as wrong:
        raise UsageError(
            f"the user data in {where} is no UTF-8 text, and so no template",
            remedy="Write template = false where it is to be sent as it is.",
        ) from wrong
    return _PLACEHOLDER.sub(lambda found: _value_of(found[1].strip(), values, server, where), text).encode()


def _value_of(key: str, values: Mapping[str, str], server: str, where: str) -> str:
    if key not in values:
        shown = key if len(key) <= _LONGEST_SHOWN else f"{key[:_LONGEST_SHOWN]}..."
        raise UsageError(
            f"the user data in {where} asks for {{{{{shown}}}}}, and {server} has no such value",
            details=f"it has {', '.join(sorted(values))}",
            remedy="Write it under [server.values] or [defaults.values]; template = false sends the file as it is.",
        )
    if any(unicodedata.category(character) in _ON_ONE_LINE for character in values[key]):
        raise UsageError(
            f"the value {key} of {server} has control characters",
            remedy="Values are put into the user data as they are: keep each to one line of printable characters.",
        )
    return values[key]
