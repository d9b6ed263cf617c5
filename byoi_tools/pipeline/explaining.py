"""Which findings of the check can be the reason why a rehearsed boot ended early."""

from __future__ import annotations

from byoi_tools.model.finding import Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.rehearsal import Milestone, Rehearsal

_BOOT_LOADERS = ("esp", "bios", "ptable", "container")
_ROOT = ("root", "initrd", "driver", "kernel", "fs")
_MOUNTS = ("fstab", "fs", "root")
FAMILIES = {
    Milestone.WRITTEN: ("container", "size", "ptable"),
    Milestone.FIRMWARE: (),
    Milestone.LOADER: _BOOT_LOADERS,
    Milestone.KERNEL: ("kernel", *_BOOT_LOADERS, "boot", "fs"),
    Milestone.ROOT: _ROOT,
    Milestone.INIT: (*_MOUNTS, "kernel", "boot"),
    Milestone.NETWORK: ("net", "driver", "cloud", *_MOUNTS),
    Milestone.CLOUD_INIT: ("cloud", "driver", "net", *_MOUNTS),
    Milestone.LOGIN: (*_MOUNTS, "boot", "kernel"),
    Milestone.SSH: ("ssh", "cloud", "net"),
}

# They are information elsewhere, since servers come with Secure Boot off.
_SIGNED = "esp.secureboot-signed"
SECURE_BOOT_CHECKS = (_SIGNED, "esp.secureboot-chain", "esp.sbat")


def explain(rehearsal: Rehearsal, report: Report) -> tuple[Outcome, ...]:
    """Return the findings that can be the reason why a milestone was missed, likely families first.

    Errors alone where there are some, else warnings; nothing when no milestone was missed. Of a system whose console is
    silent, all that can go wrong after the loader. With Secure Boot, what the check says of signatures comes last, also
    that nothing is signed.
    """
    families = _families(rehearsal)
    related = [outcome for outcome in report.of_kind(OutcomeKind.FAILED) if outcome.family in families]
    worst = max((outcome.severity for outcome in related), default=Severity.INFO)
    chosen = [outcome for outcome in related if outcome.severity is worst is not Severity.INFO]
    signatures = _signatures(report) if rehearsal.order.has_secure_boot and "esp" in families else ()
    return (*sorted(chosen, key=lambda outcome: families.index(outcome.family)), *signatures)


def _families(rehearsal: Rehearsal) -> tuple[str, ...]:
    missed, milestones = rehearsal.missed, list(Milestone)
    if missed is None:
        return ()
    later = milestones[milestones.index(missed) :] if rehearsal.is_console_silent else (missed,)
    return tuple(dict.fromkeys(family for milestone in later for family in FAMILIES[milestone]))


def _signatures(report: Report) -> tuple[Outcome, ...]:
    """What failed, and the reason why there is no signature to judge."""
    return tuple(
        outcome
        for outcome in report.outcomes
        if outcome.check_id in SECURE_BOOT_CHECKS
        and (
            outcome.kind is OutcomeKind.FAILED or (outcome.check_id == _SIGNED and outcome.kind is OutcomeKind.SKIPPED)
        )
    )
