"""What a fleet's look at its servers writes into a pipe: a sign of life, and no line for each server."""

from __future__ import annotations

from io import StringIO

import pytest

from byoi_tools.cli.fleet_table import FleetTable


@pytest.mark.parametrize(
    ("total", "lines"),
    [
        (3, ["looking at 3 servers before anything is sent"]),
        (
            1000,
            [
                "looking at 1000 servers before anything is sent",
                *(f"looked at {done} of 1000 servers" for done in (250, 500, 750)),
            ],
        ),
    ],
)
def test_a_long_look_is_told_by_quarters(total: int, lines: list[str]) -> None:
    stream = StringIO()
    table = FleetTable([f"ns{number}" for number in range(total)], stream)
    for done in range(total + 1):
        table.servers_looked_at(done, total)
    table.close()
    assert stream.getvalue().splitlines() == lines
