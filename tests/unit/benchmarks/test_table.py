from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.table import BEGIN, END, Row, ratio_row, render_table, write_table
from byoi_tools.errors import UsageError


@pytest.mark.parametrize(
    ("ours", "theirs", "limit", "shown", "target", "is_met"),
    [
        (0.5, 25.0, 1 / 40, "0.50 s ÷ 25.00 s = 1/50", "at most 1/40", True),
        (1.0, 25.0, 1 / 40, "1.00 s ÷ 25.00 s = 1/25", "at most 1/40", False),
        (1.4, 10.0, 0.15, "1.40 s ÷ 10.00 s = 0.14", "at most 0.15", True),
        (6.0, 10.0, 0.6, "6.00 s ÷ 10.00 s = 0.60", "at most 0.60", True),
    ],
)
def test_ratios(ours: float, theirs: float, limit: float, shown: str, target: str, is_met: bool) -> None:
    assert ratio_row("x", ours, theirs, limit) == Row("x", shown, target, is_met)


def test_only_what_is_between_the_markers_changes(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text(f"before\n{BEGIN}\n\nold\n\n{END}\nafter\n")
    table = render_table([Row("a", "1 s", "2 s", True), Row("b", r"3 \1 s", "2 s", False)], "a machine")
    write_table(document, table)
    write_table(document, table)
    text = document.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert text.count("| a | 1 s | 2 s |\n| b | 3 \\1 s **(missed)** | 2 s |\n") == 1


def test_a_document_without_a_place_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text("nothing\n")
    with pytest.raises(UsageError):
        write_table(document, "table")


def test_the_readme_has_the_place(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text((Path(__file__).parents[3] / "README.md").read_text())
    write_table(document, "the table")
    assert f"{BEGIN}\n\nthe table\n\n{END}" in document.read_text()
