"""A user who makes a plan and deploys by it, to a pretend provider that counts the requests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import Finished
from tests.deploying_scene import NAME, Scene


@dataclass
class PlanningScene:
    """The pretend server, and the folder where the plan is written."""

    scene: Scene
    folder: Path

    @property
    def file(self) -> Path:
        """The plan."""
        return self.folder / "plan.json"

    @property
    def read(self) -> dict[str, Any]:
        """What is in it."""
        document = json.loads(self.file.read_text())
        assert isinstance(document, dict)
        return document

    @property
    def receipts(self) -> str:
        """All lines of all receipts."""
        return "".join(path.read_text() for path in self.scene.state.rglob("*.jsonl"))

    def deploy(self, *more: str) -> Finished:
        """Deploy by the plan."""
        return self.scene.deploy("--plan", str(self.file), "--confirm", NAME, *more)

    def refused(self, *seen: str, code: int = 6, flags: tuple[str, ...] = ()) -> None:
        """Assert that deploying by it ends with that code and those words, and nothing was sent."""
        run = self.deploy(*flags)
        assert (run.code, self.scene.simulator.posts) == (code, 0), run.said
        for words in seen:
            assert words in " ".join(run.errors.split()), run.errors
