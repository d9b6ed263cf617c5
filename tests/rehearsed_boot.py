"""Rehearses a boot as a user does, and reads what came out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import byoi_tools

# On two idle cores a boot takes one to two minutes; others may use them too.
_PATIENCE = "15m"
_LONGEST_SECONDS = 1500


@dataclass(frozen=True, slots=True)
class RehearsedBoot:
    """The exit code, the JSON document, the console as it came, and all that can be said when a test fails."""

    code: int
    document: dict[str, Any]
    console: str
    said: str

    @property
    def missed(self) -> str | None:
        """The milestone that was not reached."""
        missed: str | None = self.document["missed"]
        return missed

    @property
    def explained_by(self) -> list[str]:
        """The ids of the findings that explain it."""
        return [finding["id"] for finding in self.document["explained_by"]]


def rehearse(image: Path, directory: Path, *flags: str | Path) -> RehearsedBoot:
    """Run `byoi-tools rehearse` with files in `directory`."""
    kept = directory / "kept"
    run = byoi_tools(
        "rehearse",
        image,
        *flags,
        *("--format", "json", "--keep", kept, "--work-dir", directory, "--timeout", _PATIENCE),
        seconds=_LONGEST_SECONDS,
    )
    assert run.code in (0, 1), run.said
    console = (kept / "console.txt").read_bytes().decode("utf-8", "replace")
    return RehearsedBoot(run.code, json.loads(run.output), console, run.said)
