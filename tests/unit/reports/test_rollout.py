"""How a fleet is shown: within any width and height, and harmless whatever the provider calls things."""

from __future__ import annotations

import unicodedata

import pytest

from byoi_tools.model.deployment.fleet import Ending, Standing
from byoi_tools.reports.rollout import draw_fleet, render_rollout
from byoi_tools.reports.terminal import Terminal

HOSTILE = "\033]0;owned\a\r\n\u202e evil 漢字 " + "x" * 300


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text)


def displayed(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


@pytest.mark.parametrize("width", [24, 50, 80, 200])
@pytest.mark.parametrize("height", [1, 2, 5, 50])
def test_the_table_fits_and_is_harmless(width: int, height: int) -> None:
    rows = [(f"ns{number}.{HOSTILE}", Standing.INSTALLING, HOSTILE) for number in range(20)]
    lines = draw_fleet(rows, Terminal(width), height)
    assert len(lines) == min(height, 21)
    for line in lines:
        assert is_harmless(line)
        assert displayed(line) < max(width, 36)  # what is narrower cuts a server's standing


def test_those_at_work_and_those_that_failed_are_shown_where_not_all_fit() -> None:
    rows = [(f"ns{number}", Standing.WAITING, "") for number in range(1000)]
    rows[700] = ("ns700", Standing.FAILED, "no space")
    rows[900] = ("ns900", Standing.INSTALLING, "Deploying OS on disks")
    lines = draw_fleet(rows, Terminal(80), 5)
    assert [line.split()[0] for line in lines[:2]] == ["ns900", "ns700"]
    assert lines[-1] == "1000 servers: 998 waiting, 1 installing, 1 failed"


def test_the_result_has_every_server_on_a_line_of_its_own() -> None:
    endings = [Ending("ns1", Standing.DONE, "task 7, 9 s"), Ending("ns20", Standing.FAILED, HOSTILE)]
    lines = render_rollout(endings, Terminal(80)).splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["ns1", "done"], ["ns20", "failed"]]
    assert lines[2] == "2 servers: 1 done, 1 failed"
    assert all(map(is_harmless, lines))
