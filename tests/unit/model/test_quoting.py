"""Texts from images, as they are shown."""

from __future__ import annotations

import pytest

from byoi_tools.model.quoting import quote


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("root", '"root"'),
        ("", '""'),
        (r"\EFI\debian\grubx64.efi", r'"\EFI\debian\grubx64.efi"'),
        ("größe 大", '"größe 大"'),
        ('say "no"', r'"say \"no\""'),
        ("two\nlines\r\n\tand a tab", r'"two\nlines\r\n\tand a tab"'),
        ("\x1b[2J\x1b]0;title\x07", r'"\x1b[2J\x1b]0;title\x07"'),
        ("\x9b31m", r'"\x9b31m"'),
        ("right\u202eleft\u2066", r'"right\u202eleft\u2066"'),
        ("line\u2028separator\u0085", r'"line\u2028separator\x85"'),
        ("zero\u200bwidth\ufeff", r'"zero\u200bwidth\ufeff"'),
        ("lone \udce9", r'"lone \udce9"'),
        ("tag\U000e0041", r'"tag\U000e0041"'),
        ("a" * 80, '"' + "a" * 80 + '"'),
        ("a" * 81, '"' + "a" * 79 + '…"'),
        ("\x00" * 21, '"' + r"\x00" * 19 + '…"'),
        ("\x00" * 20, '"' + r"\x00" * 20 + '"'),
    ],
)
def test_quoted_texts_are_one_printable_line(text: str, shown: str) -> None:
    assert quote(text) == shown
    assert shown.isprintable()
    assert len(shown) <= 82
