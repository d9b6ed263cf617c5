"""Runs the program as its user does: as a process, with an environment, and no terminal unless one is asked for."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "byoi-tools"
_NOT_PASSED_ON = ("BYOI_", "AWS_", "OVH_", "COLUMNS", "NO_COLOR")


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended."""

    code: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        """All that was printed."""
        return self.output + self.errors


def byoi_tools(
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    seconds: float = 300,
) -> Finished:
    """Run `byoi-tools ARGUMENTS` to its end, for so long at most; none of the caller's own settings reach it."""
    done = subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=clean_environment(environment),
        cwd=directory,
        timeout=seconds,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def run_on_terminal(columns: int, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run the program on a pseudo-terminal of that width, and return what it showed."""
    master, slave = pty.openpty()
    settings = clean_environment({"COLUMNS": str(columns), **(environment or {})})
    with subprocess.Popen(
        [str(PROGRAM), *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave, env=settings
    ) as process:
        os.close(slave)
        shown = b""
        while select.select([master], [], [], 60)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
        process.wait(60)
    os.close(master)
    return shown.decode()


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without settings of the program and of its libraries, and with `more`.

    Simulated servers boot only where a test says so, so nothing is proven unless it does.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
    return kept | {"TERM": "xterm", "BYOI_PROVE": "none"} | dict(more or {})
