"""What a check found, and the report that keeps every outcome."""

from __future__ import annotations

from enum import Enum, IntEnum

from byoi_tools.model.boot import BootMode
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.waiver import Waiver


class Severity(IntEnum):
    """How bad a finding is; comparable, the worst is the greatest."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The name that reports and profiles use."""
        return self.name.lower()


class OutcomeKind(Enum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    WAIVED = "waived"
    SKIPPED = "skipped"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a check yields when something is not as it should be.

    `evidence` says where it was seen (`partition 2`, `bytes 512-603`). `remedy` and `severity` replace the check's own
    where this case has a better remedy or is less bad.
    """

    message: str
    observed: str
    expected: str
    evidence: str
    remedy: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one check; a check that observed several things has one for each.

    For a skipped or errored one `message` is the reason; `observed`, `expected` and `evidence` are empty where there is
    nothing to say. A waived one is what the check found, and the waiver because of which it does not count.
    """

    check_id: str
    kind: OutcomeKind
    severity: Severity
    message: str
    observed: str = ""
    expected: str = ""
    evidence: str = ""
    remedy: str = ""
    waiver: Waiver | None = None

    @property
    def family(self) -> str:
        """The first half of the check's id."""
        return self.check_id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """The image that a report is about; `virtual_size_bytes` is None where it could not be read."""

    path: str
    format: ImageFormat
    size_bytes: int
    virtual_size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """Every outcome of one image under one profile; `fail_on` None means that no finding fails it.

    `loader_path` is the one that would be handed to the provider, None where there is none. `guest_unknown` is the
    reason why nothing of the guest was examined, empty where it was.
    """

    image: ImageSummary
    boot: BootMode
    profile: str
    loader_path: str | None
    outcomes: tuple[Outcome, ...]
    fail_on: Severity | None
    guest_unknown: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether nothing failed at or above the threshold and no check broke (checks fail closed)."""
        return self.fail_on is None or not any(
            outcome.kind is OutcomeKind.ERRORED
            or (outcome.kind is OutcomeKind.FAILED and outcome.severity >= self.fail_on)
            for outcome in self.outcomes
        )

    @property
    def reservation(self) -> str:
        """What a good verdict must not be read without: that the guest was not examined; empty where it was."""
        if not self.guest_unknown:
            return ""
        count = sum(outcome.message == self.guest_unknown for outcome in self.of_kind(OutcomeKind.SKIPPED))
        return f"the guest was not examined ({count} checks skipped)"

    def of_kind(self, kind: OutcomeKind) -> tuple[Outcome, ...]:
        """The outcomes of one kind, in their order."""
        return tuple(outcome for outcome in self.outcomes if outcome.kind is kind)
