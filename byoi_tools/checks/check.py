"""What a check is: a generator function under a decorator that gives it an id, a severity and a remedy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.finding import Observation, Severity

Examine = Callable[[Subject], Iterator[Observation]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `boot` and `product` None mean that it holds for all of them.

    `examine` yields an observation for each thing that is wrong. Asking the subject for a fact that was not examined
    ends it: what it observed before stays, and without any observation the check counts as skipped with that reason.
    """

    id: str
    title: str
    severity: Severity
    remedy: str
    boot: BootMode | None
    product: Product | None
    examine: Examine

    @property
    def family(self) -> str:
        """The first half of the id, which is the name of the file that holds the check."""
        return self.id.partition(".")[0]

    @property
    def manual(self) -> str:
        """The manual page: the docstring of the check's function."""
        return inspect.getdoc(self.examine) or ""


def check(
    check_id: str,
    title: str,
    severity: Severity,
    *,
    remedy: str,
    boot: BootMode | None = None,
    product: Product | None = None,
) -> Callable[[Examine], Check]:
    """Make a check of a generator function; its docstring becomes the manual page.

    `title` states what holds when the check passes (`the disk has a partition table`).
    """

    def make(examine: Examine) -> Check:
        return Check(check_id, title, severity, remedy, boot, product, examine)

    return make
