"""Services of a guest: whether its init system has them and starts them."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of systemd, or a service of OpenRC or System V init under the name a unit would have (`ssh.service`).

    `started_by` are the links that start it (`/etc/systemd/system/multi-user.target.wants/ssh.service`), or the preset
    that will make one on the first boot; empty where nothing does.
    """

    name: str
    is_installed: bool
    is_masked: bool
    started_by: tuple[str, ...]

    @property
    def is_enabled(self) -> bool:
        """Whether a boot starts it."""
        return self.is_installed and not self.is_masked and bool(self.started_by)

    def __str__(self) -> str:
        if self.is_masked:
            return f"{self.name} is masked"
        if not self.is_installed:
            return f"{self.name} is not installed"
        return f"{self.name} is enabled" if self.started_by else f"{self.name} is not enabled"
