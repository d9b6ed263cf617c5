"""A profile: which checks run for a product and boot mode, and how bad each finding is."""

from __future__ import annotations

from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.finding import Severity
from byoi_tools.model.intent import Target


@dataclass(frozen=True, slots=True)
class CheckSetting:
    """What a profile says of the checks that `pattern` names: an id, or a family as `esp.*`.

    `severity` None keeps the check's own. A disabled check has a reason.
    """

    pattern: str
    severity: Severity | None
    disabled_reason: str | None

    def is_about(self, check_id: str) -> bool:
        """Whether the pattern names this check."""
        family, _, name = self.pattern.partition(".")
        return self.pattern == check_id or (name == "*" and check_id.startswith(f"{family}."))


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules under which an image is checked; later settings win over earlier ones. `boot` None fits both modes."""

    name: str
    description: str
    product: Product
    boot: BootMode | None
    target: Target
    settings: tuple[CheckSetting, ...]

    def severity_of(self, check_id: str, default: Severity) -> Severity:
        """The severity that the profile gives to a check's findings."""
        given = [s.severity for s in self.settings if s.severity is not None and s.is_about(check_id)]
        return given[-1] if given else default

    def disabled_reason(self, check_id: str) -> str | None:
        """Why the check does not run under this profile, or None when it does."""
        about = [s for s in self.settings if s.is_about(check_id)]
        return about[-1].disabled_reason if about else None
