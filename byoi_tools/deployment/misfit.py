"""A reason why a deployment would not work, found before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass

from byoi_tools.errors import DeploymentRefused


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong, what was seen, what is expected, and what to do."""

    message: str
    observed: str
    expected: str
    remedy: str


def refuse(server: str, misfits: tuple[Misfit, ...]) -> None:
    """Raise `DeploymentRefused` that lists the misfits; return when there are none."""
    if not misfits:
        return
    only = misfits[0].message if len(misfits) == 1 else f"{len(misfits)} reasons against it"
    raise DeploymentRefused(
        f"nothing was sent to {server}: {only}",
        details="\n".join(_describe(misfit, is_only=len(misfits) == 1) for misfit in misfits),
        remedy="\n".join(dict.fromkeys(misfit.remedy for misfit in misfits)),
    )


def _describe(misfit: Misfit, *, is_only: bool) -> str:
    seen = f"{misfit.observed}; expected: {misfit.expected}"
    return seen if is_only else f"{misfit.message}: {seen}"
