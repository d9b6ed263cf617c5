"""When releases of operating systems stop getting updates: a table in `profiles/data/`, with its sources and date."""

from __future__ import annotations

import functools
import tomllib
from datetime import date

from byoi_tools.checks.profiles import profile_directory


def end_of_life(distribution: str, version: str) -> date | None:
    """The last day of free security updates of a release by `ID` and `VERSION_ID`; None for what is not listed.

    A version that is not listed is looked up without its last parts: 3.19.7 as 3.19, 9.4 as 9.
    """
    releases = _table().get(distribution, {})
    parts = version.split(".")[:4]
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((releases[name] for name in names if name in releases), None)


@functools.cache
def _table() -> dict[str, dict[str, date]]:
    text = (profile_directory() / "data" / "end-of-life.toml").read_text(encoding="utf-8")
    return {name: table for name, table in tomllib.loads(text).items() if isinstance(table, dict)}
