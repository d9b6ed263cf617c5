"""What the stages tell while they work; every method does nothing until somebody cares."""

from __future__ import annotations

from byoi_tools.model.deployment.server import InstallStep, Task


class Observer:
    """Receives progress. Stages call it from any thread, and never depend on what it does."""

    def work_started(self, work: str, total_bytes: int | None) -> None:
        """Something long begins: `work` names it (`uploading`), `total_bytes` is None when it has no size."""

    def work_advanced(self, work: str, done_bytes: int) -> None:
        """So many bytes of it are done in all."""

    def work_finished(self, work: str) -> None:
        """It is done."""

    def noted(self, message: str) -> None:
        """Something worth a line, for instance that an object was reused."""

    def warned(self, message: str) -> None:
        """Something that the user should know before it hurts."""

    def step_changed(self, step: InstallStep) -> None:
        """A step of the installation changed its status."""

    def task_changed(self, task: Task) -> None:
        """The provider's task changed its status."""
