"""constraints.txt: plain pins from the registry, one for each package that the project names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines), lines
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_every_requirement_is_pinned_at_a_version_that_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wishes = [project["dependencies"], *project["optional-dependencies"].values()]
    named = [Requirement(text) for wish in wishes for text in wish]
    pinned = pins()
    wrong = [str(wish) for wish in named if not wish.specifier.contains(pinned.get(canonicalize_name(wish.name), "0"))]
    missing = [wish.name for wish in named if canonicalize_name(wish.name) not in pinned]
    assert (missing, wrong) == ([], []), "run `make constraints`"
